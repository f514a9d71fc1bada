//! `coverage-migrate`: creates the network of a plan, or finishes creating it.

use clap::{Parser, ValueEnum};
use coverage_client::rpc::Rpc;
use coverage_migrations::cluster::{Kind, MigrateError, migrate, sender};
use coverage_migrations::file::{PlanError, PlanFile};
use solana_keypair::{Keypair, Signer, read_keypair_file};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use thiserror::Error;

const EXAMPLES: &str = "\
Examples:
  coverage-migrate localnet migrations/localnet.toml
  coverage-migrate devnet plan.toml --keypair authority.json --dry-run
  coverage-migrate devnet plan.toml --keypair authority.json --yes

Every step looks first and does only what is missing: a run that was cut short is finished by running it again. The payer
becomes the network's authority and the program's upgrade authority.";

/// Creates a Coverage Settlement network, step by numbered step: the program, the mint, the network, its committee, workloads,
/// treasury, operators.
#[derive(Debug, Parser)]
#[command(name = "coverage-migrate", version, after_help = EXAMPLES)]
struct Args {
    /// Where to.
    #[arg(value_enum)]
    cluster: Cluster,
    /// What network there should be (TOML).
    plan: PathBuf,
    /// Another URL than the cluster's usual one.
    #[arg(short, long)]
    url: Option<String>,
    /// Keypair file of who pays [default: ~/.config/solana/id.json].
    #[arg(short, long)]
    keypair: Option<PathBuf>,
    /// Only say what is missing.
    #[arg(long)]
    dry_run: bool,
    /// Send, although it costs.
    #[arg(short, long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cluster {
    /// A validator of one's own, on this machine unless --url says otherwise.
    Localnet,
    /// The public development cluster, or with --url any other that is shared.
    Devnet,
}

impl Cluster {
    const fn url(self) -> &'static str {
        match self {
            Self::Localnet => "http://127.0.0.1:8899",
            Self::Devnet => "https://api.devnet.solana.com",
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Localnet => Kind::Local,
            Self::Devnet => Kind::Shared,
        }
    }
}

#[derive(Debug, Error)]
enum Failure {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error("cannot use the keypair {}: {reason}; name another with --keypair", path.display())]
    Keypair { path: PathBuf, reason: String },
    #[error("nothing was sent: this costs SOL; look first with --dry-run, then add --yes")]
    NotConfirmed,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    if args.cluster.kind() == Kind::Shared && !args.yes && !args.dry_run {
        return Err(Failure::NotConfirmed);
    }
    let file = PlanFile::read(&args.plan)?;
    let payer = payer(args.keypair.as_deref())?;
    let rpc = Rpc::new(args.url.as_deref().unwrap_or(args.cluster.url()));
    let mut prepared = file.prepare(args.plan.parent().unwrap_or(Path::new("")), payer.pubkey())?;
    let network = prepared.plan.network();
    let sender = sender(rpc, payer, &prepared);
    migrate(sender, &mut prepared, args.cluster.kind(), args.dry_run, |step, done| println!("{step}: {done}"))?;
    println!("network {} is at {network}", prepared.plan.network_id);
    Ok(())
}

fn payer(path: Option<&Path>) -> Result<Arc<Keypair>, Failure> {
    let home = || std::env::home_dir().unwrap_or_default().join(".config/solana/id.json");
    let path = path.map_or_else(home, Path::to_path_buf);
    let key = read_keypair_file(&path).map_err(|error| error.to_string());
    key.map(Arc::new).map_err(|reason| Failure::Keypair { path, reason })
}
