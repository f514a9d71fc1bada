//! What attesters do: bonds, statements and their endorsement.

use super::build;
use crate::pda::{self, Token};
use coverage_settlement::state::StatementArgs;
use coverage_settlement::{ID, accounts, instruction};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Adds tokens from the funder's account `source` to the bond of the attester in a place.
#[must_use]
pub fn add_attester_bond(
    funder: Pubkey,
    network: Pubkey,
    token: &Token,
    source: Pubkey,
    place: u8,
    amount_units: u64,
) -> Instruction {
    let accounts = accounts::AddAttesterBond {
        funder,
        network,
        committee: pda::committee(&network),
        mint: token.mint,
        source,
        vault: pda::vault(&network),
        token_program: token.program,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::AddAttesterBond { place, amount_units })
}

/// Sends part of an attester's bond on its way out; its key signs, or the authority for one without weight.
#[must_use]
pub fn unbond_attester(signer: Pubkey, network: Pubkey, place: u8, amount_units: u64) -> Instruction {
    let accounts = accounts::UnbondAttester {
        signer,
        network,
        committee: pda::committee(&network),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::UnbondAttester { place, amount_units })
}

/// Pays what of an attester's bond is on its way out to the token account of its key.
#[must_use]
pub fn withdraw_attester_bond(
    payer: Pubkey,
    network: Pubkey,
    token: &Token,
    attester: Pubkey,
    place: u8,
) -> Instruction {
    let accounts = accounts::WithdrawAttesterBond {
        payer,
        network,
        committee: pda::committee(&network),
        attester,
        attester_account: pda::token_account(&attester, token),
        mint: token.mint,
        vault: pda::vault(&network),
        token_program: token.program,
        associated_token_program: pda::ASSOCIATED_TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::WithdrawAttesterBond { place })
}

/// Opens an attestation with its first entries (`chunk`, whole records of 32 bytes).
#[must_use]
pub fn open_attestation(
    payer: Pubkey,
    network: Pubkey,
    digest: [u8; 32],
    statement: StatementArgs,
    chunk: Vec<u8>,
) -> Instruction {
    let accounts = accounts::OpenAttestation {
        payer,
        network,
        committee: pda::committee(&network),
        attestation: pda::attestation(&network, &payer, &digest),
        system_program: pda::SYSTEM_PROGRAM,
    };
    build(&accounts, &instruction::OpenAttestation { digest, statement, chunk })
}

/// Adds entries to an attestation.
#[must_use]
pub fn extend_attestation(payer: Pubkey, attestation: Pubkey, chunk: Vec<u8>) -> Instruction {
    let accounts = accounts::ExtendAttestation { payer, attestation, system_program: pda::SYSTEM_PROGRAM };
    build(&accounts, &instruction::ExtendAttestation { chunk })
}

/// Counts the signatures of the Ed25519 instruction at `ed25519_index` of the same transaction.
#[must_use]
pub fn endorse(network: Pubkey, attestation: Pubkey, ed25519_index: u8) -> Instruction {
    let accounts =
        accounts::Endorse { attestation, committee: pda::committee(&network), instructions: pda::INSTRUCTIONS_SYSVAR };
    build(&accounts, &instruction::Endorse { ed25519_index })
}

/// Closes an attestation that will not be applied.
#[must_use]
pub fn close_attestation(payer: Pubkey, attestation: Pubkey) -> Instruction {
    let accounts = accounts::CloseAttestation { payer, attestation };
    build(&accounts, &instruction::CloseAttestation {})
}

/// Applies an endorsed batch; `payer` is who opened the attestation.
#[must_use]
pub fn apply_batch(network: Pubkey, workload: Pubkey, epoch: u64, attestation: Pubkey, payer: Pubkey) -> Instruction {
    let accounts = accounts::ApplyBatch {
        network,
        committee: pda::committee(&network),
        epoch: pda::epoch(&network, epoch),
        workload,
        cell: pda::cell(&workload),
        log: pda::log(&workload),
        attestation,
        payer,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::ApplyBatch {})
}

/// Applies an endorsed failure domain; `payer` is who opened the attestation.
#[must_use]
pub fn apply_failure_domain(network: Pubkey, operator: Pubkey, attestation: Pubkey, payer: Pubkey) -> Instruction {
    let accounts = accounts::ApplyFailureDomain {
        network,
        committee: pda::committee(&network),
        operator,
        attestation,
        payer,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::ApplyFailureDomain {})
}
