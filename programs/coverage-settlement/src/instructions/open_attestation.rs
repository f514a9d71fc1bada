// The derive binds the instruction arguments a second time where it has no use for them.
#![allow(unused_variables)]

use crate::errors::CoverageError;
use crate::instructions::extend_attestation::append;
use crate::state::{ATTESTATION_SEED, Account, AttestationAccount, Committee, KIND_OUTCOMES, Network, StatementArgs};
use crate::{ID, Runtime};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::cell::MAX_SLOTS;
use coverage_math::hash::Tag;

/// Accounts of `open_attestation`.
#[derive(Accounts)]
#[instruction(digest: [u8; 32])]
pub struct OpenAttestation {
    /// Pays the rent and gets it back when the attestation is applied or closed.
    #[account(mut)]
    pub payer: Signer,
    pub network: Account<Network>,
    #[account(constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
    #[account(
        init, payer = payer, space = AttestationAccount::space_for(0),
        seeds = [ATTESTATION_SEED, network.address().as_ref(), payer.address().as_ref(), &digest], bump
    )]
    pub attestation: AttestationAccount,
    pub system_program: Program<System>,
}

/// Asks the committee to sign a statement; `chunk` are its first entries, all of them if they fit.
///
/// Specification:
/// - shall refuse a digest that is not the statement's for the committee's present generation
/// - shall refuse a statement whose fields do not go with its kind
///
/// Callable by anyone: what counts are the signatures.
pub fn open_attestation(
    ctx: &mut Context<OpenAttestation>,
    digest: [u8; 32],
    statement: &StatementArgs,
    chunk: &[u8],
) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let network = *accounts.network.address();
    let generation = accounts.committee.generation;
    let (purpose, epoch) = statement.purpose()?;
    let fields = if statement.kind == KIND_OUTCOMES {
        (1..=MAX_SLOTS).contains(&usize::from(statement.entries))
            && statement.receipts_root != [0; 32]
            && statement.value > 0
    } else {
        statement.entries == 0
            && statement.receipts_root == [0; 32]
            && statement.entries_hash == [0; 32]
            && statement.epoch == epoch
    };
    require!(fields, CoverageError::InvalidStatement);
    let tag = Tag::new::<Runtime>(ID.as_array(), network.as_array(), purpose, epoch);
    let expected = statement.statement(generation).digest::<Runtime>(&tag);
    require!(digest == expected, CoverageError::DigestMismatch);

    let attestation = &mut accounts.attestation;
    attestation.bump = ctx.bumps.attestation;
    attestation.kind = statement.kind;
    attestation.complete = u8::from(statement.kind != KIND_OUTCOMES);
    attestation.value = statement.value;
    attestation.network = network;
    attestation.payer = *accounts.payer.address();
    attestation.subject = statement.subject;
    attestation.epoch = statement.epoch;
    attestation.sequence = statement.sequence;
    attestation.generation = generation;
    attestation.receipts_root = statement.receipts_root;
    attestation.entries_hash = statement.entries_hash;
    attestation.digest = digest;
    attestation.entries = statement.entries;
    append(attestation, *accounts.payer.account(), chunk)
}
