// The derive binds the instruction arguments a second time where it has no use for them.
#![allow(unused_variables)]

use crate::constants::VERSION;
use crate::errors::CoverageError;
use crate::events::NetworkCreated;
use crate::instructions::now;
use crate::state::{COMMITTEE_SEED, Committee, Config, NETWORK_SEED, Network, VAULT_SEED};
use anchor_lang::prelude::*;
use anchor_spl::{Mint, TokenAccount, token};

/// Accounts of `create_network`.
#[derive(Accounts)]
#[instruction(id: u64)]
pub struct CreateNetwork {
    /// Becomes the authority and pays the rent.
    #[account(mut)]
    pub authority: Signer,
    #[account(init, payer = authority, seeds = [NETWORK_SEED, &id.to_le_bytes()], bump)]
    pub network: Account<Network>,
    #[account(init, payer = authority, seeds = [COMMITTEE_SEED, network.address().as_ref()], bump)]
    pub committee: Account<Committee>,
    pub mint: Account<Mint>,
    #[account(init, payer = authority, seeds = [VAULT_SEED, network.address().as_ref()], bump,
        token::mint = mint, token::authority = network)]
    pub vault: Account<TokenAccount>,
    pub token_program: Program<Token>,
    pub system_program: Program<System>,
}

/// Creates a network with its committee (still empty) and vault.
///
/// Specification:
/// - shall refuse a configuration no network can live with, and a genesis in the past
/// - shall make the signer the authority
///
/// Callable by anyone; once for each id.
pub fn create_network(
    ctx: &mut Context<CreateNetwork>,
    id: u64,
    guardian: Address,
    genesis_ts: i64,
    config: Config,
) -> Result<()> {
    config.validate()?;
    require!(genesis_ts >= now()?, CoverageError::InvalidGenesis);
    let (bump, vault_bump, committee_bump) = (ctx.bumps.network, ctx.bumps.vault, ctx.bumps.committee);
    let accounts = &mut ctx.accounts;
    let address = *accounts.network.address();

    let network = &mut accounts.network;
    network.version = VERSION;
    network.bump = bump;
    network.vault_bump = vault_bump;
    network.decimals = accounts.mint.decimals();
    network.id = id;
    network.authority = *accounts.authority.address();
    network.guardian = guardian;
    network.mint = *accounts.mint.address();
    network.token_program = *accounts.token_program.address();
    network.vault = *accounts.vault.address();
    network.genesis_ts = genesis_ts;
    network.config = config;

    let committee = &mut accounts.committee;
    committee.version = VERSION;
    committee.bump = committee_bump;
    committee.network = address;

    emit!(NetworkCreated {
        network: address,
        authority: accounts.network.authority,
        mint: accounts.network.mint,
        genesis_ts,
    });
    accounts.committee.invariant()?;
    accounts.network.invariant()
}
