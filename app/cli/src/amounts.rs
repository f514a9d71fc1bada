//! Amounts, times and lengths of time, as people write and read them.

use crate::CliError;
use crate::fixed::parse_decimal;
use serde::{Deserialize, Deserializer, de};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// Lamports of a SOL, in decimals.
pub const SOL_DECIMALS: u8 = 9;

/// An amount of tokens as written on the command line: `12.5`. What it is in units depends on the mint's decimals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens(String);

impl FromStr for Tokens {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match parse_decimal(text, 0) {
            Some(_) => Ok(Self(text.trim().to_owned())),
            None => Err(format!("\"{text}\" is no amount: expected tokens as in 12.5")),
        }
    }
}

impl Tokens {
    /// In units of a mint with so many decimals.
    ///
    /// # Errors
    /// [`CliError::Usage`] for more decimals than the mint has, and for more than 2⁶⁴ units.
    pub fn units(&self, decimals: u8) -> Result<u64, CliError> {
        let fraction = self.0.split_once('.').map_or("", |(_, fraction)| fraction.trim_end_matches('0'));
        if fraction.len() > usize::from(decimals) {
            return Err(CliError::Usage(format!("{} is too precise: the mint has {decimals} decimals", self.0)));
        }
        let units = parse_decimal(&self.0, u32::from(decimals));
        units.ok_or_else(|| CliError::Usage(format!("{} is more tokens than there can be", self.0)))
    }
}

/// Units as tokens, exactly, without zeros at the end: `12.5`.
#[must_use]
pub fn tokens(units: u64, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let digits = format!("{units:0>width$}", width = decimals.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// Lamports as SOL: `0.000005 SOL`.
#[must_use]
pub fn sol(lamports: u64) -> String {
    format!("{} SOL", tokens(lamports, SOL_DECIMALS))
}

/// Ten-thousandths as a percentage: `66.67 %`.
#[must_use]
pub fn percent_bps(bps: u16) -> String {
    format!("{} %", tokens(u64::from(bps), 2))
}

/// A part of 2⁶⁴ as a percentage with four decimals, rounded down: `95.0000 %`.
#[must_use]
pub fn percent_q64(value: u64) -> String {
    let millionths = (u128::from(value).saturating_mul(1_000_000)) >> 64;
    format!("{}.{:04} %", millionths / 10_000, millionths % 10_000)
}

/// A part of 2³² as a percentage with four decimals, rounded down.
#[must_use]
pub fn percent_q32(value: u32) -> String {
    percent_q64(u64::from(value) << 32)
}

/// Unix seconds as a date in UTC: `2026-01-01T00:00:00Z`; the bare number for what is outside the calendar.
#[must_use]
pub fn time(unix_seconds: i64) -> String {
    let since = u64::try_from(unix_seconds)
        .ok()
        .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    // The calendar of the format ends with the year 9999.
    let date = since.filter(|_| unix_seconds <= 253_402_300_799);
    date.map_or_else(|| unix_seconds.to_string(), |date| humantime::format_rfc3339_seconds(date).to_string())
}

/// A length of time: `90`, `90s`, `15m`, `1h 30m`, `7d`. In whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u64);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(seconds) = text.parse() {
            return Ok(Self(seconds));
        }
        let bad = || format!("\"{text}\" is no length of time: expected seconds, or as in 15m or 1h30m");
        humantime::parse_duration(text).map(|duration| Self(duration.as_secs())).map_err(|_| bad())
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(Duration::from_secs(self.0)).fmt(f)
    }
}

/// A moment: unix seconds, or a date as in `2026-01-01T00:00:00Z`. In unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub i64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(seconds) = text.parse() {
            return Ok(Self(seconds));
        }
        let bad = || format!("\"{text}\" is no moment: expected unix seconds, or as in 2026-01-01T00:00:00Z");
        let moment = humantime::parse_rfc3339_weak(text).map_err(|_| bad())?;
        let since = moment.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| bad())?;
        i64::try_from(since.as_secs()).map(Self).map_err(|_| bad())
    }
}

/// In files, a number or a string of what the command line takes. No fractions: those are strings, or they would be rounded.
#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(u64),
    Text(String),
}

fn from_file<'de, T: FromStr<Err = String>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = match NumberOrText::deserialize(deserializer) {
        Ok(NumberOrText::Number(number)) => number.to_string(),
        Ok(NumberOrText::Text(text)) => text,
        Err(_) => return Err(de::Error::custom("expected a whole number, or text as in \"12.5\"")),
    };
    text.parse().map_err(de::Error::custom)
}

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_file(deserializer)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_file(deserializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn amounts_are_exact_both_ways() {
        for (text, units) in
            [("12.5", 12_500_000), ("0.000001", 1), ("7", 7_000_000), ("7.0000000", 7_000_000), (".5", 500_000)]
        {
            assert_eq!(text.parse::<Tokens>().unwrap().units(6).unwrap(), units, "{text}");
        }
        assert_eq!(tokens(12_500_000, 6), "12.5");
        assert_eq!(tokens(1, 6), "0.000001");
        assert_eq!(tokens(0, 6), "0");
        assert_eq!(tokens(5, 0), "5");
        assert_eq!(tokens(u64::MAX, 9), "18446744073.709551615");
        assert_eq!(tokens(1, 255).len(), 257);
        assert_eq!(sol(5_000), "0.000005 SOL");
    }

    #[test]
    fn amounts_that_are_none() {
        assert_eq!("1e3".parse::<Tokens>().unwrap_err(), "\"1e3\" is no amount: expected tokens as in 12.5");
        let units = |text: &str| text.parse::<Tokens>().unwrap().units(6).unwrap_err().to_string();
        assert_eq!(units("0.0000001"), "0.0000001 is too precise: the mint has 6 decimals");
        assert_eq!(units("18446744073710"), "18446744073710 is more tokens than there can be");
    }

    #[test]
    fn times_and_lengths_of_time() {
        assert_eq!(time(1_767_225_600), "2026-01-01T00:00:00Z");
        assert_eq!(time(-1), "-1");
        assert_eq!(time(i64::MAX), "9223372036854775807");
        assert_eq!("2026-01-01T00:00:00Z".parse(), Ok(Moment(1_767_225_600)));
        assert_eq!("-5".parse(), Ok(Moment(-5)));
        assert!("yesterday".parse::<Moment>().is_err());
        assert_eq!("90".parse(), Ok(Seconds(90)));
        assert_eq!("1h30m".parse(), Ok(Seconds(5_400)));
        assert_eq!(Seconds(5_400).to_string(), "1h 30m");
        assert_eq!(
            "1 fortnight".parse::<Seconds>().unwrap_err(),
            "\"1 fortnight\" is no length of time: expected seconds, or as in 15m or 1h30m"
        );
    }

    #[test]
    fn shares() {
        assert_eq!(percent_bps(6_667), "66.67 %");
        assert_eq!(percent_bps(10_000), "100 %");
        assert_eq!(percent_q64(1 << 63), "50.0000 %");
        assert_eq!(percent_q64(u64::MAX), "99.9999 %");
        assert_eq!(percent_q32(u32::MAX), "99.9999 %");
    }
}
