//! A network's whole life on the embedded chain: created by the migrations, attested, settled, claimed and audited.
//!
//! ```text
//! before epoch 0     migrations: network, committee, workloads, treasury, operators, domains, capabilities, enrolments
//! during epoch e     those who begin in e + 1 enrol
//! at its end         epoch e + 1 opens; receipts → batches → five attesters recompute and sign → endorse → apply
//! + grace            seal every cell
//! + challenge        settle every cell, claim every reward, audit everything
//! ```
//!
//! Nothing here decides who gets what. That is the program's, and the report is read off the accounts it leaves.

mod attest;
mod cluster;
mod committee;
mod genesis;
mod harvest;
mod keys;
mod receipts;
mod settle;

pub use cluster::{Cluster, Cost, Costs};
pub use committee::{Objection, review};

use crate::Progress;
use crate::report::{Report, thousands, tokens};
use crate::router::{Attempt, Simulation};
use crate::scenario::Scenario;
use coverage_client::chain::Chain;
use coverage_client::math::cell::Slot;
use coverage_client::program::state::{Cell, Committee, Epoch, Network as NetworkAccount, Workload};
use coverage_client::{ClientError, accounts, instructions, pda};
use coverage_migrations::{Plan, m0008_enrolments};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use thiserror::Error;

/// Why a network did not get through its life.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// The chain, or what goes to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An attempt at an operator that the chain does not know in this cell.
    #[error(
        "operator {operator} was asked to serve workload {workload} in epoch {epoch}, but has no slot in its cell: enrol it an epoch earlier"
    )]
    NoSlot {
        /// Index of the operator.
        operator: usize,
        /// Index of the workload.
        workload: usize,
        /// The epoch.
        epoch: u64,
    },
    /// An attester does not sign.
    #[error("attester {attester} does not sign batch {sequence} of workload {workload} in epoch {epoch}: {objection}")]
    Objection {
        /// Index of the attester.
        attester: usize,
        /// Number of the batch.
        sequence: u64,
        /// Index of the workload.
        workload: usize,
        /// The epoch.
        epoch: u64,
        /// Why not.
        objection: Objection,
    },
    /// An index points nowhere.
    #[error("the scenario is not the one the attempts were made from")]
    Scenario,
}

/// How much evidence there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EvidenceCount {
    /// Receipts signed by reporters.
    pub receipts: u64,
    /// Batches applied.
    pub batches: u64,
    /// Receipt signatures verified by attesters.
    pub verified: u64,
}

/// A network in the middle of its life.
pub struct Network<'a> {
    scenario: &'a Scenario,
    progress: &'a Progress,
    /// Attempts by epoch and workload, in order of time.
    attempts: BTreeMap<(u32, usize), Vec<&'a Attempt>>,
    /// The chain.
    pub cluster: Cluster,
    plan: Plan,
    workloads: Vec<Pubkey>,
    /// Index of the operator at an address.
    operators: BTreeMap<[u8; 32], usize>,
    reporters: receipts::Reporters,
    evidence: EvidenceCount,
    report: Report,
}

/// Runs a network through all epochs of a scenario and reports what its accounts say.
///
/// # Errors
/// [`NetworkError`], with the chain's reason where it refused something.
pub fn run(scenario: &Scenario, simulation: &Simulation, progress: &Progress) -> Result<Report, NetworkError> {
    let mut network = Network::create(scenario, simulation, progress)?;
    for epoch in 0..scenario.epochs {
        network.run_epoch(epoch)?;
    }
    let evidence = network.evidence();
    progress.say(&format!(
        "{} receipts in {} batches; attesters verified {} signatures\n{}",
        thousands(evidence.receipts),
        thousands(evidence.batches),
        thousands(evidence.verified),
        network.cluster.costs
    ));
    network.finish()
}

impl<'a> Network<'a> {
    /// Creates the network of a scenario and opens its first epoch.
    ///
    /// # Errors
    /// [`NetworkError::Client`] if the program is not built, or refuses something.
    pub fn create(
        scenario: &'a Scenario,
        simulation: &'a Simulation,
        progress: &'a Progress,
    ) -> Result<Self, NetworkError> {
        let (cluster, plan) = genesis::create(scenario, progress)?;
        let mut attempts: BTreeMap<_, Vec<&Attempt>> = BTreeMap::new();
        for attempt in &simulation.attempts {
            attempts.entry((attempt.epoch, attempt.workload)).or_default().push(attempt);
        }
        let operators = plan.operators.iter().enumerate();
        let mut network = Self {
            scenario,
            progress,
            attempts,
            cluster,
            workloads: (0..plan.workloads.len()).map(|index| plan.workload(index)).collect(),
            operators: operators.map(|(index, operator)| (plan.operator(operator).to_bytes(), index)).collect(),
            reporters: receipts::Reporters::new(),
            evidence: EvidenceCount::default(),
            report: harvest::blank(scenario, simulation, &plan.config),
            plan,
        };
        network.open_epoch(0)?;
        Ok(network)
    }

    /// Takes an epoch from its middle to the audit of its settlement.
    ///
    /// # Errors
    /// [`NetworkError`], with the chain's reason where it refused something.
    pub fn run_epoch(&mut self, epoch: u32) -> Result<(), NetworkError> {
        self.enrol_newcomers(epoch)?;
        let config = self.plan.config;
        let end = self.start_ts(epoch.saturating_add(1));
        if epoch.saturating_add(1) < self.scenario.epochs {
            self.open_epoch(epoch.saturating_add(1))?;
        }
        self.cluster.embedded.set_time(end);
        self.attest(epoch)?;
        let sealing = end.saturating_add_unsigned(config.grace_seconds);
        self.cluster.embedded.set_time(sealing);
        self.seal(epoch)?;
        self.cluster.embedded.set_time(sealing.saturating_add_unsigned(config.challenge_seconds));
        self.settle(epoch)?;
        let claims = self.claim()?;
        let differences = self.report.audit.mismatches.len();
        self.harvest(epoch)?;
        self.audit(epoch)?;
        self.tell(epoch, claims, self.report.audit.mismatches.len().saturating_sub(differences));
        Ok(())
    }

    /// The report, with what the same money would have paid by other rules.
    ///
    /// # Errors
    /// [`NetworkError::Client`] if an account cannot be read.
    pub fn finish(mut self) -> Result<Report, NetworkError> {
        let payouts = self.plan.operators.iter().map(|operator| pda::token_account(&operator.payout, &self.plan.token));
        self.report.totals.claimed = payouts.map(|account| self.cluster.embedded.tokens(&account)).sum();
        for operator in &mut self.report.operators {
            operator.slots.sort_by_key(|slot| (slot.workload, slot.epoch));
        }
        self.report.fill_comparisons();
        Ok(self.report)
    }

    /// How much evidence there was so far.
    #[must_use]
    pub const fn evidence(&self) -> EvidenceCount {
        self.evidence
    }

    /// The report so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// The address of a workload.
    #[must_use]
    pub fn workload(&self, index: usize) -> Option<Pubkey> {
        self.workloads.get(index).copied()
    }

    /// The address of an operator.
    #[must_use]
    pub fn operator(&self, index: usize) -> Option<Pubkey> {
        Some(self.plan.operator(self.plan.operators.get(index)?))
    }

    /// The address of the network.
    #[must_use]
    pub fn address(&self) -> Pubkey {
        self.plan.network()
    }

    /// Start of an epoch in unix seconds.
    fn start_ts(&self, epoch: u32) -> i64 {
        let offset = self.plan.config.epoch_seconds.saturating_mul(u64::from(epoch));
        self.plan.genesis_ts.saturating_add_unsigned(offset)
    }

    /// Opens an epoch at its first second.
    fn open_epoch(&mut self, epoch: u32) -> Result<(), NetworkError> {
        self.cluster.embedded.set_time(self.start_ts(epoch));
        let open = instructions::open_epoch(self.cluster.payer(), self.address(), u64::from(epoch));
        self.cluster.send("opening an epoch", &[open])?;
        Ok(())
    }

    /// In the middle of an epoch, those who begin in the next one enrol: the migrations' last step, with more to do.
    fn enrol_newcomers(&mut self, epoch: u32) -> Result<(), NetworkError> {
        if genesis::enrol(self.scenario, &mut self.plan, epoch.saturating_add(1)) {
            let half = self.plan.config.epoch_seconds / 2;
            self.cluster.embedded.set_time(self.start_ts(epoch).saturating_add_unsigned(half));
            m0008_enrolments::run(&mut self.cluster, &self.plan)?;
        }
        Ok(())
    }

    fn tell(&self, epoch: u32, claims: usize, differences: usize) {
        let cells = || self.report.workloads.iter().filter_map(|workload| workload.cells.last());
        let paid: u64 = cells().map(|cell| cell.paid).sum();
        let receipts: u64 = cells().flat_map(|cell| cell.outcomes).sum();
        self.progress.say(&format!(
            "epoch {epoch}: {} receipts attested, {} cells settled, {} tokens paid by {claims} claims; the audit found \
             {differences} differences",
            thousands(receipts),
            cells().count(),
            tokens(paid, genesis::MINT_DECIMALS)
        ));
    }

    fn read_cell(&mut self, workload: &Pubkey) -> Result<(Cell, Vec<Slot>), NetworkError> {
        let address = pda::cell(workload);
        Ok(accounts::cell(&address, &self.cluster.require(&address)?.data)?)
    }

    fn read_workload(&mut self, address: &Pubkey) -> Result<Workload, NetworkError> {
        Ok(accounts::header(address, &self.cluster.require(address)?.data)?)
    }

    fn read_epoch(&mut self, epoch: u64) -> Result<Epoch, NetworkError> {
        let address = pda::epoch(&self.address(), epoch);
        Ok(accounts::header(&address, &self.cluster.require(&address)?.data)?)
    }

    fn read_network(&mut self) -> Result<NetworkAccount, NetworkError> {
        let address = self.address();
        Ok(accounts::header(&address, &self.cluster.require(&address)?.data)?)
    }

    fn committee_generation(&mut self) -> Result<u64, NetworkError> {
        let address = pda::committee(&self.address());
        let committee: Committee = accounts::header(&address, &self.cluster.require(&address)?.data)?;
        Ok(committee.generation)
    }
}
