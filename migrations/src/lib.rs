//! The numbered steps that create and populate a network, each of them idempotent.
//!
//! A step looks at the chain first and does only what is missing, so a run that was cut short is finished by running it
//! again. The demo and the replay of `covctl` run these very steps.
//!
//! `coverage-migrate` runs them on a real cluster, from a plan in TOML ([`mod@file`], [`cluster`]), after two of its own:
//!
//! | step | what exists afterwards |
//! |---|---|
//! | [`m0000_deploy`] | the program, with the bytes wanted |
//! | [`m0000_wallets`] | the mint, and tokens for what is paid below |
//! | [`m0001_network`] | the network, its committee (empty) and vault |
//! | [`m0002_committee`] | the attesters with their bonds |
//! | [`m0003_workloads`] | every workload with its cell and log |
//! | [`m0004_treasury`] | at least the wanted tokens in the treasury |
//! | [`m0005_operators`] | every operator with its bond |
//! | [`m0006_failure_domains`] | every operator's failure domain, attested by the committee |
//! | [`m0007_capabilities`] | every operator's capability root |
//! | [`m0008_enrolments`] | a slot for every capability that may be opened now |

pub mod cluster;
pub mod file;
pub mod m0000_deploy;
pub mod m0000_wallets;
pub mod m0001_network;
pub mod m0002_committee;
pub mod m0003_workloads;
pub mod m0004_treasury;
pub mod m0005_operators;
pub mod m0006_failure_domains;
pub mod m0007_capabilities;
pub mod m0008_enrolments;
mod plan;

pub use plan::{OperatorPlan, Plan, WorkloadPlan};

use coverage_client::ClientError;
use coverage_client::chain::Chain;

/// One step: does what is missing; returns how many transactions that took.
pub type Step = fn(&mut dyn Chain, &Plan) -> Result<usize, ClientError>;

/// All steps, in their order, with what they do in words.
pub const STEPS: [(&str, Step); 8] = [
    ("0001 create the network", m0001_network::run),
    ("0002 seat and bond the committee", m0002_committee::run),
    ("0003 register workloads", m0003_workloads::run),
    ("0004 fund the treasury", m0004_treasury::run),
    ("0005 register operators", m0005_operators::run),
    ("0006 attest failure domains", m0006_failure_domains::run),
    ("0007 commit capabilities", m0007_capabilities::run),
    ("0008 enrol operators", m0008_enrolments::run),
];

/// Runs all steps; `progress` is told each step and how many transactions it took.
///
/// # Errors
/// The first step that fails, with everything before it done.
pub fn run(chain: &mut dyn Chain, plan: &Plan, mut progress: impl FnMut(&str, usize)) -> Result<(), ClientError> {
    for (name, step) in STEPS {
        let sent = step(chain, plan)?;
        progress(name, sent);
    }
    Ok(())
}
