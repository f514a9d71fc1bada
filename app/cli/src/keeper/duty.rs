//! One thing that anyone may do for a network, and the instruction that does it.

use coverage_client::instructions::{
    self, SETTLE_STEPS, claim_rewards, close_cell, release_slot, seal_cell, settle_cell, slash_operator, sweep_cell,
    sync_slot, trim_cell,
};
use coverage_client::pda::Token;
use coverage_client::rpc::Snapshot;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::fmt;

/// Something that is due. Two of them are equal only if doing either has the same effect on the same state, so one that is
/// still due after it was done, unchanged, is one that did not work.
///
/// The order is the order to do them in: what others wait for comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Open the network's next epoch.
    OpenEpoch {
        /// Its number.
        epoch: u64,
    },
    /// End the collecting of outcomes in a cell.
    Seal {
        /// The workload.
        workload: Pubkey,
        /// The epoch in hand.
        epoch: u64,
    },
    /// Settle a cell, or go on with it.
    Settle {
        /// The workload.
        workload: Pubkey,
        /// The epoch in hand.
        epoch: u64,
        /// How far it is: the stage, and what of it is done.
        done: (u8, u16),
    },
    /// Slash an operator for a settled verification breach.
    Slash {
        /// The workload.
        workload: Pubkey,
        /// The operator's account.
        operator: Pubkey,
        /// Its slot.
        slot: u16,
    },
    /// Give a slot its operator's present bond and failure domain.
    Sync {
        /// The workload.
        workload: Pubkey,
        /// The operator's account.
        operator: Pubkey,
        /// Its slot.
        slot: u16,
    },
    /// Pay an operator what it earned.
    Claim {
        /// The operator's account.
        operator: Pubkey,
        /// Who is paid.
        payout: Pubkey,
        /// Workloads with the operator's slot in each.
        slots: Vec<(Pubkey, u16)>,
        /// What it comes to, in token units.
        units: u64,
    },
    /// Move what a cell owes the treasury there.
    Sweep {
        /// The workload.
        workload: Pubkey,
        /// What it comes to, in token units.
        units: u64,
    },
    /// Report cells that are done with an epoch; closes it after the last.
    CloseEpoch {
        /// Its number.
        epoch: u64,
        /// Who opened it and gets its rent.
        payer: Pubkey,
        /// The workloads whose cells report.
        workloads: Vec<Pubkey>,
    },
    /// Free the slot of an operator that has left.
    Release {
        /// The workload.
        workload: Pubkey,
        /// The operator's account.
        operator: Pubkey,
        /// Its slot.
        slot: u16,
    },
    /// Take free slots off the end of a cell.
    Trim {
        /// The workload.
        workload: Pubkey,
        /// Who get their rent back, from the last slot on.
        payers: Vec<Pubkey>,
    },
    /// Close the cell and log of a retired workload.
    CloseCell {
        /// The workload.
        workload: Pubkey,
        /// Who registered it and gets the rent.
        payer: Pubkey,
    },
}

impl Duty {
    /// Its kind, as metrics and logs name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OpenEpoch { .. } => "open_epoch",
            Self::Seal { .. } => "seal_cell",
            Self::Settle { .. } => "settle_cell",
            Self::Slash { .. } => "slash_operator",
            Self::Sync { .. } => "sync_slot",
            Self::Claim { .. } => "claim_rewards",
            Self::Sweep { .. } => "sweep_cell",
            Self::CloseEpoch { .. } => "close_epoch",
            Self::Release { .. } => "release_slot",
            Self::Trim { .. } => "trim_cell",
            Self::CloseCell { .. } => "close_cell",
        }
    }

    /// The instruction that does it; `payer` pays for accounts that have to be made.
    #[must_use]
    pub fn instruction(&self, payer: Pubkey, snapshot: &Snapshot) -> Instruction {
        let network = snapshot.address;
        match self {
            Self::OpenEpoch { epoch } => instructions::open_epoch(payer, network, *epoch),
            Self::Seal { workload, epoch } => seal_cell(network, *workload, *epoch),
            Self::Settle { workload, epoch, .. } => settle_cell(network, *workload, *epoch, SETTLE_STEPS),
            Self::Slash { workload, operator, slot } => slash_operator(network, *operator, *workload, *slot),
            Self::Sync { workload, operator, slot } => sync_slot(network, *operator, *workload, *slot),
            Self::Claim { operator, payout, slots, .. } => {
                claim_rewards(payer, network, &Token::from(&snapshot.network), *operator, *payout, slots)
            }
            Self::Sweep { workload, .. } => sweep_cell(network, *workload),
            Self::CloseEpoch { epoch, payer, workloads } => {
                instructions::close_epoch(*payer, network, *epoch, workloads)
            }
            Self::Release { workload, operator, slot } => release_slot(*operator, *workload, *slot),
            Self::Trim { workload, payers } => trim_cell(*workload, payers),
            Self::CloseCell { workload, payer } => close_cell(*payer, *workload),
        }
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenEpoch { epoch } => write!(f, "opening epoch {epoch}"),
            Self::Seal { workload, epoch } => write!(f, "sealing workload {workload} for epoch {epoch}"),
            Self::Settle { workload, epoch, .. } => write!(f, "settling workload {workload} for epoch {epoch}"),
            Self::Slash { workload, operator, .. } => {
                write!(f, "slashing operator {operator} for breaches in workload {workload}")
            }
            Self::Sync { workload, operator, .. } => {
                write!(f, "syncing the slot of operator {operator} in workload {workload}")
            }
            Self::Claim { operator, slots, units, .. } => {
                write!(f, "paying operator {operator} {units} token units of {} cells", slots.len())
            }
            Self::Sweep { workload, units } => {
                write!(f, "moving {units} token units of workload {workload} to the treasury")
            }
            Self::CloseEpoch { epoch, workloads, .. } => {
                write!(f, "reporting {} cells done with epoch {epoch}", workloads.len())
            }
            Self::Release { workload, slot, .. } => write!(f, "freeing slot {slot} of workload {workload}"),
            Self::Trim { workload, payers } => {
                write!(f, "taking {} free slots off workload {workload}", payers.len())
            }
            Self::CloseCell { workload, .. } => write!(f, "closing the cell of retired workload {workload}"),
        }
    }
}
