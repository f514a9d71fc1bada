//! From accounts to the report, and the audit of both.

use super::genesis::MINT_DECIMALS;
use super::{Network, NetworkError};
use crate::report::{
    AuditReport, CellReport, DemandReport, Mismatch, NetworkParameters, OperatorReport, Report, SCHEMA_VERSION,
    SlotReport, WorkloadReport, ppb_from_q64,
};
use crate::router::Simulation;
use crate::scenario::Scenario;
use coverage_client::audit::{self, Difference};
use coverage_client::math::cell::{Reason, Slot};
use coverage_client::math::reliability::Evidence;
use coverage_client::program::ID;
use coverage_client::program::state::{Cell, Config};
use std::collections::BTreeSet;

/// The report of a network before its first settlement.
pub(super) fn blank(scenario: &Scenario, simulation: &Simulation, config: &Config) -> Report {
    let operators = scenario.operators.iter().map(|operator| OperatorReport {
        name: operator.name.clone(),
        domain: operator.domain,
        bond: operator.bond,
        reward: 0,
        per_node: 0,
        per_request: 0,
        slots: Vec::new(),
    });
    let workloads = scenario.workloads.iter().map(|workload| WorkloadReport {
        name: workload.name.clone(),
        weight: workload.weight,
        latency_objective_ms: workload.latency_objective_ms,
        cells: Vec::new(),
    });
    Report {
        schema: SCHEMA_VERSION,
        title: scenario.title.clone(),
        sources: scenario.sources.clone(),
        invented: scenario.invented,
        notes: scenario.notes.clone(),
        network: parameters(scenario, config),
        demand: DemandReport {
            requests: scenario.requests.len() as u64,
            requests_served: simulation.requests_served.iter().sum(),
            attempts: simulation.attempts.len() as u64,
            probes: simulation.attempts.iter().filter(|attempt| attempt.probe).count() as u64,
            outcomes: simulation.outcome_counts(),
        },
        domains: scenario.domains.clone(),
        workloads: workloads.collect(),
        operators: operators.collect(),
        ..Report::default()
    }
}

fn parameters(scenario: &Scenario, config: &Config) -> NetworkParameters {
    NetworkParameters {
        program_id: ID.to_string(),
        rule: config.rule().map_or_else(|_| "unknown".to_owned(), |rule| format!("{rule:?}")),
        z_milli: config.z_milli,
        breach_bps: u32::from(config.breach_bps),
        quorum_bps: u32::from(config.quorum_bps),
        attesters: super::genesis::ATTESTERS as u32,
        epochs: scenario.epochs,
        epoch_seconds: config.epoch_seconds,
        emission_per_epoch: config.emission,
        carry_cap_epochs: u32::from(config.carry_cap_epochs),
        mint_decimals: MINT_DECIMALS,
    }
}

impl Network<'_> {
    /// Reads what the settlement of an epoch left in the cells into the report.
    pub(super) fn harvest(&mut self, epoch: u32) -> Result<(), NetworkError> {
        let settled_by = self.read_epoch(u64::from(epoch))?;
        let mut carried = 0u64;
        for (index, address) in self.workloads.clone().iter().enumerate() {
            let (cell, slots) = self.read_cell(address)?;
            let workload = self.read_workload(address)?;
            let settled = slots.get(..usize::from(cell.last.slots)).unwrap_or(&slots);
            let totals = &mut self.report.totals;
            let fresh = settled_by.unit.saturating_mul(workload.weight_in(u64::from(epoch)));
            totals.emitted = totals.emitted.saturating_add(fresh);
            totals.paid = totals.paid.saturating_add(cell.last.paid);
            totals.returned = totals.returned.saturating_add(cell.last.returned);
            carried = carried.saturating_add(cell.last.carry);
            if let Some(report) = self.report.workloads.get_mut(index) {
                report.cells.push(cell_report(epoch, &cell, settled));
            }
            for slot in settled {
                let operator =
                    self.operators.get(&slot.operator).and_then(|index| self.report.operators.get_mut(*index));
                if let Some(operator) = operator {
                    operator.reward = operator.reward.saturating_add(slot.reward);
                    operator.slots.push(slot_report(index, epoch, slot));
                }
            }
        }
        self.report.totals.carried = carried;
        Ok(())
    }

    /// Recomputes every settled slot from account data alone, and checks that the vault can pay what is owed (I1).
    ///
    /// # Errors
    /// [`NetworkError::Client`] if an account cannot be read; differences go into the report.
    pub fn audit(&mut self, epoch: u32) -> Result<(), NetworkError> {
        let mut cells = Vec::with_capacity(self.workloads.len());
        for (index, address) in self.workloads.clone().iter().enumerate() {
            let (cell, slots) = self.read_cell(address)?;
            let workload = self.read_workload(address)?;
            let (checked, differences) = audit::settlement(&cell, &slots);
            let report = &mut self.report.audit;
            report.cells = report.cells.saturating_add(1);
            report.slots = report.slots.saturating_add(checked as u64);
            let name = self.report.workloads.get(index).map(|workload| workload.name.clone()).unwrap_or_default();
            for difference in differences {
                let operator = difference.slot.map(|slot| self.operator_in(&slots, slot)).unwrap_or_default();
                mismatch(&mut self.report.audit, &name, epoch, operator, difference);
            }
            cells.push((cell, workload));
        }
        let network = self.read_network()?;
        let mut epochs = Vec::new();
        // What was set aside for earlier ones has become pools.
        for opened in u64::from(epoch)..network.next_epoch {
            epochs.push(self.read_epoch(opened)?);
        }
        let vault_units = self.cluster.embedded.tokens(&network.vault);
        if let Some(difference) = audit::solvency(&network, &cells, &epochs, vault_units) {
            mismatch(&mut self.report.audit, "all", epoch, String::new(), difference);
        }
        Ok(())
    }

    /// The name of the operator in a slot.
    fn operator_in(&self, slots: &[Slot], number: u16) -> String {
        let slot = slots.get(usize::from(number));
        let index = slot.and_then(|slot| self.operators.get(&slot.operator));
        let operator = index.and_then(|index| self.scenario.operators.get(*index));
        operator.map_or_else(|| format!("slot {number}"), |operator| operator.name.clone())
    }
}

fn mismatch(report: &mut AuditReport, workload: &str, epoch: u32, operator: String, difference: Difference) {
    report.mismatches.push(Mismatch {
        workload: workload.to_owned(),
        epoch,
        operator,
        field: difference.what.to_owned(),
        expected: difference.expected,
        actual: difference.actual,
    });
}

fn cell_report(epoch: u32, cell: &Cell, settled: &[Slot]) -> CellReport {
    let last = &cell.last;
    let domains: BTreeSet<u32> = settled.iter().map(|slot| slot.domain).collect();
    CellReport {
        epoch,
        coverage_ppb: ppb_from_q64(last.coverage_q64),
        coverage_q64: last.coverage_q64,
        pool: last.pool,
        paid: last.paid,
        carry_out: last.carry,
        returned: last.returned,
        outcomes: last.outcomes,
        slots: u32::from(last.slots),
        domains: domains.len() as u32,
    }
}

fn slot_report(workload: usize, epoch: u32, slot: &Slot) -> SlotReport {
    let evidence = Evidence::of(&slot.settled_tally);
    SlotReport {
        workload,
        epoch,
        attempts: evidence.map_or(0, |evidence| u64::from(evidence.attempts)),
        served: evidence.map_or(0, |evidence| u64::from(evidence.served)),
        p_q32: slot.p_q32,
        share_q32: slot.share_q32,
        phi_q64: slot.phi_q64,
        reward: slot.reward,
        reason: Reason::from_index(slot.reason).map_or_else(|| slot.reason.to_string(), |reason| format!("{reason:?}")),
        per_node: 0,
        per_request: 0,
    }
}
