//! Numbers as people read them, made of integers only: fixed point in decimals, token units in tokens.

use serde::{Serialize, Serializer};
use std::fmt;

/// A value between 0 and 1 in units of 2^-32. Prints as a decimal, rounded to the nearest of the precision asked for (6 places
/// if none is, at most 19); serialises as its exact decimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Q32(pub u32);

/// A value between 0 and 1 in units of 2^-64; see [`Q32`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Q64(pub u64);

/// Places of a decimal that nobody asked a precision for.
const PLACES: usize = 6;
/// The most places that are rounded: ten to the 19 fits 64 bits.
const MOST_PLACES: usize = 19;
/// Places that any multiple of 2^-64 fits.
const ALL_PLACES: usize = 64;

impl Q64 {
    /// Rounded down to `places` decimals.
    #[must_use]
    pub fn rounded_down(self, places: usize) -> String {
        format!("0.{}", self.digits(places))
    }

    /// The first `places` decimals, behind the point.
    fn digits(self, places: usize) -> String {
        let mut rest = self.0;
        let digit = |_| {
            let scaled = u128::from(rest).wrapping_mul(10); // below 2^68
            rest = scaled as u64;
            char::from(b'0'.saturating_add((scaled >> 64) as u8))
        };
        (0..places).map(digit).collect()
    }

    /// All decimals there are.
    #[must_use]
    pub fn exact(self) -> String {
        let digits = self.digits(ALL_PLACES);
        match digits.trim_end_matches('0') {
            "" => "0".to_owned(),
            digits => format!("0.{digits}"),
        }
    }
}

impl From<Q32> for Q64 {
    fn from(value: Q32) -> Self {
        Self(u64::from(value.0) << 32)
    }
}

impl fmt::Display for Q64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = f.precision().unwrap_or(PLACES).min(MOST_PLACES);
        // Below 2^64 times 10^19, which is below 2^128; the half that is added fits as well.
        let scaled = u128::from(self.0).wrapping_mul(10u128.pow(places as u32)).saturating_add(1 << 63) >> 64;
        f.write_str(&decimal(scaled, places))
    }
}

impl fmt::Display for Q32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Q64::from(*self), f)
    }
}

impl Serialize for Q64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.exact())
    }
}

impl Serialize for Q32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Q64::from(*self).serialize(serializer)
    }
}

/// 1234567 as "1,234,567".
#[must_use]
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len().saturating_mul(2));
    for (digit, left) in digits.chars().zip((1..=digits.len()).rev()) {
        grouped.push(digit);
        if left > 1 && left % 3 == 1 {
            grouped.push(',');
        }
    }
    grouped
}

/// Token units as tokens, exactly: 1,234,500 units of 6 decimals are "1.2345".
#[must_use]
pub fn tokens(units: u64, decimals: u8) -> String {
    let one = 10_u64.checked_pow(u32::from(decimals));
    let (whole, rest) =
        one.map_or((0, units), |one| (units.checked_div(one).unwrap_or(0), units.checked_rem(one).unwrap_or(0)));
    let fraction = format!("{rest:0width$}", width = usize::from(decimals));
    match fraction.trim_end_matches('0') {
        "" => thousands(whole),
        digits => format!("{}.{digits}", thousands(whole)),
    }
}

/// `value` in units of 10^-`places` as a decimal.
pub(super) fn decimal(value: u128, places: usize) -> String {
    let digits = format!("{value:0width$}", width = places.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn fixed_point_prints_rounded_and_serialises_exactly() {
        assert_eq!(Q32(1 << 31).to_string(), "0.500000");
        assert_eq!(format!("{:.3}", Q32(u32::MAX)), "1.000");
        assert_eq!(format!("{:.9}", Q32(u32::MAX)), "1.000000000");
        assert_eq!(format!("{:.10}", Q32(u32::MAX)), "0.9999999998");
        assert_eq!(format!("{:.99}", Q64(u64::MAX)), "0.9999999999999999999");
        assert_eq!(Q64(u64::MAX).rounded_down(4), "0.9999");
        assert_eq!(serde_json::to_string(&Q64(3 << 60)).unwrap(), "\"0.1875\"");
        assert_eq!(serde_json::to_string(&Q32(0)).unwrap(), "\"0\"");
        assert_eq!(Q32(1).0, 1);
        assert_eq!(Q64::from(Q32(1)).exact(), "0.00000000023283064365386962890625");
        assert_eq!(Q64(1).exact().len(), 66, "64 digits are all of 2^-64");
    }

    #[test]
    fn amounts_are_exact() {
        let grouped = [0, 7, 999, 1_000, 123_456, 1_234_567, u64::MAX].map(thousands);
        assert_eq!(grouped, ["0", "7", "999", "1,000", "123,456", "1,234,567", "18,446,744,073,709,551,615"]);
        assert_eq!(tokens(1_234_500, 6), "1.2345");
        assert_eq!(tokens(1_234_000_000, 6), "1,234");
        assert_eq!(tokens(5, 6), "0.000005");
        assert_eq!(tokens(5, 0), "5");
        assert_eq!(tokens(0, 9), "0");
        assert_eq!(tokens(u64::MAX, 19), "1.8446744073709551615");
        assert_eq!(tokens(7, 21), "0.000000000000000000007", "ten to the 21 does not fit 64 bits");
        assert_eq!(decimal(2_706_025, 6), "2.706025");
        assert_eq!(decimal(5, 3), "0.005");
    }
}
