//! Every error of every instruction, through the compiled program: the exact code, the exact instruction, and no account
//! changed. The last test asks whether any was forgotten.
//!
//! Accounts that no transaction could leave behind are written into the VM directly.
// A test fails by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod attestations;
mod ed25519;
mod governance;
mod operators;
mod settlement;

use coverage_tests::CoverageError::{self, *};
use coverage_tests::check::{INSTRUCTIONS, code, errors, seen};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeSet;

/// The instruction with another account at a position.
fn swapped(mut instruction: Instruction, position: usize, account: Pubkey) -> Instruction {
    instruction.accounts[position].pubkey = account;
    instruction
}

/// What each instruction refuses, and with what: all of it reached by the cases of this file's modules.
const REFUSALS: &[(&str, &[CoverageError])] = &[
    (
        "create_network",
        &[InvalidRule, InvalidTimes, InvalidEvidenceRules, InvalidQuorum, InvalidBondRules, InvalidGenesis],
    ),
    (
        "update_committee",
        &[NotAuthority, InvalidCommittee, InvalidAttester, UnknownVersion, WrongNetwork, AmountOverflow],
    ),
    ("register_workload", &[NotAuthority, UnknownVersion, AmountOverflow, InvalidWeight, EpochNotOpened]),
    ("fund_treasury", &[UnknownVersion, WrongMint, WrongVault, ZeroAmount, AmountOverflow]),
    ("open_epoch", &[UnknownVersion, WrongNetwork, AmountOverflow, EpochNotStarted]),
    ("register_operator", &[UnknownVersion, WrongMint, WrongVault, AmountOverflow, InvalidBond, InvalidPayout]),
    ("commit_capabilities", &[WrongNetwork, WrongWallet, NullRoot]),
    (
        "enroll",
        &[
            UnknownVersion,
            WrongNetwork,
            WrongWorkload,
            WrongWallet,
            CellSettling,
            InvalidProof,
            CapabilityMismatch,
            AlreadyEnrolled,
            CellFull,
            WorkloadRetired,
            Inconsistent,
        ],
    ),
    (
        "open_attestation",
        &[WrongNetwork, DigestMismatch, InvalidKind, InvalidStatement, InvalidChunk, EntriesHashMismatch],
    ),
    ("extend_attestation", &[WrongPayer, InvalidChunk, EntriesHashMismatch]),
    (
        "endorse",
        &[
            WrongNetwork,
            AmountOverflow,
            Incomplete,
            StaleGeneration,
            WrongInstructionsSysvar,
            NotEd25519,
            InvalidSignatureCount,
            InvalidSignatureOffsets,
            WrongMessage,
            UnknownAttester,
            DuplicateAttester,
        ],
    ),
    (
        "apply_batch",
        &[
            UnknownVersion,
            WrongNetwork,
            WrongWorkload,
            WrongEpoch,
            WrongPayer,
            WrongSubject,
            NotCollecting,
            InvalidKind,
            StaleGeneration,
            NoQuorum,
            WrongSequence,
            InvalidSlot,
            SlotNotEffective,
            CountMismatch,
            TooManyAttempts,
            LogFull,
            Inconsistent,
        ],
    ),
    (
        "apply_failure_domain",
        &[
            WrongNetwork,
            WrongPayer,
            WrongSubject,
            AmountOverflow,
            InvalidKind,
            StaleGeneration,
            NoQuorum,
            WrongSequence,
        ],
    ),
    (
        "seal_cell",
        &[
            UnknownVersion,
            WrongNetwork,
            WrongWorkload,
            WrongEpoch,
            AmountOverflow,
            EpochNotOver,
            NotCollecting,
            Inconsistent,
        ],
    ),
    (
        "settle_cell",
        &[
            InvalidRule,
            UnknownVersion,
            WrongNetwork,
            WrongWorkload,
            WrongEpoch,
            AmountOverflow,
            ChallengeNotOver,
            NotSealed,
            StepUnitsTooFew,
            Inconsistent,
        ],
    ),
    (
        "claim_rewards",
        &[
            WrongNetwork,
            WrongMint,
            WrongVault,
            WrongPayout,
            WrongPayoutAccount,
            AmountOverflow,
            InvalidSlot,
            ClaimMismatch,
            NotYourSlot,
            Inconsistent,
        ],
    ),
];

#[test]
fn every_error_of_every_instruction_was_reached() {
    // Tests come in any order and in threads of their own, so all of them run here once more.
    let cases = [attestations::CASES, ed25519::CASES, governance::CASES, operators::CASES, settlement::CASES];
    cases.into_iter().flatten().for_each(|case| case());
    let names = errors();
    let name = |code: u32| names.iter().find(|(_, number)| *number == code).map_or("?", |(name, _)| *name);
    let seen: BTreeSet<_> =
        seen().into_iter().filter(|(_, code)| *code >= 6_000).map(|(from, code)| (from, name(code))).collect();
    let listed = REFUSALS.iter().flat_map(|(from, errors)| errors.iter().map(|error| (*from, name(code(*error)))));
    let listed: BTreeSet<_> = listed.collect();
    assert_eq!(listed.difference(&seen).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "listed, but not reached");
    assert_eq!(seen.difference(&listed).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "reached, but not listed");
    assert_eq!(REFUSALS.len(), INSTRUCTIONS.len());
    // And no error of the program is without an instruction that gives it.
    let reached: BTreeSet<_> = seen.iter().map(|(_, name)| *name).collect();
    let all: BTreeSet<_> = names.iter().map(|(name, _)| *name).collect();
    assert_eq!(all.difference(&reached).collect::<Vec<_>>(), Vec::<&&str>::new(), "errors no instruction gave");
    assert_eq!((all.len(), names.last()), (63, Some(&("Inconsistent", 6_900))));
}
