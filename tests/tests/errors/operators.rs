//! Operators, their capabilities and their slots.

use crate::swapped;
use bytemuck::Zeroable;
use coverage_client::capabilities::CapabilityTree;
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_math::domains::MAX_BOND;
use coverage_math::receipt::Capability;
use coverage_settlement::state::{ANY_REGION, Cell, Network, Phase, WORKLOAD_RETIRED, Workload};
use coverage_tests::{CoverageError, InstructionError, Operator, World, config};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Commits to one leaf and opens it.
fn enrolment(world: &World, operator: &Operator, workload: Pubkey, leaf: Capability) -> [Instruction; 2] {
    let net = world.net.address;
    let tree = CapabilityTree::new(&net, vec![leaf]).unwrap();
    let (args, proof) = tree.open(0).unwrap();
    let commit = ix::commit_capabilities(operator.wallet, net, tree.root(), tree.count());
    [commit, ix::enroll(operator.wallet, net, workload, args, 0, proof)]
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    register_operator_refuses_bad_bonds_no_payout_and_others_accounts,
    commit_capabilities_refuses_null_trees_and_others_operators,
    enroll_refuses_capabilities_below_the_requirements,
    enroll_refuses_leaves_that_are_not_in_the_tree,
    enroll_refuses_a_second_slot_a_settling_cell_and_a_retired_workload,
    enroll_refuses_full_and_forged_cells,
    enroll_refuses_what_does_not_belong_together,
];

#[test]
fn register_operator_refuses_bad_bonds_no_payout_and_others_accounts() {
    let mut world = World::new();
    let first = world.found(2, config(), 1);
    let operator = world.wallet(1);
    let register = |world: &World, bond| world.registration(&operator, bond);
    world.refuses(register(&world, 999), CoverageError::InvalidBond);
    world.refuses(register(&world, MAX_BOND + 1), CoverageError::InvalidBond);
    let nowhere = Operator { payout: Pubkey::default(), ..operator };
    world.refuses(world.registration(&nowhere, 1_000), CoverageError::InvalidPayout);
    world.refuses(swapped(register(&world, 1_000), 3, first.mint), CoverageError::WrongMint);
    world.refuses(swapped(register(&world, 1_000), 5, pda::vault(&first.address)), CoverageError::WrongVault);
    let network = world.net.address;
    let forge = |world: &mut World, bonds, version| {
        world
            .forge()
            .header(&network, |network: &mut Network| (network.operator_bonds, network.version) = (bonds, version));
    };
    forge(&mut world, u64::MAX, 1);
    world.refuses(register(&world, 1_000), CoverageError::AmountOverflow);
    forge(&mut world, 0, 2);
    world.refuses(register(&world, 1_000), CoverageError::UnknownVersion);
    forge(&mut world, 0, 1);
    world.send(&[register(&world, MAX_BOND)]);
    world.refuses(register(&world, 1_000), InstructionError::Custom(0)); // account already in use
    // Another's tokens: the token program's "owner does not match".
    let thief = Operator { source: operator.source, ..world.wallet(2) };
    world.refuses(world.registration(&thief, 1_000), InstructionError::Custom(4));
}

#[test]
fn commit_capabilities_refuses_null_trees_and_others_operators() {
    let mut world = World::new();
    let elsewhere = world.operator(1, 1_000);
    let first = world.found(2, config(), 1);
    let (operator, other) = (world.operator(1, 1_000), world.operator(2, 1_000));
    let net = world.net.address;
    let commit = |root, count| ix::commit_capabilities(operator.wallet, net, root, count);
    world.refuses(commit([0; 32], 1), CoverageError::NullRoot);
    world.refuses(commit([1; 32], 0), CoverageError::NullRoot);
    world.refuses(swapped(commit([1; 32], 1), 2, other.account), CoverageError::WrongWallet);
    world.refuses(swapped(commit([1; 32], 1), 2, elsewhere.account), CoverageError::WrongNetwork);
    world.refuses(swapped(commit([1; 32], 1), 1, first.address), CoverageError::WrongNetwork);
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
    let open =
        |args, index, proof: &[[u8; 32]]| ix::enroll(operator.wallet, net, workload, args, index, proof.to_vec());
    world.refuses(open(args, 1, &proof), invalid);
    world.refuses(open(args, 3, &proof), invalid);
    world.refuses(open(args, 2, &[]), invalid);
    world.refuses(open(args, 2, &[proof[0], proof[0]]), invalid);
    world.refuses(open(coverage_settlement::CapabilityArgs { salt: [3; 32], ..args }, 2, &proof), invalid);
    world.refuses(open(coverage_settlement::CapabilityArgs { latency_ms: 999, ..args }, 2, &proof), invalid);
    world.refuses(ix::enroll(operator.wallet, net, other, args, 2, proof.clone()), invalid); // a leaf for another workload
    world.send(&[open(args, 2, &proof)]);
    // A tree of another network, with the same leaf, is another tree.
    let elsewhere = CapabilityTree::new(&Pubkey::from([3; 32]), vec![world.capability(other)]).unwrap();
    let (args, proof) = elsewhere.open(0).unwrap();
    world.send(&[ix::commit_capabilities(operator.wallet, net, elsewhere.root(), 1)]);
    world.refuses(ix::enroll(operator.wallet, net, other, args, 0, proof), invalid);
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
    world.wait_until(world.cell(workload).0.sealed_ts + coverage_tests::CHALLENGE);
    world.send(&[ix::settle_cell(world.net.address, workload, 0, 1_400)]);
    assert_eq!(world.cell(workload).0.phase, Phase::Settling as u8);
    let [commit, enroll] = world.enrolment(&next, workload);
    world.refuses_at(1, &[commit.clone(), enroll.clone()], CoverageError::CellSettling);
    world.settle_by(workload, ix::SETTLE_STEPS);
    world.forge().header(&workload, |workload: &mut Workload| workload.status = WORKLOAD_RETIRED);
    world.refuses_at(1, &[commit.clone(), enroll.clone()], CoverageError::WorkloadRetired);
    world.forge().header(&workload, |workload: &mut Workload| workload.status = 0);
    world.send(&[commit, enroll]);
}

#[test]
fn enroll_refuses_full_and_forged_cells() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.operator(1, 1_000);
    let address = pda::cell(&workload);
    let pair = world.enrolment(&operator, workload);
    world.forge().header(&address, |cell: &mut Cell| cell.version = 2);
    world.refuses_at(1, &pair, CoverageError::UnknownVersion);
    world.forge().header(&address, |cell: &mut Cell| (cell.version, cell.slots) = (1, 5)); // five slots, no items
    world.refuses_at(1, &pair, CoverageError::Inconsistent);
    world.forge().slots(&address, &[Slot::zeroed(); 1_024], |_| {});
    world.refuses_at(1, &pair, CoverageError::CellFull);
    world.forge().slots(&address, &[Slot::zeroed(); 1_023], |_| {});
    world.send(&pair);
    assert_eq!(world.cell(workload).1[1_023].operator, operator.account.to_bytes());
}

#[test]
fn enroll_refuses_what_does_not_belong_together() {
    let mut world = World::new();
    let (elsewhere, foreign) = (world.operator(1, 1_000), world.workload(0, 1));
    let _ = world.found(2, config(), 1);
    let (workload, other) = (world.workload(0, 1), world.workload(1, 1));
    let (operator, stranger) = (world.operator(1, 1_000), world.operator(2, 1_000));
    let [commit, enroll] = world.enrolment(&operator, workload);
    world.send(&[commit]);
    world.refuses(swapped(enroll.clone(), 2, foreign), CoverageError::WrongNetwork);
    world.refuses(swapped(enroll.clone(), 3, elsewhere.account), CoverageError::WrongNetwork);
    world.refuses(swapped(enroll.clone(), 3, stranger.account), CoverageError::WrongWallet);
    world.refuses(swapped(enroll.clone(), 0, stranger.wallet), CoverageError::WrongWallet);
    world.refuses(swapped(enroll.clone(), 4, pda::cell(&other)), CoverageError::WrongWorkload);
    world.send(&[enroll]);
}
