//! What waits, in memory.

use super::codec::{Scope, ScopeId};
use roaring::RoaringTreemap;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The receipts of one cell's epoch that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The scope's number.
    pub id: ScopeId,
    /// Number of the next receipt.
    pub next: u64,
    /// Numbers of those that wait. All others before `next` are in applied batches.
    pub waiting: RoaringTreemap,
}

/// What a write does to a queue.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The scope's number.
    pub id: ScopeId,
    /// Number of the next receipt afterwards.
    pub next: u64,
    /// Numbers of those that wait from now on.
    pub joining: RoaringTreemap,
    /// Numbers of those that do not any more.
    pub leaving: RoaringTreemap,
}

/// The queues of all cells' epochs that have receipts.
#[derive(Debug, Default)]
pub(super) struct Queues {
    pub queues: BTreeMap<Scope, Queue>,
    /// Number of the next scope.
    pub next: u32,
}

impl Queues {
    /// Number, length and first of every queue that is not empty.
    pub fn waiting(&self) -> Vec<(Scope, ScopeId, u64, u64)> {
        let waiting = |(scope, queue): (&Scope, &Queue)| {
            let oldest = queue.waiting.min()?;
            Some((*scope, queue.id, queue.waiting.len(), oldest))
        };
        self.queues.iter().filter_map(waiting).collect()
    }

    /// The scope's number.
    pub fn id(&self, scope: &Scope) -> Option<ScopeId> {
        Some(self.queues.get(scope)?.id)
    }

    /// Whether a receipt waits.
    pub fn waits(&self, scope: &Scope, number: u64) -> bool {
        self.queues.get(scope).is_some_and(|queue| queue.waiting.contains(number))
    }

    /// The scope's number, and the first `limit` numbers that wait, as runs of successive ones.
    pub fn runs(&self, scope: &Scope, limit: usize) -> Option<(ScopeId, Vec<RangeInclusive<u64>>)> {
        let queue = self.queues.get(scope)?;
        let mut runs: Vec<RangeInclusive<u64>> = Vec::new();
        for number in queue.waiting.iter().take(limit) {
            match runs.last_mut() {
                Some(run) if run.end().checked_add(1) == Some(number) => *run = *run.start()..=number,
                _ => runs.push(number..=number),
            }
        }
        Some((queue.id, runs))
    }

    /// Does what a write that is on disk says.
    pub fn change(&mut self, scope: Scope, change: Change) {
        self.next = self.next.max(u32::from_be_bytes(change.id).saturating_add(1));
        let queue = self.queues.entry(scope).or_insert(Queue { id: change.id, ..Queue::default() });
        queue.next = change.next;
        queue.waiting |= change.joining;
        queue.waiting -= change.leaving;
    }
}
