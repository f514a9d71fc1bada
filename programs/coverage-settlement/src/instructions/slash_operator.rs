use crate::errors::CoverageError;
use crate::events::{self, BondCause};
use crate::instructions::bond_changed;
use crate::state::{self, Account, CellAccount, Network, Operator};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `slash_operator`.
#[event_cpi]
#[derive(Accounts)]
pub struct SlashOperator {
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork)]
    pub operator: Account<Operator>,
    #[account(mut, constraint = address_eq(&cell.network, network.address()) @ CoverageError::WrongNetwork)]
    pub cell: CellAccount,
}

/// Takes part of an operator's bond for settled verification breaches, into the treasury.
///
/// Specification:
/// - shall slash once for each epoch that settled with a breach, by the configuration that settled it (I6): what they cost adds
///   up in the slot, to the whole bond at most, until somebody slashes
/// - shall slash what is on its way out like the rest
///
/// Callable by anyone, in any phase.
pub fn slash_operator(ctx: &mut Context<SlashOperator>, slot: u16) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let holder = *accounts.operator.address();
    let slot = state::slot_mut(&mut accounts.cell, slot)?;
    require!(slot.operator == *holder.as_array(), CoverageError::NotYourSlot);
    let slash_bps = core::mem::take(&mut slot.owed_slash_bps);
    require!(slash_bps > 0, CoverageError::NoBreach);

    let network = &mut accounts.network;
    let before = accounts.operator.bond;
    let amount_units = accounts.operator.bond.slash(slash_bps);
    network.operator_bonds = network.operator_bonds.checked_sub(amount_units).ok_or(CoverageError::Inconsistent)?;
    network.credit_treasury(amount_units)?;
    let (network, bonds) = (*network.address(), (before, accounts.operator.bond));
    events::record!(accounts, ctx.bumps, bond_changed(network, holder, BondCause::Slashed, amount_units, bonds));
    accounts.network.invariant()
}
