//! The way of a receipt from a source into the store: parsed, checked, written, and only then acknowledged.
//!
//! A source hands over whole requests and waits for the verdicts. What is under way is bounded in bytes: a source that may
//! not wait is told that there is no room, before anything of its request is taken. Threads, one for each processor, parse and
//! check up to [`BATCH`](coverage_client::signature::BATCH) receipts at once, whatever requests they came in; one more thread writes what
//! they have checked by then in a single step, so that under load many requests share one wait for the disk.
//!
//! A worker's intake is the same, but for where receipts are kept: it hands them to its attester ([`handover`]).

pub mod handover;
pub mod http;
pub mod lines;
pub mod nats;
mod pipeline;
#[cfg(test)]
mod tests;

pub use pipeline::{MOST_KEPT, Threads, keep_in};

use crate::metrics::Metrics;
use crate::receipt::Refusal;
use axum::body::Bytes;
use borsh::{BorshDeserialize, BorshSerialize};
use coverage_math::receipt::{RECEIPT_BYTES, Receipt};
use futures_util::future::try_join_all;
use std::sync::Arc;
use std::sync::mpsc;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// What became of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Verdict {
    /// It is stored, and was not before.
    Accepted,
    /// It was stored before.
    Duplicate,
    /// It is not stored.
    Refused(Refusal),
}

/// Why nothing can be said of a request's receipts. They may be stored or not: sending them again does no harm.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IntakeError {
    /// Too much is under way.
    #[error("too many receipts are under way; send these again later")]
    Full,
    /// It could never be taken.
    #[error("the request is larger than all that may be under way at once; send it in parts")]
    TooLarge,
    /// The service is stopping, or its store failed.
    #[error("the attester is stopping; send these again when it is back")]
    Stopped,
}

/// Receipts as a source has them.
#[derive(Debug)]
pub enum Documents {
    /// One JSON text each.
    Json(Vec<Bytes>),
    /// Made in this process.
    Made(Vec<Receipt>),
    /// From a worker, which has verified their signatures.
    Verified(Vec<Receipt>),
}

/// Room for a request.
pub struct Room(Arc<OwnedSemaphorePermit>);

/// Some receipts of a request, on their way.
struct Piece {
    documents: Documents,
    answer: oneshot::Sender<Vec<Verdict>>,
    /// Given back when nothing of the request is under way any more.
    _room: Arc<OwnedSemaphorePermit>,
}

/// Where sources hand receipts over. Clones lead to the same place.
#[derive(Clone)]
pub struct Intake {
    pieces: mpsc::Sender<Piece>,
    room: Arc<Semaphore>,
    bytes: usize,
    metrics: Metrics,
}

impl Documents {
    fn len(&self) -> usize {
        match self {
            Self::Json(documents) => documents.len(),
            Self::Made(receipts) | Self::Verified(receipts) => receipts.len(),
        }
    }

    /// Cuts it into pieces that are checked together.
    fn split(self, size: usize) -> Vec<Self> {
        match self {
            Self::Json(documents) => documents.chunks(size).map(|chunk| Self::Json(chunk.to_vec())).collect(),
            Self::Made(receipts) => receipts.chunks(size).map(|chunk| Self::Made(chunk.to_vec())).collect(),
            Self::Verified(receipts) => receipts.chunks(size).map(|chunk| Self::Verified(chunk.to_vec())).collect(),
        }
    }
}

impl Intake {
    /// Room for a request of so many bytes, if there is any.
    ///
    /// # Errors
    /// [`IntakeError::Full`], [`IntakeError::TooLarge`].
    pub fn try_room(&self, bytes: usize) -> Result<Room, IntakeError> {
        let room = Arc::clone(&self.room).try_acquire_many_owned(self.permits(bytes)?);
        room.map(|room| Room(Arc::new(room))).map_err(|_| IntakeError::Full)
    }

    /// Room for a request of so many bytes, once there is.
    ///
    /// # Errors
    /// [`IntakeError::TooLarge`].
    pub async fn room(&self, bytes: usize) -> Result<Room, IntakeError> {
        let room = Arc::clone(&self.room).acquire_many_owned(self.permits(bytes)?).await;
        room.map(|room| Room(Arc::new(room))).map_err(|_| IntakeError::Stopped)
    }

    fn permits(&self, bytes: usize) -> Result<u32, IntakeError> {
        // Every request takes some room, however little it holds: answers take room, too.
        let bytes = bytes.max(RECEIPT_BYTES);
        if bytes > self.bytes {
            Err(IntakeError::TooLarge)
        } else {
            u32::try_from(bytes).map_err(|_| IntakeError::TooLarge)
        }
    }

    /// Checks and stores receipts; the verdicts come in their order, and only when what was accepted is on disk.
    ///
    /// # Errors
    /// [`IntakeError::Stopped`].
    pub async fn take(&self, documents: Documents, room: Room) -> Result<Vec<Verdict>, IntakeError> {
        self.metrics.received.inc_by(u64::try_from(documents.len()).unwrap_or(u64::MAX));
        let mut answers = Vec::new();
        for documents in documents.split(coverage_client::signature::BATCH) {
            let (answer, verdicts) = oneshot::channel();
            let piece = Piece { documents, answer, _room: Arc::clone(&room.0) };
            self.pieces.send(piece).map_err(|_| IntakeError::Stopped)?;
            answers.push(verdicts);
        }
        drop(room);
        let verdicts = try_join_all(answers).await.map_err(|_| IntakeError::Stopped)?;
        Ok(verdicts.concat())
    }

    /// Bytes of requests under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.bytes.saturating_sub(self.room.available_permits())
    }
}
