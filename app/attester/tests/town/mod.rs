//! The real process over an embedded chain, and receipts for it.
#![allow(dead_code, reason = "each test uses some")]

pub mod gate;
pub mod load;

use coverage_client::batch::{receipt_tag, sign};
use coverage_client::embedded::Embedded;
use coverage_client::embedded::rpc::{EmbeddedRpc, Server, serve};
use coverage_client::program::state::{BatchRecord, Cell};
use coverage_client::receipts::ReceiptJson;
use coverage_client::{accounts, pda};
use coverage_math::cell::Slot;
use coverage_math::hash::Software;
use coverage_math::receipt::{Attempt, Receipt};
use coverage_tests::{Forge, GENESIS, Port, World, config};
use ed25519_dalek::SigningKey;
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
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

/// A network on an embedded chain in the middle of epoch 0, with one workload, and a reporter.
pub struct Town {
    pub network: Pubkey,
    pub workload: Pubkey,
    /// The attester's key, which also pays.
    pub key: Pubkey,
    pub reporter: SigningKey,
    pub folder: TempDir,
    pub port: Port,
    pub chain: EmbeddedRpc,
    slots: u16,
    server: Server,
    next: AtomicU64,
}

impl Town {
    /// With a committee of seven, of which the attester is one, so that it gets nothing signed.
    pub fn new() -> Self {
        Self::with(7, 2)
    }

    /// With so many members of the committee, and slots of the workload.
    pub fn with(attesters: u8, slots: u16) -> Self {
        let mut world = World::with(config(), attesters);
        world.fund(1_000_000);
        let workload = world.workload(1, 1);
        world.enrolled(0, 10_000, 0, workload);
        world.open_epoch();
        world.set_time(GENESIS + 10);
        let World { mut cluster, net, .. } = world;
        let (_, enrolled) = cell(&cluster, &workload);
        let slot = |operator: u16| Slot { operator: [u8::try_from(operator).unwrap(); 32], ..enrolled[0] };
        let all: Vec<_> = (0..slots).map(slot).collect();
        Forge(&mut cluster).slots(&pda::cell(&workload), &all, |_| ());
        let folder = tempfile::tempdir().unwrap();
        let key = &net.attesters[0];
        cluster.add_signer(Keypair::new_from_array(key.to_bytes()));
        fs::write(folder.path().join("key.json"), format!("{:?}", key.to_keypair_bytes())).unwrap();
        let chain = EmbeddedRpc::new(Arc::new(Mutex::new(cluster)));
        Self {
            network: net.address,
            workload,
            key: key.verifying_key().to_bytes().into(),
            reporter: SigningKey::from_bytes(&[77; 32]),
            folder,
            port: Port::new(),
            server: serve(chain.clone(), 0).unwrap(),
            chain,
            slots,
            next: AtomicU64::new(0),
        }
    }

    /// Where the chain's RPC is served.
    pub fn rpc_url(&self) -> String {
        self.server.url()
    }

    /// Writes settings with which no batch gets due, `more` behind them; where they are.
    pub fn settings(&self, more: &str) -> PathBuf {
        let never = "batches.interval_ms = 86400000\nbatches.receipts = 100000";
        self.settings_over(&self.rpc_url(), &format!("{never}\n{more}"))
    }

    /// Writes settings with an RPC endpoint, `more` behind them; where they are.
    pub fn settings_over(&self, rpc_url: &str, more: &str) -> PathBuf {
        let folder = self.folder.path();
        let text = format!(
            "network = \"{}\"\nrpc_url = \"{rpc_url}\"\nkey = {:?}\ndata = {:?}\nlisten = \"{}\"\nreporters = [\"{}\"]\n{more}\n",
            self.network,
            folder.join("key.json"),
            folder.join("data"),
            self.port.address(),
            Pubkey::from(self.reporter.verifying_key().to_bytes()),
        );
        let path = folder.join("settings.toml");
        fs::write(&path, text).unwrap();
        path
    }

    /// The key of a worker.
    pub fn worker_key(number: u8) -> SigningKey {
        SigningKey::from_bytes(&[90 + number; 32])
    }

    /// Settings of the attester with which it has this many workers.
    pub fn workers(count: u8) -> String {
        let key = |number| format!("\"{}\"", Pubkey::from(Self::worker_key(number).verifying_key().to_bytes()));
        format!("workers = [{}]", (0..count).map(key).collect::<Vec<_>>().join(", "))
    }

    /// Writes the settings of a worker that listens on `port`, `more` behind them; where they are.
    pub fn worker_settings(&self, number: u8, port: &Port, more: &str) -> PathBuf {
        let folder = self.folder.path().join(format!("worker-{number}"));
        fs::create_dir_all(&folder).unwrap();
        let key = Self::worker_key(number).to_keypair_bytes();
        fs::write(folder.join("key.json"), format!("{key:?}")).unwrap();
        let text = format!(
            "network = \"{}\"\nrpc_url = \"{}\"\nkey = {:?}\ndata = {:?}\nlisten = \"{}\"\nreporters = [\"{}\"]\n\
             works_for = \"{}\"\npeers = {{ {} = \"http://{}\" }}\n{more}\n",
            self.network,
            self.rpc_url(),
            folder.join("key.json"),
            folder.join("data"),
            port.address(),
            Pubkey::from(self.reporter.verifying_key().to_bytes()),
            self.key,
            self.key,
            self.port.address(),
        );
        let path = folder.join("settings.toml");
        fs::write(&path, text).unwrap();
        path
    }

    /// The chain, for what is not done over RPC.
    pub fn on_chain<T>(&self, act: impl FnOnce(&mut Embedded) -> T) -> T {
        act(&mut self.chain.chain().lock().unwrap())
    }

    /// The cell with its slots, as it stands.
    pub fn cell(&self) -> (Cell, Vec<Slot>) {
        self.on_chain(|chain| cell(chain, &self.workload))
    }

    /// The records of the cell's log.
    pub fn log(&self) -> Vec<BatchRecord> {
        let at = pda::log(&self.workload);
        let data = self.on_chain(|chain| chain.svm.get_account(&at).unwrap().data);
        accounts::log(&at, &data).unwrap().1
    }

    /// Receipts that nobody has had before.
    pub fn receipts(&self, count: usize) -> Vec<Receipt> {
        let first = self.next.fetch_add(count as u64, Ordering::Relaxed);
        (first..first + count as u64).map(|number| self.receipt(number)).collect()
    }

    /// Slot and request id of all receipts so far.
    pub fn made(&self) -> Vec<(u16, [u8; 32])> {
        (0..self.next.load(Ordering::Relaxed)).map(|number| (self.slot(number), request_id(number))).collect()
    }

    fn slot(&self, number: u64) -> u16 {
        u16::try_from(number % u64::from(self.slots)).unwrap()
    }

    pub fn receipt(&self, number: u64) -> Receipt {
        let attempt = Attempt {
            request_id: request_id(number),
            workload: self.workload.to_bytes(),
            epoch: 0,
            slot: self.slot(number),
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

fn cell(chain: &Embedded, workload: &Pubkey) -> (Cell, Vec<Slot>) {
    let at = pda::cell(workload);
    accounts::cell(&at, &chain.svm.get_account(&at).unwrap().data).unwrap()
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

/// The value of a metric; 0 if there is none yet.
pub async fn metric(url: &str, name: &str) -> u64 {
    let text = reqwest::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim).unwrap_or("0");
    value.parse().unwrap()
}

/// The real process; it does not outlive this.
pub struct Daemon {
    pub url: String,
    pub child: Child,
    log: PathBuf,
}

impl Daemon {
    pub fn start(settings: &Path, more: &[&str]) -> Self {
        let text = fs::read_to_string(settings).unwrap();
        let listen = text.lines().find_map(|line| line.strip_prefix("listen = ")).unwrap().trim_matches('"').to_owned();
        let log = settings.with_file_name("log");
        let child = Command::new(env!("CARGO_BIN_EXE_coverage-attester"))
            .arg("--settings")
            .arg(settings)
            .args(more)
            .envs([("RUST_LOG", "warn,coverage_attester=info"), ("NO_COLOR", "1")])
            .stdin(Stdio::piped())
            .stderr(OpenOptions::new().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        Self { url: format!("http://{listen}"), child, log }
    }

    /// The end of what it and those before it have logged.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Asserts that it has not stopped of its own accord.
    pub fn assert_running(&mut self) {
        assert_eq!(self.child.try_wait().unwrap(), None, "it has stopped:\n{}", self.log());
    }

    pub async fn until_healthy(&mut self) {
        let begun = Instant::now();
        let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        loop {
            let answer = client.get(format!("{}/healthz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            self.assert_running();
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not become healthy:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL, at once.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not stop:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill(); // nothing is there to be killed unless the test has failed
        let _ = self.child.wait();
    }
}
