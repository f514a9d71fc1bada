//! The seam to a cluster, embedded or real.

use crate::ClientError;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// An account as a cluster returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountData {
    /// Its lamports.
    pub lamports: u64,
    /// The program that owns it.
    pub owner: Pubkey,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl From<solana_account::Account> for AccountData {
    fn from(account: solana_account::Account) -> Self {
        Self { lamports: account.lamports, owner: account.owner, data: account.data }
    }
}

/// A cluster with a set of signers.
pub trait Chain {
    /// Who pays fees and rent.
    fn payer(&self) -> Pubkey;

    /// An account, or `None` if there is none.
    ///
    /// # Errors
    /// Whatever keeps the cluster from answering.
    fn account(&mut self, address: &Pubkey) -> Result<Option<AccountData>, ClientError>;

    /// The cluster's time in unix seconds.
    ///
    /// # Errors
    /// Whatever keeps the cluster from answering.
    fn now(&mut self) -> Result<i64, ClientError>;

    /// Sends one transaction and waits for it; `action` says in words what it does. Every signer the instructions name must
    /// be among those the chain was given. Returns the compute units used.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the cluster's reason.
    fn send(&mut self, action: &str, instructions: &[Instruction]) -> Result<u64, ClientError>;

    /// An account that must be there.
    ///
    /// # Errors
    /// [`ClientError::Missing`] if there is none.
    fn require(&mut self, address: &Pubkey) -> Result<AccountData, ClientError> {
        self.account(address)?.ok_or(ClientError::Missing(*address))
    }
}
