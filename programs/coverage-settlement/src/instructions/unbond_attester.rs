use crate::errors::CoverageError;
use crate::events::{self, BondCause};
use crate::instructions::{bond_changed, now};
use crate::state::{Account, Committee, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `unbond_attester`.
#[event_cpi]
#[derive(Accounts)]
pub struct UnbondAttester {
    /// The attester's key; or the authority, for an attester that is not in the committee any more.
    pub signer: Signer,
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
}

/// Sends part of an attester's bond on its way out. Below the minimum, its weight counts no more, signatures it has given
/// included, so nothing is signed that no bond answers for.
///
/// Specification:
/// - shall keep it until an epoch after the last challenge window of anything signed so far
///
/// Callable by the attester; by the authority for one without weight, whose place would be taken for ever otherwise.
pub fn unbond_attester(ctx: &mut Context<UnbondAttester>, place: u8, amount_units: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let network = &accounts.network;
    let attester = accounts.committee.place_mut(place)?;
    let signer = accounts.signer.address();
    let dismissed = attester.weight == 0 && address_eq(&network.authority, signer);
    require!(dismissed || address_eq(&attester.key, signer), CoverageError::WrongWallet);
    let (before, holder) = (attester.bond, attester.key);
    attester.bond.unbond(amount_units, network.withdrawable_ts(now()?)?)?;
    let (network, bonds) = (*network.address(), (before, attester.bond));
    events::record!(accounts, ctx.bumps, bond_changed(network, holder, BondCause::Unbonding, amount_units, bonds));
    Ok(())
}
