//! I1: what the network owes, whether the vault holds it, and whether every total is the sum of its parts.

use super::check::Finding;
use super::{Difference, Invariant};
use crate::rpc::{Snapshot, WorkloadState};
use coverage_settlement::state::{Cell, Epoch, Network, Phase, Workload};

/// I1: whether the vault holds at least what the network owes: the treasury, every cell's amounts, what was set aside for
/// epochs that a cell has not sealed yet, and the bonds.
///
/// `cells` are all cells of the network with their workloads, `epochs` those opened, in any order.
#[must_use]
pub fn solvency(
    network: &Network,
    cells: &[(Cell, Workload)],
    epochs: &[Epoch],
    vault_units: u64,
) -> Option<Difference> {
    let owed = owed(network, cells, epochs);
    let expected = format!("at least {owed}");
    let short = u128::from(vault_units) < owed;
    short.then(|| Difference::new(Invariant::Solvency, None, "I1 solvency (vault)", &expected, &vault_units))
}

/// All that the network owes, in token units.
pub(super) fn owed(network: &Network, cells: &[(Cell, Workload)], epochs: &[Epoch]) -> u128 {
    let amounts = [network.treasury_available, network.operator_bonds, network.attester_bonds];
    let mut owed = sum(amounts);
    for (cell, workload) in cells {
        owed = owed.saturating_add(sum([cell.pool, cell.carry, cell.sponsored, cell.returned, cell.earned]));
        for epoch in epochs.iter().filter(|epoch| epoch.index >= first_unsealed(cell)) {
            let allocated = u128::from(epoch.unit).saturating_mul(u128::from(workload.weight_in(epoch.index)));
            owed = owed.saturating_add(allocated);
        }
    }
    owed
}

/// The first epoch whose pool is not in the cell yet.
fn first_unsealed(cell: &Cell) -> u64 {
    let sealed = cell.phase != Phase::Collecting as u8;
    cell.epoch.saturating_add(u64::from(sealed))
}

fn sum(amounts: impl IntoIterator<Item = u64>) -> u128 {
    amounts.into_iter().fold(0, |sum, amount| sum.saturating_add(u128::from(amount)))
}

/// The totals behind I1 that are not the sums of their parts, and the epochs that are missing.
pub(super) fn totals(snapshot: &Snapshot) -> Vec<Finding> {
    let network = &snapshot.network;
    let bonds = sum(snapshot.operators.values().map(|operator| operator.operator.bond.units));
    let attesters = sum(snapshot.committee.places().iter().map(|attester| attester.bond.units));
    let mut findings = Vec::new();
    let mut compare = |workload, what: &str, expected: u128, actual: u128| {
        if expected != actual {
            findings.push(Finding::new(Invariant::Solvency, workload, what, &expected, &actual));
        }
    };
    compare(None, "sum of operators' bonds", u128::from(network.operator_bonds), bonds);
    compare(None, "sum of attesters' bonds", u128::from(network.attester_bonds), attesters);
    for (id, state) in &snapshot.workloads {
        let Some(cell) = &state.cell else { continue };
        // A settlement books what its steps have credited so far when it is complete.
        let booked = u128::from(cell.earned).saturating_add(u128::from(cell.progress().paid));
        compare(Some(*id), "sum of slots' earned", booked, sum(state.slots.iter().map(|slot| slot.earned)));
    }
    for (id, state) in &snapshot.workloads {
        findings.extend(missing_epochs(snapshot, state).map(|epoch| {
            Finding::new(Invariant::Solvency, Some(*id), &format!("account of epoch {epoch}"), &"there", &"missing")
        }));
    }
    findings
}

/// Most epochs of a workload that are looked for: what a network cannot be behind, an account that was tampered with can.
const MOST_EPOCHS: usize = 1 << 16;

/// Epochs that a workload is still to be paid for, but that are not there.
fn missing_epochs<'a>(snapshot: &'a Snapshot, state: &'a WorkloadState) -> impl Iterator<Item = u64> + 'a {
    let first = state.cell.as_ref().map_or(snapshot.network.next_epoch, |cell| cell.epoch);
    let paid_for = move |epoch: &u64| state.workload.weight_in(*epoch) > 0 && !snapshot.epochs.contains_key(epoch);
    (first..snapshot.network.next_epoch).take(MOST_EPOCHS).filter(paid_for)
}
