//! Demand traces: Azure's public LLM inference traces, `TIMESTAMP,ContextTokens,GeneratedTokens`.
//!
//! Timestamps are civil times without a zone, `2023-11-16 18:17:03.9799600`, with up to nine fractional digits (Azure
//! writes seven); digits past the microsecond are dropped. Several traces are merged by these times, see
//! [`super::demand`].

use std::io::Read;

use super::ScenarioError;
use super::table::{Row, Table};
use crate::fixed::parse_decimal;

const COLUMNS: [&str; 3] = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"];

/// What a trace's requests are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceKind {
    /// People talking to a model.
    Conversation,
    /// An editor completing code.
    Code,
}

impl TraceKind {
    /// `Code` for file names that contain "code" in any case, `Conversation` for all others.
    #[must_use]
    pub fn from_file_name(file: &str) -> Self {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file).to_ascii_lowercase();
        if name.contains("code") { Self::Code } else { Self::Conversation }
    }
}

/// One request as traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracedRequest {
    /// Arrival in microseconds since 1970-01-01 00:00:00 of the trace's clock.
    pub at_us: u64,
    /// Tokens to read.
    pub context_tokens: u32,
    /// Tokens to write.
    pub generated_tokens: u32,
}

/// One demand file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The file, as the user named it.
    pub file: String,
    /// What its requests are for.
    pub kind: TraceKind,
    /// Its requests in the file's order.
    pub requests: Vec<TracedRequest>,
}

/// Reads a demand trace; `file` names it in errors and decides its kind.
///
/// # Errors
/// [`ScenarioError`] naming file, line, column and remedy.
pub fn parse(reader: impl Read, file: &str) -> Result<Trace, ScenarioError> {
    let mut requests = Vec::new();
    Table::open(reader, file, &COLUMNS)?.for_each(|row| {
        requests.push(request(row)?);
        Ok(())
    })?;
    Ok(Trace { file: file.into(), kind: TraceKind::from_file_name(file), requests })
}

fn request(row: &Row) -> Result<TracedRequest, ScenarioError> {
    let at_us = timestamp_us(row.text("TIMESTAMP"))
        .ok_or_else(|| row.bad_value("TIMESTAMP", "a time such as 2023-11-16 18:17:03.9799600"))?;
    Ok(TracedRequest {
        at_us,
        context_tokens: row.count("ContextTokens")?,
        generated_tokens: row.count("GeneratedTokens")?,
    })
}

/// Microseconds since 1970 of a civil time from then to 9999; `None` for any other text.
fn timestamp_us(text: &str) -> Option<u64> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let month_days = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let days_in_month = *month_days.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    if year < 1970 || day == 0 || day > days_in_month || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let micros = parse_decimal(&format!("0.{fraction}"), 6)?;
    let days: u64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum::<u64>()
        + month_days.iter().take(usize::try_from(month - 1).ok()?).sum::<u64>()
        + (day - 1);
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// Three numbers of exactly these many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(separator);
    let mut values = [0; 3];
    for (value, digits) in values.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *value = part.parse().ok()?;
    }
    parts.next().is_none().then_some(values)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn times_are_exact_to_the_microsecond() {
        assert_eq!(timestamp_us("1970-01-01 00:00:00"), Some(0));
        // date -u -d '2023-11-16 18:17:03' +%s
        assert_eq!(timestamp_us("2023-11-16 18:17:03.9799600"), Some(1_700_158_623_979_960));
        assert_eq!(timestamp_us("2024-02-29T00:00:00.0000019"), Some(1_709_164_800_000_001));
        for text in [
            "",
            "2023-11-16",
            "2023-13-01 00:00:00",
            "2023-02-29 00:00:00",
            "2023-11-16 24:00:00",
            "2023-11-16 18:17",
            "2023-11-16 18:17:03.",
            "2023-11-16 18:17:03.1234567890",
            "2023-11-16 18:17:03.12a",
            "23-11-16 18:17:03",
            "1969-12-31 23:59:59",
            "2023-11-16 18:17:03:04",
        ] {
            assert_eq!(timestamp_us(text), None, "{text:?}");
        }
    }

    #[test]
    fn rows_need_no_final_newline_and_may_end_in_crlf() {
        let text = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.5,10,2\r\n2023-11-16 18:17:04,7,3";
        let trace = parse(text.as_bytes(), "x/Code.csv").unwrap();
        assert_eq!(trace.kind, TraceKind::Code);
        assert_eq!(trace.requests.len(), 2);
        assert_eq!(trace.requests[1].at_us - trace.requests[0].at_us, 500_000);
        assert_eq!(trace.requests[1].generated_tokens, 3);
    }

    #[test]
    fn the_kind_comes_from_the_file_and_not_its_folder() {
        assert_eq!(TraceKind::from_file_name("/code/azure-conv.csv"), TraceKind::Conversation);
        assert_eq!(TraceKind::from_file_name("azure-llm-2023-code.csv"), TraceKind::Code);
    }

    #[test]
    fn errors_name_file_line_and_column() {
        let message = |text: &str| parse(text.as_bytes(), "d.csv").unwrap_err().to_string();
        let header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
        assert!(message(header).starts_with("d.csv: the file has no rows"));
        assert!(message("TIMESTAMP,ContextTokens\n1,2\n").contains("no column \"GeneratedTokens\""));
        assert!(message(&format!("{header}yesterday,1,2\n")).starts_with("d.csv, line 2, column \"TIMESTAMP\""));
        assert!(message(&format!("{header}2023-11-16 18:17:03,-1,2\n")).contains("column \"ContextTokens\": \"-1\""));
    }
}
