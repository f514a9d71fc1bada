//! Receipts in JSON, as reporters hand them in and attesters give them out, one object a line.
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

/// What each byte is worth as a hex digit, [`NO_DIGIT`] if it is none: parsing receipts is mostly reading such digits.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let (lower, upper) = (b"0123456789abcdef", b"0123456789ABCDEF");
    let mut digit = 0u8;
    while digit < 16 {
        digits[lower[digit as usize] as usize] = digit;
        digits[upper[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};
/// No digit's worth, whichever digits it is joined with.
const NO_DIGIT: u8 = 0xff;

/// Reads exactly as many hex digits as fill `bytes`; whether `text` is that.
fn decode_hex(text: &[u8], bytes: &mut [u8]) -> bool {
    let (pairs, rest) = text.as_chunks::<2>();
    let mut seen = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let [high, low] = [high, low].map(|digit| DIGITS.get(usize::from(*digit)).copied().unwrap_or(NO_DIGIT));
        seen |= high | low;
        *byte = high << 4 | low & 0xf;
    }
    rest.is_empty() && pairs.len() == bytes.len() && seen != NO_DIGIT
}

struct HexVisitor<const N: usize>;

impl<const N: usize> Visitor<'_> for HexVisitor<N> {
    type Value = Hex<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hex digits", N.saturating_mul(2))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let mut bytes = [0; N];
        if decode_hex(text.as_bytes(), &mut bytes) {
            Ok(Hex(bytes))
        } else {
            Err(E::invalid_value(de::Unexpected::Str(text), &self))
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn hex_is_what_everybody_takes_for_it() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let (mut ours, mut theirs) = ([0], [0]);
                let text = [first, second];
                let taken = hex::decode_to_slice(text, &mut theirs).is_ok();
                assert_eq!(decode_hex(&text, &mut ours), taken, "{text:?}");
                assert!(!taken || ours == theirs, "{text:?}");
            }
        }
        for text in ["", "0", "00", "000", "00000"] {
            assert!(!decode_hex(text.as_bytes(), &mut [0; 2]), "{text}");
        }
    }
}
