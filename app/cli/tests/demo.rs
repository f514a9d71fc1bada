//! The bundled scenario, end to end on the compiled program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use covctl::report::{OperatorReport, Report};
use std::fs;
use std::path::Path;
use support::{covctl, covctl_with, scratch};

fn operator<'a>(report: &'a Report, name: &str) -> &'a OperatorReport {
    report.operators.iter().find(|operator| operator.name == name).unwrap()
}

#[test]
fn the_demo_attests_settles_pays_and_audits() {
    let files = ["demo.json", "demo.html", "demo.svg"].map(scratch);
    let [json, html, svg] = files.each_ref();
    let run = covctl(&["--output", "json", "demo", "--json", json, "--html", html, "--svg", svg]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(fs::read_to_string(json).unwrap(), run.stdout, "the file is what standard output says");
    let report: Report = serde_json::from_str(&run.stdout).unwrap();

    assert_eq!((report.demand.requests, report.demand.requests_served), (1_500, 1_395));
    assert_eq!((report.demand.attempts, report.demand.probes), (2_184, 660));
    assert_eq!(report.demand.outcomes, [2_024, 98, 10, 16, 5, 0, 31]);
    assert_eq!((report.audit.cells, report.audit.slots), (15, 56));
    assert_eq!(report.audit.mismatches, []);
    check_money(&report);

    // What the scenario was made to show.
    assert_eq!(operator(&report, "Ember Systems/spark").reward, 0, "a breach of verification pays nothing");
    let copies: u64 = (1..=4).map(|copy| operator(&report, &format!("Aurora Cloud/east-{copy}")).reward).sum();
    assert!(copies < operator(&report, "Borealis Labs/fjord").reward, "four copies earn less than one that is alone");
    let orbit = &report.workloads[4].cells;
    let coverage: Vec<u32> = orbit.iter().map(|cell| cell.coverage_ppb / 10_000_000).collect();
    assert_eq!(coverage, [0, 0, 93]);
    assert_eq!(orbit[2].pool, 3 * orbit[0].pool, "a neglected pool waits");
    let tundra = operator(&report, "Borealis Labs/tundra").slots.iter().filter(|slot| slot.workload == 4);
    let reasons: Vec<(u32, &str)> = tundra.map(|slot| (slot.epoch, slot.reason.as_str())).collect();
    assert_eq!(reasons, [(1, "NotYetEffective"), (2, "Paid")], "it enrolled in epoch 1 for epoch 2");

    assert!(fs::read_to_string(html).unwrap().contains("match the chain bit for bit"));
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/coverage-map.svg");
    assert_eq!(
        fs::read_to_string(picture).unwrap(),
        fs::read_to_string(svg).unwrap(),
        "docs/coverage-map.svg is stale: run `covctl demo --svg docs/coverage-map.svg`"
    );
}

/// I2 over all cells, from the emission to the payout accounts.
fn check_money(report: &Report) {
    let weight: u64 = report.workloads.iter().map(|workload| workload.weight).sum();
    let unit = report.network.emission_per_epoch / weight;
    for workload in &report.workloads {
        let mut carry = 0;
        for cell in &workload.cells {
            assert_eq!(cell.pool, cell.paid + cell.carry_out + cell.returned, "{}", workload.name);
            assert_eq!(cell.pool, unit * workload.weight + carry, "{}", workload.name);
            carry = cell.carry_out;
        }
    }
    let cells = || report.workloads.iter().flat_map(|workload| &workload.cells);
    let slots = || report.operators.iter().flat_map(|operator| &operator.slots);
    let totals = &report.totals;
    assert_eq!(totals.emitted, 3 * unit * weight);
    assert_eq!(totals.emitted, totals.paid + totals.carried + totals.returned);
    assert_eq!(totals.paid, cells().map(|cell| cell.paid).sum::<u64>());
    assert_eq!(totals.paid, slots().map(|slot| slot.reward).sum::<u64>());
    assert_eq!(totals.paid, totals.claimed, "all of it is on payout accounts");
    assert_eq!(totals.paid, report.operators.iter().map(|operator| operator.per_node).sum::<u64>());
    assert_eq!(totals.paid, report.operators.iter().map(|operator| operator.per_request).sum::<u64>());
    let mut attested = [0; 7];
    for cell in cells() {
        attested.iter_mut().zip(cell.outcomes).for_each(|(sum, count)| *sum += count);
    }
    assert_eq!(attested, report.demand.outcomes, "every attempt is attested once");
}

#[test]
fn two_runs_give_the_same_bytes() {
    let run = || covctl(&["demo", "--output", "json"]).stdout;
    assert_eq!(run(), run());
}

#[test]
fn text_goes_to_standard_output_and_talk_to_standard_error() {
    let run = covctl(&["demo", "--top", "2"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.starts_with("An invented network of ten operators (invented)\n"));
    assert!(run.stdout.contains("… and 8 more\n"));
    assert!(run.stdout.contains("audit: identical; 56 slots in 15 cells recomputed, 0 differences from the chain\n"));
    assert!(run.stderr.contains("0008 enrol operators: 18 transactions\n"));
    assert!(run.stderr.contains("2,184 receipts in 17 batches; attesters verified 10,920 signatures\n"));
    assert!(!run.stderr.contains('\x1b'), "no terminal, no bar");
}

#[test]
fn a_program_that_is_not_built_is_an_error_that_says_what_to_do() {
    let run = covctl_with(&["demo"], "", &[("COVERAGE_SO", "/nowhere/program.so")]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.starts_with("error: loading /nowhere/program.so failed: "), "{}", run.stderr);
    assert!(run.stderr.contains("cargo xtask build-sbf"), "{}", run.stderr);
}
