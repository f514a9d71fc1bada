//! What others read: discriminators, sizes, the offset of every field, error codes. All numbers are literal, because a
//! change of any of them breaks whoever has read an account before.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

use anchor_lang::Discriminator;
use bytemuck::{AnyBitPattern, NoUninit, bytes_of, cast_slice};
use coverage_client::{ClientError, accounts, pda};
use coverage_math::attestation::Entry;
use coverage_math::cell::{Progress, Slot};
use coverage_settlement::state::{
    Attestation, Attester, BatchLog, BatchRecord, Cell, Committee, Config, Epoch, Network, Operator, Summary, Workload,
    items_for,
};
use coverage_tests::check::{INSTRUCTIONS, errors};
use coverage_tests::{World, entry};
use solana_program::pubkey::Pubkey;
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
fn every_field_is_where_it_was() {
    layout!(Network, 496;
        version: 0, bump: 1, vault_bump: 2, decimals: 3, paused: 4, padding: 5, id: 8, authority: 16, pending_authority: 48,
        guardian: 80, mint: 112, token_program: 144, vault: 176, genesis_ts: 208, config: 216, pending_config: 288,
        pending_ts: 360, paused_until_ts: 368, config_version: 376, treasury_available: 384, operator_bonds: 392,
        next_epoch: 400, total_weight: 408, operators: 416, workloads: 424, reserved: 432,
    );
    layout!(Config, 72;
        epoch_seconds: 0, grace_seconds: 8, challenge_seconds: 16, delay_seconds: 24, emission: 32, min_operator_bond: 40,
        min_attester_bond: 48, z_milli: 56, breach_bps: 60, slash_bps: 62, quorum_bps: 64, carry_cap_epochs: 66, rule: 68,
        reserved: 69,
    );
    layout!(Committee, 3_704;
        version: 0, bump: 1, count: 2, padding: 3, network: 8, generation: 40, total_weight: 48, attesters: 56,
        reserved: 3_640,
    );
    layout!(Attester, 56;
        key: 0, weight: 32, bond: 40, flags: 48,
    );
    layout!(Epoch, 232;
        version: 0, bump: 1, padding: 2, network: 8, payer: 40, index: 72, start_ts: 80, end_ts: 88, unit: 96,
        total_weight: 104, committee_generation: 112, config_version: 120, config: 128, reserved: 200,
    );
    layout!(Workload, 192;
        version: 0, bump: 1, status: 2, verification_mode: 3, hardware_class: 4, region: 6, network: 8, id: 40, model: 48,
        descriptor_hash: 80, min_capacity_milli: 112, latency_ms: 120, size_class: 124, padding: 126, weight: 128,
        previous_weight: 136, weight_epoch: 144, first_epoch: 152, reserved: 160,
    );
    layout!(Cell, 568;
        version: 0, bump: 1, phase: 2, padding: 3, slots: 4, padding2: 6, network: 8, workload: 40, epoch: 72, sealed_ts: 80,
        batches: 88, pool: 96, carry: 104, sponsored: 112, returned: 120, earned: 128, settlements: 136, progress: 144,
        last: 392, reserved: 504,
    );
    layout!(Summary, 112;
        epoch: 0, coverage_q64: 8, pool: 16, paid: 24, carry: 32, returned: 40, outcomes: 48, slots: 104, contributing: 106,
        domains: 108, batches: 110,
    );
    layout!(Operator, 256;
        version: 0, bump: 1, padding: 2, domain: 4, network: 8, wallet: 40, payout: 72, bond: 104, unbonding: 112,
        unbonding_ts: 120, domain_version: 128, capability_root: 136, capability_epoch: 168, capability_count: 176,
        cells: 180, claimed: 184, reserved: 192,
    );
    layout!(Attestation, 280;
        version: 0, bump: 1, kind: 2, complete: 3, value: 4, network: 8, payer: 40, subject: 72, epoch: 104, sequence: 112,
        generation: 120, receipts_root: 128, entries_hash: 160, digest: 192, endorsers: 224, weight: 232, entries: 240,
        padding: 242, reserved: 248,
    );
    layout!(BatchLog, 80;
        version: 0, bump: 1, padding: 2, workload: 8, epoch: 40, reserved: 48,
    );
    layout!(BatchRecord, 88;
        receipts_root: 0, entries_hash: 32, endorsers: 64, generation: 72, receipts: 80, flags: 84,
    );
    layout!(Slot, 192;
        operator: 0, bond: 32, staged_bond: 40, staged_epoch: 48, joined_epoch: 56, earned: 64, phi_q64: 72, reward: 80,
        domain: 88, staged_domain: 92, tally: 96, settled_tally: 124, p_q32: 152, share_q32: 156, scratch_reach_q32: 160,
        scratch_end: 164, reason: 166, state: 167, reserved: 168,
    );
    layout!(Progress, 248;
        nodes: 0, outcomes: 160, covered_q64: 216, paid: 224, exponent: 232, cursor: 236, contributing: 238, domains: 240,
        stage: 242, reserved: 243,
    );
    layout!(Entry, 32;
        slot: 0, reserved: 2, counts: 4,
    );
}

#[test]
fn discriminators_are_those_of_the_names() {
    // The first eight bytes of SHA-256 of `account:Name` and `global:name`, computed elsewhere.
    let accounts: [(&[u8], [u8; 8]); 8] = [
        (Network::DISCRIMINATOR, [51, 5, 209, 183, 60, 99, 156, 251]),
        (Committee::DISCRIMINATOR, [96, 136, 210, 244, 137, 110, 178, 104]),
        (Epoch::DISCRIMINATOR, [93, 83, 120, 89, 151, 138, 152, 108]),
        (Workload::DISCRIMINATOR, [206, 97, 141, 191, 183, 109, 209, 27]),
        (Cell::DISCRIMINATOR, [105, 32, 243, 35, 201, 39, 164, 138]),
        (Operator::DISCRIMINATOR, [219, 31, 188, 145, 69, 139, 204, 117]),
        (Attestation::DISCRIMINATOR, [152, 125, 183, 86, 36, 146, 121, 73]),
        (BatchLog::DISCRIMINATOR, [26, 69, 38, 134, 132, 11, 186, 78]),
    ];
    for (actual, expected) in accounts {
        assert_eq!(actual, expected);
    }
    let instructions: [(&str, [u8; 8]); 16] = [
        ("create_network", [150, 71, 176, 201, 244, 144, 46, 173]),
        ("update_committee", [120, 221, 44, 170, 255, 172, 164, 115]),
        ("register_workload", [252, 6, 200, 128, 8, 162, 87, 9]),
        ("fund_treasury", [71, 154, 45, 220, 206, 32, 174, 239]),
        ("open_epoch", [75, 57, 218, 33, 173, 254, 207, 136]),
        ("register_operator", [49, 242, 151, 125, 212, 136, 31, 89]),
        ("commit_capabilities", [188, 35, 148, 152, 82, 70, 67, 122]),
        ("enroll", [58, 12, 36, 3, 142, 28, 1, 43]),
        ("open_attestation", [72, 25, 60, 101, 90, 16, 80, 87]),
        ("extend_attestation", [161, 9, 41, 251, 29, 34, 47, 79]),
        ("endorse", [2, 228, 252, 182, 105, 92, 40, 175]),
        ("apply_batch", [37, 214, 173, 73, 212, 97, 227, 127]),
        ("apply_failure_domain", [118, 74, 249, 252, 139, 203, 131, 209]),
        ("seal_cell", [177, 12, 198, 141, 175, 48, 180, 108]),
        ("settle_cell", [211, 99, 208, 75, 104, 42, 66, 180]),
        ("claim_rewards", [4, 144, 132, 71, 116, 23, 151, 80]),
    ];
    let actual: Vec<_> =
        INSTRUCTIONS.iter().map(|(name, bytes)| (*name, <[u8; 8]>::try_from(*bytes).unwrap())).collect();
    assert_eq!(actual, instructions);
}

/// Every error with its code.
#[rustfmt::skip]
const ERRORS: [(&str, u32); 63] = [
    ("NotAuthority", 6_000), ("InvalidRule", 6_001), ("InvalidTimes", 6_002), ("InvalidEvidenceRules", 6_003),
    ("InvalidQuorum", 6_004), ("InvalidBondRules", 6_005), ("InvalidGenesis", 6_006), ("InvalidCommittee", 6_007),
    ("InvalidAttester", 6_008), ("UnknownVersion", 6_009), ("WrongNetwork", 6_100), ("WrongWorkload", 6_101),
    ("WrongEpoch", 6_102), ("WrongMint", 6_103), ("WrongVault", 6_104), ("WrongWallet", 6_105), ("WrongPayout", 6_106),
    ("WrongPayoutAccount", 6_107), ("WrongPayer", 6_108), ("WrongSubject", 6_109), ("ZeroAmount", 6_200),
    ("AmountOverflow", 6_201), ("InvalidBond", 6_202), ("InvalidPayout", 6_203), ("InvalidWeight", 6_204),
    ("EpochNotStarted", 6_300), ("EpochNotOpened", 6_301), ("EpochNotOver", 6_302), ("ChallengeNotOver", 6_303),
    ("NotCollecting", 6_304), ("NotSealed", 6_305), ("CellSettling", 6_306), ("StepUnitsTooFew", 6_307), ("NullRoot", 6_400),
    ("InvalidProof", 6_401), ("CapabilityMismatch", 6_402), ("AlreadyEnrolled", 6_403), ("CellFull", 6_404),
    ("WorkloadRetired", 6_405), ("DigestMismatch", 6_500), ("InvalidKind", 6_501), ("InvalidStatement", 6_502),
    ("InvalidChunk", 6_503), ("EntriesHashMismatch", 6_504), ("Incomplete", 6_505), ("StaleGeneration", 6_506),
    ("NoQuorum", 6_507), ("WrongSequence", 6_508), ("InvalidSlot", 6_509), ("SlotNotEffective", 6_510),
    ("CountMismatch", 6_511), ("TooManyAttempts", 6_512), ("LogFull", 6_513), ("WrongInstructionsSysvar", 6_600),
    ("NotEd25519", 6_601), ("InvalidSignatureCount", 6_602), ("InvalidSignatureOffsets", 6_603), ("WrongMessage", 6_604),
    ("UnknownAttester", 6_605), ("DuplicateAttester", 6_606), ("ClaimMismatch", 6_700), ("NotYourSlot", 6_701),
    ("Inconsistent", 6_900),
];

#[test]
fn error_codes_never_change() {
    assert_eq!(errors(), ERRORS);
}

/// Decodes an account's header and asserts that it is the account's bytes behind the discriminator.
fn round_trip<T: AnyBitPattern + NoUninit + Discriminator>(world: &World, address: &Pubkey, size: usize) -> T {
    let data = world.account(address).data;
    let header: T = accounts::header(address, &data).unwrap();
    assert_eq!(data.len(), size);
    assert_eq!(data[..8], *T::DISCRIMINATOR);
    assert_eq!(data[8..8 + size_of::<T>()], *bytes_of(&header));
    assert_eq!(data[8], 1, "the version comes first");
    header
}

/// An account's little-endian number at a literal offset, as a reader without this crate takes it.
fn number(world: &World, address: &Pubkey, offset: usize) -> u64 {
    u64::from_le_bytes(world.account(address).data[offset..offset + 8].try_into().unwrap())
}

/// A network with an operator in a cell, two batches applied and one uploaded.
fn lived_in() -> (World, Pubkey, coverage_tests::Operator, Pubkey) {
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(3, 10);
    let operator = world.enrolled(1, 12_345, 77, workload);
    world.open_epoch();
    world.batch(workload, &[(0, [1, 2, 3, 4, 5, 6, 0])]);
    world.batch(workload, &[(0, [10, 0, 0, 0, 0, 0, 7])]);
    let statement = world.statement(workload, &[entry(0, [9, 8, 7, 6, 5, 4, 3])]);
    world.upload(&statement);
    let attestation = statement.address(&world.payer);
    (world, workload, operator, attestation)
}

#[test]
fn real_accounts_are_what_the_client_decodes() {
    let (world, workload, operator, attestation) = lived_in();
    let net = &world.net;
    let network: Network = round_trip(&world, &net.address, 504);
    assert_eq!((network.id, network.mint, network.vault, network.decimals), (1, net.mint, pda::vault(&net.address), 6));
    assert_eq!((number(&world, &net.address, 392), number(&world, &net.address, 400)), (0, 12_345)); // treasury, bonds
    let committee: Committee = round_trip(&world, &pda::committee(&net.address), 3_712);
    assert_eq!((committee.count, committee.generation, committee.total_weight), (5, 1, 5));
    assert_eq!(committee.attesters[4].key.to_bytes(), net.attesters[4].verifying_key().to_bytes());
    let epoch: Epoch = round_trip(&world, &pda::epoch(&net.address, 0), 240);
    assert_eq!((epoch.index, epoch.unit, epoch.total_weight, epoch.config), (0, 100_000, 10, network.config));
    assert_eq!(number(&world, &pda::epoch(&net.address, 0), 104), 100_000);
    let class: Workload = round_trip(&world, &workload, 200);
    assert_eq!((class.id, class.weight, class.model, class.latency_ms), (3, 10, [7; 32], 1_000));
    let account: Operator = round_trip(&world, &operator.account, 264);
    assert_eq!(
        (account.bond, account.domain, account.domain_version, account.payout),
        (12_345, 77, 1, operator.payout)
    );

    // Items: their number at the end of the header, the first of them at the next multiple of their alignment.
    let address = pda::cell(&workload);
    let header: Cell = round_trip(&world, &address, 584 + 2 * 192); // a slot and a page of scratch
    let data = world.account(&address).data;
    let (cell, slots) = accounts::cell(&address, &data).unwrap();
    assert_eq!(bytes_of(&header), bytes_of(&cell));
    assert_eq!((cell.slots, cell.batches, slots.len()), (1, 2, 1));
    assert_eq!(data[576..584], [2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(data[584..776], *bytes_of(&slots[0]));
    assert_eq!((slots[0].operator, slots[0].tally), (operator.account.to_bytes(), [11, 2, 3, 4, 5, 6, 7]));
    assert_eq!(data[584 + 96..584 + 100], 11u32.to_le_bytes());
    assert_eq!([1, 96, 97, 1_024].map(items_for), [2, 97, 99, 1_035]);

    let address = pda::log(&workload);
    let _: BatchLog = round_trip(&world, &address, 96 + 2 * 88);
    let data = world.account(&address).data;
    let (log, records) = accounts::log(&address, &data).unwrap();
    assert_eq!((log.epoch, records.len(), data[88]), (0, 2, 2));
    assert_eq!(data[96..], *cast_slice::<_, u8>(&records));
    assert_eq!(
        (records[0].receipts, records[1].receipts, records[1].endorsers, records[1].generation),
        (21, 17, 31, 1)
    );

    let _: Attestation = round_trip(&world, &attestation, 292 + 32);
    let data = world.account(&attestation).data;
    let (header, entries) = accounts::attestation(&attestation, &data).unwrap();
    assert_eq!((header.sequence, header.value, header.complete, header.payer), (2, 42, 1, world.payer));
    assert_eq!(entries, [entry(0, [9, 8, 7, 6, 5, 4, 3])]);
    assert_eq!((data[288], &data[292..]), (1, bytes_of(&entries[0])));
}

#[test]
fn the_client_decodes_nothing_else() {
    let (world, workload, operator, attestation) = lived_in();
    let refuses = |decoded: Result<(), ClientError>, address: Pubkey, expected, reason| {
        assert_eq!(decoded, Err(ClientError::NotA { address, expected, reason }));
    };
    let data = |address: &Pubkey| world.account(address).data;
    let network = world.net.address;
    let header = |bytes: &[u8]| accounts::header::<Network>(&network, bytes).map(|_| ());
    refuses(header(&data(&operator.account)), network, "Network", "another discriminator");
    refuses(header(&data(&network)[..503]), network, "Network", "too short");
    refuses(header(&[]), network, "Network", "too short");
    let mut next = data(&network);
    next[8] = 2;
    refuses(header(&next), network, "Network", "another version");
    let cell = pda::cell(&workload);
    refuses(accounts::cell(&cell, &data(&cell)[..967]).map(|_| ()), cell, "Cell", "items cut short");
    let log = pda::log(&workload);
    refuses(accounts::log(&log, &data(&log)[..90]).map(|_| ()), log, "BatchLog", "items cut short");
    let cut = accounts::attestation(&attestation, &data(&attestation)[..323]).map(|_| ());
    refuses(cut, attestation, "Attestation", "items cut short");
}
