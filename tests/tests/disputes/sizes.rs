//! Trees of another size than what was counted, and the trap in them: the path of the second of two leaves is that of the
//! third of three.

use crate::*;
use coverage_client::math::merkle;
use coverage_tests::CoverageError;

/// The sides of the path of a leaf.
fn sides(leaves: u32, leaf: u32) -> u32 {
    merkle::path(leaves, leaf).unwrap().0
}

/// As many served requests of slot 0.
fn served(case: &Case, count: u8) -> Vec<Vec<u8>> {
    (1..=count).map(|request| payload(&case.receipt(0, SERVED, request))).collect()
}

fn counted(count: u32) -> Vec<Entry> {
    vec![entry(0, [count, 0, 0, 0, 0, 0, 0])]
}

#[test]
fn a_tree_larger_or_smaller_than_counted_is_proven_so() {
    let mut case = Case::new();
    let start = case.world.cluster.svm.clone();
    let pairs = (1..=6u8).flat_map(|tree| (1..=6u32).map(move |counted| (tree, counted)));
    for (tree, number) in pairs.filter(|(tree, number)| u32::from(*tree) != *number) {
        case.world.cluster.svm = start.clone();
        let batch = case.apply(served(&case, tree), counted(number));
        let evidence = batch.examine().unwrap();
        assert!(matches!(evidence, Evidence::CountMismatch(_)), "{tree} leaves counted as {number}");
        case.prove(&batch, &evidence);
        let (cell, slots) = case.world.cell(case.workload);
        assert_eq!((cell.removed, slots[0].tally, case.reward()), (1, [0; 7], REWARD), "{tree} counted as {number}");
    }
}

#[test]
fn a_tree_of_three_counted_as_two_falls_by_a_leaf_that_two_have_no_path_to() {
    let mut case = Case::new();
    let batch = case.apply(served(&case, 3), counted(2));
    // The lone third leaf has the path of the second of two: it proves nothing.
    let third = Opening { index: sides(3, 2), ..batch.open(2) };
    assert_eq!((third.index, third.proof.len()), (1, 1));
    case.fails(&batch, &Evidence::CountMismatch(third), CoverageError::NoFraud);
    let second = Opening { index: sides(3, 1), ..batch.open(1) };
    assert_eq!((second.index, second.proof.len()), (1, 2));
    case.prove(&batch, &Evidence::CountMismatch(second));
    assert_eq!(case.reward(), REWARD);
}

#[test]
fn an_honest_batch_of_two_is_not_convicted_by_the_third_of_three() {
    let mut case = Case::new();
    let receipts = [1, 2].map(|request| case.receipt(0, SERVED, request));
    let batch = case.honest(&receipts);
    let second = batch.open(1);
    // Index 2 of 3 climbs with its node on the right of the only sibling: sides 1, which two leaves have as well.
    case.fails(&batch, &Evidence::CountMismatch(Opening { index: 1, ..second.clone() }), CoverageError::NoFraud);
    // Bits above the path are not read.
    for high in [0b11, 0b101, 0x8000_0001] {
        case.fails(&batch, &Evidence::CountMismatch(Opening { index: high, ..second.clone() }), CoverageError::NoFraud);
    }
    // On the other side the path leads elsewhere.
    case.fails(&batch, &Evidence::CountMismatch(Opening { index: 2, ..second.clone() }), CoverageError::NotInBatch);
    case.fails(&batch, &Evidence::Misplaced(Opening { index: 2, ..second }), CoverageError::NotInBatch);
    assert_eq!(case.world.cell(case.workload).1[0].tally, [2, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn an_inner_node_is_no_leaf() {
    let mut case = Case::new();
    let receipts = [1, 2, 3, 4].map(|request| case.receipt(0, SERVED, request));
    let batch = case.honest(&receipts);
    let (first, third) = (batch.open(0), batch.open(2));
    // "The tree has two leaves": the payload would have to hash like a node, whose first byte is another.
    let tag = coverage_client::batch::receipts_tag(&batch.of.network, batch.of.epoch);
    let hash = |opening: &Opening| coverage_math::merkle::leaf::<Software>(&tag, &opening.leaf);
    let node = [hash(&first), first.proof[0]].concat();
    let inner = Opening { index: 0, leaf: node, proof: vec![first.proof[1]] };
    case.fails(&batch, &Evidence::CountMismatch(inner), CoverageError::NotInBatch);
    // Nor does a path of more siblings than a tree can be deep lead anywhere.
    let deep = Opening { index: 0, leaf: third.leaf, proof: vec![[0; 32]; 33] };
    case.fails(&batch, &Evidence::CountMismatch(deep), CoverageError::NotInBatch);
}

#[test]
fn no_leaf_of_an_honest_batch_convicts_it_by_any_path() {
    let mut case = Case::new();
    let start = case.world.cluster.svm.clone();
    for size in 1..=8u8 {
        case.world.cluster.svm = start.clone();
        let receipts: Vec<_> = (1..=size).map(|request| case.receipt(0, SERVED, request)).collect();
        let batch = case.honest(&receipts);
        assert_eq!(batch.examine(), None);
        for leaf in 0..usize::from(size) {
            let opening = batch.open(leaf);
            let sides = sides(size.into(), leaf as u32);
            let own = Evidence::CountMismatch(Opening { index: sides, ..opening.clone() });
            case.fails(&batch, &own, CoverageError::NoFraud);
            case.fails(&batch, &Evidence::Misplaced(opening), CoverageError::NoFraud);
        }
    }
}
