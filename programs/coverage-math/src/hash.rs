//! SHA-256 behind one trait: the syscall on-chain, software everywhere else.

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Something that hashes the concatenation of byte strings with SHA-256.
pub trait Sha256 {
    /// SHA-256 of all `parts`, one after the other.
    fn hash(parts: &[&[u8]]) -> Hash;
}

/// SHA-256 in software (the `sha2` crate).
#[cfg(feature = "software-sha256")]
#[derive(Clone, Copy, Debug)]
pub struct Software;

#[cfg(feature = "software-sha256")]
impl Sha256 for Software {
    fn hash(parts: &[&[u8]]) -> Hash {
        use sha2::Digest;
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

/// What separates the hashes of one purpose from all others: program, network, purpose and epoch in one digest.
///
/// Every tree and every signed digest starts with one, so nothing made for one network, purpose or epoch can stand in for
/// another. A purpose that has no epoch uses [`NO_EPOCH`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag(Hash);

/// The epoch of a [`Tag`] for things that have none.
pub const NO_EPOCH: u64 = u64::MAX;

impl Tag {
    /// The tag of `purpose` in `epoch` of `network`, an account of `program`.
    #[must_use]
    pub fn new<H: Sha256>(program: &[u8; 32], network: &[u8; 32], purpose: Purpose, epoch: u64) -> Self {
        Self(H::hash(&[b"coverage-settlement:v1", program, network, &[purpose as u8], &epoch.to_le_bytes()]))
    }

    /// The tag's bytes, as they enter a hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &Hash {
        &self.0
    }
}

/// What a hash is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// The tree of an operator's capability leaves.
    Capabilities = 1,
    /// The tree of a batch's receipts.
    Receipts = 2,
    /// What attesters sign for a batch of outcomes.
    Outcomes = 3,
    /// What attesters sign for an operator's failure domain.
    FailureDomain = 4,
    /// What the reporter of one attempt signs.
    Receipt = 5,
}
