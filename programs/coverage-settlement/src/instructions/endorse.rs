use crate::ed25519;
use crate::errors::CoverageError;
use crate::state::{Account, AttestationAccount, Committee};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use pinocchio::sysvars::instructions::Instructions;

/// Accounts of `endorse`.
#[derive(Accounts)]
pub struct Endorse {
    #[account(mut)]
    pub attestation: AttestationAccount,
    #[account(constraint = address_eq(&committee.network, &attestation.network) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
    /// The instructions sysvar; its address is checked before a byte of it is read.
    pub instructions: UncheckedAccount,
}

/// Counts the signatures of the Ed25519 instruction at `ed25519_index` of the same transaction.
///
/// Specification:
/// - shall count only members of the committee of the attestation's generation, over its digest, each once (I5)
/// - shall refuse an instruction with anything it cannot count, or with one signer twice
/// - shall count an attester that endorsed in an earlier instruction no second time, without an error
/// - shall leave weights and bonds to the instruction that applies the statement
///
/// Callable by anyone; idempotent.
pub fn endorse(ctx: &mut Context<Endorse>, ed25519_index: u8) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (attestation, committee) = (&mut accounts.attestation, &accounts.committee);
    require!(attestation.complete == 1, CoverageError::Incomplete);
    require!(attestation.generation == committee.generation, CoverageError::StaleGeneration);
    let sysvar =
        Instructions::try_from(accounts.instructions.account()).map_err(|_| CoverageError::WrongInstructionsSysvar)?;
    let instruction = sysvar.load_instruction_at(usize::from(ed25519_index)).map_err(|_| CoverageError::NotEd25519)?;
    require!(ed25519::is_precompile(instruction.get_program_id()), CoverageError::NotEd25519);

    let mut seen = 0u64;
    let digest = attestation.digest;
    ed25519::for_each_signer(instruction.get_instruction_data(), &digest, |key| {
        let bit = committee.find(key).ok_or(CoverageError::UnknownAttester)?;
        require!(seen & bit == 0, CoverageError::DuplicateAttester);
        seen |= bit;
        Ok(())
    })?;
    attestation.endorsers |= seen;
    Ok(())
}
