//! What Prometheus is shown.

use crate::agreement::AgreementMetrics;
use crate::intake::Verdict;
use crate::probe::ProbeMetrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::{Arc, Mutex, PoisonError};

/// Upper bounds of the store's latency, in seconds.
const STORE_BUCKETS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Labels of refused receipts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusalLabels {
    /// The refusal's code.
    pub code: &'static str,
}

/// All metrics of an attester. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    /// Receipts that sources handed over.
    pub received: Counter,
    /// Of them those about which it is known what became of them.
    pub judged: Counter,
    /// Of them stored.
    pub accepted: Counter,
    /// Of them stored before.
    pub duplicates: Counter,
    /// Of them refused, by code.
    pub refused: Family<RefusalLabels, Counter>,
    /// Requests turned away for want of room.
    pub turned_away: Counter,
    /// Bytes of requests under way.
    pub queue_bytes: Gauge,
    /// Seconds that one write to the store took.
    pub store_seconds: Histogram,
    /// Receipts that wait for a batch.
    pub waiting: Gauge,
    /// Batches published.
    pub batches_applied: Counter,
    /// Seconds since the chain was read.
    pub directory_age_seconds: Gauge,
    /// Of the agreement.
    pub agreement: AgreementMetrics,
    /// Of probes.
    pub probes: ProbeMetrics,
    registry: Arc<Mutex<Registry>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("coverage_attester");
        let metrics = Self {
            received: Counter::default(),
            judged: Counter::default(),
            accepted: Counter::default(),
            duplicates: Counter::default(),
            refused: Family::default(),
            turned_away: Counter::default(),
            queue_bytes: Gauge::default(),
            store_seconds: Histogram::new(STORE_BUCKETS),
            waiting: Gauge::default(),
            batches_applied: Counter::default(),
            directory_age_seconds: Gauge::default(),
            agreement: AgreementMetrics::default(),
            probes: ProbeMetrics::default(),
            registry: Arc::default(),
        };
        // The library adds `_total` to the names of counters.
        registry.register("receipts_received", "Receipts handed over by sources", metrics.received.clone());
        registry.register("receipts_judged", "Receipts stored or refused", metrics.judged.clone());
        registry.register("receipts_accepted", "Receipts stored", metrics.accepted.clone());
        registry.register("receipts_duplicate", "Receipts that were stored before", metrics.duplicates.clone());
        registry.register("receipts_refused", "Receipts refused, by code", metrics.refused.clone());
        registry.register("requests_turned_away", "Requests there was no room for", metrics.turned_away.clone());
        registry.register("queue_bytes", "Bytes of requests under way", metrics.queue_bytes.clone());
        registry.register("store_seconds", "Seconds a write to the store took", metrics.store_seconds.clone());
        registry.register("receipts_waiting", "Receipts that wait for a batch", metrics.waiting.clone());
        registry.register("batches_applied", "Batches applied and published", metrics.batches_applied.clone());
        let age = metrics.directory_age_seconds.clone();
        registry.register("directory_age_seconds", "Seconds since the chain was read", age);
        metrics.agreement.register(&mut registry);
        metrics.probes.register(&mut registry);
        Self { registry: Arc::new(Mutex::new(registry)), ..metrics }
    }
}

impl Metrics {
    /// Has `more` register metrics of its own.
    pub fn register(&self, more: impl FnOnce(&mut Registry)) {
        more(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything in OpenMetrics text.
    #[must_use]
    pub fn show(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner));
        text
    }

    pub(crate) fn count(&self, verdicts: &[Verdict]) {
        self.judged.inc_by(u64::try_from(verdicts.len()).unwrap_or(u64::MAX));
        for verdict in verdicts {
            match verdict {
                Verdict::Accepted => self.accepted.inc(),
                Verdict::Duplicate => self.duplicates.inc(),
                Verdict::Refused(refusal) => self.refused.get_or_create(&RefusalLabels { code: refusal.code() }).inc(),
            };
        }
    }
}
