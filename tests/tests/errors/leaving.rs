//! Slots: changing, leaving, freeing and trimming them.

use crate::{broken_cell, elsewhere, forged, swapped};
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::{Cell, Operator as OperatorAccount, Phase};
use coverage_tests::{CHALLENGE, CoverageError, Operator, World};
use solana_program::pubkey::Pubkey;

/// A network with a cell of two slots before epoch 0.
fn two_slots(mut world: World) -> (World, Pubkey, [Operator; 2]) {
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    let operators = [1, 2].map(|number| world.enrolled(number, 1_000, 0, workload));
    (world, workload, operators)
}

/// Settles one slot of a sealed cell.
fn settle_one(world: &mut World, workload: Pubkey) {
    let cell = world.cell(workload).0;
    world.wait_until(cell.sealed_ts + CHALLENGE);
    world.send(&[ix::settle_cell(world.net.address, workload, cell.epoch, 1_400)]);
    assert_eq!(world.cell(workload).0.phase, Phase::Settling as u8);
}

/// Opens the next epoch and settles the one in hand.
fn pass_epoch(world: &mut World, workload: Pubkey) {
    world.open_epoch();
    world.finish(workload);
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    sync_slot_refuses_to_lose_what_is_staged,
    sync_slot_refuses_others_accounts_and_a_settling_cell,
    leave_cell_refuses_others_and_a_second_time,
    release_slot_waits_for_everything_the_slot_is_needed_for,
    release_slot_refuses_others_accounts_and_forged_ones,
    trim_cell_takes_free_slots_off_the_end_only,
];

#[test]
fn sync_slot_refuses_to_lose_what_is_staged() {
    let (mut world, workload, [operator, _]) = two_slots(World::new());
    let net = world.net.clone();
    let sync = ix::sync_slot(net.address, operator.account, workload, 0);
    let add = ix::add_bond(operator.wallet, net.address, &net.token, operator.source, 10);
    world.open_epoch();
    world.send(&[add.clone(), sync.clone(), add.clone(), sync.clone()]); // for epoch 1, twice
    world.open_epoch();
    world.send(std::slice::from_ref(&sync)); // nothing new is no error
    world.send(&[add]);
    world.refuses(sync.clone(), CoverageError::SlotPending);
    world.finish(workload);
    world.send(&[sync]);
    assert_eq!(world.cell(workload).1[0].staged_bond, 1_030);
}

#[test]
fn sync_slot_refuses_others_accounts_and_a_settling_cell() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (mut world, workload, [operator, other]) = two_slots(world);
    let net = world.net.address;
    let sync = |slot| ix::sync_slot(net, operator.account, workload, slot);
    let network = CoverageError::WrongNetwork;
    world.refuses(swapped(sync(0), 0, foreign.net.address), network);
    world.refuses(swapped(sync(0), 1, foreign.operator.account), network);
    world.refuses(swapped(sync(0), 2, pda::cell(&foreign.workload)), network);
    world.refuses(swapped(sync(0), 1, other.account), CoverageError::NotYourSlot);
    world.refuses(sync(1), CoverageError::NotYourSlot);
    for slot in [2, u16::MAX] {
        world.refuses(sync(slot), CoverageError::InvalidSlot);
    }
    let edit = |cell: &mut Cell| cell.slots = 400;
    forged(&mut world, &sync(0), pda::cell(&workload), edit, CoverageError::Inconsistent);
    broken_cell(&mut world, &sync(0), workload);
    world.open_epoch();
    world.seal(workload);
    settle_one(&mut world, workload);
    world.refuses(sync(0), CoverageError::CellSettling);
    world.settle_by(workload, ix::SETTLE_STEPS);
    world.send(&[sync(0), ix::leave_cell(operator.wallet, net, workload, 0)]);
    world.refuses(sync(0), CoverageError::AlreadyLeft);
}

#[test]
fn leave_cell_refuses_others_and_a_second_time() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (mut world, workload, [operator, other]) = two_slots(world);
    let net = world.net.address;
    let leave = |slot| ix::leave_cell(operator.wallet, net, workload, slot);
    let network = CoverageError::WrongNetwork;
    world.refuses(swapped(leave(0), 1, foreign.net.address), network);
    world.refuses(swapped(leave(0), 2, foreign.operator.account), network);
    world.refuses(swapped(leave(0), 3, pda::cell(&foreign.workload)), network);
    world.refuses(swapped(leave(0), 0, other.wallet), CoverageError::WrongWallet);
    world.refuses(swapped(leave(0), 2, other.account), CoverageError::WrongWallet);
    world.refuses(leave(1), CoverageError::NotYourSlot);
    for slot in [2, u16::MAX] {
        world.refuses(leave(slot), CoverageError::InvalidSlot);
    }
    let edit = |cell: &mut Cell| cell.slots = 400;
    forged(&mut world, &leave(0), pda::cell(&workload), edit, CoverageError::Inconsistent);
    broken_cell(&mut world, &leave(0), workload);
    // In the middle of a settlement as well: no epoch begun is touched.
    world.open_epoch();
    world.seal(workload);
    settle_one(&mut world, workload);
    world.send(&[leave(0)]);
    world.refuses(leave(0), CoverageError::AlreadyLeft);
}

#[test]
fn release_slot_waits_for_everything_the_slot_is_needed_for() {
    let (mut world, workload, [operator, other]) = two_slots(World::new());
    let net = world.net.address;
    let release = ix::release_slot(operator.account, workload, 0);
    let in_use = CoverageError::SlotInUse;
    world.refuses(release.clone(), in_use);
    world.open_epoch();
    world.send(&[ix::leave_cell(operator.wallet, net, workload, 0)]); // with epoch 1
    world.refuses(release.clone(), in_use);
    world.batch(workload, &[(0, [1, 0, 0, 0, 0, 0, 0])]);
    world.seal(workload);
    world.refuses(release.clone(), in_use);
    settle_one(&mut world, workload);
    world.refuses(release.clone(), CoverageError::CellSettling);
    world.settle_by(workload, ix::SETTLE_STEPS);
    world.refuses(release.clone(), in_use); // epoch 1, the first without it, is not settled
    pass_epoch(&mut world, workload);
    world.refuses(release.clone(), in_use); // it has earned
    world.claim(&operator, &[(workload, 0)]);
    let saved = world.cell(workload).1;
    let mut breached = saved.clone();
    breached[0].owed_slash_bps = 1_000;
    world.forge().slots(&pda::cell(&workload), &breached, |_| {});
    world.refuses(release.clone(), in_use); // nor was it slashed
    world.forge().slots(&pda::cell(&workload), &saved, |_| {});
    world.send(std::slice::from_ref(&release));
    world.refuses(release, CoverageError::NotYourSlot);
    // The operators of a retired workload need not have left, once it is paid for no more.
    let release = ix::release_slot(other.account, workload, 1);
    world.refuses(release.clone(), in_use);
    world.open_epoch();
    world.send(&[ix::set_workload_weight(world.net.authority, net, workload, 0)]);
    world.refuses(release.clone(), in_use);
    world.finish(workload);
    world.send(&[release]);
}

#[test]
fn release_slot_refuses_others_accounts_and_forged_ones() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (mut world, workload, [operator, other]) = two_slots(world);
    let (elsewhere, net) = (world.workload(1, 1), world.net.address);
    world.send(&[ix::leave_cell(operator.wallet, net, workload, 0)]);
    pass_epoch(&mut world, workload);
    let release = |slot| ix::release_slot(operator.account, workload, slot);
    world.refuses(swapped(release(0), 0, foreign.workload), CoverageError::WrongNetwork);
    world.refuses(swapped(release(0), 1, foreign.operator.account), CoverageError::WrongNetwork);
    world.refuses(swapped(release(0), 0, elsewhere), CoverageError::WrongWorkload);
    world.refuses(swapped(release(0), 2, pda::cell(&elsewhere)), CoverageError::WrongWorkload);
    world.refuses(swapped(release(0), 1, other.account), CoverageError::NotYourSlot);
    world.refuses(release(1), CoverageError::NotYourSlot);
    for slot in [2, u16::MAX] {
        world.refuses(release(slot), CoverageError::InvalidSlot);
    }
    let inconsistent = CoverageError::Inconsistent;
    let edit = |operator: &mut OperatorAccount| operator.cells = 0;
    forged(&mut world, &release(0), operator.account, edit, inconsistent);
    let edit = |cell: &mut Cell| cell.slots = 400;
    forged(&mut world, &release(0), pda::cell(&workload), edit, inconsistent);
    broken_cell(&mut world, &release(0), workload);
    world.send(&[release(0)]);
}

#[test]
fn trim_cell_takes_free_slots_off_the_end_only() {
    let (mut world, workload, [first, second]) = two_slots(World::new());
    let net = world.net.address;
    let trim = |wallets: &[Pubkey]| ix::trim_cell(workload, wallets);
    let (in_use, wrong) = (CoverageError::SlotInUse, CoverageError::WrongRefund);
    world.refuses(trim(&[second.wallet]), in_use);
    for (operator, slot) in [(first, 0), (second, 1)] {
        world.send(&[ix::leave_cell(operator.wallet, net, workload, slot)]);
    }
    world.refuses(trim(&[second.wallet]), in_use);
    pass_epoch(&mut world, workload);
    world.send(&[ix::release_slot(first.account, workload, 0)]);
    world.refuses(trim(&[first.wallet]), in_use); // free, but not the last
    world.send(&[ix::release_slot(second.account, workload, 1)]);
    let payer = world.payer;
    for thief in [first.wallet, second.account, payer] {
        world.refuses(trim(&[thief]), wrong);
    }
    world.refuses(trim(&[second.wallet, second.wallet]), wrong);
    world.refuses(trim(&[second.wallet, first.wallet, first.wallet]), in_use); // there are two
    let edit = |cell: &mut Cell| cell.slots = 400;
    forged(&mut world, &trim(&[second.wallet]), pda::cell(&workload), edit, CoverageError::Inconsistent);
    broken_cell(&mut world, &trim(&[second.wallet]), workload);
    let edit = |cell: &mut Cell| cell.phase = Phase::Settling as u8;
    forged(&mut world, &trim(&[second.wallet]), pda::cell(&workload), edit, CoverageError::CellSettling);
    world.send(&[trim(&[second.wallet, first.wallet]), trim(&[])]);
    world.refuses(trim(&[first.wallet]), in_use);
    assert_eq!(world.cell(workload).0.slots, 0);
}
