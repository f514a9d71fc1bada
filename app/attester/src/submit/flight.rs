//! A batch with its signatures, on its way to the chain.

use crate::agreement::messages::statement;
use borsh::{BorshDeserialize, BorshSerialize};
use coverage_client::batch::{BatchOf, Signature, Statement};
use coverage_math::hash::Hash;
use solana_program::pubkey::Pubkey;

/// A batch that a quorum has signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Flight {
    network: [u8; 32],
    workload: [u8; 32],
    epoch: u64,
    sequence: u64,
    generation: u64,
    receipts_root: Hash,
    receipts: u32,
    /// The counts, as they are uploaded.
    pub(super) entries: Vec<u8>,
    /// Keys and their signatures of the digest, the proposer's first.
    pub signatures: Vec<Signature>,
}

impl Flight {
    /// A batch with these entries and signatures.
    #[must_use]
    pub fn new(
        batch: BatchOf,
        receipts_root: Hash,
        receipts: usize,
        entries: Vec<u8>,
        signatures: Vec<Signature>,
    ) -> Self {
        Self {
            network: batch.network.to_bytes(),
            workload: batch.workload.to_bytes(),
            epoch: batch.epoch,
            sequence: batch.sequence,
            generation: batch.generation,
            receipts_root,
            receipts: u32::try_from(receipts).unwrap_or(u32::MAX),
            entries,
            signatures,
        }
    }

    /// What it is of.
    #[must_use]
    pub const fn batch(&self) -> BatchOf {
        BatchOf {
            network: Pubkey::new_from_array(self.network),
            workload: Pubkey::new_from_array(self.workload),
            epoch: self.epoch,
            sequence: self.sequence,
            generation: self.generation,
        }
    }

    /// Root of its receipts' tree.
    #[must_use]
    pub const fn receipts_root(&self) -> &Hash {
        &self.receipts_root
    }

    /// What was signed.
    #[must_use]
    pub fn statement(&self) -> Statement {
        let receipts = usize::try_from(self.receipts).unwrap_or(usize::MAX);
        statement(self.batch(), self.receipts_root, receipts, &self.entries)
    }

    /// Who signed it.
    pub fn signers(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.signatures.iter().map(|(key, _)| key)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default() // writing to memory does not fail
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        borsh::from_slice(bytes).ok()
    }
}
