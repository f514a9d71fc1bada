//! Coverage over the epochs, one line per workload, on a scale of nines: the distance from 90 % to 99 % is that from 99 %
//! to 99.9 %, since each divides the requests nobody serves by ten.

use std::fmt::Write as _;

use super::Report;
use super::format::{escape, percent_ppb};

const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 290.0;
/// Coverage above this many nines is drawn there.
const MOST_NINES: f64 = 6.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 34.0;
/// Lines with a label: the least covered workloads.
const LABELS: usize = 5;
const LABEL_HEIGHT: f64 = 16.0;

struct Scale {
    epochs: u32,
    nines: f64,
}

impl Scale {
    fn x(&self, epoch: u32) -> f64 {
        let steps = f64::from(self.epochs.saturating_sub(1).max(1));
        LEFT + 14.0 + f64::from(epoch) * (WIDTH - LEFT - RIGHT - 28.0) / steps
    }

    fn y(&self, ppb: u32) -> f64 {
        HEIGHT - BOTTOM - nines(ppb).min(self.nines) / self.nines * (HEIGHT - TOP - BOTTOM)
    }
}

/// Draws the timeline as an inline SVG that takes its colours from the page.
pub(super) fn timeline(report: &Report) -> String {
    let cells = report.workloads.iter().flat_map(|workload| &workload.cells);
    let best = cells.map(|cell| nines(cell.coverage_ppb)).fold(1.0, f64::max);
    let epochs = report.last_epoch() + 1;
    let scale = Scale { epochs, nines: best.ceil().min(MOST_NINES) };
    let mut svg = format!(
        "<svg class=\"tl\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Coverage of every workload by \
         epoch; the numbers are in the table of workloads\">\n"
    );
    grid(&mut svg, &scale);
    for workload in &report.workloads {
        let points: Vec<(u32, u32)> = workload.cells.iter().map(|cell| (cell.epoch, cell.coverage_ppb)).collect();
        line(&mut svg, &scale, "tl-line", &workload.name, &points);
    }
    let mean: Vec<(u32, u32)> = (0..epochs).map(|epoch| (epoch, report.mean_coverage_ppb(epoch))).collect();
    line(&mut svg, &scale, "tl-mean", "Mean, weighted by emission", &mean);
    labels(&mut svg, &scale, report, mean.last().map_or(0, |(_, ppb)| *ppb));
    svg.push_str("</svg>\n");
    svg
}

/// Minus the decimal logarithm of what is not covered, from 0 to 9.
fn nines(ppb: u32) -> f64 {
    9.0 - f64::from(1_000_000_000_u32.saturating_sub(ppb).max(1)).log10()
}

fn grid(svg: &mut String, scale: &Scale) {
    for count in (0..=9_u32).take_while(|count| f64::from(*count) <= scale.nines) {
        let ppb = 1_000_000_000 - 10_u32.pow(9 - count);
        let label = match count {
            0 => "0 %".into(),
            1 | 2 => format!("{} %", ppb / 10_000_000),
            _ => format!("99.{} %", "9".repeat(count as usize - 2)),
        };
        let y = scale.y(ppb);
        let _ = writeln!(
            svg,
            "<line class=\"tl-grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tl-axis tl-end\" \
             x=\"{:.0}\" y=\"{:.1}\">{label}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0
        );
    }
    for epoch in 0..scale.epochs {
        let (x, y) = (scale.x(epoch), HEIGHT - 12.0);
        let _ = writeln!(svg, "<text class=\"tl-axis tl-mid\" x=\"{x:.1}\" y=\"{y}\">epoch {epoch}</text>");
    }
}

fn line(svg: &mut String, scale: &Scale, class: &str, name: &str, points: &[(u32, u32)]) {
    let values: Vec<String> = points.iter().map(|(_, ppb)| percent_ppb(*ppb)).collect();
    let title = escape(&format!("{name}: {}", values.join(", ")));
    let at = |(epoch, ppb): &(u32, u32)| format!("{:.1},{:.1}", scale.x(*epoch), scale.y(*ppb));
    let path: Vec<String> = points.iter().map(at).collect();
    let _ = write!(svg, "<g class=\"{class}\"><title>{title}</title><polyline points=\"{}\"/>", path.join(" "));
    for (epoch, ppb) in points {
        let _ = write!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>", scale.x(*epoch), scale.y(*ppb));
    }
    svg.push_str("</g>\n");
}

/// Names the mean and the least covered workloads at the right, pushed apart where they would overlap.
fn labels(svg: &mut String, scale: &Scale, report: &Report, mean_ppb: u32) {
    let last =
        |name: &str, class, ppb: u32| (scale.y(ppb) + 4.0, class, format!("{} {}", percent_ppb(ppb), escape(name)));
    let mut ends: Vec<(u32, &str)> = report
        .workloads
        .iter()
        .filter_map(|workload| Some((workload.cells.last()?.coverage_ppb, workload.name.as_str())))
        .collect();
    ends.sort_unstable();
    let mut labels: Vec<_> = ends.iter().take(LABELS).map(|(ppb, name)| last(name, "tl-label", *ppb)).collect();
    labels.push(last("weighted mean", "tl-label tl-strong", mean_ppb));
    labels.sort_by(|one, other| other.0.total_cmp(&one.0));
    let mut lowest_free = HEIGHT - BOTTOM + 6.0;
    for (y, class, text) in labels {
        let y = y.min(lowest_free);
        lowest_free = y - LABEL_HEIGHT;
        let _ = writeln!(svg, "<text class=\"{class}\" x=\"{:.0}\" y=\"{y:.1}\">{text}</text>", WIDTH - RIGHT + 12.0);
    }
}
