//! What can be wrong, and what to do about it. Numbers never change their meaning: new errors go to the end of their block.

use anchor_lang::prelude::*;

/// The program's errors, in blocks of 100 by topic. The code on the wire is 6000 plus the number.
#[error_code]
pub enum CoverageError {
    // Configuration and authority.
    #[msg("Only the network's authority may do this: sign with the key in Network.authority")]
    NotAuthority = 0,
    #[msg("The rule is not 0 (Shapley), 1 (Banzhaf) or 2 (LastIn)")]
    InvalidRule,
    #[msg(
        "Epochs last 1 second to 366 days; grace, challenge and delay at most 366 days; slashing takes a challenge window"
    )]
    InvalidTimes,
    #[msg("z_milli is at most 10000, breach_bps and slash_bps at most 10000")]
    InvalidEvidenceRules,
    #[msg("quorum_bps must be 5000 to 9999: endorsed weight has to be more than it")]
    InvalidQuorum,
    #[msg("Minimum bonds must be 1 to 2^52 token units")]
    InvalidBondRules,
    #[msg("A network starts now or later: genesis_ts must not be in the past")]
    InvalidGenesis,
    #[msg("A committee has places 0 to 63: send at least one change, each of one of them")]
    InvalidCommittee,
    #[msg("Every attester needs a key of its own, and only one place")]
    InvalidAttester,
    #[msg("The account has a version this program does not know: upgrade the program or migrate the account")]
    UnknownVersion,
    #[msg("challenger_bps is at most 5000")]
    InvalidChallengerShare,
    #[msg("epoch_seconds is fixed when a network is created: all epochs have the same length")]
    EpochLengthFixed,
    #[msg("Only the wallet in Network.pending_authority may accept")]
    NotPendingAuthority,
    #[msg("Only the network's guardian may do this: sign with the key in Network.guardian")]
    NotGuardian,
    #[msg("A pause is of the phases 1 (enrol), 2 (attest) and 4 (settle), added up, for 1 second to 7 days")]
    InvalidPause,
    #[msg("The guardian must wait as long as the last pause was before the next one: see Network.pause_free_ts")]
    PauseTooSoon,
    #[msg("The guardian has paused this phase: try again after Network.paused_until_ts")]
    Paused,
    #[msg("The place belongs to another attester until that one has no weight and has withdrawn its bond")]
    PlaceTaken,

    // Accounts that do not belong together.
    #[msg("This account belongs to another network")]
    WrongNetwork = 100,
    #[msg("This account belongs to another workload")]
    WrongWorkload,
    #[msg("This is not the epoch the cell has in hand")]
    WrongEpoch,
    #[msg("This is not the network's mint")]
    WrongMint,
    #[msg("This is not the network's vault")]
    WrongVault,
    #[msg("This is not the operator's wallet")]
    WrongWallet,
    #[msg("Pass the payout wallet recorded in the operator account")]
    WrongPayout,
    #[msg("Pass the associated token account of who is paid: payout wallet, bonded wallet or key, or challenger")]
    WrongPayoutAccount,
    #[msg("Pass the account that paid for the attestation")]
    WrongPayer,
    #[msg("This attestation is about another subject")]
    WrongSubject,
    #[msg("This is not the network's token program, or not the associated token account program")]
    WrongTokenProgram,
    #[msg("Pass the wallet that paid for the slot: in a free slot, the address in its operator field")]
    WrongRefund,

    // Amounts.
    #[msg("The amount must be above zero")]
    ZeroAmount = 200,
    #[msg("An amount does not fit 64 bits")]
    AmountOverflow,
    #[msg("The bond must be at least the network's minimum and at most 2^52 token units")]
    InvalidBond,
    #[msg("The payout wallet must not be the zero address: nobody could ever spend what it earns")]
    InvalidPayout,
    #[msg("A workload needs a weight above zero")]
    InvalidWeight,
    #[msg("There is not as much bonded, or nothing on its way out")]
    NotBonded,
    #[msg("The bond can still be slashed: withdraw it at withdrawable_ts")]
    StillBonded,
    #[msg("While enrolled, an operator keeps at least the network's minimum bond: leave the cells first")]
    BondNeeded,
    #[msg("There is no settled verification breach that this operator was not slashed for")]
    NoBreach,

    // Time.
    #[msg("The epoch has not begun yet: wait for its start")]
    EpochNotStarted = 300,
    #[msg("Open the current epoch first (open_epoch): what is done now must not change it")]
    EpochNotOpened,
    #[msg("The epoch or its grace period is not over yet")]
    EpochNotOver,
    #[msg("The challenge window is not over yet")]
    ChallengeNotOver,
    #[msg("The cell is not collecting outcomes: it is sealed; wait until it is settled")]
    NotCollecting,
    #[msg("The cell is not sealed: call seal_cell first")]
    NotSealed,
    #[msg("The cell is being settled: finish with settle_cell, then try again")]
    CellSettling,
    #[msg("step_units is too small for the next step: a domain of 1,024 operators takes 922,000 at once")]
    StepUnitsTooFew,
    #[msg("Settle the cell until it reaches the workload's last change of weight, then try again")]
    WeightPending,
    #[msg("Settle the cell until it reaches the slot's last change, then try again")]
    SlotPending,
    #[msg("A cell has not settled this epoch, or told so already, or has to tell of earlier epochs first")]
    EpochInUse,

    // Capabilities and enrolment.
    #[msg("A Merkle root must not be null and must have leaves")]
    NullRoot = 400,
    #[msg("The proof does not lead from this leaf to the operator's capability root")]
    InvalidProof,
    #[msg("The capability does not meet the workload's requirements")]
    CapabilityMismatch,
    #[msg("The operator is enrolled in this cell already")]
    AlreadyEnrolled,
    #[msg("The cell is full: it has 1,024 slots")]
    CellFull,
    #[msg("The workload is retired")]
    WorkloadRetired,
    #[msg("The operator has left this cell already, or the slot is free")]
    AlreadyLeft,
    #[msg(
        "A slot is free once the cell has settled the first epoch without it, its rewards are claimed and its breaches slashed"
    )]
    SlotInUse,
    #[msg("Leave all cells, release their slots and withdraw the bond first")]
    OperatorInUse,
    #[msg("The workload must be retired, its last epoch settled and told of, its slots released and its tokens swept")]
    CellInUse,

    // Attestations.
    #[msg("The digest is not that of the statement: recompute it")]
    DigestMismatch = 500,
    #[msg("The attestation kind is not 0 (outcomes) or 1 (failure domain)")]
    InvalidKind,
    #[msg("An outcome batch has 1 to 1,024 entries and a receipts root; a failure domain has neither")]
    InvalidStatement,
    #[msg("Entries come in whole records of 32 bytes, no more of them than announced")]
    InvalidChunk,
    #[msg("The uploaded entries do not have the announced hash")]
    EntriesHashMismatch,
    #[msg("Upload all entries first (extend_attestation)")]
    Incomplete,
    #[msg("The committee has changed since: open a new attestation for its present generation")]
    StaleGeneration,
    #[msg("More than the quorum of the committee's weight must endorse first")]
    NoQuorum,
    #[msg("The sequence number is not the next one: another attestation was applied first")]
    WrongSequence,
    #[msg("Entries must be for strictly increasing slots of this cell")]
    InvalidSlot,
    #[msg("An entry is for a slot that joins in a later epoch, or has left")]
    SlotNotEffective,
    #[msg("The counts of the entries do not sum to the receipt count")]
    CountMismatch,
    #[msg("A slot's attempts in one epoch do not fit 32 bits")]
    TooManyAttempts,
    #[msg("This epoch's log is full: 1,024 batches; put more into each")]
    LogFull,
    #[msg("The log has no such batch in the epoch in hand")]
    NoSuchBatch,
    #[msg("This batch was proven false already")]
    BatchRemoved,
    #[msg("The challenge window is over")]
    ChallengeOver,
    #[msg("These are not the entries of the batch: upload those whose hash is in the log")]
    WrongEntries,
    #[msg("The evidence cannot be read: encode it as described in coverage_math::fraud")]
    InvalidEvidence,
    #[msg("A path of the evidence does not lead from its leaf to the batch's root")]
    NotInBatch,
    #[msg("The evidence does not prove a fraud: the batch stands")]
    NoFraud,

    // Ed25519 introspection.
    #[msg("Pass the instructions sysvar itself")]
    WrongInstructionsSysvar = 600,
    #[msg("The instruction named is not one of the Ed25519 program")]
    NotEd25519,
    #[msg("The Ed25519 instruction has no signature, or more than 8, or is cut short")]
    InvalidSignatureCount,
    #[msg("Signature, key and message must be in the Ed25519 instruction itself, within its data")]
    InvalidSignatureOffsets,
    #[msg("The signed message is not this attestation's digest")]
    WrongMessage,
    #[msg("There is no such attester in the committee, or it has no weight")]
    UnknownAttester,
    #[msg("The same attester signed twice in one instruction")]
    DuplicateAttester,

    // Claims.
    #[msg("Pass one slot number for each cell account")]
    ClaimMismatch = 700,
    #[msg("This slot is not the operator's")]
    NotYourSlot,

    // Mints: Token-2022 extensions that a network cannot live with.
    #[msg("The mint is not an initialised mint of SPL Token or Token-2022")]
    InvalidMint = 800,
    #[msg("The mint has a transfer fee: what arrives would be less than what was sent")]
    MintHasTransferFee,
    #[msg("The mint allows confidential transfers: balances could not be audited")]
    MintHasConfidentialTransfer,
    #[msg("The mint's new accounts begin in a state it chooses: payout accounts could begin frozen")]
    MintHasDefaultAccountState,
    #[msg("The mint's tokens cannot be transferred")]
    MintIsNonTransferable,
    #[msg("The mint has a permanent delegate, who could empty the vault")]
    MintHasPermanentDelegate,
    #[msg("The mint has a transfer hook: another program would decide about payments")]
    MintHasTransferHook,
    #[msg("The mint has confidential transfer fees: what arrives would be less than what was sent")]
    MintHasConfidentialTransferFee,
    #[msg("The mint has confidential minting and burning: its supply could not be audited")]
    MintHasConfidentialMintBurn,
    #[msg("The mint scales displayed amounts by a number that its authority may change")]
    MintHasScaledUiAmount,
    #[msg("The mint can be paused, and every payment with it")]
    MintIsPausable,
    #[msg("The mint asks its authority to permit burning")]
    MintHasPermissionedBurn,
    #[msg("The mint has an extension this program does not know")]
    MintHasUnknownExtension,

    // What no input can reach; auditors would see it in a transaction's code.
    #[msg("An account is not as this program left it: report this")]
    Inconsistent = 900,
}
