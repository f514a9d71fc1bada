//! A discrete-event router: every request meets real capacities, and every attempt ends in one of seven outcomes.
//!
//! The replay has no ground truth of its own to consult: an outcome is what happens when an attempt arrives at an
//! operator's server at a given microsecond. All arithmetic is in integers and all chance is in [`crate::splitmix`], so
//! the same scenario and configuration give the same attempts on every machine.
//!
//! **Work.** A request costs its generated tokens plus a sixteenth of its context (reading is parallel, writing is not),
//! or one query where a workload counts queries. An operator's server works on `streams` requests at once, each at
//! `throughput / streams`, first come first served, and lets [`RouterConfig::queue_per_stream`] requests wait per stream.
//!
//! **Choice.** Each attempt draws two of the workload's operators and takes the one that would answer sooner ("power of
//! two choices"). A request is tried up to [`RouterConfig::max_attempts`] times, never twice at one operator, and a
//! retry leaves the failure domains already tried when it can.
//!
//! **Outcome**, the first line that applies:
//!
//! | outcome | when | takes |
//! |---|---|---|
//! | `RoutingFailed` | the network loses the attempt (a draw per attempt) | one round trip |
//! | `ModelUnavailable` | the failure domain is down, the model is under maintenance (windows drawn per epoch), or it is not loaded (a draw per attempt) | one round trip |
//! | `HardwareIncompatible` | the context exceeds what the operator's accelerators take | one round trip |
//! | `CapacityExhausted` | every stream is busy and the queue is full | one round trip |
//! | `LatencyExceeded` | the answer would come after the workload's latency objective; work stops there | the objective |
//! | `VerificationFailed` | the execution does not verify (a draw per attempt) | until the answer |
//! | `Served` | otherwise | until the answer |
//!
//! **Probes.** Every capability gets [`RouterConfig::probes_per_epoch`] probes an epoch, evenly spread from a drawn start,
//! so that honest capacity earns evidence without traffic. A probe meets the same server as a request does; it is not
//! retried. Nothing is sent at or after the end of the last epoch.

mod faults;
mod server;
mod simulation;

pub use coverage_math::reliability::Outcome;
pub use simulation::simulate;

/// Settings of the router; the defaults are what `covctl replay` uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterConfig {
    /// Seed of every draw.
    pub seed: u64,
    /// Most attempts a request gets, at least 1.
    pub max_attempts: u32,
    /// Probes per capability and epoch.
    pub probes_per_epoch: u32,
    /// Waiting requests a server accepts, per stream.
    pub queue_per_stream: u32,
    /// Network time of an attempt there and back, in microseconds.
    pub round_trip_us: u64,
    /// Chance that the network loses an attempt, in parts per million.
    pub routing_failure_ppm: u32,
    /// Chance, per failure domain and epoch, that the whole domain is down for a twentieth to a third of the epoch.
    pub domain_outage_ppm: u32,
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            max_attempts: 3,
            probes_per_epoch: 12,
            queue_per_stream: 1,
            round_trip_us: 20_000,
            routing_failure_ppm: 3_000,
            domain_outage_ppm: 60_000,
        }
    }
}

/// One attempt of a request or probe at one operator: what a receipt is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it was sent, in microseconds since the scenario's start.
    pub at_us: u64,
    /// The epoch of `at_us`.
    pub epoch: u32,
    /// The request's number, or for probes one that no request and no other probe has. No two attempts share both
    /// number and operator.
    pub request_seq: u64,
    /// Index of the workload.
    pub workload: usize,
    /// Index of the operator.
    pub operator: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// Milliseconds from sending to the outcome, rounded up.
    pub latency_ms: u32,
    /// Whether it is a probe.
    pub probe: bool,
}

/// Why a request was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnservedCause {
    /// No operator offered its workload when it arrived.
    NoOperator,
    /// Every attempt failed, and the limit was reached or nobody was left to try.
    AttemptsFailed,
    /// An attempt failed and the last epoch was over before the next.
    OutOfTime,
}

/// A request that nobody served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unserved {
    /// The request's number.
    pub request_seq: u64,
    /// Index of the workload.
    pub workload: usize,
    /// Attempts made.
    pub attempts: u32,
    /// Why there were no more.
    pub cause: UnservedCause,
}

/// Everything that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Simulation {
    /// All attempts in order of time.
    pub attempts: Vec<Attempt>,
    /// Requests, without probes, each operator served; indexed as the scenario's operators.
    pub requests_served: Vec<u64>,
    /// The requests nobody served, in the order in which that became clear.
    pub unserved: Vec<Unserved>,
}

impl Simulation {
    /// Attempts by outcome, indexed by the outcome's number.
    #[must_use]
    pub fn outcome_counts(&self) -> [u64; 7] {
        let mut counts = [0; 7];
        for attempt in &self.attempts {
            if let Some(count) = counts.get_mut(attempt.outcome as usize) {
                *count += 1;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests;
