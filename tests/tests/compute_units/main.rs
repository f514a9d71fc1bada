//! What every instruction costs, measured on the compiled program and compared with `tests/compute_units.md`.
//!
//! Compute units are exact, so any change fails the test; `cargo xtask bench` writes the table anew. The budgets of the
//! protocol are asserted whatever the table says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod batches;
mod bench;
mod challenges;
mod fits;
mod governance;
mod luck;
mod operators;
mod settlement;
mod tokens;

use bench::{FULL, PACKET_BYTES, Row};
use coverage_tests::check::INSTRUCTIONS;
use fits::Fit;
use settlement::Settling;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

const HEAD: &str = "\
# Compute units

Measured on the compiled program by `cargo xtask bench`; CI fails when a number changes. \"Bytes\" are those of a whole
transaction, of at most 1,232, with the 150 compute units of setting its limit.

Every address an instruction derives takes one try here. Each further one costs 1,500 compute units more, and half of all
addresses need one: those of accounts that an instruction creates, and of the token account that it pays to.

| instruction | case | compute units | bytes |
|---|---|---:|---:|
";

const SETTLING: &str = "
## Settling a full cell

| case | compute units | transactions |
|---|---:|---:|
";

const FITS: &str = "
## What fits one transaction

| what | at most | needed |
|---|---:|---:|
";

/// Everything measured.
struct Table {
    rows: Vec<Row>,
    settling: Vec<Settling>,
    fits: Vec<Fit>,
}

impl Table {
    fn measure() -> Self {
        let mut rows = [tokens::rows(), governance::rows(), operators::rows(), batches::rows()].concat();
        rows.extend(challenges::rows());
        let (more, settling) = settlement::rows();
        rows.extend(more);
        // In the order of the program.
        rows.sort_by_key(|row| INSTRUCTIONS.iter().position(|(name, _)| *name == row.name));
        Self { rows, settling, fits: fits::all() }
    }

    /// The one of this process.
    fn get() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(Self::measure)
    }

    /// Compute units of an instruction in a case.
    fn find(&self, name: &str, case: &str) -> u64 {
        let row = self.rows.iter().find(|row| row.name == name && row.case == case);
        row.unwrap_or_else(|| panic!("no row {name}, {case}")).units
    }

    /// Settling, shared out: compute units of each node and domain, and of each slot besides.
    fn settling(&self) -> [u64; 2] {
        const NODES: u64 = 20; // of the Shapley rule; the other has one
        let [shapley, last_in, one] = &self.settling[..] else { unreachable!() };
        let slots = FULL as u64;
        let node = (shapley.units - last_in.units).div_ceil(slots * (NODES - 1));
        [node, (last_in.units - slots * node).max(one.units).div_ceil(slots)]
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for Row { name, case, units, bytes } in &self.rows {
            writeln!(text, "| `{name}` | {case} | {units} | {bytes} |").unwrap();
        }
        text.push_str(SETTLING);
        for Settling { case, units, transactions } in &self.settling {
            writeln!(text, "| {case} | {units} | {transactions} |").unwrap();
        }
        let [node, slot] = self.settling();
        writeln!(text, "| each node and domain | {node} | |\n| each slot besides | {slot} | |").unwrap();
        text.push_str(FITS);
        for Fit { what, most, needed } in &self.fits {
            let needed = needed.map(|needed| needed.to_string()).unwrap_or_default();
            writeln!(text, "| {what} | {most} | {needed} |").unwrap();
        }
        text
    }
}

#[test]
fn compute_units_are_those_of_the_table() {
    let text = Table::get().text();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/compute_units.md");
    if std::env::var_os("COVERAGE_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    let only_in = |one: &str, other: &str| -> Vec<String> {
        one.lines().filter(|line| !other.lines().any(|known| known == *line)).map(str::to_owned).collect()
    };
    let (measured, expected) = (only_in(&text, &checked_in), only_in(&checked_in, &text));
    assert_eq!(measured, expected, "the numbers have changed: look at why, then run `cargo xtask bench`");
    assert!(text == checked_in, "the rows are in another order");
}

#[test]
fn every_instruction_has_a_row_and_every_case_one() {
    let rows = &Table::get().rows;
    for (name, _) in INSTRUCTIONS {
        assert!(rows.iter().any(|row| row.name == *name), "{name} is not measured");
    }
    let cases: BTreeSet<_> = rows.iter().map(|row| (row.name, &row.case)).collect();
    assert_eq!(cases.len(), rows.len(), "two rows of one case");
}

#[test]
fn budgets_hold() {
    let table = Table::get();
    let within = |name, case, budget| {
        let units = table.find(name, case);
        assert!(units <= budget, "{name}, {case}: {units} of {budget}");
    };
    within("claim_rewards", "SPL Token, 1 cell", 8_000);
    within("claim_rewards", "Token-2022, 1 cell", 8_000);
    within("apply_batch", "1,024 entries, the last record", 200 * FULL as u64);
    within("endorse", "1 signature of 64 attesters", 4_000 + 800);
    within("endorse", "7 signatures of 64 attesters", 4_000 + 7 * 800);
    let [node, slot] = table.settling();
    assert!(node <= 35 && slot <= 1_500, "settling: {node} each node and domain, {slot} each slot besides");
    within("enroll", "slot 1,024, proof of 10", 15_000);
}

/// A number as people write it: 1,789,111.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let group = |(place, digit): (usize, char)| {
        let comma = place > 0 && (digits.len() - place).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(group).collect()
}

#[test]
fn the_readme_tells_what_is_measured() {
    let table = Table::get();
    let [node, slot] = table.settling();
    let full = table.find("apply_batch", "1,024 entries, the last record");
    let entry = (full - table.find("apply_batch", "1 entry, room in the log")).div_ceil(FULL as u64 - 1);
    let program = std::fs::metadata(coverage_client::embedded::program_file()).unwrap().len();
    let rows = [
        (table.find("claim_rewards", "SPL Token, 1 cell"), "claim_rewards`, one cell, token transfer and event"),
        (entry, "apply_batch`, each of 1,024 entries"),
        (table.find("endorse", "7 signatures of 64 attesters"), "endorse`, 7 signatures, 64 attesters"),
        (table.find("enroll", "slot 1,024, proof of 10"), "enroll` as slot 1,024, 10-deep proof"),
        (node, "settle_cell`, each node and domain"),
        (slot, "settle_cell`, each slot besides"),
        (table.settling[0].units, "settle_cell`, 1,024 operators in 1,024 domains, all of it"),
        (table.find("challenge_batch", "Misplaced, 1,024 entries, 64 slashed"), "challenge_batch`, 1,024 entries"),
        (program, ".so`, bytes"),
    ];
    let readme = include_str!("../../../README.md");
    for (number, what) in rows {
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{what}")));
        let row = row.unwrap_or_else(|| panic!("no row for {what}"));
        let told = row.split('|').nth(2).unwrap().trim();
        assert_eq!(told, grouped(number), "{row}");
    }
}

#[test]
fn every_transaction_measured_fits_a_packet() {
    for Row { name, case, bytes, .. } in &Table::get().rows {
        assert!(*bytes <= PACKET_BYTES, "{name}, {case}: {bytes} bytes");
    }
}

#[test]
fn what_the_client_sends_at_once_fits_one_transaction() {
    let missing = |fit: &&Fit| fit.needed.is_some_and(|needed| needed > fit.most);
    let missing: Vec<_> = Table::get().fits.iter().filter(missing).map(|fit| fit.what).collect();
    assert_eq!(missing, [""; 0]);
}
