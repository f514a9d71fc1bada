//! Opening and closing epochs.

use crate::{broken_network, elsewhere, forged, stranger, swapped};
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::{Cell, Epoch};
use coverage_tests::{CoverageError, EPOCH, GENESIS, InstructionError, World, config};

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    open_epoch_refuses_the_future_the_past_and_the_end_of_time,
    close_epoch_waits_for_every_cell_once_and_in_order,
    close_epoch_refuses_others_accounts_and_forged_ones,
];

#[test]
fn open_epoch_refuses_the_future_the_past_and_the_end_of_time() {
    let mut world = World::new();
    let first = world.found(2, config(), 1);
    let (payer, network) = (world.payer, world.net.address);
    let open = |index| ix::open_epoch(payer, network, index);
    world.refuses(swapped(open(0), 2, pda::committee(&first.address)), CoverageError::WrongNetwork);
    world.refuses(open(0), CoverageError::EpochNotStarted);
    world.refuses(open(1), InstructionError::InvalidSeeds);
    world.set_time(GENESIS);
    broken_network(&mut world, &open(0));
    world.open_epoch();
    world.refuses(open(0), InstructionError::InvalidSeeds);
    world.refuses(open(1), CoverageError::EpochNotStarted);
    world.set_time(GENESIS + EPOCH - 1);
    world.refuses(open(1), CoverageError::EpochNotStarted);
    world.set_time(GENESIS + EPOCH);
    world.send(&[open(1)]);
    // A network that starts at the end of time has no second epoch, so the first has no end.
    let (authority, token) = (world.net.authority, world.net.token);
    world.send(&[ix::create_network(authority, 3, &token, authority, i64::MAX, config())]);
    world.refuses(ix::open_epoch(payer, pda::network(3), 0), CoverageError::AmountOverflow);
}

#[test]
fn close_epoch_waits_for_every_cell_once_and_in_order() {
    let mut world = World::new();
    let workloads = [world.workload(0, 1), world.workload(1, 1)];
    let [first, second] = workloads;
    let (payer, network) = (world.payer, world.net.address);
    let close = |epoch, workloads: &[_]| ix::close_epoch(payer, network, epoch, workloads);
    let in_use = CoverageError::EpochInUse;
    world.open_epoch();
    world.refuses(close(0, &[first]), in_use);
    world.open_epoch();
    world.seal(first);
    world.refuses(close(0, &[first]), in_use);
    world.settle_by(first, ix::SETTLE_STEPS);
    world.refuses(close(0, &[first, second]), in_use); // the second has not settled
    world.refuses(close(0, &[first, first]), in_use);
    world.send(&[close(0, &[first]), close(0, &[])]);
    world.refuses(close(0, &[first]), in_use); // told already
    world.refuses(close(1, &[first]), in_use); // in hand
    world.finish(second);
    world.finish(second);
    world.refuses(close(1, &[second]), in_use); // epoch 0 comes first
    world.send(&[close(0, &[second])]);
    world.refuses(close(0, &[second]), InstructionError::AccountDataTooSmall);
    world.send(&[close(1, &[second])]);
    assert_eq!(world.epoch(1).cells_left, 1);
}

#[test]
fn close_epoch_refuses_others_accounts_and_forged_ones() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let nobody = stranger(&mut world);
    let workload = world.workload(0, 1);
    world.open_epoch();
    world.finish(workload);
    let (payer, network) = (world.payer, world.net.address);
    let good = ix::close_epoch(payer, network, 0, &[workload]);
    world.refuses(swapped(good.clone(), 1, nobody), CoverageError::WrongPayer);
    let theirs = ix::close_epoch(payer, network, 0, &[foreign.workload]);
    world.refuses(theirs, CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 0, pda::epoch(&foreign.net.address, 0)), CoverageError::WrongNetwork);
    let inconsistent = CoverageError::Inconsistent;
    let edit = |epoch: &mut Epoch| epoch.cells_left = 0;
    forged(&mut world, &good, pda::epoch(&network, 0), edit, inconsistent);
    let edit = |cell: &mut Cell| cell.removed = 1;
    forged(&mut world, &good, pda::cell(&workload), edit, inconsistent);
    world.send(&[good]);
}
