//! Evidence and receipts are read as Borsh writes them.

use borsh::BorshSerialize;
use coverage_math::fraud::{Fraud, Opening};
use coverage_math::hash::Hash;
use coverage_math::receipt::{Attempt, Place, RECEIPT_BYTES, Receipt};
use proptest::prelude::*;

/// The documented layout of evidence: what a client that knows Borsh only would write.
#[derive(Clone, Debug, BorshSerialize)]
struct Written {
    index: u32,
    leaf: Vec<u8>,
    proof: Vec<Hash>,
}

#[derive(Clone, Debug, BorshSerialize)]
enum Evidence {
    Misplaced(Written),
    DuplicateInBatch(Written, Written),
    DuplicateAcrossBatches { earlier: u32, first: Written, second: Written },
    CountMismatch(Written),
}

impl Written {
    fn as_read(&self) -> Opening<'_> {
        Opening { index: self.index, leaf: &self.leaf, proof: &self.proof }
    }
}

impl Evidence {
    fn as_read(&self) -> Fraud<'_> {
        match self {
            Self::Misplaced(only) => Fraud::Misplaced(only.as_read()),
            Self::DuplicateInBatch(first, second) => Fraud::DuplicateInBatch(first.as_read(), second.as_read()),
            Self::DuplicateAcrossBatches { earlier, first, second } => {
                let (first, second) = (first.as_read(), second.as_read());
                Fraud::DuplicateAcrossBatches { earlier: *earlier, first, second }
            }
            Self::CountMismatch(only) => Fraud::CountMismatch(only.as_read()),
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    let parts = (any::<u32>(), prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<Hash>(), 0..4));
    parts.prop_map(|(index, leaf, proof)| Written { index, leaf, proof })
}

fn evidence() -> impl Strategy<Value = Evidence> {
    let across = (any::<u32>(), written(), written());
    prop_oneof![
        written().prop_map(Evidence::Misplaced),
        (written(), written()).prop_map(|(first, second)| Evidence::DuplicateInBatch(first, second)),
        across.prop_map(|(earlier, first, second)| Evidence::DuplicateAcrossBatches { earlier, first, second }),
        written().prop_map(Evidence::CountMismatch),
    ]
}

#[test]
fn lengths_beyond_the_evidence_are_refused() {
    let [leaf_at, proof_at] = [5, 9]; // behind kind, index and the length of an empty leaf
    for kind in 0..=255u8 {
        let mut bytes = vec![0; 13];
        bytes[0] = kind;
        let complete = kind == 0 || kind == 3; // the other kinds have two openings
        assert_eq!(Fraud::read(&bytes).is_some(), complete, "{kind}");
        for (at, length) in
            [(leaf_at, 5), (leaf_at, u32::MAX), (proof_at, 1), (proof_at, 1 << 27), (proof_at, u32::MAX)]
        {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
            assert_eq!(Fraud::read(&bytes), None, "{kind} {at} {length}");
        }
    }
}

proptest! {
    #[test]
    fn evidence_is_read_as_borsh_writes_it_and_nothing_else_is(
        evidence in evidence(), padding in 0usize..32, junk in 1u8.., at in any::<prop::sample::Index>(), kind in 4u8..,
    ) {
        let mut bytes = borsh::to_vec(&evidence).unwrap();
        let length = bytes.len();
        for cut in 0..length {
            prop_assert_eq!(Fraud::read(&bytes[..cut]), None, "cut to {} of {}", cut, length);
        }
        prop_assert_eq!(Fraud::read(&bytes), Some(evidence.as_read()));
        bytes.resize(length + padding, 0);
        prop_assert_eq!(Fraud::read(&bytes), Some(evidence.as_read()));
        let other = [&[kind], &bytes[1..]].concat();
        prop_assert_eq!(Fraud::read(&other), None);
        if padding > 0 {
            let mut bytes = bytes.clone();
            bytes[length + at.index(padding)] = junk;
            prop_assert_eq!(Fraud::read(&bytes), None);
        }
        bytes.resize(length + 31, 0);
        prop_assert_eq!(Fraud::read(&bytes), Some(evidence.as_read()));
        bytes.resize(length + 32, 0);
        prop_assert_eq!(Fraud::read(&bytes), None, "a whole record of padding");
    }

    #[test]
    fn places_are_what_borsh_reads_of_receipts_and_of_nothing_else(
        bytes in prop::collection::vec(any::<u8>(), RECEIPT_BYTES), more in 1usize..300,
    ) {
        let Attempt { request_id, workload, epoch, slot, outcome, .. } =
            borsh::from_slice::<Receipt>(&bytes).unwrap().attempt;
        prop_assert_eq!(Place::read(&bytes), Some(Place { request_id, workload, epoch, slot, outcome }));
        for cut in 0..RECEIPT_BYTES {
            prop_assert_eq!(Place::read(&bytes[..cut]), None);
        }
        let longer = [bytes, vec![0; more]].concat();
        prop_assert_eq!(Place::read(&longer), None);
    }
}
