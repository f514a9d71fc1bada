//! The command line, parsed and nothing else.

use crate::commands::{
    audit, batch, capability, cell, committee, epoch, explain, keeper, localnet, network, operator, opportunities,
    receipt, rewards, treasury, workload,
};
use crate::reference::Reference;
use crate::scenario::demand::DemandScale;
use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use solana_commitment_config::CommitmentLevel;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  covctl demo --html report.html
  covctl -u devnet network list
  covctl -u localhost --network 1 cell show 0
  covctl -u localhost --network 1 operator register --bond 1000 --dry-run
  covctl -u localhost --network 1 rewards claim --yes

What sends transactions shows first what they are, and asks; --yes sends without asking, --dry-run only simulates.
Cluster, keypair and commitment come from options, else from the environment, else from Solana's configuration file.

Exit codes: 0 done, 1 a check failed, 2 an error. Data goes to standard output, talk to standard error.
The embedded chain runs the compiled program: COVERAGE_SO names it, else target/deploy/coverage_settlement.so.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  covctl replay --capabilities mlperf-inference-v5.1.csv --demand azure-llm-2023-conv.csv
  covctl replay --capabilities table.csv --demand trace.csv --demand-scale 2.5 --epochs 6 --json report.json
  covctl --output json replay --capabilities table.csv --demand trace.csv | jq '.totals'

The capability table has the columns of MLCommons' MLPerf Inference summary (submitter, platform, accelerator,
accelerators_per_node, nodes, division, model, scenario, performance, units); its closed division counts. A demand file
has the columns of Azure's 2023 LLM inference trace: TIMESTAMP,ContextTokens,GeneratedTokens.";

const EVALUATE_EXAMPLES: &str = "\
Examples:
  covctl evaluate --input cells.json --output json
  echo '[{\"rule\":\"Shapley\",\"z_milli\":1645,\"breach_bps\":200,\"pool\":1000000,\"slots\":[
    {\"domain\":1,\"bond\":1000,\"outcomes\":[90,0,0,10,0,0,0]},
    {\"domain\":2,\"bond\":1000,\"outcomes\":[50,0,0,50,0,0,0]}]}]' | covctl evaluate --input -

A cell is {\"rule\": \"Shapley\"|\"Banzhaf\"|\"LastIn\", \"z_milli\", \"breach_bps\", \"pool\", \"slots\": [{\"domain\", \"bond\",
\"outcomes\": [served, model unavailable, hardware incompatible, capacity exhausted, routing failed, latency exceeded,
verification failed]}]}; further fields are ignored. The JSON result is a list of {\"phi\", \"coverage\", \"reward\"}: phi
and coverage as exact decimal strings, rewards as integers in the unit of the pool.";

/// Drives and audits a Coverage Settlement network.
///
/// Operators of a decentralised inference network are paid for the workload coverage they add: the rise in the
/// probability that a request is served at all. covctl does everything there is to do on such a network, for its
/// authority, its committee and its operators, and computes every settled slot again from account data alone.
#[derive(Clone, Debug, Parser)]
#[command(name = "covctl", version, after_help = EXAMPLES, verbatim_doc_comment)]
pub struct Args {
    /// How to print the result on standard output.
    #[arg(long, global = true, value_enum, env = "COVERAGE_OUTPUT", hide_env = true, default_value_t = Output::Text)]
    pub output: Output,
    /// Which cluster, who signs, and how.
    #[command(flatten)]
    pub cluster: Cluster,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Aligned text for people.
    #[value(alias = "display")]
    Text,
    /// JSON for programs: one document.
    Json,
}

/// Which cluster to talk to, who signs, and how.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Cluster and signing")]
pub struct Cluster {
    /// The network, by id or address.
    #[arg(long, global = true, value_name = "ID|ADDRESS", env = "COVERAGE_NETWORK", hide_env_values = true)]
    pub network: Option<Reference>,
    /// URL of the cluster's RPC, or localhost, devnet, testnet, mainnet-beta (or l, d, t, m).
    #[arg(short, long, global = true, value_name = "URL|NAME", env = "COVERAGE_URL", hide_env_values = true)]
    pub url: Option<String>,
    /// Keypair file of who acts and signs.
    #[arg(short, long, global = true, value_name = "FILE", env = "COVERAGE_KEYPAIR", hide_env_values = true)]
    pub keypair: Option<String>,
    /// Keypair file of who pays the fees, if another.
    #[arg(long, global = true, value_name = "FILE", env = "COVERAGE_FEE_PAYER", hide_env_values = true)]
    pub fee_payer: Option<String>,
    /// Solana's configuration file [default: ~/.config/solana/cli/config.yml].
    #[arg(short = 'C', long, global = true, value_name = "FILE", env = "COVERAGE_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// When something counts as having happened.
    #[arg(long, global = true, value_enum, env = "COVERAGE_COMMITMENT", hide_env_values = true)]
    pub commitment: Option<Commitment>,
    /// Micro-lamports to pay for each compute unit, above the fee.
    #[arg(long, global = true, value_name = "N", env = "COVERAGE_PRIORITY_FEE", hide_env_values = true)]
    pub priority_fee: Option<u64>,
    /// Show what would be signed, simulate it, and send nothing.
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Send without asking.
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Say more on standard error; twice for even more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// When something counts as having happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Commitment {
    /// The node has it.
    Processed,
    /// More than two thirds of the stake have voted for it.
    Confirmed,
    /// It cannot be undone.
    Finalized,
}

impl From<Commitment> for CommitmentLevel {
    fn from(commitment: Commitment) -> Self {
        match commitment {
            Commitment::Processed => Self::Processed,
            Commitment::Confirmed => Self::Confirmed,
            Commitment::Finalized => Self::Finalized,
        }
    }
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Commands that work on a cluster.
    #[command(flatten)]
    Cluster(OnCluster),
    /// Run the bundled scenario, an invented network of ten operators, on the embedded chain.
    Demo(Files),
    /// Run a network made of a real capability table and real request traces on the embedded chain.
    Replay(Replay),
    /// Run the kernel, what pays on-chain, on a list of cells.
    Evaluate(Evaluate),
    /// Print the completions of a shell, for its startup file.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// The commands that work on a cluster.
#[derive(Clone, Debug, Subcommand)]
pub enum OnCluster {
    /// A network: create, configure, pause.
    Network(network::Args),
    /// The attesters: seats, weights, bonds.
    Committee(committee::Args),
    /// Classes of requests: register, weigh, sponsor.
    Workload(workload::Args),
    /// What epochs are paid from.
    Treasury(treasury::Args),
    /// Operators: register, bond, slash, retire.
    Operator(operator::Args),
    /// What an operator commits to serve.
    Capability(capability::Args),
    /// One workload's slots and settlements: enrol, leave, seal, settle.
    Cell(cell::Args),
    /// What attesters sign of an epoch: submit, challenge.
    Batch(batch::Args),
    /// Receipts of requests, made up to try a network out.
    Receipt(receipt::Args),
    /// Epochs: open, close.
    Epoch(epoch::Args),
    /// What operators earned: show, claim.
    Rewards(rewards::Args),
    /// Why an operator earned what it earned, to be followed with a calculator.
    Explain(explain::Args),
    /// What an entrant would earn, for every workload, best first.
    Opportunities(opportunities::Args),
    /// Compute every settlement on chain again, and check published receipts.
    Audit(audit::Args),
    /// Do what is due on a network, until stopped: open epochs, seal, settle, claim.
    Keeper(keeper::Args),
    /// Start a validator of one's own with a network on it.
    Localnet(localnet::Args),
}

/// The shells with completions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Z shell.
    Zsh,
    /// fish.
    Fish,
}

/// Where the report goes, beside standard output.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Files {
    /// Write the report as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report as a self-contained web page to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the coverage map as a picture to this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// How many operators the text shows, best paid first.
    #[arg(long, value_name = "N", default_value_t = 15)]
    pub top: usize,
}

/// Arguments of `replay`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub struct Replay {
    /// Table of who serves what, how fast (CSV).
    #[arg(long, value_name = "FILE")]
    pub capabilities: PathBuf,
    /// Trace of requests (CSV); repeat it to merge several by time.
    #[arg(long, value_name = "FILE", required = true)]
    pub demand: Vec<PathBuf>,
    /// Factor on the number of requests, 0.001 to 1000.
    #[arg(long, value_name = "N", default_value = "1")]
    pub demand_scale: DemandScale,
    /// How many epochs the demand is divided into.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub epochs: u32,
    /// Where the report goes.
    #[command(flatten)]
    pub files: Files,
}

/// Arguments of `evaluate`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EVALUATE_EXAMPLES)]
pub struct Evaluate {
    /// List of cells (JSON); - for standard input.
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
}
