//! Every account of every instruction, replaced in turn: the exact error for each, in one [`table`].
//!
//! What takes an account's place has the same owner, kind and controllers wherever there is such a thing: both networks have
//! the same authority, operators and payers, so only the check for the network can tell them apart.
// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod fixture;
mod table;

use coverage_client::pda;
use coverage_settlement::ID;
use coverage_tests::check::{INSTRUCTIONS, error_name};
use coverage_tests::{CoverageError, InstructionError, World, expect_error, expect_program_error};
use fixture::{Case, Others, Place, cases};
use solana_account::Account;
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;
use solana_transaction_error::TransactionError;
use std::collections::BTreeSet;
use table::TABLE;

/// Where copies of accounts are put, and the program that owns them there.
const ELSEWHERE: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
const COPY: Pubkey = Pubkey::new_from_array([77; 32]);

/// Sends the case's transaction with another instruction.
fn attempt(world: &mut World, case: &Case, instruction: Instruction) -> (u8, litesvm::types::TransactionResult) {
    let mut all: Vec<_> = case.before.iter().cloned().collect();
    let index = all.len() as u8;
    all.push(instruction);
    (index, world.attempt(&all))
}

/// What becomes of it: `ok`, or the name of the error that the instruction was refused with.
fn outcome(world: &mut World, case: &Case, instruction: Instruction) -> String {
    match attempt(world, case, instruction) {
        (_, Ok(_)) => "ok".to_owned(),
        (index, Err(failed)) => match failed.err {
            TransactionError::InstructionError(at, error) if at == index => name(&error),
            other => panic!("{}: {other:?}\n{}", case.name, failed.meta.logs.join("\n")),
        },
    }
}

/// Errors by name: the program's own, Anchor's, SPL Token's, the runtime's.
fn name(error: &InstructionError) -> String {
    match error {
        InstructionError::Custom(2_000) => "ConstraintMut".to_owned(),
        InstructionError::Custom(2_007) => "ConstraintExecutable".to_owned(),
        InstructionError::Custom(3) => "MintMismatch".to_owned(),
        InstructionError::Custom(4) => "OwnerMismatch".to_owned(),
        InstructionError::Custom(code) => error_name(*code),
        other => format!("{other:?}"),
    }
}

/// Puts a copy of an account, byte for byte, at another address under another owner; the address, if there was any account.
fn copy(world: &mut World, address: &Pubkey) -> Option<Pubkey> {
    let account =
        world.cluster.svm.get_account(address).filter(|account| !account.data.is_empty() && !account.executable)?;
    let copy = Account { owner: ELSEWHERE, ..account };
    world.cluster.svm.set_account(COPY, copy).unwrap();
    Some(COPY)
}

/// All substitutions of one place.
fn row(world: &mut World, case: &Case, position: usize, place: &Place, others: &Others) -> [String; 7] {
    let meta = case.instruction.accounts[position].clone();
    let mut with = |replace: &dyn Fn(&mut World) -> Option<AccountMeta>| {
        world.cluster.svm = case.state.clone();
        let Some(meta) = replace(world) else {
            return "-".to_owned();
        };
        let mut instruction = case.instruction.clone();
        instruction.accounts[position] = meta;
        outcome(world, case, instruction)
    };
    let at = |pubkey| AccountMeta { pubkey, ..meta.clone() };
    let ours = case.state.get_account(&meta.pubkey).is_some_and(|account| account.owner == ID);
    [
        with(&|_| place.foreign.map(at)),
        with(&|_| place.sibling.map(at)),
        with(&|_| Some(at(others.stranger))),
        with(&|_| ours.then(|| at(others.kind))),
        with(&|world| copy(world, &meta.pubkey).map(at)),
        with(&|_| meta.is_signer.then(|| AccountMeta { is_signer: false, ..meta.clone() })),
        with(&|_| meta.is_writable.then(|| AccountMeta { is_writable: false, ..meta.clone() })),
    ]
}

#[test]
fn every_substitution_of_every_account_has_its_outcome() {
    let (mut world, cases, others) = cases();
    let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names, INSTRUCTIONS.iter().map(|(name, _)| *name).collect());
    let mut rows = Vec::new();
    for case in &cases {
        world.cluster.svm = case.state.clone();
        assert_eq!(outcome(&mut world, case, case.instruction.clone()), "ok", "{}", case.name);
        for (position, place) in case.places.iter().enumerate() {
            rows.push((case.name, place.name, row(&mut world, case, position, place, &others)));
        }
    }
    let expected = TABLE.iter().flat_map(|(name, rows)| rows.iter().map(|(place, row)| (*name, *place, *row)));
    let expected: Vec<_> = expected.collect();
    for ((instruction, place, actual), expected) in rows.iter().zip(&expected) {
        assert_eq!((*instruction, *place, actual.each_ref().map(String::as_str)), *expected);
    }
    assert_eq!(rows.len(), expected.len());
}

#[test]
fn one_account_in_two_places_is_refused() {
    let (mut world, cases, _) = cases();
    let twice = InstructionError::Custom(2_040); // Anchor's "duplicate mutable account"
    let case = |name: &str| cases.iter().find(|case| case.name == name).unwrap();
    // (instruction, the place taken, what takes it)
    for (name, place, twin) in
        [("fund_treasury", 3, 4), ("register_operator", 5, 4), ("apply_batch", 3, 2), ("claim_rewards", 4, 6)]
    {
        let case = case(name);
        world.cluster.svm = case.state.clone();
        let mut instruction = case.instruction.clone();
        instruction.accounts[place] = instruction.accounts[twin].clone();
        let (index, result) = attempt(&mut world, case, instruction);
        expect_program_error(&result, index, twice.clone());
    }
    // A declared account in place of a cell.
    let case = case("claim_rewards");
    world.cluster.svm = case.state.clone();
    let mut instruction = case.instruction.clone();
    instruction.accounts[10] = instruction.accounts[2].clone();
    let (index, result) = attempt(&mut world, case, instruction);
    expect_program_error(&result, index, twice);
}

#[test]
fn another_networks_accounts_all_together_do_not_pay_this_ones_operator() {
    let (mut world, cases, _) = cases();
    let case = cases.last().unwrap();
    world.cluster.svm = case.state.clone();
    let second = pda::network(2);
    let mint = world.get::<coverage_settlement::state::Network>(&second).mint;
    let payout = case.instruction.accounts[3].pubkey;
    let mut instruction = case.instruction.clone();
    for (position, key) in [(1, second), (4, pda::token_account(&payout, &mint)), (5, mint), (6, pda::vault(&second))] {
        instruction.accounts[position].pubkey = key;
    }
    let (index, result) = attempt(&mut world, case, instruction);
    expect_error(&result, index, CoverageError::WrongNetwork);
}

#[test]
fn missing_accounts_and_cut_short_data_are_refused() {
    let (mut world, cases, _) = cases();
    for case in &cases {
        world.cluster.svm = case.state.clone();
        let declared = case.places.len() - usize::from(case.name == "claim_rewards"); // the cell is not declared
        for count in [0, 1, declared - 1] {
            let mut instruction = case.instruction.clone();
            instruction.accounts.truncate(count);
            assert_eq!(outcome(&mut world, case, instruction), "NotEnoughAccountKeys", "{} with {count}", case.name);
        }
        let whole = case.instruction.data.len();
        for length in [0, 1, 7, whole - 1] {
            let mut instruction = case.instruction.clone();
            instruction.data.truncate(length);
            assert_eq!(
                outcome(&mut world, case, instruction),
                "InvalidInstructionData",
                "{} cut to {length}",
                case.name
            );
        }
        let mut unknown = case.instruction.clone();
        unknown.data[0] ^= 0x55;
        assert_eq!(outcome(&mut world, case, unknown), "InvalidInstructionData", "{}", case.name);
    }
}
