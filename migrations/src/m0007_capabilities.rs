//! Commits every operator's capability root.

use crate::Plan;
use coverage_client::chain::Chain;
use coverage_client::{ClientError, accounts, instructions};
use coverage_settlement::state::Operator;

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let mut sent = 0;
    for wanted in &plan.operators {
        let address = plan.operator(wanted);
        let operator: Operator = accounts::header(&address, &chain.require(&address)?.data)?;
        let tree = plan.capability_tree(wanted)?;
        if operator.capability_root == tree.root() {
            continue;
        }
        let commit = instructions::commit_capabilities(wanted.wallet, plan.network(), tree.root(), tree.count());
        chain.send("committing capabilities", &[commit])?;
        sent += 1;
    }
    Ok(sent)
}
