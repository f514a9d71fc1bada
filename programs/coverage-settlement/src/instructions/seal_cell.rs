use crate::errors::CoverageError;
use crate::events::CellSealed;
use crate::instructions::now;
use crate::state::{CellAccount, Epoch, Phase, Workload};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::pool;

/// Accounts of `seal_cell`.
#[derive(Accounts)]
pub struct SealCell {
    #[account(constraint = address_eq(&epoch.network, &workload.network) @ CoverageError::WrongNetwork)]
    pub epoch: Account<Epoch>,
    pub workload: Account<Workload>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
}

/// Ends the collecting of outcomes for the epoch in hand and fixes its pool.
///
/// Specification:
/// - shall refuse before the epoch's end plus grace
/// - shall make `pool = unit · weight + carry + sponsored`, all of which it takes out of the cell's other amounts
///
/// Callable by anyone; each epoch is sealed once.
pub fn seal_cell(ctx: &mut Context<SealCell>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (epoch, cell) = (&accounts.epoch, &mut accounts.cell);
    cell.require_phase(Phase::Collecting, CoverageError::NotCollecting)?;
    require!(epoch.index == cell.epoch, CoverageError::WrongEpoch);
    let grace = i64::try_from(epoch.config.grace_seconds).map_err(|_| CoverageError::AmountOverflow)?;
    let now = now()?;
    require!(now >= epoch.end_ts.saturating_add(grace), CoverageError::EpochNotOver);

    let (carry_units, sponsored_units) = (cell.carry, cell.sponsored);
    let weight = accounts.workload.weight_in(cell.epoch);
    let pool = pool::pool(epoch.unit, weight, carry_units, sponsored_units).ok_or(CoverageError::AmountOverflow)?;
    cell.pool = pool;
    cell.carry = 0;
    cell.sponsored = 0;
    cell.phase = Phase::Challenge as u8;
    cell.sealed_ts = now;
    emit!(CellSealed {
        workload: cell.workload,
        epoch: cell.epoch,
        pool_units: pool,
        allocated_units: pool.saturating_sub(carry_units).saturating_sub(sponsored_units),
        carry_units,
        sponsored_units,
    });
    cell.invariant()
}
