//! The side of a proposer: cuts a batch from what waits, and gathers signatures until they exceed the quorum.

use super::messages::{Answer, Leaf, MAX_RECEIPTS, Objection, PROPOSAL_BYTES, Proposal, count};
use super::staged::StagedBatch;
use super::{Agreement, AgreementError, blocking};
use crate::directory::{CellView, Directory};
use crate::store::Inserted;
use crate::submit::Flight;
use axum::body::Bytes;
use coverage_client::batch::{self, BatchOf, Statement};
use coverage_math::hash::{Hash, Sha256, Software};
use coverage_math::receipt::Receipt;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use solana_program::pubkey::Pubkey;
use std::sync::Arc;

/// How often a batch is proposed anew in one round because others had better receipts for some of its requests.
const PROPOSALS_A_ROUND: usize = 4;

/// A batch as its proposer has signed it.
struct Draft {
    batch: BatchOf,
    digest: Hash,
    flight: Flight,
    /// The proposal, and its hash.
    body: Bytes,
    hash: Hash,
}

/// What came of asking everybody.
enum Gathered {
    /// Enough signatures.
    Quorum(Flight),
    /// Too few, but the store has better receipts now.
    Better,
    /// Too few.
    TooFew,
}

impl Agreement {
    /// Proposes a cell's next batch to everybody; `None` if nothing waits, or too few sign.
    pub(super) async fn propose(
        &self,
        directory: &Arc<Directory>,
        workload: Pubkey,
    ) -> Result<Option<Flight>, AgreementError> {
        for _ in 0..PROPOSALS_A_ROUND {
            let Some(draft) = self.draft(directory, workload).await? else { return Ok(None) };
            self.metrics.proposed.inc();
            match self.gather(directory, &draft).await? {
                Gathered::Quorum(flight) => return Ok(Some(flight)),
                Gathered::Better => {}
                Gathered::TooFew => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Cuts, signs and stages a batch of everything that waits.
    async fn draft(&self, directory: &Arc<Directory>, workload: Pubkey) -> Result<Option<Draft>, AgreementError> {
        let Some(cell) = directory.workloads.get(&workload) else { return Ok(None) };
        let batch = BatchOf {
            network: directory.network,
            workload,
            epoch: cell.epoch,
            sequence: cell.batches,
            generation: directory.generation,
        };
        let (store, staged, directory, key) =
            (self.store.clone(), self.staged.clone(), Arc::clone(directory), self.key.clone());
        blocking(move || {
            let waiting = store.pending(&workload, batch.epoch, MAX_RECEIPTS)?;
            let counts = |cell: &CellView| waiting.iter().filter(|it| cell.counts(it.attempt.slot)).copied().collect();
            let receipts: Vec<Receipt> = directory.workloads.get(&workload).map(counts).unwrap_or_default();
            if receipts.is_empty() {
                return Ok(None);
            }
            let statement = Statement::outcomes(batch, &receipts)?;
            let root = statement.args.receipts_root;
            let name = StagedBatch { workload, epoch: batch.epoch, sequence: batch.sequence, receipts_root: root };
            staged.keep(&name, &receipts)?;
            let signature = key.sign(&statement.digest).to_bytes();
            let entries = count(&leaves(&batch, &receipts)?).unwrap_or_default();
            let proposal = Proposal {
                network: batch.network.to_bytes(),
                workload: workload.to_bytes(),
                epoch: batch.epoch,
                sequence: batch.sequence,
                generation: batch.generation,
                receipts_root: root,
                entries,
                leaves: leaves(&batch, &receipts)?,
                signature,
            };
            let body = Bytes::from(borsh::to_vec(&proposal)?);
            debug_assert!(body.len() <= PROPOSAL_BYTES);
            let signatures = vec![(key.verifying_key().to_bytes(), signature)];
            let flight = Flight::new(batch, root, receipts.len(), proposal.entries, signatures);
            Ok(Some(Draft { batch, digest: statement.digest, flight, hash: Software::hash(&[&body]), body }))
        })
        .await?
    }

    async fn gather(&self, directory: &Arc<Directory>, draft: &Draft) -> Result<Gathered, AgreementError> {
        let epoch = draft.batch.epoch;
        let mut flight = draft.flight.clone();
        if directory.exceeds_quorum(epoch, flight.signers()) {
            return Ok(Gathered::Quorum(flight));
        }
        let peers = directory.members.iter().map(|member| member.key).filter(|key| *key != self.public);
        let ask = |peer: [u8; 32]| async move {
            (peer, self.peers.propose(&peer, draft.body.clone(), &draft.hash, self.terms.request_timeout).await)
        };
        let mut answers: FuturesUnordered<_> = peers.clone().map(ask).collect();
        let mut open: Vec<[u8; 32]> = peers.collect();
        let mut better = false;
        while let Some((peer, answer)) = answers.next().await {
            open.retain(|key| *key != peer);
            let (name, workload, sequence) = (hex::encode(peer), draft.batch.workload, draft.batch.sequence);
            match answer {
                Ok(Answer::Signed(signature)) if is_signature(&peer, &signature, &draft.digest) => {
                    flight.signatures.push((peer, signature));
                    if directory.exceeds_quorum(epoch, flight.signers()) {
                        return Ok(Gathered::Quorum(flight));
                    }
                }
                Ok(Answer::Signed(_)) => tracing::warn!(peer = name, %workload, sequence, "signed something else"),
                Ok(Answer::Objects(objection)) => {
                    tracing::info!(peer = name, %workload, epoch, sequence, %objection, "objects");
                    if let Objection::Conflict(receipts) = objection {
                        better |= self.heed(directory, workload, epoch, receipts).await?;
                    }
                }
                Err(error) => tracing::info!(peer = name, %workload, epoch, sequence, %error, "no answer"),
            }
            // With better receipts in hand, who is slow is not waited for if it could not save the batch anyway.
            if better && !directory.exceeds_quorum(epoch, flight.signers().chain(&open)) {
                return Ok(Gathered::Better);
            }
        }
        Ok(if better { Gathered::Better } else { Gathered::TooFew })
    }

    /// Stores receipts that others have shown, if they are what any receipt must be; whether any took a place.
    pub(super) async fn heed(
        &self,
        directory: &Arc<Directory>,
        workload: Pubkey,
        epoch: u64,
        mut shown: Vec<Receipt>,
    ) -> Result<bool, AgreementError> {
        let (outside, directory, store) = (Arc::clone(&self.outside), Arc::clone(directory), self.store.clone());
        blocking(move || {
            shown.retain(|it| (it.attempt.workload, it.attempt.epoch) == (workload.to_bytes(), epoch));
            let verdicts = outside.examine(&directory, &shown);
            let valid = shown.iter().zip(verdicts).filter(|(_, verdict)| verdict.is_ok());
            let valid: Vec<_> = valid.map(|(receipt, _)| *receipt).collect();
            let stored = store.insert(&valid)?;
            Ok(stored.iter().any(|outcome| matches!(outcome, Inserted::Replaced | Inserted::New)))
        })
        .await?
    }
}

fn leaves(batch: &BatchOf, receipts: &[Receipt]) -> Result<Vec<Leaf>, std::io::Error> {
    let tag = batch::receipts_tag(&batch.network, batch.epoch);
    let leaf = |receipt: &Receipt| {
        let (slot, outcome, request_id) = receipt.attempt.key();
        Ok(Leaf { slot, outcome, request_id, hash: receipt.leaf::<Software>(&tag)? })
    };
    receipts.iter().map(leaf).collect()
}

fn is_signature(key: &[u8; 32], signature: &[u8; 64], digest: &Hash) -> bool {
    let key = VerifyingKey::from_bytes(key);
    key.is_ok_and(|key| key.verify_strict(digest, &Signature::from_bytes(signature)).is_ok())
}
