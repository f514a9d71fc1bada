//! A cluster as [`Chain`], for code that is not asynchronous.

use super::Sender;
use crate::ClientError;
use crate::chain::{AccountData, Chain};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::io;
use tokio::runtime::{Builder, Runtime};

/// A sender that blocks. It must not be used from asynchronous code, where blocking would panic, and its sender should be of
/// a connection of its own: a connection lives on the runtime it was first used on.
pub struct Blocking {
    sender: Sender,
    runtime: Runtime,
}

impl Blocking {
    /// Blocks on a sender, with a thread of its own for the connection.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn new(sender: Sender) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { sender, runtime })
    }

    /// The sender.
    #[must_use]
    pub const fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Waits for whatever else is to be done with the sender.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

impl Chain for Blocking {
    fn payer(&self) -> Pubkey {
        self.sender.payer()
    }

    fn account(&mut self, address: &Pubkey) -> Result<Option<AccountData>, ClientError> {
        self.runtime.block_on(self.sender.rpc().account(address))
    }

    fn now(&mut self) -> Result<i64, ClientError> {
        self.runtime.block_on(self.sender.rpc().now())
    }

    fn send(&mut self, action: &str, instructions: &[Instruction]) -> Result<u64, ClientError> {
        self.runtime.block_on(self.sender.send(action, instructions)).map(|sent| sent.compute_units)
    }
}
