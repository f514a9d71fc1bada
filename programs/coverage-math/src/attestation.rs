//! What attesters sign.
//!
//! The message is a digest under a tag of program, network, purpose and epoch. It binds what the attestation is about
//! (workload or operator), its sequence number there, the committee's generation and the payload, so a signature counts for
//! one thing, once, and only for the committee that made it.

use crate::hash::{Hash, Sha256, Tag};
use crate::reliability::OUTCOMES;
use bytemuck::{Pod, Zeroable};

/// The counts of one slot in a batch: 32 bytes in the account, in this order, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Entry {
    /// The slot.
    pub slot: u16,
    /// Zero.
    pub reserved: u16,
    /// Outcomes to add.
    pub counts: [u32; OUTCOMES],
}

const _: () = assert!(size_of::<Entry>() == 32);

impl Entry {
    /// All counts of the entry: how many receipts it stands for.
    #[must_use]
    pub fn receipts(&self) -> u64 {
        // Seven 32-bit numbers fit 64 bits.
        self.counts.iter().fold(0, |sum, count| sum.wrapping_add(u64::from(*count)))
    }
}

/// What an attestation says, whatever its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The workload account of outcomes, the operator account of a failure domain.
    pub subject: [u8; 32],
    /// Number of the batch in its epoch, or the operator's domain version.
    pub sequence: u64,
    /// The committee's generation.
    pub generation: u64,
    /// Root of the receipts' tree; zero for a failure domain.
    pub receipts_root: Hash,
    /// How many receipts; the failure domain itself for a failure domain.
    pub value: u32,
    /// SHA-256 of the entries' bytes; zero for a failure domain.
    pub entries_hash: Hash,
}

impl Statement {
    /// The message attesters sign, under the tag of its purpose and epoch.
    #[must_use]
    pub fn digest<H: Sha256>(&self, tag: &Tag) -> Hash {
        H::hash(&[
            tag.as_bytes(),
            &self.subject,
            &self.sequence.to_le_bytes(),
            &self.generation.to_le_bytes(),
            &self.receipts_root,
            &self.value.to_le_bytes(),
            &self.entries_hash,
        ])
    }
}
