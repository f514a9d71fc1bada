//! `covctl batch challenge`: proves an applied batch false by its published receipts.

use super::{batch, batch_submit};
use crate::context::NetworkAccount;
use crate::execute::Plan;
use crate::record::Record;
use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus};
use coverage_client::audit::receipts::file;
use coverage_client::batch::BatchOf;
use coverage_client::evidence::{self, Evidence, Published, payload};
use coverage_client::math::attestation::Entry;
use coverage_client::math::hash::{Sha256, Software};
use coverage_client::math::receipt::Receipt;
use coverage_client::math::reliability::OUTCOMES;
use coverage_client::pda;
use coverage_client::program::state::{BATCH_REMOVED, BatchRecord, Committee};
use solana_signer::Signer;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Arguments of `batch challenge`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The workload, by id or address.
    workload: Reference,
    /// Number of the batch in the epoch in hand.
    sequence: usize,
    /// Folder of published receipts, as attesters write it.
    #[arg(long, value_name = "DIR")]
    receipts: PathBuf,
    /// File of the entries that were applied, 32 bytes each, if they are not what the receipts count up to.
    #[arg(long, value_name = "FILE")]
    entries: Option<PathBuf>,
}

/// Runs the command. A batch that its receipts do not prove false is left alone: exit code 1.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, network: &NetworkAccount, args: Args) -> Result<ExitStatus, CliError> {
    let workload = network.workload(args.workload);
    let (log, records) = batch::log(context, workload).await?;
    let record = batch::find(&records, args.sequence)?;
    if record.flags & BATCH_REMOVED != 0 {
        return Err(CliError::Usage(format!("batch {} was proven false already", args.sequence)));
    }
    let committee: Committee = context.rpc().header(&pda::committee(&network.address)).await?;
    let of = BatchOf {
        network: network.address,
        workload,
        epoch: log.epoch,
        sequence: args.sequence as u64,
        generation: committee.generation,
    };
    let folder = Folder { root: &args.receipts, of, records: &records };
    let own = folder.read(args.sequence)?;
    let entries = entries(args.entries.as_deref(), record, &own)?;
    let found = folder.evidence(args.sequence, record, &own, &entries)?;
    let facts = Record::new().text("workload", workload).number("epoch", log.epoch).number("batch", of.sequence);
    let Some(evidence) = found else {
        eprintln!("its receipts do not prove batch {} false", args.sequence);
        context.emit(&facts.text("status", "stands"))?;
        return Ok(ExitStatus::CheckFailed);
    };
    let challenger = context.signer()?.pubkey();
    let to = pda::token_account(&challenger, &network.token);
    let plan = Plan::new(format!("prove batch {} false", args.sequence));
    let plan = plan.facts(facts.text("fraud", name(&evidence)).text("paid_to", to));
    let steps = evidence::challenge(challenger, &network.token, of, &entries, &evidence);
    context.execute(steps.into_iter().fold(plan, |plan, step| plan.then(vec![step]))).await
}

/// A folder of published receipts.
struct Folder<'a> {
    root: &'a Path,
    of: BatchOf,
    records: &'a [BatchRecord],
}

impl Folder<'_> {
    /// The leaves of a batch, whose root must be what was applied.
    fn read(&self, sequence: usize) -> Result<Vec<Receipt>, CliError> {
        let record = batch::find(self.records, sequence)?;
        let BatchOf { network, epoch, workload, .. } = self.of;
        let path = self.root.join(file(&network, epoch, &workload, sequence as u64, &record.receipts_root));
        let receipts = batch_submit::read(&path)?;
        let leaves = leaves(&receipts);
        if Published::new(&network, epoch, &leaves).root() != Some(record.receipts_root) {
            let root = hex::encode(record.receipts_root);
            return Err(CliError::File { path, reason: format!("these are not the receipts of root {root}") });
        }
        Ok(receipts)
    }

    /// Evidence against a batch, by itself or by an earlier one whose receipts are there.
    fn evidence(
        &self,
        sequence: usize,
        record: &BatchRecord,
        own: &[Receipt],
        entries: &[Entry],
    ) -> Result<Option<Evidence>, CliError> {
        let (network, epoch) = (&self.of.network, self.of.epoch);
        let own = leaves(own);
        let published = Published::new(network, epoch, &own);
        if let Some(evidence) = published.examine(&self.of, record.receipts, entries) {
            return Ok(Some(evidence));
        }
        let number = |sequence: usize| u32::try_from(sequence).unwrap_or(u32::MAX);
        for (earlier, before) in self.records.iter().enumerate().take(sequence) {
            if before.flags & BATCH_REMOVED != 0 {
                continue;
            }
            match self.read(earlier) {
                // Who holds back the receipts of another batch must not keep this one from being proven false.
                Err(error) => eprintln!("warning: batch {earlier} is not compared: {error}"),
                Ok(receipts) => {
                    let theirs = leaves(&receipts);
                    let theirs = Published::new(network, epoch, &theirs);
                    if let Some(evidence) = published.repeats(number(sequence), number(earlier), &theirs) {
                        return Ok(Some(evidence));
                    }
                }
            }
        }
        Ok(None)
    }
}

fn leaves(receipts: &[Receipt]) -> Vec<Vec<u8>> {
    receipts.iter().map(payload).collect()
}

/// What was applied: from the file, or else what the receipts count up to. Its hash is in the log.
fn entries(path: Option<&Path>, record: &BatchRecord, receipts: &[Receipt]) -> Result<Vec<Entry>, CliError> {
    let Some(path) = path else {
        let counted = count(receipts);
        return if Software::hash(&[bytemuck::cast_slice(&counted)]) == record.entries_hash {
            Ok(counted)
        } else {
            let where_from = "they are in the transactions that uploaded it";
            Err(CliError::Usage(format!(
                "the receipts count up to other entries than were applied: give those with --entries ({where_from})"
            )))
        };
    };
    let bytes = std::fs::read(path).map_err(|error| CliError::Read { path: path.to_path_buf(), error })?;
    if Software::hash(&[&bytes]) != record.entries_hash || !bytes.len().is_multiple_of(size_of::<Entry>()) {
        let reason = format!("these are not the entries of hash {}", hex::encode(record.entries_hash));
        return Err(CliError::File { path: path.to_path_buf(), reason });
    }
    Ok(bytes.chunks_exact(size_of::<Entry>()).map(bytemuck::pod_read_unaligned).collect())
}

/// Counts receipts as an honest batch would.
fn count(receipts: &[Receipt]) -> Vec<Entry> {
    let mut slots: BTreeMap<u16, [u32; OUTCOMES]> = BTreeMap::new();
    for receipt in receipts {
        let counts = slots.entry(receipt.attempt.slot).or_default();
        if let Some(counter) = counts.get_mut(usize::from(receipt.attempt.outcome)) {
            *counter = counter.saturating_add(1);
        }
    }
    slots.into_iter().map(|(slot, counts)| Entry { slot, reserved: 0, counts }).collect()
}

const fn name(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::Misplaced(_) => "misplaced",
        Evidence::DuplicateInBatch(..) => "duplicate in the batch",
        Evidence::DuplicateAcrossBatches { .. } => "duplicate of an earlier batch",
        Evidence::CountMismatch(_) => "count mismatch",
    }
}
