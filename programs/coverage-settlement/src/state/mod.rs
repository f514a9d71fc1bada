//! The accounts. All are PDAs, zero-copy, and start with discriminator, version and bump.

mod attestation;
mod bond;
mod cell;
mod checked;
mod committee;
mod config;
mod epoch;
mod log;
mod network;
mod operator;
mod workload;

pub use attestation::*;
pub use bond::*;
pub use cell::*;
pub use checked::*;
pub use committee::*;
pub use config::*;
pub use epoch::*;
pub use log::*;
pub use network::*;
pub use operator::*;
pub use workload::*;
