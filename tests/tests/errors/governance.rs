//! Networks, committees, workloads, the treasury and epochs.

use crate::swapped;
use coverage_client::{instructions as ix, pda};
use coverage_math::domains::MAX_BOND;
use coverage_math::reliability::MAX_Z_MILLI;
use coverage_settlement::constants::MAX_SECONDS;
use coverage_settlement::state::{Committee, Config, Member, Network};
use coverage_tests::{CoverageError, EPOCH, GENESIS, InstructionError, World, attester, config, keypair, requirements};
use solana_program::instruction::Instruction;

fn create(world: &World, id: u64, config: Config) -> Instruction {
    ix::create_network(world.net.authority, id, world.net.mint, world.net.authority, GENESIS, config)
}

/// Tries a configuration just past a limit and the one at the limit.
fn limit(world: &mut World, past: Config, at: Config, error: CoverageError) {
    world.refuses(create(world, 9, past), error);
    let saved = world.cluster.svm.clone();
    world.send(&[create(world, 9, at)]);
    world.cluster.svm = saved;
}

fn member(number: u8, weight: u64) -> Member {
    Member { key: attester(1, number).verifying_key().to_bytes().into(), weight }
}

fn update(world: &World, start: u8, count: u8, members: &[Member]) -> Instruction {
    ix::update_committee(world.net.authority, world.net.address, start, count, members.to_vec())
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    create_network_refuses_every_bad_configuration,
    create_network_refuses_a_genesis_in_the_past_and_a_second_time,
    update_committee_refuses_strangers_gaps_and_bad_attesters,
    update_committee_refuses_another_networks_and_forged_committees,
    register_workload_refuses_strangers_no_weight_and_an_epoch_not_opened,
    fund_treasury_refuses_nothing_too_much_and_others_accounts,
    open_epoch_refuses_the_future_the_past_and_the_end_of_time,
];

#[test]
fn create_network_refuses_every_bad_configuration() {
    let mut world = World::new();
    let base = config;
    limit(&mut world, Config { rule: 3, ..base() }, Config { rule: 2, ..base() }, CoverageError::InvalidRule);
    let times = CoverageError::InvalidTimes;
    limit(&mut world, Config { epoch_seconds: 0, ..base() }, Config { epoch_seconds: 1, ..base() }, times);
    let (past, at) = (MAX_SECONDS + 1, MAX_SECONDS);
    limit(&mut world, Config { epoch_seconds: past, ..base() }, Config { epoch_seconds: at, ..base() }, times);
    limit(&mut world, Config { grace_seconds: past, ..base() }, Config { grace_seconds: at, ..base() }, times);
    limit(&mut world, Config { challenge_seconds: past, ..base() }, Config { challenge_seconds: at, ..base() }, times);
    limit(&mut world, Config { delay_seconds: past, ..base() }, Config { delay_seconds: at, ..base() }, times);
    let evidence = CoverageError::InvalidEvidenceRules;
    limit(
        &mut world,
        Config { z_milli: MAX_Z_MILLI + 1, ..base() },
        Config { z_milli: MAX_Z_MILLI, ..base() },
        evidence,
    );
    limit(&mut world, Config { breach_bps: 10_001, ..base() }, Config { breach_bps: 10_000, ..base() }, evidence);
    limit(&mut world, Config { slash_bps: 10_001, ..base() }, Config { slash_bps: 10_000, ..base() }, evidence);
    let quorum = CoverageError::InvalidQuorum;
    limit(&mut world, Config { quorum_bps: 4_999, ..base() }, Config { quorum_bps: 5_000, ..base() }, quorum);
    limit(&mut world, Config { quorum_bps: 10_000, ..base() }, Config { quorum_bps: 9_999, ..base() }, quorum);
    let bonds = CoverageError::InvalidBondRules;
    limit(&mut world, Config { min_operator_bond: 0, ..base() }, Config { min_operator_bond: 1, ..base() }, bonds);
    limit(&mut world, Config { min_attester_bond: 0, ..base() }, Config { min_attester_bond: 1, ..base() }, bonds);
    let (past, at) = (MAX_BOND + 1, MAX_BOND);
    limit(&mut world, Config { min_operator_bond: past, ..base() }, Config { min_operator_bond: at, ..base() }, bonds);
    limit(&mut world, Config { min_attester_bond: past, ..base() }, Config { min_attester_bond: at, ..base() }, bonds);
}

#[test]
fn create_network_refuses_a_genesis_in_the_past_and_a_second_time() {
    let mut world = World::new();
    world.set_time(GENESIS + 1);
    world.refuses(create(&world, 9, config()), CoverageError::InvalidGenesis);
    world.set_time(GENESIS);
    world.send(&[create(&world, 9, config())]);
    // The system program's "account already in use".
    world.refuses(create(&world, 9, config()), InstructionError::Custom(0));
}

#[test]
fn update_committee_refuses_strangers_gaps_and_bad_attesters() {
    let mut world = World::new();
    let stranger = world.cluster.add_signer(keypair(b's', 1, 0));
    let by_stranger = ix::update_committee(stranger, world.net.address, 0, 5, vec![member(0, 1)]);
    world.refuses(by_stranger, CoverageError::NotAuthority);
    let invalid = CoverageError::InvalidCommittee;
    world.refuses(update(&world, 6, 7, &[member(6, 1)]), invalid); // a gap at place 5
    world.refuses(update(&world, 4, 5, &[member(4, 1), member(5, 1)]), invalid); // past the new count
    world.refuses(update(&world, 0, 0, &[]), invalid);
    world.refuses(update(&world, 0, 6, &[member(0, 1)]), invalid); // place 5 left empty
    world.refuses(update(&world, 5, 65, &[member(5, 1)]), invalid);
    world.refuses(update(&world, 255, 255, &[]), invalid);
    let attester = CoverageError::InvalidAttester;
    world.refuses(update(&world, 5, 6, &[member(5, 0)]), attester);
    world.refuses(update(&world, 5, 6, &[member(4, 1)]), attester);
    world.refuses(update(&world, 5, 7, &[member(5, 1), member(5, 1)]), attester);
    world.refuses(update(&world, 0, 2, &[member(0, u64::MAX), member(1, 1)]), CoverageError::AmountOverflow);
    assert_eq!(world.generation(), 1);
    // 64 attesters fit, in chunks.
    for start in (5..64).step_by(20) {
        let members: Vec<_> = (start..(start + 20).min(64)).map(|number| member(number, 2)).collect();
        world.send(&[update(&world, start, start + members.len() as u8, &members)]);
    }
    let committee: Committee = world.get(&pda::committee(&world.net.address));
    assert_eq!((committee.count, committee.total_weight, committee.generation), (64, 5 + 59 * 2, 4));
    // A key that stays in its place keeps its bond; another in its place begins with none.
    let address = pda::committee(&world.net.address);
    world.forge().header(&address, |committee: &mut Committee| {
        (committee.attesters[0].bond, committee.attesters[1].bond) = (7, 8);
    });
    world.send(&[update(&world, 0, 64, &[member(0, 1), member(64, 1)])]);
    let committee: Committee = world.get(&address);
    assert_eq!((committee.attesters[0].bond, committee.attesters[1].bond, committee.generation), (7, 0, 5));
    // Shrinking forgets who falls out.
    world.send(&[update(&world, 0, 1, &[])]);
    let committee: Committee = world.get(&pda::committee(&world.net.address));
    assert_eq!((committee.count, committee.total_weight, committee.attesters[1].weight), (1, 1, 0));
}

#[test]
fn update_committee_refuses_another_networks_and_forged_committees() {
    let mut world = World::new();
    let first = world.found(2, config(), 3);
    let foreign = swapped(update(&world, 0, 3, &[]), 2, pda::committee(&first.address));
    world.refuses(foreign, CoverageError::WrongNetwork);
    let committee = pda::committee(&world.net.address);
    world.forge().header(&committee, |committee: &mut Committee| committee.generation = u64::MAX);
    world.refuses(update(&world, 0, 3, &[]), CoverageError::AmountOverflow);
    world.forge().header(&committee, |committee: &mut Committee| (committee.generation, committee.version) = (1, 2));
    world.refuses(update(&world, 0, 3, &[]), CoverageError::UnknownVersion);
}

#[test]
fn register_workload_refuses_strangers_no_weight_and_an_epoch_not_opened() {
    let mut world = World::new();
    let net = world.net.clone();
    let register = |authority, id, weight| ix::register_workload(authority, net.address, id, weight, requirements());
    let stranger = world.cluster.add_signer(keypair(b's', 1, 0));
    world.refuses(register(stranger, 0, 1), CoverageError::NotAuthority);
    world.refuses(register(net.authority, 0, 0), CoverageError::InvalidWeight);
    world.workload(0, 1);
    world.refuses(register(net.authority, 0, 1), InstructionError::Custom(0)); // account already in use
    world.refuses(register(net.authority, 1, u64::MAX), CoverageError::AmountOverflow);
    world.set_time(GENESIS);
    world.refuses(register(net.authority, 1, 1), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.send(&[register(net.authority, 1, 1)]);
    world.set_time(GENESIS + EPOCH);
    world.refuses(register(net.authority, 2, 1), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.forge().header(&net.address, |network: &mut Network| network.version = 2);
    world.refuses(register(net.authority, 2, 1), CoverageError::UnknownVersion);
}

#[test]
fn fund_treasury_refuses_nothing_too_much_and_others_accounts() {
    let mut world = World::new();
    let first = world.found(2, config(), 1);
    let net = world.net.clone();
    let fund = |amount| ix::fund_treasury(net.authority, net.address, net.mint, net.treasurer, amount);
    world.refuses(fund(0), CoverageError::ZeroAmount);
    world.refuses(swapped(fund(1), 2, first.mint), CoverageError::WrongMint);
    world.refuses(swapped(fund(1), 4, pda::vault(&first.address)), CoverageError::WrongVault);
    world.refuses(fund((1 << 60) + 1), InstructionError::Custom(1)); // the token program's "insufficient funds"
    world.forge().header(&net.address, |network: &mut Network| network.treasury_available = u64::MAX);
    world.refuses(fund(1), CoverageError::AmountOverflow);
    world.forge().header(&net.address, |network: &mut Network| (network.treasury_available, network.version) = (0, 2));
    world.refuses(fund(1), CoverageError::UnknownVersion);
}

#[test]
fn open_epoch_refuses_the_future_the_past_and_the_end_of_time() {
    let mut world = World::new();
    let first = world.found(2, config(), 1);
    let (payer, network) = (world.payer, world.net.address);
    let foreign = swapped(ix::open_epoch(payer, network, 0), 2, pda::committee(&first.address));
    world.refuses(foreign, CoverageError::WrongNetwork);
    let open = |index| ix::open_epoch(payer, network, index);
    world.refuses(open(0), CoverageError::EpochNotStarted);
    world.refuses(open(1), InstructionError::InvalidSeeds);
    world.open_epoch();
    world.refuses(open(0), InstructionError::InvalidSeeds);
    world.refuses(open(1), CoverageError::EpochNotStarted);
    world.set_time(GENESIS + EPOCH - 1);
    world.refuses(open(1), CoverageError::EpochNotStarted);
    world.set_time(GENESIS + EPOCH);
    world.send(&[open(1)]);
    // A network that starts at the end of time has no second epoch, so the first has no end.
    let authority = world.net.authority;
    world.send(&[ix::create_network(authority, 3, world.net.mint, authority, i64::MAX, config())]);
    world.refuses(ix::open_epoch(payer, pda::network(3), 0), CoverageError::AmountOverflow);

    world.wait_until(GENESIS + 2 * EPOCH);
    world.forge().header(&network, |network: &mut Network| network.version = 2);
    world.refuses(open(2), CoverageError::UnknownVersion);
}
