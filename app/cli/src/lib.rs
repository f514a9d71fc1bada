//! Drives and audits a Coverage Settlement network: what `covctl` does, as a library.
//!
//! | module | what it knows |
//! |---|---|
//! | [`scenario`] | who could serve what, and who asked for what, when |
//! | [`router`] | what became of every attempt, by discrete-event simulation with real capacities |
//! | [`network`] | the chain: creates a network, attests the outcomes, settles, claims and audits |
//! | [`report`] | what came of it, for people and programs |
//! | [`args`], [`commands`] | the command line |

pub mod args;
pub mod commands;
mod error;
pub mod fixed;
pub mod network;
mod progress;
pub mod report;
pub mod router;
pub mod scenario;
pub mod splitmix;

pub use error::CliError;
pub use progress::Progress;
