//! `covctl audit`: computes every settlement again and checks what must always hold.

use crate::{CliError, Context, ExitStatus, Progress};
use coverage_client::audit::receipts::{self, BatchFile};
use coverage_client::audit::{MintReport, Report, check};
use coverage_client::rpc::Snapshot;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  covctl -u devnet --network 1 audit
  covctl -u devnet --network 1 audit --receipts /var/lib/attester/published
  covctl -u devnet --network 1 --output json audit --epoch 41 | jq '.checks[] | select(.findings != [])'

Checked, from account data alone:
  I1  the vault holds what is owed, and every total is the sum of its parts
  I2  per settled cell, rewards + carry + returned = pool
  I3  per settled cell, the sum of phi is at most the coverage
  I4  every epoch is settled once, every batch applied once
  I5  every standing batch has more than the quorum (as long as the committee is the one that signed), and the counters
      are those of the standing batches
  I7  every settlement computed again gives the same bits: p, share, phi, reward and reason of every slot
--receipts DIR also reads DIR/<network>/<epoch>/<workload>/<batch>-<root>.receipts for every standing batch that the logs
show: rebuilds roots and counts, verifies every reporter's signature, and names what is missing, wrong or counted twice.

A cell shows its last settlement, a log its last epoch's batches; what came before is in the program's events only. With
--epoch, only settlements and batches of that epoch are checked, and it is an unchecked epoch if the chain shows neither.

Exit codes: 0 all is as it should be, 1 it is not, or the epoch is not shown, 2 an error.";

/// How often the accounts are read before what looks wrong is believed: they are read one after another, and a network in
/// motion shows some of them a moment later than others.
const READS: usize = 3;

/// Arguments of `audit`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Check only what the chain shows of this epoch.
    #[arg(long, value_name = "N")]
    pub epoch: Option<u64>,
    /// Folder of published receipts, to be checked as well.
    #[arg(long, value_name = "DIR")]
    pub receipts: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Client`] if the network cannot be read; [`CliError::Read`] if there is no folder of receipts.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    if let Some(folder) = &args.receipts {
        is_folder(folder)?;
    }
    let mut snapshot = context.snapshot().await?;
    let mut report = check(&snapshot, args.epoch);
    for _ in 1..READS {
        if report.passed() {
            break;
        }
        snapshot = context.snapshot().await?;
        report = check(&snapshot, args.epoch);
    }
    let mint = snapshot.network.mint;
    report.mint = MintReport::read(&mint, &context.rpc().require(&mint).await?.data);
    if let Some(folder) = &args.receipts {
        report.receipts = Some(published(&snapshot, args.epoch, folder, &context.progress()));
    }
    context.emit(&report)?;
    Ok(status(&report))
}

/// Whether all is as it should be.
#[must_use]
pub fn status(report: &Report) -> ExitStatus {
    if report.passed() { ExitStatus::Done } else { ExitStatus::CheckFailed }
}

fn published(snapshot: &Snapshot, epoch: Option<u64>, folder: &Path, progress: &Progress) -> receipts::ReceiptsReport {
    progress.begin("checking receipts".to_owned(), receipts::expected(snapshot, epoch));
    let report = receipts::check(snapshot, epoch, |batch| read(folder, batch), || progress.step());
    progress.finish();
    report
}

/// The bytes published for a batch, `None` if there is no such file.
fn read(folder: &Path, batch: &BatchFile<'_>) -> io::Result<Option<Vec<u8>>> {
    match fs::read(folder.join(batch.path())) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_folder(path: &Path) -> Result<(), CliError> {
    let unreadable = |error| CliError::Read { path: path.to_path_buf(), error };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() { Ok(()) } else { Err(unreadable(ErrorKind::NotADirectory.into())) }
}
