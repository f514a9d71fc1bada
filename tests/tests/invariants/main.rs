//! I1 to I9, each attacked by the test of its name, on the compiled program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test fails by panicking

mod authority;
mod counting;
mod money;
mod time;

use coverage_client::audit::{self, Difference};
use coverage_client::pda;
use coverage_settlement::state::{Cell, Epoch, Network, Workload};
use coverage_tests::World;
use solana_program::pubkey::Pubkey;

/// Every cell of the network with its workload.
fn cells(world: &World, workloads: &[Pubkey]) -> Vec<(Cell, Workload)> {
    workloads.iter().map(|workload| (world.cell(*workload).0, world.get(workload))).collect()
}

/// The epochs that are open and not closed.
fn epochs(world: &World) -> Vec<Epoch> {
    let next = world.get::<Network>(&world.net.address).next_epoch;
    let account = |index: &u64| world.cluster.svm.get_account(&pda::epoch(&world.net.address, *index));
    (0..next)
        .filter(|index| account(index).is_some_and(|account| account.lamports > 0))
        .map(|i| world.epoch(i))
        .collect()
}

/// What I1 has to say.
fn solvency(world: &World, workloads: &[Pubkey]) -> Option<Difference> {
    let network: Network = world.get(&world.net.address);
    let vault = world.cluster.tokens(&network.vault);
    audit::solvency(&network, &cells(world, workloads), &epochs(world), vault)
}

/// Asserts I1, and that it would not hold with one unit less: nothing is in the vault that is nobody's.
#[track_caller]
fn solvent_to_the_unit(world: &World, workloads: &[Pubkey]) {
    assert_eq!(solvency(world, workloads), None);
    let network: Network = world.get(&world.net.address);
    let vault = world.cluster.tokens(&network.vault) - 1;
    let short = audit::solvency(&network, &cells(world, workloads), &epochs(world), vault);
    assert_eq!(short.unwrap().what, "I1 solvency (vault)");
}
