use crate::errors::CoverageError;
use crate::events::{self, BondCause};
use crate::instructions::bond_changed;
use crate::state::{Account, Network, Operator};
use crate::token::Deposit;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `add_bond`.
#[event_cpi]
#[derive(Accounts)]
pub struct AddBond {
    /// Owns the tokens; what it adds is the operator's from then on.
    pub funder: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork)]
    pub operator: Account<Operator>,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub source: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

/// Adds tokens to an operator's bond. They count in a slot from the epoch after `sync_slot`.
///
/// Callable by anyone; not idempotent.
pub fn add_bond(ctx: &mut Context<AddBond>, amount_units: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let before = accounts.operator.bond;
    accounts.operator.bond.add(amount_units)?;
    let bonds = accounts.network.operator_bonds.checked_add(amount_units);
    accounts.network.operator_bonds = bonds.ok_or(CoverageError::AmountOverflow)?;
    Deposit {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        source: &mut accounts.source,
        authority: &accounts.funder,
    }
    .take(amount_units)?;
    let (network, holder) = (*accounts.network.address(), *accounts.operator.address());
    let bonds = (before, accounts.operator.bond);
    events::record!(accounts, ctx.bumps, bond_changed(network, holder, BondCause::Added, amount_units, bonds));
    accounts.network.invariant()
}
