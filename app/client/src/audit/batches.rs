//! I4 and I5: the batches that logs show, and whether the counters are theirs.

use super::check::{Finding, asked};
use super::{Invariant, is_shown, settled};
use crate::rpc::{Snapshot, WorkloadState};
use coverage_math::cell::Slot;
use coverage_settlement::state::{BATCH_REMOVED, BatchRecord, Cell, Phase};
use serde::Serialize;
use std::collections::BTreeMap;

/// One applied batch, as the log shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BatchReport {
    /// The workload, by id.
    pub workload: u64,
    /// The epoch.
    pub epoch: u64,
    /// Number of the batch in its epoch.
    pub sequence: u64,
    /// Root of its receipts' tree, in hexadecimal.
    pub receipts_root: String,
    /// How many receipts.
    pub receipts: u32,
    /// The committee's generation that signed it.
    pub generation: u64,
    /// Who signed it.
    pub endorsers: Vec<Endorser>,
    /// Whether it was proven false and does not count.
    pub removed: bool,
}

/// An attester that signed a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Endorser {
    /// Its place in the committee.
    pub place: u8,
    /// Its key; `None` if the place is another's by now.
    pub key: Option<String>,
}

/// Whether a batch counts.
fn stands(record: &&BatchRecord) -> bool {
    record.flags & BATCH_REMOVED == 0
}

/// The log's epoch and records.
fn log(state: &WorkloadState) -> (Option<u64>, &[BatchRecord]) {
    state.log.as_ref().map_or((None, &[]), |(log, records)| (Some(log.epoch), records))
}

/// The batches that a log shows of the epoch asked for, or of whichever it holds.
pub(super) fn logged(snapshot: &Snapshot, id: u64, state: &WorkloadState, epoch: Option<u64>) -> Vec<BatchReport> {
    let (of, records) = log(state);
    let Some(of) = of.filter(|of| asked(epoch, *of)) else { return Vec::new() };
    let report = |(sequence, record): (u64, &BatchRecord)| BatchReport {
        workload: id,
        epoch: of,
        sequence,
        receipts_root: hex::encode(record.receipts_root),
        receipts: record.receipts,
        generation: record.generation,
        endorsers: endorsers(snapshot, record),
        removed: !stands(&record),
    };
    (0..).zip(records).map(report).collect()
}

fn endorsers(snapshot: &Snapshot, record: &BatchRecord) -> Vec<Endorser> {
    let signed = (0..64u8).filter(|place| record.endorsers.wrapping_shr(u32::from(*place)) & 1 == 1);
    let endorser = |place: u8| {
        let attester = snapshot.committee.attesters.get(usize::from(place));
        let same = attester.filter(|attester| attester.since_generation <= record.generation);
        Endorser { place, key: same.map(|attester| attester.key.to_string()) }
    };
    signed.map(endorser).collect()
}

/// I4: as many settlements as epochs, as many batches as records, and none of them twice.
pub(super) fn once(id: u64, state: &WorkloadState, cell: &Cell) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut compare = |what: &str, expected: u64, actual: u64| {
        if expected != actual {
            findings.push(Finding::new(Invariant::Once, Some(id), what, &expected, &actual));
        }
    };
    let epochs = cell.epoch.saturating_sub(state.workload.first_epoch);
    compare("settlements since its first epoch", epochs, cell.settlements);
    if let Some(last) = cell.epoch.checked_sub(1).filter(|_| is_shown(cell)) {
        compare("last settled epoch", last, cell.last.epoch);
    }
    let (of, records) = log(state);
    let records = if of == Some(cell.epoch) { records } else { &[] };
    compare("batches applied in the epoch in hand", cell.batches, records.len() as u64);
    let removed = records.len().saturating_sub(records.iter().filter(stands).count());
    compare("batches removed in the epoch in hand", u64::from(cell.removed), removed as u64);
    findings.extend(repeated(id, log(state).1));
    findings
}

/// Batches that have an earlier one's receipts.
fn repeated(id: u64, records: &[BatchRecord]) -> Vec<Finding> {
    let mut seen = BTreeMap::new();
    let mut findings = Vec::new();
    for (sequence, record) in records.iter().enumerate().filter(|(_, record)| stands(record)) {
        if let Some(first) = seen.insert(record.receipts_root, sequence) {
            let what = format!("receipts root of batch {sequence}");
            let actual = format!("{} as in batch {first}", hex::encode(record.receipts_root));
            findings.push(Finding::new(Invariant::Once, Some(id), &what, &"one of its own", &actual));
        }
    }
    findings
}

/// I5: every standing batch has more than the quorum, as far as the committee that signed it is still the one there is, and the
/// counters are those of the standing batches.
pub(super) fn counted(
    snapshot: &Snapshot,
    id: u64,
    state: &WorkloadState,
    cell: &Cell,
    epoch: Option<u64>,
) -> Vec<Finding> {
    let (of, records) = log(state);
    let Some(of) = of.filter(|of| asked(epoch, *of)) else { return Vec::new() };
    let mut findings: Vec<Finding> =
        (0..).zip(records).filter_map(|(n, record)| endorsed(snapshot, id, of, n, record)).collect();
    let standing = records.iter().filter(stands).map(|record| u64::from(record.receipts)).sum::<u64>();
    let tally = |slots: &[Slot]| slots.iter().flat_map(|slot| slot.tally).map(u64::from).sum::<u64>();
    let settled_batches = records.iter().filter(stands).count() as u64;
    let mut compare = |what: &str, expected: u64, actual: u64| {
        if expected != actual {
            findings.push(Finding::new(Invariant::Quorum, Some(id), what, &expected, &actual));
        }
    };
    let settling = cell.phase == Phase::Settling as u8;
    if of == cell.epoch && !settling {
        compare("receipts counted in the epoch in hand", standing, tally(&state.slots));
    } else if of == cell.last.epoch && is_shown(cell) {
        compare("receipts counted in the last settlement", standing, cell.last.outcomes.iter().sum());
        compare("batches counted in the last settlement", settled_batches, u64::from(cell.last.batches));
    } else if of < cell.last.epoch && is_shown(cell) && epoch.is_none() {
        compare("receipts counted in the last settlement", 0, cell.last.outcomes.iter().sum());
    }
    // Counts that no batch of the epoch in hand accounts for.
    if of != cell.epoch && !settling && epoch.is_none() {
        compare("receipts counted in the epoch in hand", 0, tally(&state.slots));
    }
    findings
}

/// Whether too few signed a batch; those whose bond is gone by now count, since they had one then.
fn endorsed(snapshot: &Snapshot, id: u64, epoch: u64, sequence: u64, record: &BatchRecord) -> Option<Finding> {
    let committee = &snapshot.committee;
    if record.generation != committee.generation {
        return None;
    }
    let quorum_bps =
        snapshot.epochs.get(&epoch).map_or(snapshot.network.config.quorum_bps, |epoch| epoch.config.quorum_bps);
    if committee.exceeds_quorum(record.endorsers, 0, quorum_bps) {
        return None;
    }
    let weight = |(place, attester): (usize, &coverage_settlement::state::Attester)| {
        let signed = record.endorsers.checked_shr(place as u32).is_some_and(|bits| bits & 1 == 1);
        if signed { attester.weight } else { 0 }
    };
    let signed = committee.places().iter().enumerate().map(weight).fold(0u64, u64::saturating_add);
    let total = committee.total_weight;
    let what = format!("weight that endorsed batch {sequence}");
    let expected = format!("more than {quorum_bps} ten-thousandths of {total}");
    Some(Finding::new(Invariant::Quorum, Some(id), &what, &expected, &signed))
}

/// What was counted of one epoch by slot, as far as the cell still shows it.
pub(super) fn tallies<'a>(state: &'a WorkloadState, cell: &Cell, epoch: u64) -> Option<Vec<&'a [u32; 7]>> {
    let settling = cell.phase == Phase::Settling as u8;
    if epoch == cell.epoch && !settling {
        return Some(state.slots.iter().map(|slot| &slot.tally).collect());
    }
    let last = epoch == cell.last.epoch && is_shown(cell);
    last.then(|| settled(cell, &state.slots).iter().map(|slot| &slot.settled_tally).collect())
}
