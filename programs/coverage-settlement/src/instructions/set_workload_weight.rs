use crate::errors::CoverageError;
use crate::events::{self, WorkloadWeightSet};
use crate::instructions::now;
use crate::state::{Account, CellAccount, Network, WORKLOAD_ACTIVE, WORKLOAD_RETIRED, Workload};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `set_workload_weight`.
#[event_cpi]
#[derive(Accounts)]
pub struct SetWorkloadWeight {
    pub authority: Signer,
    #[account(mut, constraint = address_eq(&network.authority, authority.address()) @ CoverageError::NotAuthority)]
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&workload.network, network.address()) @ CoverageError::WrongNetwork)]
    pub workload: Account<Workload>,
    #[account(constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
}

/// Gives a workload another weight from the next epoch on; a weight of 0 retires it for good.
///
/// Specification:
/// - shall refuse while the current epoch is not open: its unit must not depend on what comes during it (I6)
/// - shall refuse while an epoch that the weight before the last change pays for is not settled: it would be forgotten
///
/// Callable by the authority.
pub fn set_workload_weight(ctx: &mut Context<SetWorkloadWeight>, weight: u64) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let (network, workload) = (&mut accounts.network, &mut accounts.workload);
    require!(workload.status == WORKLOAD_ACTIVE, CoverageError::WorkloadRetired);
    network.require_current_epoch_open(now()?)?;
    let (epoch, before) = (network.next_epoch, workload.weight);
    if workload.weight_epoch != epoch {
        require!(accounts.cell.epoch >= workload.weight_epoch, CoverageError::WeightPending);
        workload.previous_weight = before;
        workload.weight_epoch = epoch;
    }
    workload.weight = weight;

    let total_weight_before = network.total_weight;
    let others = total_weight_before.checked_sub(before).ok_or(CoverageError::Inconsistent)?;
    network.total_weight = others.checked_add(weight).ok_or(CoverageError::AmountOverflow)?;
    if weight == 0 {
        workload.status = WORKLOAD_RETIRED;
        network.workloads = network.workloads.checked_sub(1).ok_or(CoverageError::Inconsistent)?;
    }
    events::record!(
        accounts,
        ctx.bumps,
        WorkloadWeightSet {
            network: *accounts.network.address(),
            workload: *accounts.workload.address(),
            before,
            weight,
            epoch,
            total_weight_before,
        }
    );
    accounts.network.invariant()
}
