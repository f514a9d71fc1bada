use super::Checked;
use anchor_lang::accounts::Slab;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};

/// Seed of a workload's log, with the workload.
pub const LOG_SEED: &[u8] = b"log";

/// [`BatchRecord::flags`] of a batch that was proven false and does not count.
pub const BATCH_REMOVED: u32 = 1;

/// One applied batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable, IdlType)]
#[repr(C)]
pub struct BatchRecord {
    /// Root of the receipts' tree.
    pub receipts_root: [u8; 32],
    /// SHA-256 of the entries' bytes.
    pub entries_hash: [u8; 32],
    /// Places in the committee of those that signed, a bit each.
    pub endorsers: u64,
    /// The committee's generation.
    pub generation: u64,
    /// How many receipts.
    pub receipts: u32,
    /// [`BATCH_REMOVED`], or 0.
    pub flags: u32,
}

const _: () = assert!(size_of::<BatchRecord>() == 2 * 32 + 2 * 8 + 2 * 4);

/// Header of a workload's log: behind it one record for each batch applied in [`Self::epoch`].
#[account]
pub struct BatchLog {
    /// Always [`crate::constants::VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// Zero.
    pub padding: [u8; 6],
    /// The workload.
    pub workload: Address,
    /// The epoch of the records.
    pub epoch: u64,
    /// Zero.
    pub reserved: [u8; 32],
}

const _: () = assert!(size_of::<BatchLog>() == 8 + 32 + 8 + 32);

/// A log with its records.
pub type BatchLogAccount = Slab<Checked<BatchLog>, BatchRecord>;
