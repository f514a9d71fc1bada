use crate::errors::CoverageError;
use crate::events::{self, GuardianSet};
use crate::state::{Account, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `set_guardian`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetGuardian {
    pub authority: Signer,
    #[account(mut, constraint = address_eq(&network.authority, authority.address()) @ CoverageError::NotAuthority)]
    pub network: Account<Network>,
}

/// Names who may pause; a pause that is on stays on.
///
/// Callable by the authority; the zero address means nobody.
pub fn set_guardian(ctx: &mut Context<SetGuardian>, guardian: Address) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let before = core::mem::replace(&mut accounts.network.guardian, guardian);
    let network = *accounts.network.address();
    events::record!(accounts, ctx.bumps, GuardianSet { network, before, guardian });
    accounts.network.invariant()
}
