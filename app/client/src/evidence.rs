//! Evidence that a batch is false, and the transactions that prove it.

use crate::batch::{BatchOf, Statement, receipts_tag};
use crate::instructions::{self, Challenge};
use crate::pda::Token;
use borsh::BorshSerialize;
use coverage_math::attestation::Entry;
use coverage_math::hash::{Hash, Software};
use coverage_math::merkle;
use coverage_math::receipt::{Place, Receipt};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

/// A leaf of a batch's tree with its path; see [`coverage_math::fraud::Opening`].
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Opening {
    /// Which leaf it is, or the sides of its path.
    pub index: u32,
    /// Its payload.
    pub leaf: Vec<u8>,
    /// Its siblings, from the leaf up.
    pub proof: Vec<Hash>,
}

/// Evidence; see [`coverage_math::fraud::Fraud`], which reads what this writes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub enum Evidence {
    /// The leaf is not of the bucket, workload or epoch that its index says.
    Misplaced(Opening),
    /// The second leaf follows the first in its bucket, but its request id is not greater.
    DuplicateInBatch(Opening, Opening),
    /// The first leaf, in an earlier batch or in the same, is of the same request and slot as the second.
    DuplicateAcrossBatches {
        /// Number of the batch the first leaf is in.
        earlier: u32,
        /// The leaf there.
        first: Opening,
        /// The leaf in the batch that is challenged.
        second: Opening,
    },
    /// The leaf is where the tree has none, if it has as many as were counted.
    CountMismatch(Opening),
}

impl Evidence {
    /// Its bytes, filled up with zeros to whole entries.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to memory does not fail.
        let mut bytes = borsh::to_vec(self).unwrap_or_default();
        bytes.resize(bytes.len().next_multiple_of(size_of::<Entry>()), 0);
        bytes
    }

    /// The statement that uploads it. Nobody will sign it: what counts are its entries.
    #[must_use]
    pub fn statement(&self, batch: BatchOf) -> Statement {
        Statement::upload_only(batch, self.encode())
    }
}

/// A batch as its published receipts show it, to be held against what was applied.
#[derive(Clone, Debug)]
pub struct Published<'a> {
    /// The payloads of its leaves, in order.
    pub leaves: &'a [Vec<u8>],
    /// Hashes of the leaves.
    hashes: Vec<Hash>,
}

impl<'a> Published<'a> {
    /// The published leaves of a batch of this network and epoch.
    #[must_use]
    pub fn new(network: &Pubkey, epoch: u64, leaves: &'a [Vec<u8>]) -> Self {
        let tag = receipts_tag(network, epoch);
        let hashes = leaves.iter().map(|leaf| merkle::leaf::<Software>(&tag, leaf)).collect();
        Self { leaves, hashes }
    }

    /// The root of their tree; `None` if there are none.
    #[must_use]
    pub fn root(&self) -> Option<Hash> {
        merkle::root::<Software>(&mut self.hashes.clone())
    }

    /// Opens a leaf.
    #[must_use]
    pub fn open(&self, index: usize) -> Option<Opening> {
        let mut proof = [[0; 32]; 32];
        let length = merkle::prove::<Software>(&mut self.hashes.clone(), index, &mut proof)?;
        Some(Opening {
            index: u32::try_from(index).ok()?,
            leaf: self.leaves.get(index)?.clone(),
            proof: proof.get(..length)?.to_vec(),
        })
    }

    /// Evidence that the batch is false, if its leaves show any that needs no other batch. `batch` are its workload and epoch,
    /// `receipts` and `entries` what was applied.
    #[must_use]
    pub fn examine(&self, batch: &BatchOf, receipts: u32, entries: &[Entry]) -> Option<Evidence> {
        let counted = usize::try_from(receipts).ok()?;
        if counted != self.leaves.len() {
            // A tree of another size has a path that one of this size has not; which of its leaves has it depends on both.
            let size = u32::try_from(self.leaves.len()).ok()?;
            let foreign = |index| {
                merkle::path(size, index).filter(|(sides, length)| !merkle::has_path(receipts, *sides, *length))
            };
            let (index, (sides, _)) = (0..size).rev().find_map(|index| Some((index, foreign(index)?)))?;
            return Some(Evidence::CountMismatch(Opening { index: sides, ..self.open(usize::try_from(index).ok()?)? }));
        }
        for (index, leaf) in self.leaves.iter().enumerate() {
            let bucket = coverage_math::fraud::bucket_of(entries, u32::try_from(index).ok()?);
            let place = Place::read(leaf).filter(|place| {
                bucket == Some((place.slot, place.outcome))
                    && place.workload == batch.workload.to_bytes()
                    && place.epoch == batch.epoch
            });
            if place.is_none() {
                return Some(Evidence::Misplaced(self.open(index)?));
            }
        }
        let own = u32::try_from(batch.sequence).ok()?;
        let places: Vec<Place> = self.leaves.iter().filter_map(|leaf| Place::read(leaf)).collect();
        for (index, pair) in places.windows(2).enumerate() {
            let [first, second] = pair else { continue };
            let same = (first.slot, first.outcome) == (second.slot, second.outcome);
            if same && first.request_id >= second.request_id {
                return Some(Evidence::DuplicateInBatch(self.open(index)?, self.open(index.checked_add(1)?)?));
            }
        }
        // What is in order may still be there twice, under two outcomes.
        self.repeats(own, own, self)
    }

    /// Evidence that a request of an `earlier` batch, or of this one, is in this one again; `own` and `number` are their numbers.
    /// The earlier must have as many leaves as were counted: else it is to be proven false itself ([`Self::examine`]).
    #[must_use]
    pub fn repeats(&self, own: u32, number: u32, earlier: &Published<'_>) -> Option<Evidence> {
        let key = |leaf: &Vec<u8>| Place::read(leaf).map(|place| (place.request_id, place.slot));
        let mut seen = BTreeMap::new();
        for (index, leaf) in earlier.leaves.iter().enumerate() {
            if let Some(key) = key(leaf) {
                seen.entry(key).or_insert(index);
            }
        }
        let repeated = |(index, leaf): (usize, &Vec<u8>)| {
            let first = *seen.get(&key(leaf)?)?;
            (own != number || first != index).then_some((first, index))
        };
        let (first, second) = self.leaves.iter().enumerate().find_map(repeated)?;
        Some(Evidence::DuplicateAcrossBatches {
            earlier: number,
            first: earlier.open(first)?,
            second: self.open(second)?,
        })
    }
}

/// The payload of a receipt's leaf.
#[must_use]
pub fn payload(receipt: &Receipt) -> Vec<u8> {
    borsh::to_vec(receipt).unwrap_or_default() // writing to memory does not fail
}

/// Everything that proves batch `batch.sequence` false, one transaction each: uploading entries and evidence, the challenge, and
/// taking the rent of the uploads back. The committee's generation in `batch` is that of today, for the uploads, not the one the
/// batch was signed in.
#[must_use]
pub fn challenge(
    challenger: Pubkey,
    token: &Token,
    batch: BatchOf,
    entries: &[Entry],
    evidence: &Evidence,
) -> Vec<Instruction> {
    let entries = Statement::upload_only(batch, bytemuck::cast_slice(entries).to_vec());
    let evidence = evidence.statement(batch);
    let uploads = [entries.address(&challenger), evidence.address(&challenger)];
    let [entries_account, evidence_account] = uploads;
    let challenge = Challenge {
        workload: batch.workload,
        epoch: batch.epoch,
        sequence: u32::try_from(batch.sequence).unwrap_or(u32::MAX),
        entries: entries_account,
        evidence: evidence_account,
    };
    let close = uploads.map(|upload| instructions::close_attestation(challenger, upload));
    let uploads = [entries.upload(challenger), evidence.upload(challenger)].concat();
    let proof = instructions::challenge_batch(challenger, batch.network, token, &challenge);
    uploads.into_iter().chain([proof]).chain(close).collect()
}
