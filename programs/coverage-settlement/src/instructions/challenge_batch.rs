use crate::errors::CoverageError;
use crate::events::{self, BatchRemoved};
use crate::instructions::now;
use crate::state::{
    self, Account, AttestationAccount, BATCH_REMOVED, BatchLogAccount, BatchRecord, CellAccount, Committee, Epoch,
    Network, Phase,
};
use crate::token::Payment;
use crate::{ID, Runtime};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::cell as kernel;
use coverage_math::fraud::{Batch, Fraud, FraudError, Subject};
use coverage_math::hash::{Purpose, Tag};

/// Accounts of `challenge_batch`.
#[event_cpi]
#[derive(Accounts)]
pub struct ChallengeBatch {
    /// Is paid for a proof; pays for its token account if that has to be created.
    #[account(mut)]
    pub challenger: Signer,
    #[account(mut)]
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
    #[account(constraint = address_eq(&epoch.network, network.address()) @ CoverageError::WrongNetwork)]
    pub epoch: Account<Epoch>,
    #[account(mut, constraint = address_eq(&cell.network, network.address()) @ CoverageError::WrongNetwork)]
    pub cell: CellAccount,
    #[account(mut, constraint = address_eq(&log.workload, &cell.workload) @ CoverageError::WrongWorkload)]
    pub log: BatchLogAccount,
    /// Any attestation with the entries of the batch: the challenger uploads them as attesters do.
    #[account(constraint = entries.complete == 1 @ CoverageError::Incomplete)]
    pub entries: AttestationAccount,
    /// Any attestation with the evidence in place of entries: see [`Fraud`].
    #[account(constraint = evidence.complete == 1 @ CoverageError::Incomplete)]
    pub evidence: AttestationAccount,
    /// The challenger's associated token account; created if missing.
    #[account(mut)]
    pub challenger_account: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
    pub associated_token_program: UncheckedAccount,
    pub system_program: Program<System>,
}

/// Proves an applied batch false: takes its counts back, slashes who endorsed it, and pays the challenger a share.
///
/// Specification:
/// - shall accept a proof from the moment a batch is applied until the cell's challenge window is over
/// - shall leave the cell as if the batch had never been applied, but for its sequence number
/// - shall slash every attester that endorsed it and had its place then, by the configuration of the epoch
/// - shall change nothing if the evidence proves nothing
///
/// Callable by anyone, in any phase the guardian may have paused; each batch falls once.
pub fn challenge_batch(ctx: &mut Context<ChallengeBatch>, sequence: u32) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let record = validate(accounts, sequence)?;
    let fraud = prove(accounts, sequence, &record)?;
    let (slots, _) = state::slots_and_scratch(&mut accounts.cell)?;
    kernel::remove_entries(slots, accounts.entries.as_slice()).map_err(|_| CoverageError::Inconsistent)?;
    let entry = accounts.log.get_mut(sequence as usize).ok_or(CoverageError::NoSuchBatch)?;
    entry.flags |= BATCH_REMOVED;
    accounts.cell.removed = accounts.cell.removed.saturating_add(1); // ≤ batches

    let (slashed_places, slashed_units) = slash(accounts, &record);
    let available_before_units = accounts.network.treasury_available;
    let reward_units = reward(accounts, slashed_units)?;
    events::record!(
        accounts,
        ctx.bumps,
        BatchRemoved {
            workload: accounts.cell.workload,
            epoch: accounts.cell.epoch,
            sequence: u64::from(sequence),
            fraud,
            challenger: *accounts.challenger.address(),
            slashed_places,
            slash_bps: u64::from(accounts.epoch.config.slash_bps),
            slashed_units,
            reward_units,
            available_before_units,
        }
    );
    accounts.cell.invariant()?;
    accounts.network.invariant()
}

/// The record of the batch, if it may be challenged and these are its entries.
fn validate(accounts: &ChallengeBatch, sequence: u32) -> Result<BatchRecord> {
    let (cell, epoch, log) = (&accounts.cell, &accounts.epoch, &accounts.log);
    require!(epoch.index == cell.epoch, CoverageError::WrongEpoch);
    let window = i64::try_from(epoch.config.challenge_seconds).map_err(|_| CoverageError::AmountOverflow)?;
    let open = cell.phase == Phase::Collecting as u8
        || (cell.phase == Phase::Challenge as u8 && now()? < cell.sealed_ts.saturating_add(window));
    require!(open, CoverageError::ChallengeOver);
    let record = log.get(sequence as usize).filter(|_| log.epoch == cell.epoch);
    let record = *record.ok_or(CoverageError::NoSuchBatch)?;
    require!(record.flags & BATCH_REMOVED == 0, CoverageError::BatchRemoved);
    require!(accounts.entries.entries_hash == record.entries_hash, CoverageError::WrongEntries);
    Ok(record)
}

/// The number of the fraud that the evidence proves.
fn prove(accounts: &ChallengeBatch, sequence: u32, record: &BatchRecord) -> Result<u64> {
    let bytes: &[u8] = bytemuck::cast_slice(accounts.evidence.as_slice());
    let fraud = Fraud::read(bytes).ok_or(CoverageError::InvalidEvidence)?;
    let (cell, log) = (&accounts.cell, &accounts.log);
    let network = accounts.network.address().as_array();
    let subject = Subject {
        tag: Tag::new::<Runtime>(ID.as_array(), network, Purpose::Receipts, cell.epoch),
        workload: *cell.workload.as_array(),
        epoch: cell.epoch,
    };
    let batch =
        Batch { sequence, root: record.receipts_root, receipts: record.receipts, entries: accounts.entries.as_slice() };
    // The later batch falls, and only against one that stands.
    let earlier = match &fraud {
        Fraud::DuplicateAcrossBatches { earlier, .. } if *earlier <= sequence => log
            .get(*earlier as usize)
            .filter(|earlier| earlier.flags & BATCH_REMOVED == 0)
            .map(|earlier| (earlier.receipts_root, earlier.receipts)),
        _ => None,
    };
    fraud.prove::<Runtime>(&subject, &batch, earlier).map_err(|error| match error {
        FraudError::NotInBatch => CoverageError::NotInBatch,
        FraudError::NoFraud => CoverageError::NoFraud,
    })?;
    Ok(bytes.first().copied().map_or(0, u64::from))
}

/// Slashes every attester that endorsed the batch and had its place then; returns their places and the sum.
fn slash(accounts: &mut ChallengeBatch, record: &BatchRecord) -> (u64, u64) {
    let (mut places, mut units, mut bit) = (0u64, 0u64, 1u64);
    for attester in &mut accounts.committee.attesters {
        if record.endorsers & bit != 0 && attester.since_generation <= record.generation {
            places |= bit;
            // 64 bonds of at most 2^52.
            units = units.saturating_add(attester.bond.slash(accounts.epoch.config.slash_bps));
        }
        bit = bit.wrapping_shl(1);
    }
    (places, units)
}

/// Pays the challenger its share of what was slashed; the rest is the treasury's. Returns the share.
fn reward(accounts: &mut ChallengeBatch, slashed_units: u64) -> Result<u64> {
    let reward_units = state::part_of(slashed_units, accounts.epoch.config.challenger_bps);
    let network = &mut accounts.network;
    let bonds = network.attester_bonds.checked_sub(slashed_units);
    network.attester_bonds = bonds.ok_or(CoverageError::Inconsistent)?;
    network.credit_treasury(slashed_units.saturating_sub(reward_units))?; // reward ≤ slashed
    Payment {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        payer: *accounts.challenger.account(),
        owner: *accounts.challenger.account(),
        account: &mut accounts.challenger_account,
        associated_token_program: &accounts.associated_token_program,
        system_program: &accounts.system_program,
    }
    .give(reward_units)?;
    Ok(reward_units)
}
