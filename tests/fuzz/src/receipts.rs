//! Receipts and capability leaves: Borsh that anybody may have written.

use borsh::BorshDeserialize;
use coverage_math::hash::{Purpose, Software, Tag};
use coverage_math::merkle;
use coverage_math::receipt::{ATTEMPT_BYTES, Attempt, CAPABILITY_BYTES, Capability, Place, RECEIPT_BYTES, Receipt};

/// A fixed-size type is read from exactly its length, and written back as the same bytes.
fn round_trip<T: BorshDeserialize + borsh::BorshSerialize>(data: &[u8], length: usize) -> Option<T> {
    let value = borsh::from_slice::<T>(data).ok();
    assert_eq!(value.is_some(), data.len() == length);
    let value = value?;
    assert_eq!(borsh::to_vec(&value).ok().as_deref(), Some(data));
    Some(value)
}

/// Every string of bytes of the right length, and no other, is a receipt, an attempt, a capability leaf; all their readers
/// and writers agree on it.
pub fn check(data: &[u8]) {
    let tag = Tag::new::<Software>(&[1; 32], &[2; 32], Purpose::Receipts, 3);
    for data in [data, &data[..data.len().min(RECEIPT_BYTES)], &data[..data.len().min(CAPABILITY_BYTES)]] {
        let receipt = round_trip::<Receipt>(data, RECEIPT_BYTES);
        let place = receipt.map(|receipt| {
            let Attempt { request_id, workload, epoch, slot, outcome, .. } = receipt.attempt;
            assert_eq!(receipt.attempt.key(), (slot, outcome, request_id));
            assert_eq!(receipt.attempt.outcome().map(|outcome| outcome as u8), (outcome < 7).then_some(outcome));
            assert_eq!(receipt.leaf::<Software>(&tag).ok(), Some(merkle::leaf::<Software>(&tag, data)));
            assert_eq!(coverage_client::evidence::payload(&receipt), data);
            Place { request_id, workload, epoch, slot, outcome }
        });
        assert_eq!(Place::read(data), place);
        if let Some(leaf) = round_trip::<Capability>(data, CAPABILITY_BYTES) {
            assert_eq!(leaf.leaf::<Software>(&tag).ok(), Some(merkle::leaf::<Software>(&tag, data)));
        }
    }
    let attempt = &data[..data.len().min(ATTEMPT_BYTES)];
    if let Some(read) = round_trip::<Attempt>(attempt, ATTEMPT_BYTES) {
        assert_eq!(read.encode().ok().as_ref().map(<[u8; ATTEMPT_BYTES]>::as_slice), Some(attempt));
    }
}

/// Bytes of each length that means something, and one more and less.
pub fn seeds() -> Vec<Vec<u8>> {
    let around = |length: usize| [length - 1, length, length + 1];
    let lengths = [ATTEMPT_BYTES, RECEIPT_BYTES, CAPABILITY_BYTES].into_iter().flat_map(around);
    lengths.map(|length| (0..length).map(|at| (at % 251) as u8).collect()).collect()
}
