//! An operator's capability tree.

use crate::ClientError;
use coverage_math::hash::{Hash, NO_EPOCH, Purpose, Software, Tag};
use coverage_math::merkle;
use coverage_math::receipt::Capability;
use coverage_settlement::{CapabilityArgs, ID};
use solana_program::pubkey::Pubkey;

/// The leaves an operator commits to, and what it takes to open each.
#[derive(Clone, Debug)]
pub struct CapabilityTree {
    leaves: Vec<Capability>,
    hashes: Vec<Hash>,
    root: Hash,
}

impl CapabilityTree {
    /// The tree of `leaves`, in this order, for one network.
    ///
    /// # Errors
    /// [`ClientError::BadCapabilities`] without leaves, or with more than 2³² of them.
    pub fn new(network: &Pubkey, leaves: Vec<Capability>) -> Result<Self, ClientError> {
        let tag = Tag::new::<Software>(&ID.to_bytes(), &network.to_bytes(), Purpose::Capabilities, NO_EPOCH);
        let bad = ClientError::BadCapabilities;
        let hashes: Result<Vec<_>, _> = leaves.iter().map(|leaf| leaf.leaf::<Software>(&tag)).collect();
        let hashes = hashes.map_err(|_| bad("a leaf does not encode"))?;
        u32::try_from(hashes.len()).map_err(|_| bad("more than 2^32 leaves"))?;
        let root = merkle::root::<Software>(&mut hashes.clone()).ok_or(bad("it has no leaves"))?;
        Ok(Self { leaves, hashes, root })
    }

    /// The root to commit.
    #[must_use]
    pub const fn root(&self) -> Hash {
        self.root
    }

    /// How many leaves there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.leaves.len() as u32 // checked by `new`
    }

    /// The index of the leaf for a workload.
    #[must_use]
    pub fn find(&self, workload: &Pubkey) -> Option<u32> {
        let is = |leaf: &Capability| leaf.workload == workload.to_bytes();
        self.leaves.iter().position(is).map(|index| index as u32)
    }

    /// What `enroll` needs to open leaf `index`: its values and its proof. `None` past the last leaf.
    #[must_use]
    pub fn open(&self, index: u32) -> Option<(CapabilityArgs, Vec<Hash>)> {
        let at = usize::try_from(index).ok()?;
        let leaf = self.leaves.get(at)?;
        let mut proof = [[0; 32]; 32];
        let length = merkle::prove::<Software>(&mut self.hashes.clone(), at, &mut proof)?;
        let args = CapabilityArgs {
            hardware_class: leaf.hardware_class,
            verification_mode: leaf.verification_mode,
            region: leaf.region,
            latency_ms: leaf.latency_ms,
            capacity_milli: leaf.capacity_milli,
            salt: leaf.salt,
        };
        Some((args, proof.get(..length)?.to_vec()))
    }
}
