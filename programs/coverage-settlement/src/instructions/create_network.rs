// The derive binds the instruction arguments a second time where it has no use for them.
#![allow(unused_variables)]

use crate::errors::CoverageError;
use crate::events::{self, NetworkCreated};
use crate::instructions::now;
use crate::state::{Account, COMMITTEE_SEED, Committee, Config, NETWORK_SEED, Network, VAULT_SEED};
use crate::token::{self, TOKEN_ACCOUNT_BYTES};
use anchor_lang::prelude::*;

/// Accounts of `create_network`.
#[event_cpi]
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
    /// Of SPL Token or Token-2022; its extensions are checked.
    pub mint: UncheckedAccount,
    #[account(mut, seeds = [VAULT_SEED, network.address().as_ref()], bump)]
    pub vault: UncheckedAccount,
    /// The program that owns the mint.
    pub token_program: UncheckedAccount,
    pub system_program: Program<System>,
}

/// Creates a network with its committee (still empty) and vault.
///
/// Specification:
/// - shall refuse a configuration no network can live with, and a genesis in the past
/// - shall refuse a mint with an extension that could stand between the vault and those it pays
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
    let accounts = &mut ctx.accounts;
    let program = *accounts.token_program.address();
    let mint = accounts.mint.account();
    require!(mint.owned_by(&program), CoverageError::WrongTokenProgram);
    // SAFETY: nobody holds a reference to the data of an account that is passed on unchecked.
    let decimals = token::check_mint(&program, unsafe { mint.borrow_unchecked() })?;
    create_vault(accounts, ctx.bumps.vault)?;
    let address = *accounts.network.address();

    let network = &mut accounts.network;
    network.bump = ctx.bumps.network;
    network.vault_bump = ctx.bumps.vault;
    network.decimals = decimals;
    network.id = id;
    network.authority = *accounts.authority.address();
    network.guardian = guardian;
    network.mint = *accounts.mint.address();
    network.token_program = program;
    network.vault = *accounts.vault.address();
    network.genesis_ts = genesis_ts;
    network.config = config;

    let committee = &mut accounts.committee;
    committee.bump = ctx.bumps.committee;
    committee.network = address;

    events::record!(
        accounts,
        ctx.bumps,
        NetworkCreated {
            network: address,
            authority: accounts.network.authority,
            guardian,
            mint: accounts.network.mint,
            token_program: program,
            genesis_ts,
            config,
        }
    );
    accounts.network.invariant()
}

/// Creates the vault, of the network's own token account.
fn create_vault(accounts: &mut CreateNetwork, bump: u8) -> Result<()> {
    let network = *accounts.network.address();
    let seeds: [&[u8]; 3] = [VAULT_SEED, network.as_ref(), &[bump]];
    let (payer, vault) = (accounts.authority.account(), accounts.vault.account());
    let program = *accounts.token_program.address();
    anchor_lang::create_account_with_signers(payer, vault, TOKEN_ACCOUNT_BYTES, &program, Some(&seeds), None)?;
    token::initialize_vault(&program, accounts.vault.cpi_handle_mut(), accounts.mint.cpi_handle(), &network);
    Ok(())
}
