use crate::errors::CoverageError;
use crate::events::{self, BondCause};
use crate::instructions::{bond_changed, now};
use crate::state::{Account, Committee, Network};
use crate::token::Payment;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `withdraw_attester_bond`.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawAttesterBond {
    /// Pays for the attester's token account if it has to be created; may be the attester. SAFETY: neither's data is touched.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
    /// The attester's key.
    pub attester: UncheckedAccount,
    /// The associated token account of that key; created if missing.
    #[account(mut)]
    pub attester_account: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
    pub associated_token_program: UncheckedAccount,
    pub system_program: Program<System>,
}

/// Pays what of an attester's bond is on its way out to the token account of its key.
///
/// Callable by anyone, in any phase, once the time has come.
pub fn withdraw_attester_bond(ctx: &mut Context<WithdrawAttesterBond>, place: u8) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let attester = accounts.committee.place_mut(place)?;
    let (before, holder) = (attester.bond, attester.key);
    require!(address_eq(&holder, accounts.attester.address()), CoverageError::WrongWallet);
    let amount_units = attester.bond.withdraw(now()?)?;
    let after = attester.bond;
    let bonds = accounts.network.attester_bonds.checked_sub(amount_units);
    accounts.network.attester_bonds = bonds.ok_or(CoverageError::Inconsistent)?;
    Payment {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        payer: *accounts.payer.account(),
        owner: *accounts.attester.account(),
        account: &mut accounts.attester_account,
        associated_token_program: &accounts.associated_token_program,
        system_program: &accounts.system_program,
    }
    .give(amount_units)?;
    let network = *accounts.network.address();
    let event = bond_changed(network, holder, BondCause::Withdrawn, amount_units, (before, after));
    events::record!(accounts, ctx.bumps, event);
    accounts.network.invariant()
}
