//! Making tokens on networks of one's own: the instructions that create a mint and mint.

use crate::pda::Token;
use crate::{ClientError, pda};
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::program_pack::Pack;
use solana_program::pubkey::Pubkey;
use solana_system_interface::instruction::create_account;
use spl_token_interface::instruction::{initialize_mint2, mint_to as token_mint_to};
use spl_token_interface::state::Mint;

/// Creates a mint of `decimals` with `authority`, who pays `rent` lamports for it.
///
/// # Errors
/// [`ClientError::Refused`] for values no mint can have.
pub fn create_mint(
    authority: &Pubkey,
    token: &Token,
    rent: u64,
    decimals: u8,
) -> Result<[Instruction; 2], ClientError> {
    let create = create_account(authority, &token.mint, rent, Mint::LEN as u64, &token.program);
    let initialise = initialize_mint2(&pda::TOKEN_PROGRAM, &token.mint, authority, None, decimals);
    let initialise = initialise.map_err(|error| ClientError::refused("creating the mint", error))?;
    Ok([create, Instruction { program_id: token.program, ..initialise }])
}

/// Mints tokens to a wallet's associated token account, which is created if missing at the authority's expense.
///
/// # Errors
/// [`ClientError::Refused`] for values no mint can have.
pub fn mint_to(
    authority: &Pubkey,
    token: &Token,
    wallet: &Pubkey,
    amount_units: u64,
) -> Result<[Instruction; 2], ClientError> {
    let account = pda::token_account(wallet, token);
    let create = Instruction {
        program_id: pda::ASSOCIATED_TOKEN_PROGRAM,
        accounts: vec![
            AccountMeta::new(*authority, true),
            AccountMeta::new(account, false),
            AccountMeta::new_readonly(*wallet, false),
            AccountMeta::new_readonly(token.mint, false),
            AccountMeta::new_readonly(pda::SYSTEM_PROGRAM, false),
            AccountMeta::new_readonly(token.program, false),
        ],
        data: vec![1], // create, or do nothing if it is there
    };
    let minted = token_mint_to(&pda::TOKEN_PROGRAM, &token.mint, &account, authority, &[], amount_units);
    let minted = minted.map_err(|error| ClientError::refused("minting", error))?;
    Ok([create, Instruction { program_id: token.program, ..minted }])
}
