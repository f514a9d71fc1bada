//! Statements: opening, uploading and applying them.

use crate::swapped;
use bytemuck::{Zeroable, bytes_of};
use coverage_client::batch::Statement;
use coverage_client::{instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_settlement::state::{
    BatchLog, BatchRecord, Cell, KIND_FAILURE_DOMAIN, KIND_OUTCOMES, Member, Operator as OperatorAccount, StatementArgs,
};
use coverage_tests::{CoverageError, InstructionError, World, config, entry, keypair};
use ed25519_dalek::SigningKey;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

const ONE: [u32; 7] = [1, 0, 0, 0, 0, 0, 0];

/// A network with a cell of three slots in epoch 0, which is open.
fn three_slots(mut world: World) -> (World, Pubkey) {
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    for number in 1..4 {
        world.enrolled(number, 1_000, 0, workload);
    }
    world.open_epoch();
    (world, workload)
}

fn open(world: &World, statement: &Statement, chunk: &[u8]) -> Instruction {
    ix::open_attestation(world.payer, world.net.address, statement.digest, statement.args, chunk.to_vec())
}

/// A statement like `statement`, but for its fields, with its own digest.
fn edited(world: &World, statement: &Statement, edit: impl FnOnce(&mut StatementArgs)) -> Statement {
    let mut args = statement.args;
    edit(&mut args);
    Statement::new(world.net.address, args, world.generation(), Vec::new())
}

/// Uploads a statement and has `attesters` endorse it.
fn endorse_by(world: &mut World, statement: &Statement, attesters: &[SigningKey]) {
    world.upload(statement);
    for pair in statement.endorse(world.payer, attesters) {
        world.send(&pair);
    }
}

/// The same committee again, as a new generation.
fn new_generation(world: &mut World) {
    let net = &world.net;
    let update = ix::update_committee(net.authority, net.address, 0, net.attesters.len() as u8, vec![]);
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
    open_attestation_refuses_statements_that_make_no_sense,
    open_attestation_refuses_any_other_digest,
    uploads_refuse_other_entries_than_announced,
    apply_batch_counts_nothing_twice_and_nothing_out_of_order,
    apply_batch_refuses_bad_entries,
    apply_batch_refuses_counts_that_are_not_the_receipts,
    a_quorum_is_more_than_its_share_of_the_weight,
    weight_counts_and_heads_do_not,
    a_changed_committee_voids_what_was_endorsed,
    one_kind_of_statement_is_not_the_other,
    apply_batch_refuses_what_does_not_belong_together,
    apply_batch_refuses_full_logs_and_forged_cells,
    apply_failure_domain_takes_each_version_once_for_its_operator,
];

#[test]
fn open_attestation_refuses_statements_that_make_no_sense() {
    let (mut world, workload) = three_slots(World::new());
    let operator = world.operator(9, 1_000);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    let bytes = *bytes_of(&entry(0, ONE)).first_chunk::<32>().unwrap();
    let domain = Statement::failure_domain(world.net.address, operator.account, 7, 0, 1);
    let kind = edited(&world, &batch, |args| args.kind = 2);
    world.refuses(open(&world, &kind, &bytes), CoverageError::InvalidKind);
    let edits: [fn(&mut StatementArgs); 4] = [
        |args| args.entries = 0,
        |args| args.entries = 1_025,
        |args| args.receipts_root = [0; 32],
        |args| args.value = 0,
    ];
    for edit in edits {
        let statement = edited(&world, &batch, edit);
        world.refuses(open(&world, &statement, &bytes), CoverageError::InvalidStatement);
    }
    let edits: [fn(&mut StatementArgs); 4] = [
        |args| args.entries = 1,
        |args| args.receipts_root = [1; 32],
        |args| args.entries_hash = [1; 32],
        |args| args.epoch = 0,
    ];
    for edit in edits {
        let statement = edited(&world, &domain, edit);
        world.refuses(open(&world, &statement, &[]), CoverageError::InvalidStatement);
    }
    world.send(&[open(&world, &domain, &[])]);
    world.refuses(open(&world, &domain, &[]), InstructionError::Custom(0)); // account already in use
}

#[test]
fn open_attestation_refuses_any_other_digest() {
    let mut world = World::new();
    let second = world.another(2);
    let (mut world, workload) = three_slots(world);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    let bytes = bytes_of(&entry(0, ONE)).to_vec();
    let refuse = |world: &mut World, digest| {
        let open = ix::open_attestation(world.payer, world.net.address, digest, batch.args, bytes.clone());
        world.refuses(open, CoverageError::DigestMismatch);
    };
    let mut flipped = batch.digest;
    flipped[31] ^= 1;
    refuse(&mut world, flipped);
    let edits: [fn(&mut StatementArgs); 7] = [
        |args| args.kind = KIND_FAILURE_DOMAIN, // the tag of another purpose
        |args| args.epoch += 1,
        |args| args.subject = Pubkey::from([1; 32]),
        |args| args.sequence += 1,
        |args| args.receipts_root[0] ^= 1,
        |args| args.value += 1,
        |args| args.entries_hash[0] ^= 1,
    ];
    for edit in edits {
        let digest = edited(&world, &batch, edit).digest;
        refuse(&mut world, digest);
    }
    for (network, generation) in [(world.net.address, 2), (second.address, 1)] {
        let digest = Statement::new(network, batch.args, generation, Vec::new()).digest;
        refuse(&mut world, digest);
    }
    let foreign = swapped(open(&world, &batch, &bytes), 2, pda::committee(&second.address));
    world.refuses(foreign, CoverageError::WrongNetwork);
    world.send(&[open(&world, &batch, &bytes)]);
}

#[test]
fn uploads_refuse_other_entries_than_announced() {
    let (mut world, workload) = three_slots(World::new());
    let entries = [entry(0, ONE), entry(2, ONE)];
    let bytes: Vec<u8> = entries.iter().flat_map(|entry| bytes_of(entry).to_vec()).collect();
    let batch = world.statement(workload, &entries);
    let (chunk, hash) = (CoverageError::InvalidChunk, CoverageError::EntriesHashMismatch);
    let longer = [bytes.as_slice(), &bytes[..32]].concat();
    world.refuses(open(&world, &batch, &bytes[..31]), chunk);
    world.refuses(open(&world, &batch, &bytes[..63]), chunk);
    world.refuses(open(&world, &batch, &longer), chunk);
    let mut other = bytes.clone();
    other[4] = 2;
    world.refuses(open(&world, &batch, &other), hash);
    let operator = world.operator(9, 1_000);
    let domain = Statement::failure_domain(world.net.address, operator.account, 7, 0, 1);
    world.refuses(open(&world, &domain, &bytes), chunk);

    world.send(&[open(&world, &batch, &bytes[..32])]);
    let address = batch.address(&world.payer);
    let extend = |world: &World, chunk: &[u8]| ix::extend_attestation(world.payer, address, chunk.to_vec());
    world.refuses(extend(&world, &[]), chunk);
    world.refuses(extend(&world, &bytes[32..63]), chunk);
    world.refuses(extend(&world, &bytes), chunk);
    world.refuses(extend(&world, &other[..32]), hash);
    let stranger = world.cluster.add_signer(keypair(b's', 1, 0));
    world.refuses(ix::extend_attestation(stranger, address, bytes[32..].to_vec()), CoverageError::WrongPayer);
    let [pair] = batch.endorse(world.payer, &world.net.attesters).try_into().unwrap();
    world.refuses_at(1, &pair, CoverageError::Incomplete);
    world.send(&[extend(&world, &bytes[32..])]);
    world.refuses(extend(&world, &bytes[..32]), chunk);
    world.send(&pair);
    world.send(&[batch.apply(world.payer)]);
}

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
        let config = coverage_settlement::state::Config { quorum_bps, ..config() };
        let (mut world, workload) = three_slots(World::with(config, attesters));
        let operator = world.operator(9, 1_000);
        let batch = world.statement(workload, &[entry(0, ONE)]);
        let domain = Statement::failure_domain(world.net.address, operator.account, 7, 0, 1);
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
    let heavy = Member { key: net.attesters[2].verifying_key().to_bytes().into(), weight: 5 };
    world.send(&[ix::update_committee(net.authority, net.address, 2, 3, vec![heavy])]);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    endorse_by(&mut world, &batch, &net.attesters[..2]); // 2 of 7
    world.refuses(batch.apply(world.payer), CoverageError::NoQuorum);
    let [pair] = batch.endorse(world.payer, &net.attesters[2..]).try_into().unwrap();
    world.send(&pair);
    world.send(&[batch.apply(world.payer)]);
}

#[test]
fn a_changed_committee_voids_what_was_endorsed() {
    let (mut world, workload) = three_slots(World::new());
    let operator = world.operator(9, 1_000);
    let batch = world.statement(workload, &[entry(0, ONE)]);
    let domain = Statement::failure_domain(world.net.address, operator.account, 7, 0, 1);
    let keys = world.net.attesters.clone();
    for statement in [&batch, &domain] {
        endorse_by(&mut world, statement, &keys[..4]);
    }
    new_generation(&mut world);
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
    let domain = Statement::failure_domain(net, operator.account, 7, 0, 1);
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
    world.refuses(swapped(apply.clone(), 3, pda::log(&other)), CoverageError::WrongWorkload);
    let stranger = world.cluster.add_signer(keypair(b's', 1, 0));
    world.refuses(swapped(apply.clone(), 5, stranger), CoverageError::WrongPayer);
    let both = swapped(swapped(apply.clone(), 2, pda::cell(&other)), 3, pda::log(&other));
    world.refuses(both, CoverageError::WrongSubject);
    world.set_time(coverage_tests::GENESIS + coverage_tests::EPOCH);
    world.open_epoch();
    world.refuses(swapped(apply.clone(), 1, pda::epoch(&world.net.address, 1)), CoverageError::WrongEpoch);

    let network = CoverageError::WrongNetwork;
    world.refuses(swapped(apply.clone(), 0, pda::committee(&second.address)), network);
    let foreign = Statement::new(second.address, batch.args, 1, bytes_of(&entry(0, ONE)).to_vec());
    std::mem::swap(&mut world.net, &mut second);
    world.endorse(&foreign);
    world.open_epoch();
    let epoch = pda::epoch(&world.net.address, 0);
    std::mem::swap(&mut world.net, &mut second);
    world.refuses(swapped(apply.clone(), 4, foreign.address(&payer)), network);
    world.refuses(swapped(apply.clone(), 1, epoch), network);

    world.seal(workload);
    world.refuses(apply, CoverageError::NotCollecting);
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
    world.forge().header(&address, |cell: &mut Cell| cell.version = 2);
    world.refuses(batch.apply(world.payer), CoverageError::UnknownVersion);
    world.forge().header(&address, |cell: &mut Cell| (cell.version, cell.slots) = (1, 1_000)); // more slots than items
    world.refuses(batch.apply(world.payer), CoverageError::Inconsistent);
}

#[test]
fn apply_failure_domain_takes_each_version_once_for_its_operator() {
    let mut world = World::new();
    let (operator, other) = (world.operator(1, 1_000), world.operator(2, 1_000));
    let (net, payer) = (world.net.address, world.payer);
    let statement = Statement::failure_domain(net, operator.account, 7, 0, 1);
    world.endorse(&statement);
    let swap = |position, account| swapped(statement.apply(payer), position, account);
    world.refuses(swap(2, other.account), CoverageError::WrongSubject);
    let stranger = world.cluster.add_signer(keypair(b's', 1, 0));
    world.refuses(swap(4, stranger), CoverageError::WrongPayer);
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

    let mut second = world.another(2);
    let next = Statement::failure_domain(net, other.account, 7, 0, 1);
    world.endorse(&next);
    let network = CoverageError::WrongNetwork;
    world.refuses(swapped(next.apply(payer), 0, second.address), network);
    world.refuses(swapped(next.apply(payer), 1, pda::committee(&second.address)), network);
    let foreign = Statement::failure_domain(second.address, other.account, 7, 0, 1);
    std::mem::swap(&mut world.net, &mut second);
    world.endorse(&foreign);
    let elsewhere = world.operator(1, 1_000);
    std::mem::swap(&mut world.net, &mut second);
    world.refuses(swapped(next.apply(payer), 3, foreign.address(&payer)), network);
    world.refuses(swapped(next.apply(payer), 2, elsewhere.account), network);
    world.send(&[next.apply(payer)]);
}
