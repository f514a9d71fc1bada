//! Results as lists of named values: one definition for what people read and what programs do.
//!
//! In JSON, amounts of tokens are decimal strings in tokens, exactly as the command line takes them; lamports, times (unix
//! seconds, in fields that end in `_ts`) and lengths of time (seconds, in fields that end in `_seconds`) are numbers.

use crate::amounts::{self, Seconds};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// One value with its name.
#[derive(Clone, Debug)]
struct Field {
    name: &'static str,
    /// `None` for what is for programs only.
    text: Option<String>,
    json: Value,
}

/// Named values, in order.
#[derive(Clone, Debug, Default)]
pub struct Record {
    fields: Vec<Field>,
}

impl Record {
    /// A record without values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value that reads differently in text and in JSON.
    #[must_use]
    pub fn field(mut self, name: &'static str, text: impl fmt::Display, json: impl Into<Value>) -> Self {
        self.fields.push(Field { name, text: Some(text.to_string()), json: json.into() });
        self
    }

    /// Adds an address, a name, or other text.
    #[must_use]
    pub fn text(self, name: &'static str, value: impl fmt::Display) -> Self {
        let text = value.to_string();
        self.field(name, &text, text.as_str())
    }

    /// Adds a number: a count, an index, a weight.
    #[must_use]
    pub fn number(self, name: &'static str, value: impl Into<u64>) -> Self {
        let value = value.into();
        self.field(name, value, value)
    }

    /// Adds text that may be missing: "none", and null.
    #[must_use]
    pub fn optional(self, name: &'static str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self.field(name, "none", Value::Null),
        }
    }

    /// Adds a number that may be missing: "none", and null.
    #[must_use]
    pub fn optional_number(self, name: &'static str, value: Option<u64>) -> Self {
        self.field(name, value.map_or_else(|| "none".to_owned(), |value| value.to_string()), value)
    }

    /// Adds tokens.
    #[must_use]
    pub fn tokens(self, name: &'static str, units: u64, decimals: u8) -> Self {
        self.text(name, amounts::tokens(units, decimals))
    }

    /// Adds a rate, given in thousandths.
    #[must_use]
    pub fn rate(self, name: &'static str, milli: u64) -> Self {
        self.text(name, amounts::tokens(milli, 3))
    }

    /// Adds a moment in unix seconds; "none" (and null) for 0, which stands for it in accounts.
    #[must_use]
    pub fn time(self, name: &'static str, unix_seconds: i64) -> Self {
        match unix_seconds {
            0 => self.field(name, "none", Value::Null),
            _ => self.field(name, amounts::time(unix_seconds), unix_seconds),
        }
    }

    /// Adds a length of time in seconds.
    #[must_use]
    pub fn seconds(self, name: &'static str, seconds: u64) -> Self {
        self.field(name, Seconds(seconds), seconds)
    }

    /// Adds ten-thousandths.
    #[must_use]
    pub fn bps(self, name: &'static str, bps: u16) -> Self {
        self.field(name, amounts::percent_bps(bps), bps)
    }

    /// Adds a value that is for programs only.
    #[must_use]
    pub fn hidden(mut self, name: &'static str, json: Value) -> Self {
        self.fields.push(Field { name, text: None, json });
        self
    }

    /// Adds a list of records.
    #[must_use]
    pub fn list(self, name: &'static str, list: Table) -> Self {
        let json = list.json();
        if list.rows.is_empty() {
            return self.field(name, "none", json);
        }
        let lines: Vec<String> = list.to_string().lines().map(|line| format!("\n  {line}")).collect();
        self.field(name, lines.concat(), json)
    }

    /// Adds the values of another record behind those of this.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.fields.extend(other.fields);
        self
    }

    /// What differs from another record with the same names: name, and both as text.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<(String, String, String)> {
        let pairs = self.shown().zip(other.shown()).filter(|((_, one), (_, other))| one != other);
        pairs.map(|((name, one), (_, other))| (label(name), one.to_owned(), other.to_owned())).collect()
    }

    /// What people read.
    fn shown(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().filter_map(|field| Some((field.name, field.text.as_deref()?)))
    }

    /// As a JSON object.
    #[must_use]
    pub fn json(&self) -> Map<String, Value> {
        self.fields.iter().map(|field| (field.name.to_owned(), field.json.clone())).collect()
    }
}

/// A name as people read it: without underscores and units, which the text itself has.
fn label(name: &str) -> String {
    let bare = ["_ts", "_seconds", "_bps", "_lamports", "_q64", "_q32"].iter().find_map(|unit| name.strip_suffix(unit));
    bare.unwrap_or(name).replace('_', " ")
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.shown().map(|(name, _)| label(name).chars().count()).max().unwrap_or(0);
        for (name, text) in self.shown() {
            let label = label(name);
            // A list begins on a line of its own.
            let gap = if text.starts_with('\n') {
                String::new()
            } else {
                " ".repeat(width.saturating_sub(label.chars().count()) + 2)
            };
            writeln!(f, "{label}{gap}{text}")?;
        }
        Ok(())
    }
}

impl Serialize for Record {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

/// Records of one kind, a line each.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Record>,
}

impl FromIterator<Record> for Table {
    fn from_iter<T: IntoIterator<Item = Record>>(rows: T) -> Self {
        Self { rows: rows.into_iter().collect() }
    }
}

impl Table {
    fn json(&self) -> Vec<Value> {
        self.rows.iter().map(|row| Value::Object(row.json())).collect()
    }
}

impl Serialize for Table {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.rows.first() else { return f.write_str("none\n") };
        let heads = first.shown().map(|(name, _)| label(name)).collect();
        let rows = self.rows.iter().map(|row| row.shown().map(|(_, text)| text.to_owned()).collect());
        let lines: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
        let width =
            |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        for line in &lines {
            let cells = line.iter().enumerate().map(|(column, cell)| {
                let width = width(column).unwrap_or(0);
                format!("{cell:width$}")
            });
            writeln!(f, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_definition_for_people_and_programs() {
        let slots = [
            Record::new().number("slot", 0u64).tokens("earned", 5, 1),
            Record::new().number("slot", 10u64).tokens("earned", 0, 1),
        ];
        let record = Record::new()
            .text("network", "N")
            .tokens("bond", 1_500, 3)
            .time("end_ts", 1_767_225_600)
            .time("sealed_ts", 0)
            .bps("quorum_bps", 6_667)
            .seconds("grace_seconds", 90)
            .list("slots", slots.into_iter().collect());
        let text = "network  N\nbond     1.5\nend      2026-01-01T00:00:00Z\nsealed   none\nquorum   66.67 %\ngrace    1m 30s\n\
                    slots\n  slot  earned\n  0     0.5\n  10    0\n";
        assert_eq!(record.to_string(), text);
        let json = json!({"network": "N", "bond": "1.5", "end_ts": 1_767_225_600, "sealed_ts": null, "quorum_bps": 6_667,
            "grace_seconds": 90, "slots": [{"slot": 0, "earned": "0.5"}, {"slot": 10, "earned": "0"}]});
        assert_eq!(json!(record), json);
        assert_eq!(Table::default().to_string(), "none\n");
        assert_eq!(json!(Table::default()), json!([]));
    }
}
