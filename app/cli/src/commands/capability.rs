//! `covctl capability`: what an operator commits to serve.

use super::{operator, workload};
use crate::context::NetworkAccount;
use crate::execute::Plan;
use crate::fixed::parse_decimal;
use crate::record::{Record, Table};
use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus};
use coverage_client::capabilities::CapabilityTree;
use coverage_client::instructions;
use coverage_client::math::hash::{Sha256, Software};
use coverage_client::math::receipt::Capability;
use coverage_client::program::state::Workload;
use serde::Deserialize;
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  covctl --network 7 capability commit capabilities.toml
  covctl --network 7 capability prove capabilities.toml 0
  covctl --network 7 capability show

A file of capabilities (TOML, or JSON of the same shape):
  [[capability]]
  workload = 0            # id or address
  latency_ms = 1500       # at most what the workload asks for
  capacity = \"12.5\"       # in the workload's unit a second, at least what it asks for
  region = 4              # needed where the workload may be served from anywhere; else it is the workload's
Hardware class, verification mode and model are the workload's.

The commitment hides every capability until it is opened: its salt comes from a secret, kept in a file of the same name with
.secret behind it, which is made when there is none. Keep both files: without them nothing can be opened.";

/// Arguments of `capability`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Commit to the capabilities in a file, from the next epoch on: for the operator.
    Commit {
        /// The file.
        file: PathBuf,
    },
    /// Show what an operator is committed to: root, number of leaves, since when.
    Show {
        /// Its wallet or account [default: the signer's].
        operator: Option<Pubkey>,
    },
    /// Print a capability of a file with its salt and Merkle proof: whoever sees it can check it against the root.
    Prove {
        /// The file.
        file: PathBuf,
        /// The workload it is for.
        workload: Reference,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    capability: Vec<Leaf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaf {
    workload: Named,
    latency_ms: u32,
    capacity: String,
    region: Option<u16>,
}

/// A workload in a file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Id(u64),
    Text(String),
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    match args.command {
        Command::Commit { file } => commit(context, &network, &file).await,
        Command::Show { operator: named } => {
            let (address, account) = operator::find(context, &network, named).await?;
            let committed = account.capability_count > 0;
            let record = Record::new()
                .text("operator", address)
                .optional("root", committed.then(|| hex::encode(account.capability_root)))
                .number("capabilities", account.capability_count)
                .number("effective_epoch", account.capability_epoch);
            context.emit(&record)?;
            Ok(ExitStatus::Done)
        }
        Command::Prove { file, workload } => {
            let tree = open(context, &network, &file).await?;
            let workload = network.workload(workload);
            let missing = || CliError::File {
                path: file.clone(),
                reason: format!("it has no capability for workload {workload}"),
            };
            let index = tree.find(&workload).ok_or_else(missing)?;
            let (leaf, proof) = tree.open(index).ok_or_else(missing)?;
            let step = |hash: &[u8; 32]| Record::new().text("hash", hex::encode(hash));
            let record = Record::new()
                .text("root", hex::encode(tree.root()))
                .number("capabilities", tree.count())
                .number("index", index)
                .text("workload", workload)
                .number("hardware_class", leaf.hardware_class)
                .number("verification_mode", leaf.verification_mode)
                .number("region", leaf.region)
                .number("latency_ms", leaf.latency_ms)
                .rate("capacity", leaf.capacity_milli)
                .text("salt", hex::encode(leaf.salt))
                .list("proof", proof.iter().map(step).collect::<Table>());
            context.emit(&record)?;
            Ok(ExitStatus::Done)
        }
    }
}

async fn commit(context: &Context, network: &NetworkAccount, file: &Path) -> Result<ExitStatus, CliError> {
    let wallet = context.signer()?.pubkey();
    let (address, account) = operator::find(context, network, Some(wallet)).await?;
    if !context.dry_run() {
        make_secret(&secret_file(file))?;
    }
    let tree = open(context, network, file).await?;
    let facts = Record::new().text("operator", address).text("root", hex::encode(tree.root()));
    let plan = Plan::new("commit capabilities").facts(facts.number("capabilities", tree.count()));
    if account.capability_root == tree.root() {
        return context.execute(plan).await;
    }
    let commit = instructions::commit_capabilities(wallet, network.address, tree.root(), tree.count());
    context.execute(plan.step(commit)).await
}

/// The tree of the capabilities in a file, with the salts of its secret.
///
/// # Errors
/// [`CliError::Read`] and [`CliError::File`] for the file; [`CliError::Usage`] for a capability that could not be enrolled.
pub(super) async fn open(context: &Context, network: &NetworkAccount, path: &Path) -> Result<CapabilityTree, CliError> {
    let wrong = |reason: String| CliError::File { path: path.to_path_buf(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| CliError::Read { path: path.to_path_buf(), error })?;
    let file: File = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?
    } else {
        toml::from_str(&text).map_err(|error| wrong(error.to_string()))?
    };
    let secret = read_secret(context, &secret_file(path))?;
    let mut leaves = Vec::with_capacity(file.capability.len());
    for (number, leaf) in file.capability.iter().enumerate() {
        let at = |reason: String| wrong(format!("capability {number}: {reason}"));
        let named = match &leaf.workload {
            Named::Id(id) => Reference::Id(*id),
            Named::Text(text) => text.parse().map_err(at)?,
        };
        let address = network.workload(named);
        let workload = context.rpc().header::<Workload>(&address).await.map_err(|error| at(error.to_string()))?;
        leaves.push(fill(leaf, address, &workload, &secret).map_err(at)?);
    }
    Ok(CapabilityTree::new(&network.address, leaves)?)
}

/// A leaf with what is the workload's, and its salt; an error for one that the workload does not take.
fn fill(leaf: &Leaf, address: Pubkey, workload: &Workload, secret: &[u8; 32]) -> Result<Capability, String> {
    let needs = workload::requirements(workload);
    let capacity_milli = parse_decimal(&leaf.capacity, 3).ok_or_else(|| format!("\"{}\" is no rate", leaf.capacity))?;
    let region = leaf.region.unwrap_or(needs.region);
    if leaf.latency_ms > needs.latency_ms {
        return Err(format!("latency_ms is {}, the workload asks for {} at most", leaf.latency_ms, needs.latency_ms));
    }
    if capacity_milli < needs.min_capacity_milli {
        let least = crate::amounts::tokens(needs.min_capacity_milli, 3);
        return Err(format!("capacity is {}, the workload asks for {least} at least", leaf.capacity));
    }
    if needs.region != 0 && region != needs.region {
        return Err(format!("region is {region}, the workload asks for {}", needs.region));
    }
    let unsalted = Capability {
        workload: address.to_bytes(),
        model: needs.model,
        hardware_class: needs.hardware_class,
        verification_mode: needs.verification_mode,
        region,
        latency_ms: leaf.latency_ms,
        capacity_milli,
        salt: [0; 32],
    };
    // The same capability has the same salt wherever it stands, so that a commitment can be made again from its file.
    let bytes = borsh::to_vec(&unsalted).map_err(|error| error.to_string())?;
    Ok(Capability { salt: Software::hash(&[b"covctl capability salt", secret, &bytes]), ..unsalted })
}

fn secret_file(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".secret");
    name.into()
}

/// Makes a secret, unless there is one.
fn make_secret(path: &Path) -> Result<(), CliError> {
    let wrong = |error| CliError::Write { path: path.to_path_buf(), error };
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        file => file.map_err(wrong)?,
    };
    // A new key is 32 random bytes of the operating system.
    let random = hex::encode(Keypair::new().secret_bytes());
    writeln!(file, "{random}").and_then(|()| file.sync_all()).map_err(wrong)?;
    eprintln!("made {}: without it nothing can be enrolled, so keep it, and keep it to yourself", path.display());
    Ok(())
}

/// The secret; a dry run does without one, and shows another root then than the real run.
fn read_secret(context: &Context, path: &Path) -> Result<[u8; 32], CliError> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && context.dry_run() => return Ok([0; 32]),
        text => text.map_err(|error| CliError::Read { path: path.to_path_buf(), error })?,
    };
    let wrong = |reason| CliError::File { path: path.to_path_buf(), reason };
    text.trim()
        .parse::<crate::hash32::Hash32>()
        .map(|hash| hash.0)
        .map_err(|_| wrong("expected 64 hexadecimal digits".to_owned()))
}
