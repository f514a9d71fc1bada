//! What may be named by its number or by its address.

use solana_program::pubkey::Pubkey;
use std::fmt;
use std::str::FromStr;

/// More digits than a 64-bit number has: what is longer is an address, even if all of it are digits.
const MOST_DIGITS: usize = 20;

/// A network or workload as the user names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// By its number.
    Id(u64),
    /// By its address.
    Address(Pubkey),
}

impl Reference {
    /// The address; `derive` makes it of a number.
    #[must_use]
    pub fn resolve(self, derive: impl FnOnce(u64) -> Pubkey) -> Pubkey {
        match self {
            Self::Id(id) => derive(id),
            Self::Address(address) => address,
        }
    }
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || format!("\"{text}\" is neither a number nor an address in base58");
        if text.len() <= MOST_DIGITS {
            return text.parse().map(Self::Id).map_err(|_| bad());
        }
        text.parse().map(Self::Address).map_err(|_| bad())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_are_numbers_and_the_rest_are_addresses() {
        assert_eq!("18446744073709551615".parse(), Ok(Reference::Id(u64::MAX)));
        let ones = "1".repeat(32);
        assert_eq!(ones.parse(), Ok(Reference::Address(Pubkey::default())), "an address of digits only");
        for text in ["", "-1", "18446744073709551616", "0x1", "not-an-address-of-any-kind"] {
            let error = text.parse::<Reference>().unwrap_err();
            assert_eq!(error, format!("\"{text}\" is neither a number nor an address in base58"));
        }
    }
}
