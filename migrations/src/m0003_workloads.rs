//! Registers every workload with its cell and log.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::{ClientError, instructions};

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
