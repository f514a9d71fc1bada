use crate::constants::MAX_ATTESTERS;
use crate::errors::CoverageError;
use crate::events::{self, AttesterSet};
use crate::state::{Account, Attester, Bond, Committee, Member, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `update_committee`.
#[event_cpi]
#[derive(Accounts)]
pub struct UpdateCommittee {
    pub authority: Signer,
    #[account(constraint = address_eq(&network.authority, authority.address()) @ CoverageError::NotAuthority)]
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
}

/// Gives places of the committee keys and weights.
///
/// Specification:
/// - shall raise the generation, so that what the old committee had half signed is void
/// - shall refuse a key that has another place, and a place that another attester has weight or a bond in: who endorsed a
///   batch is known by place
/// - shall leave bonds alone
///
/// Callable by the authority; not idempotent (the generation rises).
pub fn update_committee(ctx: &mut Context<UpdateCommittee>, members: &[Member]) -> Result<()> {
    require!(!members.is_empty(), CoverageError::InvalidCommittee);
    let accounts = &mut ctx.accounts;
    let committee = &mut accounts.committee;
    let generation = committee.generation.checked_add(1).ok_or(CoverageError::AmountOverflow)?;
    committee.generation = generation;
    for member in members {
        let before = set(&mut accounts.committee, member, generation)?;
        events::record!(
            accounts,
            ctx.bumps,
            AttesterSet {
                network: *accounts.network.address(),
                place: u64::from(member.place),
                key: member.key,
                key_before: before.key,
                weight: member.weight,
                weight_before: before.weight,
                generation,
            }
        );
    }
    accounts.committee.recount()
}

/// Gives one place a key and weight; returns what was there.
fn set(committee: &mut Committee, member: &Member, generation: u64) -> Result<Attester> {
    require!(usize::from(member.place) < MAX_ATTESTERS, CoverageError::InvalidCommittee);
    require!(member.key != Address::default(), CoverageError::InvalidAttester);
    committee.count = committee.count.max(member.place.saturating_add(1));
    let place = committee.attesters.get_mut(usize::from(member.place)).ok_or(CoverageError::InvalidCommittee)?;
    let before = *place;
    if address_eq(&before.key, &member.key) {
        place.weight = member.weight;
    } else {
        require!(before.weight == 0 && before.bond.units == 0, CoverageError::PlaceTaken);
        *place =
            Attester { key: member.key, weight: member.weight, since_generation: generation, bond: Bond::default() };
    }
    Ok(before)
}
