use crate::commands::evaluate::BadCell;
use crate::network::NetworkError;
use crate::scenario::ScenarioError;
use coverage_client::ClientError;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why a command could not do its work: exit code 2.
#[derive(Debug, Error)]
pub enum CliError {
    /// The input makes no scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The network did not do what it was told.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The cluster, or an account on it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// What was asked for cannot be done as it was asked for; the message says what to do.
    #[error("{0}")]
    Usage(String),
    /// No network was named.
    #[error("which network? name it with --network ID|ADDRESS, or set COVERAGE_NETWORK")]
    NoNetwork,
    /// Something would be sent, nobody can be asked, and nobody said yes.
    #[error("nothing was sent: there is no terminal to ask on; add --yes to send, or --dry-run to simulate")]
    NotConfirmed,
    /// Somebody was asked and did not say yes.
    #[error("nothing was sent: not confirmed")]
    Declined,
    /// A keypair cannot be used.
    #[error("cannot use the keypair {path}: {reason}; name another with --keypair, or make one with solana-keygen new")]
    Keypair {
        /// The file as the user named it.
        path: String,
        /// Why not.
        reason: String,
    },
    /// Solana's configuration file is not as it should be.
    #[error("{} is not Solana's configuration (json_rpc_url, keypair_path, commitment): {error}", path.display())]
    SolanaConfig {
        /// The file.
        path: PathBuf,
        /// What the YAML reader said.
        error: String,
    },
    /// An input file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file as the user named it.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// An input file is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file as the user named it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The parts that talk to the cluster cannot be started.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// A report cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file as the user named it.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Standard output is gone.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
    /// A report does not become JSON.
    #[error("cannot encode JSON: {0}")]
    Encode(serde_json::Error),
    /// The list of cells is not one.
    #[error(
        "{input}: {error}; expected a list of cells: [{{\"rule\": …, \"z_milli\": …, \"breach_bps\": …, \"pool\": …, \"slots\": […]}}]"
    )]
    NotCells {
        /// The file as the user named it.
        input: String,
        /// What the JSON reader said.
        error: serde_json::Error,
    },
    /// A cell of the list cannot be evaluated.
    #[error("{input}, cell {number}: {error}")]
    Cell {
        /// The file as the user named it.
        input: String,
        /// Place in the list, from 0.
        number: usize,
        /// What is wrong with it.
        error: BadCell,
    },
}
