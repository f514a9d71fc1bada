use crate::errors::CoverageError;
use crate::events::TreasuryFunded;
use crate::instructions::Transfer;
use crate::state::Network;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use anchor_spl::{Mint, TokenAccount};

/// Accounts of `fund_treasury`.
#[derive(Accounts)]
pub struct FundTreasury {
    /// Owns the tokens.
    pub funder: Signer,
    #[account(
        mut,
        constraint = address_eq(&network.mint, mint.address()) @ CoverageError::WrongMint,
        constraint = address_eq(&network.vault, vault.address()) @ CoverageError::WrongVault
    )]
    pub network: Account<Network>,
    pub mint: Account<Mint>,
    #[account(mut)]
    pub source: Account<TokenAccount>,
    #[account(mut)]
    pub vault: Account<TokenAccount>,
    pub token_program: Program<Token>,
}

/// Adds tokens to the treasury.
///
/// Callable by anyone; not idempotent.
pub fn fund_treasury(ctx: &mut Context<FundTreasury>, amount_units: u64) -> Result<()> {
    require!(amount_units > 0, CoverageError::ZeroAmount);
    let accounts = &mut ctx.accounts;
    let available_before_units = accounts.network.treasury_available;
    accounts.network.treasury_available =
        available_before_units.checked_add(amount_units).ok_or(CoverageError::AmountOverflow)?;
    let decimals = accounts.network.decimals;
    Transfer {
        program: accounts.token_program.address(),
        from: accounts.source.cpi_handle_mut(),
        mint: accounts.mint.cpi_handle(),
        to: accounts.vault.cpi_handle_mut(),
        authority: accounts.funder.cpi_handle(),
        seeds: &[],
    }
    .invoke(amount_units, decimals);
    emit!(TreasuryFunded {
        network: *accounts.network.address(),
        funder: *accounts.funder.address(),
        amount_units,
        available_before_units,
    });
    accounts.network.invariant()
}
