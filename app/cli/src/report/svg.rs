//! The coverage map as a picture that stands alone: own background, generic fonts, light and dark.
//!
//! Rows are workloads, columns failure domains; a cell's shade is the domain's reach, one hue from faint to strong in
//! eight steps that get finer towards certainty. On the right are the workload's coverage and its pool: how much was
//! paid, and how much waits for whoever comes.

use std::fmt::Write as _;

use super::format::{escape, percent_ppb, percent_q32, thousands, tokens};
use super::map::last_cell;
use super::{CoverageMap, DomainReach, Report};

/// Reaches, in per mille, at which the shade gets stronger.
const STEPS: [u64; 7] = [250, 500, 700, 800, 900, 950, 980];
const STEP_LABELS: [&str; 8] = ["0", "25", "50", "70", "80", "90", "95", "98 %"];
const STYLE: &str = include_str!("assets/map.css");
const MARGIN: usize = 24;
const BAR: usize = 120;

/// Sizes in pixels.
struct Layout {
    label: usize,
    cell_width: usize,
    cell_height: usize,
    header: usize,
    rows: usize,
    columns: usize,
    notes: usize,
}

impl Layout {
    fn new(report: &Report, map: &CoverageMap) -> Self {
        let longest = |names: &mut dyn Iterator<Item = &str>| names.map(|name| name.chars().count()).max().unwrap_or(0);
        let label = longest(&mut report.workloads.iter().map(|workload| workload.name.as_str())).min(40);
        let header = longest(&mut map.domains.iter().map(|domain| report.domain_name(*domain))).min(28);
        let (rows, columns) = (report.workloads.len(), map.domains.len());
        Self {
            label: 20 + label * 7,
            cell_width: (600 / columns.max(1)).clamp(21, 104),
            cell_height: if rows <= 12 { 32 } else { 20 },
            header: 100 + header * 5,
            rows,
            columns,
            notes: report.notes.len(),
        }
    }

    fn x(&self, column: usize) -> usize {
        MARGIN + self.label + column * self.cell_width
    }

    fn y(&self, row: usize) -> usize {
        MARGIN + self.header + row * self.cell_height
    }

    fn coverage_x(&self) -> usize {
        self.x(self.columns) + 96
    }

    fn pool_x(&self) -> usize {
        self.coverage_x() + 14
    }

    fn width(&self) -> usize {
        (self.pool_x() + BAR + 96 + MARGIN).max(820)
    }

    fn height(&self) -> usize {
        self.y(self.rows) + 64 + self.notes * 18 + MARGIN
    }
}

/// Draws the map of each workload's last settled epoch. Every pair of workload and failure domain with a slot has a cell
/// with a title; the whole has a title and a description.
#[must_use]
pub fn coverage_map(report: &Report) -> String {
    let map = CoverageMap::new(report);
    let layout = Layout::new(report, &map);
    let (width, height) = (layout.width(), layout.height());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"cm\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"cm-title cm-desc\">\n\
         <title id=\"cm-title\">Coverage map: {}</title>\n<desc id=\"cm-desc\">{} workloads by {} failure domains in epoch \
         {}; shade is the domain's reach.</desc>\n<style>{STYLE}</style>\n{HATCH}\
         <rect class=\"cm-bg\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>\n",
        escape(&report.title),
        layout.rows,
        layout.columns,
        report.last_epoch(),
    );
    headings(&mut svg, report, &map, &layout);
    for row in 0..layout.rows {
        workload_row(&mut svg, report, &map, &layout, row);
    }
    legend(&mut svg, &layout);
    for (note, line) in report.notes.iter().zip(0..) {
        let (y, note) = (layout.y(layout.rows) + 84 + line * 16, escape(note));
        let _ = writeln!(svg, "<text class=\"cm-head\" x=\"{MARGIN}\" y=\"{y}\">{note}</text>");
    }
    svg.push_str("</svg>\n");
    svg
}

const HATCH: &str = "<defs><pattern id=\"cm-hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
     patternTransform=\"rotate(45)\"><rect class=\"cm-none\" width=\"6\" height=\"6\"/><rect class=\"cm-warn\" \
     width=\"2.2\" height=\"6\"/></pattern></defs>\n";

fn headings(svg: &mut String, report: &Report, map: &CoverageMap, layout: &Layout) {
    let mut text = |class: &str, x: usize, y: usize, content: &str| {
        let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(content));
    };
    let note = if report.invented { " (invented data)" } else { "" };
    text("cm-h1", MARGIN, MARGIN + 14, &format!("Who covers what{note}"));
    let subtitle =
        format!("{} · epoch {} · a column is a failure domain, a row a workload", report.title, report.last_epoch());
    text("cm-sub", MARGIN, MARGIN + 34, &subtitle);
    let y = layout.y(0) - 10;
    text("cm-head cm-end", layout.coverage_x(), y, "coverage");
    text("cm-head", layout.pool_x(), y, "pool: paid | waits");
    for (column, domain) in map.domains.iter().enumerate() {
        let name = escape(&shortened(report.domain_name(*domain), 28));
        let x = layout.x(column) + layout.cell_width / 2 + 4;
        let _ = writeln!(svg, "<text class=\"cm-head\" transform=\"translate({x} {y}) rotate(-50)\">{name}</text>");
    }
}

fn workload_row(svg: &mut String, report: &Report, map: &CoverageMap, layout: &Layout, row: usize) {
    let Some(workload) = report.workloads.get(row) else { return };
    let baseline = layout.y(row) + layout.cell_height / 2 + 4;
    let _ = writeln!(
        svg,
        "<text class=\"cm-label cm-end\" x=\"{}\" y=\"{baseline}\">{}</text>",
        layout.x(0) - 10,
        escape(&shortened(&workload.name, 40))
    );
    for (column, domain) in map.domains.iter().enumerate() {
        match map.reaches.get(&(row, *domain)) {
            Some(reach) => cell(svg, layout, (row, column), reach, &cell_title(report, &workload.name, *domain, reach)),
            None => rect(svg, layout, (row, column), "cm-none", ""),
        }
    }
    let Some(settled) = last_cell(report, row) else { return };
    let class = if settled.coverage_ppb < 900_000_000 { "cm-num cm-end cm-low" } else { "cm-num cm-end" };
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" x=\"{}\" y=\"{baseline}\">{}</text>",
        layout.coverage_x(),
        percent_ppb(settled.coverage_ppb)
    );
    pool_bar(svg, report, layout, row);
}

fn cell_title(report: &Report, workload: &str, domain: u32, reach: &DomainReach) -> String {
    let breach = if reach.breach { ", verification breach" } else { "" };
    format!(
        "{workload} · {}: reach {} from {} operator(s), {} attempts{breach}; reward {}",
        report.domain_name(domain),
        percent_q32(reach.reach_q32),
        reach.slots,
        thousands(reach.attempts),
        tokens(reach.reward, report.network.mint_decimals)
    )
}

fn cell(svg: &mut String, layout: &Layout, at: (usize, usize), reach: &DomainReach, title: &str) {
    let step = step(reach.reach_q32);
    let class = match (reach.reach_q32, reach.attempts) {
        (0, 0) => "cm-idle".into(),
        (0, _) => "cm-zero".into(),
        _ => format!("cm-s{step}"),
    };
    rect(svg, layout, at, &class, title);
    if layout.cell_width >= 48 && reach.reach_q32 > 0 {
        let _ = writeln!(
            svg,
            "<text class=\"cm-val cm-t{step}\" x=\"{}\" y=\"{}\">{}</text>",
            layout.x(at.1) + layout.cell_width / 2,
            layout.y(at.0) + layout.cell_height / 2 + 4,
            percent_q32(reach.reach_q32)
        );
    }
}

fn rect(svg: &mut String, layout: &Layout, (row, column): (usize, usize), class: &str, title: &str) {
    let (x, y) = (layout.x(column) + 1, layout.y(row) + 1);
    let (width, height) = (layout.cell_width - 2, layout.cell_height - 2);
    let _ = write!(svg, "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"3\"");
    let _ =
        if title.is_empty() { writeln!(svg, "/>") } else { writeln!(svg, "><title>{}</title></rect>", escape(title)) };
}

fn pool_bar(svg: &mut String, report: &Report, layout: &Layout, row: usize) {
    let Some(settled) = last_cell(report, row) else { return };
    let largest = (0..layout.rows).filter_map(|row| last_cell(report, row)).map(|cell| cell.pool).max().unwrap_or(0);
    let length = |units: u64| {
        let scaled = u128::from(units) * BAR as u128;
        usize::try_from(scaled.checked_div(u128::from(largest)).unwrap_or(0)).unwrap_or(0)
    };
    let (x, y, height) = (layout.pool_x(), layout.y(row) + layout.cell_height / 2 - 5, 10);
    let decimals = report.network.mint_decimals;
    let title = format!(
        "pool {}: paid {}, waits {}, returned {}",
        tokens(settled.pool, decimals),
        tokens(settled.paid, decimals),
        tokens(settled.carry_out, decimals),
        tokens(settled.returned, decimals)
    );
    let (paid, all) = (length(settled.paid), length(settled.paid.saturating_add(settled.carry_out)));
    let _ = writeln!(
        svg,
        "<g><title>{}</title><rect class=\"cm-wait\" x=\"{x}\" y=\"{y}\" width=\"{all}\" height=\"{height}\" rx=\"2\"/>\
         <rect class=\"cm-paid\" x=\"{x}\" y=\"{y}\" width=\"{paid}\" height=\"{height}\" rx=\"2\"/></g>\
         <text class=\"cm-num\" x=\"{}\" y=\"{}\">{}</text>",
        escape(&title),
        x + all + 8,
        layout.y(row) + layout.cell_height / 2 + 4,
        tokens(settled.pool, decimals)
    );
}

fn legend(svg: &mut String, layout: &Layout) {
    let y = layout.y(layout.rows) + 28;
    let _ = writeln!(svg, "<text class=\"cm-sub\" x=\"{MARGIN}\" y=\"{}\">reach from</text>", y + 11);
    let mut x = MARGIN + 72;
    for (step, label) in STEP_LABELS.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<rect class=\"cm-s{step}\" x=\"{x}\" y=\"{y}\" width=\"34\" height=\"14\" rx=\"3\"/>\
             <text class=\"cm-head\" x=\"{x}\" y=\"{}\">{label}</text>",
            y + 28
        );
        x += 36;
    }
    let others =
        [("cm-zero", "reach 0: breach or nothing served"), ("cm-idle", "enrolled, no evidence"), ("cm-none", "absent")];
    for (class, label) in others {
        x += 24;
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"16\" height=\"14\" rx=\"3\"/>\
             <text class=\"cm-sub\" x=\"{}\" y=\"{}\">{label}</text>",
            x + 22,
            y + 11
        );
        x += 22 + label.len() * 6;
    }
}

/// The shade of a reach, from 0 to 7.
fn step(reach_q32: u32) -> usize {
    let per_mille = (u64::from(reach_q32) * 1_000) >> 32;
    STEPS.iter().filter(|from| per_mille >= **from).count()
}

/// At most this many characters, the last an ellipsis where something was cut.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
