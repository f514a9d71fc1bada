//! Keeping up with the chain: the receipts of every applied batch are in the own store before anything is signed.

use super::staged::StagedBatch;
use super::{Agreement, AgreementError, blocking};
use crate::directory::{Directory, is_removed};
use crate::store::AppliedBatch;
use coverage_client::batch::{self, BatchOf, Statement};
use coverage_client::program::state::BatchRecord;
use coverage_client::signature::{self, ReporterKey, Signed};
use coverage_math::hash::Software;
use coverage_math::receipt::Receipt;
use futures_util::StreamExt;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

/// Peers asked for the same batch at a time.
const ASKED_AT_ONCE: usize = 3;

impl Agreement {
    /// Brings the store to where the chain's log of a cell stands: batches proven false are taken back, applied ones that
    /// are missing are fetched from whoever has them, verified, recorded and published.
    ///
    /// # Errors
    /// [`AgreementError::Behind`] with the first batch that nobody delivered.
    pub(super) async fn catch_up(&self, directory: &Directory, workload: &Pubkey) -> Result<(), AgreementError> {
        let Some(cell) = directory.workloads.get(workload) else { return Ok(()) };
        let turn = self.desk(workload);
        let _alone = turn.catching_up.lock().await;
        let known = {
            let (store, workload, epoch) = (self.store.clone(), *workload, cell.epoch);
            blocking(move || store.batches(&workload, epoch)).await??
        };
        for (sequence, record) in (0..).zip(&cell.log) {
            let mine = known.iter().find(|batch| batch.sequence == sequence);
            let same = mine.is_some_and(|batch| batch.receipts_root == record.receipts_root);
            if is_removed(record) && mine.is_some() {
                tracing::warn!(%workload, epoch = cell.epoch, sequence, "a batch was proven false; its receipts wait again");
                let (store, workload, epoch) = (self.store.clone(), *workload, cell.epoch);
                blocking(move || store.remove(&workload, epoch, sequence)).await??;
            } else if !is_removed(record) && !same {
                let batch = BatchOf {
                    network: directory.network,
                    workload: *workload,
                    epoch: cell.epoch,
                    sequence,
                    generation: record.generation,
                };
                self.take_over(directory, batch, record).await?;
            }
        }
        Ok(())
    }

    /// Records and publishes a batch that the chain has applied.
    async fn take_over(
        &self,
        directory: &Directory,
        batch: BatchOf,
        record: &BatchRecord,
    ) -> Result<(), AgreementError> {
        let receipts = self.obtain(directory, batch, record).await?;
        let applied = AppliedBatch {
            workload: batch.workload,
            epoch: batch.epoch,
            sequence: batch.sequence,
            receipts_root: record.receipts_root,
            receipts: record.receipts,
        };
        let (store, publish) = (self.store.clone(), Arc::clone(&self.outside));
        blocking(move || {
            // Published first: what the store holds for applied is never missing from what auditors can fetch.
            publish.publish(&applied, &receipts)?;
            store.apply(&applied, &receipts)?;
            Ok::<_, AgreementError>(())
        })
        .await??;
        tracing::info!(workload = %batch.workload, epoch = batch.epoch, batch.sequence, receipts = record.receipts, "batch applied");
        Ok(())
    }

    /// The receipts of an applied batch: what was staged here when it was signed, or what a peer published.
    async fn obtain(
        &self,
        directory: &Directory,
        batch: BatchOf,
        record: &BatchRecord,
    ) -> Result<Vec<Receipt>, AgreementError> {
        let BatchOf { workload, epoch, sequence, .. } = batch;
        let root = record.receipts_root;
        let staged = self.staged.clone();
        let name = StagedBatch { workload, epoch, sequence, receipts_root: root };
        let record = *record;
        let staged =
            blocking(move || Ok::<_, AgreementError>(staged.read(&name)?.filter(|it| is_batch(batch, it, &record))));
        if let Some(receipts) = staged.await?? {
            return Ok(receipts);
        }
        let endorsed = |place: u8| 1u64.checked_shl(u32::from(place)).is_some_and(|bit| record.endorsers & bit != 0);
        // Who endorsed it has it: those first.
        let mut peers: Vec<_> = directory.members.iter().filter(|member| member.key != self.public).collect();
        peers.sort_by_key(|member| !endorsed(member.place));
        let asked: Vec<_> = peers.iter().map(|member| self.download(member.key, batch, record)).collect();
        let mut answers = futures_util::stream::iter(asked).buffer_unordered(ASKED_AT_ONCE);
        while let Some(answer) = answers.next().await {
            if let Some(receipts) = answer {
                return Ok(receipts);
            }
        }
        Err(AgreementError::Behind { sequence })
    }

    /// The receipts of an applied batch as a peer published them, if they are what the chain says.
    async fn download(&self, peer: [u8; 32], batch: BatchOf, record: BatchRecord) -> Option<Vec<Receipt>> {
        let found = self.peers.batch(&peer, &record.receipts_root, record.receipts, self.terms.fetch_timeout).await;
        let receipts = found.map_err(|error| tracing::debug!(peer = hex::encode(peer), %error, "no batch")).ok()?;
        let verified = blocking(move || {
            (is_batch(batch, &receipts, &record) && signatures_hold(&batch, &receipts)).then_some(receipts)
        });
        verified.await.ok().flatten()
    }
}

/// Whether these receipts are those of an applied batch: the same root, counts and number.
fn is_batch(batch: BatchOf, receipts: &[Receipt], record: &BatchRecord) -> bool {
    Statement::outcomes(batch, receipts).is_ok_and(|statement| {
        statement.args.receipts_root == record.receipts_root
            && statement.args.entries_hash == record.entries_hash
            && statement.args.value == record.receipts
    })
}

/// Whether every receipt is signed by the reporter it names. Who may report is not asked: the committee has decided that.
fn signatures_hold(batch: &BatchOf, receipts: &[Receipt]) -> bool {
    let tag = batch::receipt_tag(&batch.network, batch.epoch);
    let mut keys = BTreeMap::new();
    for Receipt { attempt, .. } in receipts {
        if let Entry::Vacant(vacant) = keys.entry(attempt.reporter) {
            let Some(key) = ReporterKey::new(attempt.reporter) else { return false };
            vacant.insert(key);
        }
    }
    receipts.chunks(signature::BATCH).all(|receipts| {
        let signed = receipts.iter().map(|Receipt { attempt, signature }| {
            Some(Signed {
                key: keys.get(&attempt.reporter)?,
                message: attempt.message::<Software>(&tag).ok()?,
                signature,
            })
        });
        signed.collect::<Option<Vec<_>>>().is_some_and(|signed| signature::all_hold(&signed))
    })
}
