//! Cells for tests: built from plain numbers, settled in one go or in pieces.
#![allow(dead_code, clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

use bytemuck::Zeroable;
use coverage_math::cell::{self, Progress, Settled, Slot, Terms};
use coverage_math::reliability::OUTCOMES;
use coverage_math::semivalue::Rule;

/// One unit in Q32.
pub const ONE_Q32: f64 = 4_294_967_296.0;
/// One unit in Q64.
pub const ONE_Q64: f64 = ONE_Q32 * ONE_Q32;

/// Terms of epoch 7 with the given rule and pool, `z = 0` (so that p = s/n) and no breach.
pub fn terms(rule: Rule, pool: u64) -> Terms {
    Terms { epoch: 7, rule, z_milli: 0, breach_bps: 10_000, slash_bps: 1_000, pool }
}

/// A slot with the given domain, bond and outcomes.
pub fn slot(domain: u32, bond: u64, outcomes: [u32; OUTCOMES]) -> Slot {
    let mut slot = Slot::new([0; 32], bond, domain, 0);
    slot.add(&outcomes).unwrap();
    slot
}

/// A slot that was served `served` times in a million attempts.
pub fn slot_p(domain: u32, bond: u64, served: u32) -> Slot {
    slot(domain, bond, [served, 1_000_000 - served, 0, 0, 0, 0, 0])
}

/// Settles the whole cell at once.
pub fn settle(slots: &mut [Slot], terms: &Terms) -> Settled {
    let (settled, calls) = settle_in_pieces(slots, terms, || u64::MAX);
    assert_eq!(calls, 1);
    settled
}

/// Settles with the budgets that `budget` gives; returns how many calls it took.
pub fn settle_in_pieces(slots: &mut [Slot], terms: &Terms, mut budget: impl FnMut() -> u64) -> (Settled, usize) {
    let mut order = vec![0; slots.len()];
    let mut progress = Progress::zeroed();
    for call in 1.. {
        match cell::settle(slots, &mut order, &mut progress, terms, budget()) {
            Ok(Some(settled)) => {
                assert_eq!(progress, Progress::zeroed());
                return (settled, call);
            }
            Ok(None) | Err(cell::CellError::BudgetTooSmall) => {}
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("the loop has no end")
}

/// φ of every slot, as a float.
pub fn phi(slots: &[Slot]) -> Vec<f64> {
    slots.iter().map(|slot| slot.phi_q64 as f64 / ONE_Q64).collect()
}
