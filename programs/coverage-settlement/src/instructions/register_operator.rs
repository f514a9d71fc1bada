use crate::constants::VERSION;
use crate::errors::CoverageError;
use crate::events::OperatorRegistered;
use crate::instructions::Transfer;
use crate::state::{Network, OPERATOR_SEED, Operator};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use anchor_spl::{Mint, TokenAccount};
use coverage_math::domains::MAX_BOND;

/// Accounts of `register_operator`.
#[derive(Accounts)]
pub struct RegisterOperator {
    /// Signs for the operator from now on; pays the rent and owns the bond.
    #[account(mut)]
    pub wallet: Signer,
    #[account(
        mut,
        constraint = address_eq(&network.mint, mint.address()) @ CoverageError::WrongMint,
        constraint = address_eq(&network.vault, vault.address()) @ CoverageError::WrongVault
    )]
    pub network: Account<Network>,
    #[account(
        init, payer = wallet,
        seeds = [OPERATOR_SEED, network.address().as_ref(), wallet.address().as_ref()], bump
    )]
    pub operator: Account<Operator>,
    pub mint: Account<Mint>,
    #[account(mut)]
    pub source: Account<TokenAccount>,
    #[account(mut)]
    pub vault: Account<TokenAccount>,
    pub token_program: Program<Token>,
    pub system_program: Program<System>,
}

/// Registers the signer as an operator, with its bond.
///
/// Callable by anyone; once for each wallet.
pub fn register_operator(ctx: &mut Context<RegisterOperator>, payout: Address, bond_units: u64) -> Result<()> {
    let bump = ctx.bumps.operator;
    let accounts = &mut ctx.accounts;
    let minimum = accounts.network.config.min_operator_bond;
    require!((minimum..=MAX_BOND).contains(&bond_units), CoverageError::InvalidBond);
    require!(payout != Address::default(), CoverageError::InvalidPayout);

    let operator = &mut accounts.operator;
    operator.version = VERSION;
    operator.bump = bump;
    operator.network = *accounts.network.address();
    operator.wallet = *accounts.wallet.address();
    operator.payout = payout;
    operator.bond = bond_units;

    let network = &mut accounts.network;
    let bonds_before_units = network.operator_bonds;
    network.operator_bonds = bonds_before_units.checked_add(bond_units).ok_or(CoverageError::AmountOverflow)?;
    network.operators = network.operators.saturating_add(1);
    let decimals = network.decimals;
    Transfer {
        program: accounts.token_program.address(),
        from: accounts.source.cpi_handle_mut(),
        mint: accounts.mint.cpi_handle(),
        to: accounts.vault.cpi_handle_mut(),
        authority: accounts.wallet.cpi_handle(),
        seeds: &[],
    }
    .invoke(bond_units, decimals);
    emit!(OperatorRegistered {
        network: *accounts.network.address(),
        operator: *accounts.operator.address(),
        wallet: *accounts.wallet.address(),
        payout,
        bond_units,
        bonds_before_units,
    });
    accounts.network.invariant()
}
