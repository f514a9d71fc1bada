//! Events: complete enough to rebuild the state from them, decodable from the IDL, and there however much is logged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod idl;
mod replica;

use coverage_client::batch::{Statement, sort};
use coverage_client::evidence::{Published, challenge, payload};
use coverage_client::{instructions as ix, pda};
use coverage_math::receipt::{Attempt, Receipt};
use coverage_settlement::state::{Config, Operator as OperatorAccount};
use coverage_tests::{ATTESTER_BOND, GENESIS, World, config, entry, member};
use replica::Replica;
use solana_program::pubkey::Pubkey;

/// 90 of 100 served.
const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];
/// Half of all failed verification.
const BREACH: [u32; 7] = [50, 0, 0, 0, 0, 0, 50];

/// Founds a network by the world's own transactions, so that their events are on record.
fn found(world: &mut World) {
    let (id, net) = (2, world.net.clone());
    let address = pda::network(id);
    world.send(&[ix::create_network(net.authority, id, &net.token, net.guardian, GENESIS, config())]);
    let members = (0..).zip(&net.attesters).map(|(place, key)| member(place, key, 1)).collect();
    world.send(&[ix::update_committee(net.authority, address, members)]);
    for place in 0..5 {
        let bond = ix::add_attester_bond(net.authority, address, &net.token, net.treasurer, place, ATTESTER_BOND);
        world.send(&[bond]);
    }
    world.net.address = address;
    world.net.id = id;
}

/// Applies a batch of one real receipt in the wrong bucket, and proves it false.
fn fraud(world: &mut World, workload: Pubkey) {
    let batch = world.batch_of(workload);
    let attempt = Attempt {
        request_id: [3; 32],
        workload: workload.to_bytes(),
        epoch: batch.epoch,
        slot: 0,
        outcome: 1,
        latency_ms: 0,
        observed_at: GENESIS,
        evidence: [0; 32],
        reporter: [0; 32],
    };
    let mut receipts = [Receipt { attempt, signature: [0; 64] }];
    sort(&mut receipts);
    let leaves: Vec<Vec<u8>> = receipts.iter().map(payload).collect();
    let published = Published::new(&world.net.address, batch.epoch, &leaves);
    let entries = [entry(0, [1, 0, 0, 0, 0, 0, 0])]; // says served
    let statement = Statement::counts(batch, published.root().unwrap(), &entries);
    world.apply(&statement);
    let evidence = published.examine(&batch, 1, &entries).unwrap();
    let (challenger, token) = (world.net.authority, world.net.token);
    for instruction in challenge(challenger, &token, batch, &entries, &evidence) {
        world.send(&[instruction]);
    }
}

/// A life in which everything happens that an event tells of.
fn live(world: &mut World) -> Vec<Pubkey> {
    let net = world.net.clone();
    world.fund(9_000_000);
    let workloads = vec![world.workload(0, 3), world.workload(1, 1)];
    let first = world.enrolled(1, 2_000, 1, workloads[0]);
    let second = world.enrolled(2, 3_000, 2, workloads[0]);
    world.enroll(&second, workloads[1]);
    world.send(&[ix::sponsor_workload(net.authority, net.address, workloads[1], &net.token, net.treasurer, 777)]);
    world.open_epoch();
    world.send(&[ix::add_bond(first.wallet, net.address, &net.token, first.source, 500)]);
    world.send(&[ix::sync_slot(net.address, first.account, workloads[0], 0)]);
    world.batch(workloads[0], &[(0, GOOD), (1, BREACH)]);
    fraud(world, workloads[0]);
    for workload in &workloads {
        world.finish(*workload);
    }
    world.claim(&first, &[(workloads[0], 0)]);
    world.send(&[ix::slash_operator(net.address, second.account, workloads[0], 1)]);
    world.open_epoch();
    world.send(&[ix::set_workload_weight(net.authority, net.address, workloads[0], 5)]);
    world.send(&[ix::set_workload_weight(net.authority, net.address, workloads[1], 0)]);
    world.send(&[ix::propose_config(net.authority, net.address, Config { rule: 1, ..config() })]);
    world.send(&[ix::leave_cell(second.wallet, net.address, workloads[0], 1)]);
    world.batch(workloads[0], &[(0, GOOD), (1, GOOD)]);
    for workload in &workloads {
        world.finish(*workload);
    }
    world.send(&[ix::close_epoch(world.payer, net.address, 0, &workloads)]);
    world.send(&[ix::close_epoch(world.payer, net.address, 1, &workloads)]);
    world.send(&[ix::sweep_cell(net.address, workloads[1])]);
    world.send(&[ix::release_slot(second.account, workloads[1], 0)]);
    world.send(&[ix::trim_cell(workloads[1], &[second.wallet])]);
    world.send(&[ix::close_cell(net.authority, workloads[1])]);
    world.open_epoch();
    world.batch(workloads[0], &[(0, GOOD)]);
    world.finish(workloads[0]);
    world.claim(&second, &[(workloads[0], 1)]);
    world.send(&[ix::release_slot(second.account, workloads[0], 1)]);
    let bond = world.get::<OperatorAccount>(&second.account).bond.units;
    world.open_epoch();
    world.send(&[ix::unbond(second.wallet, net.address, bond)]);
    world.wait_until(world.get::<OperatorAccount>(&second.account).bond.withdrawable_ts);
    world.send(&[ix::withdraw_bond(second.wallet, net.address, &net.token, second.wallet)]);
    world.send(&[ix::retire_operator(second.wallet, net.address)]);
    world.send(&[ix::pause(net.guardian, net.address, 1, 60)]);
    world.send(&[ix::unpause(net.guardian, net.address)]);
    world.send(&[ix::set_guardian(net.authority, net.address, second.wallet)]);
    world.send(&[ix::propose_authority(net.authority, net.address, first.wallet)]);
    world.send(&[ix::accept_authority(first.wallet, net.address)]);
    workloads
}

#[test]
fn the_state_can_be_rebuilt_from_events() {
    let mut world = World::new();
    found(&mut world);
    let workloads = live(&mut world);
    let names: std::collections::BTreeSet<_> = world.emitted.iter().map(|event| event.name()).collect();
    let all: std::collections::BTreeSet<_> = coverage_client::events::NAMES.iter().copied().collect();
    assert_eq!(names, all, "every kind of event was emitted");
    let mut replica = Replica::default();
    for event in &world.emitted {
        replica.apply(event);
    }
    replica.compare(&world, &workloads[..1]);
    assert!(!replica.cells.contains_key(&workloads[1]), "closed");
}

#[test]
fn events_survive_logs_that_are_cut() {
    let mut world = World::new();
    world.cluster.svm = world.cluster.svm.clone().with_log_bytes_limit(Some(60));
    world.fund(1_000);
    let net = world.net.clone();
    let fund = ix::fund_treasury(net.authority, net.address, &net.token, net.treasurer, 5);
    let before = world.emitted.len();
    let done = world.attempt(&vec![fund; 3]).unwrap();
    assert!(done.logs.iter().any(|line| line.contains("truncated")), "{:?}", done.logs);
    let names: Vec<_> = world.emitted[before..].iter().map(|event| event.name()).collect();
    assert_eq!(names, ["TreasuryFunded"; 3]);
}

#[test]
fn a_stranger_cannot_emit_events() {
    let mut world = World::new();
    let stranger = world.wallet(9).wallet;
    let net = world.net.clone();
    let fund = ix::fund_treasury(net.authority, net.address, &net.token, net.treasurer, 5);
    world.send(&[fund]);
    let data = [anchor_lang::event::EVENT_IX_TAG_LE, [0; 32].as_slice()].concat();
    let emit = |authority, signs| {
        let meta = solana_program::instruction::AccountMeta::new_readonly(authority, signs);
        solana_program::instruction::Instruction {
            program_id: coverage_settlement::ID,
            accounts: vec![meta],
            data: data.clone(),
        }
    };
    use coverage_tests::InstructionError::{InvalidSeeds, MissingRequiredSignature};
    world.refuses(emit(pda::event_authority(), false), MissingRequiredSignature);
    world.refuses(emit(stranger, true), InvalidSeeds);
}
