//! `covctl opportunities`: where an entrant would earn.

use crate::fixed::parse_decimal;
use crate::{CliError, Context, ExitStatus};
use coverage_client::explain::number::Q32;
use coverage_client::opportunities::{Opportunities, find_operator, opportunities};
use solana_program::pubkey::Pubkey;
use std::str::FromStr;

const EXAMPLES: &str = "\
Examples:
  covctl -u devnet --network 1 opportunities
  covctl -u devnet --network 1 opportunities --p 0.8
  covctl -u devnet --network 1 opportunities --operator 4Nd1mYdJ6sDJc5zWbGXmLRYnQ9TjQ2vYAxgXzY5Rk1pA

What the program would pay is computed by the code that pays. Assumed is that
  - the entrant enrols now, in every workload alone, and its evidence comes to a Wilson bound of p from its first epoch on;
  - it is in a failure domain that nobody else is in; with --operator, in that operator's domain with that operator's bond;
  - everybody else's evidence is that of the last settled epoch (of the epoch in hand, for those who were not in it yet);
  - nobody else enrols, leaves, bonds or moves, and nobody sponsors a workload or funds the treasury.
\"earns\" is for the first epoch that counts, with the carry and the sponsors' tokens it would find; \"later\" is for each
epoch after, when the carry has come to rest at that coverage, if the treasury still has the same emission then. \"coverage\"
and \"others\" are the workload's coverage and what everybody else in it is paid, without the entrant and then with it. Slots an operator has elsewhere are
unaffected: every workload has its own pool. Workloads that are retired, full, or that the operator is enrolled in are
left out.";

/// Arguments of `opportunities`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The entrant's reliability: the Wilson bound of its evidence, above 0 and at most 1.
    #[arg(long, value_name = "P", default_value = "0.95")]
    pub p: Reliability,
    /// The operator that would enrol, by its account or its wallet; without it, somebody in a new failure domain.
    #[arg(long, value_name = "OPERATOR")]
    pub operator: Option<Pubkey>,
}

/// A reliability above 0 and at most 1, of up to nine decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reliability(pub Q32);

/// One, in units of the last decimal.
const ONE: u64 = 1_000_000_000;

impl FromStr for Reliability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("\"{text}\" is no reliability: expected a decimal above 0 and at most 1, as in 0.95");
        let billionths = parse_decimal(text, 9).filter(|value| (1..=ONE).contains(value)).ok_or_else(bad)?;
        // No evidence makes anything certain: the largest bound there is stands for 1.
        let value = (u128::from(billionths) << 32) / u128::from(ONE);
        Ok(Self(Q32(u32::try_from(value).unwrap_or(u32::MAX))))
    }
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Client`] if there is no such operator, or the network cannot be read.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let snapshot = context.snapshot().await?;
    let operator = args.operator.map(|operator| find_operator(&snapshot, &operator)).transpose()?;
    let operator = operator.map(|operator| operator.address);
    context.emit(&Opportunities {
        opportunities: opportunities(&snapshot, args.p.0, operator.as_ref())?,
        decimals: snapshot.network.decimals,
        operator: operator.map(|operator| operator.to_string()),
    })?;
    Ok(ExitStatus::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reliabilities_are_exact_to_the_last_bit() {
        let read = |text: &str| text.parse::<Reliability>().map(|reliability| reliability.0.0);
        assert_eq!(read("0.5"), Ok(1 << 31));
        assert_eq!(read("0.95"), Ok(4_080_218_931));
        assert_eq!(read("1"), Ok(u32::MAX));
        assert_eq!(read("0.000000001"), Ok(4));
        for text in ["0", "0.0000000001", "1.000000001", "-0.5", "95%", "1e-1", ""] {
            let error = format!("\"{text}\" is no reliability: expected a decimal above 0 and at most 1, as in 0.95");
            assert_eq!(read(text), Err(error));
        }
    }
}
