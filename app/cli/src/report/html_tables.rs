//! The tables of the page. Cells that sort by number carry it in `data-v`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::format::{change, change_per_mille, escape, percent_of, percent_ppb, percent_q32, thousands, tokens};
use super::{CoverageMap, OperatorReport, Report, SlotReport, WorkloadReport};

/// The coverage map as a table, for those who cannot see the picture.
pub(super) fn map_table(report: &Report, map: &CoverageMap) -> String {
    let mut html = String::from(
        "<details><summary>The map as a table</summary>\n<div class=\"scroll\"><table class=\"tight\"><thead><tr><th>Workload</th>",
    );
    for domain in &map.domains {
        let _ = write!(html, "<th class=\"r\">{}</th>", escape(report.domain_name(*domain)));
    }
    html.push_str("</tr></thead><tbody>\n");
    for (row, workload) in report.workloads.iter().enumerate() {
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escape(&workload.name));
        for domain in &map.domains {
            let text = map.reaches.get(&(row, *domain)).map_or("–".into(), |reach| percent_q32(reach.reach_q32));
            let _ = write!(html, "<td class=\"r\">{text}</td>");
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div></details>\n");
    html
}

/// Every operator, by reward.
pub(super) fn operator_table(report: &Report) -> String {
    let mut operators: Vec<&OperatorReport> = report.operators.iter().collect();
    operators.sort_by_key(|operator| std::cmp::Reverse(operator.reward));
    let largest =
        operators.iter().flat_map(|operator| [operator.reward, operator.per_node, operator.per_request]).max();
    let mut html = String::from(
        "<p class=\"tools\"><label>Filter <input type=\"search\" data-filter=\"t-operators\" placeholder=\"operator or \
         domain\"></label></p>\n<div class=\"scroll tall\"><table id=\"t-operators\" class=\"sortable\"><thead><tr>\
         <th>Operator</th><th>Failure domain</th><th class=\"r\">By coverage</th><th class=\"r\">Per node</th>\
         <th class=\"r\">vs node</th><th class=\"r\">Per request</th><th class=\"r\">vs request</th><th>Reasons</th>\
         </tr></thead><tbody>\n",
    );
    for operator in operators {
        operator_row(&mut html, report, operator, largest.unwrap_or(0));
    }
    let sum = |amount: fn(&OperatorReport) -> u64| {
        tokens(report.operators.iter().map(amount).sum(), report.network.mint_decimals)
    };
    let _ = writeln!(
        html,
        "</tbody><tfoot><tr><th colspan=\"2\">Sum</th><td class=\"r\">{}</td><td class=\"r\">{}</td><td></td>\
         <td class=\"r\">{}</td><td></td><td></td></tr></tfoot></table></div>",
        sum(|operator| operator.reward),
        sum(|operator| operator.per_node),
        sum(|operator| operator.per_request)
    );
    html
}

fn operator_row(html: &mut String, report: &Report, operator: &OperatorReport, largest: u64) {
    let amount = |units: u64, class: &str| {
        let width = percent_of(units, largest).replace([' ', '–'], "");
        format!(
            "<td class=\"r bar {class}\" data-v=\"{units}\" style=\"--w:{}\">{}</td>",
            if width.is_empty() { "0%" } else { &width },
            tokens(units, report.network.mint_decimals)
        )
    };
    let difference = |from: u64| {
        let class = if operator.reward >= from { "up" } else { "down" };
        let value = change_per_mille(from, operator.reward).unwrap_or(i64::MAX);
        format!("<td class=\"r {class}\" data-v=\"{value}\">{}</td>", change(from, operator.reward))
    };
    let mut reasons: BTreeMap<&str, u32> = BTreeMap::new();
    for slot in &operator.slots {
        *reasons.entry(&slot.reason).or_default() += 1;
    }
    let chip = |(reason, count): (&&str, &u32)| {
        format!("<span class=\"chip\" data-reason=\"{0}\">{0} <b>{count}</b></span>", escape(reason))
    };
    let chips: Vec<String> = reasons.iter().map(chip).collect();
    let _ = writeln!(
        html,
        "<tr><th scope=\"row\">{}</th><td>{}</td>{}{}{}{}{}<td>{}</td></tr>",
        escape(&operator.name),
        escape(report.domain_name(operator.domain)),
        amount(operator.reward, "main"),
        amount(operator.per_node, ""),
        difference(operator.per_node),
        amount(operator.per_request, ""),
        difference(operator.per_request),
        chips.join(" ")
    );
}

/// The last three epochs: more columns would not fit, and the chart shows them all.
fn shown_epochs(report: &Report) -> std::ops::RangeInclusive<u32> {
    report.last_epoch().saturating_sub(2)..=report.last_epoch()
}

/// Every workload with its last cell and its coverage in the last epochs.
pub(super) fn workload_table(report: &Report) -> String {
    let mut html = String::from(
        "<div class=\"scroll tall\"><table id=\"t-workloads\" class=\"sortable\"><thead><tr><th>Workload</th>\
         <th class=\"r\">Weight</th><th class=\"r\">Operators</th><th class=\"r\">Domains</th>",
    );
    for epoch in shown_epochs(report) {
        let _ = write!(html, "<th class=\"r\">Coverage, epoch {epoch}</th>");
    }
    html.push_str(
        "<th class=\"r\">Pool</th><th class=\"r\">Paid</th><th class=\"r\">Waits</th><th class=\"r\">Returned</th>\
         <th class=\"r\">Attempts</th><th class=\"r\">Served</th></tr></thead><tbody>\n",
    );
    for workload in &report.workloads {
        workload_row(&mut html, report, workload);
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn workload_row(html: &mut String, report: &Report, workload: &WorkloadReport) {
    let Some(last) = workload.cells.last() else { return };
    let number = |value: u64, text: String| format!("<td class=\"r\" data-v=\"{value}\">{text}</td>");
    let money = |units: u64| number(units, tokens(units, report.network.mint_decimals));
    let count = |value: u64| number(value, thousands(value));
    let _ = write!(
        html,
        "<tr><th scope=\"row\">{}</th>{}{}{}",
        escape(&workload.name),
        count(workload.weight),
        count(u64::from(last.slots)),
        count(u64::from(last.domains))
    );
    for epoch in shown_epochs(report) {
        let cell = workload.cells.iter().find(|cell| cell.epoch == epoch);
        let class = if cell.is_some_and(|cell| cell.coverage_ppb < 900_000_000) { "r low" } else { "r" };
        let ppb = cell.map_or(0, |cell| cell.coverage_ppb);
        let text = cell.map_or("–".into(), |cell| percent_ppb(cell.coverage_ppb));
        let _ = write!(html, "<td class=\"{class}\" data-v=\"{ppb}\">{text}</td>");
    }
    let attempts: u64 = last.outcomes.iter().sum();
    let _ = writeln!(
        html,
        "{}{}{}{}{}{}</tr>",
        money(last.pool),
        money(last.paid),
        money(last.carry_out),
        money(last.returned),
        count(attempts),
        number(last.outcomes[0], percent_of(last.outcomes[0], attempts))
    );
}

/// Every slot, folded away.
pub(super) fn slot_table(report: &Report) -> String {
    let slots: usize = report.operators.iter().map(|operator| operator.slots.len()).sum();
    let mut html = format!(
        "<details><summary>Show all {} slots</summary>\n<p class=\"tools\"><label>Filter <input type=\"search\" \
         data-filter=\"t-slots\" placeholder=\"operator, workload or reason\"></label></p>\n<div class=\"scroll tall\">\
         <table id=\"t-slots\" class=\"sortable tight\"><thead><tr><th>Operator</th><th>Workload</th><th class=\"r\">Epoch</th>\
         <th class=\"r\">Attempts</th><th class=\"r\">Served</th><th class=\"r\">p</th><th class=\"r\">a</th>\
         <th class=\"r\">φ</th><th class=\"r\">Reward</th><th class=\"r\">Per node</th><th class=\"r\">Per request</th>\
         <th>Reason</th></tr></thead><tbody>\n",
        thousands(slots as u64)
    );
    for operator in &report.operators {
        for slot in &operator.slots {
            slot_row(&mut html, report, operator, slot);
        }
    }
    html.push_str("</tbody></table></div></details>\n");
    html
}

fn slot_row(html: &mut String, report: &Report, operator: &OperatorReport, slot: &SlotReport) {
    let number = |value: u64, text: String| format!("<td class=\"r\" data-v=\"{value}\">{text}</td>");
    let money = |units: u64| number(units, tokens(units, report.network.mint_decimals));
    let workload = report.workloads.get(slot.workload).map_or("", |workload| workload.name.as_str());
    // The upper half of a Q64 value is its Q32 value, rounded down.
    let phi_q32 = u32::try_from(slot.phi_q64 >> 32).unwrap_or(u32::MAX);
    let _ = writeln!(
        html,
        "<tr><td>{}</td><td>{}</td><td class=\"r\">{}</td>{}{}{}{}{}{}{}{}<td>{}</td></tr>",
        escape(&operator.name),
        escape(workload),
        slot.epoch,
        number(slot.attempts, thousands(slot.attempts)),
        number(slot.served, thousands(slot.served)),
        number(u64::from(slot.p_q32), percent_q32(slot.p_q32)),
        number(u64::from(slot.share_q32), percent_q32(slot.share_q32)),
        number(slot.phi_q64, percent_q32(phi_q32)),
        money(slot.reward),
        money(slot.per_node),
        money(slot.per_request),
        escape(&slot.reason)
    );
}
