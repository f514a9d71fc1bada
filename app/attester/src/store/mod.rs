//! Receipts, batches and notes on disk: what the attester must not lose.
//!
//! A receipt's identity is (workload, epoch, slot, request id), and for each identity the store holds at most one receipt,
//! either waiting for a batch or in an applied one. Every change is one atomic write, on disk when the call returns; one
//! process writes, its writes one after the other.
//!
//! Two receipts of one identity come from two reporters of the same request, or from one that lies. As long as it waits, the
//! one with the smaller hash stays, so that all attesters end with the same one, whatever came first; an applied one stays for
//! good.

mod codec;
#[cfg(test)]
mod tests;
mod write;

use codec::Key;
use coverage_math::hash::Hash;
use coverage_math::receipt::Receipt;
use fjall::config::CompressionPolicy;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvPair, Readable, Snapshot};
use solana_program::pubkey::Pubkey;
use std::path::Path;
use std::sync::{Arc, Mutex};
use thiserror::Error;

/// Bytes of blocks kept in memory.
const CACHE_BYTES: u64 = 64 << 20;
/// Bytes of receipts kept in memory until they are written to a table. Every receipt is looked up among them, and batches leave
/// their marks there: in what does not fit the processor's cache both take several times as long.
const MEMTABLE_BYTES: u64 = 8 << 20;
/// Bytes of journals on disk, past which what is in memory is written to tables.
const JOURNAL_BYTES: u64 = 256 << 20;

/// Why the store did not do as asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("another process has the store open; stop it, or give this one a folder of its own")]
    Locked,
    /// The disk or the engine failed.
    #[error(
        "the store failed: {0}; see that its disk is sound and has room, then start again: what was acknowledged is on it"
    )]
    Engine(fjall::Error),
    /// A record does not decode.
    #[error("the store is damaged: {0}; start with an empty folder, and the other attesters' receipts will fill it")]
    Damaged(&'static str),
}

impl From<fjall::Error> for StoreError {
    fn from(error: fjall::Error) -> Self {
        if matches!(error, fjall::Error::Locked) { Self::Locked } else { Self::Engine(error) }
    }
}

/// What became of a receipt that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It waits for a batch.
    New,
    /// It waited already.
    Duplicate,
    /// It waits in place of another one of its identity.
    Replaced,
    /// It was dropped: another one of its identity waits or is applied.
    Kept,
    /// It is in an applied batch already.
    Applied,
}

/// Receipts of one cell's epoch that wait for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The workload.
    pub workload: Pubkey,
    /// The epoch.
    pub epoch: u64,
    /// How many wait, at least 1.
    pub receipts: u64,
    /// When the oldest of them came, in unix milliseconds; after a batch that left many, it may be earlier than that.
    pub oldest_ms: u64,
}

/// A receipt in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The receipt.
    pub receipt: Receipt,
    /// Sequence number of the applied batch that has it; `None` while it waits.
    pub sequence: Option<u64>,
}

/// A batch that the chain has applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedBatch {
    /// The workload.
    pub workload: Pubkey,
    /// The epoch.
    pub epoch: u64,
    /// Its number in the epoch.
    pub sequence: u64,
    /// Root of its receipts' tree.
    pub receipts_root: Hash,
    /// How many receipts.
    pub receipts: u32,
}

/// The store. Clones are handles of the same.
#[derive(Clone)]
pub struct Store {
    database: Database,
    /// Receipts that wait, by identity.
    waiting: Keyspace,
    /// Receipts of applied batches, by identity.
    applied: Keyspace,
    /// How many wait, by workload and epoch.
    counts: Keyspace,
    /// Applied batches by workload, epoch and sequence number.
    batches: Keyspace,
    /// Keys of [`Self::batches`] by receipts root.
    roots: Keyspace,
    notes: Keyspace,
    /// Held from the first read to the commit of a write.
    writer: Arc<Mutex<()>>,
}

impl Store {
    /// Opens the store in a folder, which is made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it open, [`StoreError::Engine`] if the disk fails.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let database = Database::builder(folder).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES).open()?;
        // Receipts are hashes and signatures: nothing to compress.
        let plain = || {
            let none = CompressionPolicy::all(CompressionType::None);
            KeyspaceCreateOptions::default().data_block_compression_policy(none).max_memtable_size(MEMTABLE_BYTES)
        };
        Ok(Self {
            waiting: database.keyspace("waiting", plain)?,
            applied: database.keyspace("applied", plain)?,
            counts: database.keyspace("counts", KeyspaceCreateOptions::default)?,
            batches: database.keyspace("batches", KeyspaceCreateOptions::default)?,
            roots: database.keyspace("roots", KeyspaceCreateOptions::default)?,
            notes: database.keyspace("notes", KeyspaceCreateOptions::default)?,
            database,
            writer: Arc::default(),
        })
    }

    /// What waits, by workload and epoch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let decode = |(key, value): KvPair| codec::waiting(&key, &value);
        self.counts.iter().map(|record| decode(record.into_inner()?)).collect()
    }

    /// Up to `limit` receipts that wait for a batch, sorted by (slot, outcome, request id).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pending(&self, workload: &Pubkey, epoch: u64, limit: usize) -> Result<Vec<Receipt>, StoreError> {
        let decode = |(key, value): KvPair| Ok(codec::receipt(&key, &value)?.0);
        let waiting = self.waiting.prefix(codec::scope(workload, epoch)).take(limit);
        let mut receipts =
            waiting.map(|record| decode(record.into_inner()?)).collect::<Result<Vec<_>, StoreError>>()?;
        coverage_client::batch::sort(&mut receipts);
        Ok(receipts)
    }

    /// Receipts by slot and request id, `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn get(
        &self,
        workload: &Pubkey,
        epoch: u64,
        keys: &[(u16, [u8; 32])],
    ) -> Result<Vec<Option<Stored>>, StoreError> {
        let scope = codec::scope(workload, epoch);
        // One moment for all: between two reads a receipt could move behind the reader's back.
        let moment = self.database.snapshot();
        let stored = |(slot, request_id): &(u16, [u8; 32])| self.find(&moment, &codec::key(&scope, *slot, request_id));
        keys.iter().map(stored).collect()
    }

    /// The applied batches of a cell's epoch, by sequence number.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batches(&self, workload: &Pubkey, epoch: u64) -> Result<Vec<AppliedBatch>, StoreError> {
        let decode = |(key, value): KvPair| codec::batch(&key, &value);
        self.batches.prefix(codec::scope(workload, epoch)).map(|record| decode(record.into_inner()?)).collect()
    }

    /// Every applied batch, by workload, epoch and sequence number.
    ///
    /// # Errors
    /// [`StoreError`], for one batch.
    pub fn all_batches(&self) -> impl Iterator<Item = Result<AppliedBatch, StoreError>> {
        let decode = |(key, value): KvPair| codec::batch(&key, &value);
        self.batches.iter().map(move |record| decode(record.into_inner()?))
    }

    /// The applied batch with a receipts root. If it was applied, taken back and applied again, the last time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn batch(&self, root: &Hash) -> Result<Option<AppliedBatch>, StoreError> {
        let Some(key) = self.roots.get(root)? else { return Ok(None) };
        self.batch_at(&key)
    }

    /// The record of a name, if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.notes.get(name)?.map(|value| value.to_vec()))
    }

    fn batch_at(&self, key: &[u8]) -> Result<Option<AppliedBatch>, StoreError> {
        self.batches.get(key)?.map(|value| codec::batch(key, &value)).transpose()
    }

    fn find(&self, moment: &Snapshot, key: &Key) -> Result<Option<Stored>, StoreError> {
        if let Some(value) = moment.get(&self.waiting, key)? {
            return Ok(Some(Stored { receipt: codec::receipt(key, &value)?.0, sequence: None }));
        }
        let Some(value) = moment.get(&self.applied, key)? else { return Ok(None) };
        let (receipt, sequence) = codec::receipt(key, &value)?;
        Ok(Some(Stored { receipt, sequence: Some(sequence) }))
    }
}
