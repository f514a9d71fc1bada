use crate::constants::{MAX_BATCHES, PAUSE_ATTEST};
use crate::errors::CoverageError;
use crate::events::{self, BatchApplied};
use crate::instructions::now;
use crate::state::{
    self, Account, AttestationAccount, BatchLogAccount, BatchRecord, CellAccount, Committee, Epoch, KIND_OUTCOMES,
    Network, Phase, Workload,
};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use anchor_lang::{AccountClose, AccountRealloc};
use coverage_math::cell::{self as kernel, CellError};

/// Accounts of `apply_batch`.
#[event_cpi]
#[derive(Accounts)]
pub struct ApplyBatch {
    pub network: Account<Network>,
    #[account(constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
    #[account(constraint = address_eq(&epoch.network, network.address()) @ CoverageError::WrongNetwork)]
    pub epoch: Account<Epoch>,
    #[account(constraint = address_eq(&workload.network, network.address()) @ CoverageError::WrongNetwork)]
    pub workload: Account<Workload>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
    #[account(mut, constraint = address_eq(&log.workload, &cell.workload) @ CoverageError::WrongWorkload)]
    pub log: BatchLogAccount,
    #[account(mut, constraint = address_eq(&attestation.payer, payer.address()) @ CoverageError::WrongPayer,
        constraint = address_eq(&attestation.network, network.address()) @ CoverageError::WrongNetwork)]
    pub attestation: AttestationAccount,
    /// Who paid for the attestation: gets its rent, less what the log's record costs.
    #[account(mut)]
    pub payer: UncheckedAccount,
}

/// Adds an endorsed batch of outcomes to its cell, logs it and closes the attestation.
///
/// Specification:
/// - shall apply only with endorsements of more than the quorum of the committee's present generation (I5)
/// - shall apply only the next batch of the epoch in hand, so that none applies twice (I4)
/// - shall refuse an epoch that a retired workload is not paid for: nobody would settle it
/// - shall change either every counter of the batch or none
///
/// Callable by anyone.
pub fn apply_batch(ctx: &mut Context<ApplyBatch>) -> Result<()> {
    let accounts = &mut ctx.accounts;
    validate(accounts)?;
    let epoch = accounts.cell.epoch;
    let (slots, _) = state::slots_and_scratch(&mut accounts.cell)?;
    let receipts = kernel::add_entries(slots, accounts.attestation.as_slice(), epoch).map_err(entry_error)?;
    let attestation = &accounts.attestation;
    require!(receipts == u64::from(attestation.value), CoverageError::CountMismatch);
    let record = BatchRecord {
        receipts_root: attestation.receipts_root,
        entries_hash: attestation.entries_hash,
        endorsers: attestation.endorsers,
        generation: attestation.generation,
        receipts: attestation.value,
        flags: 0,
    };
    let sequence = accounts.cell.batches;
    append(&mut accounts.log, epoch, *accounts.attestation.account(), record)?;
    accounts.cell.batches = sequence.saturating_add(1); // ≤ MAX_BATCHES
    accounts.attestation.close(*accounts.payer.account())?;
    events::record!(
        accounts,
        ctx.bumps,
        BatchApplied {
            workload: accounts.cell.workload,
            epoch,
            sequence,
            receipts_root: record.receipts_root,
            receipts,
            entries_hash: record.entries_hash,
            endorsers: record.endorsers,
            generation: record.generation,
        }
    );
    accounts.cell.invariant()
}

fn validate(accounts: &ApplyBatch) -> Result<()> {
    let (cell, epoch, attestation) = (&accounts.cell, &accounts.epoch, &accounts.attestation);
    accounts.network.require_running(PAUSE_ATTEST, now()?)?;
    cell.require_phase(Phase::Collecting, CoverageError::NotCollecting)?;
    require!(!accounts.workload.is_over(cell.epoch), CoverageError::WorkloadRetired);
    require!(attestation.kind == KIND_OUTCOMES, CoverageError::InvalidKind);
    require!(address_eq(&attestation.subject, &cell.workload), CoverageError::WrongSubject);
    require!(epoch.index == cell.epoch && attestation.epoch == cell.epoch, CoverageError::WrongEpoch);
    require!(attestation.generation == accounts.committee.generation, CoverageError::StaleGeneration);
    let (committee, config) = (&accounts.committee, &epoch.config);
    let quorum = committee.exceeds_quorum(attestation.endorsers, config.min_attester_bond, config.quorum_bps);
    require!(quorum, CoverageError::NoQuorum);
    require!(attestation.sequence == cell.batches, CoverageError::WrongSequence);
    Ok(())
}

fn entry_error(error: CellError) -> CoverageError {
    match error {
        CellError::BadSlot => CoverageError::InvalidSlot,
        CellError::NotEffective => CoverageError::SlotNotEffective,
        CellError::TooManyAttempts => CoverageError::TooManyAttempts,
        CellError::BadLayout
        | CellError::BadProgress
        | CellError::BudgetTooSmall
        | CellError::NotCounted
        | CellError::StagedBefore => CoverageError::Inconsistent,
    }
}

/// Appends a record to the log of `epoch`, which starts anew with each; `payer` is ours, so its lamports move without a CPI.
fn append(log: &mut BatchLogAccount, epoch: u64, mut payer: AccountView, record: BatchRecord) -> Result<()> {
    if log.epoch != epoch {
        log.clear();
        log.epoch = epoch;
    }
    let length = log.len() as u32;
    require!(length < MAX_BATCHES, CoverageError::LogFull);
    if log.is_full() {
        let room = length.saturating_add(1);
        let space = BatchLogAccount::try_space_for(room)?;
        let mut view = *log.account();
        let missing = anchor_lang::cpi::rent_exempt_lamports(space)?.saturating_sub(view.lamports());
        let left = payer.lamports().checked_sub(missing).ok_or(CoverageError::Inconsistent)?;
        payer.set_lamports(left);
        view.set_lamports(view.lamports().saturating_add(missing));
        log.realloc_account(space, payer, false)?;
    }
    log.try_push(record)?;
    Ok(())
}
