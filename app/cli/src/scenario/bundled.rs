//! The scenario that ships with the program. **Invented**: no such operators, models or requests exist.
//!
//! A network small enough to check by hand, made to show what paying for coverage does:
//!
//! | failure domain | operators | what it shows |
//! |---|---|---|
//! | Aurora Cloud | four identical machines, the same two workloads each | copies that fail together share one reach |
//! | Borealis Labs | two; one starts orbit-400b in the last epoch | a neglected pool waits for whoever comes |
//! | Cobalt Grid | one small machine, alone in quill-30b | scarce coverage pays, until a rush overruns it |
//! | Dune Compute | one that misses its model in three of ten attempts | evidence decides, not commitment |
//! | Ember Systems | two; one fails verification in one of ten | a breach pays nothing |

use super::{
    Capability, FaultRates, OperatorSpec, Request, Scenario, ScenarioKind, SizeClass, WorkUnit, WorkloadSpec, models,
};
use crate::splitmix::{Purpose, below, draw};

const EPOCHS: u32 = 3;
const EPOCH_US: u64 = 600_000_000;
const REQUESTS: u64 = 1_500;
const TOKENS_PER_SECOND_AND_STREAM: u64 = 80;
/// One request in eight arrives in this minute of the second epoch.
const RUSH_US: std::ops::Range<u64> = 840_000_000..900_000_000;
const DOMAINS: [&str; 5] = ["Aurora Cloud", "Borealis Labs", "Cobalt Grid", "Dune Compute", "Ember Systems"];
const HEALTHY: FaultRates = FaultRates { maintenance_ppm: 20_000, unavailable_ppm: 2_000, verification_ppm: 0 };
const UNRELIABLE: FaultRates = FaultRates { unavailable_ppm: 300_000, ..HEALTHY };
const BREACHING: FaultRates = FaultRates { verification_ppm: 100_000, ..HEALTHY };

/// Name, failure domain, bond in base units, faults.
const OPERATORS: [(&str, u32, u64, FaultRates); 10] = [
    ("Aurora Cloud/east-1", 1, 1_000_000_000, HEALTHY),
    ("Aurora Cloud/east-2", 1, 1_000_000_000, HEALTHY),
    ("Aurora Cloud/east-3", 1, 1_000_000_000, HEALTHY),
    ("Aurora Cloud/east-4", 1, 1_000_000_000, HEALTHY),
    ("Borealis Labs/fjord", 2, 1_500_000_000, HEALTHY),
    ("Borealis Labs/tundra", 2, 3_000_000_000, HEALTHY),
    ("Cobalt Grid/mill", 3, 1_200_000_000, HEALTHY),
    ("Dune Compute/mirage", 4, 1_000_000_000, UNRELIABLE),
    ("Ember Systems/forge", 5, 1_000_000_000, HEALTHY),
    ("Ember Systems/spark", 5, 1_000_000_000, BREACHING),
];

/// Model, manner of serving, requests per hundred.
const WORKLOADS: [(&str, ScenarioKind, u64); 5] = [
    ("atlas-8b", ScenarioKind::Interactive, 40),
    ("atlas-70b", ScenarioKind::Server, 30),
    ("atlas-70b", ScenarioKind::Offline, 12),
    ("quill-30b", ScenarioKind::Server, 10),
    ("orbit-400b", ScenarioKind::Server, 8),
];

/// Operator, workload, tokens per second, first epoch.
const CAPABILITIES: [(usize, usize, u64, u32); 19] = [
    (0, 0, 900, 0),
    (0, 1, 1_200, 0),
    (1, 0, 900, 0),
    (1, 1, 1_200, 0),
    (2, 0, 900, 0),
    (2, 1, 1_200, 0),
    (3, 0, 900, 0),
    (3, 1, 1_200, 0),
    (4, 0, 1_500, 0),
    (4, 2, 2_000, 0),
    (5, 1, 2_500, 0),
    (5, 4, 800, 2),
    (6, 1, 60, 0),
    (6, 3, 40, 0),
    (7, 0, 1_000, 0),
    (7, 2, 900, 0),
    (8, 1, 1_400, 0),
    (9, 0, 1_100, 0),
    (9, 2, 1_500, 0),
];

/// The bundled scenario: ten operators in five domains, five workloads, 1,500 requests in three epochs of ten minutes.
#[must_use]
pub fn scenario() -> Scenario {
    let operator = |(name, domain, bond, faults): (&str, u32, u64, FaultRates)| OperatorSpec {
        name: name.into(),
        domain,
        bond,
        faults,
    };
    let workloads: Vec<WorkloadSpec> =
        WORKLOADS.iter().map(|(model, kind, _)| models::workload(model, *kind, WorkUnit::Tokens, true)).collect();
    let capability = |(operator, workload, tokens_per_second, from_epoch): (usize, usize, u64, u32)| Capability {
        operator,
        workload,
        throughput_milli: tokens_per_second * 1_000,
        streams: u32::try_from(tokens_per_second / TOKENS_PER_SECOND_AND_STREAM).unwrap_or(u32::MAX).max(1),
        // Dune's accelerators are small, so its longest requests do not fit.
        max_context_tokens: if operator == 7 { 2_048 } else { 16_384 },
        from_epoch,
    };
    Scenario {
        title: "An invented network of ten operators".into(),
        sources: vec!["bundled with covctl; every name and number in it is invented".into()],
        invented: true,
        notes: Vec::new(),
        operators: OPERATORS.into_iter().map(operator).collect(),
        domains: DOMAINS.map(String::from).to_vec(),
        requests: requests(&workloads),
        workloads,
        capabilities: CAPABILITIES.into_iter().map(capability).collect(),
        epochs: EPOCHS,
        epoch_us: EPOCH_US,
    }
}

/// Requests at drawn times, with a rush; sizes grow with the model, and one in twelve has a long context.
fn requests(workloads: &[WorkloadSpec]) -> Vec<Request> {
    let span_us = u64::from(EPOCHS) * EPOCH_US;
    let drawn = |index: u64, what: u64, bound: u64| below(draw(0, Purpose::Invented, [index, what, 0]), bound);
    let tokens = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let mut requests: Vec<Request> = (0..REQUESTS)
        .map(|index| {
            let workload = workload_at(drawn(index, 1, 100));
            let size = match workloads.get(workload).map(|spec| spec.size_class) {
                Some(SizeClass::Standard) => 2,
                Some(SizeClass::Large) => 3,
                Some(SizeClass::Compact | SizeClass::NotLanguage) | None => 1,
            };
            let at_us = match drawn(index, 6, 8) {
                0 => RUSH_US.start + drawn(index, 0, RUSH_US.end - RUSH_US.start),
                _ => drawn(index, 0, span_us),
            };
            let long_context = if drawn(index, 2, 12) == 0 { 2_000 + drawn(index, 3, 2_000) } else { 0 };
            Request {
                seq: 0,
                at_us,
                workload,
                context_tokens: tokens(50 + drawn(index, 4, 600) * size + long_context),
                generated_tokens: tokens(10 + drawn(index, 5, 90) * size),
            }
        })
        .collect();
    requests.sort_by_key(|request| request.at_us);
    requests.iter_mut().zip(0..).for_each(|(request, seq)| request.seq = seq);
    requests
}

/// The workload of a percentile of the demand.
fn workload_at(percentile: u64) -> usize {
    let mut upper = 0;
    WORKLOADS
        .iter()
        .position(|(_, _, share)| {
            upper += share;
            percentile < upper
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn the_bundled_scenario_is_consistent_small_and_marked_as_invented() {
        let scenario = scenario();
        scenario.validate().unwrap();
        assert!(scenario.invented);
        assert_eq!((scenario.operators.len(), scenario.domains.len(), scenario.workloads.len()), (10, 5, 5));
        assert_eq!((scenario.requests.len(), scenario.epochs), (1_500, 3));
        assert_eq!(WORKLOADS.iter().map(|(_, _, share)| share).sum::<u64>(), 100);
        let orbit: Vec<_> = scenario.capabilities.iter().filter(|c| c.workload == 4).map(|c| c.from_epoch).collect();
        assert_eq!(orbit, [2], "nobody covers orbit-400b before the last epoch");
    }
}
