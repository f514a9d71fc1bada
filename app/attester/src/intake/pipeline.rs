//! The threads that check and store.

use super::{Documents, Intake, Piece, Verdict};
use crate::metrics::Metrics;
use crate::receipt::{self, Refusal};
use crate::rules::Rules;
use crate::store::{Inserted, Store, StoreError};
use coverage_client::signature::BATCH;
use coverage_math::receipt::Receipt;
use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Receipts kept in one step, at most and but for the last piece.
const KEPT_AT_ONCE: usize = 8_192;
/// Receipts kept in one step, at most.
pub const MOST_KEPT: usize = KEPT_AT_ONCE + BATCH;
/// Checked pieces that may wait for the writer, for each thread that checks: more would only wait.
const AHEAD: usize = 16;

/// A piece that was checked: what is to be stored, or why it is not.
struct Checked {
    receipts: Vec<Result<Receipt, Refusal>>,
    answer: oneshot::Sender<Vec<Verdict>>,
    _room: Arc<tokio::sync::OwnedSemaphorePermit>,
}

/// The threads of an [`Intake`]: they end once every handle of it is gone and what was handed over is kept.
pub struct Threads<E> {
    checkers: Vec<JoinHandle<()>>,
    writer: JoinHandle<Result<(), E>>,
}

/// Keeps receipts in a store: what becomes of each.
pub fn keep_in(store: Store) -> impl FnMut(&[Receipt]) -> Result<Vec<Verdict>, StoreError> {
    let verdict = |inserted| match inserted {
        Inserted::New | Inserted::Replaced => Verdict::Accepted,
        Inserted::Duplicate | Inserted::Applied => Verdict::Duplicate,
        Inserted::Kept => Verdict::Refused(Refusal::Conflict),
    };
    move |receipts| Ok(store.insert(receipts)?.into_iter().map(verdict).collect())
}

impl Intake {
    /// Starts an intake whose requests under way have at most `bytes` bytes together. What passes is given to `keep`, at most
    /// [`MOST_KEPT`] receipts at once, which says what became of each; `failed` is cancelled if it fails.
    ///
    /// # Errors
    /// When the machine has no threads left.
    pub fn start<E: Send + 'static>(
        keep: impl FnMut(&[Receipt]) -> Result<Vec<Verdict>, E> + Send + 'static,
        rules: &watch::Receiver<Arc<Rules>>,
        bytes: usize,
        metrics: Metrics,
        failed: CancellationToken,
    ) -> io::Result<(Self, Threads<E>)> {
        let (pieces, source) = mpsc::channel();
        let source = Arc::new(Mutex::new(source));
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let (checked, to_keep) = mpsc::sync_channel(threads.saturating_mul(AHEAD));
        let mut checkers = Vec::with_capacity(threads);
        for _ in 0..threads {
            let (source, rules, checked) = (Arc::clone(&source), rules.clone(), checked.clone());
            checkers.push(thread::Builder::new().name("check".into()).spawn(move || check(&source, &rules, &checked))?);
        }
        let counted = metrics.clone();
        let writer = thread::Builder::new().name("write".into()).spawn(move || {
            let outcome = write(keep, &to_keep, &counted);
            if outcome.is_err() {
                failed.cancel();
            }
            outcome
        })?;
        let room = Arc::new(Semaphore::new(bytes));
        Ok((Self { pieces, room, bytes, metrics }, Threads { checkers, writer }))
    }
}

impl<E> Threads<E> {
    /// Waits until everything that was handed over is kept. Panics if the thread that keeps it has.
    ///
    /// # Errors
    /// Why receipts could not be kept.
    pub fn join(self) -> Result<(), E> {
        for checker in self.checkers {
            let _ = checker.join(); // a thread that panicked has said so
        }
        self.writer.join().unwrap_or_else(|panic| resume_unwind(panic))
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
        let is_verified = |piece: &Piece| matches!(piece.documents, Documents::Verified(_));
        let (verified, others): (Vec<Piece>, Vec<Piece>) = pieces.into_iter().partition(is_verified);
        let passed = judge(others, |receipts| rules.check(receipts));
        let passed = passed.into_iter().chain(judge(verified, |receipts| rules.check_verified(receipts)));
        for piece in passed {
            if checked.send(piece).is_err() {
                return;
            }
        }
    }
}

/// Parses pieces and checks all their receipts at once.
fn judge(pieces: Vec<Piece>, check: impl FnOnce(&[Receipt]) -> Vec<Result<(), Refusal>>) -> Vec<Checked> {
    let parsed: Vec<Vec<_>> = pieces.iter().map(|piece| parse(&piece.documents)).collect();
    let sound: Vec<Receipt> = parsed.iter().flatten().filter_map(|parsed| parsed.as_ref().ok().copied()).collect();
    let mut verdicts = check(&sound).into_iter();
    let mut judge = |parsed: Result<Receipt, Refusal>| {
        let receipt = parsed?;
        verdicts.next().unwrap_or(Err(Refusal::SignatureInvalid)).map(|()| receipt)
    };
    let checked = |(piece, parsed): (Piece, Vec<_>)| {
        let receipts = parsed.into_iter().map(&mut judge).collect();
        Checked { receipts, answer: piece.answer, _room: piece._room }
    };
    pieces.into_iter().zip(parsed).map(checked).collect()
}

fn parse(documents: &Documents) -> Vec<Result<Receipt, Refusal>> {
    match documents {
        Documents::Json(documents) => documents.iter().map(|document| receipt::parse(document)).collect(),
        Documents::Made(receipts) | Documents::Verified(receipts) => receipts.iter().copied().map(Ok).collect(),
    }
}

fn write<E>(
    mut keep: impl FnMut(&[Receipt]) -> Result<Vec<Verdict>, E>,
    checked: &Receiver<Checked>,
    metrics: &Metrics,
) -> Result<(), E> {
    while let Ok(first) = checked.recv() {
        let mut count = first.receipts.len();
        let mut pieces = vec![first];
        while count < KEPT_AT_ONCE
            && let Ok(piece) = checked.try_recv()
        {
            count = count.saturating_add(piece.receipts.len());
            pieces.push(piece);
        }
        let receipts =
            pieces.iter().flat_map(|piece| &piece.receipts).filter_map(|receipt| receipt.as_ref().ok().copied());
        let receipts: Vec<Receipt> = receipts.collect();
        let began = Instant::now();
        let mut kept = keep(&receipts)?.into_iter();
        metrics.store_seconds.observe(began.elapsed().as_secs_f64());
        for piece in pieces {
            let verdict = |receipt: Result<Receipt, Refusal>| match receipt.map(|_| kept.next()) {
                Ok(verdict) => verdict.unwrap_or(Verdict::Refused(Refusal::Conflict)),
                Err(refusal) => Verdict::Refused(refusal),
            };
            let verdicts: Vec<Verdict> = piece.receipts.into_iter().map(verdict).collect();
            metrics.count(&verdicts);
            let _ = piece.answer.send(verdicts); // who asked may be gone
        }
    }
    Ok(())
}
