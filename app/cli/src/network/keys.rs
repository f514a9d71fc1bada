//! Keys and ids of an embedded network: derived, so that every run is the same to the last byte.
//!
//! They guard nothing. A network that holds money makes its own from real randomness.

use coverage_client::math::hash::{Hash, Sha256, Software};
use ed25519_dalek::SigningKey;
use solana_keypair::Keypair;

/// SHA-256 of what a value is for and of what it is derived from.
pub(super) fn derive(purpose: &str, of: &[&[u8]]) -> Hash {
    // The purpose has no zero byte, so no two lists of parts run into each other at it; the parts are of fixed length.
    let mut parts = vec![b"covctl ".as_slice(), purpose.as_bytes(), &[0]];
    parts.extend(of);
    Software::hash(&parts)
}

/// The wallet of somebody.
pub(super) fn keypair(purpose: &str, number: usize) -> Keypair {
    Keypair::new_from_array(derive(purpose, &[&(number as u64).to_le_bytes()]))
}

/// `count` signing keys of one kind.
pub(super) fn signing_keys(purpose: &str, count: u64) -> Vec<SigningKey> {
    (0..count).map(|number| SigningKey::from_bytes(&derive(purpose, &[&number.to_le_bytes()]))).collect()
}
