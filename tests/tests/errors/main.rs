//! Every error of every instruction, through the compiled program: the exact code, the exact instruction, and no
//! account changed. The last test asks whether any was forgotten.
//!
//! Accounts that no transaction could leave behind are written into the VM directly.
// A test fails by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod applying;
mod attestations;
mod attesters;
mod bonds;
mod disputes;
mod ed25519;
mod enrolment;
mod epochs;
mod governance;
mod leaving;
mod mints;
mod pauses;
mod settlement;
mod table;
mod tokens;
mod versions;
mod workloads;

use anchor_lang::Discriminator;
use bytemuck::Pod;
use coverage_client::pda;
use coverage_settlement::state::{Cell, Network};
use coverage_tests::check::{INSTRUCTIONS, code, errors, seen};
use coverage_tests::{CoverageError, World, config, keypair};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeSet;
use table::REFUSALS;

/// The instruction with another account at a position.
fn swapped(mut instruction: Instruction, position: usize, account: Pubkey) -> Instruction {
    instruction.accounts[position].pubkey = account;
    instruction
}

/// A signer with nothing to do with any network.
fn stranger(world: &mut World) -> Pubkey {
    world.cluster.add_signer(keypair(b's', 1, 0))
}

/// Asserts that an instruction is refused while an account is as no transaction could leave it.
#[track_caller]
fn forged<T: Pod + Discriminator>(
    world: &mut World,
    instruction: &Instruction,
    address: Pubkey,
    edit: impl FnOnce(&mut T),
    error: CoverageError,
) {
    let before = world.account(&address);
    world.forge().header(&address, edit);
    world.refuses(instruction.clone(), error);
    world.cluster.svm.set_account(address, before).unwrap();
}

/// The network's own check comes last: it refuses what everything else let pass.
#[track_caller]
fn broken_network(world: &mut World, instruction: &Instruction) {
    let edit = |network: &mut Network| (network.paused_until_ts, network.pause_free_ts) = (1, 0);
    forged(world, instruction, world.net.address, edit, CoverageError::Inconsistent);
}

/// The cell's own check comes last: it refuses what everything else let pass.
#[track_caller]
fn broken_cell(world: &mut World, instruction: &Instruction, workload: Pubkey) {
    let edit = |cell: &mut Cell| cell.reported_epoch = u64::MAX;
    forged(world, instruction, pda::cell(&workload), edit, CoverageError::Inconsistent);
}

/// Another network: a workload with an operator (wallet 1) in it, and epoch 0 opened.
struct Elsewhere {
    net: coverage_tests::Net,
    workload: Pubkey,
    operator: coverage_tests::Operator,
}

/// Makes it; the network in hand stays in hand, half an epoch before its genesis.
fn elsewhere(world: &mut World) -> Elsewhere {
    let mut net = world.found(2, config(), 1);
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 1_000, 0, workload);
    world.open_epoch();
    world.set_time(coverage_tests::GENESIS - 50);
    std::mem::swap(&mut world.net, &mut net);
    Elsewhere { net, workload, operator }
}

#[test]
fn every_error_of_every_instruction_was_reached() {
    // Tests come in any order and in threads of their own, so all of them run here once more.
    let cases: [&[fn()]; 16] = [
        applying::CASES,
        attestations::CASES,
        attesters::CASES,
        bonds::CASES,
        disputes::CASES,
        ed25519::CASES,
        enrolment::CASES,
        epochs::CASES,
        governance::CASES,
        leaving::CASES,
        mints::CASES,
        pauses::CASES,
        settlement::CASES,
        tokens::CASES,
        versions::CASES,
        workloads::CASES,
    ];
    cases.into_iter().flatten().for_each(|case| case());
    let names = errors();
    let name = |code: u32| names.iter().find(|(_, number)| *number == code).map_or("?", |(name, _)| *name);
    let seen: BTreeSet<_> =
        seen().into_iter().filter(|(_, code)| *code >= 6_000).map(|(from, code)| (from, name(code))).collect();
    let listed = REFUSALS.iter().flat_map(|(from, groups)| {
        groups.iter().flat_map(|errors| errors.iter()).map(|error| (*from, name(code(*error))))
    });
    let listed: BTreeSet<_> = listed.collect();
    assert_eq!(listed.difference(&seen).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "listed, but not reached");
    assert_eq!(seen.difference(&listed).collect::<Vec<_>>(), Vec::<&(&str, &str)>::new(), "reached, but not listed");
    let rows: Vec<_> = REFUSALS.iter().map(|(name, _)| *name).collect();
    let instructions: Vec<_> = INSTRUCTIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(rows, instructions);
    // And no error of the program is without an instruction that gives it.
    let reached: BTreeSet<_> = seen.iter().map(|(_, name)| *name).collect();
    let all: BTreeSet<_> = names.iter().map(|(name, _)| *name).collect();
    assert_eq!(all.difference(&reached).collect::<Vec<_>>(), Vec::<&&str>::new(), "errors no instruction gave");
    assert_eq!((instructions.len(), all.len(), names.last()), (41, 104, Some(&("Inconsistent", 6_900))));
}
