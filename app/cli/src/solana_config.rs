//! Solana's own conventions: its configuration file, the short names of clusters, and keypair files.

use crate::CliError;
use crate::context::AnySigner;
use serde::Deserialize;
use solana_commitment_config::CommitmentLevel;
use solana_keypair::Keypair;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where Solana's tools keep things, in the home folder.
const FOLDER: &str = ".config/solana";

/// What of Solana's configuration file matters here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SolanaConfig {
    /// The cluster.
    pub json_rpc_url: String,
    /// The keypair that signs.
    pub keypair_path: String,
    /// A commitment level; empty for the default.
    pub commitment: String,
}

impl Default for SolanaConfig {
    fn default() -> Self {
        let keypair = home().join(FOLDER).join("id.json");
        Self {
            json_rpc_url: "mainnet-beta".to_owned(),
            keypair_path: keypair.to_string_lossy().into_owned(),
            commitment: String::new(),
        }
    }
}

impl SolanaConfig {
    /// Reads the file at `path`, which must be there; or the one where Solana's tools put it, if it is there.
    ///
    /// # Errors
    /// [`CliError::Read`], and [`CliError::SolanaConfig`] if it is no YAML of this kind.
    pub fn load(path: Option<&Path>) -> Result<Self, CliError> {
        let usual = home().join(FOLDER).join("cli/config.yml");
        let path = match path {
            Some(path) => path,
            None if usual.exists() => &usual,
            None => return Ok(Self::default()),
        };
        let read = |error| CliError::Read { path: path.to_path_buf(), error };
        let text = std::fs::read_to_string(path).map_err(read)?;
        let wrong =
            |error: serde_saphyr::Error| CliError::SolanaConfig { path: path.to_path_buf(), error: error.to_string() };
        serde_saphyr::from_str(&text).map_err(wrong)
    }

    /// The commitment level to ask for: confirmed, if the file names none.
    ///
    /// # Errors
    /// [`CliError::Usage`] for one that is none.
    pub fn commitment(&self) -> Result<CommitmentLevel, CliError> {
        if self.commitment.is_empty() {
            return Ok(CommitmentLevel::Confirmed);
        }
        let bad = |_| {
            let name = &self.commitment;
            CliError::Usage(format!(
                "commitment \"{name}\" in Solana's configuration file is none of processed, confirmed, finalized"
            ))
        };
        self.commitment.parse().map_err(bad)
    }
}

fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_default()
}

/// The URL of a cluster by its short name, or as it is.
///
/// # Errors
/// [`CliError::Usage`] for what is neither.
pub fn url(name: &str) -> Result<String, CliError> {
    let url = match name {
        "l" | "localhost" | "localnet" => "http://127.0.0.1:8899",
        "d" | "devnet" => "https://api.devnet.solana.com",
        "t" | "testnet" => "https://api.testnet.solana.com",
        "m" | "mainnet-beta" => "https://api.mainnet-beta.solana.com",
        url if url.starts_with("http://") || url.starts_with("https://") => url,
        other => {
            let expected = "a URL (http:// or https://) or one of localhost, devnet, testnet, mainnet-beta";
            return Err(CliError::Usage(format!("\"{other}\" is no cluster: expected {expected}")));
        }
    };
    Ok(url.to_owned())
}

/// Reads the keypair at a path, as `solana-keygen` writes it.
///
/// # Errors
/// [`CliError::Keypair`] if it is not there, is no keypair, or is a wallet that is no file.
pub fn signer(path: &str) -> Result<AnySigner, CliError> {
    Ok(Arc::new(keypair(path)?))
}

/// As [`signer`], for those who need the key itself.
///
/// # Errors
/// As [`signer`].
pub fn keypair(path: &str) -> Result<Keypair, CliError> {
    let wrong = |reason: String| CliError::Keypair { path: path.to_owned(), reason };
    if path.contains("://") {
        return Err(wrong("only keypair files are supported".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let not_a_keypair = || wrong("it is not a list of 64 numbers as solana-keygen writes it".to_owned());
    let bytes: Vec<u8> = serde_json::from_str(&text).map_err(|_| not_a_keypair())?;
    Keypair::try_from(bytes.as_slice()).map_err(|_| not_a_keypair())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn short_names_of_clusters() {
        for (names, expected) in [
            (["l", "localhost"], "http://127.0.0.1:8899"),
            (["d", "devnet"], "https://api.devnet.solana.com"),
            (["t", "testnet"], "https://api.testnet.solana.com"),
            (["m", "mainnet-beta"], "https://api.mainnet-beta.solana.com"),
        ] {
            for name in names {
                assert_eq!(url(name).unwrap(), expected);
            }
        }
        assert_eq!(url("http://[::1]:8899").unwrap(), "http://[::1]:8899");
        assert_eq!(
            url("mainnet").unwrap_err().to_string(),
            "\"mainnet\" is no cluster: expected a URL (http:// or https://) or one of localhost, devnet, testnet, mainnet-beta"
        );
    }
}
