//! What can go wrong off-chain.

use solana_program::pubkey::Pubkey;
use thiserror::Error;

/// Errors of this crate.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClientError {
    /// The account's bytes are not of the expected kind.
    #[error("account {address} is not a {expected}: {reason}")]
    NotA {
        /// The account.
        address: Pubkey,
        /// What was expected.
        expected: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such account.
    #[error("there is no account at {0}: check the address and the cluster")]
    Missing(Pubkey),
    /// A batch cannot be made of these receipts.
    #[error("cannot make a batch: {0}")]
    BadBatch(&'static str),
    /// A capability tree cannot be made of these leaves.
    #[error("cannot make a capability tree: {0}")]
    BadCapabilities(&'static str),
    /// The cluster refused a transaction.
    #[error("{action} failed: {reason}")]
    Refused {
        /// What was tried.
        action: String,
        /// What the cluster said.
        reason: String,
    },
}
