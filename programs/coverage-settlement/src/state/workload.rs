use anchor_lang::prelude::*;

/// Seed of a workload, with the network and its id (u64, little-endian).
pub const WORKLOAD_SEED: &[u8] = b"workload";

/// [`Workload::status`] of a workload that takes part.
pub const WORKLOAD_ACTIVE: u8 = 0;
/// [`Workload::status`] of a workload without weight from [`Workload::weight_epoch`] on, for good.
pub const WORKLOAD_RETIRED: u8 = 1;

/// [`Requirements::region`] of a workload that may be served from anywhere.
pub const ANY_REGION: u16 = 0;

/// What a class of requests needs, as `register_workload` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SchemaRead, SchemaWrite, IdlType)]
pub struct Requirements {
    /// SHA-256 of the model.
    pub model: [u8; 32],
    /// SHA-256 of the public description of the class.
    pub descriptor_hash: [u8; 32],
    /// Smallest capacity worth enrolling, in thousandths of the class's unit a second.
    pub min_capacity_milli: u64,
    /// Latency objective in milliseconds.
    pub latency_ms: u32,
    /// Size class of requests, as the network numbers them.
    pub size_class: u16,
    /// Hardware class, as the network numbers them.
    pub hardware_class: u16,
    /// Region, as the network numbers them; [`ANY_REGION`] for anywhere.
    pub region: u16,
    /// Verification mode, as the network numbers them.
    pub verification_mode: u8,
}

/// A class of requests that is paid for being covered.
#[account]
pub struct Workload {
    /// Always [`crate::constants::VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// [`WORKLOAD_ACTIVE`] or [`WORKLOAD_RETIRED`].
    pub status: u8,
    /// See [`Requirements`].
    pub verification_mode: u8,
    /// See [`Requirements`].
    pub hardware_class: u16,
    /// See [`Requirements`].
    pub region: u16,
    /// The network.
    pub network: Address,
    /// Who paid the rent of cell and log and gets it back.
    pub payer: Address,
    /// Its number in the network; its seed.
    pub id: u64,
    /// SHA-256 of the model.
    pub model: [u8; 32],
    /// SHA-256 of the public description of the class.
    pub descriptor_hash: [u8; 32],
    /// See [`Requirements`].
    pub min_capacity_milli: u64,
    /// Latency objective in milliseconds.
    pub latency_ms: u32,
    /// See [`Requirements`].
    pub size_class: u16,
    /// Zero.
    pub padding: [u8; 2],
    /// Weight from [`Self::weight_epoch`] on.
    pub weight: u64,
    /// Weight before that.
    pub previous_weight: u64,
    /// The first epoch of [`Self::weight`].
    pub weight_epoch: u64,
    /// The first epoch the workload is paid for.
    pub first_epoch: u64,
    /// Zero.
    pub reserved: [u8; 32],
}

const _: () = assert!(size_of::<Workload>() == 8 + 2 * 32 + 8 + 2 * 32 + 8 + 8 + 4 * 8 + 32);

impl Workload {
    /// Whether it is retired and paid for no more from `epoch` on.
    pub fn is_over(&self, epoch: u64) -> bool {
        self.status == WORKLOAD_RETIRED && epoch >= self.weight_epoch
    }

    /// Weight in an epoch.
    pub fn weight_in(&self, epoch: u64) -> u64 {
        if epoch >= self.weight_epoch { self.weight } else { self.previous_weight }
    }
}
