//! Across failure domains: coverage and the marginal factor of each domain.
//!
//! Domains fail independently, so a cell with reaches `r_1 … r_m` covers `C = 1 − ∏ (1 − r_h)`. For a probability measure
//! μ on [0, 1] the semivalue (Dubey, Neyman & Weber 1981) of a member with share `a` of domain `g`'s reach is
//!
//! ```text
//! φ = a · S_g        S_g = ∫ ∏_{h≠g} (1 − t·r_h) dμ(t)        Σ φ ≤ C, with equality for the Shapley rule
//! ```
//!
//! The integral is a fixed sum over nodes `t_k` with weights `W_k`. One pass multiplies `P_k = ∏ (1 − t_k·r_h)` over *all*
//! domains, a second divides each domain's own factor out again: `S_g = Σ W_k·P_k / (1 − t_k·r_g)`. A division costs one
//! instruction on SBF, so a node and a domain cost two short loops and nothing is quadratic.
//!
//! **Nodes.** For the Shapley rule μ is uniform. Gauss–Legendre in `u` with `t = (e^{βu} − 1)/(e^β − 1)` resolves both few
//! strong and very many domains: 20 nodes keep the relative error below 7·10⁻⁹ at 1,024 domains, where 32 nodes under
//! `t = u²` reach 8·10⁻⁷. Banzhaf and leave-one-out are a single node.
//!
//! **Rounding.** Every step rounds the result down: `t` up, factors, products, weights and quotients down, and dividing a
//! product of rounded-down factors by the very factor it contains never exceeds the product of the others. The weights are
//! also shrunk by the guard `1 − 2⁻²⁶` (1.5·10⁻⁸), above the quadrature's own error, so Σφ ≤ C holds as integers (I3).

use crate::nodes::{BANZHAF, LAST_IN, Node, SHAPLEY_8, SHAPLEY_12, SHAPLEY_20};
use crate::wide::{LOW, scale_q32, upper_shifted};

/// The most nodes any rule uses.
pub const MAX_NODES: usize = 20;

/// Which semivalue pays: the measure μ over how much of the others is there before an operator joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rule {
    /// Uniform μ: the average over every order of joining (the Owen value with domains as unions). Pays out all coverage.
    Shapley = 0,
    /// `t = 1/2`: the average over every subset of the others.
    Banzhaf = 1,
    /// `t = 1`: what is lost if only this operator leaves (leave-one-out).
    LastIn = 2,
}

impl Rule {
    /// The rule of number `index`, or `None` past the last.
    #[must_use]
    pub const fn from_index(index: u8) -> Option<Self> {
        match index {
            0 => Some(Self::Shapley),
            1 => Some(Self::Banzhaf),
            2 => Some(Self::LastIn),
            _ => None,
        }
    }

    /// The quadrature nodes `(t, W)` for a cell of `domains` domains.
    #[must_use]
    pub const fn nodes(self, domains: usize) -> &'static [Node] {
        match self {
            Self::Shapley if domains <= 16 => &SHAPLEY_8,
            Self::Shapley if domains <= 64 => &SHAPLEY_12,
            Self::Shapley => &SHAPLEY_20,
            Self::Banzhaf => &BANZHAF,
            Self::LastIn => &LAST_IN,
        }
    }
}

/// The factor `1 − t·r` in Q32, rounded down and at least one unit, for `0 < r < 2^32` and `0 < t ≤ 2^32` (both Q32).
///
/// `t·r` is in Q64 and below `2^64`, so `2^64 − t·r` is its two's complement, and at least `2^32` because `r ≤ 2^32 − 1`.
#[inline(always)]
const fn factor_q32(t: u64, reach_q32: u32) -> u64 {
    t.wrapping_mul(reach_q32 as u64).wrapping_neg() >> 32
}

/// `∏ (1 − t·r)` over the `reach` of all `domains` in Q64, rounded down; the product of none is `1 − 2^-64`.
///
/// Four at a time, because a loop's own instructions are a quarter of its cost.
#[inline(always)]
#[must_use]
pub fn product_q64<T>(t: u64, domains: &[T], reach: impl Fn(&T) -> u32) -> u64 {
    let step = |product, domain: &T| scale_q32(product, factor_q32(t, reach(domain)));
    let (fours, rest) = domains.as_chunks::<4>();
    let product = fours.iter().fold(u64::MAX, |product, [a, b, c, d]| step(step(step(step(product, a), b), c), d));
    rest.iter().fold(product, step)
}

/// `W_k·P_k` for every node, all scaled by the one power of two that keeps the most digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numerators {
    /// `W_k·P_k · 2^(64 + exponent)`, rounded down; the largest has its top bit set (all are 0 if every product is).
    pub values: [u64; MAX_NODES],
    /// The common exponent, 0 to 127.
    pub exponent: u32,
}

impl Numerators {
    /// Joins the products of all nodes with their weights.
    #[must_use]
    pub fn new(nodes: &[Node], products_q64: &[u64; MAX_NODES]) -> Self {
        let weighted = |(node, product): (&Node, &u64)| {
            // 64 by 64 bits fit 128.
            u128::from(node.1).wrapping_mul(u128::from(*product))
        };
        let terms = || nodes.iter().zip(products_q64).map(weighted);
        // All zero has 128 leading zeros; any shift does then.
        let exponent = terms().fold(0, u128::max).leading_zeros() & 127;
        let mut values = [0; MAX_NODES];
        for (value, term) in values.iter_mut().zip(terms()) {
            *value = upper_shifted(term, exponent);
        }
        Self { values, exponent }
    }

    /// The marginal factor of a domain of reach `reach_q32 > 0`, scaled by `2^(32 + exponent)`, rounded down.
    #[inline(always)]
    #[must_use]
    pub fn factor_scaled(&self, nodes: &[Node], reach_q32: u32) -> u64 {
        // Each quotient is at most W·∏(others)·2^(32 + exponent), and the weights sum to less than one: with nodes t < 1
        // every factor exceeds 2^-10 and 20 quotients stay below 2^47; a single node cannot exceed 64 bits.
        let quotient = |node: &Node, value: &u64| value.checked_div(factor_q32(node.0, reach_q32)).unwrap_or(0);
        let (fours, rest) = nodes.as_chunks::<4>();
        let (values, _) = self.values.as_chunks::<4>();
        let sum = fours.iter().zip(values).fold(0u64, |sum, ([a, b, c, d], [e, f, g, h])| {
            sum.wrapping_add(quotient(a, e))
                .wrapping_add(quotient(b, f))
                .wrapping_add(quotient(c, g))
                .wrapping_add(quotient(d, h))
        });
        // The single node of a rule that is not an integral.
        match (rest, self.values.first()) {
            ([node], Some(value)) => sum.wrapping_add(quotient(node, value)),
            _ => sum,
        }
    }

    /// `φ = a · S` in Q64, rounded down, of a share `a` (Q32) and a scaled factor of [`Self::factor_scaled`].
    #[inline(always)]
    #[must_use]
    pub fn phi_q64(&self, share_q32: u32, factor_scaled: u64) -> u64 {
        // a·S·2^(32 + 32 + exponent) has up to 96 bits: two halves, then the exponent taken off again. S ≤ 1 and a < 1, so
        // what is left is below 2^64.
        let share = u64::from(share_q32);
        let high = share.wrapping_mul(factor_scaled >> 32);
        let low = share.wrapping_mul(factor_scaled & LOW);
        match 32u32.checked_sub(self.exponent) {
            Some(up) if up > 0 => high.wrapping_shl(up).wrapping_add(low >> (self.exponent & 63)),
            _ => {
                let down = self.exponent.wrapping_sub(32);
                let sum = high.wrapping_add(low >> 32);
                if down < 64 { sum >> down } else { 0 }
            }
        }
    }
}
