//! Receipts of the batches this attester has signed and the chain has not decided about yet.
//!
//! A batch is on disk here, whole, before its signature leaves. The store alone would not do: a receipt that waits gives way to
//! another of its identity, and if every attester's did while a batch is on its way, nobody could publish what was applied.

use coverage_math::hash::Hash;
use coverage_math::receipt::{RECEIPT_BYTES, Receipt};
use solana_program::pubkey::Pubkey;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Which batch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagedBatch {
    /// The workload.
    pub workload: Pubkey,
    /// The epoch.
    pub epoch: u64,
    /// Number of the batch in its epoch.
    pub sequence: u64,
    /// Root of its receipts' tree.
    pub receipts_root: Hash,
}

/// A folder with a file for each.
#[derive(Clone, Debug)]
pub struct Staged {
    folder: PathBuf,
}

impl Staged {
    /// Opens the folder, which is made if there is none.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Keeps the receipts of a batch; on disk when it returns.
    ///
    /// # Errors
    /// What the file system says.
    pub fn keep(&self, batch: &StagedBatch, receipts: &[Receipt]) -> io::Result<()> {
        let path = self.folder.join(name(batch));
        if path.exists() {
            return Ok(()); // the root says what is in it
        }
        let bytes = encode(receipts)?;
        let half = path.with_extension("half");
        let mut file = File::create(&half)?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        fs::rename(half, path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// The receipts of a batch, `None` if it is not here.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read(&self, batch: &StagedBatch) -> io::Result<Option<Vec<Receipt>>> {
        match fs::read(self.folder.join(name(batch))) {
            Ok(bytes) => Ok(decode(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Drops every batch of which `decided` says that the chain has decided about it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn sweep(&self, decided: impl Fn(&StagedBatch) -> bool) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let batch = entry.file_name().to_str().and_then(parse);
            if batch.is_some_and(|batch| decided(&batch)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Receipts one after the other.
///
/// # Errors
/// Never: the error is that of the writer.
pub fn encode(receipts: &[Receipt]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(receipts.len().saturating_mul(RECEIPT_BYTES));
    receipts.iter().try_for_each(|receipt| borsh::to_writer(&mut bytes, receipt))?;
    Ok(bytes)
}

/// Receipts that stand one after the other; `None` if these are no whole receipts.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Vec<Receipt>> {
    let records = bytes.chunks_exact(RECEIPT_BYTES);
    if !records.remainder().is_empty() {
        return None;
    }
    records.map(|record| borsh::from_slice(record).ok()).collect()
}

fn name(batch: &StagedBatch) -> String {
    format!("{}-{}-{}-{}.receipts", batch.workload, batch.epoch, batch.sequence, hex::encode(batch.receipts_root))
}

fn parse(name: &str) -> Option<StagedBatch> {
    let mut fields = name.strip_suffix(".receipts")?.split('-');
    let mut next = || fields.next();
    let (workload, epoch, sequence, root) = (next()?, next()?, next()?, next()?);
    let mut receipts_root = [0; 32];
    hex::decode_to_slice(root, &mut receipts_root).ok()?;
    let (workload, epoch, sequence) = (workload.parse().ok()?, epoch.parse().ok()?, sequence.parse().ok()?);
    Some(StagedBatch { workload, epoch, sequence, receipts_root })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_signed_is_kept_until_it_is_decided() {
        let folder = tempfile::tempdir().unwrap();
        let staged = Staged::open(folder.path()).unwrap();
        let batch = |sequence| StagedBatch {
            workload: Pubkey::new_from_array([1; 32]),
            epoch: 2,
            sequence,
            receipts_root: [4; 32],
        };
        let mut receipt = borsh::from_slice::<Receipt>(&[0; RECEIPT_BYTES]).unwrap();
        receipt.attempt.slot = 9;
        for sequence in 0..3 {
            staged.keep(&batch(sequence), &[receipt, receipt]).unwrap();
            assert_eq!(staged.read(&batch(sequence)).unwrap().unwrap(), [receipt, receipt]);
        }
        fs::write(folder.path().join("something else"), b"stays").unwrap();
        staged.sweep(|batch| batch.sequence < 2).unwrap();
        assert_eq!(staged.read(&batch(1)).unwrap(), None);
        assert_eq!(Staged::open(folder.path()).unwrap().read(&batch(2)).unwrap().unwrap().len(), 2);
        assert!(folder.path().join("something else").exists());
        assert_eq!(decode(&[0; RECEIPT_BYTES + 1]), None);
    }
}
