use crate::constants::{MAX_PAUSE_SECONDS, PAUSE_ATTEST, PAUSE_ENROL, PAUSE_SETTLE};
use crate::errors::CoverageError;
use crate::events::{self, Paused};
use crate::instructions::now;
use crate::state::{Account, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `pause`.
#[event_cpi]
#[derive(Accounts)]
pub struct Pause {
    pub guardian: Signer,
    #[account(mut, constraint = address_eq(&network.guardian, guardian.address()) @ CoverageError::NotGuardian)]
    pub network: Account<Network>,
}

/// Pauses phases for a while: 1 is enrolling, 2 applying what was attested, 4 sealing and settling, or a sum of these.
///
/// Specification:
/// - shall end by itself, after a week at most, and then leave as long a time without a pause: a guardian, or a lost key,
///   delays but stops nothing (I8)
/// - shall not reach claims, withdrawals or challenges, which no phase has in it
///
/// Callable by the guardian.
pub fn pause(ctx: &mut Context<Pause>, phases: u8, seconds: u32) -> Result<()> {
    let known = PAUSE_ENROL | PAUSE_ATTEST | PAUSE_SETTLE;
    let valid = phases != 0 && phases & !known == 0 && (1..=MAX_PAUSE_SECONDS).contains(&seconds);
    require!(valid, CoverageError::InvalidPause);
    let accounts = &mut ctx.accounts;
    let network = &mut accounts.network;
    let now = now()?;
    require!(now >= network.pause_free_ts, CoverageError::PauseTooSoon);
    network.paused = phases;
    network.paused_until_ts = now.checked_add(i64::from(seconds)).ok_or(CoverageError::AmountOverflow)?;
    let free_ts = network.paused_until_ts.checked_add(i64::from(seconds)).ok_or(CoverageError::AmountOverflow)?;
    network.pause_free_ts = free_ts;
    let until_ts = network.paused_until_ts;
    let network = *network.address();
    events::record!(accounts, ctx.bumps, Paused { network, phases: u64::from(phases), until_ts, free_ts });
    accounts.network.invariant()
}
