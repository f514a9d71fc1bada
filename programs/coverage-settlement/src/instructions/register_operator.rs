use crate::constants::PAUSE_ENROL;
use crate::errors::CoverageError;
use crate::events::{self, BondCause, OperatorRegistered};
use crate::instructions::{bond_changed, now};
use crate::state::{Account, Bond, Network, OPERATOR_SEED, Operator};
use crate::token::Deposit;
use anchor_lang::prelude::*;

/// Accounts of `register_operator`.
#[event_cpi]
#[derive(Accounts)]
pub struct RegisterOperator {
    /// Signs for the operator from now on; pays the rent and owns the bond.
    #[account(mut)]
    pub wallet: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(
        init, payer = wallet,
        seeds = [OPERATOR_SEED, network.address().as_ref(), wallet.address().as_ref()], bump
    )]
    pub operator: Account<Operator>,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub source: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
    pub system_program: Program<System>,
}

/// Registers the signer as an operator, with its bond.
///
/// Specification:
/// - shall begin the sequence of failure domains where that of no earlier operator is: one that retired and came back has
///   nothing of what was signed for it before
///
/// Callable by anyone; once for each wallet, and again when it has retired.
pub fn register_operator(ctx: &mut Context<RegisterOperator>, payout: Address, bond_units: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let network = &mut accounts.network;
    network.require_running(PAUSE_ENROL, now()?)?;
    require!(bond_units >= network.config.min_operator_bond, CoverageError::InvalidBond);
    require!(payout != Address::default(), CoverageError::InvalidPayout);
    network.operators = network.operators.checked_add(1).ok_or(CoverageError::AmountOverflow)?;
    network.operator_bonds = network.operator_bonds.checked_add(bond_units).ok_or(CoverageError::AmountOverflow)?;

    let operator = &mut accounts.operator;
    operator.bump = ctx.bumps.operator;
    operator.network = *network.address();
    operator.wallet = *accounts.wallet.address();
    operator.payout = payout;
    operator.bond.add(bond_units)?;
    // 2^32 failure domains for each of 2^32 registrations.
    operator.domain_version = network.operators.checked_mul(1 << 32).ok_or(CoverageError::AmountOverflow)?;
    let (domain_version, bond) = (operator.domain_version, operator.bond);
    Deposit {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        source: &mut accounts.source,
        authority: &accounts.wallet,
    }
    .take(bond_units)?;
    let (network, operator) = (*accounts.network.address(), *accounts.operator.address());
    let wallet = *accounts.wallet.address();
    events::record!(accounts, ctx.bumps, OperatorRegistered { network, operator, wallet, payout, domain_version });
    let event = bond_changed(network, operator, BondCause::Added, bond_units, (Bond::default(), bond));
    events::record!(accounts, ctx.bumps, event);
    accounts.network.invariant()
}
