//! What a replay needs to know, wherever it comes from: who could serve what, how fast, and who asked for what, when.
//!
//! A [`Scenario`] is plain data in integers: times in microseconds since its start, throughputs in thousandths of a unit
//! of work per second. It comes from a capability table and demand traces ([`mlperf`], [`azure`], [`demand`]) or from
//! the invented network that ships with the program ([`bundled`]).

pub mod azure;
pub mod bundled;
pub mod demand;
mod error;
pub mod mlperf;
pub mod models;
mod table;
#[cfg(test)]
mod tests;

pub use error::ScenarioError;

/// One complete input of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Title for reports.
    pub title: String,
    /// Where the data comes from, one entry per file or generator, for reports.
    pub sources: Vec<String>,
    /// True when operators, capacities and requests are made up and describe nobody.
    pub invented: bool,
    /// What a reader must know to not misread the results: assumptions, sentences for reports.
    pub notes: Vec<String>,
    /// Everyone who may serve.
    pub operators: Vec<OperatorSpec>,
    /// Names of the failure domains; domain id `d` is `domains[d - 1]`.
    pub domains: Vec<String>,
    /// Everything that may be asked for.
    pub workloads: Vec<WorkloadSpec>,
    /// Who can serve what; at most one entry per (operator, workload).
    pub capabilities: Vec<Capability>,
    /// The demand, sorted by time; `seq` is the position.
    pub requests: Vec<Request>,
    /// Number of epochs, at least 1.
    pub epochs: u32,
    /// Length of an epoch in microseconds, at least 1.
    pub epoch_us: u64,
}

/// One operator of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorSpec {
    /// Unique name, "submitter/platform".
    pub name: String,
    /// Failure domain, from 1; 0 would mean "unattested" and is not used in scenarios.
    pub domain: u32,
    /// Bond in base units of the reward mint.
    pub bond: u64,
    /// How often the operator lets its requesters down.
    pub faults: FaultRates,
}

/// Rates of an operator's own faults, in parts per million. Overload and slowness are not rates: they follow from the
/// capacities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultRates {
    /// Chance, per workload and epoch, of a maintenance window in which the model is unavailable.
    pub maintenance_ppm: u32,
    /// Chance, per attempt, that the model is not loaded.
    pub unavailable_ppm: u32,
    /// Chance, per execution, that its proof or attestation does not verify.
    pub verification_ppm: u32,
}

/// One class of requests: a model in one manner of serving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadSpec {
    /// Unique name, "model / scenario".
    pub name: String,
    /// The model.
    pub model: String,
    /// The manner of serving.
    pub scenario_kind: ScenarioKind,
    /// What a unit of its throughput is.
    pub work_unit: WorkUnit,
    /// How large the model is.
    pub size_class: SizeClass,
    /// Longest context plus answer the model takes, in tokens; 0 for what does not work on tokens.
    pub context_window: u32,
    /// Share of the emission, relative to the other workloads' weights.
    pub weight: u64,
    /// Hardware class operators must commit to: 1 + the size class.
    pub hardware_class: u16,
    /// An attempt that takes longer than this many milliseconds counts as `LatencyExceeded`.
    pub latency_objective_ms: u32,
}

impl WorkloadSpec {
    /// Whether requests of a language-model trace can be mapped to this workload.
    #[must_use]
    pub fn is_language(&self) -> bool {
        self.size_class != SizeClass::NotLanguage
    }
}

/// Manners of serving, named as MLPerf Inference names its scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScenarioKind {
    /// All at once, throughput alone counts.
    Offline,
    /// Random arrivals with a latency limit.
    Server,
    /// As `Server`, with a limit that suits a person waiting.
    Interactive,
    /// One after the other.
    SingleStream,
    /// Eight samples at a time, one batch after the other.
    MultiStream,
}

impl ScenarioKind {
    /// The scenario of this name as MLPerf writes it, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "Offline" => Some(Self::Offline),
            "Server" => Some(Self::Server),
            "Interactive" => Some(Self::Interactive),
            "SingleStream" => Some(Self::SingleStream),
            "MultiStream" => Some(Self::MultiStream),
            _ => None,
        }
    }
}

/// What throughput is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkUnit {
    /// Tokens: a request costs its generated tokens and a sixteenth of its context.
    Tokens,
    /// Queries (or samples): every request costs one.
    Queries,
}

/// How large a workload's model is; decides which requests suit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum SizeClass {
    /// Language models up to 13 billion parameters.
    Compact = 0,
    /// Language models up to 100 billion parameters.
    Standard = 1,
    /// Larger language models.
    Large = 2,
    /// Vision, speech, recommendation, graphs: no token traffic, probes only.
    NotLanguage = 3,
}

/// One operator's ability to serve one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Index into [`Scenario::operators`].
    pub operator: usize,
    /// Index into [`Scenario::workloads`].
    pub workload: usize,
    /// Total throughput in thousandths of a work unit per second, at least 1.
    pub throughput_milli: u64,
    /// How many requests are worked on at once, each at `throughput / streams`; at least 1.
    pub streams: u32,
    /// Longest context the hardware takes, in tokens.
    pub max_context_tokens: u32,
    /// First epoch in which the operator serves this workload.
    pub from_epoch: u32,
}

/// One request of the demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Position in the demand, from 0.
    pub seq: u64,
    /// Arrival in microseconds since the scenario's start.
    pub at_us: u64,
    /// Index into [`Scenario::workloads`].
    pub workload: usize,
    /// Tokens to read.
    pub context_tokens: u32,
    /// Tokens to write.
    pub generated_tokens: u32,
}

impl Scenario {
    /// Checks everything the router relies on.
    ///
    /// # Errors
    /// [`ScenarioError::Inconsistent`] naming the first contradiction.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        let fail = |what: String| Err(ScenarioError::Inconsistent { what });
        if self.epochs == 0 || self.epoch_us == 0 {
            return fail("it has no epochs".into());
        }
        // Half of all times, so that the router can add objectives and round trips to any of them.
        let end_us = u64::from(self.epochs).checked_mul(self.epoch_us).filter(|end_us| *end_us <= u64::MAX / 2);
        let Some(end_us) = end_us else {
            return fail("its epochs end after the last representable time".into());
        };
        for operator in &self.operators {
            if operator.domain == 0 || operator.domain as usize > self.domains.len() {
                return fail(format!("operator {} is in unknown failure domain {}", operator.name, operator.domain));
            }
        }
        self.validate_capabilities()?;
        for (position, request) in self.requests.iter().enumerate() {
            if request.seq != position as u64 || request.workload >= self.workloads.len() || request.at_us >= end_us {
                return fail(format!("request {position} has a wrong number, workload or time"));
            }
        }
        if !self.requests.is_sorted_by_key(|request| request.at_us) {
            return fail("its requests are not in order of time".into());
        }
        Ok(())
    }

    fn validate_capabilities(&self) -> Result<(), ScenarioError> {
        let mut seen = std::collections::HashSet::new();
        for capability in &self.capabilities {
            let known = capability.operator < self.operators.len() && capability.workload < self.workloads.len();
            let works = capability.throughput_milli > 0 && capability.streams > 0;
            if !known || !works || !seen.insert((capability.operator, capability.workload)) {
                let what = format!(
                    "the capability of operator {} for workload {} is a duplicate, idle or of someone unknown",
                    capability.operator, capability.workload
                );
                return Err(ScenarioError::Inconsistent { what });
            }
        }
        Ok(())
    }
}
