//! Workloads: weights, sponsors, sweeping and closing.

use crate::{broken_cell, broken_network, elsewhere, forged, stranger, swapped};
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::{Cell, Network};
use coverage_tests::{CoverageError, EPOCH, GENESIS, InstructionError, World, requirements};

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    register_workload_refuses_strangers_no_weight_and_an_epoch_not_opened,
    set_workload_weight_refuses_strangers_and_what_does_not_belong_together,
    set_workload_weight_refuses_to_forget_a_weight,
    set_workload_weight_refuses_too_much_and_forged_accounts,
    sponsor_workload_refuses_retired_and_others_cells,
    sweep_cell_refuses_others_and_forged_cells,
    close_cell_refuses_a_cell_with_anything_left,
];

#[test]
fn register_workload_refuses_strangers_no_weight_and_an_epoch_not_opened() {
    let mut world = World::new();
    let (net, other) = (world.net.clone(), stranger(&mut world));
    let register = |authority, id, weight| ix::register_workload(authority, net.address, id, weight, requirements());
    world.refuses(register(other, 0, 1), CoverageError::NotAuthority);
    world.refuses(register(net.authority, 0, 0), CoverageError::InvalidWeight);
    broken_network(&mut world, &register(net.authority, 0, 1));
    world.workload(0, 1);
    world.refuses(register(net.authority, 0, 1), InstructionError::Custom(0)); // account already in use
    world.refuses(register(net.authority, 1, u64::MAX), CoverageError::AmountOverflow);
    world.set_time(GENESIS);
    world.refuses(register(net.authority, 1, 1), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.send(&[register(net.authority, 1, 1)]);
    world.set_time(GENESIS + EPOCH);
    world.refuses(register(net.authority, 2, 1), CoverageError::EpochNotOpened);
}

#[test]
fn set_workload_weight_refuses_strangers_and_what_does_not_belong_together() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (workload, other) = (world.workload(0, 1), world.workload(1, 1));
    let (net, nobody) = (world.net.clone(), stranger(&mut world));
    let set = |weight| ix::set_workload_weight(net.authority, net.address, workload, weight);
    world.refuses(swapped(set(2), 0, nobody), CoverageError::NotAuthority);
    world.refuses(swapped(set(2), 1, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swapped(set(2), 2, foreign.workload), CoverageError::WrongNetwork);
    world.refuses(swapped(set(2), 2, other), CoverageError::WrongWorkload);
    world.refuses(swapped(set(2), 3, pda::cell(&other)), CoverageError::WrongWorkload);
    world.set_time(GENESIS);
    world.refuses(set(2), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.send(&[set(2), set(0)]);
    // Retired is retired for good, from the moment it is said.
    world.refuses(set(2), CoverageError::WorkloadRetired);
    world.refuses(set(0), CoverageError::WorkloadRetired);
}

#[test]
fn set_workload_weight_refuses_to_forget_a_weight() {
    let mut world = World::new();
    let (workload, net) = (world.workload(0, 5), world.net.clone());
    let set = |weight| ix::set_workload_weight(net.authority, net.address, workload, weight);
    world.open_epoch();
    world.send(&[set(6), set(7)]); // both for epoch 1: epoch 0 has weight 5
    world.open_epoch();
    // Epoch 2 could have another weight only in place of epoch 0's.
    world.refuses(set(8), CoverageError::WeightPending);
    world.refuses(set(0), CoverageError::WeightPending);
    world.finish(workload);
    world.send(&[set(8)]);
}

#[test]
fn set_workload_weight_refuses_too_much_and_forged_accounts() {
    let mut world = World::new();
    let (workload, _) = (world.workload(0, 1), world.workload(1, 1));
    let net = world.net.clone();
    let set = |weight| ix::set_workload_weight(net.authority, net.address, workload, weight);
    world.refuses(set(u64::MAX), CoverageError::AmountOverflow);
    let inconsistent = CoverageError::Inconsistent;
    let edit = |network: &mut Network| network.total_weight = 0;
    forged(&mut world, &set(2), net.address, edit, inconsistent);
    let edit = |network: &mut Network| network.workloads = 0;
    forged(&mut world, &set(0), net.address, edit, inconsistent);
    broken_network(&mut world, &set(2));
    world.send(&[set(u64::MAX - 1)]);
}

#[test]
fn sponsor_workload_refuses_retired_and_others_cells() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (workload, other) = (world.workload(0, 1), world.workload(1, 1));
    let net = world.net.clone();
    let good = ix::sponsor_workload(net.authority, net.address, workload, &net.token, net.treasurer, 100);
    world.refuses(swapped(good.clone(), 1, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 2, foreign.workload), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 2, other), CoverageError::WrongWorkload);
    world.refuses(swapped(good.clone(), 3, pda::cell(&other)), CoverageError::WrongWorkload);
    let edit = |cell: &mut Cell| cell.sponsored = u64::MAX - 99;
    forged(&mut world, &good, pda::cell(&workload), edit, CoverageError::AmountOverflow);
    broken_cell(&mut world, &good, workload);
    world.send(std::slice::from_ref(&good));
    world.send(&[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
    world.refuses(good, CoverageError::WorkloadRetired);
}

#[test]
fn sweep_cell_refuses_others_and_forged_cells() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (workload, other) = (world.workload(0, 1), world.workload(1, 1));
    let (net, cell) = (world.net.clone(), pda::cell(&workload));
    let good = ix::sweep_cell(net.address, workload);
    world.refuses(swapped(good.clone(), 0, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 1, foreign.workload), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 1, other), CoverageError::WrongWorkload);
    world.refuses(swapped(good.clone(), 2, pda::cell(&other)), CoverageError::WrongWorkload);
    // With nothing to sweep, even broken accounts are left alone.
    world.send(std::slice::from_ref(&good));
    world.forge().header(&cell, |cell: &mut Cell| cell.returned = 5);
    broken_cell(&mut world, &good, workload);
    broken_network(&mut world, &good);
    let overflow = CoverageError::AmountOverflow;
    let edit = |network: &mut Network| network.treasury_available = u64::MAX - 4;
    forged(&mut world, &good, net.address, edit, overflow);
    world.send(&[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
    for [returned, carry, sponsored] in [[u64::MAX, 1, 0], [0, u64::MAX, 1], [1, 0, u64::MAX]] {
        let edit = |cell: &mut Cell| (cell.returned, cell.carry, cell.sponsored) = (returned, carry, sponsored);
        forged(&mut world, &good, cell, edit, overflow);
    }
    world.send(&[good]);
    assert_eq!(world.get::<Network>(&net.address).treasury_available, 5);
}

#[test]
fn close_cell_refuses_a_cell_with_anything_left() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (workload, other) = (world.workload(0, 1), world.workload(1, 1));
    let (net, nobody) = (world.net.clone(), stranger(&mut world));
    let (good, in_use) = (ix::close_cell(net.authority, workload), CoverageError::CellInUse);
    world.refuses(good.clone(), in_use); // not retired
    world.open_epoch();
    world.send(&[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
    world.refuses(good.clone(), in_use); // paid for in epoch 0
    world.seal(workload);
    world.refuses(good.clone(), in_use);
    world.settle_by(workload, ix::SETTLE_STEPS);
    world.refuses(good.clone(), in_use); // epoch 0 not told of
    world.send(&[ix::close_epoch(world.payer, net.address, 0, &[workload])]);
    let left: [fn(&mut Cell); 9] = [
        |cell| cell.phase = 1,
        |cell| cell.phase = 2,
        |cell| cell.reported_epoch = 0,
        |cell| cell.slots = 1,
        |cell| cell.pool = 1,
        |cell| cell.carry = 1,
        |cell| cell.sponsored = 1,
        |cell| cell.returned = 1,
        |cell| cell.earned = 1,
    ];
    for edit in left {
        forged(&mut world, &good, pda::cell(&workload), edit, in_use);
    }
    let wrong = CoverageError::WrongWorkload;
    for theirs in [other, foreign.workload] {
        world.refuses(swapped(good.clone(), 0, theirs), wrong);
        world.refuses(swapped(good.clone(), 1, pda::cell(&theirs)), wrong);
        world.refuses(swapped(good.clone(), 2, pda::log(&theirs)), wrong);
    }
    world.refuses(swapped(good.clone(), 3, nobody), CoverageError::WrongPayer);
    world.send(std::slice::from_ref(&good));
    world.refuses(good, InstructionError::AccountDataTooSmall);
}
