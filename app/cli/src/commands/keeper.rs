//! `covctl keeper`: does what is due, until told to stop.

use crate::keeper::{self, Agenda, Claims, Duty, Keeper, Metrics, Pace, Policy, Round};
use crate::stop::told_to_stop;
use crate::{CliError, Context, ExitStatus};
use coverage_client::rpc::Settings;
use serde::Serialize;
use solana_program::pubkey::Pubkey;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
Examples:
  covctl -u localhost --network 1 keeper
  covctl -u localhost --network 1 keeper --once --output json
  covctl -u localhost --network 1 keeper --dry-run
  covctl -u devnet --network 1 keeper --claim none --metrics 127.0.0.1:9464

A keeper does what the program lets anyone do, when it is due: opens epochs, seals and settles cells, slashes for settled
breaches, syncs slots, claims rewards (which go to the operators whoever claims), sweeps, and closes what is over. It pays
the fees, and the rent of the epochs it opens until they close; it needs no other right, so it is not asked twice. Several
keepers of one network may run at once. It stops at SIGINT or SIGTERM, when what it is sending is confirmed.

RUST_LOG sets what it logs on standard error: RUST_LOG=covctl=debug. Exit codes with --once: 0 nothing is left to do,
1 something is still due that the cluster refuses.";

/// For how long a cluster may not answer before a transaction counts as failed: nothing here is worse for being sent twice, so
/// looking again is better than waiting.
const PATIENCE: Duration = Duration::from_secs(20);

/// Arguments of `keeper`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Do everything that is due now, then stop.
    #[arg(long)]
    pub once: bool,
    /// For whom to claim rewards: all, none, or operators by wallet or account.
    #[arg(long, value_name = "all|none|OPERATOR", value_delimiter = ',', num_args = 1.., default_value = "all")]
    pub claim: Vec<ClaimFor>,
    /// Claim for an operator only when all its cells together owe it this many token units.
    #[arg(long, value_name = "UNITS", default_value_t = 1)]
    pub min_claim: u64,
    /// Serve /metrics (for Prometheus) and /healthz here.
    #[arg(long, value_name = "ADDRESS:PORT", env = "COVERAGE_METRICS", hide_env_values = true)]
    pub metrics: Option<SocketAddr>,
    /// Look at least this often, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub poll: u64,
    /// Begin up to this much later than possible, at random, in milliseconds: give several keepers different chances.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 2_000)]
    pub stagger: u64,
}

/// For whom to claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimFor {
    /// Everybody.
    All,
    /// Nobody.
    None,
    /// One operator, by its wallet or its account.
    Operator(Pubkey),
}

impl FromStr for ClaimFor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::None),
            _ => {
                let bad = |_| format!("\"{text}\" is neither all, nor none, nor an address in base58");
                text.parse().map(Self::Operator).map_err(bad)
            }
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Usage`] for contradicting `--claim`s or an address that cannot be listened on; [`CliError::Client`] if the
/// network is not there, or with `--once` cannot be read.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let policy = Policy { claims: claims(&args.claim)?, min_claim_units: args.min_claim };
    if context.dry_run() {
        let agenda = keeper::due(&context.snapshot().await?, &policy);
        context.emit(&Due::from(&agenda))?;
        return Ok(ExitStatus::Done);
    }
    let network = context.network().await?.address;
    log();
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone())?);
    let pace =
        Pace { poll: Duration::from_secs(args.poll), stagger: Duration::from_millis(args.stagger), ..Pace::default() };
    let metrics = Arc::new(Metrics::default());
    let patience = pace.poll.saturating_mul(2).saturating_add(pace.retry_most);
    let server = match args.metrics {
        Some(address) => Some(tokio::spawn(serve(address, metrics.clone(), patience, stop.clone()).await?)),
        None => None,
    };
    let sender = context.sender()?;
    let settings = Settings { patience: PATIENCE, ..sender.settings().clone() };
    let mut keeper = Keeper::new(sender.with_settings(settings), network, policy, pace, metrics);
    let status = if args.once {
        let (round, left) = keeper.run_once(&stop).await?;
        let status = if left.is_empty() { ExitStatus::Done } else { ExitStatus::CheckFailed };
        context.emit(&Outcome::new(&round, &left))?;
        stop.cancel();
        status
    } else {
        tracing::info!(%network, url = context.url(), "keeping");
        keeper.run(&stop).await;
        tracing::info!("stopped");
        ExitStatus::Done
    };
    if let Some(server) = server {
        // It ends with `stop`; how does not matter any more.
        let _ = server.await;
    }
    Ok(status)
}

fn claims(wanted: &[ClaimFor]) -> Result<Claims, CliError> {
    let operators = wanted.iter().map(|claim| match claim {
        ClaimFor::Operator(operator) => Ok(*operator),
        ClaimFor::All | ClaimFor::None => {
            Err(CliError::Usage("--claim takes all, or none, or operators: not one together with another".to_owned()))
        }
    });
    match wanted {
        [] | [ClaimFor::All] => Ok(Claims::All),
        [ClaimFor::None] => Ok(Claims::None),
        _ => operators.collect::<Result<_, _>>().map(Claims::Of),
    }
}

/// Logs to standard error, unless somebody has set up logging already.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "covctl=info".into());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

/// Cancels `stop` when the process is told to stop.
fn stop_on_signal(stop: CancellationToken) -> Result<impl Future<Output = ()> + Send, CliError> {
    let told = told_to_stop()?;
    Ok(async move {
        tokio::select! {
            () = told => tracing::info!("stopping when what is being sent is confirmed"),
            () = stop.cancelled() => {}
        }
        stop.cancel();
    })
}

async fn serve(
    address: SocketAddr,
    metrics: Arc<Metrics>,
    patience: Duration,
    stop: CancellationToken,
) -> Result<impl Future<Output = std::io::Result<()>> + Send, CliError> {
    let taken = |error| CliError::Usage(format!("cannot listen on {address}: {error}; give --metrics another"));
    let listener = TcpListener::bind(address).await.map_err(taken)?;
    Ok(keeper::serve(listener, metrics, patience, stop))
}

/// What is due, for `--dry-run`.
#[derive(Serialize)]
struct Due {
    due: Vec<Entry>,
    next_ts: Option<i64>,
}

#[derive(Serialize)]
struct Entry {
    kind: &'static str,
    what: String,
}

impl From<&Duty> for Entry {
    fn from(duty: &Duty) -> Self {
        Self { kind: duty.kind(), what: duty.to_string() }
    }
}

impl From<&Agenda> for Due {
    fn from(agenda: &Agenda) -> Self {
        Self { due: agenda.duties.iter().map(Entry::from).collect(), next_ts: agenda.next_ts }
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.due.is_empty() {
            writeln!(f, "nothing is due")?;
        }
        for entry in &self.due {
            writeln!(f, "{:<14}  {}", entry.kind, entry.what)?;
        }
        match self.next_ts {
            Some(next) => writeln!(f, "next by the clock: {next} (unix seconds)"),
            None => writeln!(f, "nothing becomes due by the clock"),
        }
    }
}

/// What `--once` came to.
#[derive(Serialize)]
struct Outcome {
    done: usize,
    done_by_others: usize,
    left: Vec<Left>,
    next_ts: Option<i64>,
}

#[derive(Serialize)]
struct Left {
    #[serde(flatten)]
    duty: Entry,
    reason: String,
}

impl Outcome {
    fn new(round: &Round, left: &[(Duty, String)]) -> Self {
        let left = left.iter().map(|(duty, reason)| Left { duty: duty.into(), reason: reason.clone() });
        Self { done: round.done, done_by_others: round.overtaken, left: left.collect(), next_ts: round.next_ts }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} duties done, {} done by others, {} left", self.done, self.done_by_others, self.left.len())?;
        for left in &self.left {
            writeln!(f, "{}: {}", left.duty.what, left.reason)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn claims_are_for_all_for_none_or_for_some() {
        let one = Pubkey::new_from_array([1; 32]);
        assert_eq!(claims(&[ClaimFor::All]).unwrap(), Claims::All);
        assert_eq!(claims(&[ClaimFor::None]).unwrap(), Claims::None);
        assert_eq!(claims(&[ClaimFor::Operator(one)]).unwrap(), Claims::Of([one].into()));
        let error = claims(&[ClaimFor::None, ClaimFor::Operator(one)]).unwrap_err();
        assert_eq!(error.to_string(), "--claim takes all, or none, or operators: not one together with another");
        assert_eq!(one.to_string().parse(), Ok(ClaimFor::Operator(one)));
        assert_eq!(
            "everybody".parse::<ClaimFor>(),
            Err("\"everybody\" is neither all, nor none, nor an address in base58".to_owned())
        );
    }
}
