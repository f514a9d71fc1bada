#!/usr/bin/env python3
"""Write src/nodes.rs: the quadrature nodes of the Shapley rule, in 60-digit arithmetic.

usage: generate_nodes.py > src/nodes.rs        (needs mpmath; tests/quadrature.rs checks the result without it)
"""
from mpmath import ceil, cos, exp, expm1, floor, legendre, mp, mpf, pi

mp.dps = 60
GUARD = 1 - mpf(2) ** -26  # see src/semivalue.rs: above the quadrature's own error, so that no cell is ever overpaid
TABLES = ((8, mpf(1) / 2, "β = 1/2, for at most 16 domains."),
          (12, mpf(3) / 2, "β = 3/2, for at most 64 domains."),
          (20, mpf(17) / 4, "β = 17/4, for at most 1,024 domains."))


def gauss_legendre(k):
    """The k nodes and weights on [0, 1], by Newton's method on the Legendre polynomial."""
    rule = []
    for i in range(k, 0, -1):
        x = cos(pi * (i - mpf(1) / 4) / (k + mpf(1) / 2))
        for _ in range(12):
            slope = k * (x * legendre(k, x) - legendre(k - 1, x)) / (x * x - 1)
            x -= legendre(k, x) / slope
        rule.append(((x + 1) / 2, 1 / ((1 - x * x) * slope ** 2)))
    return rule


def word(value):
    return f"0x{value >> 32:08X}_{value & 0xFFFFFFFF:08X}"


print("""//! Quadrature nodes of the semivalue integrals, written by `generate_nodes.py`; `tests/quadrature.rs` checks them.
//!
//! Gauss–Legendre nodes `u` on [0, 1] under `t = (e^{βu} − 1)/(e^β − 1)`. Each entry is `(t, W)`: `t` in Q32 rounded up,
//! `W` (weight times `dt/du`, times the guard of `semivalue`) in Q64 rounded down.

/// One quadrature node: its position `t` in Q32 (at most 2^32) and its weight in Q64.
pub type Node = (u64, u64);
""")
for k, beta, doc in TABLES:
    print(f"/// {doc}\npub const SHAPLEY_{k}: [Node; {k}] = [")
    for u, weight in gauss_legendre(k):
        t = expm1(beta * u) / expm1(beta)
        jacobian = beta * exp(beta * u) / expm1(beta)
        print(f"    (0x{int(ceil(t * 2**32)):08X}, {word(int(floor(weight * jacobian * GUARD * mpf(2)**64)))}),")
    print("];\n")
print("""/// `t = 1/2`: the average over every subset of the other domains.
pub const BANZHAF: [Node; 1] = [(1 << 31, u64::MAX)];

/// `t = 1`: every other domain is there already.
pub const LAST_IN: [Node; 1] = [(1 << 32, u64::MAX)];""")
