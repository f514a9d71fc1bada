use crate::errors::CoverageError;
use crate::events::{self, PoolSponsored};
use crate::state::{Account, CellAccount, Network, WORKLOAD_ACTIVE, Workload};
use crate::token::Deposit;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `sponsor_workload`.
#[event_cpi]
#[derive(Accounts)]
pub struct SponsorWorkload {
    /// Owns the tokens.
    pub sponsor: Signer,
    pub network: Account<Network>,
    #[account(constraint = address_eq(&workload.network, network.address()) @ CoverageError::WrongNetwork)]
    pub workload: Account<Workload>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub source: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

/// Adds tokens to the pool of one workload: to that of the epoch in hand, or of the next if it is sealed.
///
/// Specification:
/// - shall be spent like the rest of the pool, and be shown apart
/// - shall refuse a retired workload, whose pools may all be over
///
/// Callable by anyone; not idempotent.
pub fn sponsor_workload(ctx: &mut Context<SponsorWorkload>, amount_units: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    require!(accounts.workload.status == WORKLOAD_ACTIVE, CoverageError::WorkloadRetired);
    let sponsored_before_units = accounts.cell.sponsored;
    accounts.cell.sponsored = sponsored_before_units.checked_add(amount_units).ok_or(CoverageError::AmountOverflow)?;
    Deposit {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        source: &mut accounts.source,
        authority: &accounts.sponsor,
    }
    .take(amount_units)?;
    events::record!(
        accounts,
        ctx.bumps,
        PoolSponsored {
            workload: *accounts.workload.address(),
            sponsor: *accounts.sponsor.address(),
            amount_units,
            sponsored_before_units,
        }
    );
    accounts.cell.invariant()
}
