//! How fast receipts go through, against bare batch verification of the same receipts in the same run.
//!
//! `cargo bench -p coverage-attester` prints the ratio; `cargo bench -p coverage-attester -- 10000000` sends so many receipts
//! through, signed as they go, and prints the peak of the memory.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use axum::body::Bytes;
use coverage_attester::directory::{CellView, EpochWindow};
use coverage_attester::intake::{Documents, Intake, Threads, Verdict, keep_in};
use coverage_attester::metrics::Metrics;
use coverage_attester::rules::Rules;
use coverage_attester::store::{AppliedBatch, Store, StoreError};
use coverage_client::batch::{BatchOf, Statement, receipt_tag, sign};
use coverage_client::receipts::ReceiptJson;
use coverage_math::hash::{Hash, Sha256, Software, Tag};
use coverage_math::receipt::{Attempt, RECEIPT_BYTES, Receipt};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use rayon::prelude::*;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const NETWORK: Pubkey = Pubkey::new_from_array([1; 32]);
const WORKLOAD: Pubkey = Pubkey::new_from_array([2; 32]);
const EPOCH: u64 = 5;
const SLOTS: u64 = 64;
/// Reporters, as many as a network of gateways may have.
const REPORTERS: u8 = 16;
/// Receipts of the comparison.
const COMPARED: u64 = 200_000;
/// Receipts in a request.
const REQUEST: u64 = 1_000;
/// Requests under way at once.
const SOURCES: u64 = 32;
/// Receipts in a batch.
const BATCH: usize = 20_000;

struct Signers {
    keys: Vec<SigningKey>,
    tag: Tag,
}

impl Signers {
    fn new() -> Self {
        let keys = (1..=REPORTERS).map(|seed| SigningKey::from_bytes(&[seed; 32])).collect();
        Self { keys, tag: receipt_tag(&NETWORK, EPOCH) }
    }

    fn receipt(&self, number: u64) -> Receipt {
        let key = &self.keys[usize::try_from(number % u64::from(REPORTERS)).unwrap()];
        let attempt = Attempt {
            request_id: Software::hash(&[&number.to_le_bytes()]),
            workload: WORKLOAD.to_bytes(),
            epoch: EPOCH,
            slot: u16::try_from(number % SLOTS).unwrap(),
            outcome: u8::try_from(number % 7).unwrap(),
            latency_ms: 400,
            observed_at: 1_000,
            evidence: Software::hash(&[b"evidence", &number.to_le_bytes()]),
            reporter: key.verifying_key().to_bytes(),
        };
        let message = attempt.message::<Software>(&self.tag).unwrap();
        Receipt { attempt, signature: sign(key, &message).1 }
    }

    fn rules(&self) -> Rules {
        let window = EpochWindow {
            start_ts: 0,
            end_ts: 10_000,
            grace_seconds: 10,
            challenge_seconds: 10,
            seed: [0; 32],
            quorum_bps: 6_667,
            min_attester_bond: 0,
        };
        let slots = vec![bytemuck::Zeroable::zeroed(); usize::try_from(SLOTS).unwrap()];
        let cell = CellView { epoch: EPOCH, collecting: true, batches: 0, slots, log: Vec::new() };
        let reporters = self.keys.iter().map(|key| key.verifying_key().to_bytes());
        Rules::new(&NETWORK, &BTreeMap::from([(EPOCH, window)]), BTreeMap::from([(WORKLOAD, cell)]), reporters)
    }
}

fn json(receipt: &Receipt) -> Bytes {
    serde_json::to_vec(&ReceiptJson::of(receipt).unwrap()).unwrap().into()
}

/// Bare verification by ed25519-dalek on all processors: messages hashed and keys decompressed beforehand.
fn bare(signers: &Signers, receipts: &[Receipt]) -> Duration {
    let keys: BTreeMap<_, _> =
        signers.keys.iter().map(|key| (key.verifying_key().to_bytes(), key.verifying_key())).collect();
    let messages: Vec<Hash> =
        receipts.iter().map(|receipt| receipt.attempt.message::<Software>(&signers.tag).unwrap()).collect();
    let signatures: Vec<_> = receipts.iter().map(|receipt| Signature::from_bytes(&receipt.signature)).collect();
    let keys: Vec<VerifyingKey> = receipts.iter().map(|receipt| keys[&receipt.attempt.reporter]).collect();
    let begun = Instant::now();
    let size = coverage_client::signature::BATCH;
    messages.par_chunks(size).zip(signatures.par_chunks(size)).zip(keys.par_chunks(size)).for_each(
        |((messages, signatures), keys)| {
            let messages: Vec<&[u8]> = messages.iter().map(Hash::as_slice).collect();
            ed25519_dalek::verify_batch(&messages, signatures, keys).unwrap();
        },
    );
    begun.elapsed()
}

struct Bench {
    store: Store,
    intake: Intake,
    threads: Threads<StoreError>,
    _rules: watch::Sender<Arc<Rules>>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(signers: &Signers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (rules, current) = watch::channel(Arc::new(signers.rules()));
        let failed = CancellationToken::new();
        let (intake, threads) =
            Intake::start(keep_in(store.clone()), &current, 64 << 20, Metrics::default(), failed).unwrap();
        Self { store, intake, threads, _rules: rules, _folder: folder }
    }

    /// Sends requests through while batches are cut from what is stored, until all of it is in batches; how long that took.
    async fn run(self, receipts: u64, request: impl Fn(u64) -> Documents + Clone + Send + 'static) -> Duration {
        let begun = Instant::now();
        let store = self.store.clone();
        let aggregating = tokio::task::spawn_blocking(move || aggregate(&store, receipts));
        let sources = (0..SOURCES).map(|source| {
            let (intake, request) = (self.intake.clone(), request.clone());
            tokio::spawn(async move {
                for number in (source..receipts / REQUEST).step_by(usize::try_from(SOURCES).unwrap()) {
                    let documents = request(number);
                    let room = intake.room(bytes(&documents)).await.unwrap();
                    let verdicts = intake.take(documents, room).await.unwrap();
                    assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Accepted));
                }
            })
        });
        for source in sources.collect::<Vec<_>>() {
            source.await.unwrap();
        }
        aggregating.await.unwrap();
        drop(self.intake);
        self.threads.join().unwrap();
        begun.elapsed()
    }
}

fn bytes(documents: &Documents) -> usize {
    match documents {
        Documents::Json(texts) => texts.iter().map(Bytes::len).sum(),
        Documents::Made(receipts) | Documents::Verified(receipts) => receipts.len() * RECEIPT_BYTES,
    }
}

/// Cuts batches, with their roots and counts, until so many receipts are in them.
fn aggregate(store: &Store, receipts: u64) {
    let (mut done, mut sequence) = (0, 0);
    while done < receipts {
        let waiting: u64 = store.waiting().unwrap().iter().map(|waiting| waiting.receipts).sum();
        if waiting < u64::try_from(BATCH).unwrap() && done + waiting < receipts {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        let batch = store.pending(&WORKLOAD, EPOCH, BATCH).unwrap();
        let of = BatchOf { network: NETWORK, workload: WORKLOAD, epoch: EPOCH, sequence, generation: 1 };
        let statement = Statement::outcomes(of, &batch).unwrap();
        let applied = AppliedBatch {
            workload: WORKLOAD,
            epoch: EPOCH,
            sequence,
            receipts_root: statement.args.receipts_root,
            receipts: statement.args.value,
        };
        store.apply(&applied, &batch).unwrap();
        done += u64::try_from(batch.len()).unwrap();
        sequence += 1;
    }
}

/// The most memory this process had, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn rate(receipts: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(receipts).unwrap()) / took.as_secs_f64()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let signers = Arc::new(Signers::new());
    if let Some(receipts) = std::env::args().skip(1).find_map(|argument| argument.parse::<u64>().ok()) {
        let signing = Arc::clone(&signers);
        let request = move |number: u64| {
            let numbers = number * REQUEST..(number + 1) * REQUEST;
            Documents::Json(numbers.map(|number| json(&signing.receipt(number))).collect())
        };
        let took = runtime.block_on(Bench::new(&signers).run(receipts, request));
        println!(
            "{receipts} receipts signed, verified, stored and batched in {took:.0?}: {:.0}/s",
            rate(receipts, took)
        );
        println!("peak memory: {} MiB", peak_mib());
        return;
    }
    let receipts: Arc<Vec<Receipt>> =
        Arc::new((0..COMPARED).into_par_iter().map(|number| signers.receipt(number)).collect());
    let documents: Arc<Vec<Bytes>> = Arc::new(receipts.par_iter().map(json).collect());
    let before = bare(&signers, &receipts);
    let range = |number: u64| {
        let first = usize::try_from(number * REQUEST).unwrap();
        first..first + usize::try_from(REQUEST).unwrap()
    };
    let request = move |number| Documents::Json(documents[range(number)].to_vec());
    let whole = runtime.block_on(Bench::new(&signers).run(COMPARED, request));
    let verified = Arc::clone(&receipts);
    let request = move |number| Documents::Verified(verified[range(number)].to_vec());
    let handed = runtime.block_on(Bench::new(&signers).run(COMPARED, request));
    let after = bare(&signers, &receipts);
    let bare = (before + after) / 2;
    println!("bare batch verification: {:.0}/s ({before:.2?} before, {after:.2?} after)", rate(COMPARED, bare));
    println!("parsed, verified, stored and batched: {:.0}/s ({whole:.2?})", rate(COMPARED, whole));
    println!("ratio: {:.0} %", 100.0 * bare.as_secs_f64() / whole.as_secs_f64());
    println!("taken from workers, stored and batched: {:.0}/s ({handed:.2?})", rate(COMPARED, handed));
    println!("ratio: {:.0} %", 100.0 * bare.as_secs_f64() / handed.as_secs_f64());
}
