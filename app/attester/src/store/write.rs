//! What changes the store.

use super::codec::{self, Identity, Scope, ScopeId};
use super::queues::{Change, Queue, Queues};
use super::{AppliedBatch, Inserted, Store, StoreError};
use coverage_client::evidence;
use coverage_math::hash::{Hash, Sha256, Software};
use coverage_math::receipt::Receipt;
use fjall::{OwnedWriteBatch, PersistMode};
use roaring::RoaringTreemap;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Records removed in one write where the removal need not be atomic.
const REMOVALS_A_WRITE: usize = 10_000;

/// One atomic change.
struct Write<'a> {
    store: &'a Store,
    batch: OwnedWriteBatch,
    /// What becomes of the queues.
    changes: BTreeMap<Scope, Change>,
    /// Queues that are no more.
    gone: Vec<Scope>,
    /// What a change was decided by must hold until it is made.
    _alone: MutexGuard<'a, ()>,
}

/// The receipt of an identity.
#[derive(Clone, Copy)]
struct Present {
    number: u64,
    hash: Hash,
    waits: bool,
}

impl Store {
    /// Stores receipts, which the caller has verified; says of each what became of it.
    ///
    /// # Errors
    /// [`StoreError`]; none of them is stored then.
    pub fn insert(&self, receipts: &[Receipt]) -> Result<Vec<Inserted>, StoreError> {
        let mut outcomes = vec![Inserted::New; receipts.len()];
        let mut write = Write::begin(self);
        let now = unix_ms();
        let mut last = None;
        for (scope, identity, place) in sorted(receipts) {
            let (Some(receipt), Some(outcome)) = (receipts.get(place), outcomes.get_mut(place)) else { continue };
            let hash = hash(receipt);
            let present = match last {
                Some((of, present)) if of == (scope, identity) => Some(present),
                _ => write.find(&scope, &identity)?,
            };
            *outcome = compare(&hash, present.as_ref());
            let number = match outcome {
                Inserted::New => write.join(&scope)?,
                Inserted::Replaced => present.map_or(0, |present| present.number),
                Inserted::Duplicate | Inserted::Kept | Inserted::Applied => continue,
            };
            write.put(&scope, &identity, number, &hash, receipt, now)?;
            last = Some(((scope, identity), Present { number, hash, waits: true }));
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
        let of = codec::scope(&batch.workload, batch.epoch);
        let record = codec::batch_key(&of, batch.sequence);
        match self.batch_at(&record)? {
            Some(recorded) if recorded.receipts_root == batch.receipts_root => return Ok(()),
            // It was applied in a fork that lost.
            Some(_) => self.remove(&batch.workload, batch.epoch, batch.sequence)?,
            None => {}
        }
        let mut write = Write::begin(self);
        let now = unix_ms();
        let mut members = RoaringTreemap::new();
        let mut last = None;
        for (scope, identity, place) in sorted(receipts) {
            let Some(receipt) = receipts.get(place) else { continue };
            if last.replace(identity) == Some(identity) || scope != of {
                continue;
            }
            let hash = hash(receipt);
            let number = match write.find(&scope, &identity)? {
                Some(present) if !present.waits => continue,
                Some(present) if present.hash == hash => present.number,
                Some(present) => {
                    write.put(&scope, &identity, present.number, &hash, receipt, now)?;
                    present.number
                }
                None => {
                    let number = write.join(&scope)?;
                    write.put(&scope, &identity, number, &hash, receipt, now)?;
                    number
                }
            };
            members.insert(number);
        }
        write.batch.insert(&self.members, record, codec::members_value(&members)?);
        write.change(&of)?.leaving = members;
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
        if let Some(members) = self.members.get(record)? {
            write.change(&scope)?.joining = codec::members(&members)?;
            write.batch.remove(&self.members, record);
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
        let mut write = Write::begin(self);
        for record in self.scopes.range(codec::scope(workload, 0)..codec::scope(workload, epoch)) {
            let (scope, id) = record.into_inner()?;
            for record in self.members.prefix(&*scope) {
                write.batch.remove(&self.members, record.key()?);
            }
            write.gone.push(codec::scope_key(&scope)?);
            write.batch.insert(&self.dropped, id, []);
            write.batch.remove(&self.scopes, scope);
        }
        write.commit()?;
        // Nothing leads to them any more.
        for record in self.dropped.iter() {
            let id = record.key()?;
            for keyspace in [&self.identities, &self.receipts] {
                let mut keys = keyspace.prefix(&id).map(fjall::Guard::key).peekable();
                while keys.peek().is_some() {
                    let mut batch = self.database.batch();
                    for key in keys.by_ref().take(REMOVALS_A_WRITE) {
                        batch.remove(keyspace, key?);
                    }
                    batch.commit()?;
                }
            }
            self.dropped.remove(id)?;
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

    /// The queues as the disk has them.
    pub(super) fn read_queues(&self) -> Result<Queues, StoreError> {
        let mut queues = Queues::default();
        for record in self.scopes.iter() {
            let (scope, id) = record.into_inner()?;
            let (scope, id) = (codec::scope_key(&scope)?, codec::scope_id(&id)?);
            let last = self.receipts.prefix(id).next_back().map(fjall::Guard::key).transpose()?;
            let next = last.map_or(Ok(0), |key| codec::number(&key).map(|number| number.saturating_add(1)))?;
            let mut waiting = RoaringTreemap::new();
            waiting.insert_range(0..next);
            for (_, members) in self.members_of(&scope)? {
                waiting -= members;
            }
            queues.next = queues.next.max(u32::from_be_bytes(id).saturating_add(1));
            queues.queues.insert(scope, Queue { id, next, waiting });
        }
        for record in self.dropped.iter() {
            let id = codec::scope_id(&record.key()?)?;
            queues.next = queues.next.max(u32::from_be_bytes(id).saturating_add(1));
        }
        Ok(queues)
    }
}

impl<'a> Write<'a> {
    fn begin(store: &'a Store) -> Self {
        let alone = store.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = store.database.batch().durability(Some(PersistMode::SyncData));
        Self { store, batch, changes: BTreeMap::new(), gone: Vec::new(), _alone: alone }
    }

    /// What becomes of a scope's queue; a scope that had none gets a number.
    fn change(&mut self, scope: &Scope) -> Result<&mut Change, StoreError> {
        let others = self.changes.len();
        match self.changes.entry(*scope) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let queues = self.store.queues();
                let change = if let Some(queue) = queues.queues.get(scope) {
                    Change { id: queue.id, next: queue.next, ..Change::default() }
                } else {
                    let full = StoreError::Damaged("there are no numbers left for epochs");
                    let others = u32::try_from(others).unwrap_or(u32::MAX);
                    let id: ScopeId = queues.next.checked_add(others).ok_or(full)?.to_be_bytes();
                    self.batch.insert(&self.store.scopes, scope, id);
                    Change { id, ..Change::default() }
                };
                Ok(entry.insert(change))
            }
        }
    }

    /// The receipt of an identity as the write found it, if there is one.
    fn find(&self, scope: &Scope, identity: &Identity) -> Result<Option<Present>, StoreError> {
        let Some(id) = self.store.queues().id(scope) else { return Ok(None) };
        let Some(value) = self.store.identities.get(codec::identity_key(id, identity))? else { return Ok(None) };
        let (number, hash) = codec::place(&value)?;
        Ok(Some(Present { number, hash, waits: self.store.queues().waits(scope, number) }))
    }

    /// The number of a new receipt, which waits.
    fn join(&mut self, scope: &Scope) -> Result<u64, StoreError> {
        let change = self.change(scope)?;
        let number = change.next;
        change.next = number.saturating_add(1);
        change.joining.insert(number);
        Ok(number)
    }

    /// Writes a receipt under its number.
    fn put(
        &mut self,
        scope: &Scope,
        identity: &Identity,
        number: u64,
        hash: &Hash,
        receipt: &Receipt,
        since_ms: u64,
    ) -> Result<(), StoreError> {
        let id = self.change(scope)?.id;
        let store = self.store;
        self.batch.insert(&store.identities, codec::identity_key(id, identity), codec::place_value(number, hash));
        self.batch.insert(&store.receipts, codec::receipt_key(id, number), codec::receipt_value(receipt, since_ms));
        Ok(())
    }

    fn commit(self) -> Result<(), StoreError> {
        self.batch.commit()?;
        let mut queues = self.store.queues.write().unwrap_or_else(PoisonError::into_inner);
        for (scope, change) in self.changes {
            queues.change(scope, change);
        }
        for scope in self.gone {
            queues.queues.remove(&scope);
        }
        Ok(())
    }
}

/// Receipts by scope, identity and place. In this order equal ones meet, and neighbours are looked up and written near each
/// other.
fn sorted(receipts: &[Receipt]) -> Vec<(Scope, Identity, usize)> {
    let keyed = |(place, receipt)| (codec::scope_of(receipt), codec::identity_of(receipt), place);
    let mut order: Vec<_> = receipts.iter().enumerate().map(keyed).collect();
    order.sort_unstable();
    order
}

/// What is to become of a receipt with this hash where `present` is.
fn compare(hash: &Hash, present: Option<&Present>) -> Inserted {
    match present {
        None => Inserted::New,
        Some(present) if present.hash == *hash => {
            if present.waits {
                Inserted::Duplicate
            } else {
                Inserted::Applied
            }
        }
        // Their order is that of nothing a reporter cares for, and the same for everybody.
        Some(present) if present.waits && *hash < present.hash => Inserted::Replaced,
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
