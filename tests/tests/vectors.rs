//! The golden vectors of an independent 60-digit reference, settled on-chain.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)] // a test fails by panicking

#[allow(dead_code)] // the kernel's own test reads more of it
#[path = "../../programs/coverage-math/tests/support/golden.rs"]
mod golden;

use bytemuck::Zeroable;
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::{self, Progress};
use coverage_settlement::state::{Epoch, Phase};
use coverage_tests::World;

/// One unit in Q64.
const ONE_Q64: f64 = 18_446_744_073_709_551_616.0;
/// What one transaction settles in any case.
const MOST_SLOTS: usize = 48;

#[test]
fn golden_cells_settled_on_chain_are_the_kernels_and_the_references() {
    let Some(cells) = golden::load() else {
        return;
    };
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    world.open_epoch();
    world.seal(workload);
    let (address, epoch) = (pda::cell(&workload), pda::epoch(&world.net.address, 0));
    let sealed = world.cluster.svm.clone();
    let (mut settled_cells, mut worst) = (0, 0f64);
    for (number, golden) in cells.iter().enumerate().filter(|(_, cell)| cell.slots.len() <= MOST_SLOTS) {
        world.cluster.svm = sealed.clone();
        let (terms, mut expected) = (golden.terms(), golden.slots());
        world.forge().header(&epoch, |epoch: &mut Epoch| {
            epoch.config.rule = terms.rule as u8;
            epoch.config.z_milli = terms.z_milli;
            epoch.config.breach_bps = terms.breach_bps;
            epoch.config.slash_bps = terms.slash_bps;
        });
        world.forge().slots(&address, &expected, |cell| cell.pool = terms.pool);
        assert_eq!(world.settle_by(workload, ix::SETTLE_STEPS), 1, "cell {number}");

        let mut order = vec![0; expected.len()];
        let settled = cell::settle(&mut expected, &mut order, &mut Progress::zeroed(), &terms, u64::MAX);
        let settled = settled.unwrap().unwrap();
        let (cell, slots) = world.cell(workload);
        assert_eq!(slots, expected, "cell {number}: other bytes than off-chain");
        assert_eq!(
            (cell.phase, cell.last.paid, cell.last.coverage_q64),
            (Phase::Collecting as u8, settled.paid, settled.coverage_q64)
        );
        assert!(cell.last.paid <= golden.pool, "cell {number}");

        let allowed = golden.allowed();
        for (slot, reference) in slots.iter().zip(golden.phi()) {
            let error = (slot.phi_q64 as f64 / ONE_Q64 - reference).abs();
            worst = worst.max(error / allowed);
            assert!(error <= allowed, "cell {number}: φ is {error:e} off, allowed {allowed:e}");
        }
        let coverage = golden::number(&golden.expect.coverage);
        assert!((cell.last.coverage_q64 as f64 / ONE_Q64 - coverage).abs() < 1e-8, "cell {number}");
        settled_cells += 1;
    }
    assert!(settled_cells > 0, "no cell of at most {MOST_SLOTS} slots");
    println!("{settled_cells} of {} cells settled on-chain, worst φ error {worst:.3} of what is allowed", cells.len());
}
