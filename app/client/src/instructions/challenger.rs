//! What a challenger does with proof that a batch is false.

use super::build;
use crate::pda::{self, Token};
use coverage_settlement::{ID, accounts, instruction};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// What [`challenge_batch`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The workload.
    pub workload: Pubkey,
    /// The epoch in hand.
    pub epoch: u64,
    /// Number of the batch.
    pub sequence: u32,
    /// An attestation with the batch's entries.
    pub entries: Pubkey,
    /// An attestation with the evidence: see [`crate::evidence`].
    pub evidence: Pubkey,
}

/// Proves an applied batch false; the challenger is paid its share.
#[must_use]
pub fn challenge_batch(challenger: Pubkey, network: Pubkey, token: &Token, challenge: &Challenge) -> Instruction {
    let Challenge { workload, epoch, sequence, entries, evidence } = challenge;
    let accounts = accounts::ChallengeBatch {
        challenger,
        network,
        committee: pda::committee(&network),
        epoch: pda::epoch(&network, *epoch),
        cell: pda::cell(workload),
        log: pda::log(workload),
        entries: *entries,
        evidence: *evidence,
        challenger_account: pda::token_account(&challenger, token),
        mint: token.mint,
        vault: pda::vault(&network),
        token_program: token.program,
        associated_token_program: pda::ASSOCIATED_TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::ChallengeBatch { sequence: *sequence })
}
