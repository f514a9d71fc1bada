//! `covctl batch`: what attesters sign of a cell's epoch, and what challengers prove false.

use super::{batch_challenge, batch_submit};
use crate::context::NetworkAccount;
use crate::execute::Plan;
use crate::record::{Record, Table};
use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus};
use coverage_client::program::state::{Attestation, BATCH_REMOVED, BatchLog, BatchRecord, Committee};
use coverage_client::{accounts, instructions, pda};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;

const EXAMPLES: &str = "\
Examples:
  covctl --network 7 batch submit 0 --receipts r.bin --attester a.json --attester b.json --attester c.json
  covctl --network 7 --output json batch submit 0 --receipts r.bin --attester a.json --sign-only > a.sig
  covctl --network 7 batch submit 0 --receipts r.bin --signature a.sig --signature b.sig --signature c.sig
  covctl --network 7 batch list 0
  covctl --network 7 batch challenge 0 3 --receipts published/

A file of receipts is their canonical Borsh records, 215 bytes each, one behind the other, as attesters publish them.";

/// Arguments of `batch`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// List the batches applied in the epoch in hand.
    List {
        /// The workload, by id or address.
        workload: Reference,
    },
    /// Show a batch of the epoch in hand, with who signed it.
    Show {
        /// The workload, by id or address.
        workload: Reference,
        /// Number of the batch.
        sequence: usize,
    },
    /// Make a batch of receipts, have it signed, and apply it: for anyone with the signatures.
    Submit(batch_submit::Args),
    /// Prove an applied batch false by its published receipts: for anyone; the proof is paid.
    Challenge(batch_challenge::Args),
    /// Close an attestation that will not be applied: its rent comes back to who opened it.
    Discard {
        /// Its address.
        attestation: Pubkey,
    },
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    match args.command {
        Command::List { workload } => {
            let (log, records) = log(context, network.workload(workload)).await?;
            let row = |(number, record)| row(&log, number, record);
            context.emit(&(0u64..).zip(&records).map(row).collect::<Table>())?;
            Ok(ExitStatus::Done)
        }
        Command::Show { workload, sequence } => show(context, &network, network.workload(workload), sequence).await,
        Command::Submit(args) => batch_submit::run(context, &network, args).await,
        Command::Challenge(args) => batch_challenge::run(context, &network, args).await,
        Command::Discard { attestation } => {
            let account = context.rpc().require(&attestation).await?;
            let (header, _): (Attestation, _) = accounts::attestation(&attestation, &account.data)?;
            let payer = context.signer()?.pubkey();
            if header.payer != payer {
                let owner = header.payer;
                return Err(CliError::Usage(format!(
                    "only who opened it may close it: name {owner}'s keypair with --keypair"
                )));
            }
            let plan = Plan::new("close the attestation").fact("attestation", attestation);
            context.execute(plan.step(instructions::close_attestation(payer, attestation))).await
        }
    }
}

/// A workload's log with its records.
///
/// # Errors
/// [`CliError::Client`] if there is none.
pub(super) async fn log(context: &Context, workload: Pubkey) -> Result<(BatchLog, Vec<BatchRecord>), CliError> {
    let address = pda::log(&workload);
    let account = context.rpc().require(&address).await?;
    Ok(accounts::log(&address, &account.data)?)
}

fn row(log: &BatchLog, number: u64, record: &BatchRecord) -> Record {
    let stands = if record.flags & BATCH_REMOVED == 0 { "yes" } else { "no, proven false" };
    Record::new()
        .number("epoch", log.epoch)
        .number("batch", number)
        .number("receipts", record.receipts)
        .number("signed_by", record.endorsers.count_ones())
        .text("counts", stands)
        .text("receipts_root", hex::encode(record.receipts_root))
}

async fn show(
    context: &Context,
    network: &NetworkAccount,
    workload: Pubkey,
    sequence: usize,
) -> Result<ExitStatus, CliError> {
    let (log, records) = log(context, workload).await?;
    let record = find(&records, sequence)?;
    let committee: Committee = context.rpc().header(&pda::committee(&network.address)).await?;
    let signed = (0u8..).zip(committee.places());
    let signed =
        signed.filter(|(place, _)| record.endorsers.checked_shr(u32::from(*place)).is_some_and(|bits| bits & 1 == 1));
    // A place may have gone to another since.
    let endorser = |(place, attester): (u8, &coverage_client::program::state::Attester)| {
        let same = attester.since_generation <= record.generation;
        Record::new().number("place", place).optional("attester", same.then_some(attester.key))
    };
    let result = row(&log, sequence as u64, record)
        .text("entries_hash", hex::encode(record.entries_hash))
        .number("generation", record.generation)
        .list("signatures", signed.map(endorser).collect());
    context.emit(&result)?;
    Ok(ExitStatus::Done)
}

/// The record of a batch.
pub(super) fn find(records: &[BatchRecord], sequence: usize) -> Result<&BatchRecord, CliError> {
    let count = records.len();
    records
        .get(sequence)
        .ok_or_else(|| CliError::Usage(format!("there is no batch {sequence}: the log has {count}, from 0 on")))
}
