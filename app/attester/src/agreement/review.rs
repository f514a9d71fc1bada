//! The side of a peer: what happens before a signature is given.

use super::messages::{Answer, Fetch, MAX_EVIDENCE, MAX_FETCH, MAX_RECEIPTS, Objection, Proposal, count};
use super::peers::unix_now;
use super::staged::StagedBatch;
use super::{Agreement, AgreementError, blocking, schedule};
use crate::directory::{CellView, Directory};
use crate::store::{Store, Stored};
use coverage_client::batch::{self, Statement};
use coverage_math::hash::{Hash, Software};
use coverage_math::merkle;
use coverage_math::receipt::Receipt;
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How old a view of the chain is at least that is read anew because a proposal does not go with it.
const RECHECK: Duration = Duration::from_millis(200);

impl Agreement {
    /// Reviews a proposal of the member `sender`: signs it if it is what the own store says, or says why not.
    pub(super) async fn review(&self, sender: [u8; 32], proposal: Proposal) -> Answer {
        let (workload, epoch, sequence) = (proposal.batch().workload, proposal.epoch, proposal.sequence);
        match self.try_review(sender, proposal).await {
            Ok(signature) => {
                self.metrics.signed.inc();
                Answer::Signed(signature)
            }
            Err(objection) => {
                self.metrics.objected.inc();
                tracing::info!(proposer = hex::encode(sender), %workload, epoch, sequence, %objection, "not signed");
                Answer::Objects(objection)
            }
        }
    }

    async fn try_review(&self, sender: [u8; 32], proposal: Proposal) -> Result<[u8; 64], Objection> {
        let directory = self.view(&proposal).await?;
        let (proposal, view) = (Arc::new(proposal), Arc::clone(&directory));
        let (shape, workload) = (Arc::clone(&proposal), proposal.batch().workload);
        blocking(move || examine_shape(&view, &sender, &shape)).await.map_err(failed)??;
        // Only now is it known to come from a member who stands for it.
        self.catch_up(&directory, &workload).await.map_err(|error| match error {
            AgreementError::Behind { sequence } => Objection::Behind { sequence },
            other => failed(other),
        })?;
        let receipts = self.acquire(&directory, &sender, &proposal).await?;
        self.note_turn(&directory, &sender, &proposal)?;
        let (staged, key) = (self.staged.clone(), self.key.clone());
        let signed = blocking(move || {
            // What is signed is the digest of what was rebuilt, whatever the proposal says.
            let statement = Statement::outcomes(proposal.batch(), &receipts).map_err(|_| Objection::FalseRoot)?;
            if statement.digest != proposal.statement().digest {
                return Err(Objection::FalseRoot);
            }
            let batch = StagedBatch {
                workload,
                epoch: proposal.epoch,
                sequence: proposal.sequence,
                receipts_root: statement.args.receipts_root,
            };
            staged.keep(&batch, &receipts).map_err(failed)?;
            Ok(key.sign(&statement.digest).to_bytes())
        });
        signed.await.map_err(failed)?
    }

    /// A view of the chain that goes with the proposal; a new one if the last does not.
    async fn view(&self, proposal: &Proposal) -> Result<Arc<Directory>, Objection> {
        let blind = |error| {
            tracing::warn!(%error, "cannot read the chain");
            Objection::Blind
        };
        let last = self.observer.within(self.terms.fresh).await.map_err(blind)?;
        if place(&last, proposal).is_ok() {
            return Ok(last);
        }
        // Either is behind the other. One that proposes nonsense must not have the chain read without end.
        tokio::time::sleep(RECHECK.saturating_sub(last.age())).await;
        let new = self.observer.within(RECHECK).await.map_err(blind)?;
        place(&new, proposal)?;
        Ok(new)
    }

    /// The receipts of the proposal out of the own store, after fetching from its proposer what is not there.
    async fn acquire(
        &self,
        directory: &Arc<Directory>,
        sender: &[u8; 32],
        proposal: &Arc<Proposal>,
    ) -> Result<Vec<Receipt>, Objection> {
        let lacking = match self.compare(proposal).await? {
            Compared::Same(receipts) => return Ok(receipts),
            Compared::Lacks(lacking) => lacking,
        };
        let missing = Objection::Withheld { receipts: u32::try_from(lacking.len()).unwrap_or(u32::MAX) };
        let fetching = self.deliver(directory, sender, proposal, &lacking);
        // However small the bites are that the proposer delivers in.
        tokio::time::timeout(self.terms.request_timeout, fetching).await.map_err(|_| missing)??;
        let lacking = match self.compare(proposal).await? {
            Compared::Same(receipts) => return Ok(receipts),
            Compared::Lacks(lacking) => lacking,
        };
        // All were delivered, so these have given way to ours, which go before them everywhere.
        let keys: Vec<_> = lacking.iter().take(MAX_EVIDENCE).map(|leaf| leaf.identity()).collect();
        let (store, of) = (self.store.clone(), proposal.batch());
        let ours = blocking(move || store.get(&of.workload, of.epoch, &keys)).await.map_err(failed)?.map_err(failed)?;
        Err(Objection::Conflict(ours.into_iter().flatten().map(|stored| stored.receipt).collect()))
    }

    /// What of the proposal is in the own store.
    async fn compare(&self, proposal: &Arc<Proposal>) -> Result<Compared, Objection> {
        let (store, proposal) = (self.store.clone(), Arc::clone(proposal));
        blocking(move || compare(&store, &proposal)).await.map_err(failed)?
    }

    /// Fetches receipts from the proposer and stores those it proposed; everything that intake asks is asked of them.
    async fn deliver(
        &self,
        directory: &Arc<Directory>,
        sender: &[u8; 32],
        proposal: &Arc<Proposal>,
        lacking: &[super::messages::Leaf],
    ) -> Result<(), Objection> {
        for leaves in lacking.chunks(MAX_FETCH) {
            let withheld = |receipts| Objection::Withheld { receipts: u32::try_from(receipts).unwrap_or(u32::MAX) };
            let fetch = Fetch {
                workload: proposal.workload,
                epoch: proposal.epoch,
                receipts: leaves.iter().map(|leaf| leaf.identity()).collect(),
            };
            let found = self.peers.fetch(sender, &fetch, self.terms.fetch_timeout).await.map_err(|error| {
                tracing::info!(proposer = hex::encode(sender), %error, "receipts not delivered");
                withheld(leaves.len())
            })?;
            if found.len() != leaves.len() {
                return Err(withheld(leaves.len().saturating_sub(found.len())));
            }
            let (outside, directory, store) = (Arc::clone(&self.outside), Arc::clone(directory), self.store.clone());
            let (proposal, leaves) = (Arc::clone(proposal), leaves.to_vec());
            let taken = blocking(move || {
                let tag = batch::receipts_tag(&proposal.batch().network, proposal.epoch);
                for (receipt, leaf) in found.iter().zip(&leaves) {
                    let same = receipt.attempt.workload == proposal.workload
                        && receipt.attempt.epoch == proposal.epoch
                        && receipt.attempt.key() == leaf.key()
                        && receipt.leaf::<Software>(&tag).is_ok_and(|hash| hash == leaf.hash);
                    if !same {
                        return Err(bad(receipt, leaf, "it is not the one proposed"));
                    }
                }
                let verdicts = outside.examine(&directory, &found);
                for ((receipt, leaf), verdict) in found.iter().zip(&leaves).zip(verdicts) {
                    verdict.map_err(|reason| bad(receipt, leaf, &reason))?;
                }
                store.insert(&found).map_err(failed)
            });
            taken.await.map_err(failed)??;
        }
        Ok(())
    }

    /// Remembers that a batch of this member is about to be signed; refuses if it has had too many of one sequence number.
    fn note_turn(&self, directory: &Directory, sender: &[u8; 32], proposal: &Proposal) -> Result<(), Objection> {
        let of = proposal.batch();
        let cell = directory.workloads.get(&of.workload).ok_or(Objection::NotCollecting)?;
        // A proposal made at the end of a turn arrives after it.
        let turn = |late: Duration| {
            let then = unix_now().saturating_sub(late);
            schedule::proposer(directory, &of.workload, cell, then, self.terms.round) == Some(*sender)
        };
        let in_turn = turn(Duration::ZERO) || turn(self.terms.request_timeout.min(self.terms.round));
        let hold = in_turn.then_some(self.terms.hold);
        if self.desk(&of.workload).sign((of.epoch, of.sequence), sender, hold) { Ok(()) } else { Err(Objection::Busy) }
    }
}

/// Where the receipts of a proposal are.
enum Compared {
    /// All in the own store, the very same.
    Same(Vec<Receipt>),
    /// These are not there, or others of their identity are.
    Lacks(Vec<super::messages::Leaf>),
}

fn compare(store: &Store, proposal: &Proposal) -> Result<Compared, Objection> {
    let of = proposal.batch();
    let keys: Vec<_> = proposal.leaves.iter().map(|leaf| leaf.identity()).collect();
    let stored = store.get(&of.workload, of.epoch, &keys).map_err(failed)?;
    let tag = batch::receipts_tag(&of.network, of.epoch);
    let (mut receipts, mut lacking) = (Vec::with_capacity(keys.len()), Vec::new());
    for (leaf, stored) in proposal.leaves.iter().zip(stored) {
        match stored {
            Some(Stored { sequence: Some(sequence), .. }) => {
                let (slot, request_id) = leaf.identity();
                return Err(Objection::AlreadyApplied { slot, request_id, sequence });
            }
            Some(Stored { receipt, .. }) if receipt.leaf::<Software>(&tag).is_ok_and(|hash| hash == leaf.hash) => {
                if receipt.attempt.key() != leaf.key() {
                    return Err(Objection::FalseCount); // the very receipt, said to be of another outcome
                }
                receipts.push(receipt);
            }
            _ => lacking.push(*leaf),
        }
    }
    Ok(if lacking.is_empty() { Compared::Same(receipts) } else { Compared::Lacks(lacking) })
}

/// The cell of a proposal, if the chain is where the proposal says.
fn place<'a>(directory: &'a Directory, proposal: &Proposal) -> Result<&'a CellView, Objection> {
    let of = proposal.batch();
    if of.network != directory.network {
        return Err(Objection::OtherNetwork);
    }
    let cell = directory.workloads.get(&of.workload).filter(|cell| cell.collecting && !directory.paused);
    let cell = cell.ok_or(Objection::NotCollecting)?;
    if of.generation != directory.generation {
        return Err(Objection::OtherGeneration { ours: directory.generation });
    }
    if (of.epoch, of.sequence) != (cell.epoch, cell.batches) {
        return Err(Objection::NotNext { epoch: cell.epoch, sequence: cell.batches });
    }
    Ok(cell)
}

/// Everything about a proposal that can be said without a receipt.
fn examine_shape(directory: &Directory, sender: &[u8; 32], proposal: &Proposal) -> Result<(), Objection> {
    let cell = place(directory, proposal)?;
    let leaves = &proposal.leaves;
    if leaves.is_empty() || leaves.len() > MAX_RECEIPTS {
        return Err(Objection::Malformed);
    }
    let digest = proposal.statement().digest;
    let key = VerifyingKey::from_bytes(sender).map_err(|_| Objection::Unsigned)?;
    let signature = Signature::from_bytes(&proposal.signature);
    key.verify_strict(&digest, &signature).map_err(|_| Objection::Unsigned)?;
    if count(leaves).ok_or(Objection::Malformed)? != proposal.entries {
        return Err(Objection::FalseCount);
    }
    if let Some(leaf) = leaves.iter().find(|leaf| !cell.counts(leaf.slot)) {
        return Err(Objection::BadSlot { slot: leaf.slot });
    }
    let mut seen = HashSet::with_capacity(leaves.len());
    if let Some(leaf) = leaves.iter().find(|leaf| !seen.insert(leaf.identity())) {
        return Err(Objection::Twice { slot: leaf.slot });
    }
    let mut hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf.hash).collect();
    if merkle::root::<Software>(&mut hashes) != Some(proposal.receipts_root) {
        return Err(Objection::FalseRoot);
    }
    Ok(())
}

fn bad(receipt: &Receipt, leaf: &super::messages::Leaf, reason: &str) -> Objection {
    tracing::warn!(reporter = hex::encode(receipt.attempt.reporter), reason, "a bad receipt was delivered");
    Objection::BadReceipt { slot: leaf.slot, request_id: leaf.request_id, reason: reason.to_owned() }
}

fn failed(error: impl std::fmt::Display) -> Objection {
    tracing::error!(%error, "a proposal could not be reviewed");
    Objection::Failed
}
