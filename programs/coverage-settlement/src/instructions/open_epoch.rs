use crate::constants::VERSION;
use crate::errors::CoverageError;
use crate::events::EpochOpened;
use crate::instructions::now;
use crate::state::{Committee, EPOCH_SEED, Epoch, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::pool;

/// Accounts of `open_epoch`.
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
/// - shall copy the configuration that settles the epoch
/// - shall take `unit · total_weight` out of the treasury, never more than is there
///
/// Callable by anyone; each epoch opens once.
pub fn open_epoch(ctx: &mut Context<OpenEpoch>) -> Result<()> {
    let bump = ctx.bumps.epoch;
    let accounts = &mut ctx.accounts;
    let network = &mut accounts.network;
    let index = network.next_epoch;
    let (start_ts, end_ts) = (network.epoch_start_ts(index)?, network.epoch_start_ts(index.saturating_add(1))?);
    require!(now()? >= start_ts, CoverageError::EpochNotStarted);

    let available_before_units = network.treasury_available;
    let unit = pool::unit(network.config.emission, available_before_units, network.total_weight);
    // unit = floor(at most what is available / weight), so the product fits and the difference is not negative.
    let reserved = unit.checked_mul(network.total_weight).ok_or(CoverageError::Inconsistent)?;
    network.treasury_available = available_before_units.checked_sub(reserved).ok_or(CoverageError::Inconsistent)?;
    network.next_epoch = index.checked_add(1).ok_or(CoverageError::AmountOverflow)?;

    let epoch = &mut accounts.epoch;
    epoch.version = VERSION;
    epoch.bump = bump;
    epoch.network = *network.address();
    epoch.payer = *accounts.payer.address();
    epoch.index = index;
    epoch.start_ts = start_ts;
    epoch.end_ts = end_ts;
    epoch.unit = unit;
    epoch.total_weight = network.total_weight;
    epoch.committee_generation = accounts.committee.generation;
    epoch.config_version = network.config_version;
    epoch.config = network.config;

    emit!(EpochOpened {
        network: epoch.network,
        epoch: index,
        unit,
        total_weight: epoch.total_weight,
        available_before_units,
    });
    network.invariant()
}
