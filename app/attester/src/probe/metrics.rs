//! What is counted.

use super::outcome;
use coverage_client::math::reliability::Outcome;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use solana_program::pubkey::Pubkey;

/// Upper bounds of the buckets of latency, in seconds.
const BUCKETS: [f64; 10] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];

/// Labels of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProbeLabels {
    /// The operator's address.
    pub operator: String,
    /// What became of it, such as `served`.
    pub outcome: &'static str,
}

/// Labels of a probe that was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SkipLabels {
    /// `late`: its moment was over when it could be sent. `busy`: the endpoint was still answering an earlier one.
    pub reason: &'static str,
}

/// Counters of probes. Clones share them.
#[derive(Clone, Debug)]
pub struct ProbeMetrics {
    /// Probes by operator and outcome.
    pub probes: Family<ProbeLabels, Counter>,
    /// Probes that were due and not sent.
    pub skipped: Family<SkipLabels, Counter>,
    /// Seconds from request to first token, of answers that were right.
    pub first_token: Histogram,
    /// Seconds from request to last token, of answers that were right.
    pub last_token: Histogram,
}

impl Default for ProbeMetrics {
    fn default() -> Self {
        Self {
            probes: Family::default(),
            skipped: Family::default(),
            first_token: Histogram::new(BUCKETS),
            last_token: Histogram::new(BUCKETS),
        }
    }
}

impl ProbeMetrics {
    /// Has the registry show them.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("probes", "Probes by operator and outcome", self.probes.clone());
        registry.register("probes_skipped", "Probes that were due and not sent", self.skipped.clone());
        let first = "Seconds from request to first token, of right answers";
        registry.register("probe_first_token_seconds", first, self.first_token.clone());
        let last = "Seconds from request to last token, of right answers";
        registry.register("probe_last_token_seconds", last, self.last_token.clone());
    }

    pub(super) fn count(&self, operator: &Pubkey, outcome: Outcome) {
        let labels = ProbeLabels { operator: operator.to_string(), outcome: outcome::name(outcome) };
        self.probes.get_or_create(&labels).inc();
    }

    pub(super) fn skip(&self, reason: &'static str) {
        self.skipped.get_or_create(&SkipLabels { reason }).inc();
    }
}
