//! What a keeper has done, as numbers.

use super::{Agenda, Duty};
use coverage_client::rpc::Snapshot;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The kind of a duty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    duty: &'static str,
}

/// Counters and gauges, in Prometheus's terms.
pub struct Metrics {
    registry: Registry,
    done: Family<Kind, Counter>,
    refused: Family<Kind, Counter>,
    overtaken: Family<Kind, Counter>,
    cluster_failures: Counter,
    claimed_units: Counter,
    due: Gauge,
    next_epoch: Gauge,
    cluster_ts: Gauge,
    treasury_units: Gauge,
    last_read: Mutex<Instant>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("coverage_keeper"),
            done: Family::default(),
            refused: Family::default(),
            overtaken: Family::default(),
            cluster_failures: Counter::default(),
            claimed_units: Counter::default(),
            due: Gauge::default(),
            next_epoch: Gauge::default(),
            cluster_ts: Gauge::default(),
            treasury_units: Gauge::default(),
            last_read: Mutex::new(Instant::now()),
        };
        let registry = &mut metrics.registry;
        registry.register("duties_done", "Duties done, by kind", metrics.done.clone());
        registry.register("duties_refused", "Duties the cluster refused, by kind", metrics.refused.clone());
        registry.register(
            "duties_overtaken",
            "Refused duties that somebody else had done, by kind",
            metrics.overtaken.clone(),
        );
        registry.register("cluster_failures", "Times the cluster could not be read", metrics.cluster_failures.clone());
        registry.register("claimed_units", "Token units claimed for operators", metrics.claimed_units.clone());
        registry.register("duties_due", "Duties due when the network was last read", metrics.due.clone());
        registry.register("next_epoch", "The first epoch that is not open", metrics.next_epoch.clone());
        registry.register("cluster_timestamp_seconds", "The cluster's time when last read", metrics.cluster_ts.clone());
        registry.register("treasury_units", "Token units in the treasury", metrics.treasury_units.clone());
        metrics
    }
}

impl Metrics {
    /// The network was read.
    pub(super) fn read(&self, snapshot: &Snapshot, agenda: &Agenda) {
        self.due.set(i64::try_from(agenda.duties.len()).unwrap_or(i64::MAX));
        self.next_epoch.set(i64::try_from(snapshot.network.next_epoch).unwrap_or(i64::MAX));
        self.cluster_ts.set(snapshot.now);
        self.treasury_units.set(i64::try_from(snapshot.network.treasury_available).unwrap_or(i64::MAX));
        *self.last_read.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// A duty was done.
    pub(super) fn done(&self, duty: &Duty) {
        self.done.get_or_create(&Kind { duty: duty.kind() }).inc();
        if let Duty::Claim { units, .. } = duty {
            self.claimed_units.inc_by(*units);
        }
    }

    /// A duty was refused.
    pub(super) fn refused(&self, duty: &'static str) {
        self.refused.get_or_create(&Kind { duty }).inc();
    }

    /// A duty that was refused had been done by somebody else.
    pub(super) fn overtaken(&self, duty: &'static str) {
        self.overtaken.get_or_create(&Kind { duty }).inc();
    }

    /// The cluster could not be read.
    pub(super) fn cluster_failed(&self) {
        self.cluster_failures.inc();
    }

    /// How long ago the network was last read, or the keeper started.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.last_read.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// In Prometheus's text format.
    ///
    /// # Errors
    /// Never: writing to memory does not fail.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
