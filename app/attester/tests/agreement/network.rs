//! Seven attesters of a network: real HTTP on loopback between them, the real program in the VM under them.

use crate::peer::{self, Manner};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use coverage_attester::agreement::staged::encode;
use coverage_attester::agreement::{Agreement, AgreementMetrics, Outside, Parts, Terms, routes};
use coverage_attester::directory::{Directory, Observer};
use coverage_attester::store::{AppliedBatch, Store};
use coverage_client::batch::{receipt_tag, sign};
use coverage_client::chain::Chain;
use coverage_client::embedded::Embedded;
use coverage_client::embedded::rpc::EmbeddedRpc;
use coverage_client::program::state::{BatchRecord, Cell};
use coverage_client::rpc::{Rpc, Sender};
use coverage_client::{accounts, pda};
use coverage_math::cell::Slot;
use coverage_math::hash::Software;
use coverage_math::receipt::{Attempt, Receipt};
use coverage_tests::{GENESIS, Net, Port, World, config, keypair};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer as _;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Attesters of the committee, of equal weight: with the default quorum, five of them must sign.
pub const ATTESTERS: usize = 7;
/// Operators enrolled, in slots 0 and up.
pub const SLOTS: u16 = 3;

/// Times short enough for tests.
pub fn terms() -> Terms {
    Terms {
        max_batch: 1_000,
        batch_interval: Duration::from_millis(100),
        round: Duration::from_millis(200),
        request_timeout: Duration::from_millis(1_500),
        fetch_timeout: Duration::from_millis(1_000),
        hold: Duration::from_millis(600),
        fresh: Duration::from_millis(100),
        tick: Duration::from_millis(25),
    }
}

/// The key of the one who reports.
pub fn reporter() -> SigningKey {
    SigningKey::from_bytes(&[77; 32])
}

/// What attesters have published, by root.
pub type Published = Arc<Mutex<BTreeMap<[u8; 32], Vec<Receipt>>>>;

/// The rest of the service, as far as it matters here.
#[derive(Clone, Default)]
pub struct Rest {
    pub published: Published,
}

impl Outside for Rest {
    fn examine(&self, directory: &Directory, receipts: &[Receipt]) -> Vec<Result<(), String>> {
        let verdict = |receipt: &Receipt| {
            let attempt = &receipt.attempt;
            let tag = receipt_tag(&directory.network, attempt.epoch);
            let message = attempt.message::<Software>(&tag).unwrap();
            let cell = &directory.workloads[&Pubkey::new_from_array(attempt.workload)];
            if attempt.reporter != reporter().verifying_key().to_bytes() {
                return Err("unknown reporter".to_owned());
            }
            if !cell.counts(attempt.slot) {
                return Err("unknown slot".to_owned());
            }
            let key = VerifyingKey::from_bytes(&attempt.reporter).unwrap();
            let verified = key.verify_strict(&message, &Signature::from_bytes(&receipt.signature));
            verified.map_err(|_| "bad signature".to_owned())
        };
        receipts.iter().map(verdict).collect()
    }

    fn publish(&self, batch: &AppliedBatch, receipts: &[Receipt]) -> io::Result<()> {
        self.published.lock().unwrap().insert(batch.receipts_root, receipts.to_vec());
        Ok(())
    }
}

/// One attester.
pub struct Node {
    pub key: SigningKey,
    pub store: Store,
    pub rest: Rest,
    pub metrics: AgreementMetrics,
    pub manner: Manner,
    folder: TempDir,
    /// Where it is for good, also when it comes back.
    port: Port,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    /// Its key, as others know it.
    pub fn public(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    /// Stops it, mid-way in whatever it does.
    pub async fn kill(&mut self) {
        self.stop.cancel();
        for task in self.tasks.drain(..) {
            task.abort();
            let _ = task.await;
        }
    }
}

/// A network with its attesters.
pub struct Network {
    pub chain: EmbeddedRpc,
    pub net: Net,
    pub workload: Pubkey,
    pub nodes: Vec<Node>,
    pub terms: Terms,
    pub genesis: i64,
}

impl Network {
    /// A network in the middle of epoch 0, with attesters that behave like this, not started yet.
    pub async fn new(manners: [Manner; ATTESTERS]) -> Self {
        let mut world = World::with(config(), u8::try_from(ATTESTERS).unwrap());
        world.fund(1_000_000);
        let workload = world.workload(1, 1);
        for number in 0..SLOTS {
            world.enrolled(u8::try_from(number).unwrap(), 10_000, 0, workload);
        }
        assert_eq!(world.open_epoch(), 0);
        world.set_time(GENESIS + 10);
        let World { mut cluster, net, .. } = world;
        for number in 0..ATTESTERS {
            cluster.add_signer(payer(number));
        }
        let chain = EmbeddedRpc::new(Arc::new(Mutex::new(cluster)));
        let mut nodes = Vec::new();
        for (key, manner) in net.attesters.iter().zip(manners) {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&folder.path().join("store")).unwrap();
            nodes.push(Node {
                key: key.clone(),
                store,
                rest: Rest::default(),
                metrics: AgreementMetrics::default(),
                manner,
                folder,
                port: Port::new(),
                stop: CancellationToken::new(),
                tasks: Vec::new(),
            });
        }
        Self { chain, net, workload, nodes, terms: terms(), genesis: GENESIS }
    }

    /// Starts all but those that are down.
    pub async fn start(&mut self) {
        for number in 0..self.nodes.len() {
            if self.nodes[number].manner != Manner::Down {
                self.start_one(number).await;
            }
        }
    }

    /// Starts an attester over this network's own connection to the chain.
    pub async fn start_one(&mut self, number: usize) {
        let rpc = Rpc::over(self.chain.client());
        self.start_over(number, rpc).await;
    }

    /// Starts an attester that reaches the chain like this.
    pub async fn start_over(&mut self, number: usize, rpc: Rpc) {
        let agreement = Arc::new(self.agreement(number, rpc).await);
        let node = &mut self.nodes[number];
        let published = Router::new().route("/v1/batches/{root}", get(batch)).with_state(node.rest.clone());
        let honest = routes(Arc::clone(&agreement)).merge(published);
        let router = peer::with_manner(honest, node.manner);
        let listener = TcpListener::bind(node.port.address()).await.unwrap();
        node.stop = CancellationToken::new();
        node.tasks.push(tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }));
        if node.manner.takes_part() {
            node.tasks.push(tokio::spawn(agreement.run(node.stop.clone())));
        }
    }

    /// An attester's part in the agreement, not running.
    pub async fn agreement(&self, number: usize, rpc: Rpc) -> Agreement {
        let node = &self.nodes[number];
        let observer = Observer::open(rpc.clone(), self.net.address).await.unwrap();
        Agreement::new(Parts {
            terms: self.terms,
            key: node.key.clone(),
            observer,
            store: node.store.clone(),
            staged: node.folder.path().join("staged"),
            peers: self.peers_of(number),
            outside: Arc::new(node.rest.clone()),
            sender: Sender::new(rpc, Arc::new(payer(number))),
            metrics: node.metrics.clone(),
        })
        .unwrap()
    }

    /// Where to reach an attester.
    pub fn url(&self, number: usize) -> String {
        format!("http://{}", self.nodes[number].port.address())
    }

    /// Attesters that are neither down nor slow nor lying.
    pub fn honest(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.manner == Manner::Honest)
    }

    /// The chain, for what is not done over RPC.
    pub fn on_chain<T>(&self, act: impl FnOnce(&mut Embedded) -> T) -> T {
        act(&mut self.chain.chain().lock().unwrap())
    }

    /// The cell with its slots, as it stands.
    pub fn cell(&self) -> (Cell, Vec<Slot>) {
        let at = pda::cell(&self.workload);
        let data = self.on_chain(|chain| chain.svm.get_account(&at).unwrap().data);
        accounts::cell(&at, &data).unwrap()
    }

    /// The records of the cell's log.
    pub fn log(&self) -> Vec<BatchRecord> {
        let at = pda::log(&self.workload);
        let data = self.on_chain(|chain| chain.svm.get_account(&at).unwrap().data);
        accounts::log(&at, &data).unwrap().1
    }

    /// Receipts that count in the cell, by its slots' tallies.
    pub fn counted(&self) -> u64 {
        self.cell().1.iter().flat_map(|slot| slot.tally).map(u64::from).sum()
    }

    /// Waits until so many receipts count, and all who are honest have them as applied.
    pub async fn until_counted(&self, receipts: u64) {
        let have = |node: &Node| {
            let batches = node.store.batches(&self.workload, 0).unwrap();
            batches.iter().map(|batch| u64::from(batch.receipts)).sum::<u64>()
        };
        let done = || self.counted() >= receipts && self.honest().all(|node| have(node) >= receipts);
        self.until("receipts to count", done).await;
        assert_eq!(self.counted(), receipts, "counted more than there are");
    }

    /// Waits until something holds; fails after 20 seconds.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            let (log, waiting) = (self.log().len(), self.nodes[0].store.waiting().unwrap());
            let since = begun.elapsed();
            assert!(since < Duration::from_secs(20), "waited for {what}; {log} batches, {waiting:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asserts that what the chain counted is exactly these receipts: each once, in its bucket, in a batch that every honest
    /// attester has published.
    pub fn assert_exactly(&self, receipts: &[Receipt]) {
        let mut expected = BTreeMap::new();
        for receipt in receipts {
            *expected.entry((receipt.attempt.slot, receipt.attempt.outcome)).or_insert(0u32) += 1;
        }
        let (_, slots) = self.cell();
        for (number, slot) in (0u16..).zip(&slots) {
            for (outcome, count) in (0u8..).zip(slot.tally) {
                let expected = expected.get(&(number, outcome)).copied().unwrap_or(0);
                assert_eq!(count, expected, "slot {number}, outcome {outcome}");
            }
        }
        let mut wanted: Vec<_> =
            receipts.iter().map(|receipt| (receipt.attempt.slot, receipt.attempt.request_id)).collect();
        wanted.sort_unstable();
        for node in self.honest() {
            let published = node.rest.published.lock().unwrap();
            let batches = self.log();
            let standing = batches.iter().filter(|record| record.flags == 0);
            let all = standing.flat_map(|record| published.get(&record.receipts_root).expect("published"));
            let mut found: Vec<_> = all.map(|receipt| (receipt.attempt.slot, receipt.attempt.request_id)).collect();
            found.sort_unstable();
            assert_eq!(found, wanted);
        }
    }

    /// A receipt of request `request` by the reporter.
    pub fn receipt(&self, request: u32, slot: u16, outcome: u8) -> Receipt {
        self.receipt_with(request, slot, outcome, 0)
    }

    /// The same with a latency.
    pub fn receipt_with(&self, request: u32, slot: u16, outcome: u8, latency_ms: u32) -> Receipt {
        let mut request_id = [0; 32];
        request_id[..4].copy_from_slice(&request.to_be_bytes());
        let attempt = Attempt {
            request_id,
            workload: self.workload.to_bytes(),
            epoch: 0,
            slot,
            outcome,
            latency_ms,
            observed_at: self.genesis + 5,
            evidence: [0; 32],
            reporter: reporter().verifying_key().to_bytes(),
        };
        let message = attempt.message::<Software>(&receipt_tag(&self.net.address, 0)).unwrap();
        let (_, signature) = sign(&reporter(), &message);
        Receipt { attempt, signature }
    }

    /// Receipts of requests `from` and up, over all slots and outcomes.
    pub fn receipts(&self, from: u32, count: u32) -> Vec<Receipt> {
        let receipt = |request| {
            let slot = u16::try_from(request % u32::from(SLOTS)).unwrap();
            self.receipt(request, slot, u8::try_from(request % 7).unwrap())
        };
        (from..from + count).map(receipt).collect()
    }

    /// Gives receipts to these attesters.
    pub fn give(&self, receipts: &[Receipt], to: impl IntoIterator<Item = usize>) {
        for number in to {
            self.nodes[number].store.insert(receipts).unwrap();
        }
    }

    /// Lamports of an attester's payer.
    pub fn lamports(&self, number: usize) -> u64 {
        self.on_chain(|chain| chain.account(&payer(number).pubkey()).unwrap().unwrap().lamports)
    }
}

/// Who pays for an attester's transactions.
pub fn payer(number: usize) -> solana_keypair::Keypair {
    keypair(b'p', 0, u8::try_from(number).unwrap())
}

/// What the service publishes.
async fn batch(State(rest): State<Rest>, Path(root): Path<String>) -> Result<Vec<u8>, StatusCode> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(root, &mut bytes).map_err(|_| StatusCode::BAD_REQUEST)?;
    let published = rest.published.lock().unwrap();
    Ok(encode(published.get(&bytes).ok_or(StatusCode::NOT_FOUND)?).unwrap())
}
