//! Whose turn it is to propose, and when a batch is due.
//!
//! Turns follow the wall clock, so members need not talk to agree on them, and one that was restarted knows at once: the
//! members with weight, in an order drawn for each batch, take a round each, over and over. A turn is a courtesy that saves
//! work. Nothing rests on it: a correct batch is signed whoever proposes it.

use crate::directory::{CellView, Directory, EpochWindow};
use coverage_client::program::constants::MAX_BATCHES;
use coverage_math::hash::{Sha256, Software};
use solana_program::pubkey::Pubkey;
use std::time::Duration;

/// Batches of a log that are kept for bursts and for what comes after the epoch's end.
const SPARE_BATCHES: u64 = 64;

/// The member whose turn it is, `None` if nobody has weight.
///
/// `since_epoch` is the time of day as a duration since 1970.
#[must_use]
pub fn proposer(
    directory: &Directory,
    workload: &Pubkey,
    cell: &CellView,
    since_epoch: Duration,
    round: Duration,
) -> Option<[u8; 32]> {
    let drawn = |key: &[u8; 32]| {
        Software::hash(&[workload.as_ref(), &cell.epoch.to_le_bytes(), &cell.batches.to_le_bytes(), key])
    };
    let mut keys: Vec<_> =
        directory.members.iter().filter(|member| member.weight > 0).map(|member| member.key).collect();
    keys.sort_by_cached_key(drawn);
    let number = since_epoch.as_millis().checked_div(round.as_millis())?;
    let place = number.checked_rem(u128::try_from(keys.len()).ok()?)?;
    keys.get(usize::try_from(place).ok()?).copied()
}

/// What waits for a cell's next batch.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// Receipts that wait.
    pub receipts: u64,
    /// How long the oldest of them has waited.
    pub oldest: Duration,
}

/// Whether a batch is due: enough wait, or one has waited long enough, or the epoch is over. But a log holds only so many
/// batches, so a cell that is ahead of an even use of its log waits, and its batches grow.
#[must_use]
pub fn is_due(
    backlog: &Backlog,
    cell: &CellView,
    window: &EpochWindow,
    now: i64,
    max_batch: usize,
    batch_interval: Duration,
) -> bool {
    let most = u64::from(MAX_BATCHES);
    if backlog.receipts == 0 || cell.batches >= most {
        return false;
    }
    if now >= window.end_ts {
        return true;
    }
    let length = u64::try_from(window.end_ts.saturating_sub(window.start_ts)).unwrap_or(0);
    let elapsed = u64::try_from(now.saturating_sub(window.start_ts)).unwrap_or(0);
    let even = most.saturating_sub(SPARE_BATCHES).saturating_mul(elapsed).checked_div(length).unwrap_or(0);
    let in_budget = cell.batches < even.saturating_add(SPARE_BATCHES / 2);
    in_budget && (backlog.receipts >= u64::try_from(max_batch).unwrap_or(u64::MAX) || backlog.oldest >= batch_interval)
}

/// Whether an epoch is over, its grace is not, and its log has room: the last time to ask the others what waits with them,
/// whatever waits here.
#[must_use]
pub fn is_ending(cell: &CellView, window: &EpochWindow, now: i64) -> bool {
    let grace = window.end_ts..window.end_ts.saturating_add_unsigned(window.grace_seconds);
    cell.batches < u64::from(MAX_BATCHES) && grace.contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: EpochWindow = EpochWindow {
        start_ts: 1_000,
        end_ts: 2_000,
        grace_seconds: 10,
        challenge_seconds: 10,
        seed: [0; 32],
        quorum_bps: 6_667,
        min_attester_bond: 1,
    };

    fn cell(batches: u64) -> CellView {
        CellView { epoch: 0, collecting: true, batches, slots: Vec::new(), log: Vec::new() }
    }

    fn due(receipts: u64, oldest_s: u64, batches: u64, now: i64) -> bool {
        let backlog = Backlog { receipts, oldest: Duration::from_secs(oldest_s) };
        is_due(&backlog, &cell(batches), &WINDOW, now, 100, Duration::from_secs(30))
    }

    #[test]
    fn a_batch_is_due_by_number_age_or_end() {
        assert!(!due(0, 900, 0, 2_500), "nothing waits");
        assert!(!due(99, 29, 0, 1_500));
        assert!(due(100, 0, 0, 1_500));
        assert!(due(1, 30, 0, 1_500));
        assert!(due(1, 0, 0, 2_000), "the epoch is over");
    }

    #[test]
    fn an_epoch_ends_until_its_grace_is_over() {
        let ending = |now| is_ending(&cell(1_023), &WINDOW, now);
        assert_eq!([1_999, 2_000, 2_009, 2_010].map(ending), [false, true, true, false]);
        assert!(!is_ending(&cell(1_024), &WINDOW, 2_000), "full");
    }

    #[test]
    fn a_log_lasts_until_its_epoch_is_over() {
        // 960 batches evenly over 1,000 seconds, and 32 ahead.
        assert!(due(100, 0, 31, 1_000));
        assert!(!due(100, 0, 32, 1_000));
        assert!(due(100, 0, 511, 1_500));
        assert!(!due(100, 0, 512, 1_500));
        assert!(due(1, 0, 1_023, 2_000));
        assert!(!due(1, 0, 1_024, 2_000), "full");
    }
}
