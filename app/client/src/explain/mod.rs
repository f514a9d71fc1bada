//! Why an operator was paid what it was paid, in numbers that a person can follow with a calculator.
//!
//! [`explain`] takes the last settlement of every cell the operator is in apart, step by step as the model does: counts, attempts,
//! reliability `p`, reach and share `a` in its failure domain, factor `S` of the other domains, `φ = a·S`, reward. Each number is
//! the kernel's. What the operator lost, and to what, is the same settlement computed again with one thing changed.

mod losses;
pub mod number;
mod steps;
pub(crate) mod table;
mod text;

pub use losses::{Cause, Loss};
pub use steps::{Domain, Increment, Member, NodeTerm};

use crate::ClientError;
use crate::audit::Settlement;
use crate::opportunities::{find_operator, forecast};
use crate::rpc::{Snapshot, WorkloadState};
use coverage_math::cell::{self, LEFT, Reason, Slot};
use coverage_math::reliability::{Evidence, OUTCOMES};
use coverage_settlement::state::{Cell, Phase};
use number::{Q32, Q64};
use serde::Serialize;
use solana_program::pubkey::Pubkey;

/// One operator's rewards, explained. Amounts are token units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The operator's account.
    pub operator: String,
    /// Its wallet.
    pub wallet: String,
    /// Decimals of the network's token.
    pub decimals: u8,
    /// Its attested failure domain; 0 if it has none.
    pub domain: u32,
    /// The part of its bond that counts.
    pub bond_units: u64,
    /// The part on its way out.
    pub unbonding_units: u64,
    /// Earned and not claimed yet, in all cells.
    pub unclaimed_units: u64,
    /// Claimed in its life.
    pub claimed_units: u64,
    /// Rewards of the last settlements of all cells.
    pub reward_units: u64,
    /// The cells it has a slot in, by workload.
    pub cells: Vec<CellExplanation>,
    /// What it lost in all cells together, the largest loss first.
    pub losses: Vec<Loss>,
}

/// One cell an operator has a slot in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellExplanation {
    /// The workload, by id.
    pub workload: u64,
    /// Its account.
    pub address: String,
    /// The operator's slot.
    pub slot: u16,
    /// The first epoch the slot counts in.
    pub joined_epoch: u64,
    /// The first epoch it does not count in any more, if it has left.
    pub left_epoch: Option<u64>,
    /// Earned here and not claimed yet.
    pub unclaimed_units: u64,
    /// The last settlement that the slot was in, if there was one and no other is under way.
    pub settled: Option<Settled>,
    /// What it would be paid if the epoch in hand ended now.
    pub in_hand: Option<Estimate>,
}

/// One slot's settlement, step by step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The epoch.
    pub epoch: u64,
    /// The rule that paid.
    pub rule: String,
    /// Why it got what it got.
    pub reason: String,
    /// Outcomes, in the order of a tally.
    pub outcomes: [u32; OUTCOMES],
    /// Attempts `n`.
    pub attempts: u32,
    /// Successes `s`.
    pub served: u32,
    /// `z` of the Wilson bound, in thousandths.
    pub z_milli: u32,
    /// Verification failures that void a slot's evidence, in ten-thousandths of its attempts.
    pub breach_bps: u16,
    /// Reliability: the Wilson bound, 0 after a breach.
    pub p: Q32,
    /// The failure domain that counted; 0 is the unattested one.
    pub domain: u32,
    /// The bond that counted.
    pub bond_units: u64,
    /// How far the domain reaches: its best member's `p`.
    pub reach: Q32,
    /// The members of the domain with a `p` above 0, by `p`.
    pub members: Vec<Member>,
    /// What the share is made of.
    pub increments: Vec<Increment>,
    /// The share `a` of the domain's reach.
    pub share: Q32,
    /// The other domains with what they reach.
    pub others: Vec<Domain>,
    /// Where the kernel evaluates the integral over the others, and to what it adds up; empty if the slot's `p` is 0.
    pub nodes: Vec<NodeTerm>,
    /// The factor `S`: what is left for the domain to add, on average; `None` if the slot's `p` is 0.
    pub factor: Option<Q64>,
    /// Marginal coverage `φ`.
    pub phi: Q64,
    /// The pool.
    pub pool_units: u64,
    /// The reward.
    pub reward_units: u64,
    /// What it lost here, the largest loss first.
    pub losses: Vec<Loss>,
}

/// What a slot would be paid if the epoch in hand ended now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The epoch.
    pub epoch: u64,
    /// Whether it is sealed: then only challenges change it.
    pub sealed: bool,
    /// Outcomes so far, in the order of a tally.
    pub outcomes: [u32; OUTCOMES],
    /// Reliability by them.
    pub p: Q32,
    /// Marginal coverage.
    pub phi: Q64,
    /// The pool.
    pub pool_units: u64,
    /// The reward.
    pub reward_units: u64,
    /// Why.
    pub reason: String,
}

impl Explanation {
    /// The largest single cause of lost reward, over all cells.
    #[must_use]
    pub fn largest_loss(&self) -> Option<&Loss> {
        self.losses.first()
    }
}

/// Explains what an operator, named by its account or its wallet, was paid.
///
/// # Errors
/// [`ClientError::Missing`] if there is no such operator.
pub fn explain(snapshot: &Snapshot, operator: &Pubkey) -> Result<Explanation, ClientError> {
    let state = find_operator(snapshot, operator)?;
    let account = &state.operator;
    let cells = snapshot.workloads.iter();
    let cells: Vec<CellExplanation> =
        cells.filter_map(|(id, workload)| in_cell(snapshot, *id, workload, &state.address)).collect();
    let settled = || cells.iter().filter_map(|cell| cell.settled.as_ref());
    Ok(Explanation {
        operator: state.address.to_string(),
        wallet: account.wallet.to_string(),
        decimals: snapshot.network.decimals,
        domain: account.domain,
        bond_units: account.bond.active(),
        unbonding_units: account.bond.unbonding,
        unclaimed_units: cells.iter().map(|cell| cell.unclaimed_units).fold(0, u64::saturating_add),
        claimed_units: account.claimed,
        reward_units: settled().map(|settled| settled.reward_units).fold(0, u64::saturating_add),
        losses: losses::sum(settled().flat_map(|settled| &settled.losses)),
        cells,
    })
}

fn in_cell(snapshot: &Snapshot, id: u64, state: &WorkloadState, operator: &Pubkey) -> Option<CellExplanation> {
    let cell = state.cell.as_ref()?;
    let number = cell::find(&state.slots, &operator.to_bytes())?;
    let slot = state.slots.get(number)?;
    let min_bond = snapshot.network.config.min_operator_bond;
    Some(CellExplanation {
        workload: id,
        address: state.address.to_string(),
        slot: u16::try_from(number).ok()?,
        joined_epoch: slot.joined_epoch,
        left_epoch: (slot.state == LEFT).then_some(slot.left_epoch),
        unclaimed_units: slot.earned,
        settled: settled(cell, &state.slots, number, min_bond),
        in_hand: estimate(snapshot, state, cell, number),
    })
}

/// The last settlement of slot `number`.
fn settled(cell: &Cell, slots: &[Slot], number: usize, min_bond: u64) -> Option<Settled> {
    let last = Settlement::last(cell, slots)?;
    let settled = slots.get(..last.slots.len())?;
    let slot = settled.get(number).filter(|slot| slot.reason != Reason::None as u8)?;
    let evidence = Evidence::of(&slot.settled_tally)?;
    let members = steps::members(settled, slot.settled_domain);
    let others = steps::others(settled, slot.settled_domain);
    let reach = members.last().map_or(Q32(0), |member| member.p);
    let factor = (slot.p_q32 > 0).then(|| steps::factor(last.terms.rule, reach, &others));
    Some(Settled {
        epoch: last.terms.epoch,
        rule: format!("{:?}", last.terms.rule),
        reason: reason(slot),
        outcomes: slot.settled_tally,
        attempts: evidence.attempts,
        served: evidence.served,
        z_milli: last.terms.z_milli,
        breach_bps: last.terms.breach_bps,
        p: Q32(slot.p_q32),
        domain: slot.settled_domain,
        bond_units: slot.settled_bond,
        reach,
        increments: steps::increments(&members, slot.settled_bond, Q32(slot.p_q32)),
        members,
        share: Q32(slot.share_q32),
        others,
        nodes: factor.as_ref().map_or_else(Vec::new, |(_, nodes)| nodes.clone()),
        factor: factor.map(|(factor, _)| factor),
        phi: Q64(slot.phi_q64),
        pool_units: last.terms.pool,
        reward_units: slot.reward,
        losses: losses::losses(&last, number, slot, min_bond),
    })
}

/// What the epoch in hand would pay slot `number` if it ended now.
fn estimate(snapshot: &Snapshot, state: &WorkloadState, cell: &Cell, number: usize) -> Option<Estimate> {
    let epoch = snapshot.epochs.get(&cell.epoch)?;
    let pool_units = forecast::pool_in_hand(snapshot, state, cell)?;
    let slots = forecast::in_hand(cell, &state.slots);
    let outcomes = slots.get(number)?.tally;
    let (slots, _) = forecast::settle(slots, cell.epoch, &epoch.config, pool_units)?.ok()?;
    let slot = slots.get(number)?;
    Some(Estimate {
        epoch: cell.epoch,
        sealed: cell.phase != Phase::Collecting as u8,
        outcomes,
        p: Q32(slot.p_q32),
        phi: Q64(slot.phi_q64),
        pool_units,
        reward_units: slot.reward,
        reason: reason(slot),
    })
}

fn reason(slot: &Slot) -> String {
    Reason::from_index(slot.reason).map_or_else(|| format!("reason {}", slot.reason), |reason| format!("{reason:?}"))
}
