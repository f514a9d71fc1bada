//! The event loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::faults::{Faults, Target};
use super::server::{Admission, Server, probe, work_milli};
use super::{Attempt, Outcome, RouterConfig, Simulation, Unserved, UnservedCause};
use crate::scenario::{Request, Scenario, ScenarioError};
use crate::splitmix::{Purpose, below, draw};

/// Replays a scenario.
///
/// # Errors
/// [`ScenarioError::Inconsistent`] from [`Scenario::validate`], and for a configuration without attempts.
pub fn simulate(scenario: &Scenario, config: &RouterConfig) -> Result<Simulation, ScenarioError> {
    scenario.validate()?;
    if config.max_attempts == 0 {
        return Err(ScenarioError::Inconsistent { what: "requests get no attempts".into() });
    }
    let mut run = Run::new(scenario, config);
    let mut next_request = 0;
    while let Some(event) = run.next_event(&mut next_request) {
        match event.probe {
            Some(capability) => {
                run.attempt(capability, &event.request, event.at_us, true);
            }
            None => run.try_request(event),
        }
    }
    Ok(run.simulation)
}

/// Something that happens at a time; the derived order (time, number) makes the loop deterministic.
#[derive(Clone, PartialEq, Eq)]
struct Event {
    at_us: u64,
    request: Request,
    /// The capability a probe is for.
    probe: Option<usize>,
    /// Operators already tried.
    tried: Vec<usize>,
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.request.seq).cmp(&(other.at_us, other.request.seq))
    }
}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

struct Run<'a> {
    scenario: &'a Scenario,
    config: &'a RouterConfig,
    faults: Faults<'a>,
    /// One server per capability.
    servers: Vec<Server>,
    /// Capabilities of each workload.
    offers: Vec<Vec<usize>>,
    end_us: u64,
    /// Probes and retries; first attempts come from the scenario, which has them in order already.
    pending: BinaryHeap<Reverse<Event>>,
    simulation: Simulation,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, config: &'a RouterConfig) -> Self {
        let mut offers = vec![Vec::new(); scenario.workloads.len()];
        for (index, capability) in scenario.capabilities.iter().enumerate() {
            if let Some(offers) = offers.get_mut(capability.workload) {
                offers.push(index);
            }
        }
        let server = |capability| Server::new(capability, config.queue_per_stream);
        Self {
            scenario,
            config,
            faults: Faults::new(scenario, config),
            servers: scenario.capabilities.iter().map(server).collect(),
            offers,
            end_us: u64::from(scenario.epochs) * scenario.epoch_us,
            pending: probes(scenario, config),
            simulation: Simulation { requests_served: vec![0; scenario.operators.len()], ..Simulation::default() },
        }
    }

    /// The earliest of what is pending and the next request of the demand.
    fn next_event(&mut self, next_request: &mut usize) -> Option<Event> {
        let arriving = self.scenario.requests.get(*next_request).map(|request| Event {
            at_us: request.at_us,
            request: *request,
            probe: None,
            tried: Vec::new(),
        });
        match (self.pending.peek(), arriving) {
            (Some(Reverse(pending)), Some(arriving)) if *pending < arriving => self.pending.pop().map(|event| event.0),
            (_, Some(arriving)) => {
                *next_request += 1;
                Some(arriving)
            }
            (_, None) => self.pending.pop().map(|event| event.0),
        }
    }

    fn try_request(&mut self, mut event: Event) {
        let Some(capability) = self.choose(&event) else {
            let cause = if event.tried.is_empty() { UnservedCause::NoOperator } else { UnservedCause::AttemptsFailed };
            return self.give_up(&event, cause);
        };
        let Some(attempt) = self.attempt(capability, &event.request, event.at_us, false) else { return };
        if attempt.outcome == Outcome::Served {
            if let Some(served) = self.simulation.requests_served.get_mut(attempt.operator) {
                *served += 1;
            }
            return;
        }
        event.tried.push(attempt.operator);
        event.at_us += u64::from(attempt.latency_ms) * 1_000;
        if event.tried.len() >= self.config.max_attempts as usize {
            self.give_up(&event, UnservedCause::AttemptsFailed);
        } else if event.at_us >= self.end_us {
            self.give_up(&event, UnservedCause::OutOfTime);
        } else {
            self.pending.push(Reverse(event));
        }
    }

    fn give_up(&mut self, event: &Event, cause: UnservedCause) {
        let attempts = u32::try_from(event.tried.len()).unwrap_or(u32::MAX);
        let Request { seq, workload, .. } = event.request;
        self.simulation.unserved.push(Unserved { request_seq: seq, workload, attempts, cause });
    }

    /// The better of two drawn capabilities among those not tried, in other failure domains if there are any.
    fn choose(&self, event: &Event) -> Option<usize> {
        let epoch = self.epoch(event.at_us);
        let domain = |operator: usize| self.scenario.operators.get(operator).map(|operator| operator.domain);
        let offers = self.offers.get(event.request.workload)?.iter();
        let offers = offers.filter_map(|index| Some((*index, self.scenario.capabilities.get(*index)?)));
        let untried = offers
            .filter(|(_, capability)| capability.from_epoch <= epoch && !event.tried.contains(&capability.operator));
        let elsewhere = untried
            .clone()
            .filter(|(_, capability)| event.tried.iter().all(|tried| domain(*tried) != domain(capability.operator)));
        let mut candidates: Vec<usize> = elsewhere.map(|(index, _)| index).collect();
        if candidates.is_empty() {
            candidates = untried.map(|(index, _)| index).collect();
        }
        let work = self.work_milli(&event.request)?;
        let two = (0..2).filter_map(|choice| {
            let keys = [event.request.seq, event.tried.len() as u64, choice];
            let position = below(draw(self.config.seed, Purpose::Candidate, keys), candidates.len() as u64);
            candidates.get(usize::try_from(position).ok()?).copied()
        });
        // Of two equal ones the first drawn, so that nobody gains by their place in the list.
        let completion = |index: usize| Some((self.servers.get(index)?.expected_completion(event.at_us, work), index));
        two.filter_map(completion).min_by_key(|(completion, _)| *completion).map(|(_, index)| index)
    }

    /// Sends one attempt and records what becomes of it; `None` only for indices that a validated scenario does not have.
    fn attempt(&mut self, capability: usize, request: &Request, at_us: u64, probe: bool) -> Option<Attempt> {
        let operator = self.scenario.capabilities.get(capability)?.operator;
        let (outcome, until_us) = self.outcome(capability, request, at_us)?;
        let attempt = Attempt {
            at_us,
            epoch: self.epoch(at_us),
            request_seq: request.seq,
            workload: request.workload,
            operator,
            outcome,
            latency_ms: u32::try_from((until_us - at_us).div_ceil(1_000)).unwrap_or(u32::MAX).max(1),
            probe,
        };
        self.simulation.attempts.push(attempt);
        Some(attempt)
    }

    /// The outcome of an attempt and the microsecond at which it is known.
    fn outcome(&mut self, index: usize, request: &Request, at_us: u64) -> Option<(Outcome, u64)> {
        let capability = self.scenario.capabilities.get(index)?;
        let workload = self.scenario.workloads.get(request.workload)?;
        let refused_at = at_us + self.config.round_trip_us;
        let target =
            Target { operator: capability.operator, workload: request.workload, request_seq: request.seq, at_us };
        if self.faults.routing_failed(target) {
            return Some((Outcome::RoutingFailed, refused_at));
        }
        if self.faults.model_unavailable(target) {
            return Some((Outcome::ModelUnavailable, refused_at));
        }
        if workload.is_language() && request.context_tokens > capability.max_context_tokens {
            return Some((Outcome::HardwareIncompatible, refused_at));
        }
        let objective_at = at_us + u64::from(workload.latency_objective_ms) * 1_000;
        let deadline = objective_at.saturating_sub(self.config.round_trip_us);
        let work = self.work_milli(request)?;
        let known = match self.servers.get_mut(index)?.admit(at_us, work, deadline) {
            Admission::Full => (Outcome::CapacityExhausted, refused_at),
            Admission::Late => (Outcome::LatencyExceeded, objective_at),
            Admission::Done(done_us) => {
                let failed = self.faults.verification_failed(target);
                let outcome = if failed { Outcome::VerificationFailed } else { Outcome::Served };
                (outcome, done_us + self.config.round_trip_us)
            }
        };
        Some(known)
    }

    fn work_milli(&self, request: &Request) -> Option<u64> {
        let unit = self.scenario.workloads.get(request.workload)?.work_unit;
        Some(work_milli(unit, request.context_tokens, request.generated_tokens))
    }

    /// The epoch of a time before the end.
    fn epoch(&self, at_us: u64) -> u32 {
        u32::try_from(at_us / self.scenario.epoch_us).unwrap_or(u32::MAX)
    }
}

/// The probes of every capability in every epoch it is offered, numbered after the requests.
fn probes(scenario: &Scenario, config: &RouterConfig) -> BinaryHeap<Reverse<Event>> {
    let mut events = BinaryHeap::new();
    let interval_us = scenario.epoch_us / u64::from(config.probes_per_epoch).max(1);
    let mut seq = scenario.requests.len() as u64;
    for (index, capability) in scenario.capabilities.iter().enumerate() {
        let keys = [capability.operator as u64, capability.workload as u64, 0];
        let phase_us = below(draw(config.seed, Purpose::ProbePhase, keys), interval_us);
        for epoch in capability.from_epoch..scenario.epochs {
            for number in 0..config.probes_per_epoch {
                let at_us = u64::from(epoch) * scenario.epoch_us + u64::from(number) * interval_us + phase_us;
                let request = probe(seq, at_us, capability.workload);
                events.push(Reverse(Event { at_us, request, probe: Some(index), tried: Vec::new() }));
                seq += 1;
            }
        }
    }
    events
}
