use crate::errors::CoverageError;
use crate::events::{self, BondCause};
use crate::instructions::{bond_changed, now};
use crate::state::{Account, Network, Operator};
use crate::token::Payment;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `withdraw_bond`.
#[event_cpi]
#[derive(Accounts)]
pub struct WithdrawBond {
    /// Pays for the wallet's token account if it has to be created; may be that wallet. SAFETY: neither's data is touched.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(
        mut,
        constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork,
        constraint = address_eq(&operator.wallet, wallet.address()) @ CoverageError::WrongWallet
    )]
    pub operator: Account<Operator>,
    pub wallet: UncheckedAccount,
    /// The wallet's associated token account; created if missing.
    #[account(mut)]
    pub wallet_account: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
    pub associated_token_program: UncheckedAccount,
    pub system_program: Program<System>,
}

/// Pays what of an operator's bond is on its way out to its wallet.
///
/// Callable by anyone, in any phase, once the time has come.
pub fn withdraw_bond(ctx: &mut Context<WithdrawBond>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let before = accounts.operator.bond;
    let amount_units = accounts.operator.bond.withdraw(now()?)?;
    let bonds = accounts.network.operator_bonds.checked_sub(amount_units);
    accounts.network.operator_bonds = bonds.ok_or(CoverageError::Inconsistent)?;
    Payment {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        payer: *accounts.payer.account(),
        owner: *accounts.wallet.account(),
        account: &mut accounts.wallet_account,
        associated_token_program: &accounts.associated_token_program,
        system_program: &accounts.system_program,
    }
    .give(amount_units)?;
    let (network, holder) = (*accounts.network.address(), *accounts.operator.address());
    let bonds = (before, accounts.operator.bond);
    events::record!(accounts, ctx.bumps, bond_changed(network, holder, BondCause::Withdrawn, amount_units, bonds));
    accounts.network.invariant()
}
