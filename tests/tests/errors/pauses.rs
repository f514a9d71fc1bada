//! Pauses: who may, for how long, and what they stop.

use crate::{broken_network, forged, stranger};
use coverage_client::batch::Statement;
use coverage_client::instructions as ix;
use coverage_settlement::constants::{MAX_PAUSE_SECONDS, PAUSE_ATTEST, PAUSE_ENROL, PAUSE_SETTLE};
use coverage_settlement::state::{Network, Operator as OperatorAccount};
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GENESIS, GRACE, World, entry};
use solana_program::instruction::Instruction;

fn pause(world: &World, phases: u8, seconds: u32) -> Instruction {
    ix::pause(world.net.guardian, world.net.address, phases, seconds)
}

/// Asserts that each transaction's last instruction is refused while `phases` are paused, and only then.
fn stops(world: &mut World, phases: u8, transactions: &[&[Instruction]]) {
    let fresh = world.cluster.svm.clone();
    world.send(&[pause(world, phases, 60)]);
    for instructions in transactions {
        world.refuses_at(instructions.len() as u8 - 1, instructions, CoverageError::Paused);
    }
    // A second before its end as well, and not at its end: the pause ends by itself.
    let until = world.get::<Network>(&world.net.address).paused_until_ts;
    let paused = world.cluster.svm.clone();
    world.set_time(until - 1);
    for instructions in transactions {
        world.refuses_at(instructions.len() as u8 - 1, instructions, CoverageError::Paused);
    }
    world.set_time(until);
    for instructions in transactions {
        let before = world.cluster.svm.clone();
        world.send(instructions);
        world.cluster.svm = before;
    }
    world.cluster.svm = paused;
    world.send(&[ix::unpause(world.net.guardian, world.net.address)]);
    for instructions in transactions {
        let before = world.cluster.svm.clone();
        world.send(instructions);
        world.cluster.svm = before;
    }
    world.cluster.svm = fresh;
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    pause_refuses_strangers_and_anything_without_an_end,
    unpause_refuses_strangers,
    a_pause_of_enrolling_stops_registrations_and_enrolments,
    a_pause_of_applying_stops_statements_and_sealing,
    a_pause_of_settling_stops_sealing_and_settling,
];

#[test]
fn pause_refuses_strangers_and_anything_without_an_end() {
    let mut world = World::new();
    let (net, other) = (world.net.clone(), stranger(&mut world));
    for signer in [other, net.authority] {
        world.refuses(ix::pause(signer, net.address, PAUSE_ENROL, 1), CoverageError::NotGuardian);
    }
    for (phases, seconds) in [(0, 1), (8, 1), (9, 1), (255, 1), (1, 0), (1, MAX_PAUSE_SECONDS + 1), (1, u32::MAX)] {
        world.refuses(pause(&world, phases, seconds), CoverageError::InvalidPause);
    }
    let good = pause(&world, 7, MAX_PAUSE_SECONDS);
    let edit = |network: &mut Network| network.workloads = 1; // without weight
    forged(&mut world, &good, net.address, edit, CoverageError::Inconsistent);
    world.send(std::slice::from_ref(&good));
    world.refuses(good.clone(), CoverageError::PauseTooSoon);
    let free = world.get::<Network>(&net.address).pause_free_ts;
    assert_eq!(free, GENESIS - 50 + 2 * i64::from(MAX_PAUSE_SECONDS));
    world.set_time(free - 1);
    world.refuses(good.clone(), CoverageError::PauseTooSoon);
    world.set_time(free);
    world.send(&[good]);
    // At the end of time, neither the pause nor the time after it has an end.
    world.set_time(i64::MAX - 5);
    for seconds in [6, 5, 3] {
        world.refuses(pause(&world, 1, seconds), CoverageError::AmountOverflow);
    }
    world.send(&[pause(&world, 1, 2)]);
}

#[test]
fn unpause_refuses_strangers() {
    let mut world = World::new();
    let (net, other) = (world.net.clone(), stranger(&mut world));
    world.send(&[pause(&world, 7, 100)]);
    world.refuses(ix::unpause(other, net.address), CoverageError::NotGuardian);
    broken_network(&mut world, &ix::unpause(net.guardian, net.address));
    // The authority may, and again when nothing is paused; the next pause waits all the same.
    world.send(&[ix::unpause(net.authority, net.address), ix::unpause(net.guardian, net.address)]);
    world.refuses(pause(&world, 1, 1), CoverageError::PauseTooSoon);
}

#[test]
fn a_pause_of_enrolling_stops_registrations_and_enrolments() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let (operator, next) = (world.operator(1, 1_000), world.wallet(2));
    let enrolment = world.enrolment(&operator, workload);
    let registration = [world.registration(&next, 1_000)];
    for phases in [PAUSE_ENROL, 7] {
        stops(&mut world, phases, &[&registration, &enrolment]);
    }
    world.send(&[pause(&world, PAUSE_ATTEST | PAUSE_SETTLE, 60)]);
    world.send(&registration);
    world.send(&enrolment);
}

#[test]
fn a_pause_of_applying_stops_statements_and_sealing() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 1_000, 0, workload);
    world.open_epoch();
    let batch = world.statement(workload, &[entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    let version = world.get::<OperatorAccount>(&operator.account).domain_version;
    let domain = Statement::failure_domain(world.net.address, operator.account, 7, version, 1);
    world.endorse(&batch);
    world.endorse(&domain);
    world.set_time(GENESIS + EPOCH + GRACE);
    let apply = [&batch, &domain].map(|statement| [statement.apply(world.payer)]);
    let seal = [ix::seal_cell(world.net.address, workload, 0)];
    for phases in [PAUSE_ATTEST, 7] {
        stops(&mut world, phases, &[&apply[0], &apply[1], &seal]);
    }
    world.send(&[pause(&world, PAUSE_ENROL | PAUSE_SETTLE, 60)]);
    world.send(&apply.concat());
}

#[test]
fn a_pause_of_settling_stops_sealing_and_settling() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.open_epoch();
    world.set_time(GENESIS + EPOCH + GRACE);
    let seal = [ix::seal_cell(world.net.address, workload, 0)];
    let settle = [ix::settle_cell(world.net.address, workload, 0, ix::SETTLE_STEPS)];
    for phases in [PAUSE_SETTLE, 7] {
        stops(&mut world, phases, &[&seal]);
    }
    world.send(&seal);
    world.set_time(GENESIS + EPOCH + GRACE + CHALLENGE);
    for phases in [PAUSE_SETTLE, 7] {
        stops(&mut world, phases, &[&settle]);
    }
    world.send(&[pause(&world, PAUSE_ENROL | PAUSE_ATTEST, 60)]);
    world.send(&settle);
}
