use crate::errors::CoverageError;
use crate::events::{self, BondCause};
use crate::instructions::bond_changed;
use crate::state::{Account, Committee, Network};
use crate::token::Deposit;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `add_attester_bond`.
#[event_cpi]
#[derive(Accounts)]
pub struct AddAttesterBond {
    /// Owns the tokens; what it adds is the attester's from then on.
    pub funder: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub source: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
}

/// Adds tokens to the bond of the attester in a place. Its weight counts while its bond is at least the network's minimum.
///
/// Specification:
/// - shall refuse an attester that is not in the committee: a unit at the right time would keep its place taken
///
/// Callable by anyone; not idempotent.
pub fn add_attester_bond(ctx: &mut Context<AddAttesterBond>, place: u8, amount_units: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let attester = accounts.committee.place_mut(place)?;
    require!(attester.weight > 0, CoverageError::UnknownAttester);
    let (before, holder) = (attester.bond, attester.key);
    attester.bond.add(amount_units)?;
    let after = attester.bond;
    let bonds = accounts.network.attester_bonds.checked_add(amount_units);
    accounts.network.attester_bonds = bonds.ok_or(CoverageError::AmountOverflow)?;
    Deposit {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        source: &mut accounts.source,
        authority: &accounts.funder,
    }
    .take(amount_units)?;
    let network = *accounts.network.address();
    let event = bond_changed(network, holder, BondCause::Added, amount_units, (before, after));
    events::record!(accounts, ctx.bumps, event);
    accounts.network.invariant()
}
