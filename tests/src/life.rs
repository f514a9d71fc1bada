//! What happens in a network: statements, epochs, settlements, claims.

use crate::{CHALLENGE, EPOCH, GENESIS, GRACE, Operator, World, entry};
use coverage_client::batch::{BatchOf, Statement};
use coverage_client::chain::Chain;
use coverage_client::{instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_math::cell::Slot;
use coverage_math::reliability::OUTCOMES;
use coverage_settlement::state::{Cell, Committee, Network, Operator as OperatorAccount};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

impl World {
    /// The committee's generation.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.get::<Committee>(&pda::committee(&self.net.address)).generation
    }

    /// Has an operator's next failure domain attested and applied.
    pub fn attest_domain(&mut self, operator: &Operator, domain: u32) {
        let version = self.get::<OperatorAccount>(&operator.account).domain_version;
        let statement =
            Statement::failure_domain(self.net.address, operator.account, domain, version, self.generation());
        self.apply(&statement);
    }

    /// What the next batch of a cell is of.
    #[must_use]
    pub fn batch_of(&self, workload: Pubkey) -> BatchOf {
        let (cell, _) = self.cell(workload);
        BatchOf {
            network: self.net.address,
            workload,
            epoch: cell.epoch,
            sequence: cell.batches,
            generation: self.generation(),
        }
    }

    /// The statement of the next batch of a cell.
    #[must_use]
    pub fn statement(&self, workload: Pubkey, entries: &[Entry]) -> Statement {
        Statement::counts(self.batch_of(workload), [5; 32], entries)
    }

    /// Applies the next batch of a cell.
    pub fn batch(&mut self, workload: Pubkey, counts: &[(u16, [u32; OUTCOMES])]) {
        let entries: Vec<_> = counts.iter().map(|(slot, counts)| entry(*slot, *counts)).collect();
        let statement = self.statement(workload, &entries);
        self.apply(&statement);
    }

    /// Uploads a statement.
    pub fn upload(&mut self, statement: &Statement) {
        for instruction in statement.upload(self.payer) {
            self.send(&[instruction]);
        }
    }

    /// Uploads a statement and has all attesters endorse it.
    pub fn endorse(&mut self, statement: &Statement) {
        self.upload(statement);
        for pair in statement.endorse(self.payer, &self.net.attesters) {
            self.send(&pair);
        }
    }

    /// Uploads a statement, has all attesters endorse it, and applies it.
    pub fn apply(&mut self, statement: &Statement) {
        self.endorse(statement);
        self.send(&[statement.apply(self.payer)]);
    }

    /// Sets the clock.
    pub fn set_time(&mut self, now: i64) {
        self.cluster.set_time(now);
    }

    /// Sets the clock forward to `now`, if it is not there yet.
    pub fn wait_until(&mut self, now: i64) {
        let current = self.cluster.now().unwrap();
        self.cluster.set_time(current.max(now));
    }

    /// Waits for the next epoch's start and opens it; returns its number.
    pub fn open_epoch(&mut self) -> u64 {
        let index = self.get::<Network>(&self.net.address).next_epoch;
        self.wait_until(GENESIS + EPOCH * index as i64);
        self.send(&[ix::open_epoch(self.payer, self.net.address, index)]);
        index
    }

    /// Waits for the end of the grace period and seals a cell.
    pub fn seal(&mut self, workload: Pubkey) {
        let epoch = self.cell(workload).0.epoch;
        self.wait_until(GENESIS + EPOCH * (epoch as i64 + 1) + GRACE);
        self.send(&[ix::seal_cell(self.net.address, workload, epoch)]);
    }

    /// Waits for the end of the challenge window and settles a cell, `step_units` at a time; returns in how many transactions.
    pub fn settle_by(&mut self, workload: Pubkey, step_units: u32) -> usize {
        let cell = self.cell(workload).0;
        self.wait_until(cell.sealed_ts + CHALLENGE);
        let instruction = ix::settle_cell(self.net.address, workload, cell.epoch, step_units);
        let mut transactions = 0;
        while self.cell(workload).0.epoch == cell.epoch {
            self.send(std::slice::from_ref(&instruction));
            transactions += 1;
        }
        transactions
    }

    /// Seals and settles a cell, in one transaction each; returns it.
    pub fn finish(&mut self, workload: Pubkey) -> (Cell, Vec<Slot>) {
        self.seal(workload);
        assert_eq!(self.settle_by(workload, ix::SETTLE_STEPS), 1);
        self.cell(workload)
    }

    /// The instruction that claims for an operator.
    #[must_use]
    pub fn claim_instruction(&self, operator: &Operator, slots: &[(Pubkey, u16)]) -> Instruction {
        let net = &self.net;
        ix::claim_rewards(self.payer, net.address, &net.token, operator.account, operator.payout, slots)
    }

    /// Claims for an operator; returns the tokens its payout account got.
    pub fn claim(&mut self, operator: &Operator, slots: &[(Pubkey, u16)]) -> u64 {
        let before = self.paid_out(operator);
        self.send(&[self.claim_instruction(operator, slots)]);
        self.paid_out(operator) - before
    }

    /// Tokens in an operator's payout account.
    #[must_use]
    pub fn paid_out(&self, operator: &Operator) -> u64 {
        self.cluster.tokens(&pda::token_account(&operator.payout, &self.net.token))
    }
}
