//! Brings the treasury to the wanted amount, unless epochs have been opened from it already.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::{ClientError, accounts, instructions, pda};
use coverage_settlement::state::Network;

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let address = plan.network();
    let network: Network = accounts::header(&address, &chain.require(&address)?.data)?;
    let missing = plan.treasury_units.saturating_sub(network.treasury_available);
    if missing == 0 || network.next_epoch > 0 {
        return Ok(0);
    }
    let payer = chain.payer();
    let source = pda::token_account(&payer, &plan.token);
    let fund = instructions::fund_treasury(payer, address, &plan.token, source, missing);
    chain.send("funding the treasury", &[fund])?;
    Ok(1)
}
