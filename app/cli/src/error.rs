use crate::commands::evaluate::BadCell;
use crate::network::NetworkError;
use crate::scenario::ScenarioError;
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
    /// An input file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file as the user named it.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
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
