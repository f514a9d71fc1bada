//! Registers every workload with its cell and log. Workloads come in while the current epoch is open, so what of a network that
//! has begun nobody has opened yet is opened first.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::{ClientError, accounts, instructions};
use coverage_settlement::state::Network;

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let mut sent = 0;
    for (index, workload) in plan.workloads.iter().enumerate() {
        if chain.account(&plan.workload(index))?.is_some() {
            continue;
        }
        sent += open_epochs(chain, plan)?;
        let register = instructions::register_workload(
            chain.payer(),
            plan.network(),
            index as u64,
            workload.weight,
            workload.requirements,
        );
        chain.send("registering a workload", &[register])?;
        sent += 1;
    }
    Ok(sent)
}

/// Opens every epoch that has begun; returns how many transactions that took.
fn open_epochs(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let (address, now, payer) = (plan.network(), chain.now()?, chain.payer());
    let network: Network = accounts::header(&address, &chain.require(&address)?.data)?;
    let begun = network.next_epoch..network.first_free_epoch(now);
    let count = begun.clone().count();
    for epoch in begun {
        chain.send("opening an epoch", &[instructions::open_epoch(payer, address, epoch)])?;
    }
    Ok(count)
}
