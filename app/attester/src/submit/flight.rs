//! A batch with its signatures, on its way to the chain.

use borsh::{BorshDeserialize, BorshSerialize};
use coverage_client::batch::{BatchOf, Signature, Statement};
use coverage_math::hash::Hash;

/// A batch that a quorum has signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Flight {
    batch: BatchOf,
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
        let receipts = u32::try_from(receipts).unwrap_or(u32::MAX);
        Self { batch, receipts_root, receipts, entries, signatures }
    }

    /// What it is of.
    #[must_use]
    pub const fn batch(&self) -> BatchOf {
        self.batch
    }

    /// Root of its receipts' tree.
    #[must_use]
    pub const fn receipts_root(&self) -> &Hash {
        &self.receipts_root
    }

    /// What was signed.
    #[must_use]
    pub fn statement(&self) -> Statement {
        Statement::of_batch(self.batch, self.receipts_root, self.receipts, self.entries.clone())
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
