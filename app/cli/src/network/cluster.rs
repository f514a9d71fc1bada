//! The embedded chain, counting what is sent to it.

use crate::report::thousands;
use coverage_client::ClientError;
use coverage_client::chain::{AccountData, Chain};
use coverage_client::embedded::Embedded;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::fmt;

/// What transactions of one kind came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Transactions.
    pub transactions: u64,
    /// Compute units of all of them.
    pub compute_units: u64,
    /// Compute units of the dearest.
    pub most: u64,
}

/// What all transactions came to, by the action they were sent for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs(pub BTreeMap<String, Cost>);

impl Costs {
    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> Cost {
        self.0.values().fold(Cost::default(), |sum, cost| Cost {
            transactions: sum.transactions + cost.transactions,
            compute_units: sum.compute_units + cost.compute_units,
            most: sum.most.max(cost.most),
        })
    }
}

impl fmt::Display for Costs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        write!(f, "{} transactions, {} compute units", thousands(total.transactions), thousands(total.compute_units))?;
        for (action, cost) in &self.0 {
            let mean = cost.compute_units.checked_div(cost.transactions).unwrap_or(0);
            write!(
                f,
                "\n  {action}: {}, {mean} compute units each, at most {}",
                transactions(cost.transactions),
                cost.most
            )?;
        }
        Ok(())
    }
}

/// A number of transactions, in words.
pub fn transactions(count: u64) -> String {
    format!("{count} transaction{}", if count == 1 { "" } else { "s" })
}

/// The embedded chain and what it has cost so far.
pub struct Cluster {
    /// The chain.
    pub embedded: Embedded,
    /// What was sent to it.
    pub costs: Costs,
}

impl Chain for Cluster {
    fn payer(&self) -> Pubkey {
        self.embedded.payer()
    }

    fn account(&mut self, address: &Pubkey) -> Result<Option<AccountData>, ClientError> {
        self.embedded.account(address)
    }

    fn now(&mut self) -> Result<i64, ClientError> {
        self.embedded.now()
    }

    fn send(&mut self, action: &str, instructions: &[Instruction]) -> Result<u64, ClientError> {
        let used = self.embedded.send(action, instructions)?;
        let cost = self.costs.0.entry(action.to_owned()).or_default();
        cost.transactions += 1;
        cost.compute_units += used;
        cost.most = cost.most.max(used);
        Ok(used)
    }
}
