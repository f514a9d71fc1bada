//! One snapshot in, one report out.

use super::batches::{self, BatchReport};
use super::mint::MintReport;
use super::receipts::ReceiptsReport;
use super::{Difference, Invariant, Settlement, accounts, is_shown, settled, settlement};
use crate::explain::number::Q64;
use crate::rpc::{Snapshot, WorkloadState};
use coverage_math::semivalue::Rule;
use coverage_settlement::state::{Cell, Epoch, Workload};
use serde::Serialize;
use solana_program::pubkey::Pubkey;
use std::fmt;

/// What an audit came to. Amounts are token units.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The network.
    pub network: String,
    /// The cluster's time when the accounts were read, in unix seconds.
    pub now_ts: i64,
    /// What the network pays in, if its mint was looked at.
    pub mint: Option<MintReport>,
    /// The one epoch that was asked for, if one was.
    pub epoch: Option<u64>,
    /// One entry for each invariant, by number.
    pub checks: Vec<Check>,
    /// The settlements that were computed again.
    pub cells: Vec<CellReport>,
    /// The batches that the logs show.
    pub batches: Vec<BatchReport>,
    /// What the published receipts show, if they were looked at.
    pub receipts: Option<ReceiptsReport>,
    /// What the chain does not show (any more), in words.
    pub notes: Vec<String>,
}

/// One invariant.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// Which.
    pub id: Invariant,
    /// Its name.
    pub name: &'static str,
    /// What must be.
    pub expected: String,
    /// What is.
    pub actual: String,
    /// Every value that breaks it.
    pub findings: Vec<Finding>,
}

/// One value that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The invariant it breaks.
    pub invariant: Invariant,
    /// The workload, by id; `None` for the network.
    pub workload: Option<u64>,
    /// The slot, if it is about one.
    pub slot: Option<u16>,
    /// The operator in the slot.
    pub operator: Option<String>,
    /// What it is a value of.
    pub what: String,
    /// What it should be.
    pub expected: String,
    /// What the chain says.
    pub actual: String,
}

/// One settlement, computed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellReport {
    /// The workload, by id.
    pub workload: u64,
    /// Its account.
    pub address: String,
    /// The epoch settled.
    pub epoch: u64,
    /// Slots that were settled.
    pub slots: usize,
    /// Coverage.
    pub coverage: Q64,
    /// The pool.
    pub pool_units: u64,
    /// Of it paid.
    pub paid_units: u64,
    /// Of it carried over.
    pub carry_units: u64,
    /// Of it on its way back to the treasury.
    pub returned_units: u64,
    /// Values that differ.
    pub differences: usize,
}

impl Finding {
    pub(super) fn new(
        invariant: Invariant,
        workload: Option<u64>,
        what: &str,
        expected: &impl fmt::Display,
        actual: &impl fmt::Display,
    ) -> Self {
        Self {
            invariant,
            workload,
            slot: None,
            operator: None,
            what: what.to_owned(),
            expected: expected.to_string(),
            actual: actual.to_string(),
        }
    }

    fn of(difference: Difference, id: u64, state: &WorkloadState) -> Self {
        let slot = difference.slot.and_then(|slot| state.slots.get(usize::from(slot)));
        Self {
            slot: difference.slot,
            operator: slot.map(|slot| Pubkey::from(slot.operator).to_string()),
            ..Self::new(difference.invariant, Some(id), difference.what, &difference.expected, &difference.actual)
        }
    }
}

impl Check {
    /// Whether nothing breaks it.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Report {
    /// Whether every invariant holds, no receipt is wrong, and the epoch asked for is one that the chain shows something of.
    #[must_use]
    pub fn passed(&self) -> bool {
        let receipts = self.receipts.as_ref().is_none_or(|receipts| receipts.discrepancies.is_empty());
        self.checks.iter().all(Check::passed) && receipts && self.shows_the_epoch()
    }

    /// Whether there was anything to check of the epoch asked for.
    #[must_use]
    pub fn shows_the_epoch(&self) -> bool {
        self.epoch.is_none() || !self.cells.is_empty() || !self.batches.is_empty()
    }
}

/// Audits a network: computes its settlements again and checks its invariants. With `epoch`, settlements and batches of that
/// epoch only; I1 is always checked, because money belongs to no epoch.
#[must_use]
pub fn check(snapshot: &Snapshot, epoch: Option<u64>) -> Report {
    let mut findings = accounts::totals(snapshot);
    let (mut cells, mut logged, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (id, state) in &snapshot.workloads {
        let Some(cell) = &state.cell else {
            notes.push(format!("workload {id} is retired and its cell closed: only events show what it paid"));
            continue;
        };
        notes.extend(unseen(*id, cell, epoch));
        if let Some(settled) = Settlement::last(cell, &state.slots).filter(|last| asked(epoch, last.terms.epoch)) {
            let found = differences(snapshot, state, cell);
            cells.push(cell_report(*id, state, cell, &settled, found.len()));
            findings.extend(found.into_iter().map(|difference| Finding::of(difference, *id, state)));
        } else if is_shown(cell) && Rule::from_index(cell.last.rule).is_none() {
            let (_, found) = settlement(cell, &state.slots);
            findings.extend(found.into_iter().map(|difference| Finding::of(difference, *id, state)));
        }
        if epoch.is_none() {
            findings.extend(batches::once(*id, state, cell));
        }
        logged.extend(batches::logged(snapshot, *id, state, epoch));
        findings.extend(batches::counted(snapshot, *id, state, cell, epoch));
    }
    let checks = Invariant::ALL.map(|id| entry(snapshot, id, &cells, &logged, &findings)).to_vec();
    let network = snapshot.address.to_string();
    Report { network, now_ts: snapshot.now, mint: None, epoch, checks, cells, batches: logged, receipts: None, notes }
}

/// Whether an epoch is (or may be) the one asked for.
pub(super) fn asked(epoch: Option<u64>, which: u64) -> bool {
    epoch.is_none_or(|epoch| epoch == which)
}

/// What a cell does not show of the epoch asked for.
fn unseen(id: u64, cell: &Cell, epoch: Option<u64>) -> Option<String> {
    let settling = cell.progress() != bytemuck::Zeroable::zeroed();
    let last = is_shown(cell).then_some(cell.last.epoch);
    let now = cell.epoch;
    match (epoch, last) {
        (Some(epoch), _) if epoch >= now && !(settling && epoch == now) => {
            Some(format!("workload {id} has not settled epoch {epoch}: epoch {now} is in hand"))
        }
        (_, None) if settling => Some(format!("workload {id} is being settled for epoch {now}: run the audit again")),
        (Some(epoch), Some(last)) if epoch != last => Some(format!(
            "workload {id} shows the settlement of epoch {last} only; epoch {epoch} is overwritten, its events remain"
        )),
        (Some(_), Some(_)) => None,
        (_, None) if cell.settlements > 0 => {
            Some(format!("workload {id} is retired and its slots released: only events show what it paid"))
        }
        (_, None) => Some(format!("workload {id} has not settled an epoch yet")),
        (None, Some(_)) => None,
    }
}

/// What differs in a settlement, its terms included where the epoch that set them is still there.
fn differences(snapshot: &Snapshot, state: &WorkloadState, cell: &Cell) -> Vec<Difference> {
    let (_, mut differences) = settlement(cell, &state.slots);
    let last = &cell.last;
    if let Some(epoch) = snapshot.epochs.get(&last.epoch) {
        let config = &epoch.config;
        let terms = [
            ("z", u64::from(config.z_milli), u64::from(last.z_milli)),
            ("breach limit", u64::from(config.breach_bps), u64::from(last.breach_bps)),
            ("rule", u64::from(config.rule), u64::from(last.rule)),
        ];
        let other = terms.iter().filter(|(_, expected, actual)| expected != actual);
        differences.extend(
            other.map(|(what, expected, actual)| Difference::new(Invariant::Determinism, None, what, expected, actual)),
        );
    }
    let rewards =
        settled(cell, &state.slots).iter().fold(0u128, |sum, slot| sum.saturating_add(u128::from(slot.reward)));
    if rewards != u128::from(last.paid) {
        differences.push(Difference::new(Invariant::Conservation, None, "sum of rewards", &last.paid, &rewards));
    }
    differences
}

fn cell_report(id: u64, state: &WorkloadState, cell: &Cell, settled: &Settlement, differences: usize) -> CellReport {
    let last = &cell.last;
    CellReport {
        workload: id,
        address: state.address.to_string(),
        epoch: last.epoch,
        slots: settled.slots.len(),
        coverage: Q64(last.coverage_q64),
        pool_units: last.pool,
        paid_units: last.paid,
        carry_units: last.carry,
        returned_units: last.returned,
        differences,
    }
}

/// The entry of one invariant.
fn entry(
    snapshot: &Snapshot,
    id: Invariant,
    cells: &[CellReport],
    batches: &[BatchReport],
    findings: &[Finding],
) -> Check {
    let mut findings: Vec<Finding> = findings.iter().filter(|finding| finding.invariant == id).cloned().collect();
    let total =
        |part: fn(&CellReport) -> u64| cells.iter().fold(0u128, |sum, cell| sum.saturating_add(u128::from(part(cell))));
    let (settled, slots) = (cells.len(), cells.iter().map(|cell| cell.slots).sum::<usize>());
    let standing = batches.iter().filter(|batch| !batch.removed).count();
    let broken = |findings: &[Finding]| match findings.len() {
        0 => "so it is".to_owned(),
        1 => "1 value differs".to_owned(),
        many => format!("{many} values differ"),
    };
    let (expected, actual) = match id {
        Invariant::Solvency => {
            let owed = owed(snapshot);
            if u128::from(snapshot.vault_units) < owed {
                let expected = format!("at least {owed}");
                findings.insert(0, Finding::new(id, None, "vault", &expected, &snapshot.vault_units));
            }
            (format!("at least {owed} units in the vault"), format!("{} units", snapshot.vault_units))
        }
        Invariant::Conservation => {
            let out =
                [total(|cell| cell.paid_units), total(|cell| cell.carry_units), total(|cell| cell.returned_units)];
            let out = out.into_iter().fold(0u128, u128::saturating_add);
            let pools = total(|cell| cell.pool_units);
            (format!("{pools} units of {settled} pools"), format!("{out} units paid, carried or returned"))
        }
        Invariant::CoverageBound => (format!("sum of phi at most the coverage in {settled} cells"), broken(&findings)),
        Invariant::Once => {
            (format!("{} batches applied once, {settled} settlements made once", batches.len()), broken(&findings))
        }
        Invariant::Quorum => {
            (format!("{standing} standing batches endorsed and counted as endorsed"), broken(&findings))
        }
        Invariant::Determinism => {
            (format!("{slots} slots in {settled} cells settle to the same bits again"), broken(&findings))
        }
    };
    Check { id, name: id.name(), expected, actual, findings }
}

/// All that the network owes, in token units.
fn owed(snapshot: &Snapshot) -> u128 {
    let with_cell = |state: &WorkloadState| Some((state.cell?, state.workload));
    let cells: Vec<(Cell, Workload)> = snapshot.workloads.values().filter_map(with_cell).collect();
    let epochs: Vec<Epoch> = snapshot.epochs.values().copied().collect();
    accounts::owed(&snapshot.network, &cells, &epochs)
}
