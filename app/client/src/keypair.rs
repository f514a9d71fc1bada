//! Keys from files in Solana's format: a JSON list of the 64 bytes of secret and public key.

use ed25519_dalek::SigningKey;
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Bytes of a keypair.
const BYTES: usize = 64;

/// Why a file gives no keypair.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeypairError {
    /// There is no such file.
    #[error("there is no keypair at {}: make one with `solana-keygen new --outfile {}`", .0.display(), .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("cannot read the keypair at {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It is not a list of bytes.
    #[error("{} is not a keypair: it should be a JSON list of 64 numbers from 0 to 255, as `solana-keygen` writes it", .0.display())]
    NotAKeypair(PathBuf),
    /// It has another number of bytes.
    #[error("{} is not a keypair: it has {found} bytes, not 64", .path.display())]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// How many it has.
        found: usize,
    },
    /// Its public key is not that of its secret key.
    #[error("{} is damaged: its public key is {found}, but its secret key is that of {expected}", .path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// The public key that stands there.
        found: Pubkey,
        /// The secret key's.
        expected: Pubkey,
    },
}

/// Reads a keypair, to sign transactions with.
///
/// # Errors
/// [`KeypairError`], with what to do.
pub fn read(path: &Path) -> Result<Keypair, KeypairError> {
    let secret = secret(path)?;
    Ok(Keypair::new_from_array(secret))
}

/// Reads an attester's key, to sign statements with, from the same kind of file.
///
/// # Errors
/// [`KeypairError`], with what to do.
pub fn read_attester(path: &Path) -> Result<SigningKey, KeypairError> {
    Ok(SigningKey::from_bytes(&secret(path)?))
}

fn secret(path: &Path) -> Result<[u8; 32], KeypairError> {
    let at = || path.to_owned();
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => KeypairError::Missing(at()),
        std::io::ErrorKind::InvalidData => KeypairError::NotAKeypair(at()),
        _ => KeypairError::Unreadable { path: at(), reason: error.to_string() },
    })?;
    let bytes: Vec<u8> = serde_json::from_str(&text).map_err(|_| KeypairError::NotAKeypair(at()))?;
    let found = bytes.len();
    let bytes: [u8; BYTES] = bytes.try_into().map_err(|_| KeypairError::WrongLength { path: at(), found })?;
    let [secret, public] = [bytes.first_chunk::<32>(), bytes.last_chunk::<32>()];
    let (Some(secret), Some(public)) = (secret, public) else {
        return Err(KeypairError::WrongLength { path: at(), found });
    };
    let (expected, found) = (Keypair::new_from_array(*secret).pubkey(), Pubkey::from(*public));
    if expected != found {
        return Err(KeypairError::Mismatch { path: at(), found, expected });
    }
    Ok(*secret)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ed25519_dalek::Signer as _;

    fn file(folder: &tempfile::TempDir, text: &str) -> PathBuf {
        let path = folder.path().join("key.json");
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn reads_what_solana_keygen_writes() {
        let folder = tempfile::tempdir().unwrap();
        let key = Keypair::new_from_array([7; 32]);
        let path = folder.path().join("id.json");
        solana_keypair::write_keypair_file(&key, &path).unwrap();
        assert_eq!(read(&path).unwrap().to_bytes(), key.to_bytes());
        let attester = read_attester(&path).unwrap();
        assert_eq!(attester.verifying_key().to_bytes(), key.pubkey().to_bytes());
        assert_eq!(attester.sign(b"digest").to_bytes(), <[u8; 64]>::from(key.sign_message(b"digest")));
    }

    #[test]
    fn says_what_is_wrong_with_others() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.json");
        assert_eq!(read(&missing).unwrap_err(), KeypairError::Missing(missing.clone()));
        let text = KeypairError::Missing("id.json".into()).to_string();
        assert_eq!(text, "there is no keypair at id.json: make one with `solana-keygen new --outfile id.json`");
        for text in ["", "secret", "{}", "[1, 2, 300]", "[1, -2]", "\"base58\""] {
            let path = file(&folder, text);
            assert_eq!(read(&path).unwrap_err(), KeypairError::NotAKeypair(path), "{text:?}");
        }
        for found in [0, 32, 63, 65] {
            let path = file(&folder, &format!("{:?}", vec![1; found]));
            assert_eq!(read(&path).unwrap_err(), KeypairError::WrongLength { path, found });
        }
        let mut bytes = Keypair::new_from_array([7; 32]).to_bytes();
        bytes[32..].copy_from_slice(&[5; 32]);
        let path = file(&folder, &format!("{bytes:?}"));
        let expected = Keypair::new_from_array([7; 32]).pubkey();
        let found = Pubkey::from([5; 32]);
        assert_eq!(read_attester(&path).unwrap_err(), KeypairError::Mismatch { path, found, expected });
        let unreadable = read(folder.path()).unwrap_err();
        assert!(matches!(unreadable, KeypairError::Unreadable { .. }), "{unreadable}");
    }
}
