//! What auditors read: every movement of money with the balance before it, every decision with what decided it.

use anchor_lang::prelude::*;

/// A network exists.
#[event(bytemuck)]
pub struct NetworkCreated {
    /// The network.
    pub network: Address,
    /// Its authority.
    pub authority: Address,
    /// Its mint.
    pub mint: Address,
    /// Start of epoch 0, in unix seconds.
    pub genesis_ts: i64,
}

/// The committee changed.
#[event(bytemuck)]
pub struct CommitteeUpdated {
    /// The network.
    pub network: Address,
    /// The new generation.
    pub generation: u64,
    /// Attesters in it.
    pub count: u64,
    /// Their weight.
    pub total_weight: u64,
}

/// A workload exists.
#[event(bytemuck)]
pub struct WorkloadRegistered {
    /// The network.
    pub network: Address,
    /// The workload.
    pub workload: Address,
    /// Its weight.
    pub weight: u64,
    /// The first epoch it is paid for.
    pub first_epoch: u64,
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
    /// Its bond in token units.
    pub bond_units: u64,
    /// Bonds of all operators, before.
    pub bonds_before_units: u64,
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

/// An attestation got endorsements.
#[event(bytemuck)]
pub struct Endorsed {
    /// The attestation.
    pub attestation: Address,
    /// Attesters that signed, a bit each.
    pub endorsers: u64,
    /// Their weight.
    pub weight: u64,
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
    /// SHA-256 of its entries' bytes.
    pub entries_hash: [u8; 32],
    /// Attesters that signed, a bit each.
    pub endorsers: u64,
    /// The committee's generation.
    pub generation: u64,
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
    /// How many were attested, this one included.
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

/// An operator was paid.
#[event(bytemuck)]
pub struct RewardsClaimed {
    /// The operator.
    pub operator: Address,
    /// The token account paid.
    pub payout_account: Address,
    /// Token units.
    pub amount_units: u64,
    /// Claimed in its life, before.
    pub claimed_before_units: u64,
}
