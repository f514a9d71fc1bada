//! What can go wrong off-chain.

use solana_program::instruction::InstructionError::Custom;
use solana_program::pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;
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
    /// The cluster did not answer, or not in a way that can be read.
    #[error("{action} failed: {reason}; check the URL of the cluster and try again")]
    Rpc {
        /// What was tried.
        action: &'static str,
        /// What the connection or the cluster said.
        reason: String,
    },
    /// The cluster refused a transaction: nothing of it happened, except that its fee is paid if it got as far as a block.
    #[error("{action} failed: {reason}")]
    Refused {
        /// What was tried.
        action: String,
        /// What the cluster said.
        reason: String,
        /// The program's own error, if it was the program that refused.
        error: Option<ProgramError>,
        /// The transaction's log, as far as the cluster gave it.
        logs: Vec<String>,
    },
    /// Somebody has not the lamports.
    #[error("{action} failed for lack of SOL: {reason}; send it some and try again")]
    InsufficientFunds {
        /// What was tried.
        action: String,
        /// Who lacks how much, as far as the cluster said it.
        reason: String,
    },
    /// Nobody signs for a key that must sign. Nothing happened.
    #[error("{action} needs the signature of {key}: give its keypair too")]
    MissingSigner {
        /// What was tried.
        action: String,
        /// Whose signature is missing.
        key: Pubkey,
    },
    /// A key could not sign. Nothing happened.
    #[error("{action} failed: {key} did not sign: {reason}")]
    NotSigned {
        /// What was tried.
        action: String,
        /// Who was to sign.
        key: Pubkey,
        /// What the signer said.
        reason: String,
    },
    /// The instructions do not fit a transaction. Nothing happened.
    #[error("{action} failed: the transaction has {bytes} bytes, the most is {most}")]
    TooLarge {
        /// What was tried.
        action: String,
        /// Its size.
        bytes: usize,
        /// The most that the cluster takes.
        most: usize,
    },
    /// What was to remember a signed transaction could not, so it was not sent. Nothing happened.
    #[error("{action} was not sent, because its signature could not be written down: {reason}")]
    NotRecorded {
        /// What was tried.
        action: String,
        /// What went wrong.
        reason: String,
    },
    /// All attempts expired without landing. Nothing happened.
    #[error(
        "{action} failed: {attempts} transactions expired before a leader took them; try again, or pay a higher priority fee"
    )]
    Expired {
        /// What was tried.
        action: String,
        /// How many transactions were signed for it.
        attempts: u32,
    },
    /// It was sent, and whether it landed could not be learned. It must not be repeated before
    /// [`Sender::outcome_of`](crate::rpc::Sender::outcome_of) says that it never will.
    #[error(
        "{action}: the cluster stopped answering ({reason}) before it was known whether transaction {signature} landed; \
             look it up before trying again"
    )]
    Unknown {
        /// What was tried.
        action: String,
        /// The transaction's signature.
        signature: Signature,
        /// The height of the last block it can land in.
        last_valid_block_height: u64,
        /// What kept the cluster from answering.
        reason: String,
    },
}

/// An error of the program, by its number on the wire.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{name}: {message}")]
pub struct ProgramError {
    /// Its number, from 6000 on.
    pub code: u32,
    /// Its name in the program's source.
    pub name: &'static str,
    /// What the caller should do.
    pub message: &'static str,
}

impl ClientError {
    /// A refusal of which only the reason is known.
    #[must_use]
    pub fn refused(action: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        let (reason, error) = (reason.to_string(), None);
        Self::Refused { action: action.into(), reason, error, logs: Vec::new() }
    }

    /// What a failed transaction of these accounts comes to. They are numbered as in its message; the first one pays.
    pub(crate) fn transaction(action: &str, keys: &[Pubkey], error: &TransactionError, logs: Vec<String>) -> Self {
        use TransactionError::{AccountNotFound, InstructionError, InsufficientFundsForFee, InsufficientFundsForRent};
        let action = action.to_owned();
        let who = |number: u8| {
            let key = keys.get(usize::from(number));
            key.map_or_else(|| format!("account {number} of the transaction"), ToString::to_string)
        };
        let lacking = |log: &String| log.contains(": insufficient lamports ").then(|| log.clone());
        let lack = match error {
            InsufficientFundsForFee | AccountNotFound => Some(format!("{} cannot pay the fee", who(0))),
            InsufficientFundsForRent { account_index } => {
                Some(format!("{} would be left with less than its rent", who(*account_index)))
            }
            _ => logs.iter().find_map(lacking), // the system program's, of whoever was to pay for an account
        };
        if let Some(reason) = lack {
            return Self::InsufficientFunds { action, reason };
        }
        let error_of_program = match error {
            InstructionError(_, Custom(code)) => program_error(*code).map(|(name, message)| (*code, name, message)),
            _ => None,
        };
        let known = error_of_program.map(|(code, name, message)| ProgramError { code, name, message });
        let said = logs.iter().rev().find_map(|log| log.strip_prefix("Program log: Error: "));
        let reason = match (known, said) {
            (Some(known), _) => format!("{error} ({known})"),
            (None, Some(said)) => format!("{error} ({said})"),
            (None, None) => error.to_string(),
        };
        Self::Refused { action, reason, error: known, logs }
    }

    /// The program's own error, if it was the program that refused.
    #[must_use]
    pub const fn program_error(&self) -> Option<ProgramError> {
        match self {
            Self::Refused { error, .. } => *error,
            _ => None,
        }
    }

    /// The error of a request to the cluster.
    pub(crate) fn rpc(action: &'static str, reason: &impl std::fmt::Display) -> Self {
        Self::Rpc { action, reason: reason.to_string() }
    }
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
