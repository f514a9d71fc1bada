//! Probes: small requests to every operator's endpoint, at moments that the epoch's seed draws.
//!
//! Users' requests show how operators serve what is popular. Probes see to it that every slot has evidence, or fails to, in
//! every part of every epoch:
//!
//! - [`schedule`] says when whom, the same for every attester, and which request id a probe's receipt must have;
//! - [`prompt`] says what is asked and what the answer must be;
//! - [`task::Prober`] sends what is due, measures, judges, signs a receipt and hands it to the same intake as all others;
//! - `outcome` has the table from what happened to the outcome, `transcript` what the evidence hash of a receipt is of.
//!
//! Each attester is the reporter of its own probes. A probe that was due while the attester was down, or its schedule not yet
//! known (an epoch's seed exists from when somebody opens it), is skipped, never sent late.

mod answer;
mod endpoint;
mod metrics;
mod network;
mod outcome;
pub mod prompt;
pub mod schedule;
mod settings;
mod sse;
pub mod task;
mod transcript;
mod view;

pub use endpoint::Limits;
pub use metrics::{ProbeLabels, ProbeMetrics, SkipLabels};
pub use settings::{Address, EndpointSettings, ProbeError, ProbeSettings};
pub use task::Prober;
pub use view::{ChainClock, ProbedEpoch, Target, View, follow};
