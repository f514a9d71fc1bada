//! What attesters say to each other, in Borsh, and how much of it they listen to.

use borsh::{BorshDeserialize, BorshSerialize};
use coverage_client::batch::{BatchOf, Statement};
use coverage_math::attestation::Entry;
use coverage_math::cell::MAX_SLOTS;
use coverage_math::hash::Hash;
use coverage_math::receipt::{RECEIPT_BYTES, Receipt};
use coverage_math::reliability::{OUTCOMES, Outcome};
use solana_program::pubkey::Pubkey;
use thiserror::Error;

/// The most receipts of a batch that an attester looks at.
pub const MAX_RECEIPTS: usize = 100_000;
/// The most receipts that may be fetched at once.
pub const MAX_FETCH: usize = 4_096;
/// The most receipts shown as evidence of a conflict: the proposer stores them and proposes anew, if need be again.
pub const MAX_EVIDENCE: usize = 256;

/// Bytes of a leaf in a proposal.
const LEAF_BYTES: usize = 2 + 1 + 32 + 32;
/// Bytes of everything else in a proposal, at most.
const HEAD_BYTES: usize = 512 + MAX_SLOTS * size_of::<Entry>();
/// The most bytes of a proposal.
pub const PROPOSAL_BYTES: usize = HEAD_BYTES + MAX_RECEIPTS * LEAF_BYTES;
/// The most bytes of an answer to one.
pub const ANSWER_BYTES: usize = 1_024 + MAX_EVIDENCE * RECEIPT_BYTES;
/// The most bytes of a request for receipts.
pub const FETCH_BYTES: usize = 64 + MAX_FETCH * (2 + 32);
/// The most bytes of a question for what waits.
pub const PULL_BYTES: usize = 64 + MAX_RECEIPTS * size_of::<Prefix>();

/// One receipt of a proposed batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Leaf {
    /// The operator's slot.
    pub slot: u16,
    /// An [`Outcome`], by number.
    pub outcome: u8,
    /// The request.
    pub request_id: [u8; 32],
    /// The leaf's hash: says exactly which receipt of this identity is meant.
    pub hash: Hash,
}

impl Leaf {
    /// What leaves are sorted by.
    #[must_use]
    pub const fn key(&self) -> (u16, u8, [u8; 32]) {
        (self.slot, self.outcome, self.request_id)
    }

    /// The receipt's identity in its cell and epoch.
    #[must_use]
    pub const fn identity(&self) -> (u16, [u8; 32]) {
        (self.slot, self.request_id)
    }
}

/// A batch that its proposer has signed and asks the others to sign.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proposal {
    /// The network.
    pub network: [u8; 32],
    /// The workload.
    pub workload: [u8; 32],
    /// The epoch.
    pub epoch: u64,
    /// Number of the batch in its epoch.
    pub sequence: u64,
    /// The committee's generation.
    pub generation: u64,
    /// Root of the receipts' tree.
    pub receipts_root: Hash,
    /// The counts, as they are uploaded: whole [`Entry`] records.
    pub entries: Vec<u8>,
    /// The receipts, sorted by (slot, outcome, request id).
    pub leaves: Vec<Leaf>,
    /// The proposer's signature of the statement's digest.
    pub signature: [u8; 64],
}

impl Proposal {
    /// What the batch is of.
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

    /// The statement it asks to be signed, as it claims it to be.
    #[must_use]
    pub fn statement(&self) -> Statement {
        let receipts = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        Statement::of_batch(self.batch(), self.receipts_root, receipts, self.entries.clone())
    }
}

/// The entries of a batch with these leaves; `None` unless they are strictly sorted and of known outcomes.
#[must_use]
pub fn count(leaves: &[Leaf]) -> Option<Vec<u8>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut previous = None;
    for leaf in leaves {
        if previous.replace(leaf.key()) >= Some(leaf.key()) {
            return None;
        }
        let outcome = Outcome::from_index(leaf.outcome)?;
        if entries.last().is_none_or(|entry| entry.slot != leaf.slot) {
            entries.push(Entry { slot: leaf.slot, reserved: 0, counts: [0; OUTCOMES] });
        }
        let counter = entries.last_mut()?.counts.get_mut(outcome as usize)?;
        *counter = counter.checked_add(1)?;
    }
    Some(bytemuck::cast_slice(&entries).to_vec())
}

/// Asks a peer for receipts: those it has come back one after the other, in this order.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fetch {
    /// The workload.
    pub workload: [u8; 32],
    /// The epoch.
    pub epoch: u64,
    /// Slot and request id of each.
    pub receipts: Vec<(u16, [u8; 32])>,
}

/// The beginning of a leaf's hash. Whoever makes two receipts that share it delays one of the two until somebody who has it
/// proposes.
pub type Prefix = [u8; 8];

/// Asks a peer for receipts that wait there, and not here: at most [`MAX_FETCH`] of them come back.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Pull {
    /// The workload.
    pub workload: [u8; 32],
    /// The epoch.
    pub epoch: u64,
    /// What waits here.
    pub known: Vec<Prefix>,
}

/// What a peer says to a proposal.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Answer {
    /// It has recomputed the batch from its own store: its signature of the digest.
    Signed([u8; 64]),
    /// It does not sign.
    Objects(Objection),
}

/// Why a peer does not sign a batch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Error)]
pub enum Objection {
    /// The proposer has a proposal under review with this peer already, or made too many.
    #[error("too many proposals at once")]
    Busy,
    /// It is of another network.
    #[error("it is of another network")]
    OtherNetwork,
    /// The peer's view of the chain is too old to sign by.
    #[error("the chain cannot be read")]
    Blind,
    /// The workload has no cell, or the cell takes no batches, or attesting is paused.
    #[error("the cell takes no batches")]
    NotCollecting,
    /// It is of another generation of the committee.
    #[error("the committee is of generation {ours}")]
    OtherGeneration {
        /// What the peer sees on chain.
        ours: u64,
    },
    /// It is not the next batch of the epoch in hand.
    #[error("the next batch is {sequence} of epoch {epoch}")]
    NotNext {
        /// The epoch in hand that the peer sees on chain.
        epoch: u64,
        /// The next sequence number there.
        sequence: u64,
    },
    /// It has no receipts, or more than [`MAX_RECEIPTS`], or not sorted, or of unknown outcomes.
    #[error("its receipts are none, too many, unsorted or of unknown outcomes")]
    Malformed,
    /// Its entries are not the counts of its receipts.
    #[error("its entries are not what its receipts come to")]
    FalseCount,
    /// Its root is not that of its receipts.
    #[error("its root is not that of its receipts")]
    FalseRoot,
    /// Its proposer's signature is not of the digest.
    #[error("its proposer has not signed it")]
    Unsigned,
    /// It counts for a slot that does not take part in the epoch.
    #[error("slot {slot} does not take part")]
    BadSlot {
        /// The slot.
        slot: u16,
    },
    /// Two of its receipts are of the same request and slot.
    #[error("a request is in it twice for slot {slot}")]
    Twice {
        /// The slot.
        slot: u16,
    },
    /// One of its receipts is in an applied batch already.
    #[error("a receipt for slot {slot} was applied with batch {sequence}")]
    AlreadyApplied {
        /// The slot.
        slot: u16,
        /// The request.
        request_id: [u8; 32],
        /// The batch.
        sequence: u64,
    },
    /// The peer lacks receipts that the proposer did not deliver, or not in time.
    #[error("{receipts} receipts were not delivered")]
    Withheld {
        /// How many.
        receipts: u32,
    },
    /// A receipt that the proposer delivered is not what it proposed, or would have been refused from anybody.
    #[error("the receipt delivered for slot {slot} is not valid: {reason}")]
    BadReceipt {
        /// The slot.
        slot: u16,
        /// The request.
        request_id: [u8; 32],
        /// What is wrong.
        reason: String,
    },
    /// The peer has other receipts of the same identities, which go before the proposer's. Here are some.
    #[error("there are other receipts of {} of its requests", .0.len())]
    Conflict(Vec<Receipt>),
    /// The peer lacks the receipts of an applied batch, so it cannot tell what was counted already.
    #[error("the receipts of batch {sequence} are still missing here")]
    Behind {
        /// The batch.
        sequence: u64,
    },
    /// The peer's own store failed.
    #[error("the peer's store failed")]
    Failed,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn leaf(slot: u16, outcome: u8, request: u8) -> Leaf {
        Leaf { slot, outcome, request_id: [request; 32], hash: [request; 32] }
    }

    #[test]
    fn counts_are_those_of_the_leaves() {
        let leaves = [leaf(1, 0, 1), leaf(1, 0, 2), leaf(1, 5, 1), leaf(9, 6, 0)];
        let first = Entry { slot: 1, reserved: 0, counts: [2, 0, 0, 0, 0, 1, 0] };
        let second = Entry { slot: 9, reserved: 0, counts: [0, 0, 0, 0, 0, 0, 1] };
        assert_eq!(count(&leaves).unwrap(), bytemuck::cast_slice::<_, u8>(&[first, second]));
        assert_eq!(count(&[leaf(1, 0, 2), leaf(1, 0, 1)]), None, "unsorted");
        assert_eq!(count(&[leaf(1, 0, 1), leaf(1, 0, 1)]), None, "twice");
        assert_eq!(count(&[leaf(1, 7, 1)]), None, "no such outcome");
    }

    #[test]
    fn the_largest_messages_are_within_their_bounds() {
        let proposal = Proposal {
            network: [1; 32],
            workload: [2; 32],
            epoch: 0,
            sequence: 0,
            generation: 0,
            receipts_root: [3; 32],
            entries: vec![0; MAX_SLOTS * size_of::<Entry>()],
            leaves: vec![leaf(0, 0, 0); MAX_RECEIPTS],
            signature: [0; 64],
        };
        assert!(borsh::to_vec(&proposal).unwrap().len() <= PROPOSAL_BYTES);
        let fetch = Fetch { workload: [1; 32], epoch: 0, receipts: vec![(0, [0; 32]); MAX_FETCH] };
        assert!(borsh::to_vec(&fetch).unwrap().len() <= FETCH_BYTES);
        let pull = Pull { workload: [1; 32], epoch: 0, known: vec![[0; 8]; MAX_RECEIPTS] };
        assert!(borsh::to_vec(&pull).unwrap().len() <= PULL_BYTES);
        let receipt = borsh::from_slice::<Receipt>(&[0; RECEIPT_BYTES]).unwrap();
        let answer = Answer::Objects(Objection::Conflict(vec![receipt; MAX_EVIDENCE]));
        assert!(borsh::to_vec(&answer).unwrap().len() <= ANSWER_BYTES);
    }
}
