//! Published receipts, held against what was applied: roots, counts, signatures, and what no batch may contain.
//!
//! The receipts of a batch are published as one file, [`file()`], of canonical Borsh [`Receipt`](coverage_math::receipt::Receipt) records in leaf order.

mod auditor;

use super::check::asked;
use crate::rpc::{Snapshot, WorkloadState};
use auditor::Auditor;
use coverage_math::hash::Hash;
use coverage_settlement::state::{BATCH_REMOVED, BatchRecord, Cell};
use serde::Serialize;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// What published receipts show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceiptsReport {
    /// Batches whose receipts were looked for: those that stand.
    pub batches: u64,
    /// Receipts read.
    pub receipts: u64,
    /// Of them with a signature that is their reporter's.
    pub signatures: u64,
    /// Who reported how many of them.
    pub reporters: BTreeMap<String, u64>,
    /// Everything that is not as it should be.
    pub discrepancies: Vec<Discrepancy>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discrepancy {
    /// The workload, by id.
    pub workload: u64,
    /// The epoch.
    pub epoch: u64,
    /// The batch; `None` for all of them together.
    pub batch: Option<u64>,
    /// The leaf, from 0.
    pub leaf: Option<u64>,
    /// The request of the leaf, in hexadecimal.
    pub request_id: Option<String>,
    /// The slot it is about.
    pub slot: Option<u16>,
    /// What is wrong.
    pub fault: Fault,
    /// What should be.
    pub expected: String,
    /// What is.
    pub actual: String,
}

/// What can be wrong with published receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Fault {
    /// There is no file for the batch.
    MissingFile,
    /// The file cannot be read.
    UnreadableFile,
    /// The file does not hold whole receipts.
    BrokenFile,
    /// There are more or fewer receipts than were applied.
    WrongCount,
    /// The receipts make another tree.
    WrongRoot,
    /// The receipts make other counts than the batch had.
    WrongEntries,
    /// All batches together make other counts for a slot than the cell has.
    WrongTally,
    /// The outcome is none.
    UnknownOutcome,
    /// The receipt is of another workload.
    OtherWorkload,
    /// The receipt says another epoch, or was observed outside of it.
    OutsideEpoch,
    /// The cell has no such slot, or none that counts in the epoch.
    UnknownSlot,
    /// The receipt is not behind the one before it.
    Disordered,
    /// The signature is not the reporter's.
    BadSignature,
    /// The same request in the same slot was counted before.
    Duplicate,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingFile => "missing file",
            Self::UnreadableFile => "unreadable file",
            Self::BrokenFile => "broken file",
            Self::WrongCount => "wrong number of receipts",
            Self::WrongRoot => "wrong root",
            Self::WrongEntries => "wrong counts in the batch",
            Self::WrongTally => "wrong counts of a slot",
            Self::UnknownOutcome => "unknown outcome",
            Self::OtherWorkload => "receipt of another workload",
            Self::OutsideEpoch => "receipt outside of its epoch",
            Self::UnknownSlot => "unknown slot",
            Self::Disordered => "receipts out of order",
            Self::BadSignature => "bad signature",
            Self::Duplicate => "duplicate",
        })
    }
}

/// A batch whose receipts are to be found.
#[derive(Clone, Copy, Debug)]
pub struct BatchFile<'a> {
    /// The network.
    pub network: Pubkey,
    /// The workload's account.
    pub workload: Pubkey,
    /// The epoch.
    pub epoch: u64,
    /// Number of the batch in its epoch.
    pub sequence: u64,
    /// What was applied.
    pub record: &'a BatchRecord,
}

impl BatchFile<'_> {
    /// Where its receipts are published, below the folder of all: `<network>/<epoch>/<workload>/<sequence>-<root>.receipts`,
    /// addresses in base 58, the root in hexadecimal.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        file(&self.network, self.epoch, &self.workload, self.sequence, &self.record.receipts_root)
    }
}

/// Where the receipts of a batch are published; see [`BatchFile::path`].
#[must_use]
pub fn file(network: &Pubkey, epoch: u64, workload: &Pubkey, sequence: u64, root: &Hash) -> PathBuf {
    let folder = PathBuf::from(network.to_string()).join(epoch.to_string()).join(workload.to_string());
    folder.join(format!("{sequence}-{}.receipts", hex::encode(root)))
}

/// How many batches there are to be checked: those of the epoch asked for that stand.
#[must_use]
pub fn expected(snapshot: &Snapshot, epoch: Option<u64>) -> usize {
    let logs = snapshot.workloads.values().filter_map(|state| logged(state, epoch));
    logs.map(|(_, _, records)| standing(records).count()).sum()
}

/// Holds the receipts of every standing batch that the logs show (of `epoch` only, if one is given) against what was applied.
///
/// `read` returns the bytes published for a batch, `None` if there are none; `step` is called after each batch.
pub fn check<E: fmt::Display>(
    snapshot: &Snapshot,
    epoch: Option<u64>,
    mut read: impl FnMut(&BatchFile<'_>) -> Result<Option<Vec<u8>>, E>,
    mut step: impl FnMut(),
) -> ReceiptsReport {
    let mut report = ReceiptsReport::default();
    for (id, state) in &snapshot.workloads {
        let Some((cell, epoch, records)) = logged(state, epoch) else { continue };
        let mut auditor = Auditor::new(snapshot, *id, state, epoch, &mut report);
        for (sequence, record) in standing(records) {
            let batch = BatchFile { network: snapshot.address, workload: state.address, epoch, sequence, record };
            auditor.read(&batch, read(&batch));
            step();
        }
        auditor.finish(state, cell);
    }
    report
}

/// The batches of the epoch asked for, if the log has it.
fn logged(state: &WorkloadState, epoch: Option<u64>) -> Option<(&Cell, u64, &[BatchRecord])> {
    let (log, records) = state.log.as_ref()?;
    let cell = state.cell.as_ref()?;
    asked(epoch, log.epoch).then_some((cell, log.epoch, records))
}

/// The batches that count, with their numbers.
fn standing(records: &[BatchRecord]) -> impl Iterator<Item = (u64, &BatchRecord)> {
    (0..).zip(records).filter(|(_, record)| record.flags & BATCH_REMOVED == 0)
}
