//! The node tables against integrals known in closed form, and the accuracy the model demands up to 1,024 domains.
#![allow(clippy::float_arithmetic, clippy::arithmetic_side_effects)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use coverage_math::semivalue::Rule;
use support::{ONE_Q32, ONE_Q64, phi, settle, slot_p, terms};

/// Gauss–Legendre by Newton's method on the recurrence, mapped by t = (e^{βu} − 1)/(e^β − 1): independent of the script
/// that wrote the tables.
fn nodes(count: usize, beta: f64) -> Vec<(f64, f64)> {
    let legendre = |x: f64| {
        let (mut previous, mut value) = (1.0, x);
        for degree in 2..=count {
            let k = degree as f64;
            (previous, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * previous) / k);
        }
        (value, count as f64 * (x * value - previous) / (x * x - 1.0))
    };
    (1..=count)
        .rev()
        .map(|index| {
            let mut x = (std::f64::consts::PI * (index as f64 - 0.25) / (count as f64 + 0.5)).cos();
            for _ in 0..50 {
                let (value, slope) = legendre(x);
                x -= value / slope;
            }
            let (_, slope) = legendre(x);
            let (u, weight) = ((x + 1.0) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope));
            let scale = beta.exp_m1();
            ((beta * u).exp_m1() / scale, weight * beta * (beta * u).exp() / scale)
        })
        .collect()
}

#[test]
fn the_tables_are_the_gauss_legendre_nodes_under_the_exponential_map() {
    for (domains, count, beta) in [(16, 8, 0.5), (64, 12, 1.5), (1024, 20, 4.25)] {
        let table = Rule::Shapley.nodes(domains);
        assert_eq!(table.len(), count);
        for ((t, weight), expected) in table.iter().zip(nodes(count, beta)) {
            assert!((*t as f64 / ONE_Q32 - expected.0).abs() < 1.1 / ONE_Q32, "t of {domains}");
            let guarded = expected.1 * (1.0 - 2f64.powi(-26));
            assert!((*weight as f64 / ONE_Q64 - guarded).abs() < 1e-14, "weight of {domains}");
        }
    }
}

#[test]
fn equal_reaches_follow_the_closed_form_for_1_to_1024_domains() {
    let mut worst = 0f64;
    let sizes = (1..=80).chain((96..=1024).step_by(16)).chain([65, 1023, 1024]);
    for n in sizes {
        for served in [1_000_000, 999_000, 900_000, 500_000, 10_000, 100] {
            let mut slots: Vec<_> = (0..n).map(|domain| slot_p(domain, 1_000, served)).collect();
            settle(&mut slots, &terms(Rule::Shapley, 0));
            let r = f64::from(slots[0].p_q32) / ONE_Q32;
            // φ = (a/r) · (1 − (1 − r)^n)/n with a = r
            let exact = -(f64::from(n) * (-r).ln_1p()).exp_m1() / f64::from(n);
            let error = phi(&slots).iter().map(|phi| (phi - exact).abs()).fold(0.0, f64::max);
            let allowed = 1e-6 * exact + 2f64.powi(-30);
            worst = worst.max(error / allowed);
            assert!(error <= allowed, "n {n}, r {r}: {error:e} off, allowed {allowed:e}");
        }
    }
    println!("worst error {worst:.3} of what is allowed");
}

/// ∫ ∏_{h≠g} (1 − t·r_h) dt by 30-point panels on a logarithmic grid: slow and sure.
fn shapley_by_panels(reaches: &[f64]) -> Vec<f64> {
    let rule = nodes(30, 1e-9);
    let mut edges = vec![0.0];
    edges.extend((0..=60).map(|step| 10f64.powf(-7.0 + 7.0 * f64::from(step) / 60.0)));
    let mut sums = vec![0.0; reaches.len()];
    for panel in edges.windows(2) {
        for (u, weight) in &rule {
            let t = panel[0] + (panel[1] - panel[0]) * u;
            let product: f64 = reaches.iter().map(|r| 1.0 - t * r).product();
            for (sum, r) in sums.iter_mut().zip(reaches) {
                *sum += weight * (panel[1] - panel[0]) * product / (1.0 - t * r);
            }
        }
    }
    sums
}

#[test]
fn large_cells_of_mixed_reaches_are_accurate() {
    let mut worst = 0f64;
    for n in [2u32, 9, 16, 17, 40, 64, 65, 200, 512, 1024] {
        let mixes: [&dyn Fn(u32) -> u32; 6] = [
            &|k| k.wrapping_mul(2_654_435_761) % 1_000_000 + 1,
            &|k| 900_000 + k.wrapping_mul(2_654_435_761) % 100_000,
            &|k| k.wrapping_mul(2_654_435_761) % 50_000 + 1,
            &|k| if k % 2 == 0 { 1_000_000 } else { 10_000 },
            &|k| if k == 0 { 1_000_000 } else { 1_000 },
            &|k| if k == 0 { 1_000 } else { 1_000_000 },
        ];
        for (number, mix) in mixes.iter().enumerate() {
            let mut slots: Vec<_> = (0..n).map(|k| slot_p(k, 1_000, mix(k).min(1_000_000))).collect();
            settle(&mut slots, &terms(Rule::Shapley, 0));
            let reaches: Vec<f64> = slots.iter().map(|slot| f64::from(slot.p_q32) / ONE_Q32).collect();
            let exact: Vec<f64> = shapley_by_panels(&reaches).iter().zip(&reaches).map(|(s, r)| s * r).collect();
            let allowed = 1e-6 * exact.iter().copied().fold(0.0, f64::max) + 2f64.powi(-30);
            for (have, want) in phi(&slots).iter().zip(&exact) {
                worst = worst.max((have - want).abs() / allowed);
                assert!((have - want).abs() <= allowed, "{n} domains, mix {number}: {have:e}, exact {want:e}");
            }
        }
    }
    println!("worst error {worst:.3} of what is allowed");
}
