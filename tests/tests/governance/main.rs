//! Who decides what, and from when on it counts: authority, guardian, configuration, weights, committee.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

mod pauses;

use coverage_client::batch::Statement;
use coverage_client::events::Event;
use coverage_client::{instructions as ix, pda};
use coverage_settlement::constants::MAX_SECONDS;
use coverage_settlement::state::{Attestation, Config, Network, Operator as OperatorAccount, Workload};
use coverage_tests::{CoverageError, EPOCH, GENESIS, World, attester, config, entry, member, requirements};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// 90 of 100 served.
const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];

fn network(world: &World) -> Network {
    world.get(&world.net.address)
}

fn propose(world: &World, config: Config) -> Instruction {
    ix::propose_config(world.net.authority, world.net.address, config)
}

/// Opens the next epoch without waiting; returns its event.
fn open(world: &mut World) -> coverage_settlement::events::EpochOpened {
    let next = network(world).next_epoch;
    let events = world.events(&[ix::open_epoch(world.payer, world.net.address, next)]);
    let [Event::EpochOpened(opened)] = events[..] else { panic!() };
    opened
}

fn pause(world: &World, phases: u8, seconds: u32) -> Instruction {
    ix::pause(world.net.guardian, world.net.address, phases, seconds)
}

#[test]
fn an_authority_is_named_and_then_accepts() {
    let mut world = World::new();
    let net = world.net.clone();
    let (next, other) = (world.wallet(1).wallet, world.wallet(2).wallet);
    let accept = |who| ix::accept_authority(who, net.address);
    let name = |by, who| ix::propose_authority(by, net.address, who);
    world.refuses(accept(next), CoverageError::NotPendingAuthority);
    world.refuses(name(next, next), CoverageError::NotAuthority);
    let events = world.events(&[name(net.authority, other)]);
    let [Event::AuthorityProposed(told)] = events[..] else { panic!() };
    assert_eq!((told.network, told.before, told.pending), (net.address, Pubkey::default(), other));
    // The last one named is the one; naming nobody takes it back.
    world.send(&[name(net.authority, next)]);
    world.refuses(accept(other), CoverageError::NotPendingAuthority);
    world.send(&[name(net.authority, Pubkey::default())]);
    world.refuses(accept(next), CoverageError::NotPendingAuthority);
    world.send(&[name(net.authority, next)]);
    // Until it accepts, the old one decides, and the new one does not.
    world.refuses(ix::set_guardian(next, net.address, next), CoverageError::NotAuthority);
    world.send(&[ix::set_guardian(net.authority, net.address, net.guardian)]);
    let events = world.events(&[accept(next)]);
    let [Event::AuthorityAccepted(told)] = events[..] else { panic!() };
    assert_eq!((told.network, told.before, told.authority), (net.address, net.authority, next));
    assert_eq!((network(&world).authority, network(&world).pending_authority), (next, Pubkey::default()));
    world.refuses(accept(next), CoverageError::NotPendingAuthority);
    world.refuses(name(net.authority, net.authority), CoverageError::NotAuthority);
    let seat = |by| ix::update_committee(by, net.address, vec![member(0, &net.attesters[0], 2)]);
    world.refuses(seat(net.authority), CoverageError::NotAuthority);
    world.send(&[seat(next)]);
    for by in [net.authority, net.guardian] {
        world.refuses(ix::propose_config(by, net.address, config()), CoverageError::NotAuthority);
        let register = ix::register_workload(by, net.address, 0, 1, requirements());
        world.refuses(register, CoverageError::NotAuthority);
    }
}

#[test]
fn a_guardian_is_the_authoritys_choice_and_can_only_pause() {
    let mut world = World::new();
    let net = world.net.clone();
    let next = world.wallet(1).wallet;
    let set = |by, who| ix::set_guardian(by, net.address, who);
    world.refuses(set(net.guardian, next), CoverageError::NotAuthority);
    world.refuses(ix::pause(net.authority, net.address, 7, 60), CoverageError::NotGuardian);
    world.refuses(ix::unpause(next, net.address), CoverageError::NotGuardian);
    world.send(&[pause(&world, 7, 60)]);
    let events = world.events(&[set(net.authority, next)]);
    let [Event::GuardianSet(told)] = events[..] else { panic!() };
    assert_eq!((told.network, told.before, told.guardian), (net.address, net.guardian, next));
    // The pause that is on stays on, and the new guardian has to wait like the old one.
    assert_eq!((network(&world).paused, network(&world).paused_until_ts), (7, GENESIS - 50 + 60));
    world.refuses(pause(&world, 7, 60), CoverageError::NotGuardian);
    world.refuses(ix::pause(next, net.address, 7, 60), CoverageError::PauseTooSoon);
    world.send(&[ix::unpause(next, net.address)]);
    assert_eq!(network(&world).paused, 0);
    world.send(&[set(net.authority, Pubkey::default())]);
    world.set_time(GENESIS + 500);
    world.refuses(ix::pause(next, net.address, 7, 60), CoverageError::NotGuardian);
}

#[test]
fn a_configuration_settles_the_epochs_that_begin_when_its_delay_is_over() {
    // The delay of 50 seconds ends at the start of epoch 1, or one second after it.
    for (proposed_at, first_epoch) in [(GENESIS, 1), (GENESIS + 50, 1), (GENESIS + 51, 2)] {
        for late in [false, true] {
            let mut world = World::new();
            world.fund(10_000_000);
            world.workload(0, 1);
            world.open_epoch();
            world.set_time(proposed_at);
            let next = Config { emission: 700_000, rule: 2, ..config() };
            let events = world.events(&[propose(&world, next)]);
            let [Event::ConfigProposed(told)] = events[..] else { panic!() };
            assert_eq!((told.effective_ts, told.before, told.config), (proposed_at + 50, config(), next));
            assert_eq!(network(&world).config, config(), "nothing has changed yet");
            for epoch in 1..4 {
                world.set_time(if late { GENESIS + 9 * EPOCH } else { GENESIS + epoch as i64 * EPOCH });
                let opened = open(&mut world);
                let expected = if epoch < first_epoch { (config(), 0, 1_000_000) } else { (next, 1, 700_000) };
                assert_eq!((opened.epoch, (opened.config, opened.config_version, opened.unit)), (epoch, expected));
                assert_eq!(world.epoch(epoch).config, expected.0);
                let pending = if epoch < first_epoch { proposed_at + 50 } else { 0 };
                assert_eq!((network(&world).config, network(&world).pending_ts), (expected.0, pending));
            }
        }
    }
}

#[test]
fn a_proposal_is_replaced_by_the_next_and_by_what_is_in_force() {
    let mut world = World::new();
    world.workload(0, 1);
    let first = Config { emission: 1, ..config() };
    let second = Config { emission: 2, delay_seconds: 300, ..config() };
    world.send(&[propose(&world, first)]);
    assert_eq!(network(&world).pending_ts, GENESIS);
    world.set_time(GENESIS - 1);
    world.send(&[propose(&world, second)]); // now the delay begins anew
    world.open_epoch();
    assert_eq!((world.epoch(0).config, network(&world).config_version), (config(), 0));
    world.open_epoch();
    assert_eq!((world.epoch(1).config, network(&world).config_version), (second, 1));
    // From now on changes take 300 seconds: proposed in epoch 1, in force from epoch 4 on, whatever it says of delays itself.
    world.send(&[propose(&world, Config { delay_seconds: 0, ..second })]);
    assert_eq!(network(&world).pending_ts, GENESIS + EPOCH + 300);
    world.send(&[propose(&world, second)]); // taken back
    for epoch in 2..6 {
        world.open_epoch();
        assert_eq!(world.epoch(epoch).config, second);
    }
    // Nobody proposes before the epoch in progress is open: an earlier proposal may be what settles it.
    world.set_time(GENESIS + 6 * EPOCH);
    world.refuses(propose(&world, first), CoverageError::EpochNotOpened);
}

#[test]
fn an_epoch_settles_by_the_configuration_it_opened_with() {
    let mut world = World::new();
    world.fund(2_000_000);
    let workload = world.workload(0, 1);
    world.enrolled(1, 1_000, 1, workload);
    world.enrolled(2, 1_000, 2, workload);
    world.open_epoch();
    world.send(&[propose(&world, Config { rule: 2, breach_bps: 0, emission: 500_000, ..config() })]);
    world.batch(workload, &[(0, GOOD), (1, GOOD)]);
    world.open_epoch();
    let (cell, slots) = world.finish(workload);
    assert_eq!((cell.last.rule, cell.last.breach_bps, slots[0].reward), (0, 200, 494_999));
    world.batch(workload, &[(0, GOOD), (1, [90, 9, 0, 0, 0, 0, 1])]);
    let (cell, slots) = world.finish(workload);
    // Leave-one-out; a single failure is a breach now, so the other is alone: 0.9 of 510,002.
    assert_eq!((cell.last.rule, cell.last.breach_bps, cell.last.pool), (2, 0, 510_002));
    assert_eq!([slots[0].reward, slots[1].reward], [459_001, 0]);
}

/// What is wrong, how it comes about, and how it is refused.
type Invalid = (&'static str, fn(&mut Config), CoverageError);

#[test]
fn a_configuration_no_network_can_live_with_is_refused() {
    let cases: &[Invalid] = &[
        ("rule", |it| it.rule = 3, CoverageError::InvalidRule),
        ("rule", |it| it.rule = 255, CoverageError::InvalidRule),
        ("no epoch", |it| it.epoch_seconds = 0, CoverageError::InvalidTimes),
        ("epoch", |it| it.epoch_seconds = MAX_SECONDS + 1, CoverageError::InvalidTimes),
        ("grace", |it| it.grace_seconds = MAX_SECONDS + 1, CoverageError::InvalidTimes),
        ("challenge", |it| it.challenge_seconds = u64::MAX, CoverageError::InvalidTimes),
        ("delay", |it| it.delay_seconds = MAX_SECONDS + 1, CoverageError::InvalidTimes),
        ("slashing without a window", |it| it.challenge_seconds = 0, CoverageError::InvalidTimes),
        ("z", |it| it.z_milli = 10_001, CoverageError::InvalidEvidenceRules),
        ("breach", |it| it.breach_bps = 10_001, CoverageError::InvalidEvidenceRules),
        ("slash", |it| it.slash_bps = 10_001, CoverageError::InvalidEvidenceRules),
        ("quorum", |it| it.quorum_bps = 4_999, CoverageError::InvalidQuorum),
        ("quorum", |it| it.quorum_bps = 10_000, CoverageError::InvalidQuorum),
        ("challenger", |it| it.challenger_bps = 5_001, CoverageError::InvalidChallengerShare),
        ("operator bond", |it| it.min_operator_bond = 0, CoverageError::InvalidBondRules),
        ("operator bond", |it| it.min_operator_bond = (1 << 52) + 1, CoverageError::InvalidBondRules),
        ("attester bond", |it| it.min_attester_bond = 0, CoverageError::InvalidBondRules),
        ("attester bond", |it| it.min_attester_bond = (1 << 52) + 1, CoverageError::InvalidBondRules),
    ];
    let mut world = World::new();
    let net = world.net.clone();
    for (number, (name, edit, error)) in cases.iter().enumerate() {
        println!("{name}");
        let mut bad = config();
        edit(&mut bad);
        world.refuses(propose(&world, bad), *error);
        let id = 100 + number as u64;
        let create = ix::create_network(net.authority, id, &net.token, net.guardian, GENESIS, bad);
        world.refuses(create, *error);
    }
    // All epochs have one length, or their starts could not be told from their numbers.
    let longer = Config { epoch_seconds: 101, ..config() };
    world.refuses(propose(&world, longer), CoverageError::EpochLengthFixed);
    let edges: &[fn(&mut Config)] = &[
        |it| (it.z_milli, it.breach_bps, it.slash_bps) = (10_000, 10_000, 10_000),
        |it| (it.quorum_bps, it.challenger_bps, it.rule) = (5_000, 5_000, 2),
        |it| (it.quorum_bps, it.challenger_bps, it.rule) = (9_999, 0, 1),
        |it| (it.min_operator_bond, it.min_attester_bond, it.emission) = (1 << 52, 1 << 52, u64::MAX),
        |it| (it.challenge_seconds, it.slash_bps, it.grace_seconds) = (0, 0, MAX_SECONDS),
        |it| (it.challenge_seconds, it.delay_seconds) = (MAX_SECONDS, 0),
    ];
    for edit in edges {
        let mut good = config();
        edit(&mut good);
        world.send(&[propose(&world, good)]);
        assert_eq!(network(&world).pending_config, good);
    }
}

#[test]
fn weights_count_from_the_next_epoch() {
    let mut world = World::new();
    world.fund(10_000_000);
    let net = world.net.clone();
    let workloads = [world.workload(0, 3), world.workload(1, 1)];
    let set = |at: usize, weight| ix::set_workload_weight(net.authority, net.address, workloads[at], weight);
    world.open_epoch();
    let events = world.events(&[set(0, 7)]);
    let [Event::WorkloadWeightSet(told)] = events[..] else { panic!() };
    assert_eq!((told.before, told.weight, told.epoch, told.total_weight_before), (3, 7, 1, 4));
    // Within one epoch the last word counts.
    world.send(&[set(0, 1)]);
    let workload: Workload = world.get(&workloads[0]);
    assert_eq!((workload.weight, workload.previous_weight, workload.weight_epoch), (1, 3, 1));
    assert_eq!((network(&world).total_weight, world.epoch(0).unit), (2, 250_000));
    let late = world.workload(2, 2); // is paid for from epoch 1 on
    world.open_epoch();
    assert_eq!((world.epoch(1).total_weight, world.epoch(1).unit), (4, 250_000));
    // The cell still has epoch 0 in hand, whose weight a second change would forget.
    world.refuses(set(0, 9), CoverageError::WeightPending);
    for (at, workload) in workloads.into_iter().enumerate() {
        assert_eq!(world.finish(workload).0.last.pool, [750_000, 250_000][at]);
    }
    world.send(&[set(0, 9)]);
    assert_eq!(world.finish(workloads[0]).0.last.pool, 750_000 + 250_000);
    assert_eq!(world.finish(workloads[1]).0.last.pool, 250_000 + 250_000);
    assert_eq!(world.finish(late).0.last.pool, 500_000);
    world.open_epoch();
    assert_eq!((world.epoch(2).total_weight, world.epoch(2).unit), (12, 83_333));
    assert_eq!(network(&world).treasury_available, 8_000_000 - 12 * 83_333);
    world.set_time(GENESIS + 3 * EPOCH);
    world.refuses(set(1, 5), CoverageError::EpochNotOpened);
    world.refuses(
        ix::register_workload(net.authority, net.address, 3, 1, requirements()),
        CoverageError::EpochNotOpened,
    );
}

#[test]
fn a_change_of_the_committee_voids_what_is_half_signed() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 1_000, 1, workload);
    world.open_epoch();
    let net = world.net.clone();
    let batch = world.statement(workload, &[entry(0, GOOD)]);
    world.endorse(&batch); // all have signed
    let version = world.get::<OperatorAccount>(&operator.account).domain_version;
    let domain = Statement::failure_domain(net.address, operator.account, 5, version, world.generation());
    world.upload(&domain);
    let half = domain.endorse(world.payer, &net.attesters[..2]);
    world.send(&half[0]);
    // The same attester again, with the same weight: the generation rises all the same.
    let same = ix::update_committee(net.authority, net.address, vec![member(0, &net.attesters[0], 1)]);
    let events = world.events(&[same]);
    let [Event::AttesterSet(told)] = events[..] else { panic!() };
    assert_eq!((told.place, told.weight_before, told.weight, told.generation), (0, 1, 1, 2));
    assert_eq!((told.key, told.key_before), (told.key_before, told.key));
    world.refuses(batch.apply(world.payer), CoverageError::StaleGeneration);
    world.refuses(domain.apply(world.payer), CoverageError::StaleGeneration);
    let rest = domain.endorse(world.payer, &net.attesters[2..]);
    world.refuses_at(1, &rest[0], CoverageError::StaleGeneration);
    assert_eq!(world.get::<Attestation>(&domain.address(&world.payer)).endorsers, 0b11);
    // Nor can it be opened anew: the digest is another generation's.
    world.send(&[ix::close_attestation(world.payer, domain.address(&world.payer))]);
    let [again] = domain.upload(world.payer).try_into().unwrap();
    world.refuses(again, CoverageError::DigestMismatch);
    world.attest_domain(&operator, 5);
    world.batch(workload, &[(0, GOOD)]);
    assert_eq!((world.generation(), world.epoch(0).committee_generation), (2, 1));
    assert_eq!(world.cell(workload).1[0].tally, GOOD);
}

#[test]
fn who_may_sit_in_the_committee() {
    let mut world = World::new();
    let net = world.net.clone();
    let update = |members| ix::update_committee(net.authority, net.address, members);
    let new = attester(net.id, 9);
    world.refuses(update(vec![]), CoverageError::InvalidCommittee);
    world.refuses(update(vec![member(64, &new, 1)]), CoverageError::InvalidCommittee);
    world.refuses(update(vec![member(5, &net.attesters[0], 1)]), CoverageError::InvalidAttester); // has place 0
    let nobody = coverage_settlement::state::Member { place: 5, key: Pubkey::default(), weight: 1 };
    world.refuses(update(vec![nobody]), CoverageError::InvalidAttester);
    world.refuses(update(vec![member(0, &new, 1)]), CoverageError::PlaceTaken);
    world.refuses(update(vec![member(0, &net.attesters[0], 0), member(0, &new, 1)]), CoverageError::PlaceTaken);
    world.refuses(update(vec![member(5, &new, u64::MAX)]), CoverageError::AmountOverflow);
    world.send(&[update(vec![member(63, &new, 4)])]);
    let committee: coverage_settlement::state::Committee = world.get(&pda::committee(&net.address));
    assert_eq!((committee.count, committee.total_weight, committee.generation), (64, 9, 2));
    assert_eq!(committee.attesters[63].since_generation, 2);
}
