//! The committee: nobody signs a batch without having recomputed it from its receipts.

use coverage_client::batch::{self, BatchOf, Statement};
use coverage_client::math::hash::{Hash, Software};
use coverage_client::math::receipt::Receipt;
use ed25519_dalek::{Signature, VerifyingKey};
use thiserror::Error;

/// Why an attester does not sign.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Objection {
    /// A receipt is by somebody who is no reporter.
    #[error("a receipt is by an unknown reporter")]
    UnknownReporter,
    /// A receipt is not what its reporter signed.
    #[error("a receipt's signature does not verify")]
    BadSignature,
    /// The receipts make no batch.
    #[error("the receipts make no batch")]
    BadReceipts,
    /// They make another one.
    #[error("the receipts give another digest")]
    OtherDigest,
}

/// What one attester does before it signs `digest`: verifies every signature and recomputes the digest from the receipts.
///
/// # Errors
/// Its [`Objection`].
pub fn review(
    reporters: &[VerifyingKey],
    batch: BatchOf,
    receipts: &[Receipt],
    digest: &Hash,
) -> Result<(), Objection> {
    let tag = batch::receipt_tag(&batch.network, batch.epoch);
    let mut messages = Vec::with_capacity(receipts.len());
    let mut signatures = Vec::with_capacity(receipts.len());
    let mut keys = Vec::with_capacity(receipts.len());
    for receipt in receipts {
        let reporter = reporters.iter().find(|key| *key.as_bytes() == receipt.attempt.reporter);
        keys.push(*reporter.ok_or(Objection::UnknownReporter)?);
        messages.push(receipt.attempt.message::<Software>(&tag).map_err(|_| Objection::BadReceipts)?);
        signatures.push(Signature::from_bytes(&receipt.signature));
    }
    let texts: Vec<&[u8]> = messages.iter().map(Hash::as_slice).collect();
    ed25519_dalek::verify_batch(&texts, &signatures, &keys).map_err(|_| Objection::BadSignature)?;
    let statement = Statement::outcomes(batch, receipts).map_err(|_| Objection::BadReceipts)?;
    if statement.digest == *digest { Ok(()) } else { Err(Objection::OtherDigest) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::network::receipts::{CellTime, Reporters};
    use crate::router::{Attempt, Outcome};
    use solana_program::pubkey::Pubkey;
    use std::collections::BTreeMap;

    #[test]
    fn an_attester_signs_the_truth_and_nothing_else() {
        let batch = BatchOf {
            network: Pubkey::new_from_array([1; 32]),
            workload: Pubkey::new_from_array([2; 32]),
            epoch: 3,
            sequence: 0,
            generation: 1,
        };
        let attempt = |request_seq, outcome| Attempt {
            at_us: 5,
            epoch: 3,
            request_seq,
            workload: 0,
            operator: 7,
            outcome,
            latency_ms: 20,
            probe: false,
        };
        let attempts = [attempt(1, Outcome::Served), attempt(2, Outcome::LatencyExceeded), attempt(3, Outcome::Served)];
        let attempts: Vec<&Attempt> = attempts.iter().collect();
        let reporters = Reporters::new();
        let cell = CellTime { start_ts: 100, start_us: 0, slots: &BTreeMap::from([(7, 4)]) };
        let mut receipts = reporters.receipts(&batch, &cell, &attempts).unwrap();
        coverage_client::batch::sort(&mut receipts);
        let digest = Statement::outcomes(batch, &receipts).unwrap().digest;
        let keys = reporters.public_keys();
        assert_eq!(review(&keys, batch, &receipts, &digest), Ok(()));

        let mut better = receipts.clone();
        better[2].attempt.outcome = Outcome::Served as u8;
        assert_eq!(review(&keys, batch, &better, &digest), Err(Objection::BadSignature));
        assert_eq!(review(&keys, batch, &receipts[1..], &digest), Err(Objection::OtherDigest));
        assert_eq!(review(&keys, BatchOf { sequence: 1, ..batch }, &receipts, &digest), Err(Objection::OtherDigest));
        assert_eq!(review(&keys[1..], batch, &receipts, &digest), Err(Objection::UnknownReporter));
        let twice = [receipts.clone(), receipts.clone()].concat();
        assert_eq!(review(&keys, batch, &twice, &digest), Err(Objection::BadReceipts));
        assert_eq!(review(&keys, BatchOf { epoch: 4, ..batch }, &receipts, &digest), Err(Objection::BadSignature));
    }
}
