use crate::errors::CoverageError;
use crate::events::Enrolled;
use crate::instructions::now;
use crate::state::{self, ANY_REGION, CellAccount, Network, Operator, Phase, WORKLOAD_ACTIVE, Workload};
use crate::{ID, Runtime};
use anchor_lang::AccountRealloc;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use coverage_math::cell::{self, MAX_SLOTS, Slot};
use coverage_math::hash::{NO_EPOCH, Purpose, Tag};
use coverage_math::merkle;
use coverage_math::receipt::Capability;

/// The part of a capability leaf that is the operator's to say; see [`Capability`]. Model and workload are the workload's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SchemaRead, SchemaWrite, IdlType)]
pub struct CapabilityArgs {
    /// Hardware class, as the network numbers them.
    pub hardware_class: u16,
    /// Verification mode, as the network numbers them.
    pub verification_mode: u8,
    /// Region, as the network numbers them.
    pub region: u16,
    /// The latency committed to, in milliseconds.
    pub latency_ms: u32,
    /// The capacity committed to, in thousandths of the workload's unit a second.
    pub capacity_milli: u64,
    /// Hides the leaf until it is opened.
    pub salt: [u8; 32],
}

/// Accounts of `enroll`.
#[derive(Accounts)]
pub struct Enroll {
    /// Pays the rent of the slot.
    #[account(mut)]
    pub wallet: Signer,
    pub network: Account<Network>,
    #[account(constraint = address_eq(&workload.network, network.address()) @ CoverageError::WrongNetwork)]
    pub workload: Account<Workload>,
    #[account(
        mut,
        constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork,
        constraint = address_eq(&operator.wallet, wallet.address()) @ CoverageError::WrongWallet
    )]
    pub operator: Account<Operator>,
    #[account(mut, constraint = address_eq(&cell.workload, workload.address()) @ CoverageError::WrongWorkload)]
    pub cell: CellAccount,
    pub system_program: Program<System>,
}

/// Opens one capability leaf and takes a slot in the workload's cell, which counts from the next epoch.
///
/// Specification:
/// - shall refuse a leaf that is not in the operator's tree or does not meet the workload's requirements
/// - shall refuse a second slot for the same operator
/// - shall refuse while the cell is being settled: the number of slots must not change between two steps
///
/// Callable by the operator's wallet.
pub fn enroll(ctx: &mut Context<Enroll>, capability: &CapabilityArgs, index: u32, proof: &[[u8; 32]]) -> Result<()> {
    let accounts = &mut ctx.accounts;
    let workload = &accounts.workload;
    require!(workload.status == WORKLOAD_ACTIVE, CoverageError::WorkloadRetired);
    require!(accounts.cell.phase != Phase::Settling as u8, CoverageError::CellSettling);
    validate_capability(workload, capability)?;
    verify_leaf(accounts, capability, index, proof)?;

    let operator_address = *accounts.operator.address();
    let count = usize::from(accounts.cell.slots);
    require!(count < MAX_SLOTS, CoverageError::CellFull);
    let enrolled = cell::find(state::slots(&accounts.cell)?, operator_address.as_array());
    require!(enrolled.is_none(), CoverageError::AlreadyEnrolled);

    let operator = &mut accounts.operator;
    let joined_epoch = accounts.network.first_free_epoch(now()?).max(operator.capability_epoch);
    let slot = Slot::new(*operator_address.as_array(), operator.bond, operator.domain, joined_epoch);
    operator.cells = operator.cells.saturating_add(1);

    let cell = &mut accounts.cell;
    grow(cell, count, *accounts.wallet.account())?;
    cell.slots = cell.slots.saturating_add(1); // < MAX_SLOTS
    *state::slot_mut(cell, count as u16)? = slot;

    emit!(Enrolled {
        workload: cell.workload,
        operator: operator_address,
        slot: count as u64,
        joined_epoch,
        bond_units: slot.bond,
        domain: u64::from(slot.domain),
    });
    cell.invariant()
}

/// The operator's side of the bargain.
fn validate_capability(workload: &Workload, capability: &CapabilityArgs) -> Result<()> {
    let region = workload.region == ANY_REGION || workload.region == capability.region;
    let meets = region
        && workload.hardware_class == capability.hardware_class
        && workload.verification_mode == capability.verification_mode
        && capability.latency_ms <= workload.latency_ms
        && capability.capacity_milli >= workload.min_capacity_milli;
    require!(meets, CoverageError::CapabilityMismatch);
    Ok(())
}

fn verify_leaf(accounts: &Enroll, args: &CapabilityArgs, index: u32, proof: &[[u8; 32]]) -> Result<()> {
    let capability = Capability {
        workload: *accounts.workload.address().as_array(),
        model: accounts.workload.model,
        hardware_class: args.hardware_class,
        verification_mode: args.verification_mode,
        region: args.region,
        latency_ms: args.latency_ms,
        capacity_milli: args.capacity_milli,
        salt: args.salt,
    };
    let network = accounts.network.address();
    let tag = Tag::new::<Runtime>(ID.as_array(), network.as_array(), Purpose::Capabilities, NO_EPOCH);
    let leaf = capability.leaf::<Runtime>(&tag).map_err(|_| CoverageError::Inconsistent)?;
    let operator = &accounts.operator;
    let valid = merkle::verify::<Runtime>(&operator.capability_root, operator.capability_count, index, leaf, proof);
    require!(valid, CoverageError::InvalidProof);
    Ok(())
}

/// Makes room for one more slot behind `count` of them, at the payer's expense.
fn grow(cell: &mut CellAccount, count: usize, payer: AccountView) -> Result<()> {
    let wanted = state::items_for(count.saturating_add(1));
    let space = CellAccount::try_space_for(wanted as u32)?; // at most 1,035 items
    cell.realloc_account(space, payer, true)?;
    while cell.len() < wanted {
        cell.try_push(bytemuck::Zeroable::zeroed())?;
    }
    Ok(())
}
