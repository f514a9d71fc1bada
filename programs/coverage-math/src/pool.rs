//! Money, exactly: the pool of a cell, its carry, and what returns to the treasury.
//!
//! ```text
//! pool          = unit · weight + carry + sponsored          unit = floor(min(emission, available) / total weight)
//! reward_i      = floor(pool · φ_i)
//! carry_out     = min(pool − Σ reward, carry_cap_epochs · unit · weight)
//! returned      = pool − Σ reward − carry_out
//! ```
//!
//! so `Σ reward + carry_out + returned = pool` in integers (I2). The uncovered part of a pool waits, up to its cap, for
//! whoever covers it; the dust of rounding down is part of it.

use crate::wide::mul_high;

/// Token units for one unit of weight in one epoch, never more than what is `available` for all of `total_weight`.
///
/// Zero when nothing has weight.
#[must_use]
pub fn unit(emission: u64, available: u64, total_weight: u64) -> u64 {
    emission.min(available).checked_div(total_weight).unwrap_or(0)
}

/// The pool of a cell in token units, or `None` if it does not fit 64 bits (more tokens than any mint can have).
#[must_use]
pub fn pool(unit: u64, weight: u64, carry: u64, sponsored: u64) -> Option<u64> {
    unit.checked_mul(weight)?.checked_add(carry)?.checked_add(sponsored)
}

/// `floor(pool · φ)` in token units.
#[must_use]
pub const fn reward(pool: u64, phi_q64: u64) -> u64 {
    mul_high(pool, phi_q64)
}

/// What a pool leaves: the carry into the next epoch and what returns to the treasury, in token units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remainder {
    /// Stays in the cell for the next epoch.
    pub carry: u64,
    /// Exceeds the cap; waits in the cell until it is moved to the treasury.
    pub returned: u64,
}

/// The most that a workload of this weight may carry over, in token units: as many epochs' worth of its pool.
#[must_use]
pub fn carry_cap(epochs: u16, unit: u64, weight: u64) -> u64 {
    unit.saturating_mul(weight).saturating_mul(u64::from(epochs))
}

/// Splits what a pool did not pay. `None` when more was paid than the pool holds, which [`crate::cell::settle`] cannot do.
#[must_use]
pub fn remainder(pool: u64, paid: u64, carry_cap: u64) -> Option<Remainder> {
    let left = pool.checked_sub(paid)?;
    let carry = left.min(carry_cap);
    Some(Remainder { carry, returned: left.checked_sub(carry)? })
}
