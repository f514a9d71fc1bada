//! Hashes as arguments, in hexadecimal.

use std::str::FromStr;

/// 32 bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash32(pub [u8; 32]);

impl FromStr for Hash32 {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut hash = [0; 32];
        let wrong = |_| format!("\"{text}\" is no SHA-256: expected 64 hexadecimal digits");
        hex::decode_to_slice(text, &mut hash).map(|()| Self(hash)).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_both_ways() {
        let text = format!("00ff{}", "5a".repeat(30));
        assert_eq!(text.parse::<Hash32>().map(|hash| hex::encode(hash.0)), Ok(text));
        for bad in ["", "00", &"5".repeat(63), &"5".repeat(66), &"g".repeat(64), &"+5".repeat(32), &"ä".repeat(32)] {
            assert_eq!(bad.parse::<Hash32>(), Err(format!("\"{bad}\" is no SHA-256: expected 64 hexadecimal digits")));
        }
    }
}
