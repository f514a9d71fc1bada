use crate::errors::CoverageError;
use crate::events::{self, AuthorityAccepted};
use crate::state::{Account, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `accept_authority`.
#[event_cpi]
#[derive(Accounts)]
pub struct AcceptAuthority {
    pub pending: Signer,
    #[account(
        mut,
        constraint = address_eq(&network.pending_authority, pending.address()) @ CoverageError::NotPendingAuthority
    )]
    pub network: Account<Network>,
}

/// Makes the signer the authority.
///
/// Callable by whoever the authority named last; once.
pub fn accept_authority(ctx: &mut Context<AcceptAuthority>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let authority = core::mem::take(&mut accounts.network.pending_authority);
    let before = core::mem::replace(&mut accounts.network.authority, authority);
    let network = *accounts.network.address();
    events::record!(accounts, ctx.bumps, AuthorityAccepted { network, before, authority });
    accounts.network.invariant()
}
