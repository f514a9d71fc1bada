//! From the router's attempts to applied batches.

use super::receipts::CellTime;
use super::{Network, NetworkError, review};
use crate::router::Attempt;
use coverage_client::batch::{self, BatchOf, Statement};
use coverage_client::chain::Chain;
use ed25519_dalek::SigningKey;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Receipts of one batch: few enough that several batches make up a busy cell's epoch, as they would arriving over time.
const BATCH_RECEIPTS: usize = 256;
/// Batches of one cell and epoch, at most: half of what a log takes. Beyond it batches grow.
const MOST_BATCHES: usize = 512;

/// One batch to make: a stretch of time of one cell's attempts.
struct Job<'a> {
    workload: usize,
    batch: BatchOf,
    attempts: &'a [&'a Attempt],
}

impl Network<'_> {
    /// Makes, reviews, endorses and applies all batches of an epoch.
    pub(super) fn attest(&mut self, epoch: u32) -> Result<(), NetworkError> {
        let generation = self.committee_generation()?;
        let slots = self.slots_by_operator()?;
        let jobs = self.jobs(epoch, generation);
        self.progress.begin(format!("epoch {epoch}: attesting"), jobs.len());
        // Signing and hashing takes longer than the chain does, so it is spread over all processors.
        let statements: Result<Vec<Statement>, NetworkError> =
            jobs.par_iter().map(|job| self.reviewed(job, &slots, epoch)).collect();
        let receipts: usize = jobs.iter().map(|job| job.attempts.len()).sum();
        let (receipts, batches) = (receipts as u64, jobs.len() as u64);
        drop(jobs);
        let attesters = self.attester_keys();
        for statement in statements? {
            self.apply(&statement, &attesters)?;
            self.progress.step();
        }
        self.evidence.receipts = self.evidence.receipts.saturating_add(receipts);
        self.evidence.batches = self.evidence.batches.saturating_add(batches);
        let verified = receipts.saturating_mul(attesters.len() as u64);
        self.evidence.verified = self.evidence.verified.saturating_add(verified);
        Ok(())
    }

    fn attester_keys(&self) -> Vec<SigningKey> {
        self.plan.attesters.iter().map(|(key, _)| key.clone()).collect()
    }

    fn jobs(&self, epoch: u32, generation: u64) -> Vec<Job<'_>> {
        let mut jobs = Vec::new();
        for (index, workload) in self.workloads.iter().enumerate() {
            let attempts = self.attempts.get(&(epoch, index)).map_or([].as_slice(), Vec::as_slice);
            let size = attempts.len().div_ceil(MOST_BATCHES).max(BATCH_RECEIPTS);
            for (sequence, attempts) in (0..).zip(attempts.chunks(size)) {
                let batch = BatchOf {
                    network: self.address(),
                    workload: *workload,
                    epoch: u64::from(epoch),
                    sequence,
                    generation,
                };
                jobs.push(Job { workload: index, batch, attempts });
            }
        }
        jobs
    }

    /// Each cell's slots by operator.
    fn slots_by_operator(&mut self) -> Result<Vec<BTreeMap<usize, u16>>, NetworkError> {
        let mut all = Vec::with_capacity(self.workloads.len());
        for workload in self.workloads.clone() {
            let (_, slots) = self.read_cell(&workload)?;
            let index = |operator: &[u8; 32]| self.operators.get(operator).copied();
            all.push(
                slots.iter().zip(0..).filter_map(|(slot, number)| Some((index(&slot.operator)?, number))).collect(),
            );
        }
        Ok(all)
    }

    /// The statement of a batch, which every attester has recomputed from its receipts.
    fn reviewed(&self, job: &Job, slots: &[BTreeMap<usize, u16>], epoch: u32) -> Result<Statement, NetworkError> {
        let cell = CellTime {
            start_ts: self.start_ts(epoch),
            start_us: u64::from(epoch).saturating_mul(self.scenario.epoch_us),
            slots: slots.get(job.workload).ok_or(NetworkError::Scenario)?,
        };
        let mut receipts = self.reporters.receipts(&job.batch, &cell, job.attempts)?;
        batch::sort(&mut receipts);
        let statement = Statement::outcomes(job.batch, &receipts)?;
        let reporters = self.reporters.public_keys();
        for attester in 0..self.plan.attesters.len() {
            review(&reporters, job.batch, &receipts, &statement.digest).map_err(|objection| {
                NetworkError::Objection {
                    attester,
                    sequence: job.batch.sequence,
                    workload: job.workload,
                    epoch: job.batch.epoch,
                    objection,
                }
            })?;
        }
        Ok(statement)
    }

    /// Uploads, endorses and applies a statement. The last endorsement and the application share a transaction.
    fn apply(&mut self, statement: &Statement, attesters: &[SigningKey]) -> Result<(), NetworkError> {
        let payer = self.cluster.payer();
        for upload in statement.upload(payer) {
            self.cluster.send("uploading a batch", &[upload])?;
        }
        let endorsements = statement.endorse(payer, attesters);
        let last = endorsements.len();
        for (number, pair) in endorsements.into_iter().enumerate() {
            let mut transaction = pair.to_vec();
            if number.saturating_add(1) == last {
                transaction.push(statement.apply(payer));
            }
            self.cluster.send("endorsing and applying a batch", &transaction)?;
        }
        Ok(())
    }
}
