//! What a receipt must be to be stored.

use borsh::{BorshDeserialize, BorshSerialize};
use coverage_client::receipts::ReceiptJson;
use coverage_math::receipt::Receipt;
use solana_program::pubkey::Pubkey;
use thiserror::Error;

/// What of a refused receipt's JSON an error shows, in characters.
const SHOWN: usize = 120;

/// Reads one receipt.
///
/// # Errors
/// [`Refusal::Schema`].
pub fn parse(json: &[u8]) -> Result<Receipt, Refusal> {
    serde_json::from_slice::<ReceiptJson>(json).map(Receipt::from).map_err(|error| {
        let shown: String = String::from_utf8_lossy(json).chars().take(SHOWN).collect();
        Refusal::Schema(format!("{error}, in {shown}"))
    })
}

/// Why a receipt is not stored.
#[derive(Clone, Debug, Error, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// It is no receipt.
    #[error("it is not a receipt in JSON: {0}; see the README for its fields")]
    Schema(String),
    /// The network has no such workload.
    #[error("the network has no workload {0} that is open; give the address of the workload's account")]
    WorkloadUnknown(Pubkey),
    /// The epoch has not been opened.
    #[error("epoch {epoch} is not open yet; send it again once it is")]
    EpochNotOpen {
        /// The receipt's epoch.
        epoch: u64,
    },
    /// The cell does not collect receipts of that epoch any more.
    #[error("the workload's cell is done with epoch {epoch}: the receipt came too late to count, drop it")]
    EpochClosed {
        /// The receipt's epoch.
        epoch: u64,
    },
    /// It was not observed in the epoch.
    #[error(
        "observed_at {observed_at} is not in epoch {epoch}, which is from {start_ts} to before {end_ts}; sign it for the epoch it was observed in"
    )]
    OutsideEpoch {
        /// The receipt's epoch.
        epoch: u64,
        /// When it was observed, in unix seconds.
        observed_at: i64,
        /// The epoch's first second.
        start_ts: i64,
        /// The first second after it.
        end_ts: i64,
    },
    /// The cell has no such slot.
    #[error("the workload's cell has no slot {slot}; look the operator's slot up again")]
    SlotUnknown {
        /// The receipt's slot.
        slot: u16,
    },
    /// The slot does not count in that epoch.
    #[error("slot {slot} does not count in epoch {epoch}: its operator enrols for a later one, or has left; drop it")]
    SlotNotEffective {
        /// The receipt's slot.
        slot: u16,
        /// The receipt's epoch.
        epoch: u64,
    },
    /// The reporter is not one this attester knows.
    #[error("{0} is not a reporter here; add it to `reporters` in the attesters' settings, or sign with one that is")]
    ReporterUnknown(Pubkey),
    /// A committee member reports something that is no probe of its.
    #[error("{0} is in the committee and reports its scheduled probes only; have requests reported by another key")]
    NotScheduled(Pubkey),
    /// The signature does not hold.
    #[error(
        "the signature is not the reporter's for these fields; sign the attempt under this network's and epoch's tag"
    )]
    SignatureInvalid,
    /// Another receipt of its identity is stored.
    #[error("another receipt of this request and slot is stored and stays; report a request once")]
    Conflict,
}

impl Refusal {
    /// Every code, in the order of the checks.
    pub const CODES: [&'static str; 11] = [
        "schema",
        "workload_unknown",
        "epoch_not_open",
        "epoch_closed",
        "outside_epoch",
        "slot_unknown",
        "slot_not_effective",
        "reporter_unknown",
        "signature_invalid",
        "not_scheduled",
        "conflict",
    ];

    /// The reason for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Schema(_) => "schema",
            Self::WorkloadUnknown(_) => "workload_unknown",
            Self::EpochNotOpen { .. } => "epoch_not_open",
            Self::EpochClosed { .. } => "epoch_closed",
            Self::OutsideEpoch { .. } => "outside_epoch",
            Self::SlotUnknown { .. } => "slot_unknown",
            Self::SlotNotEffective { .. } => "slot_not_effective",
            Self::ReporterUnknown(_) => "reporter_unknown",
            Self::SignatureInvalid => "signature_invalid",
            Self::NotScheduled(_) => "not_scheduled",
            Self::Conflict => "conflict",
        }
    }

    /// Whether the same receipt may be taken later, once the chain has moved or this attester has read that it has.
    #[must_use]
    pub const fn may_pass_later(&self) -> bool {
        matches!(self, Self::WorkloadUnknown(_) | Self::EpochNotOpen { .. } | Self::SlotUnknown { .. })
    }
}
