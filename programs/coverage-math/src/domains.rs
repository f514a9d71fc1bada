//! Inside one failure domain: who is paid for its reach.
//!
//! Members of a domain fail together, so the domain reaches as far as its best member, `r = max p`. Each increment of
//! reach is split among the members that attain it **in proportion to their bonds** (the dual weighted Shapley value of the
//! max or "airport" game; Kalai & Samet 1987). With the members sorted by `p` ascending and `p_(0) = 0`,
//!
//! ```text
//! a_(k) = b_(k) · H_k       H_k = Σ_{l ≤ k} ( p_(l) − p_(l−1) ) / ( b_(l) + … + b_(m) )       Σ a ≤ r
//! ```
//!
//! Members of equal `p` share one `H`, so splitting an identity with its bond among several of the same `p` leaves the sum
//! of their shares no larger, exactly: `Σ floor(b_j·H) ≤ floor(Σ b_j·H)`. The dust of rounding down is nobody's and ends
//! in the cell's carry.

use crate::wide::{divide, mul_high};

/// The largest bond of one member, in token units: 1,024 of them still add up below 2^63.
pub const MAX_BOND: u64 = 1 << 52;

/// The accumulator `H` of one domain, in Q96 per unit of bond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Increments {
    per_unit_q96: u128,
    below_q32: u32,
}

impl Increments {
    /// Raises the level to `p_q32`, shared by members whose bonds sum to `bonds` (this one's and all above it).
    ///
    /// A level not above the last, or no bonds at all, adds nothing.
    #[inline]
    pub fn rise_to(&mut self, p_q32: u32, bonds: u64) {
        let Some(rise) = p_q32.checked_sub(self.below_q32).filter(|rise| *rise > 0) else {
            return;
        };
        self.below_q32 = p_q32;
        if bonds == 0 {
            return;
        }
        // rise/2^32/bonds in Q96 is rise·2^64/bonds; the sum over all levels stays below 2^96.
        let (whole, fraction) = divide(u64::from(rise), bonds, 64);
        let term = u128::from(whole).wrapping_shl(64) | u128::from(fraction);
        self.per_unit_q96 = self.per_unit_q96.saturating_add(term);
    }

    /// The share `a` of a member of bond `bond` at the present level, in Q32: never more than that level.
    #[inline]
    #[must_use]
    pub fn share_q32(&self, bond: u64) -> u32 {
        let high = (self.per_unit_q96 >> 64) as u64;
        let low = self.per_unit_q96 as u64;
        // bond ≤ every sum it was divided by, so bond·H ≤ level < 2^32 in Q32; `min` is for bonds that were not in the sums.
        bond.saturating_mul(high).saturating_add(mul_high(bond, low)).min(u64::from(self.below_q32)) as u32
    }
}
