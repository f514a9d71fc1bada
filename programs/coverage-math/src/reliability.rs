//! From attested outcomes to reliability: the Wilson score lower bound, in integers.
//!
//! With `s` successes in `n` attempts and the network's `z`,
//!
//! ```text
//! p = ( s + z²/2 − z·sqrt( s(n−s)/n + z²/4 ) ) / (n + z²)          p = 0 when n = 0
//! ```
//!
//! No evidence, no pay; little evidence, little pay. Source: E. B. Wilson, 1927, "Probable inference, the law of
//! succession, and statistical inference". The root is rounded up and the quotient down, so `p` is never above the
//! exact bound; it is below it by less than `2^-30 / sqrt(n)` plus one unit of Q32.

use crate::wide::divide;

/// How many outcomes there are: the length of a tally.
pub const OUTCOMES: usize = 7;

/// The largest `z` in thousandths: ten standard deviations. Beyond it no network's evidence would count for anything.
pub const MAX_Z_MILLI: u32 = 10_000;

/// What became of one attempt. The number is the index in a tally and in receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Outcome {
    /// The request was served and its execution verified.
    Served = 0,
    /// The operator did not have the model it committed to.
    ModelUnavailable = 1,
    /// The hardware was not of the class committed to.
    HardwareIncompatible = 2,
    /// The committed capacity was not free.
    CapacityExhausted = 3,
    /// The network failed to route: the network's fault, never held against the operator.
    RoutingFailed = 4,
    /// Served later than the class's latency objective.
    LatencyExceeded = 5,
    /// The proof or attestation of the execution did not check.
    VerificationFailed = 6,
}

impl Outcome {
    /// All outcomes, in the order of a tally.
    pub const ALL: [Self; OUTCOMES] = [
        Self::Served,
        Self::ModelUnavailable,
        Self::HardwareIncompatible,
        Self::CapacityExhausted,
        Self::RoutingFailed,
        Self::LatencyExceeded,
        Self::VerificationFailed,
    ];

    /// The outcome of index `index`, or `None` past the last.
    #[must_use]
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }
}

/// Attempts, successes and verification failures of one tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Successes `s`.
    pub served: u32,
    /// Attempts `n`: all outcomes but [`Outcome::RoutingFailed`].
    pub attempts: u32,
    /// Attempts whose proof of execution did not check.
    pub verification_failed: u32,
}

impl Evidence {
    /// Reads one epoch's counters. `None` when the attempts do not fit 32 bits.
    #[must_use]
    pub fn of(tally: &[u32; OUTCOMES]) -> Option<Self> {
        let &[served, model, hardware, capacity, _routing, latency, verification] = tally;
        let attempts =
            [model, hardware, capacity, latency, verification].into_iter().try_fold(served, u32::checked_add)?;
        Some(Self { served, attempts, verification_failed: verification })
    }

    /// Whether more than `breach_bps` ten-thousandths of the attempts failed verification.
    #[must_use]
    pub fn breaches(&self, breach_bps: u16) -> bool {
        // Both sides are below 2^46.
        u64::from(self.verification_failed).wrapping_mul(10_000)
            > u64::from(breach_bps).wrapping_mul(u64::from(self.attempts))
    }

    /// The Wilson lower bound in Q32, at `z_milli` thousandths of a standard deviation (at most [`MAX_Z_MILLI`]; more counts
    /// as that). A perfect record at `z = 0` gives `1 − 2^-32`: a reliability is always below one.
    #[must_use]
    pub fn wilson_q32(&self, z_milli: u32) -> u32 {
        let (s, n) = (u64::from(self.served), u64::from(self.attempts));
        if n == 0 {
            return 0;
        }
        // Everything times 2·10^6: with m = z_milli,
        //   p = ( 2·10^6·s + m² − m·sqrt(X) ) / ( 2·10^6·n + 2·m² ),   X = 4·10^6·s(n−s)/n + m².
        let m = u64::from(z_milli.min(MAX_Z_MILLI));
        let square = m.wrapping_mul(m); // ≤ 10^8
        // s, n < 2^32 and s ≤ n: s(n−s) < 2^62, its quotient by n < 2^30, and 4·10^6 (22 bits) times either fits.
        let variance = s.wrapping_mul(n.saturating_sub(s));
        let whole = variance.checked_div(n).unwrap_or(0);
        let rest = variance.wrapping_sub(whole.wrapping_mul(n)).wrapping_mul(4_000_000);
        let floor = whole.wrapping_mul(4_000_000).wrapping_add(square);

        // As many fractional bits as both parts leave free, an even number of them, for the root below.
        let free = floor.wrapping_add(4_000_000).leading_zeros().min(rest.leading_zeros());
        let fraction = free.saturating_sub(1) & !1;
        let radicand =
            floor.wrapping_shl(fraction).wrapping_add(rest.wrapping_shl(fraction).checked_div(n).unwrap_or(0));
        let root = radicand.isqrt().wrapping_add(1); // rounded up: p is rounded down
        let half = fraction >> 1;

        // 2·10^6·s < 2^53 and half ≤ (41 − log2 n)/2 + 1: all terms stay below 2^61.
        let gain = s.wrapping_mul(2_000_000).wrapping_add(square).wrapping_shl(half);
        let loss = if m == 0 { 0 } else { m.wrapping_mul(root) };
        let whole_scale = n.wrapping_mul(2_000_000).wrapping_add(square.wrapping_mul(2)).wrapping_shl(half);
        match divide(gain.saturating_sub(loss), whole_scale, 32) {
            (0, fraction) => fraction as u32,
            _ => u32::MAX, // s = n at z = 0
        }
    }
}
