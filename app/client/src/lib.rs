//! What everything off-chain shares: addresses, instructions, accounts, receipts and the audit.
//!
//! Builders are pure: they take addresses and values and return [`Instruction`](solana_program::instruction::Instruction)s.
//! What talks to a cluster is in [`rpc`]: [`rpc::Rpc`] reads, [`rpc::Sender`] sends. Code that is not asynchronous goes through
//! [`chain::Chain`], which [`rpc::Blocking`] and the embedded cluster are.

#![deny(missing_docs)]

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
pub mod explain;
pub mod instructions;
pub mod keypair;
pub mod opportunities;
pub mod pda;
pub mod receipts;
pub mod rpc;
pub mod signature;
pub mod token;

pub use coverage_math as math;
pub use coverage_settlement as program;
pub use error::ClientError;
