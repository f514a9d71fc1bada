use crate::errors::CoverageError;
use crate::events::{self, SlotSynced};
use crate::instructions::now;
use crate::state::{self, Account, CellAccount, Network, Operator};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::cell::ACTIVE;

/// Accounts of `sync_slot`.
#[event_cpi]
#[derive(Accounts)]
pub struct SyncSlot {
    pub network: Account<Network>,
    #[account(constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork)]
    pub operator: Account<Operator>,
    #[account(mut, constraint = address_eq(&cell.network, network.address()) @ CoverageError::WrongNetwork)]
    pub cell: CellAccount,
}

/// Gives a slot its operator's present bond and failure domain, which count from the next epoch.
///
/// Specification:
/// - shall leave every epoch begun as it is (I6): a change that waits for an epoch the cell has not come to is not replaced
///
/// Callable by anyone: whoever shares a failure domain with the operator wants it done. Idempotent.
pub fn sync_slot(ctx: &mut Context<SyncSlot>, slot: u16) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.cell.require_unsettling()?;
    let epoch = accounts.network.first_free_epoch(now()?);
    let (workload, in_hand) = (accounts.cell.workload, accounts.cell.epoch);
    let (number, operator) = (slot, &accounts.operator);
    let (bond_units, domain) = (operator.bond.active(), operator.domain);
    let slot = state::slot_mut(&mut accounts.cell, number)?;
    require!(slot.operator == *operator.address().as_array(), CoverageError::NotYourSlot);
    require!(slot.state == ACTIVE, CoverageError::AlreadyLeft);
    let (bond_before_units, domain_before) = (slot.staged_bond, slot.staged_domain);
    let changed = slot.stage(bond_units, domain, epoch, in_hand).map_err(|_| CoverageError::SlotPending)?;
    if changed {
        events::record!(
            accounts,
            ctx.bumps,
            SlotSynced {
                workload,
                slot: u64::from(number),
                epoch,
                bond_before_units,
                bond_units,
                domain_before: u64::from(domain_before),
                domain: u64::from(domain),
            }
        );
    }
    accounts.cell.invariant()
}
