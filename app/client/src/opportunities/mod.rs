//! Where an entrant would earn, and what that would change: the settlement that would pay it, computed before it happens.
//!
//! Assumed is that everybody else's evidence is what it was in the last settled epoch (for those who were not in it yet: what it
//! is in the epoch in hand so far), that nobody else enrols, leaves, bonds or moves, that the configuration stays (a change that
//! waits for its delay included), and that the treasury is not added to. Bonds and domains are those of the slots, staged changes
//! included; what nobody has synced into a slot does not count.

pub(crate) mod forecast;
mod text;

pub use forecast::Pool;
pub use text::Opportunities;

use crate::ClientError;
use crate::explain::number::{Q32, Q64};
use crate::rpc::{OperatorState, Snapshot, WorkloadState};
use coverage_math::cell::{self, MAX_SLOTS, Slot};
use coverage_math::pool;
use coverage_math::reliability::{Evidence, OUTCOMES};
use coverage_settlement::state::{Config, WORKLOAD_ACTIVE};
use forecast::{CellForecast, EpochTerms};
use serde::Serialize;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

/// Epochs that a network may be behind its clock before a forecast stops counting them.
const MOST_UNOPENED: u64 = 1_000;
/// Epochs after which a carry that still changes counts as settled.
const MOST_EPOCHS: u32 = 10_000;

/// What an entrant would earn in one workload. Amounts are token units, for one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opportunity {
    /// The workload, by id.
    pub workload: u64,
    /// Its account.
    pub address: String,
    /// What it takes to enrol.
    pub requires: Requires,
    /// The first epoch that an entrant of now counts in.
    pub epoch: u64,
    /// The pool of that epoch.
    pub pool: Pool,
    /// The entrant's failure domain.
    pub domain: u32,
    /// The entrant's bond.
    pub bond_units: u64,
    /// The entrant's reliability.
    pub p: Q32,
    /// The entrant's marginal coverage.
    pub phi: Q64,
    /// What the entrant would be paid for that epoch.
    pub reward_units: u64,
    /// What it would be paid for each epoch later, when what is carried over does not change any more.
    pub lasting_units: u64,
    /// Coverage without the entrant.
    pub coverage_before: Q64,
    /// Coverage with it.
    pub coverage_after: Q64,
    /// What all others would be paid for that epoch without the entrant.
    pub others_before_units: u64,
    /// What they would be paid with it.
    pub others_after_units: u64,
}

/// What an operator must commit to. Numbers of classes are the network's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Requires {
    /// SHA-256 of the model, in hexadecimal.
    pub model: String,
    /// Hardware class.
    pub hardware_class: u16,
    /// Verification mode.
    pub verification_mode: u8,
    /// Region; 0 for any.
    pub region: u16,
    /// Most latency, in milliseconds.
    pub latency_ms: u32,
    /// Least capacity, in thousandths of the class's unit a second.
    pub min_capacity_milli: u64,
}

/// Who would enter.
struct Entrant {
    account: [u8; 32],
    bond_units: u64,
    /// `None` for one of its own in every cell.
    domain: Option<u32>,
    p: Q32,
}

/// What an entrant of reliability `p` would earn in every workload, best first.
///
/// Without `operator` the entrant has a failure domain of its own; with one, it is that operator with its bond and domain, and
/// workloads in which it has a slot already are left out. So are retired workloads and cells with no slot left.
///
/// # Errors
/// [`ClientError::Missing`] if there is no such operator, by account or wallet.
pub fn opportunities(snapshot: &Snapshot, p: Q32, operator: Option<&Pubkey>) -> Result<Vec<Opportunity>, ClientError> {
    let operator = operator.map(|operator| find_operator(snapshot, operator)).transpose()?;
    let network = &snapshot.network;
    let capable = operator.map_or(0, |operator| operator.operator.capability_epoch);
    let first = network.first_free_epoch(snapshot.now).max(capable);
    let epoch = first.min(network.next_epoch.saturating_add(MOST_UNOPENED));
    let terms = forecast::epochs(snapshot, epoch);
    let entrant = match operator {
        Some(OperatorState { address, operator }) => Entrant {
            account: address.to_bytes(),
            bond_units: operator.bond.active(),
            domain: Some(operator.domain),
            p,
        },
        None => Entrant { account: [0; 32], bond_units: network.config.min_operator_bond, domain: None, p },
    };
    let open = |state: &&WorkloadState| {
        let full = state.slots.len() >= MAX_SLOTS && cell::first_free(&state.slots).is_none();
        let enrolled = operator.is_some() && cell::find(&state.slots, &entrant.account).is_some();
        state.workload.status == WORKLOAD_ACTIVE && !full && !enrolled
    };
    let states = snapshot.workloads.values().filter(open);
    let mut found: Vec<Opportunity> = states.filter_map(|state| enter(state, &terms, epoch, &entrant)).collect();
    found.sort_by_key(|opportunity| (std::cmp::Reverse(opportunity.reward_units), opportunity.workload));
    Ok(found)
}

/// The operator of an account or a wallet.
///
/// # Errors
/// [`ClientError::Missing`] if there is none.
pub fn find_operator<'a>(snapshot: &'a Snapshot, operator: &Pubkey) -> Result<&'a OperatorState, ClientError> {
    let of_wallet = || snapshot.operators.values().find(|state| state.operator.wallet == *operator);
    snapshot.operators.get(operator).or_else(of_wallet).ok_or(ClientError::Missing(*operator))
}

/// One workload with and without the entrant.
fn enter(
    state: &WorkloadState,
    terms: &BTreeMap<u64, EpochTerms>,
    epoch: u64,
    entrant: &Entrant,
) -> Option<Opportunity> {
    let EpochTerms { config, .. } = terms.get(&epoch)?;
    let CellForecast { slots, pool, carry_cap } = CellForecast::at(state, terms, epoch)?;
    let domain = entrant.domain.unwrap_or_else(|| new_domain(&slots));
    let (_, before) = forecast::settle(slots.clone(), epoch, config, pool.units())?.ok()?;
    let mut with = slots;
    let mut slot = Slot::new(entrant.account, entrant.bond_units, domain, epoch);
    slot.tally = evidence(entrant.p, config);
    if with.len() < MAX_SLOTS {
        with.push(slot);
    } else {
        let free = cell::first_free(&with)?;
        *with.get_mut(free)? = slot;
    }
    let place = with.iter().position(|other| other.operator == entrant.account && other.joined_epoch == epoch)?;
    let (with, after) = forecast::settle(with, epoch, config, pool.units())?.ok()?;
    let own = with.get(place)?;
    let workload = &state.workload;
    Some(Opportunity {
        workload: workload.id,
        address: state.address.to_string(),
        requires: Requires {
            model: hex::encode(workload.model),
            hardware_class: workload.hardware_class,
            verification_mode: workload.verification_mode,
            region: workload.region,
            latency_ms: workload.latency_ms,
            min_capacity_milli: workload.min_capacity_milli,
        },
        epoch,
        pool,
        domain,
        bond_units: entrant.bond_units,
        p: Q32(own.p_q32),
        phi: Q64(own.phi_q64),
        reward_units: own.reward,
        lasting_units: lasting(&with, own, &pool, carry_cap),
        coverage_before: Q64(before.coverage_q64),
        coverage_after: Q64(after.coverage_q64),
        others_before_units: before.paid,
        others_after_units: after.paid.saturating_sub(own.reward),
    })
}

/// The smallest failure domain that no slot has.
fn new_domain(slots: &[Slot]) -> u32 {
    let taken = |domain: &u32| slots.iter().any(|slot| slot.domain == *domain || slot.staged_domain == *domain);
    (1..=u32::MAX).find(|domain| !taken(domain)).unwrap_or(u32::MAX)
}

/// Counts whose Wilson bound is `p`, or the next below it that counts give: as many attempts as a tally holds.
fn evidence(p: Q32, config: &Config) -> [u32; OUTCOMES] {
    let attempts = u32::MAX;
    let bound = |served| Evidence { served, attempts, verification_failed: 0 }.wilson_q32(config.z_milli);
    let (mut low, mut high) = (0u32, attempts);
    while low < high {
        let middle = high.saturating_sub(high.saturating_sub(low) / 2);
        if bound(middle) <= p.0 { low = middle } else { high = middle.saturating_sub(1) }
    }
    // What was not served missed its latency: no verification failure, no breach.
    [low, 0, 0, 0, 0, attempts.saturating_sub(low), 0]
}

/// What the entrant is paid when the carry has come to rest: φ stays, so only the pool changes from epoch to epoch.
fn lasting(slots: &[Slot], own: &Slot, first: &Pool, carry_cap: u64) -> u64 {
    let mut pool = first.units();
    for _ in 0..MOST_EPOCHS {
        let paid = slots.iter().map(|slot| pool::reward(pool, slot.phi_q64)).fold(0u64, u64::saturating_add);
        let Some(rest) = pool::remainder(pool, paid, carry_cap) else { break };
        let next = first.allocated_units.saturating_add(rest.carry);
        if next == pool {
            break;
        }
        pool = next;
    }
    pool::reward(pool, own.phi_q64)
}
