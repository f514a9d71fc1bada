//! Everything of a network at one moment, decoded: what the audit, the explanations and the keeper go by.

use super::Rpc;
use crate::{ClientError, accounts, pda};
use coverage_math::cell::Slot;
use coverage_settlement::state::{BatchLog, BatchRecord, Cell, Committee, Epoch, Network, Operator, Workload};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::mem::offset_of;

/// A network with all its accounts.
#[derive(Clone)]
pub struct Snapshot {
    /// Its address.
    pub address: Pubkey,
    /// Its account.
    pub network: Network,
    /// Its committee.
    pub committee: Committee,
    /// Epochs that are not closed, by number.
    pub epochs: BTreeMap<u64, Epoch>,
    /// Workloads with their cells, by id.
    pub workloads: BTreeMap<u64, WorkloadState>,
    /// Operators by address.
    pub operators: BTreeMap<Pubkey, OperatorState>,
    /// Tokens in the vault, in units.
    pub vault_units: u64,
    /// The cluster's time, in unix seconds.
    pub now: i64,
}

/// A workload with its cell and log.
#[derive(Clone)]
pub struct WorkloadState {
    /// The workload's address.
    pub address: Pubkey,
    /// The workload.
    pub workload: Workload,
    /// Its cell, `None` once closed.
    pub cell: Option<Cell>,
    /// The cell's slots.
    pub slots: Vec<Slot>,
    /// The batches of the epoch in hand.
    pub log: Option<(BatchLog, Vec<BatchRecord>)>,
}

/// An operator.
#[derive(Clone, Copy)]
pub struct OperatorState {
    /// Its address.
    pub address: Pubkey,
    /// Its account.
    pub operator: Operator,
}

/// Where a token account holds its amount.
const AMOUNT_AT: usize = 64;

impl Snapshot {
    /// Reads a network with all its accounts. The accounts are read one request after another, so a network in motion may
    /// show some of them a moment later than others.
    ///
    /// # Errors
    /// [`ClientError::Missing`] if there is no such network; [`ClientError::Rpc`] if the cluster does not answer.
    pub async fn fetch(rpc: &Rpc, address: &Pubkey) -> Result<Self, ClientError> {
        let network = rpc.header::<Network>(address).await?;
        let committee = rpc.header::<Committee>(&pda::committee(address)).await?;
        let mut epochs = BTreeMap::new();
        for (at, account) in rpc.all_of::<Epoch>(address, offset_of!(Epoch, network)).await? {
            let epoch = accounts::header::<Epoch>(&at, &account.data)?;
            epochs.insert(epoch.index, epoch);
        }
        let mut operators = BTreeMap::new();
        for (at, account) in rpc.all_of::<Operator>(address, offset_of!(Operator, network)).await? {
            let operator = accounts::header::<Operator>(&at, &account.data)?;
            operators.insert(at, OperatorState { address: at, operator });
        }
        let mut workloads = BTreeMap::new();
        for (at, account) in rpc.all_of::<Workload>(address, offset_of!(Workload, network)).await? {
            let workload = accounts::header::<Workload>(&at, &account.data)?;
            workloads.insert(workload.id, WorkloadState::fetch(rpc, at, workload).await?);
        }
        let vault = rpc.require(&pda::vault(address)).await?;
        let amount =
            vault.data.get(AMOUNT_AT..).and_then(<[u8]>::first_chunk).map_or(0, |units| u64::from_le_bytes(*units));
        Ok(Self {
            address: *address,
            network,
            committee,
            epochs,
            workloads,
            operators,
            vault_units: amount,
            now: rpc.now().await?,
        })
    }
}

impl WorkloadState {
    async fn fetch(rpc: &Rpc, address: Pubkey, workload: Workload) -> Result<Self, ClientError> {
        let (cell_at, log_at) = (pda::cell(&address), pda::log(&address));
        let found = rpc.accounts(&[cell_at, log_at]).await?;
        let mut found = found.into_iter();
        let (cell, log) = (found.next().flatten(), found.next().flatten());
        let cell = cell.map(|account| accounts::cell(&cell_at, &account.data)).transpose()?;
        let log = log.map(|account| accounts::log(&log_at, &account.data)).transpose()?;
        let (cell, slots) = cell.map_or((None, Vec::new()), |(cell, slots)| (Some(cell), slots));
        Ok(Self { address, workload, cell, slots, log })
    }
}
