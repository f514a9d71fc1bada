//! Operators' capabilities and their slots.

use crate::{broken_cell, elsewhere, forged, swapped};
use bytemuck::Zeroable;
use coverage_client::capabilities::CapabilityTree;
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_math::receipt::Capability;
use coverage_settlement::CapabilityArgs;
use coverage_settlement::state::{ANY_REGION, Cell, Phase, Workload};
use coverage_tests::{CHALLENGE, CoverageError, Operator, World};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Commits to one leaf and opens it.
fn enrolment(world: &World, operator: &Operator, workload: Pubkey, leaf: Capability) -> [Instruction; 2] {
    let net = world.net.address;
    let tree = CapabilityTree::new(&net, vec![leaf]).unwrap();
    let (args, proof) = tree.open(0).unwrap();
    let commit = ix::commit_capabilities(operator.wallet, net, tree.root(), tree.count());
    [commit, ix::enroll(operator.wallet, net, workload, (args, 0, proof), None)]
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    commit_capabilities_refuses_null_trees_and_others_operators,
    enroll_refuses_capabilities_below_the_requirements,
    enroll_refuses_leaves_that_are_not_in_the_tree,
    enroll_refuses_a_second_slot_a_settling_cell_and_a_retired_workload,
    enroll_refuses_full_and_forged_cells,
    enroll_pays_the_rent_of_a_free_slot_to_who_paid_it,
    enroll_refuses_what_does_not_belong_together,
];

#[test]
fn commit_capabilities_refuses_null_trees_and_others_operators() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (operator, other) = (world.operator(1, 1_000), world.operator(2, 1_000));
    let net = world.net.address;
    let commit = |root, count| ix::commit_capabilities(operator.wallet, net, root, count);
    world.refuses(commit([0; 32], 1), CoverageError::NullRoot);
    world.refuses(commit([1; 32], 0), CoverageError::NullRoot);
    let good = commit([1; 32], 1);
    world.refuses(swapped(good.clone(), 0, other.wallet), CoverageError::WrongWallet);
    world.refuses(swapped(good.clone(), 2, other.account), CoverageError::WrongWallet);
    world.refuses(swapped(good.clone(), 2, foreign.operator.account), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 1, foreign.net.address), CoverageError::WrongNetwork);
    world.send(&[good]);
}

#[test]
fn enroll_refuses_capabilities_below_the_requirements() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.operator(1, 1_000);
    let good = world.capability(workload);
    let bad = [
        Capability { hardware_class: 3, ..good },
        Capability { verification_mode: 3, ..good },
        Capability { region: 4, ..good },
        Capability { latency_ms: 1_001, ..good },
        Capability { capacity_milli: 99, ..good },
    ];
    for leaf in bad {
        let [commit, enroll] = enrolment(&world, &operator, workload, leaf);
        world.refuses_at(1, &[commit, enroll], CoverageError::CapabilityMismatch);
    }
    world.forge().header(&workload, |workload: &mut Workload| workload.region = ANY_REGION);
    let [commit, enroll] = enrolment(&world, &operator, workload, bad[2]);
    world.send(&[commit, enroll]);
}

#[test]
fn enroll_refuses_leaves_that_are_not_in_the_tree() {
    let mut world = World::new();
    let (workload, other) = (world.workload(0, 1), world.workload(1, 1));
    let operator = world.operator(1, 1_000);
    let [_, enroll] = world.enrolment(&operator, workload);
    let invalid = CoverageError::InvalidProof;
    world.refuses(enroll.clone(), invalid); // nothing committed
    // Three leaves: a lone one moves up, so its proof is the shortest.
    let (net, leaf) = (world.net.address, world.capability(workload));
    let salted = |salt| Capability { salt: [salt; 32], ..leaf };
    let tree = CapabilityTree::new(&net, vec![salted(1), salted(2), leaf]).unwrap();
    world.send(&[ix::commit_capabilities(operator.wallet, net, tree.root(), 3)]);
    world.refuses(enroll, invalid); // the proof of another tree
    let (args, proof) = tree.open(2).unwrap();
    let open = |args, index, proof: &[[u8; 32]]| {
        ix::enroll(operator.wallet, net, workload, (args, index, proof.to_vec()), None)
    };
    world.refuses(open(args, 1, &proof), invalid);
    world.refuses(open(args, 3, &proof), invalid);
    world.refuses(open(args, 2, &[]), invalid);
    world.refuses(open(args, 2, &[proof[0], proof[0]]), invalid);
    world.refuses(open(CapabilityArgs { salt: [3; 32], ..args }, 2, &proof), invalid);
    world.refuses(open(CapabilityArgs { latency_ms: 999, ..args }, 2, &proof), invalid);
    let elsewhere = ix::enroll(operator.wallet, net, other, (args, 2, proof.clone()), None);
    world.refuses(elsewhere, invalid); // a leaf for another workload
    world.send(&[open(args, 2, &proof)]);
    // A tree of another network, with the same leaf, is another tree.
    let elsewhere = CapabilityTree::new(&Pubkey::from([3; 32]), vec![world.capability(other)]).unwrap();
    let (args, proof) = elsewhere.open(0).unwrap();
    world.send(&[ix::commit_capabilities(operator.wallet, net, elsewhere.root(), 1)]);
    world.refuses(ix::enroll(operator.wallet, net, other, (args, 0, proof), None), invalid);
}

#[test]
fn enroll_refuses_a_second_slot_a_settling_cell_and_a_retired_workload() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operators: Vec<_> = (1..4).map(|number| world.enrolled(number, 1_000, 0, workload)).collect();
    let [commit, enroll] = world.enrolment(&operators[0], workload);
    world.refuses_at(1, &[commit, enroll], CoverageError::AlreadyEnrolled);
    let next = world.operator(4, 1_000);
    world.open_epoch();
    world.seal(workload);
    world.wait_until(world.cell(workload).0.sealed_ts + CHALLENGE);
    world.send(&[ix::settle_cell(world.net.address, workload, 0, 1_400)]);
    assert_eq!(world.cell(workload).0.phase, Phase::Settling as u8);
    let [commit, enroll] = world.enrolment(&next, workload);
    world.refuses_at(1, &[commit.clone(), enroll.clone()], CoverageError::CellSettling);
    world.settle_by(workload, ix::SETTLE_STEPS);
    let pair = [commit, enroll];
    let saved = world.cluster.svm.clone();
    world.send(&pair);
    world.cluster.svm = saved;
    world.open_epoch();
    world.send(&[ix::set_workload_weight(world.net.authority, world.net.address, workload, 0)]);
    world.refuses_at(1, &pair, CoverageError::WorkloadRetired);
}

#[test]
fn enroll_refuses_full_and_forged_cells() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.operator(1, 1_000);
    let address = pda::cell(&workload);
    let [commit, enroll] = world.enrolment(&operator, workload);
    world.send(&[commit]);
    let edit = |cell: &mut Cell| cell.slots = 5; // five slots, no items
    forged(&mut world, &enroll, address, edit, CoverageError::Inconsistent);
    broken_cell(&mut world, &enroll, workload);
    world.forge().slots(&address, &[Slot::zeroed(); 1_024], |_| {});
    world.refuses(enroll.clone(), CoverageError::CellFull);
    world.forge().slots(&address, &[Slot::zeroed(); 1_023], |_| {});
    world.send(&[enroll]);
    assert_eq!(world.cell(workload).1[1_023].operator, operator.account.to_bytes());
}

#[test]
fn enroll_pays_the_rent_of_a_free_slot_to_who_paid_it() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let (first, next) = (world.enrolled(1, 1_000, 0, workload), world.operator(2, 1_000));
    world.send(&[ix::leave_cell(first.wallet, world.net.address, workload, 0)]);
    for _ in 0..2 {
        world.open_epoch();
        world.finish(workload);
    }
    world.send(&[ix::release_slot(first.account, workload, 0)]);
    let [commit, enroll] = world.enrolment(&next, workload);
    world.send(&[commit]);
    let wrong = CoverageError::WrongRefund;
    let last = enroll.accounts.len() - 1;
    for thief in [next.wallet, first.account, world.payer] {
        world.refuses(swapped(enroll.clone(), last, thief), wrong);
    }
    let mut nobody = enroll.clone();
    nobody.accounts.pop();
    world.refuses(nobody, wrong);
    world.send(&[enroll]);
    assert_eq!(world.cell(workload).1[0].operator, next.account.to_bytes());
}

#[test]
fn enroll_refuses_what_does_not_belong_together() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (workload, other) = (world.workload(0, 1), world.workload(1, 1));
    let (operator, stranger) = (world.operator(1, 1_000), world.operator(2, 1_000));
    let [commit, enroll] = world.enrolment(&operator, workload);
    world.send(&[commit]);
    let network = CoverageError::WrongNetwork;
    world.refuses(swapped(enroll.clone(), 1, foreign.net.address), network);
    world.refuses(swapped(enroll.clone(), 2, foreign.workload), network);
    world.refuses(swapped(enroll.clone(), 3, foreign.operator.account), network);
    world.refuses(swapped(enroll.clone(), 3, stranger.account), CoverageError::WrongWallet);
    world.refuses(swapped(enroll.clone(), 0, stranger.wallet), CoverageError::WrongWallet);
    world.refuses(swapped(enroll.clone(), 4, pda::cell(&other)), CoverageError::WrongWorkload);
    world.send(&[enroll]);
}
