//! The worked example of the model, and hostile names, through every renderer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

/// A slot with its fractions given in decimals.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn slot(workload: usize, served: u64, p: f64, share: f64, phi: f64, reward: u64, reason: &str) -> SlotReport {
    let fixed = |value: f64, bits: i32| (value * 2_f64.powi(bits)) as u64;
    SlotReport {
        workload,
        epoch: 0,
        attempts: 20,
        served,
        p_q32: u32::try_from(fixed(p, 32)).unwrap(),
        share_q32: u32::try_from(fixed(share, 32)).unwrap(),
        phi_q64: fixed(phi, 64),
        reward,
        reason: reason.into(),
        per_node: 0,
        per_request: 0,
    }
}

fn operator(name: &str, domain: u32, slots: Vec<SlotReport>) -> OperatorReport {
    let reward = slots.iter().map(|slot| slot.reward).sum();
    OperatorReport { name: name.into(), domain, bond: 1, reward, per_node: 0, per_request: 0, slots }
}

fn cell(coverage_q64: u64, paid: u64, slots: u32, domains: u32) -> CellReport {
    CellReport {
        epoch: 0,
        coverage_ppb: ppb_from_q64(coverage_q64),
        coverage_q64,
        pool: 1_000_000,
        paid,
        carry_out: 1_000_000 - paid,
        returned: 0,
        outcomes: [54, 6, 0, 0, 1, 0, 0],
        slots,
        domains,
    }
}

/// Section 5 of model.md in the first workload; a breach and an idle slot in the second.
fn example() -> Report {
    let operators = vec![
        operator(
            "A",
            1,
            vec![slot(0, 20, 0.9, 0.45, 0.3375, 337_500, "Paid"), slot(1, 9, 0.0, 0.0, 0.0, 0, "VerificationBreach")],
        ),
        operator("B", 1, vec![slot(0, 20, 0.9, 0.45, 0.3375, 337_500, "Paid")]),
        operator(
            "<img src=x onerror=\"x\">",
            2,
            vec![
                slot(0, 14, 0.5, 0.5, 0.275, 275_000, "Paid"),
                SlotReport { attempts: 0, ..slot(1, 0, 0.0, 0.0, 0.0, 0, "NoEvidence") },
            ],
        ),
    ];
    let workload =
        |name: &str, cell| WorkloadReport { name: name.into(), weight: 1, latency_objective_ms: 1, cells: vec![cell] };
    let mut report = Report {
        schema: SCHEMA_VERSION,
        title: "Worked </title><script>example</script>".into(),
        sources: vec!["a & b".into()],
        invented: true,
        notes: vec!["Mind <this>.".into()],
        network: NetworkParameters {
            program_id: "Program".into(),
            rule: "Shapley".into(),
            z_milli: 1_645,
            breach_bps: 200,
            quorum_bps: 6_667,
            attesters: 5,
            epochs: 1,
            epoch_seconds: 600,
            emission_per_epoch: u64::MAX,
            carry_cap_epochs: 8,
            mint_decimals: 3,
        },
        demand: DemandReport {
            requests: 50,
            requests_served: 49,
            attempts: 61,
            probes: 11,
            outcomes: [54, 6, 0, 0, 1, 0, 0],
        },
        domains: vec!["Uno".into(), "Due & Co".into()],
        workloads: vec![
            workload("chat / <b>", cell(0xf333_3333_3333_3333, 950_000, 3, 2)),
            workload("idle", cell(0, 0, 2, 2)),
        ],
        operators,
        totals: Totals { emitted: 2_000_000, paid: 950_000, carried: 1_050_000, returned: 0, claimed: 950_000 },
        audit: AuditReport { cells: 2, slots: 5, mismatches: Vec::new() },
    };
    report.fill_comparisons();
    report
}

#[test]
fn comparisons_divide_what_each_cell_paid() {
    let report = example();
    let parts = |part: fn(&OperatorReport) -> u64| report.operators.iter().map(part).collect::<Vec<_>>();
    assert_eq!(parts(|operator| operator.per_node), [316_666, 316_667, 316_667]);
    // 20, 20 and 14 of 54 attempts served.
    assert_eq!(parts(|operator| operator.per_request), [351_851, 351_852, 246_297]);
    assert_eq!(parts(|operator| operator.reward).iter().sum::<u64>(), 950_000);
}

#[test]
fn json_keeps_every_bit() {
    let mut report = example();
    report.operators[0].slots[0].phi_q64 = u64::MAX;
    let json = serde_json::to_string(&report).unwrap();
    assert!(json.contains("\"phi_q64\":\"18446744073709551615\""));
    assert!(json.contains("\"coverage_ppb\":949999999,\"coverage_q64\":\"17524406870024074035\""));
    assert!(json.contains("\"attempts\":20"));
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    let broken = json.replace("\"18446744073709551615\"", "\"1e3\"");
    assert!(serde_json::from_str::<Report>(&broken).unwrap_err().to_string().contains("is not a decimal number"));
}

#[test]
fn hostile_names_stay_text_everywhere() {
    let mut report = example();
    report.audit.mismatches.push(Mismatch {
        workload: "<i>".into(),
        epoch: 0,
        operator: "<i>".into(),
        field: "<i>".into(),
        expected: "<i>".into(),
        actual: "<i>".into(),
    });
    let page = html::render(&report);
    for tag in ["<img", "<i>", "<b>\"", "<this>", "<script>example"] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains("&lt;img src=x onerror=&quot;x&quot;&gt;"));
    assert!(page.contains("a &amp; b") && page.contains("Due &amp; Co"));
    assert!(page.contains("<b>1 differences</b>"));
}

#[test]
fn the_page_asks_nothing_of_the_network() {
    let page = html::render(&example()).replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "src=\"", "@import", "fetch("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("match the chain bit for bit"));
}

#[test]
fn the_map_has_a_titled_cell_for_each_slot_of_workload_and_domain() {
    let report = example();
    let map = CoverageMap::new(&report);
    assert_eq!(map.reaches.len(), 4);
    let reach = map.reaches[&(0, 1)];
    assert_eq!((reach.slots, reach.attempts, reach.reward, reach.breach), (2, 40, 675_000, false));
    assert!(map.reaches[&(1, 1)].breach);
    let svg = svg::coverage_map(&report);
    for (workload, domain) in map.reaches.keys() {
        let (workload, domain) = (&report.workloads[*workload].name, report.domain_name(*domain));
        let title = format!("<title>{workload} · {domain}: reach ").replace('&', "&amp;").replace("<b>", "&lt;b&gt;");
        assert!(svg.contains(&title), "{title}");
    }
    let cells = |class: &str| svg.matches(&format!("<rect class=\"{class}\"")).count();
    // One of each class is in the legend, and "absent" is in the hatching too. 0.9 in Q32 is a little less than 90 %.
    assert_eq!(
        (cells("cm-s4"), cells("cm-s2"), cells("cm-zero"), cells("cm-idle"), cells("cm-none")),
        (1 + 1, 1 + 1, 1 + 1, 1 + 1, 2)
    );
}

#[test]
fn the_terminal_gets_aligned_columns() {
    let text = text::render(&example(), 2);
    let expected = "\
workload    operators  domains  coverage      pool    paid     carry
chat / <b>          3        2   94.99 %  1,000.00  950.00     50.00
idle                2        2    0.00 %  1,000.00    0.00  1,000.00

operator  failure domain  by coverage  per node  vs node  per request  vs request  reasons
A         Uno                  337.50    316.66   +6.5 %       351.85      −4.0 %  Paid 1, VerificationBreach 1
B         Uno                  337.50    316.66   +6.5 %       351.85      −4.0 %  Paid 1
… and 1 more
";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("audit: identical; 5 slots in 2 cells recomputed, 0 differences from the chain"));
}

#[test]
fn outcomes_have_the_routers_names() {
    let names: Vec<String> = crate::router::Outcome::ALL.iter().map(|outcome| format!("{outcome:?}")).collect();
    assert_eq!(names, OUTCOME_NAMES);
    assert!(crate::router::Outcome::ALL.iter().zip(0..).all(|(outcome, number)| *outcome as u8 == number));
}

#[test]
fn an_audit_of_nothing_confirms_nothing() {
    let mut report = example();
    report.audit = AuditReport::default();
    assert!(!report.audit.passed());
    assert!(html::render(&report).contains("<b>Not run.</b>"));
    assert!(text::render(&report, 1).contains("audit: not run; 0 slots"));
}

#[test]
fn an_empty_report_renders() {
    let mut report = example();
    report.workloads.clear();
    report.operators.clear();
    report.domains.clear();
    report.fill_comparisons();
    assert!(html::render(&report).ends_with("</html>\n"));
    assert!(svg::coverage_map(&report).ends_with("</svg>\n"));
    assert!(text::render(&report, 10).contains("workload"));
}

#[test]
fn fixed_point_to_parts_per_billion_rounds_down() {
    assert_eq!(ppb_from_q64(0), 0);
    assert_eq!(ppb_from_q64(1 << 63), 500_000_000);
    assert_eq!(ppb_from_q64(u64::MAX), 999_999_999);
    assert_eq!(example().mean_coverage_ppb(0), 474_999_999);
}
