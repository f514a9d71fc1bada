//! The audit: every settled slot computed again from account data alone, bit for bit.
//!
//! A pure function: [`settlement`] takes what the chain shows and returns what differs. What pays is what audits, so any
//! difference means that an account was not written by this program, or that its bytes were read wrong.

use crate::math::cell::{self, Progress, Reason, Slot, Terms};
use crate::math::pool;
use crate::math::semivalue::Rule;
use coverage_settlement::state::{Cell, Epoch, Network, Phase, Workload};
use std::fmt;

/// One value that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The slot, or `None` for the cell itself.
    pub slot: Option<u16>,
    /// Name of the field, or of the invariant.
    pub what: &'static str,
    /// What recomputing gives.
    pub expected: String,
    /// What the chain says.
    pub actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slot {
            Some(slot) => write!(f, "slot {slot}: ")?,
            None => f.write_str("cell: ")?,
        }
        write!(f, "{} is {}, recomputed {}", self.what, self.actual, self.expected)
    }
}

/// Recomputes the last settlement of a cell; returns how many slots that were, and every difference.
///
/// The cell has all that this takes. One that never settled, or whose next settlement has begun to overwrite the last, has
/// nothing to check.
#[must_use]
pub fn settlement(cell: &Cell, slots: &[Slot]) -> (usize, Vec<Difference>) {
    let mut differences = Vec::new();
    let last = &cell.last;
    let settled = slots.get(..usize::from(last.slots)).unwrap_or(slots);
    if cell.settlements == 0 || cell.progress() != bytemuck::Zeroable::zeroed() {
        return (0, differences);
    }
    let Some(rule) = Rule::from_index(last.rule) else {
        return (0, vec![different(None, "rule", "a known one", &last.rule)]);
    };
    let terms = Terms {
        epoch: last.epoch,
        rule,
        z_milli: last.z_milli,
        breach_bps: last.breach_bps,
        slash_bps: 0,
        pool: last.pool,
    };
    let mut again: Vec<Slot> = settled.iter().map(before).collect();
    let mut order = vec![0; again.len()];
    let mut progress: Progress = bytemuck::Zeroable::zeroed();
    let result = match cell::settle(&mut again, &mut order, &mut progress, &terms, u64::MAX) {
        Ok(Some(result)) => result,
        Ok(None) => {
            return (0, vec![different(None, "settlement", "complete", &"incomplete")]);
        }
        Err(error) => return (0, vec![different(None, "settlement", "possible", &error)]),
    };
    for (number, (expected, actual)) in again.iter().zip(settled).enumerate() {
        // A slot that never settled was enrolled since, in place of one that had left.
        if actual.reason != Reason::None as u8 {
            compare_slot(number as u16, expected, actual, &mut differences);
        }
    }
    let mut check = |what, expected: u64, actual: u64| {
        if expected != actual {
            differences.push(different(None, what, &expected, &actual));
        }
    };
    check("coverage", result.coverage_q64, last.coverage_q64);
    check("paid", result.paid, last.paid);
    for (expected, actual) in result.outcomes.iter().zip(last.outcomes) {
        check("outcomes", *expected, actual);
    }
    let rest = pool::remainder(last.pool, result.paid, last.carry_cap);
    let rest = rest.unwrap_or(pool::Remainder { carry: 0, returned: 0 });
    check("carry", rest.carry, last.carry);
    check("returned", rest.returned, last.returned);
    let sum = u128::from(last.paid).saturating_add(u128::from(last.carry)).saturating_add(u128::from(last.returned));
    if sum != u128::from(last.pool) {
        differences.push(different(None, "I2 conservation", &last.pool, &sum));
    }
    let phi = settled.iter().fold(0u128, |sum, slot| sum.saturating_add(u128::from(slot.phi_q64)));
    if phi > u128::from(last.coverage_q64) {
        differences.push(different(None, "I3 coverage bound", &last.coverage_q64, &phi));
    }
    (settled.len(), differences)
}

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
    let amounts = [network.treasury_available, network.operator_bonds, network.attester_bonds];
    let mut owed = amounts.iter().fold(0u128, |sum, amount| sum.saturating_add(u128::from(*amount)));
    for (cell, workload) in cells {
        let amounts = [cell.pool, cell.carry, cell.sponsored, cell.returned, cell.earned];
        owed = amounts.iter().fold(owed, |sum, amount| sum.saturating_add(u128::from(*amount)));
        let sealed = cell.phase != Phase::Collecting as u8;
        let waiting = |epoch: &&Epoch| epoch.index > cell.epoch || (epoch.index == cell.epoch && !sealed);
        for epoch in epochs.iter().filter(waiting) {
            let allocated = u128::from(epoch.unit).saturating_mul(u128::from(workload.weight_in(epoch.index)));
            owed = owed.saturating_add(allocated);
        }
    }
    let expected = format!("at least {owed}");
    (u128::from(vault_units) < owed).then(|| different(None, "I1 solvency (vault)", &expected, &vault_units))
}

/// The slot as it was before the last settlement, from what the settlement left.
fn before(slot: &Slot) -> Slot {
    Slot {
        tally: slot.settled_tally,
        // What was staged since did not count.
        bond: slot.settled_bond,
        staged_bond: slot.settled_bond,
        domain: slot.settled_domain,
        staged_domain: slot.settled_domain,
        ..*slot
    }
}

fn compare_slot(number: u16, expected: &Slot, actual: &Slot, differences: &mut Vec<Difference>) {
    let fields = |slot: &Slot| {
        [
            ("p", u64::from(slot.p_q32)),
            ("share", u64::from(slot.share_q32)),
            ("phi", slot.phi_q64),
            ("reward", slot.reward),
            ("reason", u64::from(slot.reason)),
        ]
    };
    for ((what, expected), (_, actual)) in fields(expected).into_iter().zip(fields(actual)) {
        if expected != actual {
            differences.push(different(Some(number), what, &expected, &actual));
        }
    }
}

fn different(
    slot: Option<u16>,
    what: &'static str,
    expected: &(impl fmt::Display + ?Sized),
    actual: &impl fmt::Display,
) -> Difference {
    Difference { slot, what, expected: expected.to_string(), actual: actual.to_string() }
}
