use crate::constants::PAUSE_ATTEST;
use crate::errors::CoverageError;
use crate::events::{self, FailureDomainApplied};
use crate::instructions::now;
use crate::state::{Account, AttestationAccount, Committee, KIND_FAILURE_DOMAIN, Network, Operator};
use anchor_lang::AccountClose;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `apply_failure_domain`.
#[event_cpi]
#[derive(Accounts)]
pub struct ApplyFailureDomain {
    pub network: Account<Network>,
    #[account(constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
    #[account(mut, constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork)]
    pub operator: Account<Operator>,
    #[account(
        mut,
        constraint = address_eq(&attestation.network, network.address()) @ CoverageError::WrongNetwork,
        constraint = address_eq(&attestation.payer, payer.address()) @ CoverageError::WrongPayer
    )]
    pub attestation: AttestationAccount,
    /// Who paid for the attestation: gets its rent.
    #[account(mut)]
    pub payer: UncheckedAccount,
}

/// Gives an operator its endorsed failure domain and closes the attestation.
///
/// Specification:
/// - shall apply only with endorsements of more than the quorum of the committee's present generation (I5)
/// - shall apply only the operator's next domain version, so that an old attestation cannot come back
/// - shall leave slots alone: the domain reaches them by `sync_slot`
///
/// Callable by anyone.
pub fn apply_failure_domain(ctx: &mut Context<ApplyFailureDomain>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    accounts.network.require_running(PAUSE_ATTEST, now()?)?;
    let (attestation, committee) = (&mut accounts.attestation, &accounts.committee);
    require!(attestation.kind == KIND_FAILURE_DOMAIN, CoverageError::InvalidKind);
    require!(address_eq(&attestation.subject, accounts.operator.address()), CoverageError::WrongSubject);
    require!(attestation.generation == committee.generation, CoverageError::StaleGeneration);
    let config = &accounts.network.config;
    let quorum = committee.exceeds_quorum(attestation.endorsers, config.min_attester_bond, config.quorum_bps);
    require!(quorum, CoverageError::NoQuorum);
    let operator = &mut accounts.operator;
    require!(attestation.sequence == operator.domain_version, CoverageError::WrongSequence);

    let before = operator.domain;
    operator.domain = attestation.value;
    operator.domain_version = operator.domain_version.checked_add(1).ok_or(CoverageError::AmountOverflow)?;
    attestation.close(*accounts.payer.account())?;
    let (domain, version) = (u64::from(operator.domain), operator.domain_version);
    let operator = *operator.address();
    let before = u64::from(before);
    events::record!(accounts, ctx.bumps, FailureDomainApplied { operator, before, domain, version });
    Ok(())
}
