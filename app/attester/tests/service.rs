//! The real process: every source, every answer, settings, stopping.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod town;

use coverage_attester::store::Store;
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};
use town::{Daemon, Town, metric};

async fn post(url: &str, body: impl Into<reqwest::Body>) -> (u16, Option<String>, Value) {
    let answer = reqwest::Client::new().post(format!("{url}/v1/receipts")).body(body).send().await.unwrap();
    let retry = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), retry, answer.json().await.unwrap())
}

fn stored(town: &Town) -> u64 {
    let store = Store::open(&town.folder.path().join("data/store")).unwrap();
    store.waiting().unwrap().iter().map(|waiting| waiting.receipts).sum()
}

async fn until_accepted(url: &str, receipts: u64) {
    let begun = Instant::now();
    while metric(url, "coverage_attester_receipts_accepted_total ").await < receipts {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited for {receipts} receipts");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http_takes_what_is_right_and_says_what_is_not() {
    let town = Town::new();
    let mut daemon = Daemon::start(&town.settings("request_bytes = 20000"), &[]);
    daemon.until_healthy().await;
    let receipts = town.receipts(6);
    let one = town::lines(&receipts[..1]);
    let (status, _, answer) = post(&daemon.url, one.clone()).await;
    assert_eq!((status, answer), (202, serde_json::json!({"accepted": 1, "duplicates": 0, "refused": []})));
    let (status, _, answer) = post(&daemon.url, one).await;
    assert_eq!((status, answer), (200, serde_json::json!({"accepted": 0, "duplicates": 1, "refused": []})));

    let array = format!("[{}]", town::lines(&receipts[1..3]).trim().replace('\n', ","));
    assert_eq!(post(&daemon.url, array).await.2["accepted"], 2);
    let mut bad = receipts[4];
    bad.signature[0] ^= 1;
    let mixed = [receipts[3], bad, receipts[5]];
    let (status, _, answer) = post(&daemon.url, town::lines(&mixed)).await;
    assert_eq!((status, &answer["accepted"]), (202, &Value::from(2)));
    assert_eq!(
        (&answer["refused"][0]["index"], &answer["refused"][0]["code"]),
        (&1.into(), &"signature_invalid".into())
    );

    let (status, _, answer) = post(&daemon.url, "{\"epoch\": 1").await;
    assert_eq!((status, &answer["code"]), (400, &Value::from("unparsable")));
    assert_eq!(post(&daemon.url, "").await.0, 400);
    let (status, _, answer) = post(&daemon.url, vec![b' '; 20_001]).await;
    assert_eq!((status, &answer["code"]), (413, &Value::from("too_large")));
    assert_eq!(reqwest::get(format!("{}/v1/batches/{}", daemon.url, "00".repeat(32))).await.unwrap().status(), 404);
    assert_eq!(metric(&daemon.url, "coverage_attester_receipts_accepted_total ").await, 5);
    assert_eq!(metric(&daemon.url, "coverage_attester_receipts_waiting ").await, 5);
    assert_eq!(metric(&daemon.url, "coverage_attester_receipts_refused_total{code=\"signature_invalid\"} ").await, 1);
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(stored(&town), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_takes_nothing_of_a_request() {
    let town = Town::new();
    let mut daemon = Daemon::start(&town.settings("queue_bytes = 8388608\nrequest_bytes = 8388608"), &[]);
    daemon.until_healthy().await;
    // A client that sends half of what it announced holds its room.
    let mut slow = std::net::TcpStream::connect(daemon.url.trim_start_matches("http://")).unwrap();
    write!(slow, "POST /v1/receipts HTTP/1.1\r\nhost: a\r\ncontent-length: 8380000\r\n\r\n{{").unwrap();
    let begun = Instant::now();
    while metric(&daemon.url, "coverage_attester_queue_bytes ").await != 8_380_000 {
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    let receipts = town.receipts(20);
    let (status, retry, answer) = post(&daemon.url, town::lines(&receipts)).await;
    assert_eq!((status, retry.as_deref(), &answer["code"]), (429, Some("1"), &Value::from("busy")));
    drop(slow);
    while metric(&daemon.url, "coverage_attester_queue_bytes ").await != 0 {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    assert_eq!(post(&daemon.url, town::lines(&receipts)).await.2["accepted"], 20);
    assert_eq!(daemon.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn standard_input_and_files_are_read_and_a_restart_goes_on_where_it_was() {
    let town = Town::new();
    let file = town.folder.path().join("receipts.ndjson");
    fs::write(&file, town::lines(&town.receipts(1_500)) + "no receipt\n").unwrap();
    let settings = town.settings("");
    let more = ["--stdin", "--file", file.to_str().unwrap()];
    let mut daemon = Daemon::start(&settings, &more);
    daemon.until_healthy().await;
    let mut stdin = daemon.child.stdin.take().unwrap();
    stdin.write_all(town::lines(&town.receipts(700)).as_bytes()).unwrap();
    until_accepted(&daemon.url, 2_200).await;
    let line = town::lines(&town.receipts(1));
    let mut growing = OpenOptions::new().append(true).open(&file).unwrap();
    growing.write_all(&line.as_bytes()[..100]).unwrap();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    growing.write_all(&line.as_bytes()[100..]).unwrap();
    until_accepted(&daemon.url, 2_201).await;
    assert_eq!(metric(&daemon.url, "coverage_attester_receipts_refused_total{code=\"schema\"} ").await, 1);
    assert_eq!(daemon.terminate(), Some(0));

    growing.write_all(town::lines(&town.receipts(10)).as_bytes()).unwrap();
    let mut daemon = Daemon::start(&settings, &more[1..]);
    daemon.until_healthy().await;
    until_accepted(&daemon.url, 10).await;
    assert_eq!(metric(&daemon.url, "coverage_attester_receipts_received_total ").await, 10);
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(stored(&town), 2_211);
}

#[test]
fn wrong_settings_are_named() {
    let town = Town::new();
    let check = |more: &str, variable: Option<(&str, &str)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coverage-attester"));
        command.arg("--check").arg("--settings").arg(town.settings(more)).envs(variable);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = check("", Some(("COVERAGE_ATTESTER_BATCHES__ROUND_MS", "777")));
    assert!(code == Some(0) && text.contains("round_ms = 777"), "{text}");
    let (code, text) = check("querty = 1", None);
    assert!(code == Some(2) && text.contains("querty"), "{text}");
    let (code, text) = check("refresh_ms = 5", None);
    assert_eq!((code, text.as_str()), (Some(2), "error: refresh_ms is 5: set it between 100 and 60000\n"));
    let (code, text) = check("probe.per_epoch = 0", None);
    let expected =
        "error: probe.per_epoch is 0: set it between 1 and 1440, the same for all attesters of the network\n";
    assert_eq!((code, text.as_str()), (Some(2), expected));
}
