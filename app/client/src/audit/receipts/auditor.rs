//! One cell's batches, held against its log one after another, then against its counters.

use super::{BatchFile, Discrepancy, Fault, ReceiptsReport};
use crate::audit::batches;
use crate::batch::{receipt_tag, receipts_tag};
use crate::rpc::{Snapshot, WorkloadState};
use crate::signature::{self, ReporterKey, Signed};
use borsh::BorshDeserialize;
use coverage_math::attestation::Entry;
use coverage_math::hash::{Hash, Sha256, Software, Tag};
use coverage_math::merkle;
use coverage_math::receipt::{RECEIPT_BYTES, Receipt};
use coverage_math::reliability::{OUTCOMES, Outcome};
use coverage_settlement::state::Cell;
use rayon::prelude::*;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::fmt;

/// Reporters' keys, `None` for bytes that are no key.
type Keys = BTreeMap<[u8; 32], Option<ReporterKey>>;

/// Where a receipt was seen: request and slot, then batch and leaf.
type Seen = ([u8; 32], u16, u64, u64);

/// One cell's batches, one after another.
pub(super) struct Auditor<'a> {
    snapshot: &'a Snapshot,
    id: u64,
    state: &'a WorkloadState,
    epoch: u64,
    /// Seconds in which its receipts may have been observed.
    window: std::ops::Range<i64>,
    counts: BTreeMap<u16, [u64; OUTCOMES]>,
    seen: Vec<Seen>,
    complete: bool,
    report: &'a mut ReceiptsReport,
}

impl<'a> Auditor<'a> {
    pub fn new(
        snapshot: &'a Snapshot,
        id: u64,
        state: &'a WorkloadState,
        epoch: u64,
        report: &'a mut ReceiptsReport,
    ) -> Self {
        let window = window(snapshot, epoch);
        Self { snapshot, id, state, epoch, window, counts: BTreeMap::new(), seen: Vec::new(), complete: true, report }
    }

    fn fault(&mut self, batch: Option<u64>, fault: Fault, expected: &impl fmt::Display, actual: &impl fmt::Display) {
        self.report.discrepancies.push(Discrepancy {
            workload: self.id,
            epoch: self.epoch,
            batch,
            leaf: None,
            request_id: None,
            slot: None,
            fault,
            expected: expected.to_string(),
            actual: actual.to_string(),
        });
    }

    fn leaf_fault(&mut self, (batch, leaf): (u64, u64), receipt: &Receipt, fault: Fault, words: [String; 2]) {
        let [expected, actual] = words;
        self.report.discrepancies.push(Discrepancy {
            workload: self.id,
            epoch: self.epoch,
            batch: Some(batch),
            leaf: Some(leaf),
            request_id: Some(hex::encode(receipt.attempt.request_id)),
            slot: Some(receipt.attempt.slot),
            fault,
            expected,
            actual,
        });
    }

    /// Checks what was found of the next batch.
    pub fn read<E: fmt::Display>(&mut self, batch: &BatchFile<'_>, found: Result<Option<Vec<u8>>, E>) {
        self.report.batches = self.report.batches.saturating_add(1);
        let path = batch.path();
        let number = Some(batch.sequence);
        let found = match found {
            Ok(Some(bytes)) if bytes.len().is_multiple_of(RECEIPT_BYTES) => return self.batch(batch, &bytes),
            found => found,
        };
        // What the cell counted cannot be made up of what is left.
        self.complete = false;
        match found {
            Ok(Some(bytes)) => {
                let whole = format!("a multiple of {RECEIPT_BYTES} bytes");
                self.fault(number, Fault::BrokenFile, &whole, &format!("{} bytes", bytes.len()));
            }
            Ok(None) => self.fault(number, Fault::MissingFile, &path.display(), &"no such file"),
            Err(error) => self.fault(number, Fault::UnreadableFile, &path.display(), &error),
        }
    }

    /// One batch: its tree, its counts, and each of its receipts.
    fn batch(&mut self, batch: &BatchFile<'_>, bytes: &[u8]) {
        let records = bytes.par_chunks_exact(RECEIPT_BYTES);
        // Any bytes of this length are a receipt: none of its fields has values that are refused.
        let receipts: Vec<Receipt> =
            records.clone().filter_map(|record| Receipt::try_from_slice(record).ok()).collect();
        let tag = receipts_tag(&batch.network, batch.epoch);
        let mut leaves: Vec<Hash> = records.map(|record| merkle::leaf::<Software>(&tag, record)).collect();
        let (number, record) = (Some(batch.sequence), batch.record);
        if receipts.len() as u64 != u64::from(record.receipts) {
            self.fault(number, Fault::WrongCount, &record.receipts, &receipts.len());
        }
        let root = merkle::root::<Software>(&mut leaves);
        if root != Some(record.receipts_root) {
            let root = root.map_or_else(|| "none".to_owned(), hex::encode);
            self.fault(number, Fault::WrongRoot, &hex::encode(record.receipts_root), &root);
        }
        let entries = self.count(&receipts);
        let hash = Software::hash(&[bytemuck::cast_slice(&entries)]);
        if hash != record.entries_hash {
            self.fault(number, Fault::WrongEntries, &hex::encode(record.entries_hash), &hex::encode(hash));
        }
        self.report.receipts = self.report.receipts.saturating_add(receipts.len() as u64);
        self.each(batch.sequence, &receipts);
        self.signatures(batch.sequence, &receipts);
    }

    /// Adds up what receipts say, for the cell; returns what they make of the batch.
    fn count(&mut self, receipts: &[Receipt]) -> Vec<Entry> {
        let mut entries = BTreeMap::<u16, [u32; OUTCOMES]>::new();
        for attempt in receipts.iter().map(|receipt| &receipt.attempt) {
            let outcome = usize::from(attempt.outcome);
            if let Some(count) = entries.entry(attempt.slot).or_default().get_mut(outcome) {
                *count = count.saturating_add(1);
            }
            if let Some(count) = self.counts.entry(attempt.slot).or_default().get_mut(outcome) {
                *count = count.saturating_add(1);
            }
        }
        entries.into_iter().map(|(slot, counts)| Entry { slot, reserved: 0, counts }).collect()
    }

    /// What each receipt says, by itself and after the one before it.
    fn each(&mut self, batch: u64, receipts: &[Receipt]) {
        let mut previous = None;
        for (leaf, receipt) in (0..).zip(receipts) {
            let (at, attempt) = ((batch, leaf), &receipt.attempt);
            let words =
                |expected: &dyn fmt::Display, actual: &dyn fmt::Display| [expected.to_string(), actual.to_string()];
            if previous.replace(attempt.key()).is_some_and(|previous| previous >= attempt.key()) {
                let expected = "sorted by slot, outcome and request id";
                self.leaf_fault(at, receipt, Fault::Disordered, words(&expected, &"not behind the leaf before"));
            }
            if Outcome::from_index(attempt.outcome).is_none() {
                let expected = format!("below {OUTCOMES}");
                self.leaf_fault(at, receipt, Fault::UnknownOutcome, words(&expected, &attempt.outcome));
            }
            if attempt.workload != self.state.address.to_bytes() {
                let actual = Pubkey::from(attempt.workload);
                self.leaf_fault(at, receipt, Fault::OtherWorkload, words(&self.state.address, &actual));
            }
            if attempt.epoch != self.epoch {
                let (expected, actual) = (format!("epoch {}", self.epoch), format!("epoch {}", attempt.epoch));
                self.leaf_fault(at, receipt, Fault::OutsideEpoch, words(&expected, &actual));
            } else if !self.window.contains(&attempt.observed_at) {
                let expected = format!("observed from {} until before {}", self.window.start, self.window.end);
                self.leaf_fault(at, receipt, Fault::OutsideEpoch, words(&expected, &attempt.observed_at));
            }
            let slot = self.state.slots.get(usize::from(attempt.slot));
            if !slot.is_some_and(|slot| slot.counts_in(self.epoch)) {
                let expected = format!("one of {} slots that counts in epoch {}", self.state.slots.len(), self.epoch);
                self.leaf_fault(at, receipt, Fault::UnknownSlot, words(&expected, &attempt.slot));
            }
            self.seen.push((attempt.request_id, attempt.slot, batch, leaf));
        }
    }

    fn signatures(&mut self, batch: u64, receipts: &[Receipt]) {
        let mut keys = Keys::new();
        for receipt in receipts {
            let reporter = receipt.attempt.reporter;
            keys.entry(reporter).or_insert_with(|| ReporterKey::new(reporter));
            let count = self.report.reporters.entry(Pubkey::from(reporter).to_string()).or_default();
            *count = count.saturating_add(1);
        }
        let tag = receipt_tag(&self.snapshot.address, self.epoch);
        let checked = receipts.par_chunks(signature::BATCH).flat_map_iter(|chunk| verify(chunk, &keys, &tag));
        let checked: Vec<bool> = checked.collect();
        let good = checked.iter().filter(|good| **good).count();
        self.report.signatures = self.report.signatures.saturating_add(good as u64);
        for ((leaf, receipt), _) in (0..).zip(receipts).zip(checked).filter(|(_, good)| !good) {
            let reporter = Pubkey::from(receipt.attempt.reporter);
            let words = [format!("signed by {reporter}"), "another signature, or none".to_owned()];
            self.leaf_fault((batch, leaf), receipt, Fault::BadSignature, words);
        }
    }

    /// What only all batches of the cell together show.
    pub fn finish(mut self, state: &WorkloadState, cell: &Cell) {
        self.duplicates();
        let Some(tallies) = batches::tallies(state, cell, self.epoch).filter(|_| self.complete) else { return };
        for (slot, tally) in (0u16..).zip(tallies) {
            let counts = self.counts.get(&slot).copied().unwrap_or_default();
            if counts == tally.map(u64::from) {
                continue;
            }
            self.fault(None, Fault::WrongTally, &format!("{tally:?}"), &format!("{counts:?}"));
            if let Some(last) = self.report.discrepancies.last_mut() {
                last.slot = Some(slot);
            }
        }
    }

    fn duplicates(&mut self) {
        let mut seen = std::mem::take(&mut self.seen);
        seen.par_sort_unstable();
        for pair in seen.windows(2) {
            let [first, second] = pair else { continue };
            if (first.0, first.1) == (second.0, second.1) {
                self.report.discrepancies.push(Discrepancy {
                    workload: self.id,
                    epoch: self.epoch,
                    batch: Some(second.2),
                    leaf: Some(second.3),
                    request_id: Some(hex::encode(second.0)),
                    slot: Some(second.1),
                    fault: Fault::Duplicate,
                    expected: "counted once".to_owned(),
                    actual: format!("leaf {} of batch {} is of the same request", first.3, first.2),
                });
            }
        }
    }
}

/// Whether each of these receipts is signed by its reporter, by the very rule that attesters go by.
fn verify(receipts: &[Receipt], keys: &Keys, tag: &Tag) -> Vec<bool> {
    let key = |receipt: &Receipt| keys.get(&receipt.attempt.reporter).and_then(Option::as_ref);
    let signed = receipts.iter().filter_map(|receipt| {
        let message = receipt.attempt.message::<Software>(tag).unwrap_or_default(); // writing to memory does not fail
        Some(Signed { key: key(receipt)?, message, signature: &receipt.signature })
    });
    let mut verdicts = signature::check(&signed.collect::<Vec<_>>()).into_iter();
    receipts.iter().map(|receipt| key(receipt).is_some() && verdicts.next() == Some(true)).collect()
}

/// Seconds in which the receipts of an epoch were observed: those of the epoch, as every attester demands.
fn window(snapshot: &Snapshot, epoch: u64) -> std::ops::Range<i64> {
    let start_of = |epoch| snapshot.network.epoch_start_ts(epoch).unwrap_or(i64::MAX);
    start_of(epoch)..start_of(epoch.saturating_add(1))
}
