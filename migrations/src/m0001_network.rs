//! Creates the network with its committee (still empty) and vault. The payer becomes the authority.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::{ClientError, instructions};

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    if chain.account(&plan.network())?.is_some() {
        return Ok(0);
    }
    let create = instructions::create_network(
        chain.payer(),
        plan.network_id,
        &plan.token,
        plan.guardian,
        plan.genesis_ts,
        plan.config,
    );
    chain.send("creating the network", &[create])?;
    Ok(1)
}
