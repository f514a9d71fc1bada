//! Fraud proofs: what shows that an applied batch is false.
//!
//! The receipts of a batch are sorted by (slot, outcome, request id), so the batch's counts fix which bucket every leaf index
//! falls in. A batch that says anything else than its own receipts is therefore shown to be false by one or two of them, with
//! their Merkle paths. Of an honest batch no such receipts exist, so a proof can only succeed against a false one.
//!
//! | fraud | what its evidence shows |
//! |---|---|
//! | [`Misplaced`](Fraud::Misplaced) | the leaf at index k is no receipt of the bucket that the counts put at k |
//! | [`DuplicateInBatch`](Fraud::DuplicateInBatch) | leaves k and k+1 of one bucket whose request ids do not increase |
//! | [`DuplicateAcrossBatches`](Fraud::DuplicateAcrossBatches) | one request and slot twice in an epoch |
//! | [`CountMismatch`](Fraud::CountMismatch) | a leaf where a tree of as many leaves as were counted has none |
//!
//! That the counts of a batch sum to its receipts is checked when it is applied.

use crate::attestation::Entry;
use crate::hash::{Hash, Sha256, Tag};
use crate::merkle;
use crate::receipt::Place;
use core::fmt;

/// A leaf of a batch's tree with its path to the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening<'a> {
    /// Which leaf it is; for [`Fraud::CountMismatch`] the sides of its path, as [`merkle::climb`] takes them.
    pub index: u32,
    /// Its payload: the bytes of a receipt, if the batch is well made.
    pub leaf: &'a [u8],
    /// Its siblings, from the leaf up.
    pub proof: &'a [Hash],
}

/// Evidence against a batch. Encoded as Borsh would: a byte for the kind (in this order, from 0), then the fields; an opening
/// is index, leaf and proof, each list behind its length in 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraud<'a> {
    /// The leaf is not of the bucket, workload or epoch that its index says.
    Misplaced(Opening<'a>),
    /// The second leaf follows the first in its bucket, but its request id is not greater.
    DuplicateInBatch(Opening<'a>, Opening<'a>),
    /// The first leaf, in an earlier batch or in the same, is of the same request and slot as the second.
    DuplicateAcrossBatches {
        /// Sequence number of the batch the first leaf is in.
        earlier: u32,
        /// The leaf there.
        first: Opening<'a>,
        /// The leaf in the batch that is challenged.
        second: Opening<'a>,
    },
    /// The leaf is where the tree has none, if it has as many as were counted.
    CountMismatch(Opening<'a>),
}

/// What a batch committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch<'a> {
    /// Its number in the epoch.
    pub sequence: u32,
    /// Root of the receipts' tree.
    pub root: Hash,
    /// How many receipts.
    pub receipts: u32,
    /// Its counts.
    pub entries: &'a [Entry],
}

/// What all batches of one workload and epoch have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Tag of the receipts' trees.
    pub tag: Tag,
    /// The workload account.
    pub workload: [u8; 32],
    /// The epoch.
    pub epoch: u64,
}

/// Why evidence proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FraudError {
    /// A path does not lead from its leaf to the batch's root.
    NotInBatch,
    /// What the evidence shows is as it should be.
    NoFraud,
}

impl fmt::Display for FraudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInBatch => "a path does not lead from its leaf to the batch's root",
            Self::NoFraud => "what the evidence shows is as it should be",
        })
    }
}

impl core::error::Error for FraudError {}

impl<'a> Fraud<'a> {
    /// Reads evidence; what follows it must be zeros, fewer than a record of 32 bytes. `None` if it is anything else.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let mut reader = Reader(rest);
        let fraud = match kind {
            0 => Self::Misplaced(reader.opening()?),
            1 => Self::DuplicateInBatch(reader.opening()?, reader.opening()?),
            2 => Self::DuplicateAcrossBatches {
                earlier: reader.number()?,
                first: reader.opening()?,
                second: reader.opening()?,
            },
            3 => Self::CountMismatch(reader.opening()?),
            _ => return None,
        };
        let padding = reader.0;
        (padding.len() < size_of::<Entry>() && padding.iter().all(|byte| *byte == 0)).then_some(fraud)
    }

    /// Succeeds if this proves `batch` false. `earlier` is the root and the number of receipts of the batch that
    /// [`Self::DuplicateAcrossBatches`] names, which may be `batch` itself.
    ///
    /// # Errors
    /// Why it does not.
    pub fn prove<H: Sha256>(
        &self,
        subject: &Subject,
        batch: &Batch<'_>,
        earlier: Option<(Hash, u32)>,
    ) -> Result<(), FraudError> {
        let own = (batch.root, batch.receipts);
        let proven = match self {
            Self::Misplaced(opening) => {
                opening.verify::<H>(&subject.tag, own)?;
                let bucket = bucket_of(batch.entries, opening.index);
                Place::read(opening.leaf).is_none_or(|place| {
                    let misplaced = bucket != Some((place.slot, place.outcome));
                    misplaced || place.workload != subject.workload || place.epoch != subject.epoch
                })
            }
            Self::DuplicateInBatch(first, second) => {
                first.verify::<H>(&subject.tag, own)?;
                second.verify::<H>(&subject.tag, own)?;
                let ordered = |first: Place, second: Place| {
                    let same = first.slot == second.slot && first.outcome == second.outcome;
                    !same || first.request_id < second.request_id
                };
                let adjacent = first.index.checked_add(1) == Some(second.index);
                adjacent && both(first, second).is_some_and(|(first, second)| !ordered(first, second))
            }
            Self::DuplicateAcrossBatches { earlier: sequence, first, second } => {
                let earlier = earlier.ok_or(FraudError::NotInBatch)?;
                first.verify::<H>(&subject.tag, earlier)?;
                second.verify::<H>(&subject.tag, own)?;
                let distinct = *sequence != batch.sequence || first.index != second.index;
                let same =
                    |first: Place, second: Place| first.request_id == second.request_id && first.slot == second.slot;
                distinct && both(first, second).is_some_and(|(first, second)| same(first, second))
            }
            Self::CountMismatch(opening) => {
                let leaf = merkle::leaf::<H>(&subject.tag, opening.leaf);
                if merkle::climb::<H>(leaf, opening.index, opening.proof) != Some(batch.root) {
                    return Err(FraudError::NotInBatch);
                }
                !merkle::has_path(batch.receipts, opening.index, opening.proof.len())
            }
        };
        if proven { Ok(()) } else { Err(FraudError::NoFraud) }
    }
}

impl Opening<'_> {
    fn verify<H: Sha256>(&self, tag: &Tag, (root, count): (Hash, u32)) -> Result<(), FraudError> {
        let leaf = merkle::leaf::<H>(tag, self.leaf);
        let valid = merkle::verify::<H>(&root, count, self.index, leaf, self.proof);
        if valid { Ok(()) } else { Err(FraudError::NotInBatch) }
    }
}

/// The places of two leaves, if both are receipts.
fn both(first: &Opening<'_>, second: &Opening<'_>) -> Option<(Place, Place)> {
    Some((Place::read(first.leaf)?, Place::read(second.leaf)?))
}

/// The slot and outcome that the counts put at leaf `index`.
#[must_use]
pub fn bucket_of(entries: &[Entry], index: u32) -> Option<(u16, u8)> {
    let mut left = u64::from(index);
    for entry in entries {
        for (outcome, count) in (0u8..).zip(entry.counts) {
            match left.checked_sub(u64::from(count)) {
                Some(rest) => left = rest,
                None => return Some((entry.slot, outcome)),
            }
        }
    }
    None
}

/// Bytes still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*number))
    }

    fn bytes(&mut self, count: u32, size: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(count).ok()?.checked_mul(size)?)?;
        self.0 = rest;
        Some(bytes)
    }

    fn opening(&mut self) -> Option<Opening<'a>> {
        let index = self.number()?;
        let length = self.number()?;
        let leaf = self.bytes(length, 1)?;
        let length = self.number()?;
        let proof = self.bytes(length, size_of::<Hash>())?.as_chunks().0;
        Some(Opening { index, leaf, proof })
    }
}
