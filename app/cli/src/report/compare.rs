//! The same money, paid by other rules.
//!
//! For every cell, what it paid out is divided among its slots once equally (pay per node) and once by attempts served
//! (pay per request). Both use cumulative rounding, so that
//!
//! ```text
//! Σ per_node = Σ per_request = Σ reward     in every cell,
//! ```
//!
//! and no slot is more than one base unit from its exact part. A cell that paid something but served nothing, which the
//! program makes impossible, is divided equally.

use std::collections::BTreeMap;

use super::{Report, SlotReport};

impl Report {
    /// Fills in `per_node` and `per_request` of every slot and operator from their rewards and attempts.
    pub fn fill_comparisons(&mut self) {
        let mut cells: BTreeMap<(usize, u32), Vec<&mut SlotReport>> = BTreeMap::new();
        for slot in self.operators.iter_mut().flat_map(|operator| &mut operator.slots) {
            cells.entry((slot.workload, slot.epoch)).or_default().push(slot);
        }
        for mut slots in cells.into_values() {
            let paid = slots.iter().map(|slot| u128::from(slot.reward)).sum();
            let served: Vec<u64> = slots.iter().map(|slot| slot.served).collect();
            let per_node = divide(paid, &vec![1; slots.len()]);
            let per_request =
                if served.iter().any(|served| *served > 0) { divide(paid, &served) } else { per_node.clone() };
            for ((slot, per_node), per_request) in slots.iter_mut().zip(per_node).zip(per_request) {
                (slot.per_node, slot.per_request) = (per_node, per_request);
            }
        }
        for operator in &mut self.operators {
            operator.per_node = operator.slots.iter().map(|slot| slot.per_node).sum();
            operator.per_request = operator.slots.iter().map(|slot| slot.per_request).sum();
        }
    }
}

/// Divides an amount in proportion to the weights, of which one must be positive; the parts sum to the amount.
fn divide(amount: u128, weights: &[u64]) -> Vec<u64> {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let mut weight_so_far = 0;
    let mut given = 0;
    let part = |weight: &u64| {
        weight_so_far += u128::from(*weight);
        let due = amount * weight_so_far / total;
        let part = due - given;
        given = due;
        u64::try_from(part).unwrap_or(u64::MAX)
    };
    weights.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::divide;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_sum_to_the_amount_and_are_fair(amount in any::<u64>(), weights in prop::collection::vec(0..1_000_000_u64, 1..50)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let parts = divide(u128::from(amount), &weights);
            prop_assert_eq!(parts.iter().map(|part| u128::from(*part)).sum::<u128>(), u128::from(amount));
            let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = u128::from(amount) * u128::from(*weight) / total;
                prop_assert!(u128::from(*part).abs_diff(exact) <= 1);
            }
        }
    }
}
