//! Statements: opening, uploading and closing them.

use crate::applying::{ONE, three_slots};
use crate::{stranger, swapped};
use bytemuck::bytes_of;
use coverage_client::batch::Statement;
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::{KIND_FAILURE_DOMAIN, StatementArgs};
use coverage_tests::{CoverageError, InstructionError, World, entry};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

fn open(world: &World, statement: &Statement, chunk: &[u8]) -> Instruction {
    ix::open_attestation(world.payer, world.net.address, statement.digest, statement.args, chunk.to_vec())
}

/// A statement like `statement`, but for its fields, with its own digest.
fn edited(world: &World, statement: &Statement, edit: impl FnOnce(&mut StatementArgs)) -> Statement {
    let mut args = statement.args;
    edit(&mut args);
    Statement::new(world.net.address, args, world.generation(), Vec::new())
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    open_attestation_refuses_statements_that_make_no_sense,
    open_attestation_refuses_any_other_digest,
    uploads_refuse_other_entries_than_announced,
    close_attestation_pays_nobody_but_who_opened_it,
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
    let stranger = stranger(&mut world);
    world.refuses(ix::extend_attestation(stranger, address, bytes[32..].to_vec()), CoverageError::WrongPayer);
    let [pair] = batch.endorse(world.payer, &world.net.attesters).try_into().unwrap();
    world.refuses_at(1, &pair, CoverageError::Incomplete);
    world.send(&[extend(&world, &bytes[32..])]);
    world.refuses(extend(&world, &bytes[..32]), chunk);
    world.send(&pair);
    world.send(&[batch.apply(world.payer)]);
}

#[test]
fn close_attestation_pays_nobody_but_who_opened_it() {
    let (mut world, workload) = three_slots(World::new());
    let batch = world.statement(workload, &[entry(0, ONE)]);
    world.upload(&batch);
    let nobody = stranger(&mut world);
    let address = batch.address(&world.payer);
    world.refuses(ix::close_attestation(nobody, address), CoverageError::WrongPayer);
    let close = ix::close_attestation(world.payer, address);
    world.send(std::slice::from_ref(&close));
    world.refuses(close, InstructionError::AccountDataTooSmall);
}
