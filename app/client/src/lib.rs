//! What everything off-chain shares: addresses, instructions, accounts, receipts and the audit.
//!
//! Builders are pure: they take addresses and values and return [`Instruction`](solana_program::instruction::Instruction)s.
//! Nothing in this crate talks to a cluster; [`chain::Chain`] is the one seam where something does.

pub mod accounts;
pub mod audit;
pub mod batch;
pub mod capabilities;
pub mod chain;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod error;
pub mod events;
pub mod evidence;
pub mod instructions;
pub mod pda;

pub use coverage_math as math;
pub use coverage_settlement as program;
pub use error::ClientError;
