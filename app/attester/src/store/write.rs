//! What changes the store.

use super::codec::{self, Key, Scope};
use super::{AppliedBatch, Inserted, Store, StoreError, Stored, Waiting};
use coverage_client::evidence;
use coverage_math::hash::{Hash, Sha256, Software};
use coverage_math::receipt::Receipt;
use fjall::{OwnedWriteBatch, PersistMode, Readable, Snapshot};
use solana_program::pubkey::Pubkey;
use std::collections::{HashMap, HashSet};
use std::sync::{MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Records removed in one write where the removal need not be atomic.
const REMOVALS_A_WRITE: usize = 10_000;
/// Where more receipts wait, nobody reads through them for the oldest, and the next batch may be due a little early.
const AGES_LOOKED_AT: u64 = 4_096;

/// One atomic change.
struct Write<'a> {
    store: &'a Store,
    /// The store as the change found it.
    before: Snapshot,
    batch: OwnedWriteBatch,
    /// What waits in each scope afterwards, where that changes.
    counts: HashMap<Scope, Waiting>,
    /// What a change was decided by must hold until it is made.
    _alone: MutexGuard<'a, ()>,
}

impl Store {
    /// Stores receipts, which the caller has verified; says of each what became of it.
    ///
    /// # Errors
    /// [`StoreError`]; none of them is stored then.
    pub fn insert(&self, receipts: &[Receipt]) -> Result<Vec<Inserted>, StoreError> {
        // In the order of their keys: equal ones meet, and neighbours are looked up and written near each other.
        let mut order: Vec<(Key, usize)> = receipts.iter().map(codec::key_of).zip(0..).collect();
        order.sort_unstable();
        let mut outcomes = vec![Inserted::New; receipts.len()];
        let mut write = Write::begin(self);
        let mut last: Option<(Key, Receipt)> = None;
        let now = unix_ms();
        for (key, place) in order {
            let (Some(receipt), Some(outcome)) = (receipts.get(place), outcomes.get_mut(place)) else { continue };
            let present = match last {
                Some((of, receipt)) if of == key => Some(Stored { receipt, sequence: None }),
                _ => self.find(&write.before, &key)?,
            };
            *outcome = compare(receipt, present.as_ref());
            match outcome {
                Inserted::New => write.wait(key, receipt, now)?,
                Inserted::Replaced => write.batch.insert(&self.waiting, key, codec::value(receipt, now)),
                Inserted::Duplicate | Inserted::Kept | Inserted::Applied => continue,
            }
            last = Some((key, *receipt));
        }
        write.commit()?;
        Ok(outcomes)
    }

    /// Records a batch that the chain has applied. Its receipts, which the caller has verified, leave the waiting ones or are
    /// stored; where another one of an identity waits, the batch's takes its place, and one that an earlier batch has stays
    /// there. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed then.
    pub fn apply(&self, batch: &AppliedBatch, receipts: &[Receipt]) -> Result<(), StoreError> {
        let record = codec::batch_key(&codec::scope(&batch.workload, batch.epoch), batch.sequence);
        if self.batch_at(&record)?.is_some_and(|other| other.receipts_root != batch.receipts_root) {
            // It was applied in a fork that lost.
            self.remove(&batch.workload, batch.epoch, batch.sequence)?;
        }
        let mut write = Write::begin(self);
        let mut leaving = HashSet::new();
        for receipt in receipts {
            let key = codec::key_of(receipt);
            let present = self.find(&write.before, &key)?;
            if present.is_some_and(|stored| stored.sequence.is_some()) {
                continue;
            }
            if present.is_some() && leaving.insert(key) {
                write.batch.remove(&self.waiting, key);
                let count = write.count(receipt)?;
                count.receipts = count.receipts.saturating_sub(1);
            }
            write.batch.insert(&self.applied, key, codec::value(receipt, batch.sequence));
        }
        write.look_for_oldest(&leaving)?;
        write.batch.insert(&self.batches, record, codec::batch_value(batch));
        write.batch.insert(&self.roots, batch.receipts_root, record);
        write.commit()
    }

    /// Takes back a batch that was proven false: its receipts wait again. Doing it again changes nothing.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has changed then.
    pub fn remove(&self, workload: &Pubkey, epoch: u64, sequence: u64) -> Result<(), StoreError> {
        let scope = codec::scope(workload, epoch);
        let record = codec::batch_key(&scope, sequence);
        let mut write = Write::begin(self);
        let Some(batch) = self.batch_at(&record)? else { return Ok(()) };
        let now = unix_ms();
        for entry in write.before.clone().prefix(&self.applied, scope) {
            let (key, value) = entry.into_inner()?;
            let (receipt, of) = codec::receipt(&key, &value)?;
            if of == sequence {
                write.batch.remove(&self.applied, key);
                write.wait(codec::key_of(&receipt), &receipt, now)?;
            }
        }
        write.batch.remove(&self.batches, record);
        if self.roots.get(batch.receipts_root)?.is_some_and(|key| *key == record) {
            write.batch.remove(&self.roots, batch.receipts_root);
        }
        write.commit()
    }

    /// Drops the receipts of a workload's epochs before `epoch`; the records of its batches stay. Doing it again changes
    /// nothing; what a crash leaves goes next time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn prune(&self, workload: &Pubkey, epoch: u64) -> Result<(), StoreError> {
        let range = || codec::scope(workload, 0)..codec::scope(workload, epoch);
        for keyspace in [&self.counts, &self.waiting, &self.applied] {
            loop {
                let mut write = Write::begin(self);
                let keys = write.before.range(keyspace, range()).take(REMOVALS_A_WRITE);
                let keys = keys.map(fjall::Guard::key).collect::<Result<Vec<_>, _>>()?;
                if keys.is_empty() {
                    break;
                }
                keys.into_iter().for_each(|key| write.batch.remove(keyspace, key));
                write.commit()?;
            }
        }
        Ok(())
    }

    /// Records `value` under a name, in place of what it had.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_note(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut write = Write::begin(self);
        write.batch.insert(&self.notes, name, value);
        write.commit()
    }

    /// Drops the record of a name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn drop_note(&self, name: &str) -> Result<(), StoreError> {
        let mut write = Write::begin(self);
        write.batch.remove(&self.notes, name);
        write.commit()
    }
}

impl<'a> Write<'a> {
    fn begin(store: &'a Store) -> Self {
        let alone = store.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = store.database.batch().durability(Some(PersistMode::SyncData));
        Self { store, before: store.database.snapshot(), batch, counts: HashMap::new(), _alone: alone }
    }

    /// What waits where the receipt belongs.
    fn count(&mut self, receipt: &Receipt) -> Result<&mut Waiting, StoreError> {
        let (workload, epoch) = (Pubkey::new_from_array(receipt.attempt.workload), receipt.attempt.epoch);
        let scope = codec::scope(&workload, epoch);
        if !self.counts.contains_key(&scope) {
            let none = Waiting { workload, epoch, receipts: 0, oldest_ms: u64::MAX };
            let value = self.store.counts.get(scope)?;
            self.counts.insert(scope, value.map_or(Ok(none), |value| codec::waiting(&scope, &value))?);
        }
        self.counts.get_mut(&scope).ok_or(StoreError::Damaged("a count is missing"))
    }

    /// A receipt waits that did not.
    fn wait(&mut self, key: Key, receipt: &Receipt, since_ms: u64) -> Result<(), StoreError> {
        let count = self.count(receipt)?;
        count.receipts = count.receipts.saturating_add(1);
        count.oldest_ms = count.oldest_ms.min(since_ms);
        self.batch.insert(&self.store.waiting, key, codec::value(receipt, since_ms));
        Ok(())
    }

    /// Corrects when the oldest came, now that the receipts at `leaving` do not wait any more.
    fn look_for_oldest(&mut self, leaving: &HashSet<Key>) -> Result<(), StoreError> {
        for (scope, count) in &mut self.counts {
            if count.receipts == 0 || count.receipts > AGES_LOOKED_AT {
                continue;
            }
            let mut oldest = u64::MAX;
            for entry in self.before.prefix(&self.store.waiting, scope) {
                let (key, value) = entry.into_inner()?;
                if !leaving.contains(&*key) {
                    oldest = oldest.min(codec::number(&value)?);
                }
            }
            count.oldest_ms = oldest;
        }
        Ok(())
    }

    fn commit(mut self) -> Result<(), StoreError> {
        for (scope, count) in self.counts {
            if count.receipts == 0 {
                self.batch.remove(&self.store.counts, scope);
            } else {
                self.batch.insert(&self.store.counts, scope, codec::count_value(&count));
            }
        }
        Ok(self.batch.commit()?)
    }
}

/// What is to become of a receipt where `present` is.
fn compare(receipt: &Receipt, present: Option<&Stored>) -> Inserted {
    match present {
        None => Inserted::New,
        Some(stored) if stored.receipt == *receipt => match stored.sequence {
            Some(_) => Inserted::Applied,
            None => Inserted::Duplicate,
        },
        // Their order is that of nothing a reporter cares for, and the same for everybody.
        Some(stored) if stored.sequence.is_none() && hash(receipt) < hash(&stored.receipt) => Inserted::Replaced,
        Some(_) => Inserted::Kept,
    }
}

fn hash(receipt: &Receipt) -> Hash {
    Software::hash(&[&evidence::payload(receipt)])
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
