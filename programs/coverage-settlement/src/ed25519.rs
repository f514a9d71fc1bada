//! Reading an Ed25519 precompile instruction of the same transaction.
//!
//! The precompile checks signatures over bytes that may lie in *any* instruction; what was signed is only known if every
//! index says "this instruction" and every offset lies within its data. That, and nothing else, is accepted here.

use crate::constants::MAX_SIGNATURES;
use crate::errors::CoverageError;
use anchor_lang::prelude::*;

/// The Ed25519 signature verification program.
const ED25519_PROGRAM: Address = anchor_lang::address!("Ed25519SigVerify111111111111111111111111111");

/// Header: the number of signatures and a padding byte.
const HEADER: usize = 2;
/// Seven 16-bit numbers for each signature.
const OFFSETS: usize = 14;
/// An instruction index that means "the instruction these offsets are in".
const THIS_INSTRUCTION: u16 = u16::MAX;

/// Whether `program` is the precompile.
pub fn is_precompile(program: &Address) -> bool {
    anchor_lang::address_eq(program, &ED25519_PROGRAM)
}

/// Calls `signer` with the key of every signature in `data`, after checking that it signed exactly `message`.
pub fn for_each_signer(data: &[u8], message: &[u8; 32], mut signer: impl FnMut(&Address) -> Result<()>) -> Result<()> {
    let count = *data.first().ok_or(CoverageError::InvalidSignatureCount)?;
    let valid = (1..=MAX_SIGNATURES).contains(&count);
    require!(valid, CoverageError::InvalidSignatureCount);
    for number in 0..usize::from(count) {
        let start = number.saturating_mul(OFFSETS).saturating_add(HEADER);
        let record = slice(data, start, OFFSETS).ok_or(CoverageError::InvalidSignatureCount)?;
        let [signature, signature_ix, key, key_ix, text, length, text_ix] = offsets(record);
        let indices = [signature_ix, key_ix, text_ix];
        let own = indices.iter().all(|index| *index == THIS_INSTRUCTION);
        require!(own, CoverageError::InvalidSignatureOffsets);
        slice(data, usize::from(signature), 64).ok_or(CoverageError::InvalidSignatureOffsets)?;
        let key = slice(data, usize::from(key), 32).ok_or(CoverageError::InvalidSignatureOffsets)?;
        let key = Address::try_from(key).map_err(|_| CoverageError::InvalidSignatureOffsets)?;
        let signed =
            slice(data, usize::from(text), usize::from(length)).ok_or(CoverageError::InvalidSignatureOffsets)?;
        require!(signed == message, CoverageError::WrongMessage);
        signer(&key)?;
    }
    Ok(())
}

/// Seven little-endian 16-bit numbers.
fn offsets(record: &[u8]) -> [u16; 7] {
    let mut numbers = [0; 7];
    for (number, bytes) in numbers.iter_mut().zip(record.as_chunks().0) {
        *number = u16::from_le_bytes(*bytes);
    }
    numbers
}

fn slice(data: &[u8], start: usize, length: usize) -> Option<&[u8]> {
    data.get(start..start.checked_add(length)?)
}
