//! Every account of every instruction, replaced in turn: the exact error for each, in one [`table`].
//!
//! What takes an account's place has the same owner, kind and controllers wherever there is such a thing: both networks have
//! the same authority, operators and payers, so only the check for the network can tell them apart.
// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod fixture;
mod governance;
mod operators;
mod settlement;
mod table;

use coverage_client::pda::{self, Token};
use coverage_settlement::ID;
use coverage_settlement::state::Network;
use coverage_tests::check::{INSTRUCTIONS, error_name};
use coverage_tests::{CoverageError, InstructionError, World, expect_error, expect_program_error};
use fixture::{Case, ELSEWHERE, Fixture, Others, Place};
use solana_account::Account;
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;
use solana_transaction_error::TransactionError;
use std::collections::BTreeSet;
use table::TABLE;

/// Where the second slot of a cell begins, and in it the address of who paid for it.
const FREE_SLOT: usize = 624 + 192;
/// Where copies of accounts are put.
const COPY: Pubkey = Pubkey::new_from_array([77; 32]);

/// All cases, the world to run them in, and what fits no place in any of them.
fn cases() -> (World, Vec<Case>, Others) {
    let (mut fixture, others) = Fixture::new();
    fixture.governance();
    fixture.operators();
    fixture.settlement();
    (fixture.world, fixture.cases, others)
}

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
        InstructionError::Custom(2_040) => "Duplicate".to_owned(),
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
fn row(world: &mut World, case: &Case, position: usize, place: &Place, others: &Others) -> [String; 8] {
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
        with(&|_| ours.then(|| at(if place.name == "committee" { others.cell } else { others.kind }))),
        with(&|world| copy(world, &meta.pubkey).map(at)),
        with(&|_| meta.is_signer.then(|| AccountMeta { is_signer: false, ..meta.clone() })),
        with(&|_| meta.is_writable.then(|| AccountMeta { is_writable: false, ..meta.clone() })),
        with(&|world| ours.then(|| world.forge().bytes(&meta.pubkey, |data| data[8] = 2)).map(|()| meta.clone())),
    ]
}

/// A row as it is written in the table.
fn line(place: &str, row: &[String; 8]) -> String {
    let cells: Vec<_> = row.iter().map(|cell| format!("{cell:?}")).collect();
    format!("        ({place:?}, [{}]),", cells.join(", "))
}

#[test]
fn every_substitution_of_every_account_has_its_outcome() {
    let (mut world, cases, others) = cases();
    let mut differences = Vec::new();
    for case in &cases {
        world.cluster.svm = case.state.clone();
        assert_eq!(outcome(&mut world, case, case.instruction.clone()), "ok", "{}", case.name);
        let expected = TABLE.iter().find(|(name, _)| *name == case.name).map_or(&[][..], |(_, rows)| rows);
        let mut actual = Vec::new();
        for (position, place) in case.places.iter().enumerate() {
            actual.push(line(place.name, &row(&mut world, case, position, place, &others)));
        }
        let expected: Vec<_> = expected.iter().map(|(place, row)| line(place, &row.map(str::to_owned))).collect();
        if actual != expected {
            differences.push(format!("    ({:?}, &[\n{}\n    ]),", case.name, actual.join("\n")));
        }
    }
    assert!(differences.is_empty(), "these are other now:\n{}", differences.join("\n"));
}

#[test]
fn every_instruction_has_its_rows() {
    let all: BTreeSet<_> = INSTRUCTIONS.iter().map(|(name, _)| *name).collect();
    let (_, cases, _) = cases();
    assert_eq!(cases.iter().map(|case| case.name).collect::<BTreeSet<_>>(), all);
    assert_eq!(TABLE.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), all);
    assert_eq!((cases.len(), TABLE.len()), (all.len(), all.len()));
    assert!(TABLE.iter().all(|(_, rows)| !rows.is_empty()));
}

/// Whoever, or whatever else, is as good as what an instruction names: everywhere else an account of the whole cluster is
/// refused.
const REPLACEABLE: &[(&str, &str)] = &[
    // Whoever signs becomes the authority; any mint will do that has no extension to refuse.
    ("create_network", "authority"),
    ("create_network", "mint"),
    // Another network of the same authority, guardian or wallet.
    ("propose_authority", "network"),
    ("accept_authority", "network"),
    ("set_guardian", "network"),
    ("propose_config", "network"),
    ("pause", "network"),
    ("unpause", "network"),
    ("retire_operator", "operator"),
    // The guardian and the authority.
    ("unpause", "signer"),
    // Anyone who pays.
    ("open_epoch", "payer"),
    ("withdraw_attester_bond", "payer"),
    ("withdraw_bond", "payer"),
    ("claim_rewards", "payer"),
    // Another upload of the same payer.
    ("close_attestation", "attestation"),
    // Another upload of the same bytes.
    ("challenge_batch", "entries"),
    ("challenge_batch", "evidence"),
    // Another cell that ends with a free slot of the same payer.
    ("trim_cell", "cell"),
];

#[test]
fn no_other_account_of_the_cluster_will_do() {
    let (mut world, cases, others) = cases();
    let mut accepted = BTreeSet::new();
    for case in &cases {
        world.cluster.svm = case.state.clone();
        let owners = [ID, pda::TOKEN_PROGRAM, pda::SYSTEM_PROGRAM];
        let all = owners.iter().flat_map(|owner| world.cluster.svm.get_program_accounts(owner));
        let all: BTreeSet<_> = all.map(|(address, _)| address).chain([pda::TOKEN_PROGRAM, others.stranger]).collect();
        for (position, place) in case.places.iter().enumerate() {
            for other in all.iter().filter(|other| **other != case.instruction.accounts[position].pubkey) {
                let mut instruction = case.instruction.clone();
                instruction.accounts[position].pubkey = *other;
                if attempt(&mut world, case, instruction).1.is_ok() {
                    accepted.insert((case.name, place.name));
                    world.cluster.svm = case.state.clone();
                }
            }
        }
    }
    assert_eq!(accepted, REPLACEABLE.iter().copied().collect());
}

fn find<'a>(cases: &'a [Case], name: &str) -> &'a Case {
    cases.iter().find(|case| case.name == name).unwrap()
}

/// Where an instruction names an account.
fn at(case: &Case, name: &str) -> usize {
    case.places.iter().position(|place| place.name == name).unwrap()
}

#[test]
fn one_account_in_two_places_is_refused() {
    let (mut world, cases, _) = cases();
    let twice = InstructionError::Custom(2_040); // Anchor's "duplicate mutable account"
    // (instruction, the place taken, what takes it)
    for (name, place, twin) in [
        ("add_attester_bond", "source", "vault"),
        ("fund_treasury", "source", "vault"),
        ("sponsor_workload", "source", "vault"),
        ("register_operator", "source", "vault"),
        ("add_bond", "source", "vault"),
        ("withdraw_attester_bond", "attester_account", "vault"),
        ("withdraw_bond", "wallet_account", "vault"),
        ("claim_rewards", "payout_account", "vault"),
        ("challenge_batch", "challenger_account", "vault"),
        ("apply_batch", "log", "cell"),
        ("apply_batch", "payer", "attestation"),
        ("close_cell", "payer", "cell"),
        ("close_epoch", "payer", "epoch"),
        // A declared account behind the declared ones.
        ("claim_rewards", "cell", "operator"),
        ("close_epoch", "cell", "epoch"),
        ("trim_cell", "payer", "cell"),
        ("enroll", "refund", "cell"),
    ] {
        let case = find(&cases, name);
        world.cluster.svm = case.state.clone();
        let mut instruction = case.instruction.clone();
        instruction.accounts[at(case, place)] = instruction.accounts[at(case, twin)].clone();
        let (index, result) = attempt(&mut world, case, instruction);
        expect_program_error(&result, index, twice.clone());
    }
}

#[test]
fn who_pays_may_be_who_is_paid() {
    let (mut world, cases, _) = cases();
    for (name, payer, paid) in [
        ("withdraw_attester_bond", "payer", "attester"),
        ("withdraw_bond", "payer", "wallet"),
        ("enroll", "wallet", "refund"),
    ] {
        let case = find(&cases, name);
        world.cluster.svm = case.state.clone();
        let mut instruction = case.instruction.clone();
        let [payer, paid] = [at(case, payer), at(case, paid)];
        if name == "enroll" {
            let (cell, wallet) = (instruction.accounts[at(case, "cell")].pubkey, instruction.accounts[payer].pubkey);
            world.forge().bytes(&cell, |data| data[FREE_SLOT..FREE_SLOT + 32].copy_from_slice(wallet.as_ref()));
            instruction.accounts[paid].pubkey = wallet;
        } else {
            instruction.accounts[payer].pubkey = instruction.accounts[paid].pubkey;
        }
        assert_eq!(outcome(&mut world, case, instruction), "ok", "{name}");
    }
}

#[test]
fn another_networks_accounts_all_together_do_not_pay_this_ones() {
    let (mut world, cases, _) = cases();
    let second = pda::network(2);
    let token = Token::from(&world.get::<Network>(&second));
    for (name, owner, account) in [
        ("claim_rewards", "payout", "payout_account"),
        ("withdraw_bond", "wallet", "wallet_account"),
        ("withdraw_attester_bond", "attester", "attester_account"),
        ("challenge_batch", "challenger", "challenger_account"),
    ] {
        let case = find(&cases, name);
        world.cluster.svm = case.state.clone();
        let mut instruction = case.instruction.clone();
        let account_of = pda::token_account(&instruction.accounts[at(case, owner)].pubkey, &token);
        for (place, key) in
            [("network", second), (account, account_of), ("mint", token.mint), ("vault", pda::vault(&second))]
        {
            instruction.accounts[at(case, place)].pubkey = key;
        }
        let (index, result) = attempt(&mut world, case, instruction);
        expect_error(&result, index, CoverageError::WrongNetwork);
    }
}

#[test]
fn a_token_program_of_ones_own_founds_nothing() {
    let (mut world, cases, _) = cases();
    let case = find(&cases, "create_network");
    world.cluster.svm = case.state.clone();
    let mut instruction = case.instruction.clone();
    let mint = at(case, "mint");
    instruction.accounts[mint].pubkey = copy(&mut world, &instruction.accounts[mint].pubkey).unwrap();
    instruction.accounts[at(case, "token_program")].pubkey = ELSEWHERE;
    let (index, result) = attempt(&mut world, case, instruction);
    expect_error(&result, index, CoverageError::InvalidMint);
}

#[test]
fn without_an_event_nobody_looks_at_the_program() {
    let (mut world, cases, _) = cases();
    let case = find(&cases, "sweep_cell");
    world.cluster.svm = case.state.clone();
    world.send(std::slice::from_ref(&case.instruction));
    let mut instruction = case.instruction.clone();
    instruction.accounts[at(case, "program")].pubkey = pda::TOKEN_PROGRAM;
    assert_eq!(outcome(&mut world, case, instruction), "ok", "there is nothing left to sweep");
}

#[test]
fn what_counts_once_counts_once_in_one_instruction() {
    let (mut world, cases, _) = cases();
    // A cell that tells of an epoch twice would close it before another has settled it.
    let case = find(&cases, "close_epoch");
    world.cluster.svm = case.state.clone();
    let mut instruction = case.instruction.clone();
    instruction.accounts.push(instruction.accounts[at(case, "cell")].clone());
    let (index, result) = attempt(&mut world, case, instruction);
    expect_error(&result, index, CoverageError::EpochInUse);
    // A batch that is its own evidence proves nothing.
    let case = find(&cases, "challenge_batch");
    world.cluster.svm = case.state.clone();
    let mut instruction = case.instruction.clone();
    instruction.accounts[at(case, "evidence")] = instruction.accounts[at(case, "entries")].clone();
    let (index, result) = attempt(&mut world, case, instruction);
    expect_error(&result, index, CoverageError::InvalidEvidence);
}

#[test]
fn missing_accounts_and_cut_short_data_are_refused() {
    let (mut world, cases, _) = cases();
    for case in &cases {
        world.cluster.svm = case.state.clone();
        // What follows the program is not declared.
        let last = case.places.iter().position(|place| place.name == "program");
        let declared = last.map_or(case.places.len(), |last| last + 1);
        for count in [0, 1, declared - 1] {
            let mut instruction = case.instruction.clone();
            instruction.accounts.truncate(count);
            assert_eq!(outcome(&mut world, case, instruction), "NotEnoughAccountKeys", "{} with {count}", case.name);
        }
        let whole = case.instruction.data.len();
        for length in [0, 1, 7, whole - 1] {
            let mut instruction = case.instruction.clone();
            instruction.data.truncate(length);
            let outcome = outcome(&mut world, case, instruction);
            assert_eq!(outcome, "InvalidInstructionData", "{} cut to {length}", case.name);
        }
        let mut unknown = case.instruction.clone();
        unknown.data[0] ^= 0x55;
        assert_eq!(outcome(&mut world, case, unknown), "InvalidInstructionData", "{}", case.name);
    }
}
