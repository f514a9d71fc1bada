//! The report as one self-contained page: no request leaves it, and without JavaScript it only loses sorting and filters.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::format::{escape, percent_of, percent_ppb, thousands, tokens};
use super::html_tables::{map_table, operator_table, slot_table, workload_table};
use super::{CoverageMap, OUTCOME_NAMES, Report, chart, svg};

const STYLE: &str = include_str!("assets/report.css");
const SCRIPT: &str = include_str!("assets/report.js");

/// Renders the page; every string of the report is escaped.
#[must_use]
pub fn render(report: &Report) -> String {
    let title = escape(&report.title);
    let map = CoverageMap::new(report);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Coverage Settlement: {title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
    );
    head(&mut page, report);
    figures(&mut page, report);
    section(&mut page, "map", "Coverage map", MAP_NOTE);
    let _ = write!(
        page,
        "<figure class=\"scroll card\">{}</figure>\n{}",
        svg::coverage_map(report),
        map_table(report, &map)
    );
    section(&mut page, "epochs", "Coverage by epoch", EPOCHS_NOTE);
    let _ = writeln!(page, "<figure class=\"scroll card\">{}</figure>", chart::timeline(report));
    section(&mut page, "operators", "Three ways to pay the same money", OPERATORS_NOTE);
    page.push_str(&operator_table(report));
    reasons(&mut page, report);
    section(&mut page, "workloads", "Workloads", WORKLOADS_NOTE);
    page.push_str(&workload_table(report));
    outcomes(&mut page, report);
    section(&mut page, "slots", "Every settled slot", SLOTS_NOTE);
    page.push_str(&slot_table(report));
    audit(&mut page, report);
    foot(&mut page, report);
    let _ = write!(page, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    page
}

const MAP_NOTE: &str = "Each cell is how far one failure domain reaches into one workload: the best attested reliability \
    (Wilson lower bound) among its operators. A second machine in the same domain changes nothing here; a first machine in \
    an empty cell does. Domains that reach most stand left.";
const EPOCHS_NOTE: &str = "The probability that a request of the workload is served at all, on a scale of nines. Hover or \
    tap a line for its name and numbers.";
const OPERATORS_NOTE: &str = "What each operator earned by the coverage it adds, beside what the same payouts would have \
    given it split per enrolled node, or per attempt served. The sums of the three columns are equal, cell by cell.";
const WORKLOADS_NOTE: &str = "The last settled epoch of each. What a pool does not pay out waits for whoever covers the \
    workload next; what exceeds the carry cap returns to the treasury.";
const SLOTS_NOTE: &str = "p is the Wilson bound, a the slot's share of its domain's reach, φ its marginal coverage. The \
    reward is the pool times φ, rounded down.";

fn section(page: &mut String, id: &str, title: &str, note: &str) {
    let _ = write!(page, "<h2 id=\"{id}\">{title}</h2>\n<p class=\"note\">{note}</p>\n");
}

fn head(page: &mut String, report: &Report) {
    let badge = if report.invented { "<span class=\"badge\">invented data</span>" } else { "" };
    let notes: Vec<String> = report.notes.iter().map(|note| format!("<br><b>{}</b>", escape(note))).collect();
    let sources: Vec<String> = report.sources.iter().map(|source| escape(source)).collect();
    let _ = write!(
        page,
        "<header>\n<p class=\"kicker\">Coverage Settlement</p>\n<h1>{} {badge}</h1>\n<p class=\"lead\">\
         An inference network is worth what it can serve, not how many nodes it has. <br>\
         So each operator is paid for the rise in the probability that a request is served at all. <br>\
         Machines that fail together count once: their failure domain’s reach is shared among them. <br>\
         Evidence decides: every attempt is a receipt, and little evidence earns little. <br>\
         What nobody covers is not paid; it waits in the workload’s pool for whoever comes.</p>\n\
         <p class=\"sources\">From {}{}</p>\n\
         <nav><a href=\"#map\">Map</a><a href=\"#epochs\">Epochs</a><a href=\"#operators\">Operators</a>\
         <a href=\"#workloads\">Workloads</a><a href=\"#slots\">Slots</a><a href=\"#audit\">Audit</a></nav>\n</header>\n",
        escape(&report.title),
        sources.join(" · "),
        notes.concat()
    );
}

fn figures(page: &mut String, report: &Report) {
    let decimals = report.network.mint_decimals;
    let totals = &report.totals;
    let cards = [
        (percent_ppb(report.mean_coverage_ppb(report.last_epoch())), "mean coverage, last epoch".to_owned()),
        (tokens(totals.paid, decimals), format!("tokens paid of {} emitted", tokens(totals.emitted, decimals))),
        (tokens(totals.carried, decimals), "tokens wait for coverage".to_owned()),
        (
            percent_of(report.demand.requests_served, report.demand.requests),
            format!("of {} requests served", thousands(report.demand.requests)),
        ),
        (
            thousands(report.operators.len() as u64),
            format!("operators in {} failure domains", thousands(report.domains.len() as u64)),
        ),
        (report.audit.verdict().to_owned(), format!("{} slots recomputed", thousands(report.audit.slots))),
    ];
    page.push_str("<dl class=\"figures\">\n");
    for (value, label) in cards {
        let _ = writeln!(page, "<div><dd>{value}</dd><dt>{label}</dt></div>");
    }
    page.push_str("</dl>\n");
}

fn reasons(page: &mut String, report: &Report) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for slot in report.operators.iter().flat_map(|operator| &operator.slots) {
        *counts.entry(&slot.reason).or_default() += 1;
    }
    page.push_str("<p class=\"reasons\">Reasons over all settled slots:");
    for (reason, count) in counts {
        let _ = write!(
            page,
            " <span class=\"chip\" data-reason=\"{0}\">{0} <b>{1}</b></span>",
            escape(reason),
            thousands(count)
        );
    }
    page.push_str("</p>\n");
}

fn outcomes(page: &mut String, report: &Report) {
    let total: u64 = report.demand.outcomes.iter().sum();
    let _ = write!(
        page,
        "<h3>Outcomes of all attempts</h3>\n<p class=\"note\">{} attempts, {} of them probes: one receipt each. A failed \
         route is the network’s fault and held against nobody.</p>\n<div class=\"scroll\"><table class=\"narrow\"><thead><tr>\
         <th>Outcome</th><th class=\"r\">Attempts</th><th class=\"r\">Share</th></tr></thead><tbody>\n",
        thousands(report.demand.attempts),
        thousands(report.demand.probes)
    );
    for (name, count) in OUTCOME_NAMES.iter().zip(report.demand.outcomes) {
        let share = percent_of(count, total);
        let _ = writeln!(
            page,
            "<tr><td>{name}</td><td class=\"r\">{}</td><td class=\"r\">{share}</td></tr>",
            thousands(count)
        );
    }
    page.push_str("</tbody></table></div>\n");
}

fn audit(page: &mut String, report: &Report) {
    let audit = &report.audit;
    page.push_str("<h2 id=\"audit\">Audit</h2>\n");
    if audit.passed() {
        let _ = writeln!(
            page,
            "<p class=\"verdict good\"><b>Identical.</b> {} slots in {} cells were recomputed off-chain from account data \
             alone and match the chain bit for bit.</p>",
            thousands(audit.slots),
            thousands(audit.cells)
        );
        return;
    }
    if audit.mismatches.is_empty() {
        page.push_str(
            "<p class=\"verdict bad\"><b>Not run.</b> No slot was recomputed, so nothing is confirmed.</p>\n",
        );
        return;
    }
    let _ = write!(
        page,
        "<p class=\"verdict bad\"><b>{} differences</b> between the chain and {} recomputed slots.</p>\n\
         <div class=\"scroll\"><table><thead><tr><th>Workload</th><th class=\"r\">Epoch</th><th>Operator</th><th>Field</th>\
         <th class=\"r\">Recomputed</th><th class=\"r\">On chain</th></tr></thead><tbody>\n",
        thousands(audit.mismatches.len() as u64),
        thousands(audit.slots)
    );
    for mismatch in &audit.mismatches {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td class=\"r\">{}</td><td>{}</td><td>{}</td><td class=\"r\">{}</td><td class=\"r\">{}</td></tr>",
            escape(&mismatch.workload),
            mismatch.epoch,
            escape(&mismatch.operator),
            escape(&mismatch.field),
            escape(&mismatch.expected),
            escape(&mismatch.actual)
        );
    }
    page.push_str("</tbody></table></div>\n");
}

fn foot(page: &mut String, report: &Report) {
    let network = &report.network;
    let rows = [
        ("Program", network.program_id.clone()),
        ("Rule", network.rule.clone()),
        ("Wilson z, one-sided", format!("{}.{:03}", network.z_milli / 1_000, network.z_milli % 1_000)),
        ("Verification breach above", format!("{} bps", network.breach_bps)),
        ("Attesters, quorum above", format!("{}, {} bps", network.attesters, network.quorum_bps)),
        ("Epochs", format!("{} of {} s", network.epochs, thousands(network.epoch_seconds))),
        ("Emission per epoch", format!("{} tokens", tokens(network.emission_per_epoch, network.mint_decimals))),
        ("Carry cap", format!("{} epochs", network.carry_cap_epochs)),
        ("Claimed", format!("{} tokens", tokens(report.totals.claimed, network.mint_decimals))),
        ("Returned to the treasury", format!("{} tokens", tokens(report.totals.returned, network.mint_decimals))),
    ];
    page.push_str("<h3>Parameters</h3>\n<dl class=\"parameters\">\n");
    for (name, value) in rows {
        let _ = writeln!(page, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
    }
    page.push_str("</dl>\n");
}
