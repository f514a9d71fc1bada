//! The threads that check and store.

use super::{Documents, Intake, Piece, Verdict};
use crate::metrics::Metrics;
use crate::receipt::{self, Refusal};
use crate::rules::Rules;
use crate::store::{Inserted, Store, StoreError};
use coverage_client::signature::BATCH;
use coverage_math::receipt::Receipt;
use std::io;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Receipts written in one step, at most and but for the last piece.
const WRITTEN_AT_ONCE: usize = 8_192;
/// Checked pieces that may wait for the writer, for each thread that checks: more would only wait.
const AHEAD: usize = 16;

/// A piece that was checked: what is to be stored, or why it is not.
struct Checked {
    receipts: Vec<Result<Receipt, Refusal>>,
    answer: oneshot::Sender<Vec<Verdict>>,
    _room: Arc<tokio::sync::OwnedSemaphorePermit>,
}

/// The threads of an [`Intake`]: they end once every handle of it is gone and what was handed over is stored.
pub struct Workers {
    checkers: Vec<JoinHandle<()>>,
    writer: JoinHandle<Result<(), StoreError>>,
}

impl Intake {
    /// Starts an intake whose requests under way have at most `bytes` bytes together. `failed` is cancelled if the store fails.
    ///
    /// # Errors
    /// When the machine has no threads left.
    pub fn start(
        store: Store,
        rules: &watch::Receiver<Arc<Rules>>,
        bytes: usize,
        metrics: Metrics,
        failed: CancellationToken,
    ) -> io::Result<(Self, Workers)> {
        let (pieces, source) = mpsc::channel();
        let source = Arc::new(Mutex::new(source));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let (checked, to_store) = mpsc::sync_channel(threads.saturating_mul(AHEAD));
        let mut checkers = Vec::with_capacity(threads);
        for _ in 0..threads {
            let (source, rules, checked) = (Arc::clone(&source), rules.clone(), checked.clone());
            checkers.push(thread::Builder::new().name("check".into()).spawn(move || check(&source, &rules, &checked))?);
        }
        let counted = metrics.clone();
        let writer = thread::Builder::new().name("write".into()).spawn(move || {
            let outcome = write(&store, &to_store, &counted);
            if outcome.is_err() {
                failed.cancel();
            }
            outcome
        })?;
        let room = Arc::new(Semaphore::new(bytes));
        Ok((Self { pieces, room, bytes, metrics }, Workers { checkers, writer }))
    }
}

impl Workers {
    /// Waits until everything that was handed over is stored.
    ///
    /// # Errors
    /// What the store said when it failed.
    pub fn join(self) -> Result<(), StoreError> {
        for checker in self.checkers {
            let _ = checker.join(); // a thread that panicked has said so
        }
        self.writer.join().unwrap_or(Err(StoreError::Damaged("the thread that writes has panicked")))
    }
}

/// Takes pieces, as many as there are up to a batch; `None` once there will be none.
fn gather(source: &Mutex<Receiver<Piece>>) -> Option<Vec<Piece>> {
    let source = source.lock().unwrap_or_else(PoisonError::into_inner);
    let first = source.recv().ok()?;
    let mut receipts = first.documents.len();
    let mut pieces = vec![first];
    while receipts < BATCH
        && let Ok(piece) = source.try_recv()
    {
        receipts = receipts.saturating_add(piece.documents.len());
        pieces.push(piece);
    }
    Some(pieces)
}

fn check(source: &Mutex<Receiver<Piece>>, rules: &watch::Receiver<Arc<Rules>>, checked: &SyncSender<Checked>) {
    while let Some(pieces) = gather(source) {
        let rules = Arc::clone(&rules.borrow());
        let parsed: Vec<Vec<_>> = pieces.iter().map(|piece| parse(&piece.documents)).collect();
        let sound: Vec<Receipt> = parsed.iter().flatten().filter_map(|parsed| parsed.as_ref().ok().copied()).collect();
        let mut verdicts = rules.check(&sound).into_iter();
        for (piece, parsed) in pieces.into_iter().zip(parsed) {
            let judge = |parsed: Result<Receipt, Refusal>| {
                let receipt = parsed?;
                verdicts.next().unwrap_or(Err(Refusal::SignatureInvalid)).map(|()| receipt)
            };
            let receipts = parsed.into_iter().map(judge).collect();
            let piece = Checked { receipts, answer: piece.answer, _room: piece._room };
            if checked.send(piece).is_err() {
                return;
            }
        }
    }
}

fn parse(documents: &Documents) -> Vec<Result<Receipt, Refusal>> {
    match documents {
        Documents::Json(documents) => documents.iter().map(|document| receipt::parse(document)).collect(),
        Documents::Made(receipts) => receipts.iter().copied().map(Ok).collect(),
    }
}

fn write(store: &Store, checked: &Receiver<Checked>, metrics: &Metrics) -> Result<(), StoreError> {
    while let Ok(first) = checked.recv() {
        let mut count = first.receipts.len();
        let mut pieces = vec![first];
        while count < WRITTEN_AT_ONCE
            && let Ok(piece) = checked.try_recv()
        {
            count = count.saturating_add(piece.receipts.len());
            pieces.push(piece);
        }
        let receipts =
            pieces.iter().flat_map(|piece| &piece.receipts).filter_map(|receipt| receipt.as_ref().ok().copied());
        let receipts: Vec<Receipt> = receipts.collect();
        let began = Instant::now();
        let mut inserted = store.insert(&receipts)?.into_iter();
        metrics.store_seconds.observe(began.elapsed().as_secs_f64());
        for piece in pieces {
            let verdict = |receipt: Result<Receipt, Refusal>| match receipt.map(|_| inserted.next()) {
                Ok(Some(Inserted::New | Inserted::Replaced)) => Verdict::Accepted,
                Ok(Some(Inserted::Duplicate | Inserted::Applied)) => Verdict::Duplicate,
                Ok(Some(Inserted::Kept) | None) => Verdict::Refused(Refusal::Conflict),
                Err(refusal) => Verdict::Refused(refusal),
            };
            let verdicts: Vec<Verdict> = piece.receipts.into_iter().map(verdict).collect();
            metrics.count(&verdicts);
            let _ = piece.answer.send(verdicts); // who asked may be gone
        }
    }
    Ok(())
}
