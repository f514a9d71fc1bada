//! Networks, their authority, their configuration and their committee.

use crate::{broken_network, forged, stranger, swapped};
use coverage_client::{instructions as ix, pda};
use coverage_math::domains::MAX_BOND;
use coverage_math::reliability::MAX_Z_MILLI;
use coverage_settlement::constants::MAX_SECONDS;
use coverage_settlement::state::{Committee, Config, Member, Network};
use coverage_tests::{
    ATTESTER_BOND, CoverageError, EPOCH, GENESIS, InstructionError, World, attester, config, keypair, member,
};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

fn create(world: &World, id: u64, config: Config) -> Instruction {
    ix::create_network(world.net.authority, id, &world.net.token, world.net.guardian, GENESIS, config)
}

fn propose(world: &World, config: Config) -> Instruction {
    ix::propose_config(world.net.authority, world.net.address, config)
}

/// Seats attesters, given as (place, number, weight).
fn seat(world: &World, members: &[(u8, u8, u64)]) -> Instruction {
    let members = members.iter().map(|(place, number, weight)| member(*place, &attester(1, *number), *weight));
    ix::update_committee(world.net.authority, world.net.address, members.collect())
}

/// Configurations just past a limit, those at the limit, and what is wrong with the former.
fn limits() -> Vec<(Config, Config, CoverageError)> {
    let (base, past, at) = (config(), MAX_SECONDS + 1, MAX_SECONDS);
    let (times, evidence) = (CoverageError::InvalidTimes, CoverageError::InvalidEvidenceRules);
    let (quorum, bonds) = (CoverageError::InvalidQuorum, CoverageError::InvalidBondRules);
    let (more, most) = (MAX_BOND + 1, MAX_BOND);
    let share = CoverageError::InvalidChallengerShare;
    vec![
        (Config { rule: 3, ..base }, Config { rule: 2, ..base }, CoverageError::InvalidRule),
        (Config { epoch_seconds: 0, ..base }, Config { epoch_seconds: 1, ..base }, times),
        (Config { epoch_seconds: past, ..base }, Config { epoch_seconds: at, ..base }, times),
        (Config { grace_seconds: past, ..base }, Config { grace_seconds: at, ..base }, times),
        (Config { challenge_seconds: past, ..base }, Config { challenge_seconds: at, ..base }, times),
        (Config { delay_seconds: past, ..base }, Config { delay_seconds: at, ..base }, times),
        // No time to prove a fraud that would cost something.
        (
            Config { challenge_seconds: 0, slash_bps: 1, ..base },
            Config { challenge_seconds: 0, slash_bps: 0, ..base },
            times,
        ),
        (
            Config { challenge_seconds: 0, slash_bps: 1, ..base },
            Config { challenge_seconds: 1, slash_bps: 1, ..base },
            times,
        ),
        (Config { z_milli: MAX_Z_MILLI + 1, ..base }, Config { z_milli: MAX_Z_MILLI, ..base }, evidence),
        (Config { breach_bps: 10_001, ..base }, Config { breach_bps: 10_000, ..base }, evidence),
        (Config { slash_bps: 10_001, ..base }, Config { slash_bps: 10_000, ..base }, evidence),
        (Config { quorum_bps: 4_999, ..base }, Config { quorum_bps: 5_000, ..base }, quorum),
        (Config { quorum_bps: 10_000, ..base }, Config { quorum_bps: 9_999, ..base }, quorum),
        (Config { challenger_bps: 5_001, ..base }, Config { challenger_bps: 5_000, ..base }, share),
        (Config { min_operator_bond: 0, ..base }, Config { min_operator_bond: 1, ..base }, bonds),
        (Config { min_attester_bond: 0, ..base }, Config { min_attester_bond: 1, ..base }, bonds),
        (Config { min_operator_bond: more, ..base }, Config { min_operator_bond: most, ..base }, bonds),
        (Config { min_attester_bond: more, ..base }, Config { min_attester_bond: most, ..base }, bonds),
    ]
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    networks_and_proposals_refuse_every_bad_configuration,
    create_network_refuses_a_genesis_in_the_past_and_a_second_time,
    the_authority_passes_only_to_whom_it_named,
    only_the_authority_names_the_guardian,
    propose_config_refuses_strangers_an_epoch_not_opened_and_another_length,
    update_committee_refuses_strangers_and_bad_attesters,
    update_committee_gives_no_place_away_that_is_taken,
    update_committee_seats_64_and_no_more,
    update_committee_refuses_another_networks_and_forged_committees,
];

#[test]
fn networks_and_proposals_refuse_every_bad_configuration() {
    let mut world = World::new();
    for (past, at, error) in limits() {
        world.refuses(create(&world, 9, past), error);
        world.refuses(propose(&world, past), error);
        let saved = world.cluster.svm.clone();
        world.send(&[create(&world, 9, at)]);
        if at.epoch_seconds == EPOCH as u64 {
            world.send(&[propose(&world, at)]);
        } else {
            world.refuses(propose(&world, at), CoverageError::EpochLengthFixed);
        }
        world.cluster.svm = saved;
    }
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
fn the_authority_passes_only_to_whom_it_named() {
    let mut world = World::new();
    let (net, other) = (world.net.clone(), stranger(&mut world));
    let next = world.cluster.add_signer(keypair(b's', 1, 1));
    let accept = |pending| ix::accept_authority(pending, net.address);
    let not_authority = CoverageError::NotAuthority;
    world.refuses(ix::propose_authority(other, net.address, other), not_authority);
    world.refuses(ix::propose_authority(net.guardian, net.address, other), not_authority);
    let pending = CoverageError::NotPendingAuthority;
    world.refuses(accept(next), pending);
    let propose = ix::propose_authority(net.authority, net.address, next);
    broken_network(&mut world, &propose);
    world.send(&[propose]);
    world.refuses(accept(other), pending);
    world.refuses(accept(net.authority), pending);
    // Taken back, and named again.
    world.send(&[ix::propose_authority(net.authority, net.address, Pubkey::default())]);
    world.refuses(accept(next), pending);
    world.send(&[ix::propose_authority(net.authority, net.address, next)]);
    broken_network(&mut world, &accept(next));
    world.send(&[accept(next)]);
    world.refuses(accept(next), pending);
    world.refuses(ix::propose_authority(net.authority, net.address, other), not_authority);
    assert_eq!(world.get::<Network>(&net.address).authority, next);
}

#[test]
fn only_the_authority_names_the_guardian() {
    let mut world = World::new();
    let (net, other) = (world.net.clone(), stranger(&mut world));
    let set = |signer| ix::set_guardian(signer, net.address, other);
    world.refuses(set(other), CoverageError::NotAuthority);
    world.refuses(set(net.guardian), CoverageError::NotAuthority);
    broken_network(&mut world, &set(net.authority));
    world.send(&[set(net.authority)]);
    assert_eq!(world.get::<Network>(&net.address).guardian, other);
}

#[test]
fn propose_config_refuses_strangers_an_epoch_not_opened_and_another_length() {
    let mut world = World::new();
    let (net, other) = (world.net.clone(), stranger(&mut world));
    let good = propose(&world, config());
    world.refuses(ix::propose_config(other, net.address, config()), CoverageError::NotAuthority);
    for epoch_seconds in [EPOCH as u64 - 1, EPOCH as u64 + 1] {
        let other_length = propose(&world, Config { epoch_seconds, ..config() });
        world.refuses(other_length, CoverageError::EpochLengthFixed);
    }
    for delay in [u64::MAX, i64::MAX as u64] {
        let edit = |network: &mut Network| network.config.delay_seconds = delay;
        forged(&mut world, &good, net.address, edit, CoverageError::AmountOverflow);
    }
    broken_network(&mut world, &good);
    world.set_time(GENESIS);
    world.refuses(good.clone(), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.send(&[good]);
}

#[test]
fn update_committee_refuses_strangers_and_bad_attesters() {
    let mut world = World::new();
    let (net, other) = (world.net.clone(), stranger(&mut world));
    let by_stranger = ix::update_committee(other, net.address, vec![member(5, &attester(1, 5), 1)]);
    world.refuses(by_stranger, CoverageError::NotAuthority);
    let invalid = CoverageError::InvalidCommittee;
    for members in [&[] as &[_], &[(64, 5, 1)], &[(255, 5, 1)], &[(5, 5, 1), (64, 6, 1)]] {
        world.refuses(seat(&world, members), invalid);
    }
    let attester = CoverageError::InvalidAttester;
    let nobody = Member { place: 5, key: Pubkey::default(), weight: 1 };
    world.refuses(ix::update_committee(net.authority, net.address, vec![nobody]), attester);
    world.refuses(seat(&world, &[(5, 4, 1)]), attester); // has place 4
    world.refuses(seat(&world, &[(5, 4, 0)]), attester); // without weight as well
    world.refuses(seat(&world, &[(5, 5, 1), (6, 5, 1)]), attester);
    world.refuses(seat(&world, &[(0, 0, u64::MAX)]), CoverageError::AmountOverflow);
    assert_eq!(world.generation(), 1);
}

#[test]
fn update_committee_gives_no_place_away_that_is_taken() {
    let mut world = World::new();
    let address = pda::committee(&world.net.address);
    let taken = CoverageError::PlaceTaken;
    world.refuses(seat(&world, &[(0, 5, 1)]), taken);
    world.refuses(seat(&world, &[(0, 5, 0)]), taken);
    // Two attesters cannot swap places either, not even in one instruction.
    world.refuses(seat(&world, &[(0, 1, 1), (1, 0, 1)]), taken);
    world.send(&[seat(&world, &[(0, 0, 0)])]);
    world.refuses(seat(&world, &[(0, 5, 1)]), taken); // its bond is still there
    let unbonded = |weight| {
        move |committee: &mut Committee| {
            (committee.attesters[0].weight, committee.attesters[0].bond.units) = (weight, 0);
        }
    };
    let good = seat(&world, &[(0, 5, 1)]);
    forged(&mut world, &good, address, unbonded(1), taken); // its weight is
    world.forge().header(&address, unbonded(0));
    world.send(&[good]);
    // Who stays in its place keeps its bond and its first generation.
    world.send(&[seat(&world, &[(1, 1, 7)])]);
    let committee: Committee = world.get(&address);
    let [first, second, ..] = committee.attesters;
    assert_eq!((first.since_generation, first.bond.units, first.weight), (3, 0, 1));
    assert_eq!((second.since_generation, second.bond.units, second.weight), (1, ATTESTER_BOND, 7));
    assert_eq!((committee.count, committee.total_weight, committee.generation), (5, 11, 4));
}

#[test]
fn update_committee_seats_64_and_no_more() {
    let mut world = World::new();
    let rest: Vec<_> = (5..64).map(|number| (number, number, 2)).collect();
    let chunks = rest.chunks(ix::MEMBERS_A_TRANSACTION);
    let generation = 1 + chunks.len() as u64;
    for members in chunks {
        world.send(&[seat(&world, members)]);
    }
    let committee: Committee = world.get(&pda::committee(&world.net.address));
    assert_eq!((committee.count, committee.total_weight, committee.generation), (64, 5 + 59 * 2, generation));
    world.refuses(seat(&world, &[(64, 64, 1)]), CoverageError::InvalidCommittee);
}

#[test]
fn update_committee_refuses_another_networks_and_forged_committees() {
    let mut world = World::new();
    let first = world.found(2, config(), 3);
    let good = seat(&world, &[(3, 3, 1)]);
    world.refuses(swapped(good.clone(), 2, pda::committee(&first.address)), CoverageError::WrongNetwork);
    let committee = pda::committee(&world.net.address);
    let overflow = |committee: &mut Committee| committee.generation = u64::MAX;
    forged(&mut world, &good, committee, overflow, CoverageError::AmountOverflow);
    // A place of nobody's with something in it.
    let haunted: [fn(&mut Committee); 2] = [
        |committee| (committee.count, committee.attesters[4].weight) = (5, 1),
        |committee| (committee.count, committee.attesters[4].bond.units) = (5, 1),
    ];
    for edit in haunted {
        forged(&mut world, &good, committee, edit, CoverageError::InvalidAttester);
    }
    world.send(&[good]);
}
