//! Keys and values of the store. Numbers are big-endian, so that keys sort as the numbers do.

use super::{AppliedBatch, StoreError};
use coverage_math::hash::Hash;
use coverage_math::receipt::{Attempt, Receipt};
use roaring::RoaringTreemap;
use solana_program::pubkey::Pubkey;

/// Bytes of what names a cell's epoch.
const SCOPE_BYTES: usize = 32 + 8;

/// A cell's epoch by its workload and number.
pub(super) type Scope = [u8; SCOPE_BYTES];

/// A cell's epoch by the number the store has for it: short, as it stands before every receipt.
pub(super) type ScopeId = [u8; 4];

/// A receipt's identity in a cell's epoch: slot and request id.
pub(super) type Identity = [u8; 2 + 32];

/// Bytes of a receipt's value: all but its workload and epoch, and when it came.
const VALUE_BYTES: usize = 2 + 32 + 1 + 4 + 8 + 32 + 32 + 64 + 8;

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

pub(super) fn scope_of(receipt: &Receipt) -> Scope {
    join(&[&receipt.attempt.workload, &receipt.attempt.epoch.to_be_bytes()])
}

/// The scope in a key.
pub(super) fn scope_key(key: &[u8]) -> Result<Scope, StoreError> {
    Fields(key).take()
}

/// The workload and the epoch of a scope.
pub(super) fn scoped(scope: &[u8]) -> Result<(Pubkey, u64), StoreError> {
    let mut fields = Fields(scope);
    Ok((Pubkey::new_from_array(fields.take()?), fields.number()?))
}

pub(super) fn identity(slot: u16, request_id: &[u8; 32]) -> Identity {
    join(&[&slot.to_be_bytes(), request_id])
}

pub(super) fn identity_of(receipt: &Receipt) -> Identity {
    identity(receipt.attempt.slot, &receipt.attempt.request_id)
}

pub(super) fn identity_key(id: ScopeId, identity: &Identity) -> [u8; 4 + 34] {
    join(&[&id, identity])
}

/// What stands at an identity: the number of its receipt, and that receipt's hash.
pub(super) fn place_value(number: u64, hash: &Hash) -> [u8; 8 + 32] {
    join(&[&number.to_be_bytes(), hash])
}

pub(super) fn place(value: &[u8]) -> Result<(u64, Hash), StoreError> {
    let mut fields = Fields(value);
    Ok((fields.number()?, fields.take()?))
}

pub(super) fn receipt_key(id: ScopeId, number: u64) -> [u8; 4 + 8] {
    join(&[&id, &number.to_be_bytes()])
}

/// The number of the receipt at a key.
pub(super) fn number(key: &[u8]) -> Result<u64, StoreError> {
    Fields(key.get(4..).unwrap_or_default()).number()
}

pub(super) fn receipt_value(receipt: &Receipt, since_ms: u64) -> [u8; VALUE_BYTES] {
    let attempt = &receipt.attempt;
    join(&[
        &since_ms.to_be_bytes(),
        &attempt.slot.to_be_bytes(),
        &attempt.request_id,
        &[attempt.outcome],
        &attempt.latency_ms.to_be_bytes(),
        &attempt.observed_at.to_be_bytes(),
        &attempt.evidence,
        &attempt.reporter,
        &receipt.signature,
    ])
}

/// When a stored receipt came, in unix milliseconds.
pub(super) fn since_ms(value: &[u8]) -> Result<u64, StoreError> {
    Fields(value).number()
}

/// A stored receipt.
pub(super) fn receipt(workload: &Pubkey, epoch: u64, value: &[u8]) -> Result<Receipt, StoreError> {
    let mut fields = Fields(value);
    let _since_ms = fields.number()?;
    let slot = u16::from_be_bytes(fields.take()?);
    let request_id = fields.take()?;
    let [outcome] = fields.take()?;
    let attempt = Attempt {
        request_id,
        workload: workload.to_bytes(),
        epoch,
        slot,
        outcome,
        latency_ms: u32::from_be_bytes(fields.take()?),
        observed_at: i64::from_be_bytes(fields.take()?),
        evidence: fields.take()?,
        reporter: fields.take()?,
    };
    Ok(Receipt { attempt, signature: fields.take()? })
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

pub(super) fn scope_id(value: &[u8]) -> Result<ScopeId, StoreError> {
    Fields(value).take()
}

pub(super) fn batch_key(scope: &Scope, sequence: u64) -> [u8; SCOPE_BYTES + 8] {
    join(&[scope, &sequence.to_be_bytes()])
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

/// The sequence number in a batch's key.
pub(super) fn sequence(key: &[u8]) -> Result<u64, StoreError> {
    Fields(key.get(SCOPE_BYTES..).unwrap_or_default()).number()
}

/// The numbers of a batch's receipts, in the portable format of Roaring bitmaps.
pub(super) fn members_value(members: &RoaringTreemap) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(members.serialized_size());
    members.serialize_into(&mut bytes).map_err(|_| StoreError::Damaged("a batch cannot be written"))?;
    Ok(bytes)
}

pub(super) fn members(value: &[u8]) -> Result<RoaringTreemap, StoreError> {
    RoaringTreemap::deserialize_from(value).map_err(|_| StoreError::Damaged("a batch's receipts do not decode"))
}
