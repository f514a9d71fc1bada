//! What is broken when: outages of whole failure domains, maintenance of single models, and faults of single attempts.

use super::RouterConfig;
use crate::scenario::{FaultRates, Scenario};
use crate::splitmix::{Purpose, below, draw, happens};

/// Where an attempt goes; faults are drawn per attempt, so a retry elsewhere has its own luck.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// Index of the operator.
    pub operator: usize,
    /// Index of the workload.
    pub workload: usize,
    /// Number of the request or probe.
    pub request_seq: u64,
    /// When the attempt arrives, in microseconds.
    pub at_us: u64,
}

/// Answers what is broken; holds no state, so the order of questions does not matter.
#[derive(Clone, Copy)]
pub(super) struct Faults<'a> {
    scenario: &'a Scenario,
    config: &'a RouterConfig,
}

impl<'a> Faults<'a> {
    /// The faults of this scenario under this configuration.
    pub fn new(scenario: &'a Scenario, config: &'a RouterConfig) -> Self {
        Self { scenario, config }
    }

    /// Whether the network loses the attempt.
    pub fn routing_failed(&self, target: Target) -> bool {
        happens(self.per_attempt(Purpose::Route, target), self.config.routing_failure_ppm)
    }

    /// Whether the domain is down, the model under maintenance or just not loaded.
    pub fn model_unavailable(&self, target: Target) -> bool {
        let domain = self.scenario.operators.get(target.operator).map(|operator| operator.domain);
        domain.is_some_and(|domain| self.domain_down(domain, target.at_us))
            || self.under_maintenance(target)
            || happens(self.per_attempt(Purpose::Availability, target), self.rates(target).unavailable_ppm)
    }

    /// Whether the execution fails its verification.
    pub fn verification_failed(&self, target: Target) -> bool {
        happens(self.per_attempt(Purpose::Verification, target), self.rates(target).verification_ppm)
    }

    fn domain_down(&self, domain: u32, at_us: u64) -> bool {
        let keys = [u64::from(domain), 0, at_us / self.scenario.epoch_us];
        self.in_window(Purpose::DomainOutage, keys, self.config.domain_outage_ppm, at_us)
    }

    fn under_maintenance(&self, target: Target) -> bool {
        let keys = [target.operator as u64, target.workload as u64, target.at_us / self.scenario.epoch_us];
        self.in_window(Purpose::Maintenance, keys, self.rates(target).maintenance_ppm, target.at_us)
    }

    /// Whether a window of a twentieth to a third of the epoch, drawn for these keys, exists and contains the time.
    fn in_window(&self, purpose: Purpose, keys: [u64; 3], ppm: u32, at_us: u64) -> bool {
        let epoch_us = self.scenario.epoch_us;
        let seeded = |salt: u64| draw(self.config.seed.wrapping_add(salt << 32), purpose, keys);
        if !happens(seeded(0), ppm) {
            return false;
        }
        let length = epoch_us / 20 + below(seeded(1), epoch_us / 3 - epoch_us / 20 + 1);
        let start = below(seeded(2), epoch_us - length + 1);
        (start..start + length).contains(&(at_us % epoch_us))
    }

    fn per_attempt(&self, purpose: Purpose, target: Target) -> u64 {
        draw(self.config.seed, purpose, [target.operator as u64, target.workload as u64, target.request_seq])
    }

    fn rates(&self, target: Target) -> FaultRates {
        self.scenario.operators.get(target.operator).map(|operator| operator.faults).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::scenario::bundled;

    #[test]
    fn an_outage_takes_down_the_whole_domain_at_once_and_ends() {
        let scenario = bundled::scenario();
        let config = RouterConfig { domain_outage_ppm: 1_000_000, ..RouterConfig::default() };
        let faults = Faults::new(&scenario, &config);
        let domain = scenario.operators[0].domain;
        let down = (0..scenario.epoch_us).step_by(1_000_000).filter(|at_us| faults.domain_down(domain, *at_us)).count();
        let seconds = usize::try_from(scenario.epoch_us / 1_000_000).unwrap();
        assert!((seconds / 20 - 1..=seconds / 3 + 1).contains(&down), "{down} of {seconds} s");
        for at_us in (0..scenario.epoch_us).step_by(1_000_000) {
            for (operator, _) in scenario.operators.iter().enumerate().filter(|(_, spec)| spec.domain == domain) {
                let target = Target { operator, workload: 0, request_seq: 1, at_us };
                assert!(!faults.domain_down(domain, at_us) || faults.model_unavailable(target));
            }
        }
    }
}
