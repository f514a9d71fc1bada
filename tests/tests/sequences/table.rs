//! What each instruction may be refused with. Anything else is a failure, `Inconsistent` and `UnknownVersion` first of all.

use crate::arena::Planted;
use coverage_tests::CoverageError::{self, *};
use coverage_tests::check::error_name;
use coverage_tests::code;
use solana_program::instruction::InstructionError;
use solana_transaction_error::TransactionError;

/// What a transaction with a trick in it may be refused with before an instruction of it runs.
pub const MALFORMED: &[TransactionError] = &[TransactionError::SignatureFailure];

/// An error's name.
pub fn in_words(error: &InstructionError) -> String {
    match error {
        InstructionError::Custom(code) => error_name(*code),
        other => format!("{other:?}"),
    }
}

/// Whether an instruction may be refused with this error; `foul` if the transaction was tampered with, or sent again.
pub fn allows(name: &str, error: &InstructionError, foul: bool, planted: &Planted) -> bool {
    if planted.forgotten.is_some_and(|(of, forgotten)| of == name && in_words(error) == forgotten) {
        return false;
    }
    match error {
        InstructionError::Custom(number) if *number >= 6_000 => {
            let own = TABLE.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, errors)| errors);
            own.iter().chain(shared(name)).any(|error| code(*error) == *number)
        }
        _ => PLAIN.contains(error) || foul && FOUL.contains(error),
    }
}

/// Refusals of the runtime and of other programs that an honest transaction may meet: what it is about is gone, or there already.
const PLAIN: &[InstructionError] = &[
    InstructionError::UninitializedAccount,
    // The same, of an account that is to be written.
    InstructionError::AccountDataTooSmall,
    // The same, of one that somebody has sent lamports to.
    InstructionError::IllegalOwner,
    // An account to be made is there.
    InstructionError::Custom(0),
    // More tokens than the source has.
    InstructionError::Custom(1),
];

/// Refusals of the runtime, of Anchor and of the token programs that only a transaction may meet that is tampered with, or sent
/// again.
const FOUL: &[InstructionError] = &[
    InstructionError::MissingRequiredSignature,
    InstructionError::InvalidInstructionData,
    InstructionError::InvalidAccountData,
    InstructionError::InvalidSeeds,
    InstructionError::MissingAccount,
    // Accounts left out: the name is going, the runtime's number stays.
    #[expect(deprecated)]
    InstructionError::NotEnoughAccountKeys,
    InstructionError::InvalidAccountOwner,
    InstructionError::IncorrectProgramId,
    InstructionError::PrivilegeEscalation,
    // An account that is no program in place of one.
    InstructionError::Custom(2_007),
    // One account twice, where one of them is written.
    InstructionError::Custom(2_040),
    // A token account of another mint, or of another owner.
    InstructionError::Custom(3),
    InstructionError::Custom(4),
    // An account that is not marked to be written.
    InstructionError::Custom(2_000),
];

/// Errors of what several instructions do in the same way.
fn shared(name: &str) -> &'static [CoverageError] {
    match name {
        "add_attester_bond" | "fund_treasury" | "sponsor_workload" | "register_operator" | "add_bond" => {
            &[ZeroAmount, AmountOverflow, WrongMint, WrongVault, WrongTokenProgram]
        }
        "withdraw_attester_bond" | "withdraw_bond" | "challenge_batch" | "claim_rewards" => {
            &[WrongMint, WrongVault, WrongTokenProgram, WrongPayoutAccount]
        }
        "create_network" | "propose_config" => {
            &[InvalidRule, InvalidTimes, InvalidEvidenceRules, InvalidQuorum, InvalidChallengerShare, InvalidBondRules]
        }
        _ => &[],
    }
}

const TABLE: &[(&str, &[CoverageError])] = &[
    ("create_network", &[InvalidGenesis, WrongTokenProgram, InvalidMint]),
    ("propose_authority", &[NotAuthority]),
    ("accept_authority", &[NotPendingAuthority]),
    ("set_guardian", &[NotAuthority]),
    ("propose_config", &[NotAuthority, EpochNotOpened, EpochLengthFixed]),
    ("pause", &[NotGuardian, InvalidPause, PauseTooSoon]),
    ("unpause", &[NotGuardian]),
    ("update_committee", &[NotAuthority, WrongNetwork, InvalidCommittee, InvalidAttester, PlaceTaken, AmountOverflow]),
    ("add_attester_bond", &[WrongNetwork, UnknownAttester, InvalidBond]),
    ("unbond_attester", &[WrongNetwork, UnknownAttester, WrongWallet, ZeroAmount, NotBonded, EpochNotOpened]),
    ("withdraw_attester_bond", &[WrongNetwork, UnknownAttester, WrongWallet, NotBonded, StillBonded]),
    ("register_workload", &[NotAuthority, InvalidWeight, EpochNotOpened, AmountOverflow]),
    (
        "set_workload_weight",
        &[NotAuthority, WrongNetwork, WrongWorkload, WorkloadRetired, EpochNotOpened, WeightPending, AmountOverflow],
    ),
    ("sponsor_workload", &[WrongNetwork, WrongWorkload, WorkloadRetired]),
    ("open_epoch", &[WrongNetwork, EpochNotStarted]),
    ("close_epoch", &[WrongPayer, WrongNetwork, EpochInUse]),
    ("register_operator", &[Paused, InvalidBond, InvalidPayout]),
    ("add_bond", &[WrongNetwork, WrongWallet, InvalidBond]),
    ("unbond", &[WrongNetwork, WrongWallet, ZeroAmount, NotBonded, EpochNotOpened, BondNeeded]),
    ("withdraw_bond", &[WrongNetwork, WrongWallet, NotBonded, StillBonded]),
    ("slash_operator", &[WrongNetwork, InvalidSlot, NotYourSlot, NoBreach]),
    ("retire_operator", &[WrongWallet, OperatorInUse]),
    ("commit_capabilities", &[WrongNetwork, WrongWallet, NullRoot]),
    (
        "enroll",
        &[
            Paused,
            WrongNetwork,
            WrongWallet,
            WrongWorkload,
            WrongRefund,
            WorkloadRetired,
            CellSettling,
            CapabilityMismatch,
            InvalidProof,
            AlreadyEnrolled,
        ],
    ),
    ("sync_slot", &[WrongNetwork, CellSettling, InvalidSlot, NotYourSlot, AlreadyLeft, SlotPending]),
    ("leave_cell", &[WrongNetwork, WrongWallet, InvalidSlot, NotYourSlot, AlreadyLeft]),
    ("release_slot", &[WrongNetwork, WrongWorkload, CellSettling, InvalidSlot, NotYourSlot, SlotInUse]),
    ("trim_cell", &[CellSettling, SlotInUse, WrongRefund]),
    (
        "open_attestation",
        &[WrongNetwork, DigestMismatch, InvalidKind, InvalidStatement, InvalidChunk, EntriesHashMismatch],
    ),
    ("extend_attestation", &[WrongPayer, InvalidChunk, EntriesHashMismatch]),
    (
        "endorse",
        &[
            WrongNetwork,
            Incomplete,
            StaleGeneration,
            WrongInstructionsSysvar,
            NotEd25519,
            WrongMessage,
            UnknownAttester,
        ],
    ),
    ("close_attestation", &[WrongPayer]),
    (
        "apply_batch",
        &[
            WrongNetwork,
            WrongWorkload,
            WrongPayer,
            WrongSubject,
            WrongEpoch,
            WrongSequence,
            Paused,
            NotCollecting,
            WorkloadRetired,
            InvalidKind,
            StaleGeneration,
            NoQuorum,
            InvalidSlot,
            SlotNotEffective,
            CountMismatch,
        ],
    ),
    (
        "challenge_batch",
        &[
            WrongNetwork,
            WrongWorkload,
            WrongEpoch,
            WrongEntries,
            Incomplete,
            ChallengeOver,
            NoSuchBatch,
            BatchRemoved,
            InvalidEvidence,
            NotInBatch,
            NoFraud,
        ],
    ),
    (
        "apply_failure_domain",
        &[WrongNetwork, WrongPayer, WrongSubject, WrongSequence, Paused, InvalidKind, StaleGeneration, NoQuorum],
    ),
    ("seal_cell", &[WrongNetwork, WrongWorkload, WrongEpoch, NotCollecting, WorkloadRetired, Paused, EpochNotOver]),
    ("settle_cell", &[WrongNetwork, WrongWorkload, WrongEpoch, NotSealed, Paused, ChallengeNotOver, StepUnitsTooFew]),
    ("claim_rewards", &[WrongNetwork, WrongPayout, ClaimMismatch, InvalidSlot, NotYourSlot]),
    ("sweep_cell", &[WrongNetwork, WrongWorkload]),
    ("close_cell", &[WrongPayer, WrongWorkload, CellInUse]),
];
