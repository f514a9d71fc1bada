//! Everything that can be wrong with a scenario, in words a user can act on.

use thiserror::Error;

/// Why no scenario could be made. Lines are counted from 1, the header being line 1.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ScenarioError {
    /// The file has no data row, or not even a header.
    #[error("{file}: the file has no rows; give a CSV with a header line and at least one row")]
    Empty {
        /// File as the user named it.
        file: String,
    },
    /// The file could not be read as CSV (I/O, encoding, a row of the wrong length).
    #[error("{file}, line {line}: {message}; check that the file is complete, UTF-8 and comma separated")]
    Unreadable {
        /// File as the user named it.
        file: String,
        /// Line of the problem, 0 when the reader does not know it.
        line: u64,
        /// What the CSV reader said.
        message: String,
    },
    /// The header lacks a column.
    #[error("{file}: no column \"{column}\" in the header; expected the columns {expected}")]
    MissingColumn {
        /// File as the user named it.
        file: String,
        /// The column that is not there.
        column: &'static str,
        /// All columns that are needed, separated by commas.
        expected: String,
    },
    /// A field does not hold what its column promises.
    #[error("{file}, line {line}, column \"{column}\": \"{value}\" is not {expected}; correct or remove the row")]
    BadValue {
        /// File as the user named it.
        file: String,
        /// Line of the row.
        line: u64,
        /// Column of the field.
        column: &'static str,
        /// The field as it stands.
        value: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// A performance result in a unit nobody knows how to turn into a capacity.
    #[error(
        "{file}, line {line}, column \"units\": unknown unit \"{unit}\"; known are Tokens/s, Samples/s, Queries/s and \
         Latency (ms)"
    )]
    UnknownUnit {
        /// File as the user named it.
        file: String,
        /// Line of the row.
        line: u64,
        /// The unit as it stands.
        unit: String,
    },
    /// The capability table has rows, but none of the closed division.
    #[error(
        "{file}: no row has division \"closed\"; only closed results are comparable, so give a table that has them"
    )]
    NoClosedRows {
        /// File as the user named it.
        file: String,
    },
    /// Two rows of one (model, scenario) pair measure different things.
    #[error("{file}, line {line}: {workload} is measured in {unit} here and otherwise above; make its rows agree")]
    MixedUnits {
        /// File as the user named it.
        file: String,
        /// Line of the later row.
        line: u64,
        /// The (model, scenario) pair.
        workload: String,
        /// The unit of the later row.
        unit: String,
    },
    /// There is demand but no workload that could take it.
    #[error(
        "no workload of the capability table is a language model (measured in Tokens/s), so the demand has nowhere to go"
    )]
    NoLanguageWorkload,
    /// No request is left to replay.
    #[error("there are no requests to replay; give at least one demand file, or a larger demand scale")]
    NoDemand,
    /// An option is outside its range.
    #[error("{option}: \"{value}\" is not {expected}")]
    BadOption {
        /// Name of the option.
        option: &'static str,
        /// The value as given.
        value: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// A scenario contradicts itself: an index without a target, requests out of order, a zero where none may be.
    #[error("the scenario is inconsistent: {what}; build it with the functions of the module `scenario`")]
    Inconsistent {
        /// The contradiction.
        what: String,
    },
}
