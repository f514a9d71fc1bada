//! What each instruction refuses, and with what.

use coverage_tests::CoverageError::{self, *};

/// What a configuration can be wrong in.
const CONFIG: &[CoverageError] =
    &[InvalidRule, InvalidTimes, InvalidEvidenceRules, InvalidQuorum, InvalidChallengerShare, InvalidBondRules];

/// What a mint can be wrong in.
const MINT: &[CoverageError] = &[
    InvalidMint,
    MintHasTransferFee,
    MintHasConfidentialTransfer,
    MintHasDefaultAccountState,
    MintIsNonTransferable,
    MintHasPermanentDelegate,
    MintHasTransferHook,
    MintHasConfidentialTransferFee,
    MintHasConfidentialMintBurn,
    MintHasScaledUiAmount,
    MintIsPausable,
    MintHasPermissionedBurn,
    MintHasUnknownExtension,
];

/// What tokens going into the vault can be wrong in, besides the mint.
const DEPOSIT: &[CoverageError] = &[ZeroAmount, WrongMint, WrongVault, WrongTokenProgram];

/// What tokens coming out of the vault can be wrong in.
const PAYMENT: &[CoverageError] = &[WrongMint, WrongVault, WrongTokenProgram, WrongPayoutAccount];

/// What an account can be wrong in that another program, or a later version of this one, wrote.
const ACCOUNT: &[CoverageError] = &[UnknownVersion, Inconsistent];

/// The errors of an instruction, in groups.
type Row = (&'static str, &'static [&'static [CoverageError]]);

/// All instructions in the order of the program, and every error that the cases of this test reach.
pub const REFUSALS: &[Row] = &[
    ("create_network", &[CONFIG, MINT, &[InvalidGenesis, WrongTokenProgram]]),
    ("propose_authority", &[ACCOUNT, &[NotAuthority]]),
    ("accept_authority", &[ACCOUNT, &[NotPendingAuthority]]),
    ("set_guardian", &[ACCOUNT, &[NotAuthority]]),
    ("propose_config", &[ACCOUNT, CONFIG, &[NotAuthority, EpochNotOpened, EpochLengthFixed, AmountOverflow]]),
    ("pause", &[ACCOUNT, &[NotGuardian, InvalidPause, PauseTooSoon, AmountOverflow]]),
    ("unpause", &[ACCOUNT, &[NotGuardian]]),
    (
        "update_committee",
        &[&[NotAuthority, InvalidCommittee, InvalidAttester, UnknownVersion, PlaceTaken, WrongNetwork, AmountOverflow]],
    ),
    ("add_attester_bond", &[ACCOUNT, DEPOSIT, MINT, &[WrongNetwork, UnknownAttester, InvalidBond, AmountOverflow]]),
    (
        "unbond_attester",
        &[&[
            UnknownVersion,
            WrongNetwork,
            WrongWallet,
            ZeroAmount,
            AmountOverflow,
            NotBonded,
            EpochNotOpened,
            UnknownAttester,
        ]],
    ),
    (
        "withdraw_attester_bond",
        &[ACCOUNT, PAYMENT, &[WrongNetwork, WrongWallet, NotBonded, StillBonded, UnknownAttester]],
    ),
    ("register_workload", &[ACCOUNT, &[NotAuthority, AmountOverflow, InvalidWeight, EpochNotOpened]]),
    (
        "set_workload_weight",
        &[
            ACCOUNT,
            &[
                NotAuthority,
                WrongNetwork,
                WrongWorkload,
                AmountOverflow,
                EpochNotOpened,
                WeightPending,
                WorkloadRetired,
            ],
        ],
    ),
    ("fund_treasury", &[ACCOUNT, DEPOSIT, MINT, &[AmountOverflow]]),
    ("sponsor_workload", &[ACCOUNT, DEPOSIT, MINT, &[WrongNetwork, WrongWorkload, AmountOverflow, WorkloadRetired]]),
    ("open_epoch", &[ACCOUNT, &[WrongNetwork, AmountOverflow, EpochNotStarted]]),
    ("close_epoch", &[ACCOUNT, &[WrongNetwork, WrongPayer, EpochInUse]]),
    ("register_operator", &[ACCOUNT, DEPOSIT, MINT, &[Paused, AmountOverflow, InvalidBond, InvalidPayout]]),
    ("add_bond", &[ACCOUNT, DEPOSIT, MINT, &[WrongNetwork, WrongWallet, AmountOverflow, InvalidBond]]),
    (
        "unbond",
        &[&[
            UnknownVersion,
            WrongNetwork,
            WrongWallet,
            ZeroAmount,
            AmountOverflow,
            NotBonded,
            BondNeeded,
            EpochNotOpened,
        ]],
    ),
    ("withdraw_bond", &[ACCOUNT, PAYMENT, &[WrongNetwork, WrongWallet, NotBonded, StillBonded]]),
    ("slash_operator", &[ACCOUNT, &[WrongNetwork, AmountOverflow, NoBreach, InvalidSlot, NotYourSlot]]),
    ("retire_operator", &[&[UnknownVersion, WrongWallet, OperatorInUse]]),
    ("commit_capabilities", &[&[UnknownVersion, WrongNetwork, WrongWallet, NullRoot]]),
    (
        "enroll",
        &[
            ACCOUNT,
            &[
                Paused,
                WrongNetwork,
                WrongWorkload,
                WrongWallet,
                WrongRefund,
                CellSettling,
                InvalidProof,
                CapabilityMismatch,
                AlreadyEnrolled,
                CellFull,
                WorkloadRetired,
            ],
        ],
    ),
    ("sync_slot", &[ACCOUNT, &[WrongNetwork, CellSettling, SlotPending, AlreadyLeft, InvalidSlot, NotYourSlot]]),
    ("leave_cell", &[ACCOUNT, &[WrongNetwork, WrongWallet, AlreadyLeft, InvalidSlot, NotYourSlot]]),
    ("release_slot", &[ACCOUNT, &[WrongNetwork, WrongWorkload, CellSettling, SlotInUse, InvalidSlot, NotYourSlot]]),
    ("trim_cell", &[ACCOUNT, &[WrongRefund, CellSettling, SlotInUse]]),
    (
        "open_attestation",
        &[&[
            UnknownVersion,
            WrongNetwork,
            DigestMismatch,
            InvalidKind,
            InvalidStatement,
            InvalidChunk,
            EntriesHashMismatch,
        ]],
    ),
    ("extend_attestation", &[&[UnknownVersion, WrongPayer, InvalidChunk, EntriesHashMismatch]]),
    (
        "endorse",
        &[&[
            UnknownVersion,
            WrongNetwork,
            Incomplete,
            StaleGeneration,
            WrongInstructionsSysvar,
            NotEd25519,
            InvalidSignatureCount,
            InvalidSignatureOffsets,
            WrongMessage,
            UnknownAttester,
            DuplicateAttester,
        ]],
    ),
    ("close_attestation", &[&[UnknownVersion, WrongPayer]]),
    (
        "apply_batch",
        &[
            ACCOUNT,
            &[
                Paused,
                WrongNetwork,
                WrongWorkload,
                WrongEpoch,
                WrongPayer,
                WrongSubject,
                NotCollecting,
                WorkloadRetired,
                InvalidKind,
                StaleGeneration,
                NoQuorum,
                WrongSequence,
                InvalidSlot,
                SlotNotEffective,
                CountMismatch,
                TooManyAttempts,
                LogFull,
            ],
        ],
    ),
    (
        "challenge_batch",
        &[
            ACCOUNT,
            PAYMENT,
            &[
                WrongNetwork,
                WrongWorkload,
                WrongEpoch,
                AmountOverflow,
                Incomplete,
                NoSuchBatch,
                BatchRemoved,
                ChallengeOver,
                WrongEntries,
                InvalidEvidence,
                NotInBatch,
                NoFraud,
            ],
        ],
    ),
    (
        "apply_failure_domain",
        &[&[
            UnknownVersion,
            Paused,
            WrongNetwork,
            WrongPayer,
            WrongSubject,
            AmountOverflow,
            InvalidKind,
            StaleGeneration,
            NoQuorum,
            WrongSequence,
        ]],
    ),
    (
        "seal_cell",
        &[
            ACCOUNT,
            &[
                Paused,
                WrongNetwork,
                WrongWorkload,
                WrongEpoch,
                AmountOverflow,
                EpochNotOver,
                NotCollecting,
                WorkloadRetired,
            ],
        ],
    ),
    (
        "settle_cell",
        &[
            ACCOUNT,
            &[
                InvalidRule,
                Paused,
                WrongNetwork,
                WrongWorkload,
                WrongEpoch,
                AmountOverflow,
                ChallengeNotOver,
                NotSealed,
                StepUnitsTooFew,
            ],
        ],
    ),
    (
        "claim_rewards",
        &[ACCOUNT, PAYMENT, &[WrongNetwork, WrongPayout, AmountOverflow, InvalidSlot, ClaimMismatch, NotYourSlot]],
    ),
    ("sweep_cell", &[ACCOUNT, &[WrongNetwork, WrongWorkload, AmountOverflow]]),
    ("close_cell", &[&[UnknownVersion, WrongWorkload, WrongPayer, CellInUse]]),
];
