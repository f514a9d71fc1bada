//! Real input, and input that is not what it should be.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use covctl::report::Report;
use std::fs;
use support::{covctl, scratch, shared};

const TABLE: &str = "submitter,platform,accelerator,accelerators_per_node,nodes,division,model,scenario,performance,units\n\
    Anna,one,Fast 141GB,8,1,closed,chat-8b,Server,9000,Tokens/s\n\
    Bert,two,Fast 141GB,8,1,closed,chat-8b,Server,8000,Tokens/s\n";
const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
    2023-11-16 18:17:03.0000000,100,20\n2023-11-16 18:19:03.0000000,100,20\n";

fn file(name: &str, text: &str) -> String {
    let path = scratch(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_real_table_and_traces_at_a_tenth_of_the_load() {
    let files = ["data/mlperf-inference-v5.1.csv", "data/azure-llm-2023-conv.csv", "data/azure-llm-2023-code.csv"];
    let [Some(table), Some(conversations), Some(code)] = files.map(shared) else { return };
    let [table, conversations, code] = [&table, &conversations, &code].map(|path| path.to_str().unwrap());
    let run = covctl(&[
        "replay",
        "--capabilities",
        table,
        "--demand",
        conversations,
        "--demand",
        code,
        "--demand-scale",
        "0.1",
        "--epochs",
        "2",
        "--output",
        "json",
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Report = serde_json::from_str(&run.stdout).unwrap();
    let sizes = (report.operators.len(), report.domains.len(), report.workloads.len());
    assert_eq!(sizes, (97, 29, 38));
    assert_eq!((report.demand.requests, report.demand.probes), (2_893, 609 * 12 * 2));
    assert!(report.demand.requests_served * 100 > report.demand.requests * 95);
    assert_eq!((report.audit.cells, report.audit.slots), (38 * 2, 609 * 2));
    assert_eq!(report.audit.mismatches, []);
    let totals = &report.totals;
    assert_eq!(totals.emitted, totals.paid + totals.carried + totals.returned);
    assert_eq!(totals.paid, totals.claimed);
    let mut attested = [0; 7];
    for cell in report.workloads.iter().flat_map(|workload| &workload.cells) {
        assert_eq!(cell.pool, cell.paid + cell.carry_out + cell.returned);
        attested.iter_mut().zip(cell.outcomes).for_each(|(sum, count)| *sum += count);
    }
    assert_eq!(attested, report.demand.outcomes);
    assert_eq!(attested.iter().sum::<u64>(), report.demand.attempts);
}

#[test]
fn a_small_table_of_ones_own() {
    let (table, trace) = (file("small-table.csv", TABLE), file("small-trace.csv", TRACE));
    let run =
        covctl(&["replay", "--capabilities", &table, "--demand", &trace, "--demand-scale", "40", "--output", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Report = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report.demand.requests, 80);
    assert_eq!(
        report.sources,
        ["small-table.csv", "small-trace.csv"],
        "where the files lie is nothing a report should tell"
    );
    assert_eq!((report.network.epochs, report.network.epoch_seconds), (4, 31));
    assert!(report.audit.passed());
}

#[test]
fn bad_files_and_options_are_errors_that_say_what_to_do() {
    let (table, trace) = (file("good-table.csv", TABLE), file("good-trace.csv", TRACE));
    let unknown = file("unknown-unit.csv", &TABLE.replace("8000,Tokens/s", "8000,Frames/s"));
    let empty = file("empty.csv", "");
    let cases: &[(&[&str], &str)] = &[
        (&["--capabilities", "/nowhere.csv", "--demand", &trace], "error: cannot read /nowhere.csv: No such file"),
        (&["--capabilities", &table, "--demand", "/nowhere.csv"], "error: cannot read /nowhere.csv: No such file"),
        (
            &["--capabilities", &trace, "--demand", &trace],
            "error: good-trace.csv: no column \"submitter\" in the header",
        ),
        (
            &["--capabilities", &table, "--demand", &table],
            "error: good-table.csv: no column \"TIMESTAMP\" in the header",
        ),
        (
            &["--capabilities", &unknown, "--demand", &trace],
            "error: unknown-unit.csv, line 3, column \"units\": unknown unit",
        ),
        (&["--capabilities", &table, "--demand", &empty], "error: empty.csv: the file has no rows"),
        (
            &["--capabilities", &table, "--demand", &trace, "--json", "/nowhere/r.json"],
            "error: cannot write /nowhere/r.json: No such",
        ),
        (&["--capabilities", &table, "--demand", &trace, "--html", "/"], "error: cannot write /: "),
        (
            &["--capabilities", &table, "--demand", &trace, "--demand-scale", "0"],
            "error: invalid value '0' for '--demand-scale <N>'",
        ),
        (
            &["--capabilities", &table, "--demand", &trace, "--epochs", "0"],
            "error: invalid value '0' for '--epochs <N>'",
        ),
        (&["--capabilities", &table], "error: the following required arguments were not provided:\n  --demand <FILE>"),
    ];
    for (args, message) in cases {
        let run = covctl(&[&["replay"], *args].concat());
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(run.stderr.starts_with(message), "{args:?}: {}", run.stderr);
    }
}
