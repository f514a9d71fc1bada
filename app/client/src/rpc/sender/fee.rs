//! What is paid for being taken sooner.

use super::draft::Budget;
use super::{Draft, Sender};
use crate::ClientError;
use solana_program::pubkey::Pubkey;

/// The most accounts `getRecentPrioritizationFees` takes.
const ACCOUNTS_A_REQUEST: usize = 128;

/// How the price of a compute unit is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriorityFee {
    /// None is paid.
    #[default]
    None,
    /// So many micro-lamports for each compute unit of the limit.
    Fixed(u64),
    /// As much as this percentage of recent blocks asked at most of transactions that write the same accounts.
    Percentile {
        /// 0 to 100.
        percent: u8,
        /// At most so many micro-lamports for each compute unit.
        cap: u64,
    },
}

/// The smallest value that `percent` of the values do not exceed; 0 if there are none.
fn percentile(mut values: Vec<u64>, percent: u8) -> u64 {
    values.sort_unstable();
    let rank = values.len().saturating_mul(percent.min(100).into()).div_ceil(100);
    values.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

impl Sender {
    /// Micro-lamports for each compute unit of a transaction that writes these accounts.
    pub(super) async fn price(&self, writable: &[Pubkey]) -> Result<u64, ClientError> {
        let (percent, cap) = match self.settings.priority_fee {
            PriorityFee::None => return Ok(0),
            PriorityFee::Fixed(price) => return Ok(price),
            PriorityFee::Percentile { percent, cap } => (percent, cap),
        };
        let (client, asked) = (self.rpc.client(), writable.get(..ACCOUNTS_A_REQUEST).unwrap_or(writable));
        let answer = self.patiently(|| client.get_recent_prioritization_fees(asked)).await;
        let answer = answer.map_err(|error| ClientError::rpc("reading priority fees", &error))?;
        let fees = answer.iter().map(|block| block.prioritization_fee).collect();
        Ok(percentile(fees, percent).min(cap))
    }

    /// What a transaction costs, in lamports.
    pub(super) async fn fee(&self, action: &str, draft: &Draft<'_>, budget: &Budget) -> Result<u64, ClientError> {
        let client = self.rpc.client();
        let blockhash = self.patiently(|| client.get_latest_blockhash()).await;
        let blockhash = blockhash.map_err(|error| ClientError::rpc("reading the latest blockhash", &error))?;
        let message = draft.message(budget, blockhash).ok_or_else(|| draft.too_large(action))?;
        let message = Serialized(&message);
        let fee = self.patiently(|| client.get_fee_for_message(&message)).await;
        fee.map_err(|error| ClientError::rpc("reading the fee", &error))
    }
}

/// A message of any format, for the client.
struct Serialized<'a>(&'a solana_message::VersionedMessage);

impl solana_rpc_client::rpc_client::SerializableMessage for Serialized<'_> {
    fn serialize(&self) -> Vec<u8> {
        self.0.serialize()
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values = vec![50, 10, 40, 20, 30];
        for (percent, value) in
            [(0, 10), (1, 10), (20, 10), (21, 20), (50, 30), (80, 40), (81, 50), (100, 50), (200, 50)]
        {
            assert_eq!(percentile(values.clone(), percent), value, "{percent} %");
        }
        assert_eq!(percentile(Vec::new(), 50), 0);
    }
}
