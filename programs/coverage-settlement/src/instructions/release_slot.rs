use crate::errors::CoverageError;
use crate::events::{self, SlotReleased};
use crate::state::{self, Account, CellAccount, Operator, Summary, Workload};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::cell::{LEFT, Slot};

/// Accounts of `release_slot`.
#[event_cpi]
#[derive(Accounts)]
pub struct ReleaseSlot {
    pub workload: Account<Workload>,
    #[account(mut, constraint = address_eq(&operator.network, &workload.network) @ CoverageError::WrongNetwork)]
    pub operator: Account<Operator>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
}

/// Frees the slot of an operator that has left, or of any operator of a retired workload that is paid for no more.
///
/// Specification:
/// - shall wait until the cell has settled the first epoch without it: until then the slot holds what the last settlement was
///   computed from. A retired workload has no such epoch: the summary of its last settlement goes with its first slot
/// - shall refuse while something is unclaimed, or a breach not slashed for
/// - shall remember who paid the slot's rent
///
/// Callable by anyone; the number of the slot may go to another operator then.
pub fn release_slot(ctx: &mut Context<ReleaseSlot>, slot: u16) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.cell.require_unsettling()?;
    let (epoch, slots) = (accounts.cell.epoch, u64::from(accounts.cell.slots));
    let over = accounts.workload.is_over(epoch);
    let (number, operator) = (slot, &accounts.operator);
    let payer = operator.wallet;
    let slot = state::slot_mut(&mut accounts.cell, number)?;
    require!(slot.operator == *operator.address().as_array(), CoverageError::NotYourSlot);
    let gone = over || (slot.state == LEFT && epoch > slot.left_epoch);
    require!(gone && slot.earned == 0 && slot.owed_slash_bps == 0, CoverageError::SlotInUse);
    *slot = Slot::free(*payer.as_array());
    if over {
        accounts.cell.last = Summary::default();
    }
    accounts.cell.free = accounts.cell.free.saturating_add(1); // ≤ slots
    let operator = &mut accounts.operator;
    operator.cells = operator.cells.checked_sub(1).ok_or(CoverageError::Inconsistent)?;
    let workload = *accounts.workload.address();
    events::record!(accounts, ctx.bumps, SlotReleased { workload, slot: u64::from(number), slots, payer });
    accounts.cell.invariant()
}
