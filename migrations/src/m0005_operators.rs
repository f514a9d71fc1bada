//! Registers every operator with its bond.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::{ClientError, instructions, pda};

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let mut sent = 0;
    for operator in &plan.operators {
        if chain.account(&plan.operator(operator))?.is_some() {
            continue;
        }
        let source = pda::token_account(&operator.wallet, &plan.token);
        let register = instructions::register_operator(
            operator.wallet,
            plan.network(),
            &plan.token,
            source,
            operator.payout,
            operator.bond_units,
        );
        chain.send("registering an operator", &[register])?;
        sent += 1;
    }
    Ok(sent)
}
