use super::Config;
use crate::constants::VERSION;
use crate::errors::CoverageError;
use anchor_lang::prelude::*;

/// Seed of a network, with its id (u64, little-endian).
pub const NETWORK_SEED: &[u8] = b"network";
/// Seed of a network's vault, with the network.
pub const VAULT_SEED: &[u8] = b"vault";

/// A network: who governs it, what it pays in and what it has.
#[account]
pub struct Network {
    /// Always [`VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// Of the vault.
    pub vault_bump: u8,
    /// Of the mint.
    pub decimals: u8,
    /// Paused phases, a bit each: enrol, attest, settle.
    pub paused: u8,
    /// Zero.
    pub padding: [u8; 3],
    /// Chosen by whoever created the network; its seed.
    pub id: u64,
    /// Configures the network, its committee and its workloads.
    pub authority: Address,
    /// Becomes the authority when it accepts; zero if there is none.
    pub pending_authority: Address,
    /// May pause phases for a limited time.
    pub guardian: Address,
    /// What rewards and bonds are paid in.
    pub mint: Address,
    /// The mint's token program.
    pub token_program: Address,
    /// The one token account that holds everything.
    pub vault: Address,
    /// Start of epoch 0, in unix seconds.
    pub genesis_ts: i64,
    /// In force for the epochs opened from now on.
    pub config: Config,
    /// Takes effect at [`Self::pending_ts`].
    pub pending_config: Config,
    /// When the pending configuration takes effect, in unix seconds; 0 if there is none.
    pub pending_ts: i64,
    /// Until when the paused phases are paused, in unix seconds.
    pub paused_until_ts: i64,
    /// Counts changes of the configuration.
    pub config_version: u64,
    /// Tokens of the treasury, neither reserved for an epoch nor anybody's bond.
    pub treasury_available: u64,
    /// Tokens of all operators' bonds.
    pub operator_bonds: u64,
    /// The first epoch not opened yet.
    pub next_epoch: u64,
    /// Weight of all workloads from [`Self::next_epoch`] on.
    pub total_weight: u64,
    /// Operators registered.
    pub operators: u64,
    /// Workloads registered.
    pub workloads: u64,
    /// Zero.
    pub reserved: [u8; 64],
}

const _: () = assert!(size_of::<Network>() == 8 + 8 + 6 * 32 + 8 + 2 * size_of::<Config>() + 9 * 8 + 64);

impl Network {
    /// The epoch in progress at `now`, `None` before genesis.
    pub fn epoch_at(&self, now: i64) -> Option<u64> {
        let elapsed = u64::try_from(now.checked_sub(self.genesis_ts)?).ok()?;
        elapsed.checked_div(self.config.epoch_seconds)
    }

    /// The first epoch that something done at `now` may influence (I6).
    pub fn first_free_epoch(&self, now: i64) -> u64 {
        let by_clock = self.epoch_at(now).map_or(0, |epoch| epoch.saturating_add(1));
        by_clock.max(self.next_epoch)
    }

    /// Fails unless the epoch in progress is open, so that a change made now starts with the next one (I6).
    pub fn require_current_epoch_open(&self, now: i64) -> Result<()> {
        let open = self.first_free_epoch(now) == self.next_epoch;
        require!(open, CoverageError::EpochNotOpened);
        Ok(())
    }

    /// Start of an epoch in unix seconds.
    pub fn epoch_start_ts(&self, epoch: u64) -> Result<i64> {
        let offset = epoch.checked_mul(self.config.epoch_seconds).and_then(|seconds| i64::try_from(seconds).ok());
        offset.and_then(|offset| self.genesis_ts.checked_add(offset)).ok_or(CoverageError::AmountOverflow.into())
    }

    /// What must hold after every handler that changed the account.
    pub fn invariant(&self) -> Result<()> {
        require!(self.version == VERSION, CoverageError::UnknownVersion);
        Ok(())
    }
}
