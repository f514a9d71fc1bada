//! Tables of text.

use std::fmt::{self, Write};

/// The longest number: 2^64 in groups of three. What is longer is a hash.
const LONGEST: usize = 27;

/// Writes rows below their header, each column as wide as it must be: numbers to the right, the rest to the left.
pub(crate) fn table<const N: usize>(f: &mut impl Write, header: [&str; N], rows: &[[String; N]]) -> fmt::Result {
    let header = header.map(str::to_owned);
    let all = || std::iter::once(&header).chain(rows);
    let width =
        |column: usize| all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let number =
        |text: &String| text.len() <= LONGEST && text.chars().next_back().is_some_and(|last| last.is_ascii_digit());
    let numeric = |column: usize| rows.iter().filter_map(|row| row.get(column)).all(number);
    let right: Vec<bool> = (0..N).map(numeric).collect();
    for row in all() {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(&widths).zip(&right) {
            let gap = if line.is_empty() { "" } else { "  " };
            if *right {
                write!(line, "{gap}{cell:>width$}")?;
            } else {
                write!(line, "{gap}{cell:<width$}")?;
            }
        }
        writeln!(f, "  {}", line.trim_end())?;
    }
    Ok(())
}
