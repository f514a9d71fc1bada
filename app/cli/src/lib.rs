//! Drives and audits a Coverage Settlement network: what `covctl` does, as a library.
//!
//! | module | what it knows |
//! |---|---|
//! | [`args`], [`commands`] | the command line |
//! | [`context`] | the cluster, the network and the signer that a command works with |
//! | [`execute`] | showing, asking, sending: the one way transactions leave `covctl` |
//! | [`record`], [`amounts`], [`output`] | results, for people and programs |
//! | [`keeper`] | what is due on a network, and doing it |
//! | [`localnet`] | a validator of one's own |
//! | [`scenario`] | who could serve what, and who asked for what, when |
//! | [`router`] | what became of every attempt, by discrete-event simulation with real capacities |
//! | [`network`] | the chain: creates a network, attests the outcomes, settles, claims and audits |
//! | [`report`] | what came of it, for people and programs |

pub mod amounts;
pub mod args;
pub mod commands;
pub mod context;
mod error;
pub mod execute;
pub mod fixed;
pub mod hash32;
pub mod keeper;
pub mod localnet;
pub mod network;
pub mod output;
mod progress;
pub mod record;
pub mod reference;
pub mod report;
pub mod router;
pub mod scenario;
pub mod simulate;
pub mod solana_config;
pub mod splitmix;
pub mod stop;

pub use commands::ExitStatus;
pub use context::Context;
pub use error::CliError;
pub use progress::Progress;
