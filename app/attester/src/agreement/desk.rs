//! What an attester remembers about one cell's next batch while it is being agreed on.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most batches of one sequence number that are signed for one proposer. An honest one needs another when receipts
/// conflict; each is on disk until the chain decides, so a dishonest one must not get them without end.
const MOST_SIGNED: u32 = 16;

/// One cell's.
#[derive(Default)]
pub(super) struct Desk {
    /// One at a time brings the store up to the log.
    pub catching_up: tokio::sync::Mutex<()>,
    /// One at a time proposes, or carries what was agreed on chain.
    pub carrying: tokio::sync::Mutex<()>,
    next: Mutex<Next>,
    /// When the others were last asked what waits with them.
    pulled: Mutex<Option<Instant>>,
}

/// About the batch of one sequence number.
#[derive(Default)]
struct Next {
    /// Epoch and sequence number.
    number: (u64, u64),
    /// Batches signed, by proposer.
    signed: HashMap<[u8; 32], u32>,
    /// Proposers that have had the others wait for them.
    waited_for: HashSet<[u8; 32]>,
    until: Option<Instant>,
}

impl Desk {
    /// Notes that a batch is about to be signed for `proposer`; false if it has had too many. With `hold`, what was signed is
    /// given that long to come on chain before others propose, but each proposer only once for a number: two that never submit
    /// must not be able to take turns in keeping everybody waiting.
    pub fn sign(&self, number: (u64, u64), proposer: &[u8; 32], hold: Option<Duration>) -> bool {
        let mut next = self.next(number);
        let signed = next.signed.entry(*proposer).or_default();
        if *signed >= MOST_SIGNED {
            return false;
        }
        *signed = signed.saturating_add(1);
        if let Some(hold) = hold.filter(|_| next.waited_for.insert(*proposer)) {
            next.until = Instant::now().checked_add(hold).max(next.until);
        }
        true
    }

    /// Whether the others are to be asked now what waits with them: not within `pause` of the last time.
    pub fn pulls(&self, pause: Duration) -> bool {
        let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
        let due = pulled.is_none_or(|at| at.elapsed() >= pause);
        if due {
            *pulled = Some(Instant::now());
        }
        due
    }

    /// Whether another's batch of this number is likely on its way.
    pub fn is_held(&self, number: (u64, u64)) -> bool {
        self.next(number).until.is_some_and(|until| Instant::now() < until)
    }

    fn next(&self, number: (u64, u64)) -> std::sync::MutexGuard<'_, Next> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.number != number {
            *next = Next { number, ..Next::default() };
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_proposer_is_waited_for_once() {
        let desk = Desk::default();
        let hold = Some(Duration::from_secs(60));
        assert!(desk.sign((1, 0), &[1; 32], None));
        assert!(!desk.is_held((1, 0)), "out of turn");
        assert!(desk.sign((1, 0), &[2; 32], Some(Duration::ZERO)));
        assert!(!desk.is_held((1, 0)), "over");
        assert!(desk.sign((1, 0), &[2; 32], hold));
        assert!(!desk.is_held((1, 0)), "a second time");
        assert!(desk.sign((1, 0), &[3; 32], hold));
        assert!(desk.is_held((1, 0)));
        assert!(!desk.is_held((1, 1)), "the chain has moved on");
    }

    #[test]
    fn the_others_are_asked_now_and_then() {
        let desk = Desk::default();
        assert!(desk.pulls(Duration::from_secs(60)));
        assert!(!desk.pulls(Duration::from_secs(60)));
        assert!(desk.pulls(Duration::ZERO));
    }

    #[test]
    fn nobody_gets_signatures_without_end() {
        let desk = Desk::default();
        assert_eq!((0..20).filter(|_| desk.sign((1, 0), &[1; 32], None)).count(), 16);
        assert!(desk.sign((1, 0), &[2; 32], None), "another's");
        assert!(desk.sign((1, 1), &[1; 32], None), "the next batch");
    }
}
