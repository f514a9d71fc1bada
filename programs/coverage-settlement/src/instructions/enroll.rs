use crate::constants::PAUSE_ENROL;
use crate::errors::CoverageError;
use crate::events::{self, Enrolled};
use crate::instructions::now;
use crate::state::{self, ANY_REGION, Account, CellAccount, Network, Operator, WORKLOAD_ACTIVE, Workload};
use crate::{ID, Runtime};
use anchor_lang::cpi::InstructionAccount;
use anchor_lang::prelude::*;
use anchor_lang::{AccountRealloc, AccountView, address_eq, unchecked_invoke_signed_fixed};
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

/// Accounts of `enroll`; behind them, if the cell has a free slot, the wallet that paid for the first of these.
#[event_cpi]
#[derive(Accounts)]
pub struct Enroll {
    /// Pays the rent of the slot; may be who paid for a free one. SAFETY: neither's data is touched.
    #[account(mut, unsafe(dup))]
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
/// - shall take the first free slot, and pay its rent back to who paid it, before it makes a new one
///
/// Callable by the operator's wallet.
pub fn enroll(ctx: &mut Context<Enroll>, capability: &CapabilityArgs, index: u32, proof: &[[u8; 32]]) -> Result<()> {
    let refund = ctx.remaining_accounts()?.first().copied();
    let accounts = &mut ctx.accounts;
    let workload = &accounts.workload;
    let now = now()?;
    accounts.network.require_running(PAUSE_ENROL, now)?;
    require!(workload.status == WORKLOAD_ACTIVE, CoverageError::WorkloadRetired);
    accounts.cell.require_unsettling()?;
    validate_capability(workload, capability)?;
    verify_leaf(accounts, capability, index, proof)?;

    let operator_address = *accounts.operator.address();
    let slots = state::slots(&accounts.cell)?;
    require!(cell::find(slots, operator_address.as_array()).is_none(), CoverageError::AlreadyEnrolled);
    let free = if accounts.cell.free == 0 { None } else { cell::first_free(slots) };

    let joined_epoch = accounts.network.first_free_epoch(now).max(accounts.operator.capability_epoch);
    let operator = &mut accounts.operator;
    let slot = Slot::new(*operator_address.as_array(), operator.bond.active(), operator.domain, joined_epoch);
    operator.cells = operator.cells.saturating_add(1);
    let number = match free {
        Some(number) => {
            take_over(accounts, number, refund)?;
            number
        }
        None => grow(&mut accounts.cell, *accounts.wallet.account())?,
    };
    *state::slot_mut(&mut accounts.cell, number as u16)? = slot; // < MAX_SLOTS

    events::record!(
        accounts,
        ctx.bumps,
        Enrolled {
            workload: *accounts.workload.address(),
            operator: operator_address,
            slot: number as u64,
            joined_epoch,
            bond_units: slot.bond,
            domain: u64::from(slot.domain),
        }
    );
    accounts.cell.invariant()
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

/// Takes a free slot, and pays its rent back to who paid it.
fn take_over(accounts: &mut Enroll, number: usize, refund: Option<AccountView>) -> Result<()> {
    accounts.cell.free = accounts.cell.free.checked_sub(1).ok_or(CoverageError::Inconsistent)?;
    let payer = state::slot_mut(&mut accounts.cell, number as u16)?.operator;
    let refund = refund.filter(|refund| refund.address().as_array() == &payer).ok_or(CoverageError::WrongRefund)?;
    /// `Transfer` of the system program.
    const TRANSFER: [u8; 4] = [2, 0, 0, 0];
    let [a, b, c, d] = TRANSFER;
    let [e, f, g, h, i, j, k, l] = state::slot_rent(number)?.to_le_bytes();
    let (mut wallet, mut refund) = (*accounts.wallet.account(), refund);
    let handles = [CpiHandle::writable(&mut wallet), CpiHandle::writable(&mut refund)];
    let [from, to] = handles.each_ref().map(CpiHandle::address);
    let metas = [InstructionAccount::writable_signer(from), InstructionAccount::writable(to)];
    let data = [a, b, c, d, e, f, g, h, i, j, k, l];
    unchecked_invoke_signed_fixed(accounts.system_program.address(), &data, &metas, &handles, &[]);
    Ok(())
}

/// Makes room for one more slot, at the payer's expense; returns its number.
fn grow(cell: &mut CellAccount, payer: AccountView) -> Result<usize> {
    let number = usize::from(cell.slots);
    require!(number < MAX_SLOTS, CoverageError::CellFull);
    let wanted = state::items_for(number.saturating_add(1));
    let space = CellAccount::try_space_for(wanted as u32)?; // at most 1,035 items
    cell.realloc_account(space, payer, true)?;
    while cell.len() < wanted {
        cell.try_push(bytemuck::Zeroable::zeroed())?;
    }
    cell.slots = cell.slots.saturating_add(1); // ≤ MAX_SLOTS
    Ok(number)
}
