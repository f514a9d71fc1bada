//! Workers: real processes that verify receipts for an attester.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod town;

use coverage_attester::agreement::peers::{PeerError, Peers};
use coverage_attester::intake::{MOST_KEPT, Verdict};
use coverage_attester::receipt::Refusal;
use coverage_attester::store::Store;
use coverage_math::receipt::Receipt;
use coverage_tests::Port;
use ed25519_dalek::SigningKey;
use serde_json::Value;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use town::{Daemon, Town, metric};

fn stored(town: &Town) -> Vec<Receipt> {
    let store = Store::open(&town.folder.path().join("data/store")).unwrap();
    store.pending(&town.workload, 0, usize::MAX).unwrap()
}

async fn post(url: &str, body: String) -> (u16, Value) {
    let answer = reqwest::Client::new().post(format!("{url}/v1/receipts")).body(body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Hands receipts to the town's attester with a key.
async fn hand_over(town: &Town, key: &SigningKey, receipts: &[Receipt]) -> Result<Vec<Verdict>, PeerError> {
    let attester = town.key.to_bytes();
    let urls = BTreeMap::from([(attester, format!("http://{}", town.port.address()))]);
    let peers = Peers::new(town.network, key.clone(), urls).unwrap();
    peers.hand_over(&attester, receipts, Duration::from_secs(20)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_answers_once_its_attester_has_stored() {
    let town = Town::new();
    let settings = town.settings(&Town::workers(1));
    let mut attester = Daemon::start(&settings, &[]);
    attester.until_healthy().await;
    let port = Port::new();
    let mut worker = Daemon::start(&town.worker_settings(0, &port, ""), &[]);
    worker.until_healthy().await;

    let receipts = town.receipts(2_000);
    let mut sent = receipts.clone();
    sent[7].signature[0] ^= 1;
    sent[9] = sent[3];
    let (status, answer) = post(&worker.url, town::lines(&sent)).await;
    assert_eq!((status, &answer["accepted"], &answer["duplicates"]), (202, &1_998.into(), &1.into()));
    assert_eq!(
        (&answer["refused"][0]["index"], &answer["refused"][0]["code"]),
        (&7.into(), &"signature_invalid".into())
    );
    // The attester saw what had passed, once.
    assert_eq!(metric(&attester.url, "coverage_attester_receipts_received_total ").await, 1_999);
    assert_eq!(metric(&attester.url, "coverage_attester_receipts_waiting ").await, 1_998);
    assert_eq!(metric(&worker.url, "coverage_attester_receipts_waiting ").await, 0);

    // While the attester is away, a worker keeps its sources waiting.
    attester.kill();
    let url = worker.url.clone();
    let line = town::lines(&receipts[7..8]);
    let waiting = tokio::spawn(async move { post(&url, line).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!waiting.is_finished());
    let mut attester = Daemon::start(&settings, &[]);
    attester.until_healthy().await;
    let (status, answer) = waiting.await.unwrap();
    assert_eq!((status, &answer["accepted"]), (202, &1.into()));

    assert_eq!(worker.terminate(), Some(0));
    assert_eq!(attester.terminate(), Some(0));
    let mut expected = [&receipts[..9], &receipts[10..]].concat();
    coverage_client::batch::sort(&mut expected);
    assert_eq!(stored(&town), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_must_stop_tells_nobody_that_receipts_are_stored() {
    let town = Town::new();
    let port = Port::new();
    let mut worker = Daemon::start(&town.worker_settings(0, &port, ""), &[]);
    worker.until_healthy().await;
    let (url, line) = (worker.url.clone(), town::lines(&town.receipts(1)));
    let waiting = tokio::spawn(async move { post(&url, line).await });
    let begun = Instant::now();
    while !worker.log().contains("receipts are not taken") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", worker.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = town.folder.path().join("worker-0/log");
    let stopped = tokio::task::spawn_blocking(|| worker.terminate()).await.unwrap();
    assert_eq!(stopped, Some(2));
    let (status, answer) = waiting.await.unwrap();
    assert_eq!((status, &answer["code"]), (503, &"stopping".into()));
    let said = std::fs::read_to_string(log).unwrap();
    let reason = format!(
        "attester {} did not take the last 1 receipts; who sent them was not told that they are stored",
        town.key
    );
    assert!(said.contains(&reason), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attester_believes_its_workers_about_signatures_and_nothing_else() {
    let town = Town::new();
    let mut attester = Daemon::start(&town.settings(&Town::workers(1)), &[]);
    attester.until_healthy().await;
    let worker = Town::worker_key(0);
    let mut receipts = town.receipts(5);
    receipts[1].signature[0] ^= 1; // which is what a worker is there to see
    receipts[2].attempt.epoch = 1;
    receipts[3].attempt.slot = 2;
    receipts[4].attempt.reporter = [9; 32];
    let verdicts = hand_over(&town, &worker, &receipts).await.unwrap();
    let expected = [
        Verdict::Accepted,
        Verdict::Accepted,
        Verdict::Refused(Refusal::EpochNotOpen { epoch: 1 }),
        Verdict::Refused(Refusal::SlotUnknown { slot: 2 }),
        Verdict::Refused(Refusal::ReporterUnknown(Pubkey::new_from_array([9; 32]))),
    ];
    assert_eq!(verdicts, expected);
    assert_eq!(hand_over(&town, &worker, &receipts[..1]).await.unwrap(), [Verdict::Duplicate]);

    // Not even a member of the committee may skip the signatures.
    let member = SigningKey::from_bytes(&std::array::from_fn(|at| town_key(&town)[at]));
    for stranger in [Town::worker_key(1), member] {
        let refused = hand_over(&town, &stranger, &receipts[..1]).await.unwrap_err().to_string();
        let key = Pubkey::from(stranger.verifying_key().to_bytes());
        let expected = format!("it answers 403 Forbidden: {key} is not among `workers` in this attester's settings");
        assert_eq!(refused, expected);
    }
    let many = vec![receipts[0]; MOST_KEPT + 1];
    let refused = hand_over(&town, &worker, &many).await.unwrap_err();
    assert!(matches!(&refused, PeerError::Refuses { status, .. } if *status == 413), "{refused}");
    let all = hand_over(&town, &worker, &many[1..]).await.unwrap();
    assert_eq!(all, vec![Verdict::Duplicate; MOST_KEPT]);
    assert_eq!(attester.terminate(), Some(0));
    assert_eq!(stored(&town).len(), 2);
}

/// The attester's own key.
fn town_key(town: &Town) -> Vec<u8> {
    let text = std::fs::read_to_string(town.folder.path().join("key.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}
