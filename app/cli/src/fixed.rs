//! Decimal text to integers, so that no replay depends on how a machine rounds floats.

/// Parses a non-negative decimal (`"8840.42"`) into units of 10^-`digits`, rounding down; `None` for anything else.
///
/// Accepted are ASCII digits with at most one point and at least one digit; surrounding blanks are ignored. Signs,
/// exponents, separators and values whose result exceeds `u64` are refused.
///
/// ```
/// assert_eq!(covctl::fixed::parse_decimal("8840.42", 3), Some(8_840_420));
/// assert_eq!(covctl::fixed::parse_decimal("0.0009", 3), Some(0));
/// assert_eq!(covctl::fixed::parse_decimal("1e3", 3), None);
/// ```
#[must_use]
pub fn parse_decimal(text: &str, digits: u32) -> Option<u64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let digit_at = |index: usize| u64::from(fraction.as_bytes().get(index).map_or(0, |byte| byte - b'0'));
    let append = |value: u64, digit: u64| value.checked_mul(10)?.checked_add(digit);
    let whole = whole.bytes().try_fold(0_u64, |value, byte| append(value, u64::from(byte - b'0')))?;
    (0..digits as usize).try_fold(whole, |value, index| append(value, digit_at(index)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::parse_decimal;

    #[test]
    fn decimals_are_exact_and_round_down() {
        assert_eq!(parse_decimal("27803.9", 3), Some(27_803_900));
        assert_eq!(parse_decimal("0.305005", 6), Some(305_005));
        assert_eq!(parse_decimal("12.9999", 3), Some(12_999));
        assert_eq!(parse_decimal(" 7 ", 3), Some(7_000));
        assert_eq!(parse_decimal(".5", 3), Some(500));
        assert_eq!(parse_decimal("5.", 1), Some(50));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in ["", ".", "-1", "+1", "1e3", "1,000", "1.2.3", "nan", "inf", "99999999999999999999", "１"] {
            assert_eq!(parse_decimal(text, 3), None, "{text:?}");
        }
        assert_eq!(parse_decimal("18446744073709551615", 0), Some(u64::MAX));
        assert_eq!(parse_decimal("18446744073709551615", 1), None);
    }
}
