//! Receipts and capability leaves: what is hashed into trees, in canonical Borsh.
//!
//! A receipt is the evidence of one attempt. The receipts of a batch are **sorted by (slot, outcome, request id)**, so the
//! batch's counts fix which bucket every leaf index must fall in, and a false batch is provable with one or two paths.

use crate::hash::{Hash, Sha256, Tag};
use crate::merkle;
use crate::reliability::Outcome;
use borsh::{BorshDeserialize, BorshSerialize, io};

/// The encoded length of an [`Attempt`], in bytes.
pub const ATTEMPT_BYTES: usize = 32 + 32 + 8 + 2 + 1 + 4 + 8 + 32 + 32;

/// What a reporter saw of one attempt: the part of a receipt that it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Attempt {
    /// The request, unique in its network.
    pub request_id: [u8; 32],
    /// The workload account.
    pub workload: [u8; 32],
    /// The epoch in which the attempt was made.
    pub epoch: u64,
    /// The operator's slot in the workload's cell.
    pub slot: u16,
    /// An [`Outcome`], by number.
    pub outcome: u8,
    /// From request to last token, in milliseconds; 0 if nothing was served.
    pub latency_ms: u32,
    /// When the attempt ended, in unix seconds.
    pub observed_at: i64,
    /// SHA-256 of whatever proves the attempt (response, proof, transcript); zero if there is nothing.
    pub evidence: Hash,
    /// The reporter's Ed25519 key.
    pub reporter: [u8; 32],
}

impl Attempt {
    /// Canonical Borsh.
    ///
    /// # Errors
    /// Never for this fixed-size type: the error is that of the writer.
    pub fn encode(&self) -> io::Result<[u8; ATTEMPT_BYTES]> {
        encode(self)
    }

    /// What the reporter signs, under the tag of [`Purpose::Receipt`](crate::hash::Purpose::Receipt).
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn message<H: Sha256>(&self, tag: &Tag) -> io::Result<Hash> {
        Ok(H::hash(&[tag.as_bytes(), &self.encode()?]))
    }

    /// The sort key of receipts in a batch.
    #[must_use]
    pub const fn key(&self) -> (u16, u8, [u8; 32]) {
        (self.slot, self.outcome, self.request_id)
    }

    /// The outcome, if its number is one.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        Outcome::from_index(self.outcome)
    }
}

/// The encoded length of a [`Receipt`], in bytes.
pub const RECEIPT_BYTES: usize = ATTEMPT_BYTES + 64;

/// One attempt with its reporter's signature: a leaf of a batch's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Receipt {
    /// What was seen.
    pub attempt: Attempt,
    /// The reporter's Ed25519 signature of [`Attempt::message`].
    pub signature: [u8; 64],
}

impl Receipt {
    /// The leaf hash under the tag of [`Purpose::Receipts`](crate::hash::Purpose::Receipts) and its epoch.
    ///
    /// # Errors
    /// Never for this fixed-size type: the error is that of the writer.
    pub fn leaf<H: Sha256>(&self, tag: &Tag) -> io::Result<Hash> {
        Ok(merkle::leaf::<H>(tag, &encode::<_, RECEIPT_BYTES>(self)?))
    }
}

/// What of a receipt decides where in its batch it belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The request.
    pub request_id: [u8; 32],
    /// The workload account.
    pub workload: [u8; 32],
    /// The epoch.
    pub epoch: u64,
    /// The operator's slot.
    pub slot: u16,
    /// An [`Outcome`], by number.
    pub outcome: u8,
}

impl Place {
    /// Reads it off the bytes of a receipt, `None` if these are not as many as a receipt has.
    #[must_use]
    pub fn read(receipt: &[u8]) -> Option<Self> {
        let (request_id, rest) = receipt.split_first_chunk()?;
        let (workload, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (slot, rest) = rest.split_first_chunk()?;
        let (outcome, _) = rest.split_first()?;
        (receipt.len() == RECEIPT_BYTES).then_some(Self {
            request_id: *request_id,
            workload: *workload,
            epoch: u64::from_le_bytes(*epoch),
            slot: u16::from_le_bytes(*slot),
            outcome: *outcome,
        })
    }
}

/// The encoded length of a [`Capability`], in bytes.
pub const CAPABILITY_BYTES: usize = 32 + 32 + 2 + 1 + 2 + 4 + 8 + 32;

/// One leaf of an operator's capability tree: what it commits to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Capability {
    /// The workload account.
    pub workload: [u8; 32],
    /// SHA-256 of the model.
    pub model: Hash,
    /// Hardware class, as the workload numbers them.
    pub hardware_class: u16,
    /// Verification mode, as the workload numbers them.
    pub verification_mode: u8,
    /// Region, as the workload numbers them.
    pub region: u16,
    /// The latency committed to, in milliseconds.
    pub latency_ms: u32,
    /// The capacity committed to, in thousandths of the workload's unit a second.
    pub capacity_milli: u64,
    /// Hides the leaf until it is opened.
    pub salt: Hash,
}

impl Capability {
    /// The leaf hash under the tag of [`Purpose::Capabilities`](crate::hash::Purpose::Capabilities).
    ///
    /// # Errors
    /// Never for this fixed-size type: the error is that of the writer.
    pub fn leaf<H: Sha256>(&self, tag: &Tag) -> io::Result<Hash> {
        Ok(merkle::leaf::<H>(tag, &encode::<_, CAPABILITY_BYTES>(self)?))
    }
}

/// Borsh into an array of the type's exact length, without allocation.
fn encode<T: BorshSerialize, const N: usize>(value: &T) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut rest = bytes.as_mut_slice();
    value.serialize(&mut rest)?;
    if rest.is_empty() { Ok(bytes) } else { Err(io::ErrorKind::WriteZero.into()) }
}
