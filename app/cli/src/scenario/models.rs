//! What is publicly known of models and accelerators and not written in a capability table.
//!
//! | model name starts with | billions of parameters | context window |
//! |---|---|---|
//! | `llama2-70b` | 70 | 4,096 |
//! | `llama3.1-8b` | 8 | 131,072 |
//! | `llama3.1-405b` | 405 | 131,072 |
//! | `mixtral-8x7b` | 56 | 32,768 |
//! | `deepseek-r1` | 671 | 131,072 |
//! | any other language model | read from its name ("13b", "8x7b"), else 70 | 8,192 |
//!
//! | per scenario | Interactive | Server | Offline | SingleStream, MultiStream |
//! |---|---|---|---|---|
//! | latency objective, compact model | 5 s | 20 s | 120 s | 15 s |
//! | standard | 10 s | 30 s | 180 s | 15 s |
//! | large | 15 s | 45 s | 300 s | 15 s |
//! | not language | 20 s | 20 s | 60 s | 15 s |
//! | weight, compact / standard / large | 3 / 6 / 12 | 2 / 4 / 8 | 1 / 2 / 4 | 1 / 2 / 4 |
//! | weight, not language | 1 | 1 | 1 | 1 |
//! | least tokens per second and stream | 40 | 20 | 5 | 20 |

use super::{ScenarioKind, SizeClass, WorkUnit, WorkloadSpec};

/// Model name prefix, billions of parameters, context window in tokens.
const KNOWN_MODELS: [(&str, u64, u32); 5] = [
    ("llama2-70b", 70, 4_096),
    ("llama3.1-8b", 8, 131_072),
    ("llama3.1-405b", 405, 131_072),
    ("mixtral-8x7b", 56, 32_768),
    ("deepseek-r1", 671, 131_072),
];
const DEFAULT_BILLIONS: u64 = 70;
const DEFAULT_WINDOW: u32 = 8_192;

/// Accelerators whose names do not say how much memory they have, in GB.
const KNOWN_MEMORY_GB: [(&str, u64); 5] =
    [("GB300", 288), ("GB200", 186), ("RTX PRO 6000", 96), ("L40S", 48), ("RTX 4090", 24)];
const DEFAULT_MEMORY_GB: u64 = 24;

/// Most requests an operator batches at once.
const MAX_STREAMS: u64 = 256;

/// Describes the workload of a model in a scenario; `language` says whether the model is measured in tokens.
#[must_use]
pub fn workload(model: &str, kind: ScenarioKind, work_unit: WorkUnit, language: bool) -> WorkloadSpec {
    let (billions, window) = known_or_guessed(model);
    let size_class = match billions {
        _ if !language => SizeClass::NotLanguage,
        0..=13 => SizeClass::Compact,
        14..=100 => SizeClass::Standard,
        _ => SizeClass::Large,
    };
    WorkloadSpec {
        name: format!("{model} / {kind:?}"),
        model: model.into(),
        scenario_kind: kind,
        work_unit,
        size_class,
        context_window: if language { window } else { 0 },
        weight: weight(size_class, kind),
        hardware_class: size_class as u16 + 1,
        latency_objective_ms: latency_objective_ms(size_class, kind),
    }
}

/// How many requests share this throughput: as many as leave each stream its least pace, from 1 to 256.
#[must_use]
pub fn token_streams(throughput_milli: u64, kind: ScenarioKind) -> u32 {
    let pace_milli = match kind {
        ScenarioKind::Interactive => 40_000,
        ScenarioKind::Server | ScenarioKind::SingleStream | ScenarioKind::MultiStream => 20_000,
        ScenarioKind::Offline => 5_000,
    };
    u32::try_from((throughput_milli / pace_milli).clamp(1, MAX_STREAMS)).unwrap_or(1)
}

/// Longest context, in tokens, for the memory of one accelerator: 1,024 up to 24 GB, 2,048 up to 48 GB, 4,096 up to 96 GB
/// and for machines without accelerators, 16,384 above. An assumption: what weights and many streams' caches leave.
#[must_use]
pub fn max_context_tokens(accelerator: &str) -> u32 {
    match memory_gb(accelerator) {
        Some(0..=24) => 1_024,
        Some(25..=48) => 2_048,
        None | Some(49..=96) => 4_096,
        Some(_) => 16_384,
    }
}

fn weight(size_class: SizeClass, kind: ScenarioKind) -> u64 {
    let by_size = match size_class {
        SizeClass::NotLanguage => return 1,
        SizeClass::Compact => 1,
        SizeClass::Standard => 2,
        SizeClass::Large => 4,
    };
    by_size
        * match kind {
            ScenarioKind::Interactive => 3,
            ScenarioKind::Server => 2,
            ScenarioKind::Offline | ScenarioKind::SingleStream | ScenarioKind::MultiStream => 1,
        }
}

fn latency_objective_ms(size_class: SizeClass, kind: ScenarioKind) -> u32 {
    match (kind, size_class) {
        (ScenarioKind::SingleStream | ScenarioKind::MultiStream, _) | (ScenarioKind::Interactive, SizeClass::Large) => {
            15_000
        }
        (ScenarioKind::Interactive, SizeClass::Compact) => 5_000,
        (ScenarioKind::Interactive, SizeClass::Standard) => 10_000,
        (ScenarioKind::Interactive | ScenarioKind::Server, SizeClass::NotLanguage)
        | (ScenarioKind::Server, SizeClass::Compact) => 20_000,
        (ScenarioKind::Server, SizeClass::Standard) => 30_000,
        (ScenarioKind::Server, SizeClass::Large) => 45_000,
        (ScenarioKind::Offline, SizeClass::NotLanguage) => 60_000,
        (ScenarioKind::Offline, SizeClass::Compact) => 120_000,
        (ScenarioKind::Offline, SizeClass::Standard) => 180_000,
        (ScenarioKind::Offline, SizeClass::Large) => 300_000,
    }
}

fn known_or_guessed(model: &str) -> (u64, u32) {
    let known = KNOWN_MODELS.iter().find(|(prefix, ..)| model.starts_with(prefix));
    known.map_or_else(
        || (billions_in_name(model).unwrap_or(DEFAULT_BILLIONS), DEFAULT_WINDOW),
        |(_, billions, window)| (*billions, *window),
    )
}

/// Reads "13b" or "8x7b" out of a model's name.
fn billions_in_name(model: &str) -> Option<u64> {
    model.split('-').find_map(|part| {
        let number = part.strip_suffix('b')?;
        let (experts, each) = number.split_once('x').unwrap_or(("1", number));
        experts.parse::<u64>().ok()?.checked_mul(each.parse().ok()?)
    })
}

/// Memory of one accelerator in GB; `None` when there is no accelerator. Of several kinds, the smallest decides.
fn memory_gb(accelerators: &str) -> Option<u64> {
    let named = |name: &str| KNOWN_MEMORY_GB.iter().find(|(part, _)| name.contains(part)).map(|(_, gb)| *gb);
    let kinds = accelerators.split(',').map(str::trim).filter(|name| !name.is_empty());
    kinds.map(|name| gigabytes_in_name(name).or_else(|| named(name)).unwrap_or(DEFAULT_MEMORY_GB)).min()
}

/// Reads "141GB" or "48G" out of an accelerator's name.
fn gigabytes_in_name(name: &str) -> Option<u64> {
    name.split([' ', '-']).find_map(|part| part.strip_suffix("GB").or(part.strip_suffix('G'))?.parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn sizes_come_from_the_catalogue_or_the_name() {
        let class = |model| workload(model, ScenarioKind::Server, WorkUnit::Tokens, true).size_class;
        assert_eq!(class("llama3.1-8b-edge"), SizeClass::Compact);
        assert_eq!(class("mixtral-8x7b"), SizeClass::Standard);
        assert_eq!(class("llama2-70b-99.9"), SizeClass::Standard);
        assert_eq!(class("deepseek-r1"), SizeClass::Large);
        assert_eq!(class("newcomer-8x22b"), SizeClass::Large);
        assert_eq!(class("newcomer-13b-chat"), SizeClass::Compact);
        assert_eq!(class("nameless"), SizeClass::Standard);
        let vision = workload("retinanet", ScenarioKind::Server, WorkUnit::Queries, false);
        assert_eq!((vision.size_class, vision.context_window, vision.weight), (SizeClass::NotLanguage, 0, 1));
        assert_eq!((vision.hardware_class, vision.latency_objective_ms), (4, 20_000));
    }

    #[test]
    fn context_limits_follow_the_smallest_accelerator() {
        assert_eq!(max_context_tokens(""), 4_096);
        assert_eq!(max_context_tokens("NVIDIA H200-NVL-141GB"), 16_384);
        assert_eq!(max_context_tokens("NVIDIA GB200"), 16_384);
        assert_eq!(max_context_tokens("NVIDIA L4-PCIe-24GB"), 1_024);
        assert_eq!(max_context_tokens("NVIDIA GeForce RTX 4090"), 1_024);
        assert_eq!(max_context_tokens("Intel Arc Pro B60 Dual 48G Turbo"), 2_048);
        assert_eq!(max_context_tokens("NVIDIA H100-SXM-80GB"), 4_096);
        assert_eq!(max_context_tokens("AMD Instinct MI325X 256GB HBM3e, Something 40GB"), 2_048);
    }

    #[test]
    fn streams_keep_their_pace_and_their_bound() {
        assert_eq!(token_streams(202_776, ScenarioKind::Interactive), 5);
        assert_eq!(token_streams(2_110_050, ScenarioKind::Server), 105);
        assert_eq!(token_streams(169_197_000, ScenarioKind::Offline), 256);
        assert_eq!(token_streams(1, ScenarioKind::Offline), 1);
    }
}
