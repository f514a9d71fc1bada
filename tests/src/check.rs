//! Exact refusals: which instruction, which error. Every one seen is remembered, so that a test can ask what was not.

use anchor_lang::Discriminator;
use coverage_settlement::errors::CoverageError;
use coverage_settlement::{ID, instruction};
use litesvm::types::TransactionResult;
use solana_program::instruction::{Instruction, InstructionError};
use solana_transaction_error::TransactionError;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Refusals of the program seen so far in this process: (instruction, error code).
static SEEN: Mutex<BTreeSet<(&'static str, u32)>> = Mutex::new(BTreeSet::new());

/// The code of an error on the wire.
#[must_use]
pub fn code(error: CoverageError) -> u32 {
    match anchor_lang::Error::from(error) {
        anchor_lang::Error::Custom(code) => code,
        other => unreachable!("{other:?} is no custom error"),
    }
}

/// An instruction error, made from whatever a test names it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub InstructionError);

impl From<CoverageError> for Refusal {
    fn from(error: CoverageError) -> Self {
        Self(InstructionError::Custom(code(error)))
    }
}

impl From<InstructionError> for Refusal {
    fn from(error: InstructionError) -> Self {
        Self(error)
    }
}

/// Asserts that instruction `index` failed with exactly this error of the program.
#[track_caller]
pub fn expect_error(result: &TransactionResult, index: u8, error: CoverageError) {
    expect_program_error(result, index, Refusal::from(error).0);
}

/// Asserts that instruction `index` failed with exactly this error of the runtime or of another program.
#[track_caller]
pub fn expect_program_error(result: &TransactionResult, index: u8, error: InstructionError) {
    let expected = TransactionError::InstructionError(index, error);
    match result {
        Ok(done) => panic!("expected {expected:?}, but it succeeded\n{}", done.logs.join("\n")),
        Err(failed) if failed.err == expected => {}
        Err(failed) => panic!("expected {expected:?}, got {:?}\n{}", failed.err, failed.meta.logs.join("\n")),
    }
}

/// Remembers that `instruction` was refused with `error`.
pub fn remember(instruction: &Instruction, error: &Refusal) {
    if let (Some(name), InstructionError::Custom(code)) = (name(instruction), &error.0) {
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert((name, *code));
    }
}

/// Every (instruction, error code) that was [remembered](remember).
#[must_use]
pub fn seen() -> BTreeSet<(&'static str, u32)> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

macro_rules! instructions {
    ($($type:ident $name:literal),* $(,)?) => {
        /// Every instruction of the program with its discriminator.
        pub const INSTRUCTIONS: &[(&str, &[u8])] = &[$(($name, instruction::$type::DISCRIMINATOR)),*];
    };
}

instructions! {
    CreateNetwork "create_network",
    ProposeAuthority "propose_authority",
    AcceptAuthority "accept_authority",
    SetGuardian "set_guardian",
    ProposeConfig "propose_config",
    Pause "pause",
    Unpause "unpause",
    UpdateCommittee "update_committee",
    AddAttesterBond "add_attester_bond",
    UnbondAttester "unbond_attester",
    WithdrawAttesterBond "withdraw_attester_bond",
    RegisterWorkload "register_workload",
    SetWorkloadWeight "set_workload_weight",
    FundTreasury "fund_treasury",
    SponsorWorkload "sponsor_workload",
    OpenEpoch "open_epoch",
    CloseEpoch "close_epoch",
    RegisterOperator "register_operator",
    AddBond "add_bond",
    Unbond "unbond",
    WithdrawBond "withdraw_bond",
    SlashOperator "slash_operator",
    RetireOperator "retire_operator",
    CommitCapabilities "commit_capabilities",
    Enroll "enroll",
    SyncSlot "sync_slot",
    LeaveCell "leave_cell",
    ReleaseSlot "release_slot",
    TrimCell "trim_cell",
    OpenAttestation "open_attestation",
    ExtendAttestation "extend_attestation",
    Endorse "endorse",
    CloseAttestation "close_attestation",
    ApplyBatch "apply_batch",
    ChallengeBatch "challenge_batch",
    ApplyFailureDomain "apply_failure_domain",
    SealCell "seal_cell",
    SettleCell "settle_cell",
    ClaimRewards "claim_rewards",
    SweepCell "sweep_cell",
    CloseCell "close_cell",
}

/// The name of one of the program's instructions.
#[must_use]
pub fn name(instruction: &Instruction) -> Option<&'static str> {
    if instruction.program_id != ID {
        return None;
    }
    let is = |entry: &&(&str, &[u8])| instruction.data.starts_with(entry.1);
    INSTRUCTIONS.iter().find(is).map(|(name, _)| *name)
}

/// The names of the program's errors with their codes, read off its source.
#[must_use]
pub fn errors() -> Vec<(&'static str, u32)> {
    let source = include_str!("../../programs/coverage-settlement/src/errors.rs");
    let (_, body) = source.split_once("pub enum CoverageError {").unwrap();
    let mut next = 0;
    let variant = |line: &'static str| {
        let line = line.trim().strip_suffix(',')?;
        let (name, number) = line.split_once(" = ").map_or((line, None), |(name, number)| (name, number.parse().ok()));
        let number: u32 = number.unwrap_or(next);
        name.chars().all(char::is_alphanumeric).then(|| {
            next = number + 1;
            (name, 6_000 + number)
        })
    };
    body.lines().filter_map(variant).collect()
}

/// The name of one of the program's error codes.
#[must_use]
pub fn error_name(code: u32) -> String {
    let found = errors().into_iter().find(|(_, number)| *number == code);
    found.map_or_else(|| format!("Custom({code})"), |(name, _)| name.to_owned())
}
