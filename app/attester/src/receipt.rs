//! Receipts as they come in: their JSON form, and what a receipt must be to be stored.
//!
//! ```json
//! {"request_id": "<64 hex digits>", "workload": "<address>", "epoch": 7, "slot": 3, "outcome": "served", "latency_ms": 412,
//!  "observed_at": 1790000000, "evidence": "<64 hex digits>", "reporter": "<key>", "signature": "<128 hex digits>"}
//! ```
//! Addresses and keys are base58, times unix seconds. Other fields are refused: nobody would notice a misspelt one.

use coverage_math::receipt::{Attempt, Receipt};
use coverage_math::reliability::Outcome;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use solana_program::pubkey::Pubkey;
use std::fmt;
use thiserror::Error;

/// What of a refused receipt's JSON an error shows, in characters.
const SHOWN: usize = 120;

/// Bytes that are hexadecimal in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hex<const N: usize>([u8; N]);

/// An address or key that is base58 in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Base58([u8; 32]);

/// The JSON form of an [`Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeName {
    Served,
    ModelUnavailable,
    HardwareIncompatible,
    CapacityExhausted,
    RoutingFailed,
    LatencyExceeded,
    VerificationFailed,
}

impl OutcomeName {
    const ALL: [Self; Outcome::ALL.len()] = [
        Self::Served,
        Self::ModelUnavailable,
        Self::HardwareIncompatible,
        Self::CapacityExhausted,
        Self::RoutingFailed,
        Self::LatencyExceeded,
        Self::VerificationFailed,
    ];
}

/// The JSON form of a [`Receipt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptJson {
    request_id: Hex<32>,
    workload: Base58,
    epoch: u64,
    slot: u16,
    outcome: OutcomeName,
    latency_ms: u32,
    observed_at: i64,
    evidence: Hex<32>,
    reporter: Base58,
    signature: Hex<64>,
}

impl ReceiptJson {
    /// The JSON form of a receipt; `None` if its outcome is unknown.
    #[must_use]
    pub fn of(receipt: &Receipt) -> Option<Self> {
        let attempt = &receipt.attempt;
        Some(Self {
            request_id: Hex(attempt.request_id),
            workload: Base58(attempt.workload),
            epoch: attempt.epoch,
            slot: attempt.slot,
            outcome: *OutcomeName::ALL.get(usize::from(attempt.outcome))?,
            latency_ms: attempt.latency_ms,
            observed_at: attempt.observed_at,
            evidence: Hex(attempt.evidence),
            reporter: Base58(attempt.reporter),
            signature: Hex(receipt.signature),
        })
    }
}

impl From<ReceiptJson> for Receipt {
    fn from(json: ReceiptJson) -> Self {
        let attempt = Attempt {
            request_id: json.request_id.0,
            workload: json.workload.0,
            epoch: json.epoch,
            slot: json.slot,
            outcome: json.outcome as u8,
            latency_ms: json.latency_ms,
            observed_at: json.observed_at,
            evidence: json.evidence.0,
            reporter: json.reporter.0,
        };
        Self { attempt, signature: json.signature.0 }
    }
}

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
#[derive(Clone, Debug, Error, PartialEq, Eq)]
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
    pub const CODES: [&'static str; 10] = [
        "schema",
        "workload_unknown",
        "epoch_not_open",
        "epoch_closed",
        "outside_epoch",
        "slot_unknown",
        "slot_not_effective",
        "reporter_unknown",
        "signature_invalid",
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
            Self::Conflict => "conflict",
        }
    }

    /// Whether the same receipt may be taken later, once the chain has moved or this attester has read that it has.
    #[must_use]
    pub const fn may_pass_later(&self) -> bool {
        matches!(self, Self::WorkloadUnknown(_) | Self::EpochNotOpen { .. } | Self::SlotUnknown { .. })
    }
}

struct HexVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for HexVisitor<N> {
    type Value = Hex<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hex digits", N.saturating_mul(2))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
        Ok(Hex(bytes))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(HexVisitor)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

struct Base58Visitor;

impl Visitor<'_> for Base58Visitor {
    type Value = Base58;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("32 bytes in base58")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Base58, E> {
        let address = text.parse::<Pubkey>().map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))?;
        Ok(Base58(address.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for Base58 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base58Visitor)
    }
}

impl Serialize for Base58 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Pubkey::new_from_array(self.0))
    }
}
