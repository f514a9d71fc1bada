//! What auditors read: every movement of money with the balance before it, every decision with what decided it.
//!
//! Events are instructions of the program to itself, signed by its event authority, and not log lines: validators cut logs
//! that grow too long, but keep every inner instruction. The data of one is [`EVENT_IX_TAG_LE`], the discriminator of the
//! event's type in the IDL, and the fields in their order, little-endian, without padding.

use crate::ID;
use crate::state::{Bond, Config};
use anchor_lang::cpi::InstructionAccount;
use anchor_lang::event::EVENT_IX_TAG_LE;
use anchor_lang::prelude::*;
use anchor_lang::unchecked_invoke_signed_fixed;

/// Seed of the authority that signs events.
pub const EVENT_AUTHORITY_SEED: &[u8] = b"__event_authority";

/// Emits an event: an accounts struct with `#[event_cpi]`, the bumps it was loaded with, and the event.
macro_rules! record {
    ($accounts:expr, $bumps:expr, $event:expr) => {
        $crate::events::invoke(&$accounts.event_authority, $bumps.event_authority, &::anchor_lang::Event::data(&$event))
    };
}
pub(crate) use record;

/// Calls the program with an event's data.
#[inline(never)]
pub fn invoke(authority: &UncheckedAccount, bump: u8, event: &[u8]) {
    let data = [EVENT_IX_TAG_LE, event].concat();
    let handle = authority.cpi_handle();
    let metas = [InstructionAccount::readonly_signer(handle.address())];
    unchecked_invoke_signed_fixed(&ID, &data, &metas, &[handle], &[&[EVENT_AUTHORITY_SEED, &[bump]]]);
}

/// A network exists.
#[event(bytemuck)]
pub struct NetworkCreated {
    /// The network.
    pub network: Address,
    /// Its authority.
    pub authority: Address,
    /// Its guardian.
    pub guardian: Address,
    /// Its mint.
    pub mint: Address,
    /// The mint's token program.
    pub token_program: Address,
    /// Start of epoch 0, in unix seconds.
    pub genesis_ts: i64,
    /// Its configuration.
    pub config: Config,
}

/// Somebody was named to become the authority.
#[event(bytemuck)]
pub struct AuthorityProposed {
    /// The network.
    pub network: Address,
    /// Who had been named before; zero for nobody.
    pub before: Address,
    /// Who may accept now; zero for nobody.
    pub pending: Address,
}

/// The authority changed.
#[event(bytemuck)]
pub struct AuthorityAccepted {
    /// The network.
    pub network: Address,
    /// The authority before.
    pub before: Address,
    /// The authority now.
    pub authority: Address,
}

/// The guardian changed.
#[event(bytemuck)]
pub struct GuardianSet {
    /// The network.
    pub network: Address,
    /// The guardian before.
    pub before: Address,
    /// The guardian now.
    pub guardian: Address,
}

/// A configuration was proposed; [`EpochOpened`] tells when it takes effect.
#[event(bytemuck)]
pub struct ConfigProposed {
    /// The network.
    pub network: Address,
    /// Epochs that begin then or later are settled by it, in unix seconds.
    pub effective_ts: i64,
    /// In force until then.
    pub before: Config,
    /// What was proposed.
    pub config: Config,
}

/// Phases were paused, or a pause ended early.
#[event(bytemuck)]
pub struct Paused {
    /// The network.
    pub network: Address,
    /// The phases, a bit each; 0 when the pause ended.
    pub phases: u64,
    /// Until when, in unix seconds.
    pub until_ts: i64,
    /// When the guardian may pause again, in unix seconds.
    pub free_ts: i64,
}

/// A place of the committee changed.
#[event(bytemuck)]
pub struct AttesterSet {
    /// The network.
    pub network: Address,
    /// The place.
    pub place: u64,
    /// Its key.
    pub key: Address,
    /// The key before.
    pub key_before: Address,
    /// Its weight.
    pub weight: u64,
    /// The weight before.
    pub weight_before: u64,
    /// The committee's new generation.
    pub generation: u64,
}

/// A workload exists.
#[event(bytemuck)]
pub struct WorkloadRegistered {
    /// The network.
    pub network: Address,
    /// The workload.
    pub workload: Address,
    /// Its number in the network.
    pub id: u64,
    /// SHA-256 of the public description of the class.
    pub descriptor_hash: [u8; 32],
    /// Its weight.
    pub weight: u64,
    /// The first epoch it is paid for.
    pub first_epoch: u64,
    /// Weight of all workloads before.
    pub total_weight_before: u64,
}

/// A workload's weight changed; 0 means that it is retired.
#[event(bytemuck)]
pub struct WorkloadWeightSet {
    /// The network.
    pub network: Address,
    /// The workload.
    pub workload: Address,
    /// Its weight before.
    pub before: u64,
    /// Its weight.
    pub weight: u64,
    /// The first epoch of the new weight.
    pub epoch: u64,
    /// Weight of all workloads before.
    pub total_weight_before: u64,
}

/// Tokens came into the treasury.
#[event(bytemuck)]
pub struct TreasuryFunded {
    /// The network.
    pub network: Address,
    /// Who paid.
    pub funder: Address,
    /// Token units.
    pub amount_units: u64,
    /// Of the treasury, before.
    pub available_before_units: u64,
}

/// Tokens were added to the next pool of a workload.
#[event(bytemuck)]
pub struct PoolSponsored {
    /// The workload.
    pub workload: Address,
    /// Who paid.
    pub sponsor: Address,
    /// Token units.
    pub amount_units: u64,
    /// From sponsors for that pool, before.
    pub sponsored_before_units: u64,
}

/// An epoch opened and took its pools from the treasury.
#[event(bytemuck)]
pub struct EpochOpened {
    /// The network.
    pub network: Address,
    /// Its number.
    pub epoch: u64,
    /// Token units for one unit of weight.
    pub unit: u64,
    /// Weight of all workloads.
    pub total_weight: u64,
    /// Of the treasury, before.
    pub available_before_units: u64,
    /// The committee's generation.
    pub committee_generation: u64,
    /// Counts changes of the configuration.
    pub config_version: u64,
    /// What settles the epoch.
    pub config: Config,
    /// Randomness that nobody knew before: what schedules of probes are drawn from.
    pub seed: [u8; 32],
}

/// All cells are done with an epoch: its account is closed.
#[event(bytemuck)]
pub struct EpochClosed {
    /// The network.
    pub network: Address,
    /// Its number.
    pub epoch: u64,
}

/// An operator exists.
#[event(bytemuck)]
pub struct OperatorRegistered {
    /// The network.
    pub network: Address,
    /// The operator.
    pub operator: Address,
    /// Its wallet.
    pub wallet: Address,
    /// Owner of its payout account.
    pub payout: Address,
    /// The sequence number of its first failure domain.
    pub domain_version: u64,
}

/// An operator is no more.
#[event(bytemuck)]
pub struct OperatorRetired {
    /// The network.
    pub network: Address,
    /// The operator.
    pub operator: Address,
    /// Token units claimed in its life.
    pub claimed_units: u64,
}

/// Why a bond changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum BondCause {
    /// Tokens were added.
    Added = 0,
    /// Tokens are on their way out.
    Unbonding = 1,
    /// Tokens went out.
    Withdrawn = 2,
    /// Tokens went to the treasury, for a verification breach. For a false batch see [`BatchRemoved`].
    Slashed = 3,
}

/// A bond changed.
#[event(bytemuck)]
pub struct BondChanged {
    /// The network.
    pub network: Address,
    /// The operator account, or the attester's key.
    pub holder: Address,
    /// A [`BondCause`].
    pub cause: u64,
    /// Token units moved.
    pub amount_units: u64,
    /// The bond before.
    pub before: Bond,
    /// The bond now.
    pub after: Bond,
}

/// An operator committed capabilities.
#[event(bytemuck)]
pub struct CapabilitiesCommitted {
    /// The operator.
    pub operator: Address,
    /// Their root.
    pub root: [u8; 32],
    /// How many leaves.
    pub count: u64,
    /// The first epoch they count in.
    pub epoch: u64,
}

/// An operator enrolled in a cell.
#[event(bytemuck)]
pub struct Enrolled {
    /// The workload.
    pub workload: Address,
    /// The operator.
    pub operator: Address,
    /// Its slot.
    pub slot: u64,
    /// The first epoch the slot counts in.
    pub joined_epoch: u64,
    /// Its bond, in token units.
    pub bond_units: u64,
    /// Its failure domain.
    pub domain: u64,
}

/// A slot got its operator's present bond and failure domain.
#[event(bytemuck)]
pub struct SlotSynced {
    /// The workload.
    pub workload: Address,
    /// The slot.
    pub slot: u64,
    /// The first epoch they count in.
    pub epoch: u64,
    /// Bond that would have counted, in token units.
    pub bond_before_units: u64,
    /// Bond, in token units.
    pub bond_units: u64,
    /// Failure domain that would have counted.
    pub domain_before: u64,
    /// Failure domain.
    pub domain: u64,
}

/// An operator leaves a cell.
#[event(bytemuck)]
pub struct CellLeft {
    /// The workload.
    pub workload: Address,
    /// The operator.
    pub operator: Address,
    /// Its slot.
    pub slot: u64,
    /// The first epoch the slot does not count in.
    pub left_epoch: u64,
}

/// A slot is free for the next operator, or gone with the end of the cell.
#[event(bytemuck)]
pub struct SlotReleased {
    /// The workload.
    pub workload: Address,
    /// The slot.
    pub slot: u64,
    /// Slots the cell has now.
    pub slots: u64,
    /// Who paid the slot's rent.
    pub payer: Address,
}

/// A batch of outcomes was counted.
#[event(bytemuck)]
pub struct BatchApplied {
    /// The workload.
    pub workload: Address,
    /// The epoch.
    pub epoch: u64,
    /// Number of the batch.
    pub sequence: u64,
    /// Root of its receipts' tree.
    pub receipts_root: [u8; 32],
    /// How many receipts.
    pub receipts: u64,
    /// SHA-256 of its entries' bytes, which are in the transactions that uploaded them.
    pub entries_hash: [u8; 32],
    /// Places in the committee of those that signed, a bit each.
    pub endorsers: u64,
    /// The committee's generation.
    pub generation: u64,
}

/// A batch was proven false: its counts are taken back, its endorsers' bonds slashed.
#[event(bytemuck)]
pub struct BatchRemoved {
    /// The workload.
    pub workload: Address,
    /// The epoch.
    pub epoch: u64,
    /// Number of the batch.
    pub sequence: u64,
    /// Which fraud, by number.
    pub fraud: u64,
    /// Who proved it.
    pub challenger: Address,
    /// Places in the committee whose bonds were slashed, a bit each: an event for each would exceed the instructions that a
    /// transaction may have, and with them the batch would stand that everybody signed.
    pub slashed_places: u64,
    /// Part of each of these bonds that was taken, in ten-thousandths, each rounded down.
    pub slash_bps: u64,
    /// Token units taken from bonds.
    pub slashed_units: u64,
    /// Of them to the challenger.
    pub reward_units: u64,
    /// Of the treasury, before it got the rest.
    pub available_before_units: u64,
}

/// An operator's failure domain was attested.
#[event(bytemuck)]
pub struct FailureDomainApplied {
    /// The operator.
    pub operator: Address,
    /// The domain before.
    pub before: u64,
    /// The domain now.
    pub domain: u64,
    /// The next attestation's sequence number.
    pub version: u64,
}

/// A cell was sealed: its pool is fixed.
#[event(bytemuck)]
pub struct CellSealed {
    /// The workload.
    pub workload: Address,
    /// The epoch.
    pub epoch: u64,
    /// The pool in token units.
    pub pool_units: u64,
    /// Of it from the epoch.
    pub allocated_units: u64,
    /// Of it carried over.
    pub carry_units: u64,
    /// Of it from sponsors.
    pub sponsored_units: u64,
    /// When, in unix seconds.
    pub sealed_ts: i64,
}

/// A cell was settled.
#[event(bytemuck)]
pub struct CellSettled {
    /// The workload.
    pub workload: Address,
    /// The epoch.
    pub epoch: u64,
    /// Coverage, in 2^-64.
    pub coverage_q64: u64,
    /// The pool, in token units.
    pub pool_units: u64,
    /// Of it paid.
    pub paid_units: u64,
    /// Of it carried into the next epoch.
    pub carry_units: u64,
    /// Of it on its way back to the treasury.
    pub returned_units: u64,
    /// Earned and unclaimed in the cell, before.
    pub earned_before_units: u64,
}

/// What a cell owed the treasury went there.
#[event(bytemuck)]
pub struct CellSwept {
    /// The workload.
    pub workload: Address,
    /// What capped carries had returned, in token units.
    pub returned_units: u64,
    /// The last carry of a retired workload, in token units.
    pub carry_units: u64,
    /// What sponsors added too late, in token units.
    pub sponsored_units: u64,
    /// Of the treasury, before.
    pub available_before_units: u64,
}

/// A retired workload's cell and log are closed.
#[event(bytemuck)]
pub struct CellClosed {
    /// The workload.
    pub workload: Address,
    /// The first epoch it was not paid for.
    pub epoch: u64,
}

/// An operator was paid what it earned in a cell.
#[event(bytemuck)]
pub struct RewardsClaimed {
    /// The operator.
    pub operator: Address,
    /// The workload.
    pub workload: Address,
    /// Its slot there.
    pub slot: u64,
    /// The token account paid.
    pub payout_account: Address,
    /// Token units.
    pub amount_units: u64,
    /// Earned and unclaimed in the cell, before.
    pub earned_before_units: u64,
}
