use crate::errors::CoverageError;
use crate::events::{self, CellSwept};
use crate::state::{Account, CellAccount, Network, Phase, Workload};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `sweep_cell`.
#[event_cpi]
#[derive(Accounts)]
pub struct SweepCell {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(constraint = address_eq(&workload.network, network.address()) @ CoverageError::WrongNetwork)]
    pub workload: Account<Workload>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
}

/// Moves what a cell owes the treasury there: what capped carries returned and, when the last epoch of a retired workload
/// is settled, its carry and what sponsors added too late.
///
/// Callable by anyone, in any phase; idempotent: moving nothing is a clean no-op.
pub fn sweep_cell(ctx: &mut Context<SweepCell>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let cell = &mut accounts.cell;
    let returned_units = core::mem::take(&mut cell.returned);
    let (mut carry_units, mut sponsored_units) = (0, 0);
    if accounts.workload.is_over(cell.epoch) && cell.phase == Phase::Collecting as u8 {
        carry_units = core::mem::take(&mut cell.carry);
        sponsored_units = core::mem::take(&mut cell.sponsored);
    }
    let sum = returned_units.checked_add(carry_units).and_then(|sum| sum.checked_add(sponsored_units));
    let sum = sum.ok_or(CoverageError::AmountOverflow)?;
    if sum == 0 {
        return Ok(());
    }
    let available_before_units = accounts.network.treasury_available;
    accounts.network.credit_treasury(sum)?;
    let workload = accounts.cell.workload;
    events::record!(
        accounts,
        ctx.bumps,
        CellSwept { workload, returned_units, carry_units, sponsored_units, available_before_units }
    );
    accounts.cell.invariant()?;
    accounts.network.invariant()
}
