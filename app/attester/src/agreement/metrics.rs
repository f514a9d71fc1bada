//! What is counted.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

/// Counters of the agreement. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct AgreementMetrics {
    /// Batches proposed to the others.
    pub proposed: Counter,
    /// Batches of others signed.
    pub signed: Counter,
    /// Batches of others not signed.
    pub objected: Counter,
}

impl AgreementMetrics {
    /// Shows them in `registry`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("batches_proposed", "Batches proposed to the other attesters", self.proposed.clone());
        registry.register("batches_signed", "Batches of other attesters signed", self.signed.clone());
        registry.register("batches_objected", "Batches of other attesters not signed", self.objected.clone());
    }
}
