//! The real process over an embedded chain, and receipts for it.
#![allow(dead_code, reason = "each test uses some")]

use coverage_client::batch::{receipt_tag, sign};
use coverage_client::embedded::rpc::{EmbeddedRpc, Server, serve};
use coverage_client::receipts::ReceiptJson;
use coverage_math::hash::Software;
use coverage_math::receipt::{Attempt, Receipt};
use coverage_tests::{GENESIS, Port, World, config};
use ed25519_dalek::SigningKey;
use solana_program::pubkey::Pubkey;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A generator of numbers, the same every time.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// A network on an embedded chain in the middle of epoch 0, with one workload of two slots, and a reporter.
pub struct Town {
    pub network: Pubkey,
    pub workload: Pubkey,
    pub reporter: SigningKey,
    pub folder: TempDir,
    pub port: Port,
    server: Server,
    next: AtomicU64,
}

impl Town {
    pub fn new() -> Self {
        let mut world = World::with(config(), 7);
        world.fund(1_000_000);
        let workload = world.workload(1, 1);
        for number in 0..2 {
            world.enrolled(number, 10_000, 0, workload);
        }
        world.open_epoch();
        world.set_time(GENESIS + 10);
        let World { cluster, net, .. } = world;
        let folder = tempfile::tempdir().unwrap();
        let key = &net.attesters[0];
        fs::write(folder.path().join("key.json"), format!("{:?}", key.to_keypair_bytes())).unwrap();
        let server = serve(EmbeddedRpc::new(Arc::new(Mutex::new(cluster))), 0).unwrap();
        let reporter = SigningKey::from_bytes(&[77; 32]);
        Self { network: net.address, workload, reporter, folder, port: Port::new(), server, next: AtomicU64::new(0) }
    }

    /// Writes the settings, `more` behind them; where they are.
    pub fn settings(&self, more: &str) -> PathBuf {
        let folder = self.folder.path();
        let text = format!(
            "network = \"{}\"\nrpc_url = \"{}\"\nkey = {:?}\ndata = {:?}\nlisten = \"{}\"\nreporters = [\"{}\"]\n\
             batches.interval_ms = 86400000\nbatches.receipts = 100000\n{more}\n",
            self.network,
            self.server.url(),
            folder.join("key.json"),
            folder.join("data"),
            self.port.address(),
            Pubkey::from(self.reporter.verifying_key().to_bytes()),
        );
        let path = folder.join("settings.toml");
        fs::write(&path, text).unwrap();
        path
    }

    /// Receipts that nobody has had before.
    pub fn receipts(&self, count: usize) -> Vec<Receipt> {
        let first = self.next.fetch_add(count as u64, Ordering::Relaxed);
        (first..first + count as u64).map(|number| self.receipt(number)).collect()
    }

    /// The request ids of all receipts so far.
    pub fn made(&self) -> Vec<[u8; 32]> {
        (0..self.next.load(Ordering::Relaxed)).map(request_id).collect()
    }

    pub fn receipt(&self, number: u64) -> Receipt {
        let attempt = Attempt {
            request_id: request_id(number),
            workload: self.workload.to_bytes(),
            epoch: 0,
            slot: u16::try_from(number % 2).unwrap(),
            outcome: u8::try_from(number % 7).unwrap(),
            latency_ms: 20,
            observed_at: GENESIS + 5,
            evidence: [3; 32],
            reporter: self.reporter.verifying_key().to_bytes(),
        };
        let message = attempt.message::<Software>(&receipt_tag(&self.network, 0)).unwrap();
        Receipt { attempt, signature: sign(&self.reporter, &message).1 }
    }
}

fn request_id(number: u64) -> [u8; 32] {
    use coverage_math::hash::Sha256;
    Software::hash(&[&number.to_le_bytes()])
}

/// Receipts as lines of JSON.
pub fn lines(receipts: &[Receipt]) -> String {
    let line = |receipt| serde_json::to_string(&ReceiptJson::of(receipt).unwrap()).unwrap() + "\n";
    receipts.iter().map(line).collect()
}

/// The real process.
pub struct Daemon {
    pub url: String,
    pub child: Child,
}

impl Daemon {
    pub fn start(settings: &PathBuf, more: &[&str]) -> Self {
        let text = fs::read_to_string(settings).unwrap();
        let listen = text.lines().find_map(|line| line.strip_prefix("listen = ")).unwrap().trim_matches('"').to_owned();
        let child = Command::new(env!("CARGO_BIN_EXE_coverage-attester"))
            .arg("--settings")
            .arg(settings)
            .args(more)
            .env("RUST_LOG", "warn")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self { url: format!("http://{listen}"), child }
    }

    pub async fn until_healthy(&mut self) {
        let begun = Instant::now();
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        loop {
            let answer = client.get(format!("{}/healthz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "it has stopped");
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not become healthy");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL, at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}
