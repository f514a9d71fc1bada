//! What a replay found: plain data for JSON, and renderings of it for the terminal, the browser and a README.
//!
//! Everything is an integer. In JSON, amounts of tokens and 64-bit fixed-point values are **decimal strings**, because
//! JavaScript and `jq` would round them; counts, indices, ppb and Q32 values are numbers. Workloads, operators and failure
//! domains refer to each other by position, failure domains from 1.

mod chart;
mod compare;
mod decimal;
mod format;
pub mod html;
mod html_tables;
mod map;
pub mod svg;
pub mod text;

use serde::{Deserialize, Serialize};

pub(crate) use format::{thousands, tokens};
pub use map::{CoverageMap, DomainReach};

/// Version of the JSON layout; raised when a field changes meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// Names of the seven outcomes by number, as in receipts.
pub const OUTCOME_NAMES: [&str; 7] = [
    "Served",
    "ModelUnavailable",
    "HardwareIncompatible",
    "CapacityExhausted",
    "RoutingFailed",
    "LatencyExceeded",
    "VerificationFailed",
];

/// A whole replay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema: u32,
    /// Title of the scenario.
    pub title: String,
    /// Where the scenario comes from, one entry per file or generator.
    pub sources: Vec<String>,
    /// True when operators, capacities and requests are made up.
    pub invented: bool,
    /// What a reader must know to not misread the results, a sentence or two each.
    pub notes: Vec<String>,
    /// What the network was told to do.
    pub network: NetworkParameters,
    /// What was asked and what became of it.
    pub demand: DemandReport,
    /// Names of the failure domains; domain id `d` is `domains[d - 1]`.
    pub domains: Vec<String>,
    /// Every workload with its cells.
    pub workloads: Vec<WorkloadReport>,
    /// Every operator with its slots.
    pub operators: Vec<OperatorReport>,
    /// Sums over all cells.
    pub totals: Totals,
    /// Whether the chain's numbers are those of the kernel run off-chain.
    pub audit: AuditReport,
}

/// The settings that decide who gets what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkParameters {
    /// Address of the program, base58.
    pub program_id: String,
    /// Semivalue rule: `Shapley`, `Banzhaf` or `LastIn`.
    pub rule: String,
    /// One-sided z of the Wilson bound, in thousandths: 1645 is 1.645.
    pub z_milli: u32,
    /// Share of failed verifications above which a slot gets nothing, in basis points.
    pub breach_bps: u32,
    /// Share of the committee's weight that endorsements must exceed, in basis points.
    pub quorum_bps: u32,
    /// Attesters of the committee.
    pub attesters: u32,
    /// Epochs settled.
    pub epochs: u32,
    /// Length of an epoch in seconds.
    pub epoch_seconds: u64,
    /// Emission per epoch in base units.
    #[serde(with = "decimal")]
    pub emission_per_epoch: u64,
    /// Epochs' worth of its own pool a workload may carry.
    pub carry_cap_epochs: u32,
    /// Decimals of the reward mint: one token is `10^mint_decimals` base units.
    pub mint_decimals: u8,
}

/// Requests and attempts, as the router saw them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemandReport {
    /// Requests of the demand, without probes.
    pub requests: u64,
    /// Requests served by somebody in the end.
    pub requests_served: u64,
    /// Attempts, with probes: the number of receipts.
    pub attempts: u64,
    /// Attempts that were probes.
    pub probes: u64,
    /// Attempts by outcome, by the numbers of [`OUTCOME_NAMES`].
    pub outcomes: [u64; 7],
}

/// One workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadReport {
    /// "model / scenario".
    pub name: String,
    /// Its share of the emission, relative to the other weights.
    pub weight: u64,
    /// Its latency objective in milliseconds.
    pub latency_objective_ms: u32,
    /// Its settled epochs, in order.
    pub cells: Vec<CellReport>,
}

/// One settled cell: a workload in an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellReport {
    /// The epoch.
    pub epoch: u32,
    /// Coverage `C_w` in parts per billion, rounded down; [`ppb_from_q64`] of the next field.
    pub coverage_ppb: u32,
    /// Coverage `C_w` as settled: `coverage_q64 / 2^64`, certainty saturating at `2^64 - 1`.
    #[serde(with = "decimal")]
    pub coverage_q64: u64,
    /// What there was to pay, in base units; equals `paid + carry_out + returned`.
    #[serde(with = "decimal")]
    pub pool: u64,
    /// Sum of the rewards, in base units.
    #[serde(with = "decimal")]
    pub paid: u64,
    /// What waits in the next epoch's pool, in base units.
    #[serde(with = "decimal")]
    pub carry_out: u64,
    /// What went back to the treasury because the carry is capped, in base units.
    #[serde(with = "decimal")]
    pub returned: u64,
    /// Attested outcomes, by the numbers of [`OUTCOME_NAMES`].
    pub outcomes: [u64; 7],
    /// Operators enrolled.
    pub slots: u32,
    /// Failure domains among them.
    pub domains: u32,
}

/// One operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorReport {
    /// "submitter/platform".
    pub name: String,
    /// Failure domain, from 1.
    pub domain: u32,
    /// Bond in base units.
    #[serde(with = "decimal")]
    pub bond: u64,
    /// Sum of its slots' rewards, in base units.
    #[serde(with = "decimal")]
    pub reward: u64,
    /// Sum of its slots' `per_node`, in base units; see [`Report::fill_comparisons`].
    #[serde(with = "decimal", default)]
    pub per_node: u64,
    /// Sum of its slots' `per_request`, in base units; see [`Report::fill_comparisons`].
    #[serde(with = "decimal", default)]
    pub per_request: u64,
    /// Its settled slots, by workload and epoch.
    pub slots: Vec<SlotReport>,
}

/// One settled slot: an operator in a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotReport {
    /// Position of the workload.
    pub workload: usize,
    /// The epoch.
    pub epoch: u32,
    /// Attempts that count, routing failures left out.
    pub attempts: u64,
    /// Attempts served.
    pub served: u64,
    /// Reliability `p`: the Wilson bound, `p_q32 / 2^32`.
    pub p_q32: u32,
    /// Share `a` of the domain's reach: `share_q32 / 2^32`.
    pub share_q32: u32,
    /// Marginal coverage `φ`: `phi_q64 / 2^64`.
    #[serde(with = "decimal")]
    pub phi_q64: u64,
    /// Reward in base units.
    #[serde(with = "decimal")]
    pub reward: u64,
    /// Why: `Paid`, `NoEvidence`, `NotYetEffective`, `VerificationBreach`, `Dominated` or `Retired`.
    pub reason: String,
    /// What an equal split of the cell's paid sum among its slots would give, in base units.
    #[serde(with = "decimal", default)]
    pub per_node: u64,
    /// What a split of the cell's paid sum by attempts served would give, in base units.
    #[serde(with = "decimal", default)]
    pub per_request: u64,
}

/// Sums over all settled cells, in base units unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Fresh money: pools without what earlier epochs carried in; equals `paid + carried + returned`.
    #[serde(with = "decimal")]
    pub emitted: u64,
    /// Sum of all rewards.
    #[serde(with = "decimal")]
    pub paid: u64,
    /// Carries left after the last settled epoch of each workload.
    #[serde(with = "decimal")]
    pub carried: u64,
    /// Returned to the treasury.
    #[serde(with = "decimal")]
    pub returned: u64,
    /// Claimed by operators and on their payout accounts.
    #[serde(with = "decimal")]
    pub claimed: u64,
}

/// Result of recomputing every settled slot from account data alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// Cells recomputed.
    pub cells: u64,
    /// Slots recomputed.
    pub slots: u64,
    /// Everything that was not the same to the last bit.
    pub mismatches: Vec<Mismatch>,
}

/// One difference between the chain and the recomputation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// Name of the workload.
    pub workload: String,
    /// The epoch.
    pub epoch: u32,
    /// Name of the operator; empty for fields of the cell.
    pub operator: String,
    /// Name of the field.
    pub field: String,
    /// What was recomputed.
    pub expected: String,
    /// What the account holds.
    pub actual: String,
}

/// Parts per billion of `value / 2^64`, rounded down.
#[must_use]
pub fn ppb_from_q64(value: u64) -> u32 {
    // The product is below 10^9 · 2^64, so its high half is below 10^9.
    u32::try_from((u128::from(value) * 1_000_000_000) >> 64).unwrap_or(u32::MAX)
}

impl AuditReport {
    /// Whether something was recomputed and all of it was identical.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.slots > 0 && self.mismatches.is_empty()
    }

    /// The verdict in a word or two: an audit of nothing is none.
    pub(crate) fn verdict(&self) -> &'static str {
        match (self.passed(), self.mismatches.is_empty()) {
            (true, _) => "identical",
            (false, true) => "not run",
            (false, false) => "DIFFERENT",
        }
    }
}

impl Report {
    /// The name of a failure domain, from 1; "unattested" for 0 and for ids nobody named.
    #[must_use]
    pub fn domain_name(&self, domain: u32) -> &str {
        let index = (domain as usize).checked_sub(1);
        index.and_then(|index| self.domains.get(index)).map_or("unattested", String::as_str)
    }

    /// Mean coverage over all workloads of an epoch, weighted by their weights, in parts per billion.
    #[must_use]
    pub fn mean_coverage_ppb(&self, epoch: u32) -> u32 {
        let cells = self.workloads.iter().flat_map(|workload| {
            workload.cells.iter().filter(|cell| cell.epoch == epoch).map(|cell| (u128::from(workload.weight), cell))
        });
        let (sum, weight) = cells.fold((0, 0), |(sum, total), (weight, cell)| {
            (sum + weight * u128::from(cell.coverage_ppb), total + weight)
        });
        u32::try_from(sum.checked_div(weight).unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// The last settled epoch of any workload.
    #[must_use]
    pub fn last_epoch(&self) -> u32 {
        self.workloads.iter().filter_map(|workload| workload.cells.last()).map(|cell| cell.epoch).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
