//! `covctl batch submit`: from receipts and signatures to an applied batch.

use super::attestation::{self, Endorsers};
use crate::context::NetworkAccount;
use crate::execute::Plan;
use crate::record::Record;
use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus};
use borsh::BorshDeserialize;
use coverage_client::batch::{self, BatchOf, Statement, receipt_tag};
use coverage_client::math::hash::Software;
use coverage_client::math::receipt::{RECEIPT_BYTES, Receipt};
use coverage_client::pda;
use coverage_client::program::state::{BatchLogAccount, Committee, Epoch};
use coverage_client::receipts::ReceiptJson;
use coverage_client::signature::{self, ReporterKey, Signed};
use solana_program::pubkey::Pubkey;
use std::path::{Path, PathBuf};

/// Arguments of `batch submit`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The workload, by id or address.
    workload: Reference,
    /// File of the batch's receipts, in any order: as attesters publish them or, if it ends with .ndjson, an object a line.
    #[arg(long, value_name = "FILE")]
    receipts: PathBuf,
    #[command(flatten)]
    endorsers: Endorsers,
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, network: &NetworkAccount, args: Args) -> Result<ExitStatus, CliError> {
    let mut receipts = read(&args.receipts)?;
    batch::sort(&mut receipts);
    let workload = network.workload(args.workload);
    let (cell, _) = context.rpc().cell(&pda::cell(&workload)).await?;
    let epoch: Epoch = context.rpc().header(&pda::epoch(&network.address, cell.epoch)).await?;
    let committee: Committee = context.rpc().header(&pda::committee(&network.address)).await?;
    let of = BatchOf {
        network: network.address,
        workload,
        epoch: cell.epoch,
        sequence: cell.batches,
        generation: committee.generation,
    };
    verify(&args.receipts, &network.address, &receipts)?;
    let statement = Statement::outcomes(of, &receipts)?;
    let facts = Record::new()
        .text("workload", workload)
        .number("epoch", cell.epoch)
        .number("batch", cell.batches)
        .number("receipts", receipts.len() as u64)
        .text("receipts_root", hex::encode(statement.args.receipts_root));
    let plan = Plan::new(format!("apply batch {} of epoch {}", cell.batches, cell.epoch)).facts(facts);
    // The first batch of its number pays for a record of the log.
    let log = context.rpc().require(&pda::log(&workload)).await?.data.len();
    let records = u32::try_from(cell.batches).map_or(u32::MAX, |batches| batches.saturating_add(1));
    let needed = BatchLogAccount::try_space_for(records).unwrap_or(log).max(log);
    let plan = plan.grows(log, needed);
    attestation::run(context, plan, &statement, (&committee, &epoch.config), &args.endorsers).await
}

/// The receipts of a file, as they are in it.
pub(super) fn read(path: &Path) -> Result<Vec<Receipt>, CliError> {
    let bytes = std::fs::read(path).map_err(|error| CliError::Read { path: path.to_path_buf(), error })?;
    let wrong = |reason: String| CliError::File { path: path.to_path_buf(), reason };
    if path.extension().is_some_and(|extension| extension == "ndjson") {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let read = |line| serde_json::from_slice::<ReceiptJson>(line).map_err(|error| wrong(error.to_string()));
        return lines.map(|line| read(line).map(Receipt::from)).collect();
    }
    if bytes.is_empty() || !bytes.len().is_multiple_of(RECEIPT_BYTES) {
        let length = bytes.len();
        return Err(wrong(format!("{length} bytes are no receipts: each has {RECEIPT_BYTES}, one behind the other")));
    }
    let read = |bytes| Receipt::try_from_slice(bytes).map_err(|error| wrong(error.to_string()));
    bytes.chunks_exact(RECEIPT_BYTES).map(read).collect()
}

/// Fails if a receipt is not what its reporter signed: whoever signs a batch answers for it with its bond.
fn verify(path: &Path, network: &Pubkey, receipts: &[Receipt]) -> Result<(), CliError> {
    for receipt in receipts {
        let tag = receipt_tag(network, receipt.attempt.epoch);
        let message = receipt.attempt.message::<Software>(&tag).unwrap_or_default(); // writing to memory does not fail
        let key = ReporterKey::new(receipt.attempt.reporter);
        let holds = |key: &ReporterKey| signature::all_hold(&[Signed { key, message, signature: &receipt.signature }]);
        if !key.as_ref().is_some_and(holds) {
            let request = hex::encode(receipt.attempt.request_id);
            let reason = format!("the receipt of request {request} is not signed by its reporter");
            return Err(CliError::File { path: path.to_path_buf(), reason });
        }
    }
    Ok(())
}
