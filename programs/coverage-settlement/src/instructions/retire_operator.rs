use crate::errors::CoverageError;
use crate::events::{self, OperatorRetired};
use crate::state::{Account, Operator};
use anchor_lang::prelude::*;
use anchor_lang::{AccountClose, address_eq};

/// Accounts of `retire_operator`.
#[event_cpi]
#[derive(Accounts)]
pub struct RetireOperator {
    /// Gets the rent it paid.
    #[account(mut)]
    pub wallet: Signer,
    #[account(mut, constraint = address_eq(&operator.wallet, wallet.address()) @ CoverageError::WrongWallet)]
    pub operator: Account<Operator>,
}

/// Closes an operator that has no slots and no bond.
///
/// Callable by the operator's wallet, which may register again.
pub fn retire_operator(ctx: &mut Context<RetireOperator>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let unused = accounts.operator.cells == 0 && accounts.operator.bond.units == 0;
    require!(unused, CoverageError::OperatorInUse);
    let (network, claimed_units) = (accounts.operator.network, accounts.operator.claimed);
    let operator = *accounts.operator.address();
    accounts.operator.close(*accounts.wallet.account())?;
    events::record!(accounts, ctx.bumps, OperatorRetired { network, operator, claimed_units });
    Ok(())
}
