use crate::errors::CoverageError;
use crate::state::AttestationAccount;
use anchor_lang::prelude::*;
use anchor_lang::{AccountClose, address_eq};

/// Accounts of `close_attestation`.
#[derive(Accounts)]
pub struct CloseAttestation {
    /// Gets the rent it paid.
    #[account(mut)]
    pub payer: Signer,
    #[account(mut, constraint = address_eq(&attestation.payer, payer.address()) @ CoverageError::WrongPayer)]
    pub attestation: AttestationAccount,
}

/// Closes an attestation that will not be applied: one that is stale, lost its sequence number, or served a challenge.
///
/// Callable by whoever opened it, at any time. What was signed can be uploaded again, and counts at most once.
pub fn close_attestation(ctx: &mut Context<CloseAttestation>) -> Result<()> {
    let payer = *ctx.accounts.payer.account();
    ctx.accounts.attestation.close(payer)?;
    Ok(())
}
