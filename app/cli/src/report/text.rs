//! The report as aligned text for a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::format::{change, percent_of, percent_ppb, thousands, tokens};
use super::map::last_cell;
use super::{OUTCOME_NAMES, OperatorReport, Report};

/// Renders the whole report with the `top` best paid operators.
#[must_use]
pub fn render(report: &Report, top: usize) -> String {
    let mut text = String::new();
    heading(&mut text, report);
    text.push('\n');
    text.push_str(&workloads(report));
    text.push('\n');
    text.push_str(&operators(report, top));
    text.push('\n');
    notes(&mut text, report);
    text
}

fn heading(text: &mut String, report: &Report) {
    let invented = if report.invented { " (invented)" } else { "" };
    let demand = &report.demand;
    let _ = writeln!(text, "{}{invented}", report.title);
    let _ = writeln!(
        text,
        "{} operators in {} failure domains, {} workloads, {} epochs of {} s",
        thousands(report.operators.len() as u64),
        thousands(report.domains.len() as u64),
        thousands(report.workloads.len() as u64),
        report.network.epochs,
        thousands(report.network.epoch_seconds)
    );
    let _ = writeln!(
        text,
        "{} of {} requests served ({}); {} attempts, {} of them probes",
        thousands(demand.requests_served),
        thousands(demand.requests),
        percent_of(demand.requests_served, demand.requests),
        thousands(demand.attempts),
        thousands(demand.probes)
    );
}

fn workloads(report: &Report) -> String {
    let decimals = report.network.mint_decimals;
    let mut table = Table::new(["workload", "operators", "domains", "coverage", "pool", "paid", "carry"], &[0]);
    for (index, workload) in report.workloads.iter().enumerate() {
        if let Some(cell) = last_cell(report, index) {
            table.row([
                workload.name.clone(),
                cell.slots.to_string(),
                cell.domains.to_string(),
                percent_ppb(cell.coverage_ppb),
                tokens(cell.pool, decimals),
                tokens(cell.paid, decimals),
                tokens(cell.carry_out, decimals),
            ]);
        }
    }
    table.render()
}

fn operators(report: &Report, top: usize) -> String {
    let decimals = report.network.mint_decimals;
    let mut ranked: Vec<&OperatorReport> = report.operators.iter().collect();
    ranked.sort_by_key(|operator| std::cmp::Reverse(operator.reward));
    let heads =
        ["operator", "failure domain", "by coverage", "per node", "vs node", "per request", "vs request", "reasons"];
    let mut table = Table::new(heads, &[0, 1, 7]);
    for operator in ranked.iter().take(top) {
        table.row([
            operator.name.clone(),
            report.domain_name(operator.domain).into(),
            tokens(operator.reward, decimals),
            tokens(operator.per_node, decimals),
            change(operator.per_node, operator.reward),
            tokens(operator.per_request, decimals),
            change(operator.per_request, operator.reward),
            reasons(operator),
        ]);
    }
    let mut text = table.render();
    if let Some(more) = ranked.len().checked_sub(top).filter(|more| *more > 0) {
        let _ = writeln!(text, "… and {more} more");
    }
    text
}

/// Why the operator's slots got what they got, with how many of them.
fn reasons(operator: &OperatorReport) -> String {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for slot in &operator.slots {
        *counts.entry(&slot.reason).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    counts.join(", ")
}

fn notes(text: &mut String, report: &Report) {
    let decimals = report.network.mint_decimals;
    let totals = &report.totals;
    let outcomes = OUTCOME_NAMES.iter().zip(report.demand.outcomes).filter(|(_, count)| *count > 0);
    let outcomes: Vec<String> = outcomes.map(|(name, count)| format!("{name} {}", thousands(count))).collect();
    let _ = writeln!(text, "outcomes: {}", outcomes.join(", "));
    let _ = writeln!(
        text,
        "emitted {}, paid {}, carried {}, returned {}, claimed {}",
        tokens(totals.emitted, decimals),
        tokens(totals.paid, decimals),
        tokens(totals.carried, decimals),
        tokens(totals.returned, decimals),
        tokens(totals.claimed, decimals)
    );
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let audit = &report.audit;
    let (slots, cells, differences) =
        (thousands(audit.slots), thousands(audit.cells), thousands(audit.mismatches.len() as u64));
    let _ = writeln!(
        text,
        "audit: {}; {slots} slots in {cells} cells recomputed, {differences} differences from the chain",
        audit.verdict()
    );
    for mismatch in &audit.mismatches {
        let _ = writeln!(
            text,
            "  {} epoch {} {} {}: recomputed {}, on chain {}",
            mismatch.workload, mismatch.epoch, mismatch.operator, mismatch.field, mismatch.expected, mismatch.actual
        );
    }
}

/// Rows of cells, the columns `left` aligned left and the others right.
struct Table<const N: usize> {
    rows: Vec<[String; N]>,
    left: &'static [usize],
}

impl<const N: usize> Table<N> {
    fn new(heads: [&str; N], left: &'static [usize]) -> Self {
        Self { rows: vec![heads.map(String::from)], left }
    }

    fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    fn render(&self) -> String {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
                if self.left.contains(&column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}
