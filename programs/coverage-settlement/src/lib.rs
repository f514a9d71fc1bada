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

    /// Replaces part of the list of attesters.
    pub fn update_committee(
        ctx: &mut Context<UpdateCommittee>,
        start: u8,
        count: u8,
        members: Vec<Member>,
    ) -> Result<()> {
        instructions::update_committee(ctx, start, count, &members)
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

    /// Adds tokens to the treasury.
    pub fn fund_treasury(ctx: &mut Context<FundTreasury>, amount_units: u64) -> Result<()> {
        instructions::fund_treasury(ctx, amount_units)
    }

    /// Opens the next epoch and takes its pools from the treasury.
    pub fn open_epoch(ctx: &mut Context<OpenEpoch>) -> Result<()> {
        instructions::open_epoch(ctx)
    }

    /// Registers the signer as an operator, with its bond.
    pub fn register_operator(ctx: &mut Context<RegisterOperator>, payout: Address, bond_units: u64) -> Result<()> {
        instructions::register_operator(ctx, payout, bond_units)
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

    /// Adds an endorsed batch of outcomes to its cell.
    pub fn apply_batch(ctx: &mut Context<ApplyBatch>) -> Result<()> {
        instructions::apply_batch(ctx)
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
}
