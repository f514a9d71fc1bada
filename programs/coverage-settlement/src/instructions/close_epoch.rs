use crate::errors::CoverageError;
use crate::events::{self, EpochClosed};
use crate::state::{Account, CellAccount, Epoch};
use anchor_lang::prelude::*;
use anchor_lang::{AccountClose, AnchorAccount, address_eq};

/// Accounts of `close_epoch`; behind them cells that have settled the epoch.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseEpoch {
    #[account(mut, constraint = address_eq(&epoch.payer, payer.address()) @ CoverageError::WrongPayer)]
    pub epoch: Account<Epoch>,
    /// Who paid for the epoch: gets its rent.
    #[account(mut)]
    pub payer: UncheckedAccount,
}

/// Takes note of cells that are done with an epoch, and closes it after the last.
///
/// A cell tells of its epochs in order, here and not when it settles: cells that settle share no writable account.
///
/// Specification:
/// - shall close an epoch only when every cell that was paid for in it has settled it
///
/// Callable by anyone, with as many cells at a time as fit; each cell tells once for each epoch.
pub fn close_epoch(ctx: &mut Context<CloseEpoch>) -> Result<()> {
    let cells = ctx.remaining_accounts()?;
    let accounts = &mut ctx.accounts;
    for view in cells {
        // SAFETY: each is dropped before the next is loaded, so one passed twice is not borrowed twice, and an epoch is no cell.
        let mut cell = unsafe { CellAccount::load_mut(view)? };
        let epoch = &mut accounts.epoch;
        require!(address_eq(&cell.network, &epoch.network), CoverageError::WrongNetwork);
        let done = cell.reported_epoch == epoch.index && cell.epoch > epoch.index;
        require!(done, CoverageError::EpochInUse);
        cell.reported_epoch = cell.reported_epoch.saturating_add(1); // ≤ cell.epoch
        epoch.cells_left = epoch.cells_left.checked_sub(1).ok_or(CoverageError::Inconsistent)?;
        cell.invariant()?;
    }
    if accounts.epoch.cells_left == 0 {
        let (network, epoch) = (accounts.epoch.network, accounts.epoch.index);
        accounts.epoch.close(*accounts.payer.account())?;
        events::record!(accounts, ctx.bumps, EpochClosed { network, epoch });
    }
    Ok(())
}
