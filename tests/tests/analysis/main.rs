//! What the SDK says of a network (explanations, opportunities, audits), held against what the compiled program does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)] // a test fails by panicking

mod audit;
mod explain;
mod opportunities;
mod receipts;

use anchor_lang::Discriminator;
use bytemuck::AnyBitPattern;
use coverage_client::chain::Chain;
use coverage_client::rpc::{OperatorState, Snapshot, WorkloadState};
use coverage_client::{accounts, pda};
use coverage_settlement::ID;
use coverage_settlement::state::{Epoch, Network, Operator, Workload};
use coverage_tests::World;
use solana_program::pubkey::Pubkey;

/// All accounts of a kind that decode.
fn all<T: AnyBitPattern + Discriminator>(world: &World) -> Vec<(Pubkey, T)> {
    let accounts = world.cluster.svm.get_program_accounts(&ID).into_iter();
    let open = accounts.filter(|(_, account)| account.lamports > 0);
    open.filter_map(|(at, account)| Some((at, accounts::header::<T>(&at, &account.data).ok()?))).collect()
}

/// The network in hand with all its accounts, as `Snapshot::fetch` reads them from a cluster.
fn snapshot(world: &mut World) -> Snapshot {
    let address = world.net.address;
    let network: Network = world.get(&address);
    let epochs = all::<Epoch>(world).into_iter().filter(|(_, epoch)| epoch.network == address);
    let operators = all::<Operator>(world).into_iter().filter(|(_, operator)| operator.network == address);
    let workloads = all::<Workload>(world).into_iter().filter(|(_, workload)| workload.network == address);
    let state = |at: Pubkey, workload: Workload| {
        let account = |at: &Pubkey| world.cluster.svm.get_account(at).filter(|account| account.lamports > 0);
        let (cell_at, log_at) = (pda::cell(&at), pda::log(&at));
        let cell = account(&cell_at).map(|account| accounts::cell(&cell_at, &account.data).unwrap());
        let log = account(&log_at).map(|account| accounts::log(&log_at, &account.data).unwrap());
        let (cell, slots) = cell.map_or((None, Vec::new()), |(cell, slots)| (Some(cell), slots));
        WorkloadState { address: at, workload, cell, slots, log }
    };
    Snapshot {
        address,
        network,
        committee: world.get(&pda::committee(&address)),
        epochs: epochs.map(|(_, epoch)| (epoch.index, epoch)).collect(),
        workloads: workloads.map(|(at, workload)| (workload.id, state(at, workload))).collect(),
        operators: operators.map(|(address, operator)| (address, OperatorState { address, operator })).collect(),
        vault_units: world.cluster.tokens(&network.vault),
        now: world.cluster.now().unwrap(),
    }
}

/// Text with every address replaced by a name, so that it can be compared.
fn named(text: &impl ToString, names: &[(Pubkey, &str)]) -> String {
    names.iter().fold(text.to_string(), |text, (address, name)| text.replace(&address.to_string(), name))
}
