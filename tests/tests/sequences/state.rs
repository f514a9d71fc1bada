//! The accounts as the transactions so far left them, decoded.

use anchor_lang::Discriminator;
use bytemuck::AnyBitPattern;
use coverage_client::{accounts, pda};
use coverage_math::attestation::Entry;
use coverage_math::cell::Slot;
use coverage_settlement::state::{Attestation, Cell, Committee, Epoch, Network, Operator, Phase, Workload};
use coverage_tests::Net;
use solana_account::Account;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

/// A workload with its cell.
pub struct Row {
    pub address: Pubkey,
    pub workload: Workload,
    /// Cell and slots, until the cell is closed.
    pub cell: Option<(Cell, Vec<Slot>)>,
}

impl Row {
    pub fn is_in(&self, phase: Phase) -> bool {
        self.cell.as_ref().is_some_and(|(cell, _)| cell.phase == phase as u8)
    }
}

/// Accounts by address; those that are not there have no lamports.
#[derive(Default)]
pub struct State(pub BTreeMap<Pubkey, Account>);

impl State {
    pub fn data(&self, address: &Pubkey) -> &[u8] {
        self.0.get(address).map_or(&[], |account| &account.data)
    }

    pub fn get<T: AnyBitPattern + Discriminator>(&self, address: &Pubkey) -> Option<T> {
        accounts::header(address, self.data(address)).ok()
    }

    /// All accounts of a kind.
    pub fn all<T: AnyBitPattern + Discriminator>(&self) -> Vec<(Pubkey, T)> {
        self.0.keys().filter_map(|address| Some((*address, self.get(address)?))).collect()
    }

    pub fn network(&self, net: &Net) -> Network {
        self.get(&net.address).unwrap()
    }

    pub fn committee(&self, net: &Net) -> Committee {
        self.get(&pda::committee(&net.address)).unwrap()
    }

    pub fn cell(&self, workload: &Pubkey) -> Option<(Cell, Vec<Slot>)> {
        let address = pda::cell(workload);
        accounts::cell(&address, self.data(&address)).ok()
    }

    /// The network's workloads, in the order of their ids.
    pub fn rows(&self, net: &Net) -> Vec<Row> {
        let mut rows: Vec<_> = self
            .all::<Workload>()
            .into_iter()
            .filter(|(_, workload)| workload.network == net.address)
            .map(|(address, workload)| Row { address, workload, cell: self.cell(&address) })
            .collect();
        rows.sort_by_key(|row| row.workload.id);
        rows
    }

    /// The network's open epochs, in order.
    pub fn epochs(&self, net: &Net) -> Vec<Epoch> {
        let mut epochs: Vec<_> = self.all::<Epoch>().into_iter().map(|(_, epoch)| epoch).collect();
        epochs.retain(|epoch| epoch.network == net.address);
        epochs.sort_by_key(|epoch| epoch.index);
        epochs
    }

    pub fn operators(&self, net: &Net) -> Vec<(Pubkey, Operator)> {
        let mut operators = self.all::<Operator>();
        operators.retain(|(_, operator)| operator.network == net.address);
        operators
    }

    pub fn attestations(&self, net: &Net) -> Vec<(Pubkey, Attestation)> {
        let mut attestations = self.all::<Attestation>();
        attestations.retain(|(_, attestation)| attestation.network == net.address);
        attestations
    }

    pub fn entries(&self, attestation: &Pubkey) -> Vec<Entry> {
        accounts::attestation(attestation, self.data(attestation)).map_or(Vec::new(), |(_, entries)| entries)
    }

    /// Tokens in an account of either token program.
    pub fn tokens(&self, address: &Pubkey) -> u64 {
        word(self.data(address), 64)
    }

    /// Tokens of a mint in all accounts, and the mint's supply.
    pub fn circulation(&self, token: &pda::Token) -> (u128, u64) {
        let is = |account: &&Account| account.owner == token.program && account.data.starts_with(token.mint.as_ref());
        let sum = self.0.values().filter(is).map(|account| u128::from(word(&account.data, 64))).sum();
        (sum, word(self.data(&token.mint), 36))
    }
}

fn word(data: &[u8], at: usize) -> u64 {
    data.get(at..at + 8).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
}
