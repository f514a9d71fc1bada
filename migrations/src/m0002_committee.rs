//! Seats the attesters, as many transactions as their list needs. An unchanged list is left alone: every change raises the
//! committee's generation and voids what was half signed.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::instructions::{MEMBERS_A_TRANSACTION, update_committee};
use coverage_client::{ClientError, accounts, pda};
use coverage_settlement::state::{Committee, Member};

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let address = pda::committee(&plan.network());
    let committee: Committee = accounts::header(&address, &chain.require(&address)?.data)?;
    let wanted = plan
        .attesters
        .iter()
        .map(|(key, weight)| Member { key: key.verifying_key().to_bytes().into(), weight: *weight });
    let wanted: Vec<Member> = wanted.collect();
    let seated = committee.members().iter().map(|attester| (attester.key, attester.weight));
    if seated.eq(wanted.iter().map(|member| (member.key, member.weight))) {
        return Ok(0);
    }
    let mut start = 0;
    let chunks: Vec<_> = wanted.chunks(MEMBERS_A_TRANSACTION).collect();
    for chunk in &chunks {
        let end = start + chunk.len();
        let instruction = update_committee(chain.payer(), plan.network(), start as u8, end as u8, chunk.to_vec());
        chain.send("seating the committee", &[instruction])?;
        start = end;
    }
    Ok(chunks.len())
}
