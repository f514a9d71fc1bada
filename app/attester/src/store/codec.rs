//! Keys and values of the store. Numbers in keys are big-endian, so that keys sort as the numbers do.

use super::{AppliedBatch, StoreError, Waiting};
use coverage_math::hash::Hash;
use coverage_math::receipt::{Attempt, Receipt};
use solana_program::pubkey::Pubkey;

/// Bytes of what keys of a cell's epoch start with.
const SCOPE_BYTES: usize = 32 + 8;

/// What keys of a cell's epoch start with.
pub(super) type Scope = [u8; SCOPE_BYTES];

/// Bytes of a receipt's key.
const KEY_BYTES: usize = SCOPE_BYTES + 2 + 32;

/// A receipt's key: its identity, so that no two receipts of one identity can be stored side by side.
pub(super) type Key = [u8; KEY_BYTES];

/// Bytes of what a receipt has besides its identity.
const BODY_BYTES: usize = 1 + 4 + 8 + 32 + 32 + 64;

/// Bytes of a receipt's value: what it has besides its identity, and a number.
const VALUE_BYTES: usize = BODY_BYTES + 8;

/// Copies `parts` one after the other into an array that is exactly as long.
fn join<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut rest = bytes.as_mut_slice();
    for part in parts {
        if let Some((head, tail)) = std::mem::take(&mut rest).split_at_mut_checked(part.len()) {
            head.copy_from_slice(part);
            rest = tail;
        }
    }
    bytes
}

pub(super) fn scope(workload: &Pubkey, epoch: u64) -> Scope {
    join(&[workload.as_ref(), &epoch.to_be_bytes()])
}

pub(super) fn key(scope: &Scope, slot: u16, request_id: &[u8; 32]) -> Key {
    join(&[scope, &slot.to_be_bytes(), request_id])
}

pub(super) fn key_of(receipt: &Receipt) -> Key {
    let attempt = &receipt.attempt;
    key(&scope(&Pubkey::new_from_array(attempt.workload), attempt.epoch), attempt.slot, &attempt.request_id)
}

pub(super) fn batch_key(scope: &Scope, sequence: u64) -> [u8; SCOPE_BYTES + 8] {
    join(&[scope, &sequence.to_be_bytes()])
}

/// A receipt's value. `number` is when it came (unix milliseconds) if it waits, the sequence number of its batch if applied.
pub(super) fn value(receipt: &Receipt, number: u64) -> [u8; VALUE_BYTES] {
    let attempt = &receipt.attempt;
    join(&[
        &[attempt.outcome],
        &attempt.latency_ms.to_be_bytes(),
        &attempt.observed_at.to_be_bytes(),
        &attempt.evidence,
        &attempt.reporter,
        &receipt.signature,
        &number.to_be_bytes(),
    ])
}

/// Reads fields off bytes, each of a fixed length.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(StoreError::Damaged("a record is too short"))?;
        self.0 = rest;
        Ok(*field)
    }

    fn number(&mut self) -> Result<u64, StoreError> {
        Ok(u64::from_be_bytes(self.take()?))
    }
}

/// A stored receipt and the number stored with it.
pub(super) fn receipt(key: &[u8], value: &[u8]) -> Result<(Receipt, u64), StoreError> {
    let (mut key, mut value) = (Fields(key), Fields(value));
    let workload = key.take()?;
    let epoch = key.number()?;
    let slot = u16::from_be_bytes(key.take()?);
    let request_id = key.take()?;
    let [outcome] = value.take()?;
    let attempt = Attempt {
        request_id,
        workload,
        epoch,
        slot,
        outcome,
        latency_ms: u32::from_be_bytes(value.take()?),
        observed_at: i64::from_be_bytes(value.take()?),
        evidence: value.take()?,
        reporter: value.take()?,
    };
    Ok((Receipt { attempt, signature: value.take()? }, value.number()?))
}

/// The number stored with a receipt.
pub(super) fn number(value: &[u8]) -> Result<u64, StoreError> {
    Fields(value.get(BODY_BYTES..).unwrap_or_default()).number()
}

/// How many wait, and when the oldest came.
pub(super) fn count_value(waiting: &Waiting) -> [u8; 16] {
    join(&[&waiting.receipts.to_be_bytes(), &waiting.oldest_ms.to_be_bytes()])
}

pub(super) fn waiting(key: &[u8], value: &[u8]) -> Result<Waiting, StoreError> {
    let (mut key, mut value) = (Fields(key), Fields(value));
    Ok(Waiting {
        workload: Pubkey::new_from_array(key.take()?),
        epoch: key.number()?,
        receipts: value.number()?,
        oldest_ms: value.number()?,
    })
}

pub(super) fn batch_value(batch: &AppliedBatch) -> [u8; 32 + 4] {
    join(&[&batch.receipts_root, &batch.receipts.to_be_bytes()])
}

pub(super) fn batch(key: &[u8], value: &[u8]) -> Result<AppliedBatch, StoreError> {
    let (mut key, mut value) = (Fields(key), Fields(value));
    Ok(AppliedBatch {
        workload: Pubkey::new_from_array(key.take()?),
        epoch: key.number()?,
        sequence: key.number()?,
        receipts_root: value.take::<{ size_of::<Hash>() }>()?,
        receipts: u32::from_be_bytes(value.take()?),
    })
}
