//! Fraud proofs: nothing taken from an honest batch convicts it, and every false batch has evidence that does.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::indexing_slicing)]

mod paths;
mod reading;

use coverage_math::attestation::Entry;
use coverage_math::fraud::{Batch, Fraud, FraudError, Opening, Subject, bucket_of};
use coverage_math::hash::{Hash, Purpose, Sha256, Software, Tag};
use coverage_math::merkle;
use coverage_math::receipt::{Attempt, RECEIPT_BYTES, Receipt};
use coverage_math::reliability::OUTCOMES;
use proptest::prelude::*;
use std::collections::BTreeSet;

const WORKLOAD: [u8; 32] = [3; 32];
const EPOCH: u64 = 9;

fn subject() -> Subject {
    let tag = Tag::new::<Software>(&[1; 32], &[2; 32], Purpose::Receipts, EPOCH);
    Subject { tag, workload: WORKLOAD, epoch: EPOCH }
}

fn receipt(slot: u16, outcome: u8, request: u32) -> Receipt {
    let mut request_id = [0; 32];
    request_id[..4].copy_from_slice(&request.to_be_bytes());
    let (workload, epoch) = (WORKLOAD, EPOCH);
    let rest = ([0; 32], [5; 32], 7, 1_700_000_000);
    let (evidence, reporter, latency_ms, observed_at) = rest;
    let attempt = Attempt { request_id, workload, epoch, slot, outcome, latency_ms, observed_at, evidence, reporter };
    Receipt { attempt, signature: [6; 64] }
}

/// The counts of receipts in their order of slots.
fn entries(receipts: &[Receipt]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for Receipt { attempt, .. } in receipts {
        if entries.last().is_none_or(|entry| entry.slot != attempt.slot) {
            entries.push(Entry { slot: attempt.slot, reserved: 0, counts: [0; OUTCOMES] });
        }
        entries.last_mut().unwrap().counts[usize::from(attempt.outcome)] += 1;
    }
    entries
}

/// Leaves with their whole tree, and what the batch says of itself.
struct Published {
    leaves: Vec<Vec<u8>>,
    levels: Vec<Vec<Hash>>,
    receipts: u32,
    entries: Vec<Entry>,
    sequence: u32,
}

impl Published {
    fn new(leaves: Vec<Vec<u8>>, entries: Vec<Entry>, sequence: u32) -> Self {
        let tag = subject().tag;
        let mut levels = vec![leaves.iter().map(|leaf| merkle::leaf::<Software>(&tag, leaf)).collect::<Vec<_>>()];
        while levels[levels.len() - 1].len() > 1 {
            let parent = |pair: &[Hash]| match pair {
                [left, right] => Software::hash(&[&[1], left, right]),
                lone => lone[0],
            };
            levels.push(levels[levels.len() - 1].chunks(2).map(parent).collect());
        }
        assert_eq!(merkle::root::<Software>(&mut levels[0].clone()), levels[levels.len() - 1].first().copied());
        Self { receipts: leaves.len() as u32, leaves, levels, entries, sequence }
    }

    fn of(receipts: &[Receipt], sequence: u32) -> Self {
        let leaves = receipts.iter().map(|receipt| borsh::to_vec(receipt).unwrap()).collect();
        Self::new(leaves, entries(receipts), sequence)
    }

    fn root(&self) -> Hash {
        self.levels[self.levels.len() - 1][0]
    }

    /// The siblings of a leaf, and the sides of its path.
    fn path(&self, index: usize) -> (Vec<Hash>, u32) {
        let (mut proof, mut sides) = (Vec::new(), 0u32);
        for (level, hashes) in self.levels.iter().enumerate() {
            let position = index >> level;
            if let Some(sibling) = hashes.get(position ^ 1) {
                sides |= (position as u32 & 1) << proof.len();
                proof.push(*sibling);
            }
        }
        (proof, sides)
    }

    fn prove(&self, fraud: &Fraud<'_>, earlier: Option<(Hash, u32)>) -> Result<(), FraudError> {
        let Self { receipts, sequence, .. } = *self;
        let batch = Batch { sequence, root: self.root(), receipts, entries: &self.entries };
        fraud.prove::<Software>(&subject(), &batch, earlier)
    }

    fn misplaced(&self, index: usize) -> Result<(), FraudError> {
        self.prove(&Fraud::Misplaced(self.opening(index, &self.path(index).0)), None)
    }

    fn duplicate(&self, first: usize, second: usize) -> Result<(), FraudError> {
        let paths = [first, second].map(|index| self.path(index).0);
        let [first, second] = [self.opening(first, &paths[0]), self.opening(second, &paths[1])];
        self.prove(&Fraud::DuplicateInBatch(first, second), None)
    }

    /// That leaf `second` repeats leaf `first` of `earlier`.
    fn repeats(&self, second: usize, earlier: &Self, first: usize) -> Result<(), FraudError> {
        let paths = [earlier.path(first).0, self.path(second).0];
        let fraud = Fraud::DuplicateAcrossBatches {
            earlier: earlier.sequence,
            first: earlier.opening(first, &paths[0]),
            second: self.opening(second, &paths[1]),
        };
        self.prove(&fraud, Some((earlier.root(), earlier.receipts)))
    }

    fn miscounted(&self, index: usize, sides: u32) -> Result<(), FraudError> {
        let proof = self.path(index).0;
        self.prove(&Fraud::CountMismatch(Opening { index: sides, ..self.opening(index, &proof) }), None)
    }

    fn opening<'a>(&'a self, index: usize, proof: &'a [Hash]) -> Opening<'a> {
        Opening { index: index as u32, leaf: &self.leaves[index], proof }
    }
}

/// An honest batch of so many receipts of up to `slots` slots: sorted, and no request twice in a slot.
fn honest(count: usize, slots: u16, first: u32) -> Vec<Receipt> {
    let scattered = |number: u32| number.wrapping_mul(2_654_435_761) ^ first;
    let one = |number: u32| {
        let (slot, outcome) = (scattered(number) % u32::from(slots), scattered(number) / 7 % OUTCOMES as u32);
        receipt(slot as u16, outcome as u8, scattered(number))
    };
    let mut receipts: Vec<_> = (0..count as u32).map(one).collect();
    receipts.sort_by_key(|receipt| receipt.attempt.key());
    receipts
}

#[test]
fn no_leaf_and_no_pair_of_leaves_convicts_a_small_honest_batch() {
    for count in 1..=24usize {
        for slots in [1, 3, 50] {
            let receipts = honest(count * 2, slots, 1);
            let split = |odd: usize| receipts.iter().skip(odd).step_by(2).copied().collect::<Vec<_>>();
            let (own, other) = (Published::of(&split(0), 5), Published::of(&split(1), 4));
            for first in 0..count {
                assert_eq!(own.misplaced(first), Err(FraudError::NoFraud));
                for second in 0..count {
                    assert_eq!(own.duplicate(first, second), Err(FraudError::NoFraud), "{count}: {first} {second}");
                    assert_eq!(own.repeats(first, &own, second), Err(FraudError::NoFraud), "{count}: {first} {second}");
                    assert_eq!(own.repeats(first, &other, second), Err(FraudError::NoFraud));
                }
            }
        }
    }
}

#[test]
fn no_leaf_convicts_an_honest_batch_of_any_size() {
    for count in 1..=300usize {
        let own = Published::of(&honest(count, 1 + count as u16 % 40, 1), 0);
        for index in 0..count {
            assert_eq!(own.misplaced(index), Err(FraudError::NoFraud), "{count}: {index}");
            assert_eq!(own.miscounted(index, own.path(index).1), Err(FraudError::NoFraud), "{count}: {index}");
            for other in [index + 1, index * 7 + 3].map(|other| other % count) {
                assert_eq!(own.duplicate(index, other), Err(FraudError::NoFraud));
                assert_eq!(own.duplicate(other, index), Err(FraudError::NoFraud));
                assert_eq!(own.repeats(index, &own, other), Err(FraudError::NoFraud));
            }
        }
    }
}

#[test]
fn no_path_of_a_tree_of_another_size_convicts_an_honest_batch() {
    let leaves = |count: usize| vec![vec![]; count];
    let paths: Vec<Vec<u32>> = (1..=40usize)
        .map(|count| {
            let tree = Published::new(leaves(count), vec![], 0);
            (0..count).map(|index| tree.path(index).1).collect()
        })
        .collect();
    for count in 1..=40usize {
        let own = Published::of(&honest(count, 4, 1), 0);
        for index in 0..count {
            let (proof, sides) = own.path(index);
            let mask = (1u32 << proof.len()) - 1;
            for foreign in paths.iter().flatten() {
                let same = foreign & mask == sides;
                let expected = if same { FraudError::NoFraud } else { FraudError::NotInBatch };
                assert_eq!(own.miscounted(index, *foreign), Err(expected), "{count}: {index} {foreign:b}");
            }
        }
    }
}

#[test]
fn a_tree_of_any_other_size_than_counted_is_convicted_by_each_path_that_size_has_not() {
    for leaves in 1..=48usize {
        let mut own = Published::of(&honest(leaves, 4, 1), 0);
        for counted in 1..=64u32 {
            own.receipts = counted;
            let other = Published::new(vec![vec![]; counted as usize], vec![], 0);
            let paths = |tree: &Published| -> BTreeSet<(usize, u32)> {
                let path = |index| tree.path(index);
                (0..tree.leaves.len()).map(path).map(|(proof, sides)| (proof.len(), sides)).collect()
            };
            let allowed = paths(&other);
            let mut convictions = 0;
            for index in 0..leaves {
                let (proof, sides) = own.path(index);
                let allowed = allowed.contains(&(proof.len(), sides));
                let expected = if allowed { Err(FraudError::NoFraud) } else { Ok(()) };
                assert_eq!(own.miscounted(index, sides), expected, "{leaves} {counted} {index}");
                convictions += usize::from(!allowed);
            }
            assert_eq!(convictions > 0, counted as usize != leaves, "{leaves} {counted}");
        }
    }
}

#[test]
fn a_leaf_that_is_no_receipt_of_its_bucket_workload_and_epoch_is_convicted_alone() {
    let receipts = honest(23, 3, 1);
    let changes: [fn(&mut Receipt); 6] = [
        |receipt| receipt.attempt.workload[31] ^= 1,
        |receipt| receipt.attempt.epoch += 1,
        |receipt| receipt.attempt.slot ^= 1,
        |receipt| receipt.attempt.slot += 256,
        |receipt| receipt.attempt.outcome = (receipt.attempt.outcome + 1) % 7,
        |receipt| receipt.attempt.outcome = 7,
    ];
    let bytes = |receipt: &Receipt| borsh::to_vec(receipt).unwrap();
    for index in 0..receipts.len() {
        let mut leaves: Vec<Vec<u8>> = receipts.iter().map(bytes).collect();
        let mut bad: Vec<Vec<u8>> = changes
            .iter()
            .map(|change| {
                let mut changed = receipts[index];
                change(&mut changed);
                bytes(&changed)
            })
            .collect();
        bad.extend([vec![], leaves[index][1..].to_vec(), [leaves[index].clone(), vec![0]].concat()]);
        for leaf in bad {
            leaves[index] = leaf;
            let own = Published::new(leaves.clone(), entries(&receipts), 0);
            for other in 0..receipts.len() {
                let expected = if other == index { Ok(()) } else { Err(FraudError::NoFraud) };
                assert_eq!(own.misplaced(other), expected, "{index} {other}");
            }
        }
    }
}

#[test]
fn requests_out_of_order_or_twice_in_a_bucket_are_convicted_where_they_meet() {
    for (second, expected) in [(10, Ok(())), (9, Ok(())), (11, Err(FraudError::NoFraud))] {
        let own = Published::of(&[receipt(0, 0, 10), receipt(0, 0, second), receipt(0, 1, 1), receipt(1, 1, 0)], 0);
        assert_eq!(own.duplicate(0, 1), expected, "{second}");
        assert_eq!(own.duplicate(1, 2), Err(FraudError::NoFraud), "another outcome");
        assert_eq!(own.duplicate(2, 3), Err(FraudError::NoFraud), "another slot");
        assert_eq!(own.duplicate(1, 0), Err(FraudError::NoFraud), "not one after the other");
    }
    let own = Published::of(&[receipt(0, 0, 3), receipt(0, 0, 4), receipt(0, 0, 3)], 0);
    assert_eq!(own.duplicate(0, 2), Err(FraudError::NoFraud), "not adjacent");
    assert_eq!(own.duplicate(1, 2), Ok(()));
    let mut leaves = own.leaves.clone();
    leaves[1].pop();
    let cut = Published::new(leaves, own.entries, 0);
    assert_eq!(cut.duplicate(1, 2), Err(FraudError::NoFraud), "no receipt has no place");
}

#[test]
fn one_request_twice_in_an_epoch_is_convicted_in_its_batch_and_across() {
    let own = Published::of(&[receipt(0, 0, 10), receipt(0, 1, 10), receipt(1, 0, 10)], 4);
    assert_eq!(own.repeats(1, &own, 0), Ok(()), "with two outcomes in one batch");
    assert_eq!(own.repeats(0, &own, 1), Ok(()));
    assert_eq!(own.repeats(0, &own, 0), Err(FraudError::NoFraud), "a leaf is no repetition of itself");
    assert_eq!(own.repeats(0, &own, 2), Err(FraudError::NoFraud), "each slot may be asked");
    let earlier = Published::of(&[receipt(0, 0, 10), receipt(0, 0, 11), receipt(2, 0, 10)], 3);
    assert_eq!(own.repeats(0, &earlier, 0), Ok(()), "the same place in two batches");
    assert_eq!(own.repeats(1, &earlier, 0), Ok(()));
    assert_eq!(own.repeats(0, &earlier, 1), Err(FraudError::NoFraud), "another request");
    assert_eq!(own.repeats(0, &earlier, 2), Err(FraudError::NoFraud), "another slot");
}

#[test]
fn openings_that_do_not_lead_to_the_root_prove_nothing() {
    let own = Published::of(&[receipt(0, 0, 10), receipt(0, 0, 10), receipt(0, 0, 10)], 4);
    let proofs = [0, 1].map(|index| own.path(index).0);
    let [good, next] = [own.opening(0, &proofs[0]), own.opening(1, &proofs[1])];
    assert_eq!(own.prove(&Fraud::DuplicateInBatch(good, next), None), Ok(()));
    let across = |first, second| Fraud::DuplicateAcrossBatches { earlier: 4, first, second };
    let at = Some((own.root(), 3));
    assert_eq!(own.prove(&across(good, next), at), Ok(()));
    assert_eq!(own.prove(&across(good, next), None), Err(FraudError::NotInBatch), "no such earlier batch");
    assert_eq!(own.prove(&across(good, next), Some((own.root(), 9))), Err(FraudError::NotInBatch));
    let other = vec![0; RECEIPT_BYTES];
    let bad =
        [Opening { leaf: &other, ..good }, Opening { proof: &proofs[0][1..], ..good }, Opening { index: 3, ..good }];
    for bad in bad {
        let evidence = [
            Fraud::Misplaced(bad),
            Fraud::DuplicateInBatch(bad, next),
            Fraud::DuplicateInBatch(good, bad),
            across(bad, next),
            across(good, bad),
            Fraud::CountMismatch(bad),
        ];
        for evidence in evidence {
            assert_eq!(own.prove(&evidence, at), Err(FraudError::NotInBatch), "{evidence:?}");
        }
    }
    let long = [[0; 32]; 33];
    assert_eq!(own.prove(&Fraud::CountMismatch(Opening { proof: &long, ..good }), at), Err(FraudError::NotInBatch));
}

#[test]
fn counts_map_every_index_to_its_bucket_and_none_beyond() {
    let receipts = honest(200, 9, 5);
    let counted = entries(&receipts);
    for (index, receipt) in receipts.iter().enumerate() {
        let expected = (receipt.attempt.slot, receipt.attempt.outcome);
        assert_eq!(bucket_of(&counted, index as u32), Some(expected), "{index}");
    }
    for beyond in [200, 201, u32::MAX] {
        assert_eq!(bucket_of(&counted, beyond), None);
    }
    assert_eq!(bucket_of(&[], 0), None);
    let full = Entry { slot: 8, reserved: 0, counts: [u32::MAX; OUTCOMES] };
    assert_eq!(bucket_of(&[full], u32::MAX), Some((8, 1)), "sums do not wrap");
}

#[test]
fn attempts_are_signed_under_their_tag_and_have_outcomes_that_there_are() {
    let attempt = receipt(4, 2, 1).attempt;
    let tag = Tag::new::<Software>(&[1; 32], &[2; 32], Purpose::Receipt, EPOCH);
    let signed = Software::hash(&[tag.as_bytes(), &borsh::to_vec(&attempt).unwrap()]);
    assert_eq!(attempt.message::<Software>(&tag).unwrap(), signed);
    for outcome in 0..=u8::MAX {
        let read = Attempt { outcome, ..attempt }.outcome().map(|outcome| outcome as u8);
        assert_eq!(read, (outcome < 7).then_some(outcome));
    }
}

#[test]
fn reasons_have_words() {
    assert_eq!(FraudError::NotInBatch.to_string(), "a path does not lead from its leaf to the batch's root");
    assert_eq!(FraudError::NoFraud.to_string(), "what the evidence shows is as it should be");
}

proptest! {
    #[test]
    fn whatever_else_the_counts_say_some_leaf_is_misplaced(
        count in 1usize..120, slots in 1u16..20, from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
    ) {
        let receipts = honest(count, slots, 1);
        let mut counted = entries(&receipts);
        let places: Vec<_> =
            (0..counted.len() * OUTCOMES).map(|place| (place / OUTCOMES, place % OUTCOMES)).collect();
        let full: Vec<_> = places.iter().filter(|(slot, outcome)| counted[*slot].counts[*outcome] > 0).collect();
        let (from, to) = (**from.get(&full), *to.get(&places));
        counted[from.0].counts[from.1] -= 1;
        counted[to.0].counts[to.1] += 1;
        let leaves = receipts.iter().map(|receipt| borsh::to_vec(receipt).unwrap()).collect();
        let own = Published::new(leaves, counted, 0);
        let convicting = (0..count).filter(|index| own.misplaced(*index).is_ok()).count();
        prop_assert_eq!(convicting > 0, from != to);
    }

    #[test]
    fn of_a_batch_in_any_order_some_leaf_or_pair_convicts(
        count in 2usize..60, slots in 1u16..6, shuffle in prop::collection::vec(any::<u32>(), 60),
    ) {
        let honest = honest(count, slots, 1);
        let mut order: Vec<_> = (0..count).collect();
        order.sort_by_key(|index| shuffle[*index]);
        let receipts: Vec<_> = order.iter().map(|index| honest[*index]).collect();
        let leaves = receipts.iter().map(|receipt| borsh::to_vec(receipt).unwrap()).collect();
        let own = Published::new(leaves, entries(&honest), 0);
        let misplaced = (0..count).any(|index| own.misplaced(index).is_ok());
        let unordered = (1..count).any(|index| own.duplicate(index - 1, index).is_ok());
        prop_assert_eq!(misplaced || unordered, !order.is_sorted());
    }
}
