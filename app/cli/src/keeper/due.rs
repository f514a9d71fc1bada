//! What may be done for a network now, and when something may be done next.

use super::Duty;
use coverage_client::math::cell::{ACTIVE, FREE, LEFT, Slot};
use coverage_client::program::constants::{PAUSE_ATTEST, PAUSE_SETTLE};
use coverage_client::program::state::{Cell, Epoch, Phase};
use coverage_client::rpc::{Snapshot, WorkloadState};
use solana_program::pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

/// Epochs opened at once, when nobody has for long: each takes a transaction of its own, in order.
const EPOCHS_AT_ONCE: u64 = 32;
/// Cells of one claim, reports of one `close_epoch`, and wallets of one `trim_cell`: what fits a transaction.
const CELLS_A_CLAIM: usize = 10;
const CELLS_A_REPORT: usize = 20;
const SLOTS_A_TRIM: usize = 20;

/// For whom rewards are claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Claims {
    /// For every operator.
    #[default]
    All,
    /// For nobody.
    None,
    /// For these: wallets, or the operators' accounts.
    Of(BTreeSet<Pubkey>),
}

/// What a keeper cares for beside what every network needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// For whom it claims.
    pub claims: Claims,
    /// The least that is worth a claim, in token units over all of an operator's cells.
    pub min_claim_units: u64,
}

/// What is due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agenda {
    /// What may be done now, in order.
    pub duties: Vec<Duty>,
    /// When something more becomes due by the clock alone, in unix seconds; `None` if nothing will.
    pub next_ts: Option<i64>,
}

impl Agenda {
    /// Adds a duty that is due from `at` on.
    fn at(&mut self, at: i64, now: i64, duty: Duty) {
        if now >= at {
            self.duties.push(duty);
        } else {
            self.next_ts = Some(self.next_ts.map_or(at, |next| next.min(at)));
        }
    }
}

/// What may be done for a network at the time of the snapshot.
///
/// Everything in it is something the program lets anyone do, and would do if it were sent now: who is told that it was
/// refused looks again, and finds it gone because somebody else was first.
#[must_use]
pub fn due(snapshot: &Snapshot, policy: &Policy) -> Agenda {
    let mut agenda = Agenda::default();
    openings(snapshot, &mut agenda);
    for state in snapshot.workloads.values() {
        if let Some(cell) = &state.cell {
            settlement(snapshot, state, cell, &mut agenda);
            upkeep(snapshot, state, cell, &mut agenda);
        }
    }
    claims(snapshot, policy, &mut agenda);
    for epoch in snapshot.epochs.values() {
        reports(snapshot, epoch, &mut agenda);
    }
    agenda.duties.sort();
    agenda
}

fn openings(snapshot: &Snapshot, agenda: &mut Agenda) {
    let network = &snapshot.network;
    let next = network.next_epoch;
    for epoch in next..next.saturating_add(EPOCHS_AT_ONCE) {
        // An epoch beyond what the clock can count to never begins.
        let Ok(start_ts) = network.epoch_start_ts(epoch) else { return };
        agenda.at(start_ts, snapshot.now, Duty::OpenEpoch { epoch });
        if snapshot.now < start_ts {
            return;
        }
    }
}

/// Sealing and settling.
fn settlement(snapshot: &Snapshot, state: &WorkloadState, cell: &Cell, agenda: &mut Agenda) {
    // Without its epoch a cell waits for that to be opened.
    let Some(epoch) = snapshot.epochs.get(&cell.epoch) else { return };
    let (workload, number) = (state.address, cell.epoch);
    if cell.phase == Phase::Collecting as u8 {
        if !state.workload.is_over(cell.epoch) {
            let over_ts = epoch.end_ts.saturating_add_unsigned(epoch.config.grace_seconds);
            let at = over_ts.max(running_ts(snapshot, PAUSE_ATTEST | PAUSE_SETTLE));
            agenda.at(at, snapshot.now, Duty::Seal { workload, epoch: number });
        }
    } else {
        let progress = cell.progress();
        let heard_ts = cell.sealed_ts.saturating_add_unsigned(epoch.config.challenge_seconds);
        let at = heard_ts.max(running_ts(snapshot, PAUSE_SETTLE));
        let done = (progress.stage, progress.cursor);
        agenda.at(at, snapshot.now, Duty::Settle { workload, epoch: number, done });
    }
}

/// From when on none of these phases is paused.
fn running_ts(snapshot: &Snapshot, phases: u8) -> i64 {
    let network = &snapshot.network;
    if network.paused & phases == 0 { i64::MIN } else { network.paused_until_ts }
}

/// What keeps a cell in order between settlements.
fn upkeep(snapshot: &Snapshot, state: &WorkloadState, cell: &Cell, agenda: &mut Agenda) {
    let workload = state.address;
    let over = state.workload.is_over(cell.epoch);
    let settling = cell.phase == Phase::Settling as u8;
    let collecting = cell.phase == Phase::Collecting as u8;
    let late = if over && collecting { cell.carry.saturating_add(cell.sponsored) } else { 0 };
    let units = cell.returned.saturating_add(late);
    if units > 0 {
        agenda.duties.push(Duty::Sweep { workload, units });
    }
    for (slot, number) in state.slots.iter().zip(0u16..).filter(|(slot, _)| slot.state != FREE) {
        let operator = Pubkey::from(slot.operator);
        // A settlement that goes on may add to it; then one slash takes all.
        if slot.owed_slash_bps > 0 && !settling {
            agenda.duties.push(Duty::Slash { workload, operator, slot: number });
        }
        let left = over || (slot.state == LEFT && cell.epoch > slot.left_epoch);
        if settling {
            continue;
        }
        if left && slot.earned == 0 && slot.owed_slash_bps == 0 {
            agenda.duties.push(Duty::Release { workload, operator, slot: number });
        } else if !over && stale(snapshot, cell, slot, &operator) {
            agenda.duties.push(Duty::Sync { workload, operator, slot: number });
        }
    }
    let free = state.slots.iter().rev().take_while(|slot| slot.state == FREE);
    let payers: Vec<_> = free.take(SLOTS_A_TRIM).map(|slot| Pubkey::from(slot.operator)).collect();
    if !payers.is_empty() && !settling {
        agenda.duties.push(Duty::Trim { workload, payers });
    }
    let empty = [cell.pool, cell.carry, cell.sponsored, cell.returned, cell.earned].iter().all(|units| *units == 0);
    if over && collecting && empty && cell.slots == 0 && cell.reported_epoch == cell.epoch {
        agenda.duties.push(Duty::CloseCell { workload, payer: state.workload.payer });
    }
}

/// Whether a slot goes by a bond or a failure domain that its operator no longer has, and may be told now.
fn stale(snapshot: &Snapshot, cell: &Cell, slot: &Slot, operator: &Pubkey) -> bool {
    let Some(state) = snapshot.operators.get(operator).filter(|_| slot.state == ACTIVE) else { return false };
    let changed = slot.staged_bond != state.operator.bond.active() || slot.staged_domain != state.operator.domain;
    // A change that waits for an epoch the cell has not come to is not replaced by one for a later epoch.
    let waits = slot.staged_epoch > cell.epoch;
    changed && (!waits || slot.staged_epoch == snapshot.network.first_free_epoch(snapshot.now))
}

fn claims(snapshot: &Snapshot, policy: &Policy, agenda: &mut Agenda) {
    let mut earned: BTreeMap<Pubkey, Vec<(Pubkey, u16, u64)>> = BTreeMap::new();
    for state in snapshot.workloads.values() {
        // Of a half settled cell only part can be claimed: the rest would take a second transaction.
        if state.cell.is_some_and(|cell| cell.phase == Phase::Settling as u8) {
            continue;
        }
        for (slot, number) in state.slots.iter().zip(0..).filter(|(slot, _)| slot.earned > 0 && slot.state != FREE) {
            earned.entry(slot.operator.into()).or_default().push((state.address, number, slot.earned));
        }
    }
    for (operator, cells) in earned {
        let Some(state) = snapshot.operators.get(&operator) else { continue };
        let wanted = match &policy.claims {
            Claims::All => true,
            Claims::None => false,
            Claims::Of(operators) => operators.contains(&operator) || operators.contains(&state.operator.wallet),
        };
        let total = cells.iter().fold(0u64, |sum, (_, _, units)| sum.saturating_add(*units));
        if !wanted || total < policy.min_claim_units {
            continue;
        }
        for chunk in cells.chunks(CELLS_A_CLAIM) {
            let units = chunk.iter().fold(0u64, |sum, (_, _, units)| sum.saturating_add(*units));
            let slots = chunk.iter().map(|(workload, slot, _)| (*workload, *slot)).collect();
            agenda.duties.push(Duty::Claim { operator, payout: state.operator.payout, slots, units });
        }
    }
}

/// Closes an epoch once all its cells can report: fewer transactions than one for each cell as it settles.
fn reports(snapshot: &Snapshot, epoch: &Epoch, agenda: &mut Agenda) {
    let done = |cell: &Cell| cell.reported_epoch == epoch.index && cell.epoch > epoch.index;
    let cells = snapshot.workloads.values().filter(|state| state.cell.as_ref().is_some_and(done));
    let ready: Vec<_> = cells.map(|state| state.address).collect();
    if ready.len() as u64 != epoch.cells_left {
        return;
    }
    let report = |workloads: &[Pubkey]| Duty::CloseEpoch {
        epoch: epoch.index,
        payer: epoch.payer,
        workloads: workloads.to_vec(),
    };
    if ready.is_empty() {
        agenda.duties.push(report(&[]));
    }
    agenda.duties.extend(ready.chunks(CELLS_A_REPORT).map(report));
}
