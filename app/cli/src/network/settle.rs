//! Sealing, settling and claiming.

use super::{Network, NetworkError};
use coverage_client::chain::Chain;
use coverage_client::instructions::{SETTLE_STEPS, claim_rewards, seal_cell, settle_cell};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

/// Cells that one claim takes at once: what fits a transaction with room for the compute budget's instruction.
const CELLS_A_CLAIM: usize = 12;

impl Network<'_> {
    /// Seals every cell, a transaction each.
    pub(super) fn seal(&mut self, epoch: u32) -> Result<(), NetworkError> {
        let network = self.address();
        self.progress.begin(format!("epoch {epoch}: sealing"), self.workloads.len());
        for workload in self.workloads.clone() {
            self.cluster.send("sealing a cell", &[seal_cell(network, workload, u64::from(epoch))])?;
            self.progress.step();
        }
        Ok(())
    }

    /// Settles every cell, in as many transactions as it needs.
    pub(super) fn settle(&mut self, epoch: u32) -> Result<(), NetworkError> {
        let network = self.address();
        self.progress.begin(format!("epoch {epoch}: settling"), self.workloads.len());
        for workload in self.workloads.clone() {
            // Each transaction takes at least one step or fails, so this ends.
            while self.read_cell(&workload)?.0.epoch <= u64::from(epoch) {
                let settle = settle_cell(network, workload, u64::from(epoch), SETTLE_STEPS);
                self.cluster.send("settling a cell", &[settle])?;
            }
            self.progress.step();
        }
        Ok(())
    }

    /// Claims everything earned, for everyone; returns how many transactions that took.
    pub(super) fn claim(&mut self) -> Result<usize, NetworkError> {
        let mut earned: BTreeMap<usize, Vec<(Pubkey, u16)>> = BTreeMap::new();
        for workload in self.workloads.clone() {
            let (_, slots) = self.read_cell(&workload)?;
            for (slot, number) in slots.iter().zip(0..).filter(|(slot, _)| slot.earned > 0) {
                if let Some(operator) = self.operators.get(&slot.operator) {
                    earned.entry(*operator).or_default().push((workload, number));
                }
            }
        }
        let (payer, network, token) = (self.cluster.payer(), self.address(), self.plan.token);
        let mut claims = Vec::new();
        for (operator, cells) in &earned {
            let operator = self.plan.operators.get(*operator).ok_or(NetworkError::Scenario)?;
            let (address, payout) = (self.plan.operator(operator), operator.payout);
            let claim = |cells| claim_rewards(payer, network, &token, address, payout, cells);
            claims.extend(cells.chunks(CELLS_A_CLAIM).map(claim));
        }
        self.progress.begin("claiming".to_owned(), claims.len());
        for claim in &claims {
            self.cluster.send("claiming rewards", std::slice::from_ref(claim))?;
            self.progress.step();
        }
        Ok(claims.len())
    }
}
