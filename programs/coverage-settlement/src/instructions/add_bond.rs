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
    /// Owns the tokens. Nobody else may add any: a unit at the right time would keep an operator from retiring.
    pub wallet: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(
        mut,
        constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork,
        constraint = address_eq(&operator.wallet, wallet.address()) @ CoverageError::WrongWallet
    )]
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
/// Callable by the operator's wallet; not idempotent.
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
        authority: &accounts.wallet,
    }
    .take(amount_units)?;
    let (network, holder) = (*accounts.network.address(), *accounts.operator.address());
    let bonds = (before, accounts.operator.bond);
    events::record!(accounts, ctx.bumps, bond_changed(network, holder, BondCause::Added, amount_units, bonds));
    accounts.network.invariant()
}
