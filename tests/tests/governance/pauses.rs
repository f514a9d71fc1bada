//! Pauses: what stops and for how long, and what never stops.

use crate::{GOOD, network, pause};
use coverage_client::batch::Statement;
use coverage_client::events::Event;
use coverage_client::evidence::{self, Evidence, Opening};
use coverage_client::{instructions as ix, pda};
use coverage_math::hash::Software;
use coverage_math::merkle;
use coverage_settlement::constants::{MAX_PAUSE_SECONDS, PAUSE_ATTEST, PAUSE_ENROL, PAUSE_SETTLE};
use coverage_settlement::state::Operator as OperatorAccount;
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GENESIS, GRACE, World, entry};
use solana_program::pubkey::Pubkey;

/// When [`busy`] has settled epoch 0.
const BUSY_UNTIL: i64 = GENESIS + EPOCH + GRACE + CHALLENGE;

/// A network in the middle of its life.
struct Busy {
    world: World,
    workload: Pubkey,
    operators: [coverage_tests::Operator; 2],
}

/// A cell with a settled epoch of a reward and a breach, and the next in hand.
fn busy() -> Busy {
    let mut world = World::new();
    world.fund(5_000_000);
    let workload = world.workload(0, 1);
    let operators = [1, 2].map(|number| world.enrolled(number, 3_000, u32::from(number), workload));
    world.open_epoch();
    world.batch(workload, &[(0, GOOD), (1, [50, 0, 0, 0, 0, 0, 50])]);
    world.finish(workload);
    world.open_epoch();
    Busy { world, workload, operators }
}

#[test]
fn enrolling_is_paused_to_the_second_and_the_next_pause_waits_as_long_again() {
    let Busy { mut world, workload, operators } = busy();
    let net = world.net.clone();
    let now = BUSY_UNTIL;
    let events = world.events(&[pause(&world, PAUSE_ENROL, 30)]);
    let [Event::Paused(told)] = events[..] else { panic!() };
    assert_eq!((told.network, told.phases, told.until_ts, told.free_ts), (net.address, 1, now + 30, now + 60));
    let newcomer = world.wallet(3);
    let register = world.registration(&newcomer, 1_000);
    world.refuses(register.clone(), CoverageError::Paused);
    let second = world.workload(1, 1);
    let [commit, enroll] = world.enrolment(&operators[0], second);
    world.send(&[commit]);
    world.refuses(enroll.clone(), CoverageError::Paused);
    world.batch(workload, &[(0, GOOD)]); // attesting goes on
    world.set_time(now + 29);
    world.refuses(register.clone(), CoverageError::Paused);
    world.set_time(now + 30);
    world.send(&[register, enroll]);

    world.set_time(now + 59);
    world.refuses(pause(&world, PAUSE_ATTEST, 1), CoverageError::PauseTooSoon);
    world.set_time(now + 60);
    world.send(&[pause(&world, PAUSE_ATTEST, 1)]);
}

#[test]
fn applying_is_paused_and_sealing_with_it_so_that_no_evidence_misses_its_epoch() {
    let Busy { mut world, workload, operators } = busy();
    let net = world.net.clone();
    world.send(&[pause(&world, PAUSE_ATTEST, 100)]);
    let statement = world.statement(workload, &[entry(0, GOOD)]);
    world.endorse(&statement); // signing is not paused, applying is
    world.refuses(statement.apply(world.payer), CoverageError::Paused);
    let version = world.get::<OperatorAccount>(&operators[0].account).domain_version;
    let domain = Statement::failure_domain(net.address, operators[0].account, 9, version, world.generation());
    world.endorse(&domain);
    world.refuses(domain.apply(world.payer), CoverageError::Paused);
    world.set_time(GENESIS + 2 * EPOCH + GRACE); // 80 seconds after the pause began
    let seal = ix::seal_cell(net.address, workload, 1);
    world.refuses(seal.clone(), CoverageError::Paused);
    world.set_time(BUSY_UNTIL + 99);
    world.refuses(statement.apply(world.payer), CoverageError::Paused);
    world.refuses(seal.clone(), CoverageError::Paused);
    world.set_time(BUSY_UNTIL + 100);
    world.send(&[statement.apply(world.payer)]);
    world.send(&[domain.apply(world.payer)]);
    world.send(&[seal]);
    assert_eq!(world.cell(workload).1[0].tally, GOOD);
}

#[test]
fn sealing_and_settling_are_paused_until_guardian_or_authority_end_it() {
    let Busy { mut world, workload, operators: _ } = busy();
    let net = world.net.clone();
    let now = GENESIS + 2 * EPOCH + GRACE;
    world.set_time(now);
    world.send(&[pause(&world, PAUSE_SETTLE, 10)]);
    world.batch(workload, &[(0, GOOD)]); // attesting goes on
    let seal = ix::seal_cell(net.address, workload, 1);
    world.refuses(seal.clone(), CoverageError::Paused);
    world.set_time(now + 10);
    world.send(&[seal]);
    world.set_time(now + 20);
    world.send(&[pause(&world, PAUSE_SETTLE, 100)]);
    world.set_time(now + 30); // the challenge window is over
    let settle = ix::settle_cell(net.address, workload, 1, ix::SETTLE_STEPS);
    world.refuses(settle.clone(), CoverageError::Paused);
    // It ends early if guardian or authority want; the next waits as if it had not.
    let events = world.events(&[ix::unpause(net.authority, net.address)]);
    let [Event::Paused(told)] = events[..] else { panic!() };
    assert_eq!((told.phases, told.until_ts, told.free_ts), (0, now + 120, now + 220));
    world.send(&[settle]);
    world.set_time(now + 219);
    world.refuses(pause(&world, 7, 1), CoverageError::PauseTooSoon);
    world.send(&[ix::unpause(net.guardian, net.address)]); // nothing is paused: nothing happens
    world.set_time(now + 220);
    world.send(&[pause(&world, 7, 1)]);
}

#[test]
fn what_a_pause_may_be() {
    let mut world = World::new();
    for (phases, seconds) in [(0, 60), (8, 60), (9, 60), (255, 60), (7, 0), (7, MAX_PAUSE_SECONDS + 1), (1, u32::MAX)] {
        world.refuses(pause(&world, phases, seconds), CoverageError::InvalidPause);
    }
    world.send(&[pause(&world, 7, MAX_PAUSE_SECONDS)]);
    let paused = network(&world);
    let week = 7 * 24 * 60 * 60;
    let times = (paused.paused_until_ts, paused.pause_free_ts);
    assert_eq!(times, (GENESIS - 50 + week, GENESIS - 50 + 2 * week), "a lost key stops nothing for longer");
}

#[test]
fn claims_withdrawals_challenges_and_leaving_are_never_paused() {
    let Busy { mut world, workload, operators: [first, second] } = busy();
    let net = world.net.clone();
    let other = world.operator(3, 9_000);
    world.send(&[ix::unbond(other.wallet, net.address, 9_000)]);
    let key = world.cluster.add_signer(solana_keypair::Keypair::new_from_array(net.attesters[4].to_bytes()));
    world.send(&[ix::unbond_attester(key, net.address, 4, 1_000)]);
    // A batch whose one leaf is no receipt.
    let of = world.batch_of(workload);
    let tag = coverage_client::batch::receipts_tag(&net.address, 1);
    let entries = [entry(0, [1, 0, 0, 0, 0, 0, 0])];
    world.apply(&Statement::counts(of, merkle::leaf::<Software>(&tag, b"trust me"), &entries));
    world.send(&[pause(&world, 7, MAX_PAUSE_SECONDS)]);

    assert_eq!(world.claim(&first, &[(workload, 0)]), 899_999);
    let lie = Evidence::Misplaced(Opening { index: 0, leaf: b"trust me".to_vec(), proof: vec![] });
    for step in evidence::challenge(second.wallet, &net.token, of, &entries, &lie) {
        world.send(&[step]);
    }
    assert_eq!(world.cluster.tokens(&second.source), (1 << 53) - 3_000 + 12_500);
    world.send(&[ix::slash_operator(net.address, second.account, workload, 1)]);
    let leave = ix::leave_cell(first.wallet, net.address, workload, 0);
    let sync = ix::sync_slot(net.address, second.account, workload, 1);
    let sponsor = ix::sponsor_workload(net.authority, net.address, workload, &net.token, net.treasurer, 5);
    let unbond = ix::unbond(second.wallet, net.address, 100);
    let weight = ix::set_workload_weight(net.authority, net.address, workload, 2);
    for instruction in [leave, sync, sponsor, unbond, weight, ix::sweep_cell(net.address, workload)] {
        world.send(&[instruction]);
    }
    world.fund(1);
    world.set_time(GENESIS + 4 * EPOCH);
    for _ in 2..=4 {
        world.open_epoch();
    }
    world.send(&[ix::withdraw_bond(world.payer, net.address, &net.token, other.wallet)]);
    world.send(&[ix::retire_operator(other.wallet, net.address)]);
    world.send(&[ix::withdraw_attester_bond(world.payer, net.address, &net.token, key, 4)]);
    world.send(&[ix::close_epoch(world.payer, net.address, 0, &[workload])]);
    assert_eq!(world.cluster.tokens(&pda::token_account(&key, &net.token)), 1_000);
    assert_eq!(world.cluster.tokens(&other.source), 1 << 53);
    let paused = world.cluster.svm.get_account(&first.payout);
    assert!(paused.is_none(), "a payout wallet needs no lamports");
    world.refuses(ix::seal_cell(net.address, workload, 1), CoverageError::Paused);
    // Keys lost for good: when the week is over the network goes on by itself.
    world.set_time(network(&world).paused_until_ts);
    let (cell, _) = world.finish(workload);
    assert_eq!((cell.epoch, cell.last.batches), (2, 0));
}
