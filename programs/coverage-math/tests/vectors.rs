//! The kernel against the golden vectors of an independent 60-digit reference.
#![allow(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::print_stderr)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/golden.rs"]
mod golden;
mod support;

use support::{ONE_Q32, ONE_Q64};

#[test]
fn the_kernel_agrees_with_the_reference_within_the_required_accuracy() {
    let Some(cells) = golden::load() else {
        return;
    };
    let (mut worst, mut worst_p) = (0f64, 0f64);
    for (number_of, cell) in cells.iter().enumerate() {
        let mut slots = cell.slots();
        let settled = support::settle(&mut slots, &cell.terms());

        let allowed = cell.allowed();
        for (slot, (phi, p)) in slots.iter().zip(cell.phi().into_iter().zip(&cell.expect.p)) {
            let error = (slot.phi_q64 as f64 / ONE_Q64 - phi).abs();
            worst = worst.max(error / allowed);
            assert!(error <= allowed, "cell {number_of}: φ is {error:e} off, allowed {allowed:e}");
            let above = f64::from(slot.p_q32) / ONE_Q32 - golden::number(p);
            worst_p = worst_p.max(above.abs());
            assert!(above <= 1e-16, "cell {number_of}: p is {above:e} above the exact bound");
        }
        let coverage = settled.coverage_q64 as f64 / ONE_Q64;
        assert!((coverage - golden::number(&cell.expect.coverage)).abs() < 1e-8, "cell {number_of}");
        assert!(settled.paid <= cell.pool, "cell {number_of}");
    }
    println!("{} cells: worst φ error {worst:.3} of what is allowed, worst p error {worst_p:.1e}", cells.len());
}
