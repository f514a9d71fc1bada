use crate::errors::CoverageError;
use crate::events::{self, CellClosed};
use crate::state::{Account, BatchLogAccount, CellAccount, Phase, Workload};
use anchor_lang::prelude::*;
use anchor_lang::{AccountClose, address_eq};

/// Accounts of `close_cell`.
#[event_cpi]
#[derive(Accounts)]
pub struct CloseCell {
    #[account(constraint = address_eq(&workload.payer, payer.address()) @ CoverageError::WrongPayer)]
    pub workload: Account<Workload>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
    #[account(mut, constraint = address_eq(&log.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub log: BatchLogAccount,
    /// Who paid for the workload: gets the rent of cell and log.
    #[account(mut)]
    pub payer: UncheckedAccount,
}

/// Closes the cell and the log of a retired workload.
///
/// Specification:
/// - shall refuse while an epoch is not settled or not told of, a slot not trimmed, or a token unit in it
/// - shall leave the workload's account, so that neither cell nor log can ever be made again
///
/// Callable by anyone; once.
pub fn close_cell(ctx: &mut Context<CloseCell>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let cell = &accounts.cell;
    let amounts = [cell.pool, cell.carry, cell.sponsored, cell.returned, cell.earned];
    let unused = accounts.workload.is_over(cell.epoch)
        && cell.phase == Phase::Collecting as u8
        && cell.reported_epoch == cell.epoch
        && cell.slots == 0
        && amounts.iter().all(|amount| *amount == 0);
    require!(unused, CoverageError::CellInUse);
    let (workload, epoch, payer) = (cell.workload, cell.epoch, *accounts.payer.account());
    accounts.log.close(payer)?;
    accounts.cell.close(payer)?;
    events::record!(accounts, ctx.bumps, CellClosed { workload, epoch });
    Ok(())
}
