//! What must hold for any bytes that somebody else wrote: one module for each parser, one `check` in each.
//!
//! The targets in `fuzz_targets` call these with what libFuzzer makes up, the tests below with the seeds it starts from.

pub mod accounts;
pub mod ed25519;
pub mod events;
pub mod fraud;
mod input;
pub mod instructions;
pub mod merkle;
pub mod mint;
#[allow(dead_code)] // what finds the instruction is not needed here
#[path = "../../../programs/coverage-settlement/src/ed25519.rs"]
mod precompile;
pub mod receipts;
pub mod seeds;

// The program's private module, compiled here as it stands, finds these where it expects them.
use coverage_settlement::{constants, errors};

#[cfg(test)]
mod tests {
    /// Every seed of every target passes, with bytes cut off and changed too.
    #[test]
    fn seeds_and_what_is_near_them_pass() {
        for (target, check, seeds) in crate::seeds::all() {
            assert!(!seeds.is_empty(), "{target}");
            for seed in seeds {
                check(&seed);
                for at in 0..seed.len().min(400) {
                    check(&seed[..at]);
                    let mut changed = seed.clone();
                    changed[at] ^= 1 << (at % 8);
                    check(&changed);
                }
            }
        }
    }
}
