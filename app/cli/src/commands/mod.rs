//! What each command does. Every one of them returns an [`ExitStatus`], the program's exit code.

mod attestation;
pub mod audit;
pub mod batch;
mod batch_challenge;
mod batch_submit;
pub mod capability;
pub mod cell;
mod cell_settle;
mod cell_show;
pub mod committee;
mod completions;
pub mod demo;
pub mod epoch;
pub mod evaluate;
pub mod explain;
pub mod files;
pub mod keeper;
pub mod localnet;
pub mod network;
mod network_config;
mod network_show;
pub mod operator;
mod operator_domain;
pub mod opportunities;
pub mod receipt;
pub mod replay;
pub mod rewards;
pub mod treasury;
pub mod workload;

use crate::args::{Args, Command, OnCluster};
use crate::{CliError, Context};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// How a command ended when nothing kept it from its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// All done: exit code 0.
    Done,
    /// A check failed: exit code 1.
    CheckFailed,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        match status {
            ExitStatus::Done => Self::SUCCESS,
            ExitStatus::CheckFailed => Self::FAILURE,
        }
    }
}

/// Runs a command line.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub fn run(args: Args) -> Result<ExitStatus, CliError> {
    match args.command {
        Command::Cluster(command) => {
            log(args.cluster.verbose);
            let context = Context::resolve(&args.cluster, args.output)?;
            let runtime = tokio::runtime::Runtime::new().map_err(CliError::Runtime)?;
            runtime.block_on(on_cluster(&context, command))
        }
        Command::Demo(files) => demo::run(&files, args.output),
        Command::Replay(replay) => replay::run(&replay, args.output),
        Command::Evaluate(evaluate) => evaluate::run(&evaluate, args.output),
        Command::Completions { shell } => completions::run(shell),
    }
}

/// Has what the parts below say come out on standard error, if `-v` or RUST_LOG asks for it.
fn log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "covctl=debug,coverage_client=debug",
        _ => "covctl=trace,coverage_client=trace,info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| level.into());
    // Who has set it up already has done it for a reason.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

async fn on_cluster(context: &Context, command: OnCluster) -> Result<ExitStatus, CliError> {
    match command {
        OnCluster::Network(args) => network::run(context, args).await,
        OnCluster::Committee(args) => committee::run(context, args).await,
        OnCluster::Workload(args) => workload::run(context, args).await,
        OnCluster::Treasury(args) => treasury::run(context, args).await,
        OnCluster::Operator(args) => operator::run(context, args).await,
        OnCluster::Capability(args) => capability::run(context, args).await,
        OnCluster::Cell(args) => cell::run(context, args).await,
        OnCluster::Batch(args) => batch::run(context, args).await,
        OnCluster::Receipt(args) => receipt::run(context, args).await,
        OnCluster::Epoch(args) => epoch::run(context, args).await,
        OnCluster::Rewards(args) => rewards::run(context, args).await,
        OnCluster::Explain(args) => explain::run(context, args).await,
        OnCluster::Opportunities(args) => opportunities::run(context, args).await,
        OnCluster::Audit(args) => audit::run(context, args).await,
        OnCluster::Keeper(args) => keeper::run(context, args).await,
        OnCluster::Localnet(args) => localnet::run(context, args).await,
    }
}
