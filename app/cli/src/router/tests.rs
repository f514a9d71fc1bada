//! What must hold of every replay, and every outcome by hand.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::server::work_milli;
use super::*;
use crate::scenario::{
    Capability, FaultRates, OperatorSpec, Request, Scenario, ScenarioKind, SizeClass, WorkUnit, WorkloadSpec, bundled,
};

const CALM: RouterConfig = RouterConfig {
    seed: 0,
    max_attempts: 3,
    probes_per_epoch: 0,
    queue_per_stream: 1,
    round_trip_us: 20_000,
    routing_failure_ppm: 0,
    domain_outage_ppm: 0,
};

fn operator(domain: u32, faults: FaultRates) -> OperatorSpec {
    OperatorSpec { name: format!("operator of domain {domain}"), domain, bond: 1, faults }
}

fn workload(latency_objective_ms: u32) -> WorkloadSpec {
    WorkloadSpec {
        name: "chat / Server".into(),
        model: "chat".into(),
        scenario_kind: ScenarioKind::Server,
        work_unit: WorkUnit::Tokens,
        size_class: SizeClass::Compact,
        context_window: 1_000_000,
        weight: 1,
        hardware_class: 1,
        latency_objective_ms,
    }
}

fn capability(operator: usize, workload: usize, tokens_per_second: u64) -> Capability {
    let throughput_milli = tokens_per_second * 1_000;
    Capability { operator, workload, throughput_milli, streams: 1, max_context_tokens: 16_384, from_epoch: 0 }
}

fn scenario(
    operators: Vec<OperatorSpec>,
    workloads: Vec<WorkloadSpec>,
    capabilities: Vec<Capability>,
    requests: &[(u64, usize, u32, u32)],
) -> Scenario {
    let request =
        |((at_us, workload, context_tokens, generated_tokens), seq): (&(u64, usize, u32, u32), u64)| Request {
            seq,
            at_us: *at_us,
            workload: *workload,
            context_tokens: *context_tokens,
            generated_tokens: *generated_tokens,
        };
    Scenario {
        title: "test".into(),
        sources: Vec::new(),
        invented: true,
        notes: Vec::new(),
        domains: (1..=operators.iter().map(|operator| operator.domain).max().unwrap_or(0))
            .map(|d| d.to_string())
            .collect(),
        operators,
        workloads,
        capabilities,
        requests: requests.iter().zip(0..).map(request).collect(),
        epochs: 2,
        epoch_us: 50_000_000,
    }
}

/// One workload, one operator and one outcome after the other; requests need 10 tokens unless the outcome says otherwise.
fn crafted() -> Scenario {
    let always = 1_000_000;
    let operators = vec![
        operator(1, FaultRates::default()),
        operator(1, FaultRates { unavailable_ppm: always, ..FaultRates::default() }),
        operator(2, FaultRates { verification_ppm: always, ..FaultRates::default() }),
    ];
    let workloads = [30_000, 30_000, 30_000, 30_000, 5_000, 30_000].map(workload).to_vec();
    let capabilities = vec![
        capability(0, 0, 100),
        capability(1, 1, 100),
        capability(0, 2, 100),
        capability(0, 3, 10),
        capability(0, 4, 1),
        capability(2, 5, 100),
    ];
    let requests = [
        (0, 0, 160, 10),
        (1, 1, 0, 10),
        (2, 2, 20_000, 10),
        (3, 3, 0, 10),
        (3, 3, 0, 10),
        (3, 3, 0, 10),
        (4, 4, 0, 10),
        (5, 5, 0, 10),
    ];
    scenario(operators, workloads, capabilities, &requests)
}

#[test]
fn all_seven_outcomes_with_their_numbers() {
    let run = simulate(&crafted(), &CALM).unwrap();
    let seen: Vec<_> = run.attempts.iter().map(|a| (a.request_seq, a.operator, a.outcome, a.latency_ms)).collect();
    let expected = [
        // 160 / 16 + 10 = 20 tokens at 100 a second, and 20 ms of network.
        (0, 0, Outcome::Served, 220),
        (1, 1, Outcome::ModelUnavailable, 20),
        (2, 0, Outcome::HardwareIncompatible, 20),
        // 10 tokens at 10 a second; the second waits for the first, the third finds the queue full.
        (3, 0, Outcome::Served, 1_020),
        (4, 0, Outcome::Served, 2_020),
        (5, 0, Outcome::CapacityExhausted, 20),
        // 10 tokens at 1 a second against an objective of 5 s.
        (6, 0, Outcome::LatencyExceeded, 5_000),
        (7, 2, Outcome::VerificationFailed, 120),
    ];
    assert_eq!(seen, expected);
    assert_eq!(run.requests_served, [3, 0, 0]);
    assert_eq!(run.outcome_counts(), [3, 1, 1, 1, 0, 1, 1]);
    let unserved: HashSet<_> = run.unserved.iter().map(|u| (u.request_seq, u.attempts, u.cause)).collect();
    let failed = |seq| (seq, 1, UnservedCause::AttemptsFailed);
    assert_eq!(unserved, [1, 2, 5, 6, 7].map(failed).into());

    let lossy = RouterConfig { routing_failure_ppm: 1_000_000, ..CALM };
    let run = simulate(&crafted(), &lossy).unwrap();
    assert_eq!(run.outcome_counts(), [0, 0, 0, 0, 8, 0, 0]);
    assert!(run.attempts.iter().all(|attempt| attempt.latency_ms == 20));
}

#[test]
fn a_retry_leaves_the_failure_domain_that_failed() {
    let broken = FaultRates { unavailable_ppm: 1_000_000, ..FaultRates::default() };
    let operators =
        vec![operator(1, broken), operator(1, broken), operator(1, broken), operator(2, FaultRates::default())];
    let capabilities = (0..4).map(|index| capability(index, 0, 1_000)).collect();
    let requests: Vec<_> = (0..60).map(|index| (index * 500_000, 0, 0, 10)).collect();
    let run = simulate(&scenario(operators, vec![workload(1_000)], capabilities, &requests), &CALM).unwrap();
    assert_eq!(run.requests_served, [0, 0, 0, 60]);
    assert!(run.attempts.len() > 60 && run.attempts.len() <= 120, "one failure at most before the other domain");
}

#[test]
fn nobody_there_yet_and_nothing_sent_after_the_end() {
    let broken = FaultRates { unavailable_ppm: 1_000_000, ..FaultRates::default() };
    let operators = vec![operator(1, broken), operator(2, broken)];
    let late = Capability { from_epoch: 1, ..capability(0, 1, 10) };
    let capabilities = vec![capability(0, 0, 10), capability(1, 0, 10), late];
    let requests = [(0, 1, 0, 1), (99_999_000, 0, 0, 1)];
    let run = simulate(&scenario(operators, vec![workload(1_000); 2], capabilities, &requests), &CALM).unwrap();
    let causes: Vec<_> = run.unserved.iter().map(|u| (u.request_seq, u.attempts, u.cause)).collect();
    assert_eq!(causes, [(0, 0, UnservedCause::NoOperator), (1, 1, UnservedCause::OutOfTime)]);
}

#[test]
fn every_capability_is_probed_in_every_epoch_it_is_offered() {
    let scenario = bundled::scenario();
    let run = simulate(&scenario, &RouterConfig::default()).unwrap();
    let mut probes: HashMap<(usize, usize, u32), u32> = HashMap::new();
    for attempt in run.attempts.iter().filter(|attempt| attempt.probe) {
        *probes.entry((attempt.operator, attempt.workload, attempt.epoch)).or_default() += 1;
    }
    let offered: u32 = scenario.capabilities.iter().map(|capability| scenario.epochs - capability.from_epoch).sum();
    assert_eq!(probes.len(), offered as usize);
    assert!(probes.values().all(|count| *count == 12));
}

#[test]
fn the_bundled_replay_has_not_changed() {
    let run = simulate(&bundled::scenario(), &RouterConfig::default()).unwrap();
    assert_eq!(run.outcome_counts(), [2_024, 98, 10, 16, 5, 0, 31]);
    assert_eq!(run.requests_served.iter().sum::<u64>(), 1_395);
}

#[test]
fn inconsistent_input_is_refused() {
    let mut scenario = crafted();
    assert!(simulate(&scenario, &RouterConfig { max_attempts: 0, ..CALM }).is_err());
    scenario.requests[0].workload = 99;
    assert!(simulate(&scenario, &CALM).unwrap_err().to_string().contains("request 0 has a wrong number"));
    scenario = crafted();
    scenario.capabilities[0].throughput_milli = 0;
    assert!(simulate(&scenario, &CALM).unwrap_err().to_string().contains("operator 0 for workload 0"));
    scenario = crafted();
    scenario.operators[0].domain = 3;
    assert!(simulate(&scenario, &CALM).is_err());
    scenario = crafted();
    scenario.epochs = 0;
    assert!(simulate(&scenario, &CALM).is_err());
}

prop_compose! {
    fn any_operator()(domain in 1..4_u32, maintenance_ppm in 0..500_000_u32, unavailable_ppm in 0..300_000_u32,
                      verification_ppm in 0..200_000_u32) -> OperatorSpec {
        operator(domain, FaultRates { maintenance_ppm, unavailable_ppm, verification_ppm })
    }
}

prop_compose! {
    fn any_scenario()(operators in prop::collection::vec(any_operator(), 1..6))
                     (offers in prop::collection::hash_map((0..operators.len(), 0..3_usize), (1..200_u64, 1..4_u32, 0..2_u32), 1..12),
                      mut requests in prop::collection::vec((0..100_000_000_u64, 0..3_usize, 0..20_000_u32, 0..200_u32), 0..80),
                      operators in Just(operators)) -> Scenario {
        let mut capabilities: Vec<_> = offers
            .into_iter()
            .map(|((operator, workload), (speed, streams, from_epoch))| {
                Capability { streams, from_epoch, ..capability(operator, workload, speed) }
            })
            .collect();
        capabilities.sort_by_key(|capability| (capability.operator, capability.workload));
        requests.sort_unstable();
        scenario(operators, [2_000, 10_000, 60_000].map(workload).to_vec(), capabilities, &requests)
    }
}

prop_compose! {
    fn any_config()(seed in any::<u64>(), max_attempts in 1..5_u32, probes_per_epoch in 0..20_u32, queue_per_stream in 0..3_u32,
                    routing_failure_ppm in 0..200_000_u32, domain_outage_ppm in 0..1_000_000_u32) -> RouterConfig {
        RouterConfig { seed, max_attempts, probes_per_epoch, queue_per_stream, round_trip_us: 20_000, routing_failure_ppm, domain_outage_ppm }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_same_input_gives_the_same_run(scenario in any_scenario(), config in any_config()) {
        prop_assert_eq!(simulate(&scenario, &config).unwrap(), simulate(&scenario, &config).unwrap());
    }

    #[test]
    fn every_request_is_served_once_or_listed_unserved(scenario in any_scenario(), config in any_config()) {
        let run = simulate(&scenario, &config).unwrap();
        let unserved: HashMap<u64, &Unserved> = run.unserved.iter().map(|u| (u.request_seq, u)).collect();
        prop_assert_eq!(unserved.len(), run.unserved.len());
        let served: u64 = run.requests_served.iter().sum();
        prop_assert_eq!(served + unserved.len() as u64, scenario.requests.len() as u64);
        for request in &scenario.requests {
            let tries: Vec<_> = run.attempts.iter().filter(|a| !a.probe && a.request_seq == request.seq).collect();
            let served = tries.iter().filter(|a| a.outcome == Outcome::Served).count();
            prop_assert!(tries.len() <= config.max_attempts as usize);
            prop_assert_eq!(served, usize::from(!unserved.contains_key(&request.seq)));
            prop_assert!(unserved.get(&request.seq).is_none_or(|u| u.attempts as usize == tries.len()));
        }
        let ids: HashSet<_> = run.attempts.iter().map(|a| (a.request_seq, a.operator)).collect();
        prop_assert_eq!(ids.len(), run.attempts.len(), "a request and an operator meet at most once");
    }

    #[test]
    fn attempts_are_in_order_in_their_epoch_and_at_someone_who_offers(scenario in any_scenario(), config in any_config()) {
        let run = simulate(&scenario, &config).unwrap();
        prop_assert!(run.attempts.is_sorted_by_key(|a| a.at_us));
        for attempt in &run.attempts {
            prop_assert!(attempt.epoch < scenario.epochs);
            prop_assert_eq!(u64::from(attempt.epoch), attempt.at_us / scenario.epoch_us);
            prop_assert!(attempt.latency_ms <= scenario.workloads[attempt.workload].latency_objective_ms);
            let offered = |c: &Capability| c.operator == attempt.operator && c.workload == attempt.workload && c.from_epoch <= attempt.epoch;
            prop_assert!(scenario.capabilities.iter().any(offered));
        }
    }

    #[test]
    fn no_server_is_faster_or_fuller_than_it_is(scenario in any_scenario(), config in any_config()) {
        let run = simulate(&scenario, &config).unwrap();
        for capability in &scenario.capabilities {
            // Start, end and work of everything carried out; latencies round up, so ends are never too early.
            let done: Vec<(u64, u64, u64)> = run.attempts.iter()
                .filter(|a| (a.operator, a.workload) == (capability.operator, capability.workload))
                .filter(|a| matches!(a.outcome, Outcome::Served | Outcome::VerificationFailed))
                .map(|a| {
                    let size = scenario.requests.iter().find(|request| request.seq == a.request_seq)
                        .map_or((256, 64), |request| (request.context_tokens, request.generated_tokens));
                    let end_us = a.at_us + u64::from(a.latency_ms) * 1_000 - config.round_trip_us;
                    (a.at_us, end_us, work_milli(WorkUnit::Tokens, size.0, size.1))
                })
                .collect();
            for (from, ..) in &done {
                for (_, to, _) in done.iter().filter(|(_, to, _)| to > from) {
                    let work: u64 = done.iter().filter(|(start, end, _)| start >= from && end <= to).map(|(.., work)| work).sum();
                    prop_assert!(u128::from(work) * 1_000_000 <= u128::from(capability.throughput_milli) * u128::from(to - from));
                }
                let present = done.iter().filter(|(start, end, _)| start <= from && *end > from + 1_000).count();
                prop_assert!(present <= capability.streams as usize * (1 + config.queue_per_stream as usize));
            }
        }
    }
}
