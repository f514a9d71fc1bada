//! The golden vectors of an independent 60-digit reference. They are not part of this repository: without
//! `../shared/vectors/cells.json` beside the checkout (or `COVERAGE_VECTORS`) the test says that it is skipped.
#![allow(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::print_stderr)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use coverage_math::cell::Terms;
use coverage_math::semivalue::Rule;
use serde::Deserialize;
use std::path::PathBuf;
use support::{ONE_Q32, ONE_Q64};

#[derive(Deserialize)]
struct Cell {
    rule: String,
    z_milli: u32,
    breach_bps: u16,
    pool: u64,
    slots: Vec<SlotInput>,
    expect: Expect,
}

#[derive(Deserialize)]
struct SlotInput {
    domain: u32,
    bond: u64,
    outcomes: [u32; 7],
}

#[derive(Deserialize)]
struct Expect {
    p: Vec<String>,
    phi: Vec<String>,
    coverage: String,
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn the_kernel_agrees_with_the_reference_within_the_required_accuracy() {
    let path = std::env::var_os("COVERAGE_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors/cells.json")),
        PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no golden vectors at {}; set COVERAGE_VECTORS", path.display());
        return;
    };
    let cells: Vec<Cell> = serde_json::from_str(&text).unwrap();
    assert!(!cells.is_empty());
    let (mut worst, mut worst_p) = (0f64, 0f64);
    for (number_of, cell) in cells.iter().enumerate() {
        let rule = match cell.rule.as_str() {
            "Shapley" => Rule::Shapley,
            "Banzhaf" => Rule::Banzhaf,
            "LastIn" => Rule::LastIn,
            other => panic!("unknown rule {other}"),
        };
        let terms = Terms { epoch: 1, rule, z_milli: cell.z_milli, breach_bps: cell.breach_bps, pool: cell.pool };
        let mut slots: Vec<_> =
            cell.slots.iter().map(|slot| support::slot(slot.domain, slot.bond, slot.outcomes)).collect();
        let settled = support::settle(&mut slots, &terms);

        let scale = cell.expect.phi.iter().map(|phi| number(phi)).fold(0.0, f64::max);
        let allowed = 1e-6 * scale + 2f64.powi(-30);
        for (slot, (phi, p)) in slots.iter().zip(cell.expect.phi.iter().zip(&cell.expect.p)) {
            let error = (slot.phi_q64 as f64 / ONE_Q64 - number(phi)).abs();
            worst = worst.max(error / allowed);
            assert!(error <= allowed, "cell {number_of}: φ is {error:e} off, allowed {allowed:e}");
            let above = f64::from(slot.p_q32) / ONE_Q32 - number(p);
            worst_p = worst_p.max(above.abs());
            assert!(above <= 1e-16, "cell {number_of}: p is {above:e} above the exact bound");
        }
        let coverage = settled.coverage_q64 as f64 / ONE_Q64;
        assert!((coverage - number(&cell.expect.coverage)).abs() < 1e-8, "cell {number_of}");
        assert!(settled.paid <= cell.pool, "cell {number_of}");
    }
    println!("{} cells: worst φ error {worst:.3} of what is allowed, worst p error {worst_p:.1e}", cells.len());
}
