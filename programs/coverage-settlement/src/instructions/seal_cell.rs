use crate::constants::{PAUSE_ATTEST, PAUSE_SETTLE};
use crate::errors::CoverageError;
use crate::events::{self, CellSealed};
use crate::instructions::now;
use crate::state::{Account, CellAccount, Epoch, Network, Phase, Workload};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::pool;

/// Accounts of `seal_cell`.
#[event_cpi]
#[derive(Accounts)]
pub struct SealCell {
    pub network: Account<Network>,
    #[account(constraint = address_eq(&epoch.network, network.address()) @ CoverageError::WrongNetwork)]
    pub epoch: Account<Epoch>,
    #[account(constraint = address_eq(&workload.network, network.address()) @ CoverageError::WrongNetwork)]
    pub workload: Account<Workload>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
}

/// Ends the collecting of outcomes for the epoch in hand and fixes its pool.
///
/// Specification:
/// - shall refuse before the epoch's end plus grace, and while applying is paused: evidence must not miss its epoch for that
/// - shall refuse an epoch that a retired workload is not paid for
/// - shall make `pool = unit · weight + carry + sponsored`, all of which it takes out of the cell's other amounts
///
/// Callable by anyone; each epoch is sealed once.
pub fn seal_cell(ctx: &mut Context<SealCell>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (epoch, cell) = (&accounts.epoch, &mut accounts.cell);
    cell.require_phase(Phase::Collecting, CoverageError::NotCollecting)?;
    require!(!accounts.workload.is_over(cell.epoch), CoverageError::WorkloadRetired);
    require!(epoch.index == cell.epoch, CoverageError::WrongEpoch);
    let grace = i64::try_from(epoch.config.grace_seconds).map_err(|_| CoverageError::AmountOverflow)?;
    let now = now()?;
    accounts.network.require_running(PAUSE_ATTEST | PAUSE_SETTLE, now)?;
    require!(now >= epoch.end_ts.saturating_add(grace), CoverageError::EpochNotOver);

    let (carry_units, sponsored_units) = (cell.carry, cell.sponsored);
    let weight = accounts.workload.weight_in(cell.epoch);
    let pool = pool::pool(epoch.unit, weight, carry_units, sponsored_units).ok_or(CoverageError::AmountOverflow)?;
    cell.pool = pool;
    cell.pool_sponsored = sponsored_units;
    cell.carry = 0;
    cell.sponsored = 0;
    cell.phase = Phase::Challenge as u8;
    cell.sealed_ts = now;
    let (workload, epoch) = (cell.workload, cell.epoch);
    let allocated_units = pool.saturating_sub(carry_units).saturating_sub(sponsored_units);
    events::record!(
        accounts,
        ctx.bumps,
        CellSealed { workload, epoch, pool_units: pool, allocated_units, carry_units, sponsored_units, sealed_ts: now }
    );
    accounts.cell.invariant()
}
