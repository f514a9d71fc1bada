use crate::errors::CoverageError;
use crate::events::{self, CellLeft};
use crate::instructions::now;
use crate::state::{self, Account, CellAccount, Network, Operator};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::cell::{ACTIVE, LEFT};

/// Accounts of `leave_cell`.
#[event_cpi]
#[derive(Accounts)]
pub struct LeaveCell {
    pub wallet: Signer,
    pub network: Account<Network>,
    #[account(
        constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork,
        constraint = address_eq(&operator.wallet, wallet.address()) @ CoverageError::WrongWallet
    )]
    pub operator: Account<Operator>,
    #[account(mut, constraint = address_eq(&cell.network, network.address()) @ CoverageError::WrongNetwork)]
    pub cell: CellAccount,
}

/// Has a slot count no more from the next epoch on. What it earned, and earns until then, stays claimable.
///
/// Callable by the operator's wallet, in any phase: no epoch begun is touched (I6).
pub fn leave_cell(ctx: &mut Context<LeaveCell>, slot: u16) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let left_epoch = accounts.network.first_free_epoch(now()?);
    let (number, operator, workload) = (slot, *accounts.operator.address(), accounts.cell.workload);
    let slot = state::slot_mut(&mut accounts.cell, number)?;
    require!(slot.operator == *operator.as_array(), CoverageError::NotYourSlot);
    require!(slot.state == ACTIVE, CoverageError::AlreadyLeft);
    slot.state = LEFT;
    slot.left_epoch = left_epoch;
    events::record!(accounts, ctx.bumps, CellLeft { workload, operator, slot: u64::from(number), left_epoch });
    accounts.cell.invariant()
}
