//! `covctl receipt`: receipts made by hand, to try a network out.

use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus, output};
use coverage_client::batch::{receipt_tag, sign};
use coverage_client::math::cell::Slot;
use coverage_client::math::hash::Software;
use coverage_client::math::receipt::{Attempt, Receipt};
use coverage_client::math::reliability::Outcome;
use coverage_client::pda;
use coverage_client::program::state::Epoch;
use coverage_client::receipts::ReceiptJson;
use ed25519_dalek::SigningKey;
use solana_program::pubkey::Pubkey;

const EXAMPLES: &str = "\
Examples:
  covctl receipt sample 0 > receipts.ndjson
  covctl --keypair reporter.json receipt sample 0 --count 50 --served 80 |
      curl --data-binary @- -H 'content-type: application/x-ndjson' http://127.0.0.1:8950/v1/receipts

Standard output has one receipt in JSON a line, whatever --output says: what attesters take, and `covctl batch submit`.";

/// Arguments of `receipt`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Make receipts up: requests to every slot that counts now, signed by the signer as their reporter. For test networks.
    Sample {
        /// The workload, by id or address.
        workload: Reference,
        /// Requests to each slot.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        count: u32,
        /// How many in a hundred are served; the rest fails by capacity and by latency in turn.
        #[arg(long, value_name = "PERCENT", default_value_t = 95, value_parser = clap::value_parser!(u32).range(0..=100))]
        served: u32,
    },
}

/// What the receipts of a sample have in common.
struct Sample {
    network: Pubkey,
    workload: Pubkey,
    epoch: u64,
    observed_at: i64,
    reporter: SigningKey,
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let Command::Sample { workload, count, served } = args.command;
    let network = context.network().await?;
    let workload = network.workload(workload);
    let (cell, slots) = context.rpc().cell(&pda::cell(&workload)).await?;
    let now = context.rpc().now().await?;
    let opened = context.rpc().account(&pda::epoch(&network.address, cell.epoch)).await?;
    if opened.is_none() || cell.phase != 0 {
        let what = if opened.is_none() { "is not open yet" } else { "is sealed" };
        let epoch = cell.epoch;
        return Err(CliError::Usage(format!(
            "epoch {epoch}, which the cell has in hand, {what}: try again in a moment"
        )));
    }
    let epoch: Epoch = context.rpc().header(&pda::epoch(&network.address, cell.epoch)).await?;
    // Until it is sealed, an epoch that is over still takes what was observed in it.
    let observed_at = now.clamp(epoch.start_ts, epoch.end_ts.saturating_sub(1));
    let reporter = context.signing_key()?;
    let sample = Sample { network: network.address, workload, epoch: cell.epoch, observed_at, reporter };
    let mut lines = String::new();
    for (slot, _) in (0u16..).zip(&slots).filter(|(_, slot): &(u16, &Slot)| slot.counts_in(cell.epoch)) {
        for number in 0..count {
            // As evenly as can be: the sum of what is owed passes a whole at each request that is served.
            let owed = |number: u32| u64::from(number).saturating_mul(served.into()) / 100;
            let outcome = match (owed(number) < owed(number.saturating_add(1)), number % 2) {
                (true, _) => Outcome::Served,
                (false, 0) => Outcome::CapacityExhausted,
                (false, _) => Outcome::LatencyExceeded,
            };
            lines.push_str(&sample.line(slot, outcome)?);
            lines.push('\n');
        }
    }
    if lines.is_empty() {
        let epoch = cell.epoch;
        return Err(CliError::Usage(format!("no slot of the cell counts in epoch {epoch} yet: try again in the next")));
    }
    output::print(&lines)?;
    Ok(ExitStatus::Done)
}

impl Sample {
    /// A receipt of a request that nobody made.
    fn line(&self, slot: u16, outcome: Outcome) -> Result<String, CliError> {
        let attempt = Attempt {
            request_id: rand::random(),
            workload: self.workload.to_bytes(),
            epoch: self.epoch,
            slot,
            outcome: outcome as u8,
            latency_ms: if outcome == Outcome::Served { 250 } else { 0 },
            observed_at: self.observed_at,
            evidence: [0; 32],
            reporter: self.reporter.verifying_key().to_bytes(),
        };
        let tag = receipt_tag(&self.network, self.epoch);
        let message = attempt.message::<Software>(&tag).unwrap_or_default(); // writing to memory does not fail
        let receipt = Receipt { attempt, signature: sign(&self.reporter, &message).1 };
        serde_json::to_string(&ReceiptJson::of(&receipt)).map_err(CliError::Encode)
    }
}
