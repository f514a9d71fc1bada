use crate::constants::PAUSE_SETTLE;
use crate::errors::CoverageError;
use crate::events::{self, CellSettled};
use crate::instructions::now;
use crate::state::{self, Account, CellAccount, Epoch, Network, Phase, Summary, Workload};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::cell::{self as kernel, CellError, Progress, Settled, Terms};
use coverage_math::pool;

/// Accounts of `settle_cell`.
#[event_cpi]
#[derive(Accounts)]
pub struct SettleCell {
    pub network: Account<Network>,
    #[account(constraint = address_eq(&epoch.network, network.address()) @ CoverageError::WrongNetwork)]
    pub epoch: Account<Epoch>,
    #[account(constraint = address_eq(&workload.network, network.address()) @ CoverageError::WrongNetwork)]
    pub workload: Account<Workload>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
}

/// Computes everybody's marginal coverage and credits the rewards, as far as `step_units` compute units allow.
///
/// The caller says how many, because the syscall that would tell is not active on every cluster. Too many, and the
/// transaction runs out of compute units and changes nothing.
///
/// Specification:
/// - shall refuse before the challenge window is over
/// - shall give the same bytes in one transaction or many, whoever sends them (I7)
/// - shall split the pool into rewards, carry and what returns, exactly (I2), and hand the cell to the next epoch
///
/// Callable by anyone, again and again until the cell collects for the next epoch; each epoch settles once (I4).
pub fn settle_cell(ctx: &mut Context<SettleCell>, step_units: u32) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (epoch, cell) = (&accounts.epoch, &mut accounts.cell);
    require!(epoch.index == cell.epoch, CoverageError::WrongEpoch);
    require!(cell.phase != Phase::Collecting as u8, CoverageError::NotSealed);
    let window = i64::try_from(epoch.config.challenge_seconds).map_err(|_| CoverageError::AmountOverflow)?;
    let now = now()?;
    accounts.network.require_running(PAUSE_SETTLE, now)?;
    require!(now >= cell.sealed_ts.saturating_add(window), CoverageError::ChallengeNotOver);

    let terms = Terms {
        epoch: cell.epoch,
        rule: epoch.config.rule()?,
        z_milli: epoch.config.z_milli,
        breach_bps: epoch.config.breach_bps,
        slash_bps: epoch.config.slash_bps,
        pool: cell.pool,
    };
    let mut progress: Progress = cell.progress();
    let (slots, order) = state::slots_and_scratch(cell)?;
    let settled = kernel::settle(slots, order, &mut progress, &terms, u64::from(step_units)).map_err(kernel_error)?;
    cell.progress = bytemuck::cast(progress);
    cell.phase = Phase::Settling as u8;
    if let Some(settled) = settled {
        let event = finish(cell, epoch, accounts.workload.weight_in(terms.epoch), &settled)?;
        events::record!(accounts, ctx.bumps, event);
    }
    accounts.cell.invariant()
}

fn kernel_error(error: CellError) -> CoverageError {
    match error {
        CellError::BudgetTooSmall => CoverageError::StepUnitsTooFew,
        CellError::TooManyAttempts
        | CellError::BadSlot
        | CellError::NotEffective
        | CellError::BadLayout
        | CellError::NotCounted
        | CellError::StagedBefore
        | CellError::BadProgress => CoverageError::Inconsistent,
    }
}

/// Books the pool and hands the cell to the next epoch; returns what to tell.
fn finish(cell: &mut CellAccount, epoch: &Epoch, weight: u64, settled: &Settled) -> Result<CellSettled> {
    let carry_cap = pool::carry_cap(epoch.config.carry_cap_epochs, epoch.unit, weight);
    let rest = pool::remainder(cell.pool, settled.paid, carry_cap).ok_or(CoverageError::Inconsistent)?;
    cell.last = Summary {
        epoch: cell.epoch,
        coverage_q64: settled.coverage_q64,
        pool: cell.pool,
        paid: settled.paid,
        carry: rest.carry,
        returned: rest.returned,
        sponsored: cell.pool_sponsored,
        carry_cap,
        outcomes: settled.outcomes,
        z_milli: epoch.config.z_milli,
        breach_bps: epoch.config.breach_bps,
        rule: epoch.config.rule,
        reserved: 0,
        slots: cell.slots,
        contributing: settled.contributing,
        domains: settled.domains,
        batches: cell.batches.saturating_sub(u64::from(cell.removed)) as u16, // ≤ MAX_BATCHES
    };
    let earned_before_units = cell.earned;
    cell.earned = earned_before_units.checked_add(settled.paid).ok_or(CoverageError::AmountOverflow)?;
    cell.returned = cell.returned.checked_add(rest.returned).ok_or(CoverageError::AmountOverflow)?;
    // Sponsors may have added for the next pool since the cell was sealed; carry was emptied then.
    cell.carry = rest.carry;
    cell.pool = 0;
    cell.pool_sponsored = 0;
    cell.batches = 0;
    cell.removed = 0;
    cell.sealed_ts = 0;
    cell.phase = Phase::Collecting as u8;
    cell.epoch = cell.epoch.checked_add(1).ok_or(CoverageError::AmountOverflow)?;
    cell.settlements = cell.settlements.saturating_add(1);
    Ok(CellSettled {
        workload: cell.workload,
        epoch: cell.last.epoch,
        coverage_q64: settled.coverage_q64,
        pool_units: cell.last.pool,
        paid_units: settled.paid,
        carry_units: rest.carry,
        returned_units: rest.returned,
        earned_before_units,
    })
}
