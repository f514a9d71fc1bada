//! Has the committee attest every operator's failure domain.

use crate::Plan;
use coverage_client::batch::Statement;
use coverage_client::chain::Chain;
use coverage_client::{ClientError, accounts, pda};
use coverage_settlement::state::{Committee, Operator};

/// Does the step; returns how many transactions it took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, plan: &Plan) -> Result<usize, ClientError> {
    let address = pda::committee(&plan.network());
    let committee: Committee = accounts::header(&address, &chain.require(&address)?.data)?;
    let mut sent = 0;
    for wanted in &plan.operators {
        let address = plan.operator(wanted);
        let operator: Operator = accounts::header(&address, &chain.require(&address)?.data)?;
        if operator.domain == wanted.domain {
            continue;
        }
        let statement = Statement::failure_domain(
            plan.network(),
            address,
            wanted.domain,
            operator.domain_version,
            committee.generation,
        );
        sent += attest(chain, plan, &statement)?;
    }
    Ok(sent)
}

/// Uploads, endorses and applies a statement; returns how many transactions that took.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn attest(chain: &mut dyn Chain, plan: &Plan, statement: &Statement) -> Result<usize, ClientError> {
    let payer = chain.payer();
    let keys: Vec<_> = plan.attesters.iter().map(|(key, _)| key.clone()).collect();
    let uploads = statement.upload(payer);
    let endorsements = statement.endorse(payer, &keys);
    for upload in &uploads {
        chain.send("opening an attestation", std::slice::from_ref(upload))?;
    }
    for (number, pair) in endorsements.iter().enumerate() {
        let mut instructions = pair.to_vec();
        if number + 1 == endorsements.len() {
            instructions.push(statement.apply(payer));
        }
        chain.send("endorsing and applying", &instructions)?;
    }
    Ok(uploads.len() + endorsements.len())
}
