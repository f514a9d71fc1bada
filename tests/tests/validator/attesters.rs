//! Five attester processes, and the receipts they are given.

use crate::processes;
use crate::{DEMO, Scene};
use covctl::localnet::write_attesters;
use coverage_client::batch::{receipt_tag, sign};
use coverage_client::receipts::ReceiptJson;
use coverage_client::rpc::{Snapshot, WorkloadState};
use coverage_math::hash::{Sha256, Software};
use coverage_math::receipt::{Attempt, Receipt};
use coverage_tests::Port;
use ed25519_dalek::SigningKey;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tokio::process::Child;
use tokio::time::sleep;

/// What became of requests in one cell and epoch: each slot's share differs, and every outcome but a failed verification
/// occurs.
pub fn receipts(snapshot: &Snapshot, state: &WorkloadState, epoch: u64, reporter: &SigningKey) -> Vec<Receipt> {
    let tag = receipt_tag(&snapshot.address, epoch);
    let observed_at = snapshot.epochs[&epoch].start_ts;
    let mut receipts = Vec::new();
    for slot in 0..state.slots.len() as u16 {
        for number in 0..40u64 + 5 * u64::from(slot) + epoch {
            let outcome = if number % 4 == 0 { (number / 4 % 6) as u8 } else { 0 };
            let place = [state.workload.id.to_le_bytes(), epoch.to_le_bytes(), u64::from(slot).to_le_bytes()].concat();
            let attempt = Attempt {
                request_id: Software::hash(&[&place, &number.to_le_bytes()]),
                workload: state.address.to_bytes(),
                epoch,
                slot,
                outcome,
                latency_ms: if outcome == 0 { 100 + number as u32 } else { 0 },
                observed_at,
                evidence: [0; 32],
                reporter: reporter.verifying_key().to_bytes(),
            };
            let message = attempt.message::<Software>(&tag).unwrap();
            receipts.push(Receipt { attempt, signature: sign(reporter, &message).1 });
        }
    }
    receipts
}

/// How many of each outcome.
pub fn counts(receipts: &[Receipt]) -> [u64; 7] {
    let mut counts = [0; 7];
    for receipt in receipts {
        counts[usize::from(receipt.attempt.outcome)] += 1;
    }
    counts
}

/// The processes, `None` while one is down.
pub struct Attesters {
    processes: Vec<Option<Child>>,
    ports: Vec<Port>,
    http: reqwest::Client,
}

impl Attesters {
    /// Writes every attester's settings, starts it, and waits until it is well.
    pub async fn start(scene: &Scene) -> Self {
        let ports: Vec<_> = (0..DEMO.attesters).map(|_| Port::new()).collect();
        for number in 0..ports.len() {
            scene.fund(&name(number)).await;
        }
        let numbers: Vec<_> = ports.iter().map(Port::number).collect();
        write_attesters(&scene.folder, &scene.proxy.url(), &scene.network, &numbers).unwrap();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
        let mut attesters = Self { processes: ports.iter().map(|_| None).collect(), ports, http };
        for number in 0..attesters.ports.len() {
            attesters.restart(number, scene).await;
        }
        attesters
    }

    /// Starts one that is down.
    pub async fn restart(&mut self, number: usize, scene: &Scene) {
        let mut command = processes::command("coverage-attester");
        command.arg("--settings").arg(settings(scene, number));
        let log = scene.folder.join(format!("{}.log", name(number)));
        self.processes[number] = Some(processes::start(&mut command, &log));
        let url = format!("http://{}/healthz", self.ports[number].address());
        while !self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            let child = self.processes[number].as_mut().unwrap();
            assert!(child.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(&log).unwrap());
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Kills one where it stands.
    pub async fn kill(&mut self, number: usize) {
        let mut child = self.processes[number].take().unwrap();
        processes::signal(&child, "KILL").await;
        assert!(!child.wait().await.unwrap().success());
    }

    /// Hands receipts in, a part to each attester that is up: they get from each other what they lack. Again what is not
    /// taken yet, as an epoch that an attester has not seen open.
    pub async fn post(&self, receipts: &[Receipt]) {
        let up: Vec<_> = self.ports.iter().zip(&self.processes).filter(|(_, process)| process.is_some()).collect();
        let part = receipts.len().div_ceil(up.len());
        for (receipts, (port, _)) in receipts.chunks(part).zip(up) {
            let body: Vec<_> = receipts.iter().map(|receipt| ReceiptJson::of(receipt).unwrap()).collect();
            let body = serde_json::to_string(&body).unwrap();
            let url = format!("http://{}/v1/receipts", port.address());
            loop {
                let post = self.http.post(&url).header("content-type", "application/json").body(body.clone());
                let answer: Value = serde_json::from_str(&post.send().await.unwrap().text().await.unwrap()).unwrap();
                let refused = answer["refused"].as_array().expect("an answer to receipts");
                if refused.is_empty() {
                    break;
                }
                assert!(refused.iter().all(|one| one["code"] == "epoch_not_open"), "{answer}");
                sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Asks all to stop, and waits until they have.
    pub async fn stop(self) {
        for child in self.processes.iter().flatten() {
            processes::signal(child, "TERM").await;
        }
        for mut child in self.processes.into_iter().flatten() {
            assert!(child.wait().await.unwrap().success(), "an attester ends well when it is told to");
        }
    }
}

fn name(number: usize) -> String {
    format!("attester-{number}")
}

fn settings(scene: &Scene, number: usize) -> PathBuf {
    scene.folder.join(format!("{}.toml", name(number)))
}
