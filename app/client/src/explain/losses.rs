//! What an operator lost, and to what: its settlement again, with one thing changed and all else as it was.

use crate::audit::Settlement;
use coverage_math::cell::{Reason, Slot};
use coverage_math::reliability::{OUTCOMES, Outcome};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Attempts of the perfect record that stands for the evidence of a slot that has none.
const PERFECT: u32 = 1_000;
/// How many times as much evidence stands for enough of it.
const PLENTY: u32 = 1_000;

/// Why reward was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Cause {
    /// Attempts failed because the model was not there.
    ModelUnavailable,
    /// Attempts failed because the hardware was another.
    HardwareIncompatible,
    /// Attempts failed because there was no free capacity.
    CapacityExhausted,
    /// Attempts were not counted because the network failed to route them.
    RoutingFailed,
    /// Attempts were served too late.
    LatencyExceeded,
    /// Executions did not verify; many enough of them are a breach.
    VerificationFailed,
    /// There is so little evidence that the Wilson bound is well below the success rate.
    LittleEvidence,
    /// There is no evidence at all.
    NoEvidence,
    /// The slot counts from a later epoch on.
    NotYetEffective,
    /// Its failure domain is shared with others that reach as far or further.
    SharedDomain,
    /// It has no attested failure domain, and shares that of all who have none.
    UnattestedDomain,
    /// It has no bond, so no part of its domain's reach.
    NoBond,
}

/// What one cause cost, in token units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The cause.
    pub cause: Cause,
    /// How much more would have been paid without it, everything else being as it was.
    pub lost_units: u64,
}

impl Cause {
    /// The outcome behind it, if it is one.
    const fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Served => None,
            Outcome::ModelUnavailable => Some(Self::ModelUnavailable),
            Outcome::HardwareIncompatible => Some(Self::HardwareIncompatible),
            Outcome::CapacityExhausted => Some(Self::CapacityExhausted),
            Outcome::RoutingFailed => Some(Self::RoutingFailed),
            Outcome::LatencyExceeded => Some(Self::LatencyExceeded),
            Outcome::VerificationFailed => Some(Self::VerificationFailed),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ModelUnavailable => "model unavailable: had these attempts been served",
            Self::HardwareIncompatible => "hardware incompatible: had these attempts been served",
            Self::CapacityExhausted => "capacity exhausted: had these attempts been served",
            Self::RoutingFailed => {
                "routing failed, the network's fault: had these requests come through and been served"
            }
            Self::LatencyExceeded => "latency exceeded: had these attempts been served in time",
            Self::VerificationFailed => "verification failed: had these executions verified",
            Self::LittleEvidence => "little evidence: with 1,000 times as many attempts and the same rates",
            Self::NoEvidence => "no evidence: with 1,000 attempts, all served",
            Self::NotYetEffective => "not yet effective: had the slot counted, with 1,000 attempts, all served",
            Self::SharedDomain => "shared failure domain: in one of its own",
            Self::UnattestedDomain => "unattested failure domain: in an attested one of its own",
            Self::NoBond => "no bond: with the network's smallest",
        })
    }
}

/// What slot `number` of a settlement lost, the largest loss first. `slot` holds its result.
pub(super) fn losses(last: &Settlement, number: usize, slot: &Slot, min_bond: u64) -> Vec<Loss> {
    let paid_if = |change: &dyn Fn(&mut Slot)| {
        let mut other = last.clone();
        change(other.slots.get_mut(number)?);
        other.settle().ok()?;
        other.slots.get(number).map(|slot| slot.reward)
    };
    let mut found = Vec::new();
    let mut add = |cause, reward: Option<u64>| {
        let lost_units = reward.unwrap_or(0).saturating_sub(slot.reward);
        if lost_units > 0 {
            found.push(Loss { cause, lost_units });
        }
    };
    match Reason::from_index(slot.reason) {
        None | Some(Reason::None | Reason::Retired) => return Vec::new(),
        Some(Reason::NotYetEffective) => add(
            Cause::NotYetEffective,
            paid_if(&|slot| {
                slot.joined_epoch = last.terms.epoch;
                slot.tally = perfect();
            }),
        ),
        Some(Reason::NoEvidence) if slot.settled_tally == [0; OUTCOMES] => {
            add(Cause::NoEvidence, paid_if(&|slot| slot.tally = perfect()));
        }
        Some(_) => {
            for outcome in Outcome::ALL {
                if let Some(cause) = Cause::of(outcome).filter(|_| count(slot, outcome) > 0) {
                    add(cause, paid_if(&|slot| slot.tally = served(slot.tally, outcome)));
                }
            }
            add(Cause::LittleEvidence, paid_if(&|slot| slot.tally = plenty(slot.tally)));
            let cause = if slot.settled_domain == 0 { Cause::UnattestedDomain } else { Cause::SharedDomain };
            let domain = unused(&last.slots);
            add(cause, paid_if(&|slot| (slot.domain, slot.staged_domain) = (domain, domain)));
            if slot.settled_bond == 0 {
                add(Cause::NoBond, paid_if(&|slot| (slot.bond, slot.staged_bond) = (min_bond, min_bond)));
            }
        }
    }
    sort(&mut found);
    found
}

/// Losses of several cells, added up by cause.
pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Loss>) -> Vec<Loss> {
    let mut sums = BTreeMap::<Cause, u64>::new();
    for loss in all {
        let sum = sums.entry(loss.cause).or_default();
        *sum = sum.saturating_add(loss.lost_units);
    }
    let mut sums: Vec<Loss> = sums.into_iter().map(|(cause, lost_units)| Loss { cause, lost_units }).collect();
    sort(&mut sums);
    sums
}

fn sort(losses: &mut [Loss]) {
    losses.sort_by_key(|loss| (std::cmp::Reverse(loss.lost_units), loss.cause));
}

fn count(slot: &Slot, outcome: Outcome) -> u32 {
    slot.settled_tally.get(outcome as usize).copied().unwrap_or(0)
}

fn perfect() -> [u32; OUTCOMES] {
    [PERFECT, 0, 0, 0, 0, 0, 0]
}

/// A tally with all of one outcome served instead.
fn served(mut tally: [u32; OUTCOMES], outcome: Outcome) -> [u32; OUTCOMES] {
    let moved = tally.get_mut(outcome as usize).map(std::mem::take).unwrap_or(0);
    let [served, ..] = &mut tally;
    *served = served.saturating_add(moved);
    tally
}

/// A tally with many times as much of everything, as far as counters go.
fn plenty(tally: [u32; OUTCOMES]) -> [u32; OUTCOMES] {
    let all = tally.iter().fold(0u32, |sum, count| sum.saturating_add(*count));
    let times = u32::MAX.checked_div(all).unwrap_or(1).min(PLENTY);
    tally.map(|count| count.saturating_mul(times))
}

/// The smallest failure domain that nobody has.
fn unused(slots: &[Slot]) -> u32 {
    let taken = |domain: &u32| slots.iter().any(|slot| slot.domain == *domain);
    (1..=u32::MAX).find(|domain| !taken(domain)).unwrap_or(u32::MAX)
}
