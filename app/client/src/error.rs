//! What can go wrong off-chain.

use solana_program::pubkey::Pubkey;
use thiserror::Error;

/// Errors of this crate.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClientError {
    /// The account's bytes are not of the expected kind.
    #[error("account {address} is not a {expected}: {reason}")]
    NotA {
        /// The account.
        address: Pubkey,
        /// What was expected.
        expected: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such account.
    #[error("there is no account at {0}: check the address and the cluster")]
    Missing(Pubkey),
    /// A batch cannot be made of these receipts.
    #[error("cannot make a batch: {0}")]
    BadBatch(&'static str),
    /// A capability tree cannot be made of these leaves.
    #[error("cannot make a capability tree: {0}")]
    BadCapabilities(&'static str),
    /// The cluster refused a transaction.
    #[error("{action} failed: {reason}")]
    Refused {
        /// What was tried.
        action: String,
        /// What the cluster said.
        reason: String,
    },
}

/// The source of the program's errors: the one place where their numbers and messages stand.
const PROGRAM_ERRORS: &str = include_str!("../../../programs/coverage-settlement/src/errors.rs");

/// Where Anchor's custom errors begin.
const FIRST_CUSTOM: u32 = 6_000;

/// The name and message of the program's error with this code on the wire, or `None` if it has none.
#[must_use]
pub fn program_error(code: u32) -> Option<(&'static str, &'static str)> {
    let wanted = code.checked_sub(FIRST_CUSTOM)?;
    let (mut next, mut message) = (0u32, None);
    for line in PROGRAM_ERRORS.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("#[msg(\"") {
            message = text.strip_suffix("\")]");
        } else if let (Some(text), Some(variant)) = (message, line.strip_suffix(',')) {
            let (name, number) = variant.split_once(" = ").unwrap_or((variant, ""));
            let number = number.parse().unwrap_or(next);
            if number == wanted {
                return Some((name, text));
            }
            (next, message) = (number.checked_add(1)?, None);
        }
    }
    None
}

/// What a cluster says of a failed transaction, with the program's own words if it was the program that refused.
#[must_use]
pub fn in_words(reason: &str) -> String {
    let code = reason.split_once("custom program error: 0x").map(|(_, rest)| {
        let digits = rest.find(|digit: char| !digit.is_ascii_hexdigit()).unwrap_or(rest.len());
        u32::from_str_radix(rest.get(..digits).unwrap_or_default(), 16)
    });
    match code.and_then(Result::ok).and_then(program_error) {
        Some((name, message)) => format!("{reason} ({name}: {message})"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use coverage_settlement::errors::CoverageError;

    #[test]
    fn codes_have_the_names_and_messages_of_the_program() {
        let name = |error: CoverageError| program_error(FIRST_CUSTOM + error as u32).unwrap().0;
        assert_eq!(name(CoverageError::NotAuthority), "NotAuthority");
        assert_eq!(name(CoverageError::InvalidRule), "InvalidRule");
        assert_eq!(name(CoverageError::WrongPayer), "WrongPayer");
        assert_eq!(name(CoverageError::Inconsistent), "Inconsistent");
        assert_eq!(program_error(6_000 + 99), None);
        assert_eq!(program_error(1), None);
        let words = in_words("Error processing Instruction 0: custom program error: 0x1771");
        assert!(
            words.ends_with("0x1771 (InvalidRule: The rule is not 0 (Shapley), 1 (Banzhaf) or 2 (LastIn))"),
            "{words}"
        );
        assert_eq!(in_words("custom program error: 0x1"), "custom program error: 0x1");
    }
}
