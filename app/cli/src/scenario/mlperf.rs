//! Capability tables: MLCommons' public summary of MLPerf Inference results.
//!
//! Only rows of the closed division count, since only they are comparable. From them come
//! - **operators**: the (submitter, platform) pairs; **failure domains**: the submitters, since one owner's machines are
//!   the likeliest to fail together; both in alphabetical order, so that the order of rows means nothing;
//! - **workloads**: the (model, scenario) pairs; a model is a language model if any of its rows is in Tokens/s;
//! - **capabilities**: one per (operator, workload). Where a table lists several results for one, the best counts.
//!
//! | unit of the row | throughput | streams |
//! |---|---|---|
//! | `Tokens/s` | as it stands, in tokens | as many as leave each its pace (see [`super::models`]) |
//! | `Queries/s`, `Samples/s` | as it stands, in queries | 1 |
//! | the same, language model | read as tokens per second: never more than the truth, as a query has a token at least | as for tokens |
//! | `Latency (ms)`, MultiStream | 8 queries per latency | 8 |
//! | `Latency (ms)`, any other scenario | 1 query per latency | 1 |
//!
//! A table of results says nothing about reliability, so [`FaultRates`] are drawn from the operator's name: every
//! operator has maintenance in 4 % of its epochs and misses its model in 0.2 % of the attempts; one operator in 12 misses
//! it in 12 %; one in 40 fails verification in 6 %. These are assumptions of the replay, not findings about anyone.
//! The bond is 1,000,000,000 base units and 10,000,000 for each accelerator of the largest system.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use super::table::{Row, Table};
use super::{Capability, FaultRates, OperatorSpec, ScenarioError, ScenarioKind, WorkUnit, WorkloadSpec, models};
use crate::fixed::parse_decimal;
use crate::splitmix::{Purpose, below, draw, key_of};

/// What reports of a replay on a capability table must say.
pub const ASSUMPTIONS: &str = "Capacities are the published results. Reliability is not: outages, maintenance and failed \
    verifications are drawn at random to exercise the program and say nothing about the systems named.";

const COLUMNS: [&str; 10] = [
    "submitter",
    "platform",
    "accelerator",
    "accelerators_per_node",
    "nodes",
    "division",
    "model",
    "scenario",
    "performance",
    "units",
];
const BOND_BASE: u64 = 1_000_000_000;
const BOND_PER_ACCELERATOR: u64 = 10_000_000;
const SAMPLES_PER_MULTISTREAM_QUERY: u32 = 8;

/// The supply side of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityTable {
    /// The file, as the user named it.
    pub file: String,
    /// Operators by name.
    pub operators: Vec<OperatorSpec>,
    /// Names of the failure domains; domain id `d` is `domains[d - 1]`.
    pub domains: Vec<String>,
    /// Workloads by name.
    pub workloads: Vec<WorkloadSpec>,
    /// One entry per (operator, workload), in that order.
    pub capabilities: Vec<Capability>,
}

/// One row of the closed division, checked.
struct ClosedRow {
    line: u64,
    operator: (String, String),
    accelerators: u64,
    max_context_tokens: u32,
    model: String,
    kind: ScenarioKind,
    unit: Unit,
    throughput_milli: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Tokens,
    Queries,
    Latency,
}

/// Reads a capability table; `file` names it in errors.
///
/// # Errors
/// [`ScenarioError`] naming file, line, column and remedy.
pub fn parse(reader: impl Read, file: &str) -> Result<CapabilityTable, ScenarioError> {
    let mut rows = Vec::new();
    Table::open(reader, file, &COLUMNS)?.for_each(|row| {
        if row.text("division") == "closed" {
            rows.push(ClosedRow::read(row, file)?);
        }
        Ok(())
    })?;
    if rows.is_empty() {
        return Err(ScenarioError::NoClosedRows { file: file.into() });
    }
    let (operators, domains) = operators_and_domains(&rows);
    let workloads = workloads(&rows, file)?;
    let capabilities = capabilities(&rows, &operators, &workloads);
    Ok(CapabilityTable { file: file.into(), operators, domains, workloads, capabilities })
}

impl ClosedRow {
    fn read(row: &Row, file: &str) -> Result<Self, ScenarioError> {
        let unit = match row.text("units") {
            "Tokens/s" => Unit::Tokens,
            "Samples/s" | "Queries/s" => Unit::Queries,
            "Latency (ms)" => Unit::Latency,
            unit => return Err(ScenarioError::UnknownUnit { file: file.into(), line: row.line, unit: unit.into() }),
        };
        let kind = ScenarioKind::from_name(row.text("scenario")).ok_or_else(|| {
            row.bad_value("scenario", "one of Offline, Server, Interactive, SingleStream and MultiStream")
        })?;
        let throughput_milli = throughput_milli(row.text("performance"), unit, kind)
            .ok_or_else(|| row.bad_value("performance", "a positive decimal number of at least a thousandth"))?;
        let nodes = u64::from(row.count("nodes")?);
        let per_node = u64::from(row.count("accelerators_per_node")?);
        let accelerator = if per_node == 0 { "" } else { row.text("accelerator") };
        Ok(Self {
            line: row.line,
            operator: (row.name("submitter")?.into(), row.name("platform")?.into()),
            accelerators: nodes.saturating_mul(per_node),
            max_context_tokens: models::max_context_tokens(accelerator),
            model: row.name("model")?.into(),
            kind,
            unit,
            throughput_milli,
        })
    }

    fn operator_name(&self) -> String {
        format!("{}/{}", self.operator.0, self.operator.1)
    }
}

/// Throughput in thousandths of a work unit per second; `None` for what is not a positive number.
fn throughput_milli(performance: &str, unit: Unit, kind: ScenarioKind) -> Option<u64> {
    let throughput = match unit {
        Unit::Tokens | Unit::Queries => parse_decimal(performance, 3)?,
        Unit::Latency => {
            let latency_ns = parse_decimal(performance, 6)?;
            let queries = u64::from(latency_streams(kind));
            (queries * 1_000_000_000_000).checked_div(latency_ns)?
        }
    };
    (throughput > 0).then_some(throughput)
}

fn latency_streams(kind: ScenarioKind) -> u32 {
    if kind == ScenarioKind::MultiStream { SAMPLES_PER_MULTISTREAM_QUERY } else { 1 }
}

fn operators_and_domains(rows: &[ClosedRow]) -> (Vec<OperatorSpec>, Vec<String>) {
    let domains: BTreeSet<&str> = rows.iter().map(|row| row.operator.0.as_str()).collect();
    let domain_ids: BTreeMap<&str, u32> = domains.iter().copied().zip(1..).collect();
    let mut accelerators: BTreeMap<String, (u32, u64)> = BTreeMap::new();
    for row in rows {
        // Every row's submitter is in the map, which was made from the same rows.
        let domain = domain_ids.get(row.operator.0.as_str()).copied().unwrap_or_default();
        let entry = accelerators.entry(row.operator_name()).or_insert((domain, 0));
        entry.1 = entry.1.max(row.accelerators);
    }
    let operator = |(name, (domain, accelerators)): (String, (u32, u64))| OperatorSpec {
        bond: BOND_PER_ACCELERATOR.saturating_mul(accelerators).saturating_add(BOND_BASE),
        faults: assumed_faults(&name),
        name,
        domain,
    };
    (accelerators.into_iter().map(operator).collect(), domains.into_iter().map(String::from).collect())
}

fn assumed_faults(name: &str) -> FaultRates {
    let one_in = |n: u64, fault: u64| below(draw(0, Purpose::OperatorFaults, [key_of(name), fault, 0]), n) == 0;
    FaultRates {
        maintenance_ppm: 40_000,
        unavailable_ppm: if one_in(12, 1) { 120_000 } else { 2_000 },
        verification_ppm: if one_in(40, 2) { 60_000 } else { 20 },
    }
}

fn workloads(rows: &[ClosedRow], file: &str) -> Result<Vec<WorkloadSpec>, ScenarioError> {
    let language: BTreeSet<&str> =
        rows.iter().filter(|row| row.unit == Unit::Tokens).map(|row| row.model.as_str()).collect();
    let mut found: BTreeMap<(&str, ScenarioKind), WorkloadSpec> = BTreeMap::new();
    for row in rows {
        let is_language = language.contains(row.model.as_str());
        let work_unit = work_unit(row.unit, is_language);
        let spec = found
            .entry((&row.model, row.kind))
            .or_insert_with(|| models::workload(&row.model, row.kind, work_unit, is_language));
        if spec.work_unit != work_unit {
            let unit = format!("{work_unit:?}").to_lowercase();
            return Err(ScenarioError::MixedUnits {
                file: file.into(),
                line: row.line,
                workload: spec.name.clone(),
                unit,
            });
        }
    }
    Ok(found.into_values().collect())
}

fn work_unit(unit: Unit, language: bool) -> WorkUnit {
    match unit {
        Unit::Tokens => WorkUnit::Tokens,
        Unit::Queries if language => WorkUnit::Tokens,
        Unit::Queries | Unit::Latency => WorkUnit::Queries,
    }
}

fn capabilities(rows: &[ClosedRow], operators: &[OperatorSpec], workloads: &[WorkloadSpec]) -> Vec<Capability> {
    let operator_index: BTreeMap<&str, usize> = operators.iter().map(|spec| spec.name.as_str()).zip(0..).collect();
    let indexed = workloads.iter().enumerate();
    let workload_index: BTreeMap<(&str, ScenarioKind), (usize, WorkUnit)> =
        indexed.map(|(index, spec)| ((spec.model.as_str(), spec.scenario_kind), (index, spec.work_unit))).collect();
    let mut best: BTreeMap<(usize, usize), Capability> = BTreeMap::new();
    for row in rows {
        let operator = operator_index.get(row.operator_name().as_str());
        let workload = workload_index.get(&(row.model.as_str(), row.kind));
        // Both were made from the same rows.
        let (Some(&operator), Some(&(workload, work_unit))) = (operator, workload) else { continue };
        let streams = match (row.unit, work_unit) {
            (_, WorkUnit::Tokens) => models::token_streams(row.throughput_milli, row.kind),
            (Unit::Latency, WorkUnit::Queries) => latency_streams(row.kind),
            (Unit::Tokens | Unit::Queries, WorkUnit::Queries) => 1,
        };
        let offered = Capability {
            operator,
            workload,
            throughput_milli: row.throughput_milli,
            streams,
            max_context_tokens: row.max_context_tokens,
            from_epoch: 0,
        };
        let kept = best.entry((operator, workload)).or_insert(offered);
        if offered.throughput_milli > kept.throughput_milli {
            *kept = offered;
        }
    }
    best.into_values().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const HEADER: &str = "submitter,platform,system,accelerator,accelerators_per_node,nodes,suite,division,model,\
                          scenario,performance,units,weight_data_types,accuracy\n";

    fn table(rows: &str) -> Result<CapabilityTable, ScenarioError> {
        parse(format!("{HEADER}{rows}").as_bytes(), "table.csv")
    }

    #[test]
    fn units_become_throughputs() {
        let table = table(
            "Zed,one,s,Fast 141GB,8,2,datacenter,closed,chat-8b,Server,8840.42,Tokens/s,fp8,x\n\
             Zed,one,s,Fast 141GB,8,2,datacenter,closed,chat-8b,Interactive,2000,Queries/s,fp8,x\n\
             Zed,one,s,Fast 141GB,8,2,datacenter,closed,eye,SingleStream,0.305005,Latency (ms),fp8,x\n\
             Zed,one,s,Fast 141GB,8,2,datacenter,closed,eye,MultiStream,0.5,Latency (ms),fp8,x\n\
             Abe,cpu,s,,0,1,datacenter,closed,eye,Offline,2.2107,Samples/s,int8,x\n\
             Abe,cpu,s,,0,1,datacenter,open,eye,Server,9,Queries/s,int8,x",
        )
        .unwrap();
        assert_eq!(table.domains, ["Abe", "Zed"]);
        let names: Vec<_> = table.operators.iter().map(|o| (o.name.as_str(), o.domain, o.bond)).collect();
        assert_eq!(names, [("Abe/cpu", 1, 1_000_000_000), ("Zed/one", 2, 1_160_000_000)]);
        let names: Vec<_> = table.workloads.iter().map(|w| w.name.as_str()).collect();
        let expected =
            ["chat-8b / Server", "chat-8b / Interactive", "eye / Offline", "eye / SingleStream", "eye / MultiStream"];
        assert_eq!(names, expected);
        let rates: Vec<_> =
            table.capabilities.iter().map(|c| (c.operator, c.workload, c.throughput_milli, c.streams)).collect();
        let expected = [
            (0, 2, 2_210, 1),
            (1, 0, 8_840_420, 256),
            (1, 1, 2_000_000, 50),
            (1, 3, 3_278_634, 1),
            (1, 4, 16_000_000, 8),
        ];
        assert_eq!(rates, expected);
        assert_eq!(table.capabilities[0].max_context_tokens, 4_096);
        assert_eq!(table.capabilities[1].max_context_tokens, 16_384);
    }

    #[test]
    fn the_best_of_several_results_counts_in_any_order() {
        let rows =
            ["A,p,s,,0,1,d,closed,eye,Offline,3,Samples/s,f,x\n", "A,p,s,,0,1,d,closed,eye,Offline,5,Samples/s,f,x\n"];
        for order in [[0, 1], [1, 0]] {
            let table = table(&format!("{}{}", rows[order[0]], rows[order[1]])).unwrap();
            assert_eq!(table.capabilities.len(), 1);
            assert_eq!(table.capabilities[0].throughput_milli, 5_000);
        }
    }

    #[test]
    fn errors_name_file_line_and_column() {
        let good = "A,p,s,,0,1,d,closed,eye,Offline,3,Samples/s,f,x\n";
        let message = |rows: &str| table(rows).unwrap_err().to_string();
        assert_eq!(
            message(&format!("{good}A,p,s,,0,1,d,closed,eye,Offline,fast,Samples/s,f,x\n")),
            "table.csv, line 3, column \"performance\": \"fast\" is not a positive decimal number of at least a \
             thousandth; correct or remove the row"
        );
        assert!(message("A,p,s,,0,1,d,closed,eye,Offline,0,Latency (ms),f,x\n").contains("column \"performance\""));
        assert!(
            message("A,p,s,,x,1,d,closed,eye,Offline,3,Samples/s,f,x\n").contains("column \"accelerators_per_node\"")
        );
        assert!(message("A,p,s,,0,1,d,closed,eye,Online,3,Samples/s,f,x\n").contains("column \"scenario\""));
        assert!(message(",p,s,,0,1,d,closed,eye,Offline,3,Samples/s,f,x\n").contains("is not a name"));
        assert!(message("A,p,s,,0,1,d,closed,eye,Offline,3,Frames/s,f,x\n").contains("unknown unit \"Frames/s\""));
        assert!(message("A,p,s,,0,1,d,open,eye,Offline,3,Samples/s,f,x\n").contains("no row has division \"closed\""));
        assert!(message(&format!("{good}A,p\n")).contains("line 3"));
        assert!(message("").contains("the file has no rows"));
        let mixed = format!("{good}B,p,s,,0,1,d,closed,eye,Offline,3,Tokens/s,f,x\n");
        assert!(table(&mixed).is_ok(), "a language model's Samples/s are read as tokens");
        let mixed = format!("{mixed}C,p,s,,0,1,d,closed,eye,Offline,3,Latency (ms),f,x\n");
        assert!(message(&mixed).contains("line 4: eye / Offline is measured in queries here"));
        let missing = parse("submitter,platform\nA,p\n".as_bytes(), "t.csv").unwrap_err().to_string();
        assert!(missing.starts_with("t.csv: no column \"accelerator\" in the header"));
        assert_eq!(parse("".as_bytes(), "t.csv"), Err(ScenarioError::Empty { file: "t.csv".into() }));
    }
}
