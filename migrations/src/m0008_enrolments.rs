//! Takes a slot for every capability that its operator opens now.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::{ClientError, accounts, instructions, pda};
use solana_program::pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses; [`ClientError::BadCapabilities`] for a place that is not in the operator's list.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let mut enrolled: BTreeMap<Pubkey, BTreeSet<[u8; 32]>> = BTreeMap::new();
    for index in 0..plan.workloads.len() {
        let workload = plan.workload(index);
        let address = pda::cell(&workload);
        let (_, slots) = accounts::cell(&address, &chain.require(&address)?.data)?;
        enrolled.insert(workload, slots.iter().map(|slot| slot.operator).collect());
    }
    let mut sent = 0;
    for operator in &plan.operators {
        let tree = plan.capability_tree(operator)?;
        let address = plan.operator(operator).to_bytes();
        for place in &operator.enrol {
            let bad = ClientError::BadCapabilities("an enrolment names a capability that is not there");
            let leaf = operator.capabilities.get(*place).ok_or(bad.clone())?;
            let workload = Pubkey::from(leaf.workload);
            if enrolled.get(&workload).is_some_and(|operators| operators.contains(&address)) {
                continue;
            }
            let index = *place as u32;
            let (capability, proof) = tree.open(index).ok_or(bad)?;
            let cell = pda::cell(&workload);
            let (_, slots) = accounts::cell(&cell, &chain.require(&cell)?.data)?;
            let leaf = (capability, index, proof);
            let refund = accounts::free_slot(&slots);
            let enroll = instructions::enroll(operator.wallet, plan.network(), workload, leaf, refund);
            chain.send("enrolling", &[enroll])?;
            sent += 1;
        }
    }
    Ok(sent)
}
