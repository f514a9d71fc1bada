use crate::events::{self, TreasuryFunded};
use crate::state::{Account, Network};
use crate::token::Deposit;
use anchor_lang::prelude::*;

/// Accounts of `fund_treasury`.
#[event_cpi]
#[derive(Accounts)]
pub struct FundTreasury {
    /// Owns the tokens.
    pub funder: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub source: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

/// Adds tokens to the treasury.
///
/// Callable by anyone; not idempotent.
pub fn fund_treasury(ctx: &mut Context<FundTreasury>, amount_units: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let available_before_units = accounts.network.treasury_available;
    accounts.network.credit_treasury(amount_units)?;
    Deposit {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        source: &mut accounts.source,
        authority: &accounts.funder,
    }
    .take(amount_units)?;
    events::record!(
        accounts,
        ctx.bumps,
        TreasuryFunded {
            network: *accounts.network.address(),
            funder: *accounts.funder.address(),
            amount_units,
            available_before_units,
        }
    );
    accounts.network.invariant()
}
