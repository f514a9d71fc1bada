//! The steps from reliabilities to a marginal factor, each with its parts.

use super::number::{Q32, Q64};
use coverage_math::cell::Slot;
use coverage_math::domains::{Increments, MAX_BOND};
use coverage_math::semivalue::{MAX_NODES, Numerators, Rule, product_q64};
use serde::Serialize;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

/// A member of a failure domain that adds to its reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Its slot.
    pub slot: u16,
    /// The operator.
    pub operator: String,
    /// Its reliability.
    pub p: Q32,
    /// Its bond, in token units.
    pub bond_units: u64,
    /// Its share of the reach.
    pub share: Q32,
}

/// One increment of a domain's reach: from one member's reliability to the next better one's, shared by those that attain it in
/// proportion to their bonds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Increment {
    /// Where it begins.
    pub from: Q32,
    /// Where it ends.
    pub to: Q32,
    /// The operator's bond, in token units.
    pub bond_units: u64,
    /// The bonds of all that attain it.
    pub bonds_units: u64,
    /// What of it is the operator's.
    pub share: Q32,
}

/// Another failure domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Domain {
    /// Its number.
    pub domain: u32,
    /// What it reaches.
    pub reach: Q32,
    /// How many members it has with a reliability above 0.
    pub members: usize,
}

/// One term of the integral over the other domains: `weight · ∏ (1 − t·r)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeTerm {
    /// Where, from 0 to 1; `None` for 1.
    pub t: Option<Q32>,
    /// Its weight; all weights add up to 1 (less a guard of 2^-26).
    pub weight: Q64,
    /// `∏ (1 − t·r)` over the reaches of the other domains.
    pub product: Q64,
}

/// The members of a domain that add to its reach, by reliability and slot.
pub(super) fn members(settled: &[Slot], domain: u32) -> Vec<Member> {
    let inside = (0..).zip(settled).filter(|(_, slot)| slot.settled_domain == domain && slot.p_q32 > 0);
    let member = |(number, slot): (u16, &Slot)| Member {
        slot: number,
        operator: Pubkey::from(slot.operator).to_string(),
        p: Q32(slot.p_q32),
        bond_units: slot.settled_bond,
        share: Q32(slot.share_q32),
    };
    let mut members: Vec<Member> = inside.map(member).collect();
    members.sort_by_key(|member| (member.p, member.slot));
    members
}

/// The other domains, by number.
pub(super) fn others(settled: &[Slot], domain: u32) -> Vec<Domain> {
    let mut found = BTreeMap::<u32, (u32, usize)>::new();
    for slot in settled.iter().filter(|slot| slot.settled_domain != domain && slot.p_q32 > 0) {
        let (reach, members) = found.entry(slot.settled_domain).or_default();
        *reach = slot.p_q32.max(*reach);
        *members = members.saturating_add(1);
    }
    found.into_iter().map(|(domain, (reach, members))| Domain { domain, reach: Q32(reach), members }).collect()
}

/// The increments up to `p`, and what of each a member of bond `bond` gets.
pub(super) fn increments(members: &[Member], bond: u64, p: Q32) -> Vec<Increment> {
    let bond = bond.min(MAX_BOND);
    let mut above = members.iter().map(|member| member.bond_units.min(MAX_BOND)).fold(0u64, u64::saturating_add);
    let (mut level, mut found) = (Increments::default(), Vec::new());
    let mut from = Q32(0);
    for member in members.iter().take_while(|member| member.p <= p) {
        if member.p > from {
            let before = level.share_q32(bond);
            level.rise_to(member.p.0, above);
            let share = Q32(level.share_q32(bond).saturating_sub(before));
            found.push(Increment { from, to: member.p, bond_units: bond, bonds_units: above, share });
            from = member.p;
        }
        above = above.saturating_sub(member.bond_units.min(MAX_BOND));
    }
    found
}

/// The factor `S` of a domain of reach `reach > 0` among `others`, and the terms it is the sum of.
pub(super) fn factor(rule: Rule, reach: Q32, others: &[Domain]) -> (Q64, Vec<NodeTerm>) {
    let others: Vec<u32> = others.iter().map(|domain| domain.reach.0).collect();
    let mut all = others.clone();
    all.push(reach.0);
    let nodes = rule.nodes(all.len());
    let mut products = [0; MAX_NODES];
    for (product, node) in products.iter_mut().zip(nodes) {
        *product = product_q64(node.0, &all, |reach| *reach);
    }
    let numerators = Numerators::new(nodes, &products);
    let scaled = u128::from(numerators.factor_scaled(nodes, reach.0));
    // Scaled by 2^(32 + exponent), an exponent of at most 127; the factor is below 1.
    let factor = match 32u32.checked_sub(numerators.exponent) {
        Some(up) => scaled.checked_shl(up).unwrap_or(u128::MAX),
        None => scaled.checked_shr(numerators.exponent.saturating_sub(32)).unwrap_or(0),
    };
    let term = |(t, weight): &(u64, u64)| NodeTerm {
        t: u32::try_from(*t).ok().map(Q32),
        weight: Q64(*weight),
        product: Q64(product_q64(*t, &others, |reach| *reach)),
    };
    (Q64(u64::try_from(factor).unwrap_or(u64::MAX)), nodes.iter().map(term).collect())
}
