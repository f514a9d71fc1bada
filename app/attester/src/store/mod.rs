//! Receipts, batches and notes on disk: what the attester must not lose.
//!
//! A receipt's identity is (workload, epoch, slot, request id), and for each identity the store holds at most one receipt,
//! either waiting for a batch or in an applied one. Every change is one atomic write, on disk when the call returns; one
//! process writes, its writes one after the other.
//!
//! Receipts of a cell's epoch are numbered as they come and written once, under that number; a record of its identity leads to
//! it. That a receipt is in an applied batch is not written to it: the batch has a set of numbers. What waits is what no batch
//! has, kept in memory as another set, a few bits for each receipt at most, and made from the others at the start.
//!
//! Two receipts of one identity come from two reporters of the same request, or from one that lies. As long as it waits, the
//! one with the smaller hash stays, so that all attesters end with the same one, whatever came first; an applied one stays for
//! good.

mod codec;
mod queues;
#[cfg(test)]
mod tests;
mod write;

use codec::{Scope, ScopeId};
use coverage_math::hash::Hash;
use coverage_math::receipt::Receipt;
use fjall::config::CompressionPolicy;
use fjall::{CompressionType, Database, Keyspace, KeyspaceCreateOptions, KvPair};
use queues::Queues;
use roaring::RoaringTreemap;
use solana_program::pubkey::Pubkey;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
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
    /// When the oldest of them came, in unix milliseconds.
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
    /// Numbers of cells' epochs, by workload and epoch.
    scopes: Keyspace,
    /// Receipts by cell's epoch and number.
    receipts: Keyspace,
    /// Numbers and hashes of receipts, by cell's epoch and identity.
    identities: Keyspace,
    /// Applied batches by workload, epoch and sequence number.
    batches: Keyspace,
    /// Numbers of the receipts of applied batches, by the same.
    members: Keyspace,
    /// Keys of [`Self::batches`] by receipts root.
    roots: Keyspace,
    /// Numbers of cells' epochs whose receipts are being dropped.
    dropped: Keyspace,
    notes: Keyspace,
    /// What waits. Changed by who has [`Self::writer`], once what it says is on disk.
    queues: Arc<RwLock<Queues>>,
    /// Held from the first read to the commit of a write.
    writer: Arc<Mutex<()>>,
}

impl Store {
    /// Opens the store in a folder, which is made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process has it open, [`StoreError::Engine`] if the disk fails,
    /// [`StoreError::Damaged`] if it holds something else.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let database = Database::builder(folder).cache_size(CACHE_BYTES).max_journaling_size(JOURNAL_BYTES).open()?;
        // Receipts are hashes and signatures: nothing to compress.
        let plain = || {
            let none = CompressionPolicy::all(CompressionType::None);
            KeyspaceCreateOptions::default().data_block_compression_policy(none).max_memtable_size(MEMTABLE_BYTES)
        };
        let mut store = Self {
            scopes: database.keyspace("scopes", KeyspaceCreateOptions::default)?,
            receipts: database.keyspace("receipts", plain)?,
            identities: database.keyspace("identities", plain)?,
            batches: database.keyspace("batches", KeyspaceCreateOptions::default)?,
            members: database.keyspace("members", KeyspaceCreateOptions::default)?,
            roots: database.keyspace("roots", KeyspaceCreateOptions::default)?,
            dropped: database.keyspace("dropped", KeyspaceCreateOptions::default)?,
            notes: database.keyspace("notes", KeyspaceCreateOptions::default)?,
            database,
            queues: Arc::default(),
            writer: Arc::default(),
        };
        store.queues = Arc::new(RwLock::new(store.read_queues()?));
        Ok(store)
    }

    /// What waits, by workload and epoch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let oldest = |(scope, id, receipts, oldest): (Scope, ScopeId, u64, u64)| {
            let (workload, epoch) = codec::scoped(&scope)?;
            let value = self.receipts.get(codec::receipt_key(id, oldest))?;
            // It may have been dropped since, together with all others there.
            value
                .map(|value| Ok(Waiting { workload, epoch, receipts, oldest_ms: codec::since_ms(&value)? }))
                .transpose()
        };
        let waiting = self.queues().waiting();
        waiting.into_iter().filter_map(|of| oldest(of).transpose()).collect()
    }

    /// The `limit` receipts that have waited longest for a batch, or all if fewer do, sorted by (slot, outcome, request id).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn pending(&self, workload: &Pubkey, epoch: u64, limit: usize) -> Result<Vec<Receipt>, StoreError> {
        let Some((id, runs)) = self.queues().runs(&codec::scope(workload, epoch), limit) else {
            return Ok(Vec::new());
        };
        let mut receipts = Vec::new();
        for run in runs {
            let keys = codec::receipt_key(id, *run.start())..=codec::receipt_key(id, *run.end());
            for record in self.receipts.range(keys) {
                receipts.push(codec::receipt(workload, epoch, &record.value()?)?);
            }
        }
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
        let Some(id) = self.queues().id(&scope) else { return Ok(vec![None; keys.len()]) };
        let mut batches = None;
        let mut stored = |(slot, request_id): &(u16, [u8; 32])| {
            let place = self.identities.get(codec::identity_key(id, &codec::identity(*slot, request_id)))?;
            let Some((number, _)) = place.map(|value| codec::place(&value)).transpose()? else { return Ok(None) };
            let Some(value) = self.receipts.get(codec::receipt_key(id, number))? else { return Ok(None) };
            let receipt = codec::receipt(workload, epoch, &value)?;
            if self.queues().waits(&scope, number) {
                return Ok(Some(Stored { receipt, sequence: None }));
            }
            // Few ask for what is applied, so only they read which batch has it.
            let batches = match &mut batches {
                Some(batches) => batches,
                none => none.insert(self.members_of(&scope)?),
            };
            let of = batches.iter().find(|(_, members)| members.contains(number));
            Ok(Some(Stored { receipt, sequence: of.map(|(sequence, _)| *sequence) }))
        };
        keys.iter().map(&mut stored).collect()
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

    /// The receipts of each applied batch of a cell's epoch, by sequence number.
    fn members_of(&self, scope: &Scope) -> Result<Vec<(u64, RoaringTreemap)>, StoreError> {
        let decode = |(key, value): KvPair| Ok((codec::sequence(&key)?, codec::members(&value)?));
        self.members.prefix(scope).map(|record| decode(record.into_inner()?)).collect()
    }

    fn queues(&self) -> RwLockReadGuard<'_, Queues> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner)
    }
}
