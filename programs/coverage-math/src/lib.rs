//! The exact kernel of Coverage Settlement: `no_std`, no Solana, no floats, no allocation, no panics.
//!
//! Operators of an inference network are paid for the *workload coverage they add*. One settled cell obeys
//!
//! ```text
//! Σ reward + carry_out + returned = pool          (I2, exact in integers)
//! Σ φ ≤ coverage < 1                              (I3)
//! ```
//!
//! and every rounding is downwards for the payee; what rounding leaves stays in the cell as carry.
//!
//! | module | what it computes |
//! |---|---|
//! | [`reliability`] | seven outcome counters → Wilson lower bound `p` |
//! | [`domains`] | the members of one failure domain → each one's share `a` of its reach |
//! | [`semivalue`] | the reaches of all domains → coverage and each domain's marginal factor `S` |
//! | [`cell`] | all of it over the slots of a cell, resumable at any point (I7) |
//! | [`pool`] | the pool of an epoch, its carry and what returns to the treasury |
//! | [`merkle`], [`receipt`], [`attestation`] | hash trees, canonical encodings and the digest attesters sign |
//! | [`fraud`] | evidence → whether it proves a batch false |
//!
//! The program, the client and every auditor link this crate, so what pays is what audits.
//!
//! Fixed point: a `_q32` value `x` means `x / 2^32`, a `_q64` value means `x / 2^64`.
#![cfg_attr(not(any(test, feature = "software-sha256")), no_std)]

pub mod attestation;
pub mod cell;
pub mod domains;
pub mod fraud;
pub mod hash;
pub mod merkle;
mod nodes;
pub mod pool;
pub mod receipt;
pub mod reliability;
pub mod semivalue;
mod wide;
