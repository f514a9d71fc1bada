//! The coverage map: for each workload, how far each failure domain reaches.

use std::collections::BTreeMap;

use super::{CellReport, Report};

/// What one failure domain does for one workload in its last settled epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DomainReach {
    /// Reach `r_g`, the best Wilson bound among the domain's slots: `reach_q32 / 2^32`.
    pub reach_q32: u32,
    /// Slots of the domain.
    pub slots: u32,
    /// Their attempts.
    pub attempts: u64,
    /// Whether one of them breached verification.
    pub breach: bool,
    /// Their rewards together, in base units.
    pub reward: u64,
}

/// Reaches by (workload position, failure domain), and the order in which to show the domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageMap {
    /// Only pairs with a slot.
    pub reaches: BTreeMap<(usize, u32), DomainReach>,
    /// Failure domains with a slot, those that reach most workloads first.
    pub domains: Vec<u32>,
}

impl CoverageMap {
    /// The map of each workload's last settled epoch.
    #[must_use]
    pub fn new(report: &Report) -> Self {
        let mut reaches: BTreeMap<(usize, u32), DomainReach> = BTreeMap::new();
        for operator in &report.operators {
            for slot in &operator.slots {
                if last_cell(report, slot.workload).is_none_or(|cell| cell.epoch != slot.epoch) {
                    continue;
                }
                let reach = reaches.entry((slot.workload, operator.domain)).or_default();
                reach.reach_q32 = reach.reach_q32.max(slot.p_q32);
                reach.slots += 1;
                reach.attempts += slot.attempts;
                reach.breach |= slot.reason == "VerificationBreach";
                reach.reward = reach.reward.saturating_add(slot.reward);
            }
        }
        let mut workloads_reached: BTreeMap<u32, u32> = BTreeMap::new();
        for (_, domain) in reaches.keys() {
            *workloads_reached.entry(*domain).or_default() += 1;
        }
        let mut domains: Vec<(u32, u32)> = workloads_reached.into_iter().collect();
        domains.sort_by_key(|(domain, reached)| (std::cmp::Reverse(*reached), *domain));
        let domains = domains.into_iter().map(|(domain, _)| domain).collect();
        Self { reaches, domains }
    }
}

/// A workload's last settled cell.
pub(super) fn last_cell(report: &Report, workload: usize) -> Option<&CellReport> {
    report.workloads.get(workload)?.cells.last()
}
