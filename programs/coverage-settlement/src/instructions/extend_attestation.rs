use crate::Runtime;
use crate::errors::CoverageError;
use crate::state::AttestationAccount;
use anchor_lang::AccountRealloc;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::attestation::Entry;
use coverage_math::hash::Sha256;

/// Accounts of `extend_attestation`.
#[derive(Accounts)]
pub struct ExtendAttestation {
    #[account(mut)]
    pub payer: Signer,
    #[account(mut, constraint = address_eq(&attestation.payer, payer.address()) @ CoverageError::WrongPayer)]
    pub attestation: AttestationAccount,
    pub system_program: Program<System>,
}

/// Adds entries to an attestation that did not fit one transaction.
///
/// Specification:
/// - shall refuse more entries than announced
/// - shall check the announced hash once all are there
///
/// Callable by whoever opened the attestation; not idempotent (entries are appended).
pub fn extend_attestation(ctx: &mut Context<ExtendAttestation>, chunk: &[u8]) -> Result<()> {
    require!(!chunk.is_empty(), CoverageError::InvalidChunk);
    let payer = *ctx.accounts.payer.account();
    append(&mut ctx.accounts.attestation, payer, chunk)
}

/// Appends whole entries; completes the attestation if they are the last.
pub(super) fn append(attestation: &mut AttestationAccount, payer: AccountView, chunk: &[u8]) -> Result<()> {
    if chunk.is_empty() {
        return Ok(());
    }
    let (records, rest) = chunk.as_chunks::<{ size_of::<Entry>() }>();
    let old = attestation.len();
    let new = old.saturating_add(records.len());
    let announced = usize::from(attestation.entries);
    require!(rest.is_empty() && new <= announced, CoverageError::InvalidChunk);
    let space = AttestationAccount::try_space_for(new as u32)?; // ≤ announced
    attestation.realloc_account(space, payer, false)?;
    for record in records {
        attestation.try_push(bytemuck::pod_read_unaligned(record))?;
    }
    if new == announced {
        let hash = Runtime::hash(&[bytemuck::cast_slice(attestation.as_slice())]);
        require!(hash == attestation.entries_hash, CoverageError::EntriesHashMismatch);
        attestation.complete = 1;
    }
    Ok(())
}
