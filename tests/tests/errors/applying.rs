//! Applying statements: quorum, sequence, entries.

use crate::{broken_cell, elsewhere, forged, stranger, swapped};
use bytemuck::{Zeroable, bytes_of};
use coverage_client::batch::Statement;
use coverage_client::{instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_settlement::state::{
    BatchLog, BatchRecord, Cell, Committee, Config, KIND_FAILURE_DOMAIN, KIND_OUTCOMES, Operator as OperatorAccount,
};
use coverage_tests::{CoverageError, EPOCH, GENESIS, InstructionError, Operator, World, config, entry, member};
use ed25519_dalek::SigningKey;
use solana_program::pubkey::Pubkey;

/// One request served.
pub const ONE: [u32; 7] = [1, 0, 0, 0, 0, 0, 0];

/// A network with a cell of three slots in epoch 0, which is open.
pub fn three_slots(mut world: World) -> (World, Pubkey) {
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    for number in 1..4 {
        world.enrolled(number, 1_000, 0, workload);
    }
    world.open_epoch();
    (world, workload)
}

/// The next failure domain of an operator.
fn domain(world: &World, operator: &Operator, domain: u32) -> Statement {
    let version = world.get::<OperatorAccount>(&operator.account).domain_version;
    Statement::failure_domain(world.net.address, operator.account, domain, version, world.generation())
}

/// Uploads a statement and has `attesters` endorse it.
fn endorse_by(world: &mut World, statement: &Statement, attesters: &[SigningKey]) {
    world.upload(statement);
    for pair in statement.endorse(world.payer, attesters) {
        world.send(&pair);
    }
}

/// Gives an attester a weight, and so the committee a new generation.
fn seat(world: &mut World, number: u8, weight: u64) {
    let net = &world.net;
    let seat = member(number, &net.attesters[usize::from(number)], weight);
    let update = ix::update_committee(net.authority, net.address, vec![seat]);
    world.send(&[update]);
}

/// Endorses a batch of the entries and tries to apply it.
fn refuse_entries(world: &mut World, workload: Pubkey, entries: &[Entry], error: CoverageError) {
    let statement = world.statement(workload, entries);
    world.endorse(&statement);
    world.refuses(statement.apply(world.payer), error);
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    apply_batch_counts_nothing_twice_and_nothing_out_of_order,
    apply_batch_refuses_bad_entries,
    apply_batch_refuses_counts_that_are_not_the_receipts,
    a_quorum_is_more_than_its_share_of_the_weight,
    weight_counts_and_heads_do_not,
    weight_without_a_bond_does_not_count,
    a_changed_committee_voids_what_was_endorsed,
    one_kind_of_statement_is_not_the_other,
    apply_batch_refuses_what_does_not_belong_together,
    apply_batch_refuses_full_logs_and_forged_cells,
    apply_failure_domain_takes_each_version_once_for_its_operator,
    apply_failure_domain_refuses_what_does_not_belong_together,
];

#[test]
fn apply_batch_counts_nothing_twice_and_nothing_out_of_order() {
    let (mut world, workload) = three_slots(World::new());
    let batch = world.statement(workload, &[entry(0, ONE)]);
    world.apply(&batch);
    // The attestation is gone; made again, it is out of sequence.
    world.refuses(batch.apply(world.payer), InstructionError::AccountDataTooSmall);
    world.endorse(&batch);
    world.refuses(batch.apply(world.payer), CoverageError::WrongSequence);
    let mut later = world.batch_of(workload);
    later.sequence = 2;
    let later = Statement::counts(later, [5; 32], &[entry(0, ONE)]);
    world.endorse(&later);
    world.refuses(later.apply(world.payer), CoverageError::WrongSequence);
    world.batch(workload, &[(1, ONE)]);
    world.send(&[later.apply(world.payer)]);
    let tallies: Vec<_> = world.cell(workload).1.iter().map(|slot| slot.tally[0]).collect();
    assert_eq!(tallies, [2, 1, 0]);
}

#[test]
fn apply_batch_refuses_bad_entries() {
    let (mut world, workload) = three_slots(World::new());
    let slot = CoverageError::InvalidSlot;
    refuse_entries(&mut world, workload, &[entry(1, ONE), entry(0, ONE)], slot);
    refuse_entries(&mut world, workload, &[entry(1, ONE), entry(1, ONE)], slot);
    refuse_entries(&mut world, workload, &[entry(0, ONE), entry(3, ONE)], slot);
    refuse_entries(&mut world, workload, &[entry(u16::MAX, ONE)], slot);
    refuse_entries(&mut world, workload, &[Entry { reserved: 1, ..entry(0, ONE) }], slot);
    world.enrolled(8, 1_000, 0, workload);
    refuse_entries(&mut world, workload, &[entry(3, ONE)], CoverageError::SlotNotEffective);
    world.batch(workload, &[(0, [u32::MAX, 0, 0, 0, 0, 0, 0])]);
    refuse_entries(&mut world, workload, &[entry(0, ONE)], CoverageError::TooManyAttempts);
    // What the network's routing failed is no attempt, and has its own 32 bits.
    world.batch(workload, &[(0, [0, 0, 0, 0, 7, 0, 0])]);
    refuse_entries(&mut world, workload, &[entry(0, [0, 0, 0, 0, u32::MAX - 6, 0, 0])], CoverageError::TooManyAttempts);
}

#[test]
fn apply_batch_refuses_counts_that_are_not_the_receipts() {
    let (mut world, workload) = three_slots(World::new());
    let batch = world.statement(workload, &[entry(0, [3, 1, 0, 0, 0, 0, 0])]);
    for value in [3, 5] {
        let mut args = batch.args;
        args.value = value;
        let bytes = bytes_of(&entry(0, [3, 1, 0, 0, 0, 0, 0])).to_vec();
        let statement = Statement::new(world.net.address, args, 1, bytes);
        world.endorse(&statement);
        world.refuses(statement.apply(world.payer), CoverageError::CountMismatch);
    }
    world.apply(&batch);
}

#[test]
fn a_quorum_is_more_than_its_share_of_the_weight() {
    // (attesters, quorum, how many are not enough): two thirds of three exactly, half of two and of four exactly.
    for (attesters, quorum_bps, too_few) in
        [(3, 6_667, 2), (2, 5_000, 1), (4, 5_000, 2), (5, 6_667, 3), (5, 5_000, 2), (10, 9_999, 9)]
    {
        let config = Config { quorum_bps, ..config() };
        let (mut world, workload) = three_slots(World::with(config, attesters));
        let operator = world.operator(9, 1_000);
        let batch = world.statement(workload, &[entry(0, ONE)]);
        let domain = domain(&world, &operator, 7);
        let keys = world.net.attesters.clone();
        for statement in [batch, domain] {
            endorse_by(&mut world, &statement, &keys[..too_few]);
            world.refuses(statement.apply(world.payer), CoverageError::NoQuorum);
            let [pair] = statement.endorse(world.payer, &keys[too_few..=too_few]).try_into().unwrap();
            world.send(&pair);
            world.send(&[statement.apply(world.payer)]);
        }
    }
}

#[test]
fn weight_counts_and_heads_do_not() {
    let (mut world, workload) = three_slots(World::with(config(), 3));
    let net = world.net.clone();
    seat(&mut world, 2, 5);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    endorse_by(&mut world, &batch, &net.attesters[..2]); // 2 of 7
    world.refuses(batch.apply(world.payer), CoverageError::NoQuorum);
    let [pair] = batch.endorse(world.payer, &net.attesters[2..]).try_into().unwrap();
    world.send(&pair);
    world.send(&[batch.apply(world.payer)]);
}

#[test]
fn weight_without_a_bond_does_not_count() {
    let (mut world, workload) = three_slots(World::with(config(), 3));
    let operator = world.operator(9, 1_000);
    let (batch, domain) = (world.statement(workload, &[entry(0, ONE)]), domain(&world, &operator, 7));
    let committee = pda::committee(&world.net.address);
    for statement in [batch, domain] {
        world.endorse(&statement);
        let apply = statement.apply(world.payer);
        let poor: [fn(&mut Committee); 2] = [
            |committee| committee.attesters[0].bond.units = 999,
            |committee| committee.attesters[0].bond.unbonding = committee.attesters[0].bond.units - 999,
        ];
        for edit in poor {
            forged(&mut world, &apply, committee, edit, CoverageError::NoQuorum);
        }
        // The least bond is enough.
        let saved = world.cluster.svm.clone();
        world.forge().header(&committee, |committee: &mut Committee| committee.attesters[0].bond.units = 1_000);
        world.send(&[apply]);
        world.cluster.svm = saved;
    }
}

#[test]
fn a_changed_committee_voids_what_was_endorsed() {
    let (mut world, workload) = three_slots(World::new());
    let operator = world.operator(9, 1_000);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    let domain = domain(&world, &operator, 7);
    let keys = world.net.attesters.clone();
    for statement in [&batch, &domain] {
        endorse_by(&mut world, statement, &keys[..4]);
    }
    seat(&mut world, 4, 1); // as it was
    for statement in [&batch, &domain] {
        let [pair] = statement.endorse(world.payer, &keys[4..]).try_into().unwrap();
        world.refuses_at(1, &pair, CoverageError::StaleGeneration);
        world.refuses(statement.apply(world.payer), CoverageError::StaleGeneration);
    }
    world.batch(workload, &[(0, ONE)]);
}

#[test]
fn one_kind_of_statement_is_not_the_other() {
    let (mut world, workload) = three_slots(World::new());
    let operator = world.operator(9, 1_000);
    let (net, payer) = (world.net.address, world.payer);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    let domain = domain(&world, &operator, 7);
    world.endorse(&batch);
    world.endorse(&domain);
    let kind = CoverageError::InvalidKind;
    world.refuses(ix::apply_failure_domain(net, operator.account, batch.address(&payer), payer), kind);
    world.refuses(ix::apply_batch(net, workload, 0, domain.address(&payer), payer), kind);
    assert_eq!([batch.args.kind, domain.args.kind], [KIND_OUTCOMES, KIND_FAILURE_DOMAIN]);
}

#[test]
fn apply_batch_refuses_what_does_not_belong_together() {
    let mut world = World::new();
    let mut second = world.another(2);
    let (mut world, workload) = three_slots(world);
    let other = world.workload(1, 1); // from epoch 1 on
    let payer = world.payer;
    let batch = world.statement(workload, &[entry(0, ONE)]);
    world.endorse(&batch);
    let apply = batch.apply(payer);
    world.refuses(swapped(apply.clone(), 5, pda::log(&other)), CoverageError::WrongWorkload);
    world.refuses(swapped(apply.clone(), 3, other), CoverageError::WrongWorkload);
    let stranger = stranger(&mut world);
    world.refuses(swapped(apply.clone(), 7, stranger), CoverageError::WrongPayer);
    let pair = swapped(swapped(apply.clone(), 4, pda::cell(&other)), 5, pda::log(&other));
    world.refuses(swapped(pair, 3, other), CoverageError::WrongSubject);
    world.set_time(GENESIS + EPOCH);
    world.open_epoch();
    world.refuses(swapped(apply.clone(), 2, pda::epoch(&world.net.address, 1)), CoverageError::WrongEpoch);

    let network = CoverageError::WrongNetwork;
    world.refuses(swapped(apply.clone(), 1, pda::committee(&second.address)), network);
    let foreign = Statement::new(second.address, batch.args, 1, bytes_of(&entry(0, ONE)).to_vec());
    std::mem::swap(&mut world.net, &mut second);
    world.endorse(&foreign);
    world.open_epoch();
    let epoch = pda::epoch(&world.net.address, 0);
    std::mem::swap(&mut world.net, &mut second);
    world.refuses(swapped(apply.clone(), 6, foreign.address(&payer)), network);
    world.refuses(swapped(apply.clone(), 2, epoch), network);

    world.seal(workload);
    world.refuses(apply, CoverageError::NotCollecting);
}

#[test]
fn apply_batch_refuses_epochs_a_retired_workload_is_not_paid_for() {
    // Its slots could be released before anybody proves such a batch false.
    let (mut world, workload) = three_slots(World::new());
    let net = world.net.clone();
    world.send(&[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
    world.open_epoch();
    world.finish(workload);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    world.endorse(&batch);
    world.refuses(batch.apply(world.payer), CoverageError::WorkloadRetired);
}

#[test]
fn apply_batch_refuses_full_logs_and_forged_cells() {
    let (mut world, workload) = three_slots(World::new());
    let (address, log) = (pda::cell(&workload), pda::log(&workload));
    let header: BatchLog = world.get(&log);
    world.forge().tail(&log, &header, &[BatchRecord::zeroed(); 1_024]);
    world.forge().header(&address, |cell: &mut Cell| cell.batches = 1_024);
    refuse_entries(&mut world, workload, &[entry(0, ONE)], CoverageError::LogFull);
    world.forge().tail(&log, &header, &[BatchRecord::zeroed(); 1_023]);
    world.batch(workload, &[(1, ONE)]);

    world.forge().header(&address, |cell: &mut Cell| cell.batches = 0);
    world.forge().tail::<_, BatchRecord>(&log, &header, &[]);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    world.endorse(&batch);
    let apply = batch.apply(world.payer);
    let edit = |cell: &mut Cell| cell.slots = 1_000; // more slots than items
    forged(&mut world, &apply, address, edit, CoverageError::Inconsistent);
    broken_cell(&mut world, &apply, workload);
    world.send(&[apply]);
}

#[test]
fn apply_failure_domain_takes_each_version_once_for_its_operator() {
    let mut world = World::new();
    let (operator, other) = (world.operator(1, 1_000), world.operator(2, 1_000));
    let (net, payer) = (world.net.address, world.payer);
    let statement = domain(&world, &operator, 7);
    world.endorse(&statement);
    world.refuses(swapped(statement.apply(payer), 2, other.account), CoverageError::WrongSubject);
    world.send(&[statement.apply(payer)]);
    world.attest_domain(&operator, 8);
    // The old one again: closed, and made again out of sequence.
    world.refuses(statement.apply(payer), InstructionError::AccountDataTooSmall);
    world.endorse(&statement);
    world.refuses(statement.apply(payer), CoverageError::WrongSequence);
    assert_eq!(world.get::<OperatorAccount>(&operator.account).domain, 8);

    world.forge().header(&operator.account, |operator: &mut OperatorAccount| operator.domain_version = u64::MAX);
    let last = Statement::failure_domain(net, operator.account, 9, u64::MAX, 1);
    world.endorse(&last);
    world.refuses(last.apply(payer), CoverageError::AmountOverflow);
}

#[test]
fn apply_failure_domain_refuses_what_does_not_belong_together() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (operator, nobody) = (world.operator(1, 1_000), stranger(&mut world));
    let mut second = foreign.net.clone();
    let payer = world.payer;
    let statement = domain(&world, &operator, 7);
    world.endorse(&statement);
    let good = statement.apply(payer);
    let network = CoverageError::WrongNetwork;
    world.refuses(swapped(good.clone(), 0, second.address), network);
    world.refuses(swapped(good.clone(), 1, pda::committee(&second.address)), network);
    world.refuses(swapped(good.clone(), 2, foreign.operator.account), network);
    let theirs = Statement::new(second.address, statement.args, 1, Vec::new());
    std::mem::swap(&mut world.net, &mut second);
    world.endorse(&theirs);
    std::mem::swap(&mut world.net, &mut second);
    world.refuses(swapped(good.clone(), 3, theirs.address(&payer)), network);
    world.refuses(swapped(good.clone(), 4, nobody), CoverageError::WrongPayer);
    world.send(&[good]);
}
