//! Receipts: what the reporters saw, signed.

use super::NetworkError;
use super::keys::{derive, signing_keys};
use crate::router;
use coverage_client::batch::{self, BatchOf};
use coverage_client::math::hash::Software;
use coverage_client::math::receipt::{Attempt, Receipt};
use ed25519_dalek::{SigningKey, VerifyingKey};
use std::collections::BTreeMap;

const REPORTERS: u64 = 3;

/// Those who route requests and say what became of them. Requests are spread over them by number.
pub(super) struct Reporters {
    keys: Vec<SigningKey>,
}

/// What turns the router's attempts of one cell and epoch into receipts.
pub(super) struct CellTime<'a> {
    /// Start of the epoch in unix seconds.
    pub start_ts: i64,
    /// The same in the scenario's microseconds.
    pub start_us: u64,
    /// The operators' slots in the cell.
    pub slots: &'a BTreeMap<usize, u16>,
}

impl Reporters {
    pub fn new() -> Self {
        Self { keys: signing_keys("reporter", REPORTERS) }
    }

    /// Their public keys, as every attester knows them.
    pub fn public_keys(&self) -> Vec<VerifyingKey> {
        self.keys.iter().map(SigningKey::verifying_key).collect()
    }

    /// A signed receipt for every attempt.
    ///
    /// # Errors
    /// [`NetworkError::NoSlot`] for an attempt at an operator that is not enrolled.
    pub fn receipts(
        &self,
        batch: &BatchOf,
        cell: &CellTime,
        attempts: &[&router::Attempt],
    ) -> Result<Vec<Receipt>, NetworkError> {
        let tag = batch::receipt_tag(&batch.network, batch.epoch);
        let receipt = |attempt: &&router::Attempt| {
            let number = attempt.request_seq.checked_rem(self.keys.len() as u64).unwrap_or(0);
            let key = self.keys.get(number as usize).ok_or(NetworkError::Scenario)?;
            let attempt = seen(batch, cell, attempt, key)?;
            let message = attempt.message::<Software>(&tag).map_err(|_| NetworkError::Scenario)?;
            let (_, signature) = batch::sign(key, &message);
            Ok(Receipt { attempt, signature })
        };
        attempts.iter().map(receipt).collect()
    }
}

/// What a reporter says of an attempt.
fn seen(
    batch: &BatchOf,
    cell: &CellTime,
    attempt: &router::Attempt,
    reporter: &SigningKey,
) -> Result<Attempt, NetworkError> {
    let slot = cell.slots.get(&attempt.operator).ok_or(NetworkError::NoSlot {
        operator: attempt.operator,
        workload: attempt.workload,
        epoch: batch.epoch,
    })?;
    let ended_us =
        attempt.at_us.saturating_sub(cell.start_us).saturating_add(u64::from(attempt.latency_ms).saturating_mul(1_000));
    let served = attempt.outcome == router::Outcome::Served;
    Ok(Attempt {
        request_id: derive("request", &[&attempt.request_seq.to_le_bytes(), &(attempt.operator as u64).to_le_bytes()]),
        workload: batch.workload.to_bytes(),
        epoch: batch.epoch,
        slot: *slot,
        outcome: attempt.outcome as u8,
        latency_ms: if served { attempt.latency_ms } else { 0 },
        observed_at: cell.start_ts.saturating_add_unsigned(ended_us / 1_000_000),
        evidence: [0; 32], // a simulated attempt leaves no transcript
        reporter: reporter.verifying_key().to_bytes(),
    })
}
