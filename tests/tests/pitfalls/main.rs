//! What others paid for, attacked one by one: every pitfall named in the protocol's notes has a test of its name here.
//!
//! The files of each instruction attack the same things in depth; here each attack stands once, in the order of the list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod machine;
mod payment;
mod signatures;

use coverage_client::batch::Statement;
use coverage_tests::{Operator, World, entry};
use solana_program::pubkey::Pubkey;

/// 90 of 100 served.
const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];

/// A funded network with one workload and one operator, its first epoch open.
fn world() -> (World, Pubkey, Operator) {
    let mut world = World::new();
    world.fund(10_000_000);
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 2_000, 1, workload);
    world.open_epoch();
    (world, workload, operator)
}

/// The next batch of the workload's first slot.
fn statement(world: &World, workload: Pubkey) -> Statement {
    world.statement(workload, &[entry(0, GOOD)])
}
