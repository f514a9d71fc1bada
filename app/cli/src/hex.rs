//! Hashes in hexadecimal.

use std::fmt::Write as _;
use std::str::FromStr;

/// 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash32(pub [u8; 32]);

impl FromStr for Hash32 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut hash = [0; 32];
        let digits = text.as_bytes().as_chunks::<2>();
        let read = |digits: &[u8; 2]| {
            let digits =
                std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            u8::from_str_radix(digits?, 16).ok()
        };
        let complete = digits.1.is_empty() && digits.0.len() == hash.len();
        for (byte, digits) in hash.iter_mut().zip(digits.0) {
            *byte = read(digits).ok_or_else(|| not_a_hash(text))?;
        }
        if complete { Ok(Self(hash)) } else { Err(not_a_hash(text)) }
    }
}

fn not_a_hash(text: &str) -> String {
    format!("\"{text}\" is no SHA-256: expected 64 hexadecimal digits")
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_both_ways() {
        let text = format!("00ff{}", "5a".repeat(30));
        assert_eq!(text.parse::<Hash32>().map(|hash| hex(&hash.0)), Ok(text));
        for bad in ["", "00", &"5".repeat(63), &"5".repeat(66), &"g".repeat(64), &"+5".repeat(32), &"ä".repeat(32)] {
            assert_eq!(bad.parse::<Hash32>(), Err(format!("\"{bad}\" is no SHA-256: expected 64 hexadecimal digits")));
        }
    }
}
