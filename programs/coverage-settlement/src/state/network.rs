use super::Config;
use crate::errors::CoverageError;
use anchor_lang::prelude::*;

/// Seed of a network, with its id (u64, little-endian).
pub const NETWORK_SEED: &[u8] = b"network";
/// Seed of a network's vault, with the network.
pub const VAULT_SEED: &[u8] = b"vault";

/// A network: who governs it, what it pays in and what it has.
#[account]
pub struct Network {
    /// Always [`crate::constants::VERSION`].
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
    /// Settles the epochs that begin at [`Self::pending_ts`] or later.
    pub pending_config: Config,
    /// From when on the pending configuration may settle epochs, in unix seconds; 0 if there is none.
    pub pending_ts: i64,
    /// Until when the paused phases are paused, in unix seconds.
    pub paused_until_ts: i64,
    /// When the guardian may pause again, in unix seconds.
    pub pause_free_ts: i64,
    /// When the last challenge window of all epochs opened so far ends, if their cells are sealed when they may be, in unix
    /// seconds.
    pub slashable_until_ts: i64,
    /// Counts changes of the configuration.
    pub config_version: u64,
    /// Tokens of the treasury, neither reserved for an epoch nor anybody's bond.
    pub treasury_available: u64,
    /// Tokens of all operators' bonds.
    pub operator_bonds: u64,
    /// Tokens of all attesters' bonds.
    pub attester_bonds: u64,
    /// The first epoch not opened yet.
    pub next_epoch: u64,
    /// Weight of all workloads from [`Self::next_epoch`] on.
    pub total_weight: u64,
    /// Operators registered so far, those that retired since included.
    pub operators: u64,
    /// Workloads with weight from [`Self::next_epoch`] on.
    pub workloads: u64,
    /// Zero.
    pub reserved: [u8; 64],
}

const _: () = assert!(size_of::<Network>() == 8 + 8 + 6 * 32 + 8 + 2 * size_of::<Config>() + 12 * 8 + 64);

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

    /// Fails while the guardian has paused one of these phases.
    pub fn require_running(&self, phases: u8, now: i64) -> Result<()> {
        require!(self.paused & phases == 0 || now >= self.paused_until_ts, CoverageError::Paused);
        Ok(())
    }

    /// When a bond may be withdrawn that stops counting now: an epoch after the last window in which it can be slashed for
    /// anything done so far, so that a cell has that long to settle.
    pub fn withdrawable_ts(&self, now: i64) -> Result<i64> {
        self.require_current_epoch_open(now)?;
        let epoch = i64::try_from(self.config.epoch_seconds).map_err(|_| CoverageError::AmountOverflow)?;
        now.max(self.slashable_until_ts).checked_add(epoch).ok_or(CoverageError::AmountOverflow.into())
    }

    /// Tokens that a handler takes into the treasury.
    pub fn credit_treasury(&mut self, amount_units: u64) -> Result<()> {
        let available = self.treasury_available.checked_add(amount_units);
        self.treasury_available = available.ok_or(CoverageError::AmountOverflow)?;
        Ok(())
    }

    /// What must hold after every handler that changed the account.
    pub fn invariant(&self) -> Result<()> {
        let weighted = (self.workloads == 0) == (self.total_weight == 0);
        let pausable = self.paused_until_ts <= self.pause_free_ts;
        require!(weighted && pausable, CoverageError::Inconsistent);
        Ok(())
    }
}
