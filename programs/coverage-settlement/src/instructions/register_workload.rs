// The derive binds the instruction arguments a second time where it has no use for them.
#![allow(unused_variables)]

use crate::errors::CoverageError;
use crate::events::{self, WorkloadRegistered};
use crate::instructions::now;
use crate::state::{
    Account, BatchLogAccount, CELL_SEED, CellAccount, LOG_SEED, Network, Requirements, WORKLOAD_SEED, Workload,
};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `register_workload`.
#[event_cpi]
#[derive(Accounts)]
#[instruction(id: u64)]
pub struct RegisterWorkload {
    /// Pays the rent, and gets that of cell and log back when they close.
    #[account(mut)]
    pub authority: Signer,
    #[account(mut, constraint = address_eq(&network.authority, authority.address()) @ CoverageError::NotAuthority)]
    pub network: Account<Network>,
    #[account(init, payer = authority, seeds = [WORKLOAD_SEED, network.address().as_ref(), &id.to_le_bytes()], bump)]
    pub workload: Account<Workload>,
    #[account(
        init, payer = authority, space = CellAccount::space_for(0),
        seeds = [CELL_SEED, workload.address().as_ref()], bump
    )]
    pub cell: CellAccount,
    #[account(
        init, payer = authority, space = BatchLogAccount::space_for(0),
        seeds = [LOG_SEED, workload.address().as_ref()], bump
    )]
    pub log: BatchLogAccount,
    pub system_program: Program<System>,
}

/// Adds a workload with its cell and log; it is paid for from the next epoch on.
///
/// Specification:
/// - shall refuse while the current epoch is not open: its unit must not depend on what comes during it (I6)
///
/// Callable by the authority; once for each id, for good: the workload's account outlives its cell.
pub fn register_workload(
    ctx: &mut Context<RegisterWorkload>,
    id: u64,
    weight: u64,
    requirements: &Requirements,
) -> Result<()> {
    require!(weight > 0, CoverageError::InvalidWeight);
    let accounts = &mut ctx.accounts;
    accounts.network.require_current_epoch_open(now()?)?;
    let network_address = *accounts.network.address();
    let workload_address = *accounts.workload.address();
    let first_epoch = accounts.network.next_epoch;

    let workload = &mut accounts.workload;
    workload.bump = ctx.bumps.workload;
    workload.verification_mode = requirements.verification_mode;
    workload.hardware_class = requirements.hardware_class;
    workload.region = requirements.region;
    workload.network = network_address;
    workload.payer = *accounts.authority.address();
    workload.id = id;
    workload.model = requirements.model;
    workload.descriptor_hash = requirements.descriptor_hash;
    workload.min_capacity_milli = requirements.min_capacity_milli;
    workload.latency_ms = requirements.latency_ms;
    workload.size_class = requirements.size_class;
    workload.weight = weight;
    workload.weight_epoch = first_epoch;
    workload.first_epoch = first_epoch;

    let cell = &mut accounts.cell;
    cell.bump = ctx.bumps.cell;
    cell.network = network_address;
    cell.workload = workload_address;
    cell.epoch = first_epoch;
    cell.reported_epoch = first_epoch;

    let log = &mut accounts.log;
    log.bump = ctx.bumps.log;
    log.workload = workload_address;
    log.epoch = first_epoch;

    let network = &mut accounts.network;
    let total_weight_before = network.total_weight;
    network.total_weight = total_weight_before.checked_add(weight).ok_or(CoverageError::AmountOverflow)?;
    network.workloads = network.workloads.saturating_add(1);
    events::record!(
        accounts,
        ctx.bumps,
        WorkloadRegistered {
            network: network_address,
            workload: workload_address,
            id,
            descriptor_hash: requirements.descriptor_hash,
            weight,
            first_epoch,
            total_weight_before,
        }
    );
    accounts.cell.invariant()?;
    accounts.network.invariant()
}
