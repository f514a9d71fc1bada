use crate::errors::CoverageError;
use crate::events::{self, AuthorityProposed};
use crate::state::{Account, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `propose_authority`.
#[event_cpi]
#[derive(Accounts)]
pub struct ProposeAuthority {
    pub authority: Signer,
    #[account(mut, constraint = address_eq(&network.authority, authority.address()) @ CoverageError::NotAuthority)]
    pub network: Account<Network>,
}

/// Names who may become the authority by accepting: nobody can be made one by a slip of the pen.
///
/// Callable by the authority; replaces who was named before, and the zero address takes it back.
pub fn propose_authority(ctx: &mut Context<ProposeAuthority>, pending: Address) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let before = core::mem::replace(&mut accounts.network.pending_authority, pending);
    let network = *accounts.network.address();
    events::record!(accounts, ctx.bumps, AuthorityProposed { network, before, pending });
    accounts.network.invariant()
}
