//! Kills the real process with SIGKILL, again and again under load, and looks for receipts that were lost or doubled.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod town;

use coverage_attester::store::Store;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use town::load::{Load, REQUEST};
use town::{Daemon, Town};

/// How many times the process is killed.
const KILLS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn no_receipt_is_lost_or_doubled_however_often_the_process_is_killed() {
    let town = Arc::new(Town::new());
    let mut random = town::Random(0x5eed_c0de);
    let settings = town.settings("");
    let mut daemon = Daemon::start(&settings, &[]);
    let load = Load::start(&town, &daemon.url, Duration::ZERO);
    let begun = Instant::now();
    for _ in 0..KILLS {
        daemon.until_healthy().await;
        tokio::time::sleep(Duration::from_millis(random.below(400))).await;
        daemon.kill();
        load.assert_going();
        daemon = Daemon::start(&settings, &[]);
    }
    daemon.until_healthy().await;
    let load = load.stop().await;
    assert_eq!(daemon.terminate(), Some(0));

    let store = Store::open(&town.folder.path().join("data/store")).unwrap();
    let acknowledged = load.acknowledged;
    let sent: BTreeSet<_> = town.made().into_iter().map(|(_, request_id)| request_id).collect();
    let keys: Vec<_> = acknowledged.iter().map(|receipt| (receipt.attempt.slot, receipt.attempt.request_id)).collect();
    for (receipt, stored) in acknowledged.iter().zip(store.get(&town.workload, 0, &keys).unwrap()) {
        assert_eq!(stored.map(|stored| stored.receipt), Some(*receipt), "acknowledged and lost");
    }
    let pending = store.pending(&town.workload, 0, usize::MAX).unwrap();
    let found: BTreeSet<_> = pending.iter().map(|receipt| receipt.attempt.request_id).collect();
    assert_eq!(found.len(), pending.len(), "stored twice");
    assert!(found.is_subset(&sent), "stored what nobody sent");
    let waiting = store.waiting().unwrap();
    assert_eq!(waiting.iter().map(|waiting| waiting.receipts).sum::<u64>(), pending.len() as u64);
    let (broken, duplicates) = (load.broken, load.duplicates);
    assert!(acknowledged.len() > KILLS * REQUEST && broken > 0, "there was no load to speak of");
    println!(
        "{KILLS} kills in {:?}: {} acknowledged, {} stored, {broken} requests broken off, {duplicates} of their receipts stored already",
        begun.elapsed(),
        acknowledged.len(),
        pending.len(),
    );
}
