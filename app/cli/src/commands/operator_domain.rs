//! `covctl operator domain`: the failure domain of an operator, as the committee signs it.

use super::attestation::{self, Endorsers};
use super::operator;
use crate::context::NetworkAccount;
use crate::execute::Plan;
use crate::record::Record;
use crate::{CliError, Context, ExitStatus};
use coverage_client::batch::Statement;
use coverage_client::pda;
use coverage_client::program::state::Committee;
use solana_program::pubkey::Pubkey;

/// Arguments of `operator domain`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The operator's wallet or account.
    operator: Pubkey,
    /// Number of its failure domain, as the network numbers them.
    domain: u32,
    #[command(flatten)]
    endorsers: Endorsers,
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, network: &NetworkAccount, args: Args) -> Result<ExitStatus, CliError> {
    let (address, operator) = operator::find(context, network, Some(args.operator)).await?;
    let committee: Committee = context.rpc().header(&pda::committee(&network.address)).await?;
    let version = operator.domain_version;
    let statement = Statement::failure_domain(network.address, address, args.domain, version, committee.generation);
    let facts = Record::new()
        .text("operator", address)
        .field("domain_before", operator::domain(operator.domain), operator.domain)
        .number("domain", args.domain)
        .number("domain_version", version);
    let plan = Plan::new("apply a failure domain").facts(facts);
    attestation::run(context, plan, &statement, (&committee, &network.account.config), &args.endorsers).await
}
