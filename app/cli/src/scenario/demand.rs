//! From traced requests to requests for workloads: merging, scaling, mapping.
//!
//! **Merging.** All traces are merged by time; at equal times the order of files, then of rows, decides. Time 0 is the
//! first request; the epochs divide the time from there to the last request evenly.
//!
//! **Scaling.** A demand scale of 2.5 makes two copies of every request and a third of every other one. The first copy
//! keeps its time; the others arrive up to ten seconds later, by a draw, and past the trace's end go on at its start.
//!
//! **Mapping.** A trace says how much was read and written, not of which model. Requests go to language models only, by
//! this rule; where a line applies, those below do not. Request numbers count from 0 after scaling.
//!
//! | request | manner of serving |
//! |---|---|
//! | number divisible by 8 | Offline: somebody's batch |
//! | number divisible by 20, at most 1,024 tokens in all | SingleStream: a device at the edge |
//! | of a code trace, at most 32 generated | Interactive: a completion while typing |
//! | of a conversation, at most 128 generated and at most 512 read | Interactive: small talk |
//! | any other | Server |
//!
//! | read and generated tokens | size of model |
//! |---|---|
//! | more than 4,096 read, or more than 256 generated | large |
//! | more than 64 generated | standard |
//! | any other | compact |
//!
//! Of the workloads with this manner and size whose context window takes the request, a draw on its number picks one.
//! When there is none, the next larger sizes are tried, then the smaller ones, then the other manners in the order
//! Server, Interactive, Offline, SingleStream, MultiStream, each over sizes in the same way; a request too long for
//! every window asks for the language workload with the longest.

use std::cmp::Reverse;
use std::str::FromStr;

use super::azure::{Trace, TraceKind, TracedRequest};
use super::mlperf::{self, CapabilityTable};
use super::{Request, Scenario, ScenarioError, ScenarioKind, SizeClass, WorkloadSpec};
use crate::fixed::parse_decimal;
use crate::splitmix::{Purpose, below, draw};

const JITTER_US: u64 = 10_000_000;
const MAX_EPOCHS: u32 = 1_000;

/// A factor on the demand, in thousandths: from 0.001 to 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandScale(u32);

impl DemandScale {
    /// The demand as traced.
    pub const ONE: Self = Self(1_000);
}

impl FromStr for DemandScale {
    type Err = ScenarioError;

    /// Reads "2" or "0.5".
    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let per_mille = parse_decimal(text, 3).and_then(|value| u32::try_from(value).ok());
        per_mille.filter(|value| (1..=1_000_000).contains(value)).map(Self).ok_or_else(|| ScenarioError::BadOption {
            option: "--demand-scale",
            value: text.into(),
            expected: "a number from 0.001 to 1000",
        })
    }
}

/// How a scenario is made of a capability table and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemandOptions {
    /// Number of epochs the demand is divided into, from 1 to 1,000.
    pub epochs: u32,
    /// Factor on the number of requests.
    pub scale: DemandScale,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for DemandOptions {
    /// Four epochs of the demand as traced.
    fn default() -> Self {
        Self { epochs: 4, scale: DemandScale::ONE, seed: 0 }
    }
}

/// Joins supply and demand.
///
/// # Errors
/// [`ScenarioError::NoDemand`], [`ScenarioError::NoLanguageWorkload`] and [`ScenarioError::BadOption`] for the number of epochs.
pub fn assemble(table: CapabilityTable, traces: &[Trace], options: &DemandOptions) -> Result<Scenario, ScenarioError> {
    if !(1..=MAX_EPOCHS).contains(&options.epochs) {
        let (option, value) = ("--epochs", options.epochs.to_string());
        return Err(ScenarioError::BadOption { option, value, expected: "a number from 1 to 1000" });
    }
    if !table.workloads.iter().any(WorkloadSpec::is_language) {
        return Err(ScenarioError::NoLanguageWorkload);
    }
    let timed = scaled(&merged(traces), options);
    let Some((last, _, _)) = timed.last() else {
        return Err(ScenarioError::NoDemand);
    };
    let epoch_us = (last + 1).div_ceil(u64::from(options.epochs));
    let requests = timed.iter().zip(0..).map(|((at_us, kind, traced), seq)| Request {
        seq,
        at_us: *at_us,
        workload: choose_workload(&table.workloads, *kind, traced, seq, options.seed),
        context_tokens: traced.context_tokens,
        generated_tokens: traced.generated_tokens,
    });
    let scenario = Scenario {
        title: "Replay of a request trace on a capability table".into(),
        sources: std::iter::once(&table.file).chain(traces.iter().map(|trace| &trace.file)).cloned().collect(),
        invented: false,
        notes: vec![mlperf::ASSUMPTIONS.into()],
        requests: requests.collect(),
        operators: table.operators,
        domains: table.domains,
        workloads: table.workloads,
        capabilities: table.capabilities,
        epochs: options.epochs,
        epoch_us,
    };
    scenario.validate()?;
    Ok(scenario)
}

type Timed = (u64, TraceKind, TracedRequest);

/// All requests by time, the earliest at 0.
fn merged(traces: &[Trace]) -> Vec<Timed> {
    let all =
        traces.iter().flat_map(|trace| trace.requests.iter().map(|request| (request.at_us, trace.kind, *request)));
    let mut all: Vec<Timed> = all.collect();
    all.sort_by_key(|(at_us, ..)| *at_us);
    let start_us = all.first().map_or(0, |(at_us, ..)| *at_us);
    for (at_us, ..) in &mut all {
        *at_us -= start_us;
    }
    all
}

fn scaled(requests: &[Timed], options: &DemandOptions) -> Vec<Timed> {
    let span_us = requests.last().map_or(1, |(at_us, ..)| at_us + 1);
    let scale = u64::from(options.scale.0);
    let mut copies = Vec::new();
    for ((at_us, kind, traced), index) in requests.iter().zip(0_u64..) {
        let chance = |copy| draw(options.seed, Purpose::DemandScale, [index, copy, 0]);
        let extra = u64::from(below(chance(u64::MAX), 1_000) < scale % 1_000);
        for copy in 0..scale / 1_000 + extra {
            let jitter = if copy == 0 { 0 } else { below(chance(copy), JITTER_US) };
            copies.push(((at_us + jitter) % span_us, *kind, *traced));
        }
    }
    copies.sort_by_key(|(at_us, ..)| *at_us);
    copies
}

/// The workload a request asks for, an index into `workloads`, of which one must be a language model's.
fn choose_workload(workloads: &[WorkloadSpec], kind: TraceKind, traced: &TracedRequest, seq: u64, seed: u64) -> usize {
    let tokens = traced.context_tokens.saturating_add(traced.generated_tokens);
    let wanted = wanted_kind(kind, traced, tokens, seq);
    let others = [
        ScenarioKind::Server,
        ScenarioKind::Interactive,
        ScenarioKind::Offline,
        ScenarioKind::SingleStream,
        ScenarioKind::MultiStream,
    ];
    let sizes = size_preference(traced);
    for scenario_kind in std::iter::once(wanted).chain(others) {
        for size_class in sizes {
            let suits = |spec: &WorkloadSpec| {
                spec.scenario_kind == scenario_kind && spec.size_class == size_class && spec.context_window >= tokens
            };
            let suitable = workloads.iter().enumerate().filter(|(_, spec)| suits(spec)).map(|(index, _)| index);
            let suitable: Vec<usize> = suitable.collect();
            let pick = below(draw(seed, Purpose::WorkloadChoice, [seq, 0, 0]), suitable.len() as u64);
            if let Some(index) = suitable.get(usize::try_from(pick).unwrap_or(0)) {
                return *index;
            }
        }
    }
    let longest = workloads.iter().enumerate().min_by_key(|(_, spec)| Reverse(spec.context_window));
    longest.map_or(0, |(index, _)| index)
}

fn wanted_kind(kind: TraceKind, traced: &TracedRequest, tokens: u32, seq: u64) -> ScenarioKind {
    let brief = match kind {
        TraceKind::Code => traced.generated_tokens <= 32,
        TraceKind::Conversation => traced.generated_tokens <= 128 && traced.context_tokens <= 512,
    };
    if seq.is_multiple_of(8) {
        ScenarioKind::Offline
    } else if seq.is_multiple_of(20) && tokens <= 1_024 {
        ScenarioKind::SingleStream
    } else if brief {
        ScenarioKind::Interactive
    } else {
        ScenarioKind::Server
    }
}

/// The size that suits a request, then the larger ones, then the smaller ones.
fn size_preference(traced: &TracedRequest) -> [SizeClass; 3] {
    use SizeClass::{Compact, Large, Standard};
    if traced.context_tokens > 4_096 || traced.generated_tokens > 256 {
        [Large, Standard, Compact]
    } else if traced.generated_tokens > 64 {
        [Standard, Large, Compact]
    } else {
        [Compact, Standard, Large]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::scenario::{WorkUnit, models};

    fn workloads() -> Vec<WorkloadSpec> {
        use ScenarioKind::{Interactive, Offline, Server, SingleStream};
        let pairs = [
            ("llama3.1-8b", Interactive),
            ("llama2-70b-99", Server),
            ("llama2-70b-99", Interactive),
            ("llama3.1-405b", Server),
            ("llama3.1-405b", Offline),
            ("llama3.1-8b-edge", SingleStream),
        ];
        pairs.map(|(model, kind)| models::workload(model, kind, WorkUnit::Tokens, true)).to_vec()
    }

    fn chosen(kind: TraceKind, context_tokens: u32, generated_tokens: u32, seq: u64) -> String {
        let workloads = workloads();
        let traced = TracedRequest { at_us: 0, context_tokens, generated_tokens };
        workloads[choose_workload(&workloads, kind, &traced, seq, 0)].name.clone()
    }

    #[test]
    fn each_line_of_the_mapping_rule() {
        use TraceKind::{Code, Conversation};
        assert_eq!(chosen(Conversation, 10, 10, 8), "llama3.1-405b / Offline", "no smaller model is offered offline");
        assert_eq!(chosen(Conversation, 900, 30, 20), "llama3.1-8b-edge / SingleStream");
        assert_eq!(chosen(Code, 4_000, 20, 20), "llama3.1-8b / Interactive", "too long for the edge");
        assert_eq!(chosen(Code, 4_096, 10, 1), "llama3.1-8b / Interactive");
        assert_eq!(
            chosen(Code, 4_097, 10, 1),
            "llama3.1-8b / Interactive",
            "no large model is interactive, and 70b is too short"
        );
        assert_eq!(chosen(Conversation, 400, 100, 1), "llama2-70b-99 / Interactive");
        assert_eq!(chosen(Conversation, 1_000, 200, 1), "llama2-70b-99 / Server");
        assert_eq!(chosen(Conversation, 4_000, 200, 1), "llama3.1-405b / Server", "past the window of 4,096");
        assert_eq!(chosen(Conversation, 100, 400, 1), "llama3.1-405b / Server");
        assert_eq!(chosen(Code, 500, 40, 1), "llama2-70b-99 / Server", "no compact model serves: next larger");
        assert_eq!(
            chosen(Code, 200_000, 40, 1),
            "llama3.1-8b / Interactive",
            "past every window: first of the longest"
        );
    }

    #[test]
    fn scale_is_exact_on_average_and_keeps_the_span() {
        let request = |at_us| (at_us, TraceKind::Code, TracedRequest { at_us, context_tokens: 1, generated_tokens: 1 });
        let requests: Vec<Timed> = (0..10_000).map(|index| request(index * 1_000)).collect();
        let scale =
            |text: &str| scaled(&requests, &DemandOptions { scale: text.parse().unwrap(), ..Default::default() });
        assert_eq!(scale("1"), requests);
        assert_eq!(scale("3").len(), 30_000);
        assert!((4_800..5_200).contains(&scale("0.5").len()));
        let scaled = scale("2.5");
        assert!((24_800..25_200).contains(&scaled.len()));
        assert!(scaled.is_sorted_by_key(|(at_us, ..)| *at_us));
        assert!(scaled.iter().all(|(at_us, ..)| *at_us < 10_000_000));
    }

    #[test]
    fn scales_outside_their_range_are_refused() {
        for text in ["0", "-1", "1001", "many", "0.0001"] {
            let message = text.parse::<DemandScale>().unwrap_err().to_string();
            assert_eq!(message, format!("--demand-scale: \"{text}\" is not a number from 0.001 to 1000"));
        }
    }

    #[test]
    fn traces_are_merged_by_the_clock() {
        use TraceKind::{Code, Conversation};
        let trace = |kind, times: &[u64]| Trace {
            file: format!("{kind:?}"),
            kind,
            requests: times
                .iter()
                .map(|at_us| TracedRequest { at_us: *at_us, context_tokens: 1, generated_tokens: 1 })
                .collect(),
        };
        let merged = merged(&[trace(TraceKind::Conversation, &[100, 300]), trace(TraceKind::Code, &[200, 100])]);
        let order: Vec<_> = merged.iter().map(|(at_us, kind, _)| (*at_us, *kind)).collect();
        assert_eq!(order, [(0, Conversation), (0, Code), (100, Code), (200, Conversation)]);
    }
}
