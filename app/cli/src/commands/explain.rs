//! `covctl explain`: why an operator was paid what it was paid.

use crate::{CliError, Context, ExitStatus};
use coverage_client::explain::explain;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;

const EXAMPLES: &str = "\
Examples:
  covctl -u devnet --network 1 explain 4Nd1mYdJ6sDJc5zWbGXmLRYnQ9TjQ2vYAxgXzY5Rk1pA
  covctl -u devnet --network 1 --output json explain 4Nd1mYdJ6sDJc5zWbGXmLRYnQ9TjQ2vYAxgXzY5Rk1pA | jq '.losses'

For each cell the operator is in, the last settlement step by step: outcomes, attempts n and successes s, the Wilson bound
p, the share a of its failure domain's reach, the factor S that other domains leave, phi = a x S, and the reward. Decimals
are rounded to the nearest, JSON has all of them. A loss is what the same settlement would have paid more with that one cause gone and all else as it was:
  outcomes                those attempts served instead
  little evidence         1,000 times as many attempts with the same rates
  no evidence, or not yet effective: 1,000 attempts, all served
  shared or unattested failure domain: one of its own
  no bond                 the network's smallest bond
Losses are not to be added up: each is computed alone.";

/// Arguments of `explain`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The operator, by its account or its wallet [default: the signer's].
    #[arg(value_name = "OPERATOR")]
    pub operator: Option<Pubkey>,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Client`] if there is no such operator, or the network cannot be read.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let snapshot = context.snapshot().await?;
    let operator = args.operator.map_or_else(|| context.signer().map(|signer| signer.pubkey()), Ok)?;
    context.emit(&explain(&snapshot, &operator)?)?;
    Ok(ExitStatus::Done)
}
