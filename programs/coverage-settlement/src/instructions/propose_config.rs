use crate::errors::CoverageError;
use crate::events::{self, ConfigProposed};
use crate::instructions::now;
use crate::state::{Account, Config, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `propose_config`.
#[event_cpi]
#[derive(Accounts)]
pub struct ProposeConfig {
    pub authority: Signer,
    #[account(mut, constraint = address_eq(&network.authority, authority.address()) @ CoverageError::NotAuthority)]
    pub network: Account<Network>,
}

/// Proposes a configuration, which settles the epochs that begin after the present configuration's delay.
///
/// Specification:
/// - shall refuse a configuration no network can live with, and another epoch length
/// - shall refuse while the current epoch is not open: an earlier proposal may be what settles it (I6)
///
/// Callable by the authority; replaces what was proposed before, so the present configuration takes it back.
pub fn propose_config(ctx: &mut Context<ProposeConfig>, config: Config) -> Result<()> {
    config.validate()?;
    let accounts = &mut ctx.accounts;
    let network = &mut accounts.network;
    let now = now()?;
    network.require_current_epoch_open(now)?;
    require!(config.epoch_seconds == network.config.epoch_seconds, CoverageError::EpochLengthFixed);
    let delay = i64::try_from(network.config.delay_seconds).map_err(|_| CoverageError::AmountOverflow)?;
    network.pending_ts = now.checked_add(delay).ok_or(CoverageError::AmountOverflow)?;
    network.pending_config = config;
    let (before, effective_ts) = (network.config, network.pending_ts);
    let network = *network.address();
    events::record!(accounts, ctx.bumps, ConfigProposed { network, effective_ts, before, config });
    accounts.network.invariant()
}
