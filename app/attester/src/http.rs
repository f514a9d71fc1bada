//! What attesters and workers serve over HTTP, and whether they are well.

use crate::directory::Observer;
use crate::intake::{self, Intake};
use crate::metrics::Metrics;
use crate::store::Store;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// An older view of the chain is no good to sign by, and receipts of a new epoch are not taken.
const STALE: Duration = Duration::from_secs(60);
/// As long as receipts are under way without one of them being judged, something is stuck.
const STUCK: Duration = Duration::from_secs(30);

/// What is asked how the attester is.
#[derive(Clone)]
pub struct Health {
    /// Reads the chain.
    pub observer: Observer,
    /// Takes receipts.
    pub intake: Intake,
    /// Counts them.
    pub metrics: Metrics,
    /// Keeps them.
    pub store: Store,
    /// Cancelled once the store has failed.
    pub failed: CancellationToken,
    /// How many receipts were judged when that last changed, and when it did.
    judged: Arc<Mutex<(u64, Instant)>>,
}

impl Health {
    /// Nothing is stuck yet.
    #[must_use]
    pub fn new(observer: Observer, intake: Intake, metrics: Metrics, store: Store, failed: CancellationToken) -> Self {
        Self { observer, intake, metrics, store, failed, judged: Arc::new(Mutex::new((0, Instant::now()))) }
    }

    /// What is wrong.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let age = self.observer.last().age();
        if age > STALE {
            complaints.push(format!("the chain was last read {} seconds ago; see that rpc_url answers", age.as_secs()));
        }
        let now = self.metrics.judged.get();
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if judged.0 != now || self.metrics.received.get() == now {
            *judged = (now, Instant::now());
        }
        if judged.1.elapsed() > STUCK {
            complaints.push(
                "receipts are under way and none gets through; see that the disk of the store is sound, and that a \
                 worker's attester answers"
                    .to_owned(),
            );
        }
        if self.failed.is_cancelled() {
            complaints
                .push("the store has failed; see that its disk has room, then start the attester again".to_owned());
        }
        complaints
    }
}

/// The routes of attesters and workers: for receipts of at most `request_bytes` at once, and for those who watch.
pub fn router(health: Health, request_bytes: usize) -> Router {
    let intake = intake::http::routes(health.intake.clone(), request_bytes);
    let own = Router::new().route("/healthz", get(healthz)).route("/metrics", get(metrics)).with_state(health);
    own.merge(intake)
}

async fn healthz(State(health): State<Health>) -> Response {
    let complaints = health.complaints();
    let status = if complaints.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "healthy": complaints.is_empty(), "reasons": complaints }))).into_response()
}

async fn metrics(State(health): State<Health>) -> Response {
    let metrics = &health.metrics;
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    metrics.queue_bytes.set(count(health.intake.under_way()));
    metrics.directory_age_seconds.set(i64::try_from(health.observer.last().age().as_secs()).unwrap_or(i64::MAX));
    if let Ok(waiting) = health.store.waiting() {
        let receipts = waiting.iter().fold(0u64, |sum, waiting| sum.saturating_add(waiting.receipts));
        metrics.waiting.set(i64::try_from(receipts).unwrap_or(i64::MAX));
    }
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], metrics.show())
        .into_response()
}
