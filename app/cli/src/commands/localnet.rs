//! `covctl localnet`: a validator of one's own with a network on it.

use crate::localnet::{Demo, Validator, ValidatorError, ValidatorSettings, write_attesters, write_demo};
use crate::stop::told_to_stop;
use crate::{CliError, Context, ExitStatus};
use coverage_client::chain::Chain;
use coverage_client::embedded::program_file;
use coverage_client::program::ID;
use coverage_client::rpc::{Blocking, Rpc};
use coverage_client::token::mint_to;
use coverage_migrations::cluster::{Kind, migrate, sender};
use coverage_migrations::file::PlanFile;
use solana_keypair::{Signer, read_keypair_file};
use solana_program::pubkey::Pubkey;
use solana_system_interface::instruction::transfer;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  covctl localnet
  covctl localnet --ledger ~/coverage-localnet --epoch-seconds 60
  covctl localnet --no-network --rpc-port 18899

Starts solana-test-validator with the compiled program, makes a network of five attesters, three workloads and three
operators by the same steps as coverage-migrate, prints what to try, and stops the validator at Ctrl-C. Keys and plan are in
the ledger's folder; with --ledger they stay, and the next run goes on where this one stopped.";

const OPERATORS: usize = 3;
/// What attesters are given for fees, and the wallet that one may play an operator with: ten SOL, and a thousand tokens.
const WALLET_LAMPORTS: u64 = 10_000_000_000;
const ENTRANT_UNITS: u64 = 1_000_000_000;
/// The port of the first attester.
const FIRST_ATTESTER: u16 = 8_950;
/// From the network's creation to its first epoch: what the rest of the migrations takes, with some room.
const GENESIS_IN_SECONDS: u32 = 60;

/// Arguments of `localnet`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Folder for ledger, keys and plan [default: a temporary one, gone afterwards].
    #[arg(long, value_name = "FOLDER")]
    pub ledger: Option<PathBuf>,
    /// Forget the ledger that is there; keys stay.
    #[arg(long)]
    pub reset: bool,
    /// Port of the RPC; the 34 behind it are used too. 0 for free ones.
    #[arg(long, value_name = "PORT", default_value_t = 8_899)]
    pub rpc_port: u16,
    /// Length of an epoch of the network, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..=86_400))]
    pub epoch_seconds: u64,
    /// Attesters of the network, each with a settings file for coverage-attester in the ledger's folder.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub attesters: u8,
    /// Only start the validator with the program.
    #[arg(long)]
    pub no_network: bool,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Usage`] if there is no validator, no program, or it does not start; whatever the migrations refuse.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let so = program_file();
    if !so.is_file() {
        return Err(CliError::Usage(format!("{} is missing: build it with `cargo xtask build-sbf`", so.display())));
    }
    let temporary = tempfile::tempdir().map_err(|error| unwritable(Path::new("a temporary folder"), error))?;
    let folder = args.ledger.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    let demo = Demo {
        epoch_seconds: args.epoch_seconds,
        attesters: args.attesters.into(),
        operators: OPERATORS,
        genesis_in_seconds: GENESIS_IN_SECONDS,
    };
    let plan = write_demo(&folder, demo, None).map_err(|error| unwritable(&folder, error))?;
    let authority = read_keypair_file(folder.join("authority.json")).map_err(|error| error.to_string());
    let authority = Arc::new(authority.map_err(CliError::Usage)?);
    let settings = ValidatorSettings {
        ledger: folder.join("ledger"),
        reset: args.reset,
        rpc_port: args.rpc_port,
        programs: vec![(ID, so, authority.pubkey())],
    };
    let progress = context.progress();
    progress.say("starting solana-test-validator …");
    let mut told = pin!(told_to_stop()?);
    let mut validator = Validator::start(&settings).await.map_err(failed)?;
    let url = validator.url();
    progress.say(&format!("solana-test-validator runs at {url}, log {}", validator.log().display()));
    let prepared = async {
        if args.no_network {
            return Ok(());
        }
        let (address, path, authority) = (url.clone(), plan.clone(), authority.clone());
        tokio::task::spawn_blocking(move || make_network(&address, &path, authority, args.attesters))
            .await
            .map_err(bug)??;
        progress.finish();
        let ports: Vec<u16> =
            (0..u16::from(args.attesters)).map(|number| FIRST_ATTESTER.saturating_add(number)).collect();
        let network = coverage_client::pda::network(1);
        write_attesters(&folder, &url, &network, &ports).map_err(|error| unwritable(&folder, error))?;
        context.emit(&next_steps(&url, &folder))
    };
    let status = tokio::select! {
        made = prepared => match made {
            Ok(()) => run_until_stopped(&mut validator, &mut told).await,
            Err(error) => Err(error),
        },
        () = &mut told => Ok(ExitStatus::Done),
    };
    progress.say("stopping solana-test-validator …");
    validator.stop().await;
    status
}

async fn run_until_stopped(validator: &mut Validator, told: impl Future<Output = ()>) -> Result<ExitStatus, CliError> {
    let log = validator.log().to_path_buf();
    tokio::select! {
        () = told => Ok(ExitStatus::Done),
        ended = validator.wait() => {
            let what = ended.map_or_else(|error| error.to_string(), |status| format!("ended by itself with {status}"));
            Err(failed(ValidatorError::Silent { what, log }))
        }
    }
}

fn make_network(
    url: &str,
    plan: &Path,
    authority: Arc<solana_keypair::Keypair>,
    attesters: u8,
) -> Result<(), CliError> {
    let usage = |error: &dyn std::fmt::Display| CliError::Usage(error.to_string());
    let folder = plan.parent().unwrap_or(Path::new(""));
    let file = PlanFile::read(plan).map_err(|error| usage(&error))?;
    let mut prepared = file.prepare(folder, authority.pubkey()).map_err(|error| usage(&error))?;
    let token = prepared.plan.token;
    let sender = sender(Rpc::new(url), authority.clone(), &prepared);
    migrate(sender.clone(), &mut prepared, Kind::Local, false, |step, done| eprintln!("{step}: {done}"))
        .map_err(|error| usage(&error))?;
    let mut chain = Blocking::new(sender).map_err(|error| usage(&error))?;
    let attesters = (0..attesters).map(|number| (format!("attester-{number}"), 0));
    for (name, units) in [("entrant".to_owned(), ENTRANT_UNITS)].into_iter().chain(attesters) {
        let wallet = read_keypair_file(folder.join(format!("{name}.json"))).map_err(|error| usage(&error))?.pubkey();
        if chain.account(&wallet)?.is_some() {
            continue;
        }
        let mut gift = vec![transfer(&authority.pubkey(), &wallet, WALLET_LAMPORTS)];
        if units > 0 {
            gift.extend(mint_to(&authority.pubkey(), &token, &wallet, units)?);
        }
        chain.send(&format!("funding {name}"), &gift)?;
    }
    Ok(())
}

/// What to try next: every line a command that works.
#[derive(serde::Serialize)]
struct NextSteps {
    url: String,
    network: String,
    authority: String,
    commands: Vec<String>,
}

fn next_steps(url: &str, folder: &Path) -> NextSteps {
    let key = |name: &str| folder.join(format!("{name}.json")).display().to_string();
    let network = coverage_client::pda::network(1);
    let covctl = |rest: &str| format!("covctl --url {url} --network 1 {rest}");
    NextSteps {
        url: url.to_owned(),
        network: Pubkey::to_string(&network),
        authority: key("authority"),
        commands: vec![
            covctl(&format!("--keypair {} keeper", key("authority"))),
            covctl(&format!("--keypair {} keeper --dry-run", key("authority"))),
            format!("coverage-attester --settings {}", folder.join("attester-0.toml").display()),
            covctl("network show"),
            covctl("opportunities"),
            covctl(&format!("--keypair {} receipt sample 0", key("reporter"))),
            covctl(&format!("--keypair {} operator register --bond 5", key("entrant"))),
            covctl("audit"),
        ],
    }
}

impl std::fmt::Display for NextSteps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "\nnetwork 1 ({}) is ready at {}\nauthority's keypair: {}",
            self.network, self.url, self.authority
        )?;
        writeln!(f, "\nTry, in another terminal:")?;
        for command in &self.commands {
            writeln!(f, "  {command}")?;
        }
        writeln!(f, "\nCtrl-C stops it.")
    }
}

fn failed(error: ValidatorError) -> CliError {
    CliError::Usage(error.to_string())
}

fn bug(error: tokio::task::JoinError) -> CliError {
    CliError::Usage(format!("the migrations stopped unexpectedly: {error}"))
}

fn unwritable(path: &Path, error: std::io::Error) -> CliError {
    CliError::Write { path: path.to_path_buf(), error }
}
