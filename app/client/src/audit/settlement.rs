//! The last settlement of a cell, computed again by the kernel that paid it.

use super::{Difference, Invariant};
use crate::math::cell::{self, CellError, Progress, Reason, Settled, Slot, Terms};
use crate::math::pool;
use crate::math::semivalue::Rule;
use coverage_settlement::state::{Cell, Summary};

/// What a cell was settled by: enough to settle it again, as it was or with something else in it.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The slots as they were before.
    pub slots: Vec<Slot>,
    /// What they were settled by.
    pub terms: Terms,
}

impl Settlement {
    /// The last settlement of a cell, from what it left. `None` if the cell shows none (any more), or if its rule
    /// is none that this code knows.
    #[must_use]
    pub fn last(cell: &Cell, slots: &[Slot]) -> Option<Self> {
        let last = &cell.last;
        if !is_shown(cell) {
            return None;
        }
        let terms = Terms {
            epoch: last.epoch,
            rule: Rule::from_index(last.rule)?,
            z_milli: last.z_milli,
            breach_bps: last.breach_bps,
            slash_bps: 0, // what breaches cost is no part of the result
            pool: last.pool,
        };
        Some(Self { slots: settled(cell, slots).iter().map(before).collect(), terms })
    }

    /// Settles all of it; every slot then holds its result.
    ///
    /// # Errors
    /// [`CellError`] for slots that the program did not write.
    pub fn settle(&mut self) -> Result<Settled, CellError> {
        let mut order = vec![0; self.slots.len()];
        let mut progress: Progress = bytemuck::Zeroable::zeroed();
        let settled = cell::settle(&mut self.slots, &mut order, &mut progress, &self.terms, u64::MAX)?;
        settled.ok_or(CellError::BudgetTooSmall)
    }
}

/// Whether a cell still shows a settlement: the next has not begun to overwrite it, and no slot of a retired workload was
/// released, which clears the summary.
pub(crate) fn is_shown(cell: &Cell) -> bool {
    cell.settlements > 0 && cell.progress() == bytemuck::Zeroable::zeroed() && cell.last != Summary::default()
}

/// The slots that the last settlement covered: later ones were enrolled since.
pub(crate) fn settled<'a>(cell: &Cell, slots: &'a [Slot]) -> &'a [Slot] {
    slots.get(..usize::from(cell.last.slots)).unwrap_or(slots)
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

/// Recomputes the last settlement of a cell; returns how many slots that were, and every difference.
///
/// The cell has all that this takes. One that never settled, or whose next settlement has begun to overwrite the last, has
/// nothing to check.
#[must_use]
pub fn settlement(cell: &Cell, slots: &[Slot]) -> (usize, Vec<Difference>) {
    let mut differences = Vec::new();
    if !is_shown(cell) {
        return (0, differences);
    }
    let last = &cell.last;
    let settled = settled(cell, slots);
    let Some(mut again) = Settlement::last(cell, slots) else {
        return (0, vec![Difference::new(Invariant::Determinism, None, "rule", &"a known one", &last.rule)]);
    };
    let result = match again.settle() {
        Ok(result) => result,
        Err(error) => {
            return (0, vec![Difference::new(Invariant::Determinism, None, "settlement", &"possible", &error)]);
        }
    };
    for ((number, actual), expected) in (0..).zip(settled).zip(&again.slots) {
        // A slot that never settled was enrolled since, in place of one that had left.
        if actual.reason != Reason::None as u8 {
            compare_slot(number, expected, actual, &mut differences);
        }
    }
    compare_cell(cell, &result, &mut differences);
    conservation(cell, settled, &mut differences);
    (settled.len(), differences)
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
            differences.push(Difference::new(Invariant::Determinism, Some(number), what, &expected, &actual));
        }
    }
}

/// The summary of a settlement, against its result computed again.
fn compare_cell(cell: &Cell, result: &Settled, differences: &mut Vec<Difference>) {
    let last = &cell.last;
    let mut check = |what, expected: u64, actual: u64| {
        if expected != actual {
            differences.push(Difference::new(Invariant::Determinism, None, what, &expected, &actual));
        }
    };
    check("coverage", result.coverage_q64, last.coverage_q64);
    check("paid", result.paid, last.paid);
    for (expected, actual) in result.outcomes.iter().zip(last.outcomes) {
        check("outcomes", *expected, actual);
    }
    check("contributing", u64::from(result.contributing), u64::from(last.contributing));
    check("domains", u64::from(result.domains), u64::from(last.domains));
    let rest = pool::remainder(last.pool, result.paid, last.carry_cap);
    let rest = rest.unwrap_or(pool::Remainder { carry: 0, returned: 0 });
    check("carry", rest.carry, last.carry);
    check("returned", rest.returned, last.returned);
}

/// I2 and I3 of a settlement, by what the chain says alone.
fn conservation(cell: &Cell, settled: &[Slot], differences: &mut Vec<Difference>) {
    let last = &cell.last;
    let sum =
        [last.paid, last.carry, last.returned].iter().fold(0u128, |sum, part| sum.saturating_add(u128::from(*part)));
    if sum != u128::from(last.pool) {
        differences.push(Difference::new(Invariant::Conservation, None, "I2 conservation", &last.pool, &sum));
    }
    let phi = settled.iter().fold(0u128, |sum, slot| sum.saturating_add(u128::from(slot.phi_q64)));
    if phi > u128::from(last.coverage_q64) {
        differences.push(Difference::new(
            Invariant::CoverageBound,
            None,
            "I3 coverage bound",
            &last.coverage_q64,
            &phi,
        ));
    }
}
