use crate::errors::CoverageError;
use crate::events::{self, SlotReleased};
use crate::state::{self, CellAccount};
use anchor_lang::AccountRealloc;
use anchor_lang::prelude::*;
use coverage_math::cell::FREE;

/// Accounts of `trim_cell`; behind them the wallets that paid for the free slots at the end of the cell, from the last on.
#[event_cpi]
#[derive(Accounts)]
pub struct TrimCell {
    #[account(mut)]
    pub cell: CellAccount,
}

/// Takes free slots off the end of a cell and gives their rent back to who paid it.
///
/// Specification:
/// - shall take one slot for each wallet passed, and refuse one that is not free or was paid by another
///
/// Callable by anyone.
pub fn trim_cell(ctx: &mut Context<TrimCell>) -> Result<()> {
    let payers = ctx.remaining_accounts()?;
    let accounts = &mut ctx.accounts;
    accounts.cell.require_unsettling()?;
    for payer in payers {
        let cell = &mut accounts.cell;
        let last = cell.slots.checked_sub(1).ok_or(CoverageError::SlotInUse)?;
        let slot = state::slot_mut(cell, last)?;
        require!(slot.state == FREE, CoverageError::SlotInUse);
        require!(slot.operator == *payer.address().as_array(), CoverageError::WrongRefund);
        // What the settlement of the last slot left becomes scratch, or goes with the account's end.
        let items = state::items_for(usize::from(last));
        cell.slots = last;
        cell.free = cell.free.checked_sub(1).ok_or(CoverageError::Inconsistent)?;
        cell.truncate(items);
        cell.realloc_account(CellAccount::try_space_for(items as u32)?, payer, false)?; // ≤ 1,035 items
        let workload = cell.workload;
        let (slot, slots, payer) = (u64::from(last), u64::from(last), *payer.address());
        events::record!(accounts, ctx.bumps, SlotReleased { workload, slot, slots, payer });
    }
    accounts.cell.invariant()
}
