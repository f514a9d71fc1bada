//! Keys from numbers.

use ed25519_dalek::SigningKey;
use solana_keypair::Keypair;

fn seed(kind: u8, network: u64, number: u8) -> [u8; 32] {
    let mut seed = [kind; 32];
    seed[8..16].copy_from_slice(&network.to_le_bytes());
    seed[16] = number;
    seed
}

/// The wallet of a kind (a letter), network and number.
#[must_use]
pub fn keypair(kind: u8, network: u64, number: u8) -> Keypair {
    Keypair::new_from_array(seed(kind, network, number))
}

/// An attester of a network.
#[must_use]
pub fn attester(network: u64, number: u8) -> SigningKey {
    SigningKey::from_bytes(&seed(b'k', network, number))
}
