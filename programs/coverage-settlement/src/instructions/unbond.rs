use crate::errors::CoverageError;
use crate::events::{self, BondCause};
use crate::instructions::{bond_changed, now};
use crate::state::{Account, Network, Operator};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `unbond`.
#[event_cpi]
#[derive(Accounts)]
pub struct Unbond {
    pub wallet: Signer,
    pub network: Account<Network>,
    #[account(
        mut,
        constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork,
        constraint = address_eq(&operator.wallet, wallet.address()) @ CoverageError::WrongWallet
    )]
    pub operator: Account<Operator>,
}

/// Sends part of an operator's bond on its way out.
///
/// Specification:
/// - shall keep it until an epoch after the last window in which it can be slashed for anything done so far
/// - shall leave at least the minimum bond to an operator that has slots
///
/// Callable by the operator's wallet; adds to what is on its way already, all of which waits for the later time.
pub fn unbond(ctx: &mut Context<Unbond>, amount_units: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, operator) = (&accounts.network, &mut accounts.operator);
    let before = operator.bond;
    operator.bond.unbond(amount_units, network.withdrawable_ts(now()?)?)?;
    let enough = operator.cells == 0 || operator.bond.active() >= network.config.min_operator_bond;
    require!(enough, CoverageError::BondNeeded);
    let (network, holder) = (*network.address(), *operator.address());
    let bonds = (before, operator.bond);
    events::record!(accounts, ctx.bumps, bond_changed(network, holder, BondCause::Unbonding, amount_units, bonds));
    Ok(())
}
