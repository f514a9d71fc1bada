use super::Config;
use anchor_lang::prelude::*;

/// Seed of an epoch, with the network and its index (u64, little-endian).
pub const EPOCH_SEED: &[u8] = b"epoch";

/// One epoch of a network, with the configuration that settles it.
#[account]
pub struct Epoch {
    /// Always [`crate::constants::VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// Zero.
    pub padding: [u8; 6],
    /// The network.
    pub network: Address,
    /// Who paid the rent and gets it back.
    pub payer: Address,
    /// Its number.
    pub index: u64,
    /// First second.
    pub start_ts: i64,
    /// First second after it.
    pub end_ts: i64,
    /// Token units for one unit of weight.
    pub unit: u64,
    /// Weight of all workloads in this epoch; `unit` times this left the treasury.
    pub total_weight: u64,
    /// The committee's generation when it opened.
    pub committee_generation: u64,
    /// Version of the configuration below.
    pub config_version: u64,
    /// Cells that were paid for in it and have not told that they are done with it.
    pub cells_left: u64,
    /// What settles the epoch.
    pub config: Config,
    /// Randomness that nobody knew before the epoch opened: what schedules of probes are drawn from.
    pub seed: [u8; 32],
}

const _: () = assert!(size_of::<Epoch>() == 8 + 2 * 32 + 8 * 8 + size_of::<Config>() + 32);
