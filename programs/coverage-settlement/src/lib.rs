//! Coverage Settlement: pays the operators of a decentralised inference network for the workload coverage they add.
//!
//! Attesters say what became of each request; the program computes from it, on-chain and for anybody to compute again, how
//! much of each workload's coverage is owed to each operator, and pays that. See `programs/coverage-settlement/README.md` for
//! the accounts, the states of a cell, who may do what, and the invariants.
#![cfg_attr(target_os = "solana", no_std)]

extern crate alloc;

pub mod constants;
mod ed25519;
pub mod errors;
pub mod events;
mod hasher;
pub mod instructions;
pub mod state;
pub mod token;

use alloc::vec::Vec;
use anchor_lang::prelude::*;
pub use hasher::Runtime;
pub use instructions::*;
#[cfg(target_os = "solana")]
use solana_compiler_builtins as _;
use state::{Config, Member, Requirements, StatementArgs};

declare_id!("FaPWMyTf9zNMGNC9bH2SeTDfQvXqUiTEr3xzdB6r7S4x");

/// Everything that can be done.
#[program]
pub mod coverage_settlement {
    use super::*;

    /// Creates a network with its committee (still empty) and vault.
    pub fn create_network(
        ctx: &mut Context<CreateNetwork>,
        id: u64,
        guardian: Address,
        genesis_ts: i64,
        config: Config,
    ) -> Result<()> {
        instructions::create_network(ctx, id, guardian, genesis_ts, config)
    }

    /// Names who may become the authority by accepting.
    pub fn propose_authority(ctx: &mut Context<ProposeAuthority>, pending: Address) -> Result<()> {
        instructions::propose_authority(ctx, pending)
    }

    /// Makes the signer the authority, if it was named.
    pub fn accept_authority(ctx: &mut Context<AcceptAuthority>) -> Result<()> {
        instructions::accept_authority(ctx)
    }

    /// Names who may pause.
    pub fn set_guardian(ctx: &mut Context<SetGuardian>, guardian: Address) -> Result<()> {
        instructions::set_guardian(ctx, guardian)
    }

    /// Proposes a configuration for the epochs that begin after the delay.
    pub fn propose_config(ctx: &mut Context<ProposeConfig>, config: Config) -> Result<()> {
        instructions::propose_config(ctx, config)
    }

    /// Pauses enrolling (1), applying (2), settling (4), or a sum of these, for a while.
    pub fn pause(ctx: &mut Context<Pause>, phases: u8, seconds: u32) -> Result<()> {
        instructions::pause(ctx, phases, seconds)
    }

    /// Ends a pause early.
    pub fn unpause(ctx: &mut Context<Unpause>) -> Result<()> {
        instructions::unpause(ctx)
    }

    /// Gives places of the committee keys and weights.
    pub fn update_committee(ctx: &mut Context<UpdateCommittee>, members: Vec<Member>) -> Result<()> {
        instructions::update_committee(ctx, &members)
    }

    /// Adds tokens to an attester's bond.
    pub fn add_attester_bond(ctx: &mut Context<AddAttesterBond>, place: u8, amount_units: u64) -> Result<()> {
        instructions::add_attester_bond(ctx, place, amount_units)
    }

    /// Sends part of an attester's bond on its way out.
    pub fn unbond_attester(ctx: &mut Context<UnbondAttester>, place: u8, amount_units: u64) -> Result<()> {
        instructions::unbond_attester(ctx, place, amount_units)
    }

    /// Pays what of an attester's bond is on its way out.
    pub fn withdraw_attester_bond(ctx: &mut Context<WithdrawAttesterBond>, place: u8) -> Result<()> {
        instructions::withdraw_attester_bond(ctx, place)
    }

    /// Adds a workload with its cell and log.
    pub fn register_workload(
        ctx: &mut Context<RegisterWorkload>,
        id: u64,
        weight: u64,
        requirements: Requirements,
    ) -> Result<()> {
        instructions::register_workload(ctx, id, weight, &requirements)
    }

    /// Gives a workload another weight from the next epoch on; 0 retires it for good.
    pub fn set_workload_weight(ctx: &mut Context<SetWorkloadWeight>, weight: u64) -> Result<()> {
        instructions::set_workload_weight(ctx, weight)
    }

    /// Adds tokens to the treasury.
    pub fn fund_treasury(ctx: &mut Context<FundTreasury>, amount_units: u64) -> Result<()> {
        instructions::fund_treasury(ctx, amount_units)
    }

    /// Adds tokens to the pool of one workload.
    pub fn sponsor_workload(ctx: &mut Context<SponsorWorkload>, amount_units: u64) -> Result<()> {
        instructions::sponsor_workload(ctx, amount_units)
    }

    /// Opens the next epoch and takes its pools from the treasury.
    pub fn open_epoch(ctx: &mut Context<OpenEpoch>) -> Result<()> {
        instructions::open_epoch(ctx)
    }

    /// Takes note of cells that are done with an epoch, and closes it after the last.
    pub fn close_epoch(ctx: &mut Context<CloseEpoch>) -> Result<()> {
        instructions::close_epoch(ctx)
    }

    /// Registers the signer as an operator, with its bond.
    pub fn register_operator(ctx: &mut Context<RegisterOperator>, payout: Address, bond_units: u64) -> Result<()> {
        instructions::register_operator(ctx, payout, bond_units)
    }

    /// Adds tokens to an operator's bond.
    pub fn add_bond(ctx: &mut Context<AddBond>, amount_units: u64) -> Result<()> {
        instructions::add_bond(ctx, amount_units)
    }

    /// Sends part of an operator's bond on its way out.
    pub fn unbond(ctx: &mut Context<Unbond>, amount_units: u64) -> Result<()> {
        instructions::unbond(ctx, amount_units)
    }

    /// Pays what of an operator's bond is on its way out.
    pub fn withdraw_bond(ctx: &mut Context<WithdrawBond>) -> Result<()> {
        instructions::withdraw_bond(ctx)
    }

    /// Takes part of an operator's bond for a settled verification breach.
    pub fn slash_operator(ctx: &mut Context<SlashOperator>, slot: u16) -> Result<()> {
        instructions::slash_operator(ctx, slot)
    }

    /// Closes an operator that has no slots and no bond.
    pub fn retire_operator(ctx: &mut Context<RetireOperator>) -> Result<()> {
        instructions::retire_operator(ctx)
    }

    /// Commits the root of the operator's capability leaves.
    pub fn commit_capabilities(ctx: &mut Context<CommitCapabilities>, root: [u8; 32], count: u32) -> Result<()> {
        instructions::commit_capabilities(ctx, root, count)
    }

    /// Opens one capability leaf and takes a slot in the workload's cell.
    pub fn enroll(
        ctx: &mut Context<Enroll>,
        capability: CapabilityArgs,
        index: u32,
        proof: Vec<[u8; 32]>,
    ) -> Result<()> {
        instructions::enroll(ctx, &capability, index, &proof)
    }

    /// Gives a slot its operator's present bond and failure domain, from the next epoch on.
    pub fn sync_slot(ctx: &mut Context<SyncSlot>, slot: u16) -> Result<()> {
        instructions::sync_slot(ctx, slot)
    }

    /// Has a slot count no more from the next epoch on.
    pub fn leave_cell(ctx: &mut Context<LeaveCell>, slot: u16) -> Result<()> {
        instructions::leave_cell(ctx, slot)
    }

    /// Frees the slot of an operator that has left.
    pub fn release_slot(ctx: &mut Context<ReleaseSlot>, slot: u16) -> Result<()> {
        instructions::release_slot(ctx, slot)
    }

    /// Takes free slots off the end of a cell and gives their rent back.
    pub fn trim_cell(ctx: &mut Context<TrimCell>) -> Result<()> {
        instructions::trim_cell(ctx)
    }

    /// Asks the committee to sign something.
    pub fn open_attestation(
        ctx: &mut Context<OpenAttestation>,
        digest: [u8; 32],
        statement: StatementArgs,
        chunk: Vec<u8>,
    ) -> Result<()> {
        instructions::open_attestation(ctx, digest, &statement, &chunk)
    }

    /// Adds entries to an attestation that did not fit one transaction.
    pub fn extend_attestation(ctx: &mut Context<ExtendAttestation>, chunk: Vec<u8>) -> Result<()> {
        instructions::extend_attestation(ctx, &chunk)
    }

    /// Counts the signatures of an Ed25519 instruction of the same transaction.
    pub fn endorse(ctx: &mut Context<Endorse>, ed25519_index: u8) -> Result<()> {
        instructions::endorse(ctx, ed25519_index)
    }

    /// Closes an attestation that will not be applied.
    pub fn close_attestation(ctx: &mut Context<CloseAttestation>) -> Result<()> {
        instructions::close_attestation(ctx)
    }

    /// Adds an endorsed batch of outcomes to its cell.
    pub fn apply_batch(ctx: &mut Context<ApplyBatch>) -> Result<()> {
        instructions::apply_batch(ctx)
    }

    /// Proves an applied batch false.
    pub fn challenge_batch(ctx: &mut Context<ChallengeBatch>, sequence: u32) -> Result<()> {
        instructions::challenge_batch(ctx, sequence)
    }

    /// Gives an operator its endorsed failure domain.
    pub fn apply_failure_domain(ctx: &mut Context<ApplyFailureDomain>) -> Result<()> {
        instructions::apply_failure_domain(ctx)
    }

    /// Ends the collecting of outcomes for an epoch and fixes the pool.
    pub fn seal_cell(ctx: &mut Context<SealCell>) -> Result<()> {
        instructions::seal_cell(ctx)
    }

    /// Computes everybody's marginal coverage and credits the rewards, as far as `step_units` compute units allow.
    pub fn settle_cell(ctx: &mut Context<SettleCell>, step_units: u32) -> Result<()> {
        instructions::settle_cell(ctx, step_units)
    }

    /// Pays what an operator earned in the cells passed, to its payout account.
    pub fn claim_rewards(ctx: &mut Context<ClaimRewards>, slots: Vec<u16>) -> Result<()> {
        instructions::claim_rewards(ctx, &slots)
    }

    /// Moves what a cell owes the treasury there.
    pub fn sweep_cell(ctx: &mut Context<SweepCell>) -> Result<()> {
        instructions::sweep_cell(ctx)
    }

    /// Closes the cell and the log of a retired workload.
    pub fn close_cell(ctx: &mut Context<CloseCell>) -> Result<()> {
        instructions::close_cell(ctx)
    }
}
