//! One request counted twice for one slot in an epoch: the later batch falls, never the earlier.

use crate::*;
use coverage_tests::CoverageError;

/// An honest batch of two, and another with the second of its requests again.
fn twice(case: &mut Case) -> [Applied; 2] {
    let receipts = [case.receipt(0, SERVED, 1), case.receipt(0, SERVED, 2)];
    let earlier = case.honest(&receipts);
    let receipts = [case.receipt(0, SERVED, 7), case.receipt(0, NO_MODEL, 2), case.receipt(1, SERVED, 2)];
    let later = case.honest(&receipts);
    [earlier, later]
}

fn across(earlier: u32, first: Opening, second: Opening) -> Evidence {
    Evidence::DuplicateAcrossBatches { earlier, first, second }
}

#[test]
fn the_later_batch_falls_and_the_cell_settles_as_if_it_had_never_been() {
    let mut case = Case::new();
    let start = case.world.cluster.svm.clone();
    let receipts = [case.receipt(0, SERVED, 1), case.receipt(0, SERVED, 2)];
    case.honest(&receipts);
    let twin = case.settled();
    case.world.cluster.svm = start;
    let [earlier, later] = twice(&mut case);
    // Neither shows anything by itself.
    assert_eq!((earlier.examine(), later.examine()), (None, None));
    let evidence = later.published().repeats(1, earlier.sequence(), &earlier.published()).unwrap();
    assert_eq!(evidence, across(0, earlier.open(1), later.open(1)));
    let events = case.prove(&later, &evidence);
    let Some(Event::BatchRemoved(event)) = events.last() else { panic!() };
    assert_eq!((event.sequence, event.fraud, event.slashed_units, event.reward_units), (1, 2, SLASHED, REWARD));
    assert_eq!(case.world.cell(case.workload).1[0].tally, [2, 0, 0, 0, 0, 0, 0]);
    assert_eq!(case.reward(), REWARD);
    case.world.assert_solvent(&[case.workload]);
    assert_eq!(case.settled(), twin);
}

#[test]
fn the_earlier_batch_stands_whoever_is_named_earlier() {
    let mut case = Case::new();
    let [earlier, later] = twice(&mut case);
    let (first, second) = (earlier.open(1), later.open(1));
    // Batch 1 is not earlier than batch 0.
    case.fails(&earlier, &across(1, second.clone(), first.clone()), CoverageError::NotInBatch);
    case.fails(&earlier, &across(0, second.clone(), first.clone()), CoverageError::NotInBatch);
    case.fails(&earlier, &across(0, first.clone(), first.clone()), CoverageError::NoFraud);
    // Nor is there a batch 2, or 2^32 − 1.
    for missing in [2, u32::MAX] {
        case.fails(&later, &across(missing, first.clone(), second.clone()), CoverageError::NotInBatch);
    }
    // The leaves must be where the evidence says.
    case.fails(&later, &across(0, second.clone(), first.clone()), CoverageError::NotInBatch);
    case.fails(&later, &across(1, first, second), CoverageError::NotInBatch);
}

#[test]
fn a_batch_already_removed_is_no_earlier_one() {
    let mut case = Case::new();
    // The first is false by itself: one receipt twice.
    let repeated = case.receipt(0, SERVED, 2);
    let earlier = case.apply(leaves(&[repeated, repeated]), vec![entry(0, [2, 0, 0, 0, 0, 0, 0])]);
    let later = case.honest(&[repeated]);
    let evidence = later.published().repeats(1, 0, &earlier.published()).unwrap();
    let start = case.world.cluster.svm.clone();
    case.prove(&earlier, &earlier.examine().unwrap());
    case.fails(&later, &evidence, CoverageError::NotInBatch);
    assert_eq!(case.world.cell(case.workload).1[0].tally, [1, 0, 0, 0, 0, 0, 0], "the request counts once");
    // While the first stands, the second falls.
    case.world.cluster.svm = start;
    case.prove(&later, &evidence);
    assert_eq!(case.world.cell(case.workload).1[0].tally, [2, 0, 0, 0, 0, 0, 0]);
    // Then the first, for what it is: all four counts are gone, and both were paid for.
    case.prove(&earlier, &earlier.examine().unwrap());
    assert_eq!(case.world.cell(case.workload).1[0].tally, [0; 7]);
    assert_eq!(case.bonds(), [Bond { units: 81_000, ..Bond::default() }; 5], "a tenth, then a tenth of the rest");
    assert_eq!(case.reward(), 12_500 + 11_250);
    case.world.assert_solvent(&[case.workload]);
}

#[test]
fn one_request_in_two_outcomes_of_the_same_batch() {
    let mut case = Case::new();
    let receipts = [
        case.receipt(0, SERVED, 3),
        case.receipt(0, SERVED, 5),
        case.receipt(0, NO_MODEL, 3),
        case.receipt(1, SERVED, 3),
    ];
    let batch = case.apply(leaves(&receipts), count(&receipts));
    let (served, failed, elsewhere) = (batch.open(0), batch.open(2), batch.open(3));
    // The same leaf twice, or the same request in another slot, is as it should be.
    case.fails(&batch, &across(0, served.clone(), served.clone()), CoverageError::NoFraud);
    case.fails(&batch, &across(0, served.clone(), elsewhere), CoverageError::NoFraud);
    let evidence = across(0, served, failed);
    assert_eq!(batch.examine(), Some(evidence.clone()), "examining the batch finds it");
    let events = case.prove(&batch, &evidence);
    let Some(Event::BatchRemoved(event)) = events.last() else { panic!() };
    assert_eq!((event.sequence, event.fraud, event.reward_units), (0, 2, REWARD));
    assert_eq!(case.world.cell(case.workload).1[0].tally, [0; 7]);
}

#[test]
fn one_request_served_by_two_slots_is_no_repetition() {
    let mut case = Case::new();
    let first = [case.receipt(0, NO_MODEL, 4)];
    let earlier = case.honest(&first);
    let second = [case.receipt(1, SERVED, 4)];
    let later = case.honest(&second);
    assert_eq!(later.published().repeats(1, 0, &earlier.published()), None);
    case.fails(&later, &across(0, earlier.open(0), later.open(0)), CoverageError::NoFraud);
}

#[test]
fn leaves_that_are_no_receipts_repeat_nothing() {
    let mut case = Case::new();
    let junk = vec![b"trust me".to_vec()];
    let earlier = case.apply(junk.clone(), vec![entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    let later = case.apply(junk, vec![entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    assert_eq!(later.published().repeats(1, 0, &earlier.published()), None);
    case.fails(&later, &across(0, earlier.open(0), later.open(0)), CoverageError::NoFraud);
    // They fall for what they are.
    case.prove(&later, &later.examine().unwrap());
}
