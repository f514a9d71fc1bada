//! Epochs and cells as they will be, by what the chain shows today and the kernel that will settle them.

use crate::audit::{Settlement, is_shown, settled};
use crate::rpc::{Snapshot, WorkloadState};
use coverage_math::cell::{CellError, Reason, Settled, Slot, Stage, Terms};
use coverage_math::pool::{self, Remainder};
use coverage_math::semivalue::Rule;
use coverage_settlement::state::{Cell, Config, Phase};
use serde::Serialize;
use std::collections::BTreeMap;

/// What an epoch pays and is settled by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EpochTerms {
    /// Token units for one unit of weight.
    pub unit: u64,
    /// The configuration that settles it.
    pub config: Config,
}

/// What a pool is made of, in token units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// From the epoch: its unit times the workload's weight.
    pub allocated_units: u64,
    /// Carried over.
    pub carry_units: u64,
    /// From sponsors.
    pub sponsored_units: u64,
}

impl Pool {
    /// All of it.
    #[must_use]
    pub fn units(&self) -> u64 {
        self.allocated_units.saturating_add(self.carry_units).saturating_add(self.sponsored_units)
    }
}

/// The terms of every epoch there is and, as if nothing changed, of those until `until`: each takes its part of the treasury.
pub(crate) fn epochs(snapshot: &Snapshot, until: u64) -> BTreeMap<u64, EpochTerms> {
    let network = &snapshot.network;
    let opened = snapshot.epochs.iter();
    let opened = opened.map(|(index, epoch)| (*index, EpochTerms { unit: epoch.unit, config: epoch.config }));
    let mut terms: BTreeMap<u64, EpochTerms> = opened.collect();
    let mut available = network.treasury_available;
    for index in network.next_epoch..=until {
        let start_ts = network.epoch_start_ts(index).unwrap_or(i64::MAX);
        let pending = network.pending_ts != 0 && start_ts >= network.pending_ts;
        let config = if pending { network.pending_config } else { network.config };
        let unit = pool::unit(config.emission, available, network.total_weight);
        available = available.saturating_sub(unit.saturating_mul(network.total_weight));
        terms.insert(index, EpochTerms { unit, config });
    }
    terms
}

/// Slots with what was counted in the epoch in hand so far, however far its settlement has come.
pub(crate) fn in_hand(cell: &Cell, slots: &[Slot]) -> Vec<Slot> {
    let progress = cell.progress();
    let settling = cell.phase == Phase::Settling as u8;
    let taken =
        |number: usize| settling && (progress.stage > Stage::Bounds as u8 || number < usize::from(progress.cursor));
    let counted = |(number, slot): (usize, &Slot)| {
        let tally = if taken(number) { slot.settled_tally } else { slot.tally };
        Slot { tally, ..*slot }
    };
    slots.iter().enumerate().map(counted).collect()
}

/// Slots with the evidence to be expected of them: that of the last settled epoch, for those that counted in it; of the epoch in
/// hand so far for the others.
fn typical(cell: &Cell, slots: &[Slot]) -> Vec<Slot> {
    let settled = settled(cell, slots).len();
    let shown = is_shown(cell);
    let counted = |(number, (now, slot)): (usize, (Slot, &Slot))| {
        let reason = Reason::from_index(slot.reason);
        let idle = matches!(reason, None | Some(Reason::None | Reason::NotYetEffective | Reason::Retired));
        if shown && number < settled && !idle { Slot { tally: slot.settled_tally, ..now } } else { now }
    };
    in_hand(cell, slots).into_iter().zip(slots).enumerate().map(counted).collect()
}

/// Settles slots in an epoch with a pool; `None` for a rule that is none.
pub(crate) fn settle(
    slots: Vec<Slot>,
    epoch: u64,
    config: &Config,
    pool: u64,
) -> Option<Result<(Vec<Slot>, Settled), CellError>> {
    let terms = Terms {
        epoch,
        rule: Rule::from_index(config.rule)?,
        z_milli: config.z_milli,
        breach_bps: config.breach_bps,
        slash_bps: config.slash_bps,
        pool,
    };
    let mut settlement = Settlement { slots, terms };
    let settled = settlement.settle();
    Some(settled.map(|settled| (settlement.slots, settled)))
}

/// A workload's cell as it will be when an epoch is settled.
pub(crate) struct CellForecast {
    /// Its slots, each with the evidence to be expected of it.
    pub slots: Vec<Slot>,
    /// Its pool.
    pub pool: Pool,
    /// What it may carry over, in token units.
    pub carry_cap: u64,
}

impl CellForecast {
    /// A cell in `epoch`, which it has not settled yet: every epoch before is settled first, on the evidence in hand if it is
    /// sealed and on what is to be expected otherwise. `None` if the cell is closed or shows what the program cannot have written.
    pub fn at(state: &WorkloadState, terms: &BTreeMap<u64, EpochTerms>, epoch: u64) -> Option<Self> {
        let cell = state.cell.as_ref()?;
        let slots = typical(cell, &state.slots);
        let (mut carry, mut sponsored, mut next) = (cell.carry, cell.sponsored, cell.epoch);
        if cell.phase != Phase::Collecting as u8 {
            let now = terms.get(&next)?;
            let paid = settle(in_hand(cell, &state.slots), next, &now.config, cell.pool)?.ok()?.1.paid;
            carry = rest(state, now, next, cell.pool, paid)?.carry;
            next = next.checked_add(1)?;
        }
        for before in next..epoch {
            let now = terms.get(&before)?;
            let pool = pool_of(state, now, before, carry, std::mem::take(&mut sponsored)).units();
            let paid = settle(slots.clone(), before, &now.config, pool)?.ok()?.1.paid;
            carry = rest(state, now, before, pool, paid)?.carry;
        }
        let now = terms.get(&epoch)?;
        let pool = pool_of(state, now, epoch, carry, sponsored);
        let carry_cap = pool::carry_cap(now.config.carry_cap_epochs, now.unit, state.workload.weight_in(epoch));
        Some(Self { slots, pool, carry_cap })
    }
}

fn pool_of(state: &WorkloadState, terms: &EpochTerms, epoch: u64, carry_units: u64, sponsored_units: u64) -> Pool {
    let allocated_units = terms.unit.saturating_mul(state.workload.weight_in(epoch));
    Pool { allocated_units, carry_units, sponsored_units }
}

fn rest(state: &WorkloadState, terms: &EpochTerms, epoch: u64, pool: u64, paid: u64) -> Option<Remainder> {
    let cap = pool::carry_cap(terms.config.carry_cap_epochs, terms.unit, state.workload.weight_in(epoch));
    pool::remainder(pool, paid, cap)
}

/// The pool of the epoch in hand: what was sealed, or what would be if that happened now. `None` if the epoch is not open.
pub(crate) fn pool_in_hand(snapshot: &Snapshot, state: &WorkloadState, cell: &Cell) -> Option<u64> {
    if cell.phase != Phase::Collecting as u8 {
        return Some(cell.pool);
    }
    let epoch = snapshot.epochs.get(&cell.epoch)?;
    let terms = EpochTerms { unit: epoch.unit, config: epoch.config };
    Some(pool_of(state, &terms, cell.epoch, cell.carry, cell.sponsored).units())
}
