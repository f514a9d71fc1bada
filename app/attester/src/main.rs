//! `coverage-attester`: takes receipts, agrees with the other attesters on batches of them, and has the chain apply these.

use clap::Parser;
use coverage_attester::service::{self, Sources};
use coverage_attester::settings::{LogFormat, Settings};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Turns a stream of request outcomes into applied batches, together with the other attesters of a network.
///
/// With `works_for` in its settings it is an attester's worker, which verifies receipts and hands them over.
///
/// Receipts come by HTTP (POST /v1/receipts), from files, standard input and NATS JetStream. Stop it with SIGTERM or SIGINT: it
/// stores what it has taken and exits with 0. RUST_LOG sets what is logged (info unless set).
#[derive(Debug, Parser)]
#[command(name = "coverage-attester", version)]
struct Args {
    /// Settings in TOML; each can be overridden by COVERAGE_ATTESTER_NAME, in a section by COVERAGE_ATTESTER_SECTION__NAME
    #[arg(long, env = "COVERAGE_ATTESTER_SETTINGS_FILE", value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Check the settings, print them as they are understood, and exit
    #[arg(long)]
    check: bool,
    /// Take receipts from standard input, one JSON object a line
    #[arg(long)]
    stdin: bool,
    /// Take receipts from a file, one JSON object a line, and those appended to it; may be given several times
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let settings = match Settings::load(args.settings.as_deref()) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    if args.check {
        return show(&settings);
    }
    start_log(settings.log);
    let sources = Sources { stdin: args.stdin, files: args.file };
    match run(settings, sources) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "stopped");
            ExitCode::from(2)
        }
    }
}

fn show(settings: &Settings) -> ExitCode {
    match settings.shown() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}

fn run(settings: Settings, sources: Sources) -> Result<(), service::ServiceError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        let stop = CancellationToken::new();
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stopper = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stopper.cancel();
        });
        service::run(settings, sources, stop).await
    });
    // A read of standard input cannot be interrupted, and there is nothing left to wait for.
    runtime.shutdown_background();
    outcome
}
