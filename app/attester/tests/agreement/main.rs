//! Seven attesters come to sign the same batches, whatever two of them do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod crash;
mod events;
mod faults;
mod network;
mod objections;
mod peer;
mod proposals;
mod spread;
