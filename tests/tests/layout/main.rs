//! What others read: discriminators, sizes, the offset of every field, error codes. All numbers are literal, because a
//! change of any of them breaks whoever has read an account before.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

mod decoding;

use anchor_lang::Discriminator;
use anchor_lang::event::EVENT_IX_TAG_LE;
use coverage_client::events::NAMES;
use coverage_math::attestation::Entry;
use coverage_math::cell::{Progress, Slot};
use coverage_settlement::events::*;
use coverage_settlement::state::{
    Attestation, Attester, BatchLog, BatchRecord, Bond, Cell, Committee, Config, Epoch, Network, Operator, Summary,
    Workload,
};
use coverage_tests::check::{INSTRUCTIONS, errors};
use std::mem::offset_of;

/// Asserts a struct's size and the offsets of all its fields, which lie side by side: nothing is left out.
macro_rules! layout {
    ($type:ident, $size:literal; $($field:ident: $offset:literal),+ $(,)?) => {{
        let width = |field: &dyn Fn(&$type) -> usize| field(&bytemuck::Zeroable::zeroed());
        let fields = [$((stringify!($field), $offset, offset_of!($type, $field), width(&|value| size_of_val(&value.$field)))),+];
        let mut end = 0;
        for (name, expected, offset, width) in fields {
            assert_eq!((offset, offset), (expected, end), "{}.{name}", stringify!($type));
            end = offset + width;
        }
        assert_eq!((end, size_of::<$type>()), ($size, $size), "{}", stringify!($type));
    }};
}

#[test]
#[rustfmt::skip]
fn every_field_of_every_account_is_where_it_was() {
    layout!(Config, 72;
        epoch_seconds: 0, grace_seconds: 8, challenge_seconds: 16, delay_seconds: 24, emission: 32,
        min_operator_bond: 40, min_attester_bond: 48, z_milli: 56, breach_bps: 60, slash_bps: 62, quorum_bps: 64,
        carry_cap_epochs: 66, challenger_bps: 68, rule: 70, reserved: 71,
    );
    layout!(Bond, 24; units: 0, unbonding: 8, withdrawable_ts: 16);
    layout!(Network, 520;
        version: 0, bump: 1, vault_bump: 2, decimals: 3, paused: 4, padding: 5, id: 8, authority: 16,
        pending_authority: 48, guardian: 80, mint: 112, token_program: 144, vault: 176, genesis_ts: 208, config: 216,
        pending_config: 288, pending_ts: 360, paused_until_ts: 368, pause_free_ts: 376, slashable_until_ts: 384,
        config_version: 392, treasury_available: 400, operator_bonds: 408, attester_bonds: 416, next_epoch: 424,
        total_weight: 432, operators: 440, workloads: 448, reserved: 456,
    );
    layout!(Attester, 72; key: 0, weight: 32, since_generation: 40, bond: 48);
    layout!(Committee, 4_728;
        version: 0, bump: 1, count: 2, padding: 3, network: 8, generation: 40, total_weight: 48, attesters: 56,
        reserved: 4_664,
    );
    layout!(Epoch, 240;
        version: 0, bump: 1, padding: 2, network: 8, payer: 40, index: 72, start_ts: 80, end_ts: 88, unit: 96,
        total_weight: 104, committee_generation: 112, config_version: 120, cells_left: 128, config: 136, seed: 208,
    );
    layout!(Workload, 224;
        version: 0, bump: 1, status: 2, verification_mode: 3, hardware_class: 4, region: 6, network: 8, payer: 40,
        id: 72, model: 80, descriptor_hash: 112, min_capacity_milli: 144, latency_ms: 152, size_class: 156,
        padding: 158, weight: 160, previous_weight: 168, weight_epoch: 176, first_epoch: 184, reserved: 192,
    );
    layout!(Summary, 136;
        epoch: 0, coverage_q64: 8, pool: 16, paid: 24, carry: 32, returned: 40, sponsored: 48, carry_cap: 56,
        outcomes: 64, z_milli: 120, breach_bps: 124, rule: 126, reserved: 127, slots: 128, contributing: 130,
        domains: 132, batches: 134,
    );
    layout!(Cell, 608;
        version: 0, bump: 1, phase: 2, padding: 3, slots: 4, removed: 6, network: 8, workload: 40, epoch: 72,
        sealed_ts: 80, batches: 88, pool: 96, pool_sponsored: 104, carry: 112, sponsored: 120, returned: 128,
        earned: 136, settlements: 144, reported_epoch: 152, progress: 160, last: 408, free: 544, reserved: 552,
    );
    layout!(Operator, 256;
        version: 0, bump: 1, padding: 2, domain: 4, network: 8, wallet: 40, payout: 72, bond: 104, domain_version: 128,
        capability_root: 136, capability_epoch: 168, capability_count: 176, cells: 180, claimed: 184, reserved: 192,
    );
    layout!(Attestation, 272;
        version: 0, bump: 1, kind: 2, complete: 3, value: 4, network: 8, payer: 40, subject: 72, epoch: 104,
        sequence: 112, generation: 120, receipts_root: 128, entries_hash: 160, digest: 192, endorsers: 224,
        entries: 232, padding: 234, reserved: 240,
    );
    layout!(BatchRecord, 88;
        receipts_root: 0, entries_hash: 32, endorsers: 64, generation: 72, receipts: 80, flags: 84,
    );
    layout!(BatchLog, 80; version: 0, bump: 1, padding: 2, workload: 8, epoch: 40, reserved: 48);
    layout!(Slot, 192;
        operator: 0, bond: 32, staged_bond: 40, staged_epoch: 48, joined_epoch: 56, earned: 64, phi_q64: 72,
        reward: 80, domain: 88, staged_domain: 92, tally: 96, settled_tally: 124, p_q32: 152, share_q32: 156,
        scratch_reach_q32: 160, scratch_end: 164, reason: 166, state: 167, left_epoch: 168, settled_bond: 176,
        settled_domain: 184, owed_slash_bps: 188, reserved: 190,
    );
    layout!(Progress, 248;
        nodes: 0, outcomes: 160, covered_q64: 216, paid: 224, exponent: 232, cursor: 236, contributing: 238,
        domains: 240, stage: 242, reserved: 243,
    );
    layout!(Entry, 32; slot: 0, reserved: 2, counts: 4);
}

#[test]
#[rustfmt::skip]
fn every_field_of_every_event_is_where_it_was() {
    layout!(NetworkCreated, 240;
        network: 0, authority: 32, guardian: 64, mint: 96, token_program: 128, genesis_ts: 160, config: 168,
    );
    layout!(AuthorityProposed, 96; network: 0, before: 32, pending: 64);
    layout!(AuthorityAccepted, 96; network: 0, before: 32, authority: 64);
    layout!(GuardianSet, 96; network: 0, before: 32, guardian: 64);
    layout!(ConfigProposed, 184; network: 0, effective_ts: 32, before: 40, config: 112);
    layout!(Paused, 56; network: 0, phases: 32, until_ts: 40, free_ts: 48);
    layout!(AttesterSet, 128;
        network: 0, place: 32, key: 40, key_before: 72, weight: 104, weight_before: 112, generation: 120,
    );
    layout!(WorkloadRegistered, 128;
        network: 0, workload: 32, id: 64, descriptor_hash: 72, weight: 104, first_epoch: 112, total_weight_before: 120,
    );
    layout!(WorkloadWeightSet, 96;
        network: 0, workload: 32, before: 64, weight: 72, epoch: 80, total_weight_before: 88,
    );
    layout!(TreasuryFunded, 80; network: 0, funder: 32, amount_units: 64, available_before_units: 72);
    layout!(PoolSponsored, 80; workload: 0, sponsor: 32, amount_units: 64, sponsored_before_units: 72);
    layout!(EpochOpened, 184;
        network: 0, epoch: 32, unit: 40, total_weight: 48, available_before_units: 56, committee_generation: 64,
        config_version: 72, config: 80, seed: 152,
    );
    layout!(EpochClosed, 40; network: 0, epoch: 32);
    layout!(OperatorRegistered, 136; network: 0, operator: 32, wallet: 64, payout: 96, domain_version: 128);
    layout!(OperatorRetired, 72; network: 0, operator: 32, claimed_units: 64);
    layout!(BondChanged, 128; network: 0, holder: 32, cause: 64, amount_units: 72, before: 80, after: 104);
    layout!(CapabilitiesCommitted, 80; operator: 0, root: 32, count: 64, epoch: 72);
    layout!(Enrolled, 96; workload: 0, operator: 32, slot: 64, joined_epoch: 72, bond_units: 80, domain: 88);
    layout!(SlotSynced, 80;
        workload: 0, slot: 32, epoch: 40, bond_before_units: 48, bond_units: 56, domain_before: 64, domain: 72,
    );
    layout!(CellLeft, 80; workload: 0, operator: 32, slot: 64, left_epoch: 72);
    layout!(SlotReleased, 80; workload: 0, slot: 32, slots: 40, payer: 48);
    layout!(BatchApplied, 136;
        workload: 0, epoch: 32, sequence: 40, receipts_root: 48, receipts: 80, entries_hash: 88, endorsers: 120,
        generation: 128,
    );
    layout!(BatchRemoved, 128;
        workload: 0, epoch: 32, sequence: 40, fraud: 48, challenger: 56, slashed_places: 88, slash_bps: 96, slashed_units: 104, reward_units: 112,
        available_before_units: 120,
    );
    layout!(FailureDomainApplied, 56; operator: 0, before: 32, domain: 40, version: 48);
    layout!(CellSealed, 80;
        workload: 0, epoch: 32, pool_units: 40, allocated_units: 48, carry_units: 56, sponsored_units: 64,
        sealed_ts: 72,
    );
    layout!(CellSettled, 88;
        workload: 0, epoch: 32, coverage_q64: 40, pool_units: 48, paid_units: 56, carry_units: 64, returned_units: 72,
        earned_before_units: 80,
    );
    layout!(CellSwept, 64;
        workload: 0, returned_units: 32, carry_units: 40, sponsored_units: 48, available_before_units: 56,
    );
    layout!(CellClosed, 40; workload: 0, epoch: 32);
    layout!(RewardsClaimed, 120;
        operator: 0, workload: 32, slot: 64, payout_account: 72, amount_units: 104, earned_before_units: 112,
    );
}

/// Names, discriminators, and what these should be.
macro_rules! discriminators {
    ($($type:ident: $bytes:expr),+ $(,)?) => { [$((stringify!($type), $type::DISCRIMINATOR, $bytes)),+] };
}

// Below are the first eight bytes of SHA-256 of `account:Name`, `global:name` and `event:Name`, computed elsewhere.

#[test]
#[rustfmt::skip]
fn discriminators_of_accounts_are_those_of_the_names() {
    let accounts: [(&str, &[u8], [u8; 8]); 8] = discriminators! {
        Network: [51, 5, 209, 183, 60, 99, 156, 251], Committee: [96, 136, 210, 244, 137, 110, 178, 104],
        Epoch: [93, 83, 120, 89, 151, 138, 152, 108], Workload: [206, 97, 141, 191, 183, 109, 209, 27],
        Cell: [105, 32, 243, 35, 201, 39, 164, 138], Operator: [219, 31, 188, 145, 69, 139, 204, 117],
        Attestation: [152, 125, 183, 86, 36, 146, 121, 73], BatchLog: [26, 69, 38, 134, 132, 11, 186, 78],
    };
    for (name, actual, expected) in accounts {
        assert_eq!(actual, expected, "{name}");
    }
}

#[test]
#[rustfmt::skip]
fn discriminators_of_instructions_are_those_of_the_names() {
    macro_rules! expected {
        ($($name:ident: $bytes:expr),+ $(,)?) => { [$((stringify!($name), $bytes)),+] };
    }
    let expected: [(&str, [u8; 8]); 41] = expected! {
        create_network: [150, 71, 176, 201, 244, 144, 46, 173],
        propose_authority: [20, 148, 236, 198, 76, 119, 99, 142],
        accept_authority: [107, 86, 198, 91, 33, 12, 107, 160], set_guardian: [147, 243, 50, 121, 154, 164, 50, 30],
        propose_config: [163, 247, 238, 160, 236, 129, 153, 160], pause: [211, 22, 221, 251, 74, 121, 193, 47],
        unpause: [169, 144, 4, 38, 10, 141, 188, 255], update_committee: [120, 221, 44, 170, 255, 172, 164, 115],
        add_attester_bond: [138, 30, 52, 205, 124, 228, 37, 226],
        unbond_attester: [206, 190, 252, 226, 189, 208, 33, 244],
        withdraw_attester_bond: [4, 242, 249, 118, 76, 112, 210, 154],
        register_workload: [252, 6, 200, 128, 8, 162, 87, 9],
        set_workload_weight: [106, 30, 178, 122, 123, 60, 182, 168],
        fund_treasury: [71, 154, 45, 220, 206, 32, 174, 239], sponsor_workload: [158, 13, 129, 89, 48, 69, 238, 96],
        open_epoch: [75, 57, 218, 33, 173, 254, 207, 136], close_epoch: [13, 87, 7, 133, 109, 14, 83, 25],
        register_operator: [49, 242, 151, 125, 212, 136, 31, 89], add_bond: [67, 104, 1, 227, 44, 237, 39, 95],
        unbond: [151, 129, 36, 46, 102, 195, 111, 122], withdraw_bond: [222, 199, 141, 31, 188, 93, 155, 40],
        slash_operator: [93, 188, 89, 82, 93, 198, 107, 167], retire_operator: [168, 74, 237, 219, 153, 216, 197, 49],
        commit_capabilities: [188, 35, 148, 152, 82, 70, 67, 122], enroll: [58, 12, 36, 3, 142, 28, 1, 43],
        sync_slot: [143, 128, 182, 223, 231, 63, 144, 187], leave_cell: [223, 11, 147, 67, 223, 30, 243, 90],
        release_slot: [100, 59, 168, 161, 243, 243, 157, 33], trim_cell: [31, 112, 68, 190, 107, 90, 86, 207],
        open_attestation: [72, 25, 60, 101, 90, 16, 80, 87], extend_attestation: [161, 9, 41, 251, 29, 34, 47, 79],
        endorse: [2, 228, 252, 182, 105, 92, 40, 175], close_attestation: [249, 84, 133, 23, 48, 175, 252, 221],
        apply_batch: [37, 214, 173, 73, 212, 97, 227, 127], challenge_batch: [91, 151, 20, 80, 34, 54, 14, 25],
        apply_failure_domain: [118, 74, 249, 252, 139, 203, 131, 209],
        seal_cell: [177, 12, 198, 141, 175, 48, 180, 108], settle_cell: [211, 99, 208, 75, 104, 42, 66, 180],
        claim_rewards: [4, 144, 132, 71, 116, 23, 151, 80], sweep_cell: [221, 83, 40, 192, 175, 227, 71, 102],
        close_cell: [123, 236, 153, 37, 166, 62, 188, 78],
    };
    let actual = INSTRUCTIONS.iter().map(|(name, bytes)| (*name, <[u8; 8]>::try_from(*bytes).unwrap()));
    assert_eq!(actual.collect::<Vec<_>>(), expected);
}

#[test]
#[rustfmt::skip]
fn discriminators_of_events_are_those_of_the_names() {
    assert_eq!(EVENT_IX_TAG_LE, [228, 69, 165, 46, 81, 203, 154, 29]); // SHA-256 of `anchor:event`, backwards
    let events: [(&str, &[u8], [u8; 8]); 29] = discriminators! {
        NetworkCreated: [164, 212, 129, 27, 28, 58, 190, 118], AuthorityProposed: [244, 117, 94, 112, 53, 151, 35, 89],
        AuthorityAccepted: [166, 192, 219, 188, 41, 209, 195, 26], GuardianSet: [159, 49, 155, 156, 176, 88, 29, 190],
        ConfigProposed: [148, 34, 23, 129, 45, 161, 66, 192], Paused: [172, 248, 5, 253, 49, 255, 255, 232],
        AttesterSet: [114, 47, 165, 188, 253, 188, 170, 124], WorkloadRegistered: [93, 38, 7, 107, 249, 26, 245, 205],
        WorkloadWeightSet: [104, 34, 174, 213, 89, 43, 47, 74], TreasuryFunded: [172, 66, 241, 101, 216, 219, 147, 130],
        PoolSponsored: [183, 62, 14, 160, 85, 1, 94, 250], EpochOpened: [136, 166, 130, 170, 78, 145, 67, 78],
        EpochClosed: [21, 4, 48, 56, 29, 169, 77, 42], OperatorRegistered: [173, 220, 230, 105, 117, 97, 22, 133],
        OperatorRetired: [64, 205, 193, 232, 166, 247, 2, 36], BondChanged: [182, 171, 105, 8, 232, 86, 149, 135],
        CapabilitiesCommitted: [220, 32, 248, 84, 150, 159, 166, 30], Enrolled: [129, 156, 102, 214, 94, 196, 220, 127],
        SlotSynced: [181, 61, 82, 60, 61, 229, 215, 121], CellLeft: [213, 112, 125, 69, 188, 57, 226, 96],
        SlotReleased: [96, 238, 123, 196, 35, 250, 120, 91], BatchApplied: [80, 24, 55, 165, 175, 255, 107, 48],
        BatchRemoved: [146, 95, 165, 17, 79, 147, 53, 53], FailureDomainApplied: [204, 192, 159, 32, 46, 110, 61, 242],
        CellSealed: [134, 165, 81, 213, 50, 165, 107, 140], CellSettled: [1, 7, 58, 16, 131, 218, 103, 119],
        CellSwept: [211, 239, 137, 8, 23, 77, 68, 81], CellClosed: [133, 214, 147, 229, 41, 9, 177, 235],
        RewardsClaimed: [75, 98, 88, 18, 219, 112, 88, 121],
    };
    for (name, actual, expected) in events {
        assert_eq!(actual, expected, "{name}");
    }
    assert_eq!(events.map(|(name, _, _)| name), NAMES);
}

/// Every error with its code.
#[rustfmt::skip]
const ERRORS: [(&str, u32); 104] = [
    ("NotAuthority", 6_000), ("InvalidRule", 6_001), ("InvalidTimes", 6_002), ("InvalidEvidenceRules", 6_003),
    ("InvalidQuorum", 6_004), ("InvalidBondRules", 6_005), ("InvalidGenesis", 6_006), ("InvalidCommittee", 6_007),
    ("InvalidAttester", 6_008), ("UnknownVersion", 6_009), ("InvalidChallengerShare", 6_010),
    ("EpochLengthFixed", 6_011), ("NotPendingAuthority", 6_012), ("NotGuardian", 6_013), ("InvalidPause", 6_014),
    ("PauseTooSoon", 6_015), ("Paused", 6_016), ("PlaceTaken", 6_017), ("WrongNetwork", 6_100),
    ("WrongWorkload", 6_101), ("WrongEpoch", 6_102), ("WrongMint", 6_103), ("WrongVault", 6_104),
    ("WrongWallet", 6_105), ("WrongPayout", 6_106), ("WrongPayoutAccount", 6_107), ("WrongPayer", 6_108),
    ("WrongSubject", 6_109), ("WrongTokenProgram", 6_110), ("WrongRefund", 6_111), ("ZeroAmount", 6_200),
    ("AmountOverflow", 6_201), ("InvalidBond", 6_202), ("InvalidPayout", 6_203), ("InvalidWeight", 6_204),
    ("NotBonded", 6_205), ("StillBonded", 6_206), ("BondNeeded", 6_207), ("NoBreach", 6_208),
    ("EpochNotStarted", 6_300), ("EpochNotOpened", 6_301), ("EpochNotOver", 6_302), ("ChallengeNotOver", 6_303),
    ("NotCollecting", 6_304), ("NotSealed", 6_305), ("CellSettling", 6_306), ("StepUnitsTooFew", 6_307),
    ("WeightPending", 6_308), ("SlotPending", 6_309), ("EpochInUse", 6_310), ("NullRoot", 6_400),
    ("InvalidProof", 6_401), ("CapabilityMismatch", 6_402), ("AlreadyEnrolled", 6_403), ("CellFull", 6_404),
    ("WorkloadRetired", 6_405), ("AlreadyLeft", 6_406), ("SlotInUse", 6_407), ("OperatorInUse", 6_408),
    ("CellInUse", 6_409), ("DigestMismatch", 6_500), ("InvalidKind", 6_501), ("InvalidStatement", 6_502),
    ("InvalidChunk", 6_503), ("EntriesHashMismatch", 6_504), ("Incomplete", 6_505), ("StaleGeneration", 6_506),
    ("NoQuorum", 6_507), ("WrongSequence", 6_508), ("InvalidSlot", 6_509), ("SlotNotEffective", 6_510),
    ("CountMismatch", 6_511), ("TooManyAttempts", 6_512), ("LogFull", 6_513), ("NoSuchBatch", 6_514),
    ("BatchRemoved", 6_515), ("ChallengeOver", 6_516), ("WrongEntries", 6_517), ("InvalidEvidence", 6_518),
    ("NotInBatch", 6_519), ("NoFraud", 6_520), ("WrongInstructionsSysvar", 6_600), ("NotEd25519", 6_601),
    ("InvalidSignatureCount", 6_602), ("InvalidSignatureOffsets", 6_603), ("WrongMessage", 6_604),
    ("UnknownAttester", 6_605), ("DuplicateAttester", 6_606), ("ClaimMismatch", 6_700), ("NotYourSlot", 6_701),
    ("InvalidMint", 6_800), ("MintHasTransferFee", 6_801), ("MintHasConfidentialTransfer", 6_802),
    ("MintHasDefaultAccountState", 6_803), ("MintIsNonTransferable", 6_804), ("MintHasPermanentDelegate", 6_805),
    ("MintHasTransferHook", 6_806), ("MintHasConfidentialTransferFee", 6_807), ("MintHasConfidentialMintBurn", 6_808),
    ("MintHasScaledUiAmount", 6_809), ("MintIsPausable", 6_810), ("MintHasPermissionedBurn", 6_811),
    ("MintHasUnknownExtension", 6_812), ("Inconsistent", 6_900),
];

#[test]
fn error_codes_never_change() {
    assert_eq!(errors(), ERRORS);
}
