//! Decoding of accounts from their bytes.

use crate::ClientError;
use anchor_lang::Discriminator;
use bytemuck::AnyBitPattern;
use coverage_math::attestation::Entry;
use coverage_math::cell::{FREE, Slot};
use coverage_settlement::constants::VERSION;
use coverage_settlement::state::{Attestation, BatchLog, BatchRecord, Cell};
use solana_program::pubkey::Pubkey;

/// Bytes of an account's discriminator.
const DISCRIMINATOR: usize = 8;

/// The header of an account: everything but the items behind it.
///
/// # Errors
/// [`ClientError::NotA`] if the bytes are too short, or of another kind or version.
pub fn header<T: AnyBitPattern + Discriminator>(address: &Pubkey, data: &[u8]) -> Result<T, ClientError> {
    let not_a = |reason| ClientError::NotA { address: *address, expected: short_name::<T>(), reason };
    let (discriminator, rest) = data.split_at_checked(DISCRIMINATOR).ok_or(not_a("too short"))?;
    if discriminator != T::DISCRIMINATOR {
        return Err(not_a("another discriminator"));
    }
    let bytes = rest.get(..size_of::<T>()).ok_or(not_a("too short"))?;
    if bytes.first() != Some(&VERSION) {
        return Err(not_a("another version"));
    }
    Ok(bytemuck::pod_read_unaligned(bytes))
}

fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}

/// The items behind a header of type `H`.
fn items<H, T: AnyBitPattern>(data: &[u8]) -> Option<Vec<T>> {
    let length_at = DISCRIMINATOR.checked_add(size_of::<H>())?;
    let first_at = length_at.checked_add(4)?.next_multiple_of(align_of::<T>());
    let length = data.get(length_at..length_at.checked_add(4)?)?;
    let length = u32::from_le_bytes(length.try_into().ok()?);
    let bytes = usize::try_from(length).ok()?.checked_mul(size_of::<T>())?;
    let records = data.get(first_at..first_at.checked_add(bytes)?)?;
    let records = records.chunks_exact(size_of::<T>());
    Some(records.map(bytemuck::pod_read_unaligned).collect())
}

fn tail<H: AnyBitPattern + Discriminator, T: AnyBitPattern>(
    address: &Pubkey,
    data: &[u8],
) -> Result<(H, Vec<T>), ClientError> {
    let header = header::<H>(address, data)?;
    let items = items::<H, T>(data).ok_or(ClientError::NotA {
        address: *address,
        expected: short_name::<H>(),
        reason: "items cut short",
    })?;
    Ok((header, items))
}

/// A cell with its slots.
///
/// # Errors
/// [`ClientError::NotA`] as for [`header`].
pub fn cell(address: &Pubkey, data: &[u8]) -> Result<(Cell, Vec<Slot>), ClientError> {
    let (cell, mut slots) = tail::<Cell, Slot>(address, data)?;
    slots.truncate(usize::from(cell.slots)); // what follows is scratch
    Ok((cell, slots))
}

/// A log with its records.
///
/// # Errors
/// [`ClientError::NotA`] as for [`header`].
pub fn log(address: &Pubkey, data: &[u8]) -> Result<(BatchLog, Vec<BatchRecord>), ClientError> {
    tail(address, data)
}

/// An attestation with its entries.
///
/// # Errors
/// [`ClientError::NotA`] as for [`header`].
pub fn attestation(address: &Pubkey, data: &[u8]) -> Result<(Attestation, Vec<Entry>), ClientError> {
    tail(address, data)
}

/// Who paid for the first free slot of a cell, to be paid back by the next operator that enrols.
#[must_use]
pub fn free_slot(slots: &[Slot]) -> Option<Pubkey> {
    slots.iter().find(|slot| slot.state == FREE).map(|slot| Pubkey::from(slot.operator))
}
