use crate::errors::CoverageError;
use crate::events::{self, EpochOpened};
use crate::hasher::Runtime;
use crate::instructions::now;
use crate::state::{Account, Committee, EPOCH_SEED, Epoch, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::hash::Sha256;
use coverage_math::pool;
use pinocchio::sysvars::get_sysvar;
use pinocchio::sysvars::slot_hashes::SLOTHASHES_ID;

/// Accounts of `open_epoch`.
#[event_cpi]
#[derive(Accounts)]
pub struct OpenEpoch {
    /// Pays the rent and gets it back when the epoch is closed.
    #[account(mut)]
    pub payer: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
    #[account(
        init, payer = payer,
        seeds = [EPOCH_SEED, network.address().as_ref(), &network.next_epoch.to_le_bytes()], bump
    )]
    pub epoch: Account<Epoch>,
    pub system_program: Program<System>,
}

/// Opens the next epoch, in order, once it has begun.
///
/// Specification:
/// - shall put a proposed configuration in force if the epoch begins when its delay is over or later, whenever it is opened
/// - shall copy the configuration that settles the epoch
/// - shall take `unit · total_weight` out of the treasury, never more than is there
/// - shall draw the epoch's seed from the hash of the newest slot
///
/// Callable by anyone; each epoch opens once.
pub fn open_epoch(ctx: &mut Context<OpenEpoch>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let network = &mut accounts.network;
    let index = network.next_epoch;
    let (start_ts, end_ts) = (network.epoch_start_ts(index)?, network.epoch_start_ts(index.saturating_add(1))?);
    require!(now()? >= start_ts, CoverageError::EpochNotStarted);
    if network.pending_ts != 0 && start_ts >= network.pending_ts {
        network.config = network.pending_config;
        network.pending_ts = 0;
        network.config_version = network.config_version.saturating_add(1);
    }

    let available_before_units = network.treasury_available;
    let unit = pool::unit(network.config.emission, available_before_units, network.total_weight);
    // unit = floor(at most what is available / weight), so the product fits and the difference is not negative.
    let reserved = unit.checked_mul(network.total_weight).ok_or(CoverageError::Inconsistent)?;
    network.treasury_available = available_before_units.checked_sub(reserved).ok_or(CoverageError::Inconsistent)?;
    network.next_epoch = index.checked_add(1).ok_or(CoverageError::AmountOverflow)?;
    let window = network.config.grace_seconds.saturating_add(network.config.challenge_seconds); // ≤ 2 · MAX_SECONDS
    let slashable_until_ts = end_ts.saturating_add_unsigned(window);
    network.slashable_until_ts = network.slashable_until_ts.max(slashable_until_ts);

    let epoch = &mut accounts.epoch;
    epoch.bump = ctx.bumps.epoch;
    epoch.network = *network.address();
    epoch.payer = *accounts.payer.address();
    epoch.index = index;
    epoch.start_ts = start_ts;
    epoch.end_ts = end_ts;
    epoch.unit = unit;
    epoch.total_weight = network.total_weight;
    epoch.committee_generation = accounts.committee.generation;
    epoch.config_version = network.config_version;
    epoch.cells_left = network.workloads;
    epoch.config = network.config;
    epoch.seed = seed(network.address(), index)?;

    events::record!(
        accounts,
        ctx.bumps,
        EpochOpened {
            network: *accounts.network.address(),
            epoch: index,
            unit,
            total_weight: accounts.epoch.total_weight,
            available_before_units,
            committee_generation: accounts.epoch.committee_generation,
            config_version: accounts.epoch.config_version,
            config: accounts.epoch.config,
            seed: accounts.epoch.seed,
        }
    );
    accounts.network.invariant()
}

/// Where the newest hash stands in the slot hashes: behind their number and its slot, eight bytes each.
const NEWEST_HASH: usize = 16;

/// Whoever opens an epoch may choose among the slots it can land in, and nobody more than that: good enough for when to probe
/// whom, not for a lottery.
fn seed(network: &Address, index: u64) -> Result<[u8; 32]> {
    let mut newest = [0; 32];
    get_sysvar(&mut newest, &SLOTHASHES_ID, NEWEST_HASH).map_err(|_| CoverageError::Inconsistent)?;
    Ok(Runtime::hash(&[&newest, network.as_ref(), &index.to_le_bytes()]))
}
