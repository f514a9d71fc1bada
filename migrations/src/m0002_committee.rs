//! Seats the attesters, as many transactions as their list needs, and bonds them. What is as it should be is left alone: every
//! change of the committee raises its generation and voids what was half signed.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::instructions::{MEMBERS_A_TRANSACTION, add_attester_bond, update_committee};
use coverage_client::{ClientError, accounts, pda};
use coverage_settlement::state::{Attester, Committee, Member};

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let seated = committee(chain, plan)?;
    let mut changes = Vec::new();
    for (place, (key, weight)) in (0u8..).zip(&plan.attesters) {
        let wanted = Member { place, key: key.verifying_key().to_bytes().into(), weight: *weight };
        let at = |attester: &&Attester| (attester.key, attester.weight) == (wanted.key, wanted.weight);
        if seated.places().get(usize::from(place)).filter(at).is_none() {
            changes.push(wanted);
        }
    }
    let mut sent = 0;
    for chunk in changes.chunks(MEMBERS_A_TRANSACTION) {
        let instruction = update_committee(chain.payer(), plan.network(), chunk.to_vec());
        chain.send("seating the committee", &[instruction])?;
        sent += 1;
    }
    Ok(sent + bond(chain, plan)?)
}

/// Brings every attester's bond to the minimum, from the payer's tokens.
fn bond(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let seated = committee(chain, plan)?;
    let payer = chain.payer();
    let source = pda::token_account(&payer, &plan.token);
    let mut sent = 0;
    for (place, attester) in (0u8..).zip(seated.places()) {
        let missing = plan.config.min_attester_bond.saturating_sub(attester.bond.active());
        if attester.weight > 0 && missing > 0 {
            let add = add_attester_bond(payer, plan.network(), &plan.token, source, place, missing);
            chain.send("bonding an attester", &[add])?;
            sent += 1;
        }
    }
    Ok(sent)
}

fn committee(chain: &mut dyn Chain, plan: &Plan) -> Result<Committee, ClientError> {
    let address = pda::committee(&plan.network());
    accounts::header(&address, &chain.require(&address)?.data)
}
