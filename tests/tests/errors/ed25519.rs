//! Endorsements, and every way known to fake one.

use crate::swapped;
use coverage_client::batch::{Statement, ed25519, sign};
use coverage_client::{instructions as ix, pda};
use coverage_settlement::ID;
use coverage_settlement::state::{Attestation, KIND_FAILURE_DOMAIN, StatementArgs};
use coverage_tests::{CoverageError, InstructionError, World, attester, entry};
use ed25519_dalek::SigningKey;
use solana_account::Account;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Places of the seven numbers of a signature's record.
const SIGNATURE: usize = 0;
const SIGNATURE_INDEX: usize = 1;
const KEY: usize = 2;
const KEY_INDEX: usize = 3;
const MESSAGE: usize = 4;
const LENGTH: usize = 5;
const MESSAGE_INDEX: usize = 6;

/// A network with an uploaded statement nobody has endorsed.
fn uploaded() -> (World, Statement) {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.enrolled(1, 1_000, 0, workload);
    world.open_epoch();
    let statement = world.statement(workload, &[entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    world.upload(&statement);
    (world, statement)
}

/// The Ed25519 instruction of these attesters over a message.
fn signed(keys: &[SigningKey], message: &[u8; 32]) -> Instruction {
    let signatures: Vec<_> = keys.iter().map(|key| sign(key, message)).collect();
    ed25519(&signatures, message)
}

/// The `endorse` of a statement that names instruction `index`.
fn endorse(world: &World, statement: &Statement, index: u8) -> Instruction {
    ix::endorse(world.net.address, statement.address(&world.payer), index)
}

/// The instruction with another number in the record of signature `number`.
fn with(mut instruction: Instruction, number: usize, place: usize, value: u16) -> Instruction {
    let at = 2 + number * 14 + place * 2;
    instruction.data[at..at + 2].copy_from_slice(&value.to_le_bytes());
    instruction
}

/// The places of those who endorsed, a bit each.
fn endorsers(world: &World, statement: &Statement) -> u64 {
    world.get::<Attestation>(&statement.address(&world.payer)).endorsers
}

/// What the runtime would put into the instructions sysvar for these instructions.
fn sysvar_bytes(instructions: &[Instruction]) -> Vec<u8> {
    let (mut offsets, mut body) = (Vec::new(), Vec::new());
    let head = 2 + 2 * instructions.len();
    for instruction in instructions {
        offsets.extend(((head + body.len()) as u16).to_le_bytes());
        body.extend((instruction.accounts.len() as u16).to_le_bytes());
        for meta in &instruction.accounts {
            body.push(u8::from(meta.is_signer) | u8::from(meta.is_writable) << 1);
            body.extend(meta.pubkey.as_ref());
        }
        body.extend(instruction.program_id.as_ref());
        body.extend((instruction.data.len() as u16).to_le_bytes());
        body.extend(&instruction.data);
    }
    let count = (instructions.len() as u16).to_le_bytes();
    [count.as_slice(), &offsets, &body, &1u16.to_le_bytes()].concat()
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    a_fake_instructions_sysvar_is_refused,
    only_an_ed25519_instruction_is_read,
    all_three_indices_must_mean_the_instruction_itself,
    a_message_elsewhere_is_not_the_one_here,
    offsets_beyond_the_data_are_refused,
    none_nine_and_cut_short_signatures_are_refused,
    every_attester_counts_once,
    strangers_and_bad_signatures_do_not_count,
    a_signature_counts_for_one_statement,
    another_networks_committee_is_refused,
    who_is_out_of_the_committee_counts_no_more,
];

#[test]
fn a_fake_instructions_sysvar_is_refused() {
    let (mut world, statement) = uploaded();
    let keys = world.net.attesters.clone();
    let endorse = endorse(&world, &statement, 0);
    // The bytes of the real one for a transaction with five good signatures, at another address.
    let data = sysvar_bytes(&[signed(&keys, &statement.digest), endorse.clone()]);
    for (number, owner) in
        [pda::SYSTEM_PROGRAM, Pubkey::from_str_const("Sysvar1111111111111111111111111111111111111"), ID]
            .into_iter()
            .enumerate()
    {
        let fake = Pubkey::from([50 + number as u8; 32]);
        let account = Account { lamports: 1_000_000_000, data: data.clone(), owner, executable: false, rent_epoch: 0 };
        world.cluster.svm.set_account(fake, account).unwrap();
        world.refuses(swapped(endorse.clone(), 2, fake), CoverageError::WrongInstructionsSysvar);
        let pair = [signed(&keys, &statement.digest), swapped(endorse.clone(), 2, fake)];
        world.refuses_at(1, &pair, CoverageError::WrongInstructionsSysvar);
    }
    world.send(&[signed(&keys, &statement.digest), endorse]);
    assert_eq!(endorsers(&world, &statement), 0b11111);
}

#[test]
fn only_an_ed25519_instruction_is_read() {
    let (mut world, statement) = uploaded();
    let good = signed(&world.net.attesters, &statement.digest);
    // Itself, the compute budget's, none.
    for index in [1, 2, 3, 255] {
        let pair = [good.clone(), endorse(&world, &statement, index)];
        world.refuses_at(1, &pair, CoverageError::NotEd25519);
    }
    // The same bytes sent to another program, which takes any.
    let memo = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
    let fake = Instruction { program_id: memo, data: vec![b'a'; 8], ..good.clone() };
    let pair = [fake, endorse(&world, &statement, 0)];
    world.refuses_at(1, &pair, CoverageError::NotEd25519);
    // It need not be the first, nor come before.
    world.send(&[endorse(&world, &statement, 1), good]);
    assert_eq!(endorsers(&world, &statement), 0b11111);
}

#[test]
fn all_three_indices_must_mean_the_instruction_itself() {
    let (mut world, statement) = uploaded();
    let good = signed(&world.net.attesters, &statement.digest);
    for number in [0, 4] {
        for place in [SIGNATURE_INDEX, KEY_INDEX, MESSAGE_INDEX] {
            // Another instruction with the same bytes, itself by its number, and instruction 0 when that is itself.
            let other = with(good.clone(), number, place, 0);
            let three = [good.clone(), other.clone(), endorse(&world, &statement, 1)];
            world.refuses_at(2, &three, CoverageError::InvalidSignatureOffsets);
            let itself = with(good.clone(), number, place, 1);
            let three = [good.clone(), itself, endorse(&world, &statement, 1)];
            world.refuses_at(2, &three, CoverageError::InvalidSignatureOffsets);
            let pair = [other, endorse(&world, &statement, 0)];
            world.refuses_at(1, &pair, CoverageError::InvalidSignatureOffsets);
        }
    }
}

#[test]
fn a_message_elsewhere_is_not_the_one_here() {
    // The attack of Relay: an attester's signature of something else is checked, the digest beside it is shown.
    let (mut world, statement) = uploaded();
    let harmless = signed(&world.net.attesters, &[9; 32]);
    let mut shown = harmless.clone();
    let end = shown.data.len();
    shown.data[end - 32..].copy_from_slice(&statement.digest);
    for number in 0..5 {
        shown = with(shown, number, MESSAGE_INDEX, 0);
    }
    let three = [harmless, shown, endorse(&world, &statement, 1)];
    world.refuses_at(2, &three, CoverageError::InvalidSignatureOffsets);
}

#[test]
fn offsets_beyond_the_data_are_refused() {
    // Behind `endorse`, because the precompile would refuse them first.
    let (mut world, statement) = uploaded();
    let good = signed(&world.net.attesters[..1], &statement.digest);
    let length = good.data.len() as u16;
    let offsets = CoverageError::InvalidSignatureOffsets;
    let past = [
        (SIGNATURE, length - 63),
        (SIGNATURE, u16::MAX),
        (KEY, length - 31),
        (KEY, u16::MAX),
        (MESSAGE, length - 31),
        (MESSAGE, u16::MAX),
        (LENGTH, 33),
        (LENGTH, u16::MAX),
    ];
    for (place, value) in past {
        let pair = [endorse(&world, &statement, 1), with(good.clone(), 0, place, value)];
        world.refuses_at(0, &pair, offsets);
    }
    let pair = [endorse(&world, &statement, 1), with(good.clone(), 0, LENGTH, 31)];
    world.refuses_at(0, &pair, CoverageError::WrongMessage);
    let pair = [endorse(&world, &statement, 1), with(good, 0, LENGTH, 0)];
    world.refuses_at(0, &pair, CoverageError::WrongMessage);
}

#[test]
fn none_nine_and_cut_short_signatures_are_refused() {
    let (mut world, statement) = uploaded();
    let good = signed(&world.net.attesters, &statement.digest);
    let count = CoverageError::InvalidSignatureCount;
    let none = Instruction { data: vec![0, 0], ..good.clone() };
    let pair = [none, endorse(&world, &statement, 0)]; // the precompile is content with no signature
    world.refuses_at(1, &pair, count);
    // Nine records of one good signature, as nine of their own do not fit a transaction.
    let one = signed(&world.net.attesters[..1], &statement.digest);
    let (head, tail) = (2 + 9 * 14, 2 + 14);
    let moved = [(SIGNATURE, head + 32), (KEY, head), (MESSAGE, head + 96)];
    let record =
        moved.into_iter().fold(one.clone(), |one, (place, at)| with(one, 0, place, at as u16)).data[2..tail].to_vec();
    let nine = Instruction { data: [&[9, 0], record.repeat(9).as_slice(), &one.data[tail..]].concat(), ..one };
    let pair = [nine, endorse(&world, &statement, 0)];
    world.refuses_at(1, &pair, count);
    // Behind `endorse`, because the precompile would refuse these first.
    for length in [0, 1, 2, 15, 2 + 5 * 14 - 1] {
        let short = Instruction { data: good.data[..length].to_vec(), ..good.clone() };
        let pair = [endorse(&world, &statement, 1), short];
        world.refuses_at(0, &pair, if length < 16 { count } else { CoverageError::InvalidSignatureOffsets });
    }
    // Five records, said to be six.
    let mut six = good;
    six.data.truncate(2 + 5 * 14);
    six.data[0] = 6;
    let pair = [endorse(&world, &statement, 1), six];
    world.refuses_at(0, &pair, CoverageError::InvalidSignatureOffsets);
}

#[test]
fn every_attester_counts_once() {
    let (mut world, statement) = uploaded();
    let keys = world.net.attesters.clone();
    let twice = signed(&[keys[0].clone(), keys[1].clone(), keys[0].clone()], &statement.digest);
    let pair = [twice, endorse(&world, &statement, 0)];
    world.refuses_at(1, &pair, CoverageError::DuplicateAttester);
    for _ in 0..3 {
        // Again in a later transaction, and twice in the same: no error, and no more weight.
        let pair = signed(&keys[..2], &statement.digest);
        let endorse = endorse(&world, &statement, 0);
        world.send(&[pair, endorse.clone(), endorse]);
        assert_eq!(endorsers(&world, &statement), 0b00011);
    }
    let other = signed(&keys[1..4], &statement.digest);
    world.send(&[other, endorse(&world, &statement, 0)]);
    assert_eq!(endorsers(&world, &statement), 0b01111);
}

#[test]
fn strangers_and_bad_signatures_do_not_count() {
    let (mut world, statement) = uploaded();
    let keys = world.net.attesters.clone();
    let stranger = signed(&[keys[0].clone(), attester(1, 5)], &statement.digest);
    let pair = [stranger, endorse(&world, &statement, 0)];
    world.refuses_at(1, &pair, CoverageError::UnknownAttester);
    let mut bad = signed(&keys, &statement.digest);
    let end = bad.data.len();
    bad.data[end - 1] ^= 1;
    let pair = [bad, endorse(&world, &statement, 0)];
    world.refuses_at(0, &pair, InstructionError::Custom(2)); // the precompile's "invalid signature"
    assert_eq!(endorsers(&world, &statement), 0);
}

#[test]
fn a_signature_counts_for_one_statement() {
    let (mut world, statement) = uploaded();
    let keys = world.net.attesters.clone();
    let edited = |network: Pubkey, generation, edit: fn(&mut StatementArgs)| {
        let mut args = statement.args;
        edit(&mut args);
        Statement::new(network, args, generation, Vec::new()).digest
    };
    let here = world.net.address;
    let others = [
        [9; 32],
        edited(here, 1, |args| args.epoch += 1),
        edited(here, 1, |args| args.sequence += 1),
        edited(here, 1, |args| args.value += 1),
        edited(here, 1, |args| args.receipts_root[31] ^= 1),
        edited(here, 1, |args| args.entries_hash[31] ^= 1),
        edited(here, 1, |args| args.subject = Pubkey::from([1; 32])),
        edited(here, 1, |args| args.kind = KIND_FAILURE_DOMAIN),
        edited(here, 2, |_| {}),
        edited(pda::network(2), 1, |_| {}),
    ];
    for digest in others {
        let pair = [signed(&keys, &digest), endorse(&world, &statement, 0)];
        world.refuses_at(1, &pair, CoverageError::WrongMessage);
    }
    // The last of them need be another's only.
    let signatures = [sign(&keys[0], &statement.digest), sign(&keys[1], &statement.digest)];
    let mut mixed = ed25519(&signatures, &statement.digest);
    let start = mixed.data.len() as u16;
    let (key, signature) = sign(&keys[1], &[9; 32]);
    mixed.data.extend([key.as_slice(), &signature, &[9; 32]].concat());
    mixed = with(with(with(mixed, 1, KEY, start), 1, SIGNATURE, start + 32), 1, MESSAGE, start + 96);
    let pair = [mixed, endorse(&world, &statement, 0)];
    world.refuses_at(1, &pair, CoverageError::WrongMessage);
}

#[test]
fn another_networks_committee_is_refused() {
    let (mut world, statement) = uploaded();
    let second = world.another(2);
    let good = signed(&world.net.attesters, &statement.digest);
    let foreign = swapped(endorse(&world, &statement, 0), 1, pda::committee(&second.address));
    world.refuses_at(1, &[good, foreign], CoverageError::WrongNetwork);
}

#[test]
fn who_is_out_of_the_committee_counts_no_more() {
    let (mut world, _) = uploaded();
    let keys = world.net.attesters.clone();
    let dismissal =
        ix::update_committee(world.net.authority, world.net.address, vec![coverage_tests::member(2, &keys[2], 0)]);
    world.send(&[dismissal]);
    let statement = world.statement(pda::workload(&world.net.address, 0), &[entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    world.upload(&statement);
    let pair = [signed(&keys, &statement.digest), endorse(&world, &statement, 0)];
    world.refuses_at(1, &pair, CoverageError::UnknownAttester);
    let pair = [signed(&keys[..2], &statement.digest), endorse(&world, &statement, 0)];
    world.send(&pair);
    assert_eq!(endorsers(&world, &statement), 0b00011);
}
