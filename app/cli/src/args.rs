//! The command line, parsed and nothing else.

use crate::scenario::demand::DemandScale;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  covctl demo --html report.html
  covctl replay --capabilities mlperf-inference-v5.1.csv \\
      --demand azure-llm-2023-conv.csv --demand azure-llm-2023-code.csv --html report.html
  covctl evaluate --input cells.json --output json

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
/// probability that a request is served at all. covctl creates a network, attests what became of every request, has the
/// program settle and pay, and recomputes every settled slot from account data alone.
#[derive(Clone, Debug, Parser)]
#[command(name = "covctl", version, after_help = EXAMPLES, verbatim_doc_comment)]
pub struct Args {
    /// How to print the result on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Output::Display)]
    pub output: Output,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Aligned text for people.
    Display,
    /// JSON for programs.
    Json,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run the bundled scenario, an invented network of ten operators, on the embedded chain.
    Demo(Files),
    /// Run a network made of a real capability table and real request traces on the embedded chain.
    Replay(Replay),
    /// Run the kernel, what pays on-chain, on a list of cells.
    Evaluate(Evaluate),
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
