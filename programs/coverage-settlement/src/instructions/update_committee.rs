use crate::constants::MAX_ATTESTERS;
use crate::errors::CoverageError;
use crate::events::CommitteeUpdated;
use crate::state::{Attester, Committee, Member, Network};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `update_committee`.
#[derive(Accounts)]
pub struct UpdateCommittee {
    pub authority: Signer,
    #[account(constraint = address_eq(&network.authority, authority.address()) @ CoverageError::NotAuthority)]
    pub network: Account<Network>,
    #[account(mut, constraint = address_eq(&committee.network, network.address()) @ CoverageError::WrongNetwork)]
    pub committee: Account<Committee>,
}

/// Writes `members` from place `start` on and makes the committee `count` long.
///
/// Specification:
/// - shall raise the generation, so that what the old committee had half signed is void
/// - shall refuse a list with a gap, a repeated key or an attester without weight
/// - shall keep the bond of an attester whose key stays in its place
///
/// Callable by the authority; not idempotent (the generation rises).
pub fn update_committee(ctx: &mut Context<UpdateCommittee>, start: u8, count: u8, members: &[Member]) -> Result<()> {
    let committee = &mut ctx.accounts.committee;
    let (start, count) = (usize::from(start), usize::from(count));
    let end = start.saturating_add(members.len());
    let old = usize::from(committee.count);
    let fits = start <= old && end <= count && (1..=MAX_ATTESTERS).contains(&count) && count <= old.max(end);
    require!(fits, CoverageError::InvalidCommittee);

    let places = committee.attesters.get_mut(start..end).ok_or(CoverageError::InvalidCommittee)?;
    for (attester, member) in places.iter_mut().zip(members) {
        let bond = if attester.key == member.key { attester.bond } else { 0 };
        *attester = Attester { key: member.key, weight: member.weight, bond, flags: 0 };
    }
    for unused in committee.attesters.iter_mut().skip(count) {
        *unused = Attester::default();
    }
    committee.count = count as u8; // ≤ MAX_ATTESTERS
    committee.generation = committee.generation.checked_add(1).ok_or(CoverageError::AmountOverflow)?;
    let weights = committee.members().iter().map(|attester| attester.weight);
    committee.total_weight =
        weights.into_iter().try_fold(0u64, u64::checked_add).ok_or(CoverageError::AmountOverflow)?;

    emit!(CommitteeUpdated {
        network: committee.network,
        generation: committee.generation,
        count: count as u64,
        total_weight: committee.total_weight,
    });
    committee.invariant()
}
