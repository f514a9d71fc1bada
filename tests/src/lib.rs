//! Fixtures of the end-to-end tests: a network on an embedded cluster that runs the compiled program.
//!
//! [`World`] makes and drives a network, [`Forge`] writes accounts that no transaction could, [`check`] asserts exact
//! refusals and remembers which were seen.
//!
//! Everything is deterministic: keys come from numbers, time is set, nothing is random.
// A fixture that cannot be made is a failed test: panicking is how a test says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod check;
mod forge;
mod keys;
mod life;
mod port;
mod world;

pub use check::{Refusal, code, expect_error, expect_program_error};
pub use coverage_settlement::errors::CoverageError;
pub use forge::Forge;
pub use keys::{attester, keypair};
pub use port::Port;
pub use solana_program::instruction::InstructionError;
pub use world::{
    ATTESTER_BOND, CHALLENGE, EPOCH, GENESIS, GRACE, Net, Operator, World, config, entry, found_with, member,
    requirements,
};
