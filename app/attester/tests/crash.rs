//! Kills the real process with SIGKILL, again and again under load, and looks for receipts that were lost or doubled.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod town;

use coverage_attester::store::Store;
use coverage_math::receipt::Receipt;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use town::{Daemon, Town};

/// How many times the process is killed.
const KILLS: usize = 50;
/// Receipts in a request.
const REQUEST: usize = 100;
/// Clients that send at once.
const CLIENTS: usize = 4;

/// What the clients have not been told is stored, and what they have.
#[derive(Default)]
struct Load {
    to_send: Mutex<VecDeque<Vec<Receipt>>>,
    acknowledged: Mutex<Vec<Receipt>>,
    /// Requests whose connection broke before there was an answer.
    broken: AtomicUsize,
    /// Receipts of such requests that turned out to be stored already.
    duplicates: AtomicUsize,
    done: AtomicBool,
}

async fn send(load: Arc<Load>, town: Arc<Town>, url: String) {
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    while !load.done.load(Ordering::Relaxed) {
        let next = load.to_send.lock().unwrap().pop_front();
        let receipts = next.unwrap_or_else(|| town.receipts(REQUEST));
        let answer = client.post(&url).body(town::lines(&receipts)).send().await;
        let answer = match answer {
            Ok(response) if response.status().is_success() => response.json::<Value>().await.ok(),
            Ok(response) if [429, 503].contains(&response.status().as_u16()) => None,
            Ok(response) => panic!("{}", response.text().await.unwrap()),
            Err(_) => None,
        };
        let Some(answer) = answer else {
            load.broken.fetch_add(1, Ordering::Relaxed);
            load.to_send.lock().unwrap().push_back(receipts);
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (accepted, duplicates) = (answer["accepted"].as_u64().unwrap(), answer["duplicates"].as_u64().unwrap());
        assert_eq!(accepted + duplicates, REQUEST as u64, "{answer}");
        load.duplicates.fetch_add(usize::try_from(duplicates).unwrap(), Ordering::Relaxed);
        load.acknowledged.lock().unwrap().extend(receipts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_receipt_is_lost_or_doubled_however_often_the_process_is_killed() {
    let town = Arc::new(Town::new());
    let mut random = town::Random(0x5eed_c0de);
    let load = Arc::new(Load::default());
    let settings = town.settings("");
    let mut daemon = Daemon::start(&settings, &[]);
    let url = format!("{}/v1/receipts", daemon.url);
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(send(Arc::clone(&load), Arc::clone(&town), url.clone()))).collect();
    let begun = Instant::now();
    for kill in 0..KILLS {
        daemon.until_healthy().await;
        tokio::time::sleep(Duration::from_millis(random.below(400))).await;
        daemon.kill();
        assert!(clients.iter().all(|client| !client.is_finished()), "a client failed before kill {kill}");
        daemon = Daemon::start(&settings, &[]);
    }
    daemon.until_healthy().await;
    load.done.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    assert_eq!(daemon.terminate(), Some(0));

    let store = Store::open(&town.folder.path().join("data/store")).unwrap();
    let acknowledged = load.acknowledged.lock().unwrap();
    let sent: BTreeSet<_> = town.made().into_iter().collect();
    let keys: Vec<_> = acknowledged.iter().map(|receipt| (receipt.attempt.slot, receipt.attempt.request_id)).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "acknowledged twice");
    for (receipt, stored) in acknowledged.iter().zip(store.get(&town.workload, 0, &keys).unwrap()) {
        assert_eq!(stored.map(|stored| stored.receipt), Some(*receipt), "acknowledged and lost");
    }
    let pending = store.pending(&town.workload, 0, usize::MAX).unwrap();
    let found: BTreeSet<_> = pending.iter().map(|receipt| receipt.attempt.request_id).collect();
    assert_eq!(found.len(), pending.len(), "stored twice");
    assert!(found.is_subset(&sent), "stored what nobody sent");
    let waiting = store.waiting().unwrap();
    assert_eq!(waiting.iter().map(|waiting| waiting.receipts).sum::<u64>(), pending.len() as u64);
    let (broken, duplicates) = (load.broken.load(Ordering::Relaxed), load.duplicates.load(Ordering::Relaxed));
    assert!(acknowledged.len() > KILLS * REQUEST && broken > 0, "there was no load to speak of");
    println!(
        "{KILLS} kills in {:?}: {} acknowledged, {} stored, {broken} requests broken off, {duplicates} of their receipts stored already",
        begun.elapsed(),
        acknowledged.len(),
        pending.len(),
    );
}
