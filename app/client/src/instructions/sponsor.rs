//! What those do who pay: into the treasury, or for one workload.

use super::build;
use crate::pda::{self, Token};
use coverage_settlement::{ID, accounts, instruction};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Moves `amount_units` from the funder's token account `source` to the treasury.
#[must_use]
pub fn fund_treasury(funder: Pubkey, network: Pubkey, token: &Token, source: Pubkey, amount_units: u64) -> Instruction {
    let accounts = accounts::FundTreasury {
        funder,
        network,
        mint: token.mint,
        source,
        vault: pda::vault(&network),
        token_program: token.program,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::FundTreasury { amount_units })
}

/// Moves `amount_units` from the sponsor's token account `source` to the pool of one workload.
#[must_use]
pub fn sponsor_workload(
    sponsor: Pubkey,
    network: Pubkey,
    workload: Pubkey,
    token: &Token,
    source: Pubkey,
    amount_units: u64,
) -> Instruction {
    let accounts = accounts::SponsorWorkload {
        sponsor,
        network,
        workload,
        cell: pda::cell(&workload),
        mint: token.mint,
        source,
        vault: pda::vault(&network),
        token_program: token.program,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::SponsorWorkload { amount_units })
}
