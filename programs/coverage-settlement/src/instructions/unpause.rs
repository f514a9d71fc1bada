use crate::errors::CoverageError;
use crate::events::{self, Paused};
use crate::state::{Account, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `unpause`.
#[event_cpi]
#[derive(Accounts)]
pub struct Unpause {
    /// The guardian, or the authority.
    pub signer: Signer,
    #[account(
        mut,
        constraint = address_eq(&network.guardian, signer.address())
            || address_eq(&network.authority, signer.address()) @ CoverageError::NotGuardian
    )]
    pub network: Account<Network>,
}

/// Ends a pause early; the time until the next stays as it was.
///
/// Callable by the guardian and the authority; idempotent.
pub fn unpause(ctx: &mut Context<Unpause>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.network.paused = 0;
    let (network, free_ts) = (*accounts.network.address(), accounts.network.pause_free_ts);
    let until_ts = accounts.network.paused_until_ts;
    events::record!(accounts, ctx.bumps, Paused { network, phases: 0, until_ts, free_ts });
    accounts.network.invariant()
}
