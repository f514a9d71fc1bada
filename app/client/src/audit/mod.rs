//! The audit: everything a network shows, computed again from account data alone, bit for bit.
//!
//! Pure functions of what the chain shows: [`check`] takes a [`Snapshot`](crate::rpc::Snapshot) and returns a [`Report`] with
//! one entry for each invariant, [`receipts::check`] holds published receipts against what was applied, and [`settlement`] and
//! [`solvency`] are the parts for those who have no snapshot. What pays is what audits, so any difference means that an account
//! was not written by this program, or that its bytes were read wrong.

mod accounts;
mod batches;
mod check;
mod mint;
pub mod receipts;
mod settlement;
mod text;

pub use accounts::solvency;
pub use batches::{BatchReport, Endorser};
pub use check::{CellReport, Check, Finding, Report, check};
pub use mint::MintReport;
pub use settlement::{Settlement, settlement};
pub(crate) use settlement::{is_shown, settled};

use serde::Serialize;
use std::fmt;

/// What must always hold; the numbers are those of the program's README.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Invariant {
    /// The vault holds at least what is owed.
    #[serde(rename = "I1")]
    Solvency,
    /// Rewards, carry and what returns are the pool, exactly.
    #[serde(rename = "I2")]
    Conservation,
    /// All φ of a cell together are at most its coverage.
    #[serde(rename = "I3")]
    CoverageBound,
    /// A batch applies once, an epoch settles once.
    #[serde(rename = "I4")]
    Once,
    /// Only what more than the quorum endorsed is counted.
    #[serde(rename = "I5")]
    Quorum,
    /// Settling again gives the same bits.
    #[serde(rename = "I7")]
    Determinism,
}

impl Invariant {
    /// All that an auditor can check by what accounts show.
    pub const ALL: [Self; 6] =
        [Self::Solvency, Self::Conservation, Self::CoverageBound, Self::Once, Self::Quorum, Self::Determinism];

    /// Its number.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Solvency => "I1",
            Self::Conservation => "I2",
            Self::CoverageBound => "I3",
            Self::Once => "I4",
            Self::Quorum => "I5",
            Self::Determinism => "I7",
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solvency => "solvency",
            Self::Conservation => "conservation",
            Self::CoverageBound => "coverage bound",
            Self::Once => "once",
            Self::Quorum => "quorum",
            Self::Determinism => "determinism",
        }
    }
}

/// One value that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The invariant that is broken.
    pub invariant: Invariant,
    /// The slot, or `None` for the cell itself.
    pub slot: Option<u16>,
    /// Name of the field, or of the invariant.
    pub what: &'static str,
    /// What recomputing gives.
    pub expected: String,
    /// What the chain says.
    pub actual: String,
}

impl Difference {
    fn new(
        invariant: Invariant,
        slot: Option<u16>,
        what: &'static str,
        expected: &impl fmt::Display,
        actual: &impl fmt::Display,
    ) -> Self {
        Self { invariant, slot, what, expected: expected.to_string(), actual: actual.to_string() }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slot {
            Some(slot) => write!(f, "slot {slot}: ")?,
            None => f.write_str("cell: ")?,
        }
        write!(f, "{} is {}, recomputed {}", self.what, self.actual, self.expected)
    }
}
