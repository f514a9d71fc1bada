//! Accounts of a network that has lived: what the client decodes of them, and refuses to.

use anchor_lang::Discriminator;
use bytemuck::{AnyBitPattern, NoUninit, bytes_of, cast_slice};
use coverage_client::{ClientError, accounts, pda};
use coverage_settlement::state::{
    Attestation, BatchLog, Bond, Cell, Committee, Epoch, Network, Operator, Workload, items_for,
};
use coverage_tests::{World, entry};
use solana_program::pubkey::Pubkey;

/// Decodes an account's header and asserts that it is the account's bytes behind the discriminator, the version first.
fn round_trip<T: AnyBitPattern + NoUninit + Discriminator>(world: &World, address: &Pubkey, size: usize) -> T {
    let data = world.account(address).data;
    let header: T = accounts::header(address, &data).unwrap();
    assert_eq!(data.len(), size);
    assert_eq!(data[..9], [T::DISCRIMINATOR, &[1]].concat());
    assert_eq!(data[8..8 + size_of::<T>()], *bytes_of(&header));
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
    let network: Network = round_trip(&world, &net.address, 528);
    assert_eq!(
        (network.id, network.mint, network.vault, network.decimals),
        (1, net.token.mint, pda::vault(&net.address), 6)
    );
    let amounts = [408, 416, 424].map(|offset| number(&world, &net.address, offset));
    assert_eq!(amounts, [0, 12_345, 500_000], "treasury, operators' and attesters' bonds");
    let committee: Committee = round_trip(&world, &pda::committee(&net.address), 4_736);
    assert_eq!((committee.count, committee.generation, committee.total_weight), (5, 1, 5));
    assert_eq!(committee.attesters[4].key.to_bytes(), net.attesters[4].verifying_key().to_bytes());
    assert_eq!(committee.attesters[4].bond, Bond { units: 100_000, ..Bond::default() });
    let epoch: Epoch = round_trip(&world, &pda::epoch(&net.address, 0), 248);
    assert_eq!((epoch.index, epoch.unit, epoch.total_weight, epoch.config), (0, 100_000, 10, network.config));
    assert_eq!(number(&world, &pda::epoch(&net.address, 0), 104), 100_000);
    let class: Workload = round_trip(&world, &workload, 232);
    assert_eq!((class.id, class.weight, class.model, class.latency_ms), (3, 10, [7; 32], 1_000));
    let account: Operator = round_trip(&world, &operator.account, 264);
    assert_eq!(
        (account.bond.units, account.domain, account.domain_version, account.payout),
        (12_345, 77, (1 << 32) + 1, operator.payout)
    );

    // Items: their number at the end of the header, the first of them at the next multiple of their alignment.
    let address = pda::cell(&workload);
    let header: Cell = round_trip(&world, &address, 624 + 2 * 192); // a slot and a page of scratch
    let data = world.account(&address).data;
    let (cell, slots) = accounts::cell(&address, &data).unwrap();
    assert_eq!(bytes_of(&header), bytes_of(&cell));
    assert_eq!((cell.slots, cell.batches, slots.len()), (1, 2, 1));
    assert_eq!(data[616..624], [2, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(data[624..816], *bytes_of(&slots[0]));
    assert_eq!((slots[0].operator, slots[0].tally), (operator.account.to_bytes(), [11, 2, 3, 4, 5, 6, 7]));
    assert_eq!(data[624 + 96..624 + 100], 11u32.to_le_bytes());
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

    let _: Attestation = round_trip(&world, &attestation, 284 + 32);
    let data = world.account(&attestation).data;
    let (header, entries) = accounts::attestation(&attestation, &data).unwrap();
    assert_eq!((header.sequence, header.value, header.complete, header.payer), (2, 42, 1, world.payer));
    assert_eq!(entries, [entry(0, [9, 8, 7, 6, 5, 4, 3])]);
    assert_eq!((data[280], &data[284..]), (1, bytes_of(&entries[0])));
}

/// Asserts that fields are zero.
macro_rules! zero {
    ($value:expr; $($field:ident),+) => {
        $(assert!(bytes_of(&$value.$field).iter().all(|byte| *byte == 0), "{}", stringify!($value.$field));)+
    };
}

#[test]
fn what_is_reserved_is_zero() {
    let (mut world, workload, operator, attestation) = lived_in();
    let network = world.net.address;
    for settled in [false, true] {
        if settled {
            world.finish(workload);
        }
        let header: Network = world.get(&network);
        zero!(header; padding, reserved);
        zero!(header.config; reserved);
        zero!(header.pending_config; reserved);
        zero!(world.get::<Committee>(&pda::committee(&network)); padding, reserved);
        let epoch = world.epoch(0);
        zero!(epoch; padding);
        zero!(epoch.config; reserved);
        zero!(world.get::<Workload>(&workload); padding, reserved);
        zero!(world.get::<Operator>(&operator.account); padding, reserved);
        zero!(world.get::<Attestation>(&attestation); padding, reserved);
        zero!(world.get::<BatchLog>(&pda::log(&workload)); padding, reserved);
        let (cell, slots) = world.cell(workload);
        zero!(cell; padding, reserved);
        zero!(cell.last; reserved);
        zero!(cell.progress(); reserved);
        zero!(slots[0]; reserved);
    }
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
    refuses(header(&data(&network)[..527]), network, "Network", "too short");
    refuses(header(&[]), network, "Network", "too short");
    let mut next = data(&network);
    next[8] = 2;
    refuses(header(&next), network, "Network", "another version");
    let cell = pda::cell(&workload);
    refuses(accounts::cell(&cell, &data(&cell)[..1_007]).map(|_| ()), cell, "Cell", "items cut short");
    let log = pda::log(&workload);
    refuses(accounts::log(&log, &data(&log)[..90]).map(|_| ()), log, "BatchLog", "items cut short");
    let cut = accounts::attestation(&attestation, &data(&attestation)[..315]).map(|_| ());
    refuses(cut, attestation, "Attestation", "items cut short");
}
