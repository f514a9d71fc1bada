//! Explanations: the model's numbers, and every cause of lost reward.

use crate::{named, snapshot};
use coverage_client::ClientError;
use coverage_client::explain::{Cause, CellExplanation, Explanation, Loss, Settled, explain};
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_settlement::state::Config;
use coverage_tests::{EPOCH, Operator, World, config};
use solana_program::pubkey::Pubkey;

/// A network whose one workload has a pool of 1,000,000 in epoch 0.
fn world(config: Config) -> (World, Pubkey) {
    let mut world = World::with(config, 5);
    world.fund(10_000_000);
    let workload = world.workload(0, 10);
    (world, workload)
}

fn explained(world: &mut World, operator: &Operator) -> Explanation {
    explain(&snapshot(world), &operator.account).unwrap()
}

/// The one settlement that an explanation is of.
fn settled(explanation: &Explanation) -> &Settled {
    let [CellExplanation { settled: Some(settled), .. }] = explanation.cells.as_slice() else {
        panic!("{explanation:?}");
    };
    settled
}

fn lost(cause: Cause, lost_units: u64) -> Loss {
    Loss { cause, lost_units }
}

/// Operators of these domains with equal bonds, and what is attested of each; settles epoch 0.
fn settle(config: Config, operators: &[(u32, [u32; 7])]) -> (World, Vec<Operator>) {
    let (mut world, workload) = world(config);
    let enrol = |(number, (domain, _)): (u8, &(u32, [u32; 7]))| world.enrolled(number, 1_000, *domain, workload);
    let enrolled: Vec<Operator> = (1..).zip(operators).map(enrol).collect();
    world.open_epoch();
    let counts: Vec<_> = (0..).zip(operators).map(|(slot, (_, counts))| (slot, *counts)).collect();
    world.batch(workload, &counts);
    world.finish(workload);
    (world, enrolled)
}

#[test]
fn the_worked_example_of_the_model_in_its_own_numbers() {
    let example = [(1, [90, 10, 0, 0, 0, 0, 0]), (1, [900, 0, 50, 0, 0, 50, 0]), (2, [1, 0, 0, 1, 7, 0, 0])];
    let (mut world, operators) = settle(config(), &example);
    let of = |world: &mut World, number: usize| settled(&explained(world, &operators[number])).clone();
    let [a, b, c] = [0, 1, 2].map(|number| of(&mut world, number));
    let decimals = |settled: &Settled| {
        let factor = settled.factor.unwrap();
        [format!("{}", settled.p), format!("{}", settled.share), format!("{factor}"), format!("{}", settled.phi)]
    };
    assert_eq!(decimals(&a), ["0.900000", "0.450000", "0.750000", "0.337500"]);
    assert_eq!(decimals(&b), decimals(&a));
    assert_eq!(decimals(&c), ["0.500000", "0.500000", "0.550000", "0.275000"]);
    assert_eq!([&a, &b, &c].map(|settled| settled.reward_units), [337_499, 337_499, 274_999]);
    assert_eq!([&a, &b, &c].map(|settled| settled.pool_units), [1_000_000; 3]);
    assert_eq!((c.attempts, c.served), (2, 1), "what the network failed to route is no attempt");
    // Had A's attempts been served, p = 1 and a = 0.45 + 0.1; had it a domain of its own, a = 0.9 and S = 0.45.
    assert_eq!(a.losses, [lost(Cause::ModelUnavailable, 75_000), lost(Cause::SharedDomain, 67_500)]);
    let half = |cause| lost(cause, 37_500);
    let of_b = [lost(Cause::SharedDomain, 67_500), half(Cause::HardwareIncompatible), half(Cause::LatencyExceeded)];
    assert_eq!(b.losses, of_b);
    // p = 1, and p = 8/9.
    assert_eq!(c.losses, [lost(Cause::CapacityExhausted, 275_000), lost(Cause::RoutingFailed, 213_889)]);
}

const WORKED_EXAMPLE: &str = "\
Operator ACCOUNT
  wallet WALLET
  failure domain 1
  bond 0.001
  rewards: unclaimed 0.337499, claimed 0

Workload 0, slot 0
  epoch 0: paid 0.337499 (Paid)
  outcomes   served 90, model unavailable 10
  p          s / n = 90 / 100 = 0.900000
  share a    domain 1 reaches r = 0.900000, the best p of its 2 members
             slot 1: p = 0.900000, bond 0.001
             slot 0: p = 0.900000, bond 0.001
             0.900000 - 0.000000 = 0.900000, x bond 0.001 / 0.002 = 0.450000
             together 0.450000
  factor S   domain 2 reaches 0.500000 (1 member)
             S = integral of f(t) from 0 to 1, f(t) = (1 - t·0.500000)
             S = ( 1 + 4·f(0.5) + f(1) ) / 6 = 0.750000
  phi        a x S = 0.337500
  reward     pool 1,000,000 units x 0.33749999464344 = 337,499 units, rounded down
  lost       0.075 to model unavailable: had these attempts been served
  lost       0.0675 to shared failure domain: in one of its own

Paid by the last settlements of its cells: 0.337499
Largest single cause of lost reward: 0.075 lost to model unavailable: had these attempts been served
";

#[test]
fn the_worked_example_as_a_person_reads_it() {
    let example = [(1, [90, 10, 0, 0, 0, 0, 0]), (1, [900, 0, 50, 0, 0, 50, 0]), (2, [1, 0, 0, 1, 7, 0, 0])];
    let (mut world, operators) = settle(config(), &example);
    let [first, ..] = operators.as_slice() else { panic!() };
    let names = [(first.account, "ACCOUNT"), (first.wallet, "WALLET")];
    let by_account = explained(&mut world, first);
    assert_eq!(named(&by_account, &names), WORKED_EXAMPLE);
    assert_eq!(explain(&snapshot(&mut world), &first.wallet).unwrap(), by_account, "by its wallet");
}

/// What a calculator makes of the printed numbers must be the printed result.
#[test]
fn the_wilson_bound_can_be_followed_with_a_calculator() {
    let (mut world, operators) = settle(Config { z_milli: 1_645, ..config() }, &[(1, [95, 0, 0, 5, 0, 0, 0])]);
    let explanation = explained(&mut world, &operators[0]);
    let text = explanation.to_string();
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("  p ")).take(3).collect();
    assert_eq!(
        lines,
        [
            "  p          ( s + z²/2 - z·sqrt( s(n-s)/n + z²/4 ) ) / ( n + z² ) with n = 100, s = 95, z = 1.645",
            "             ( 95 + 1.353012 - 1.645·sqrt( 4.750000 + 0.676506 ) ) / ( 100 + 2.706025 )",
            "             ( 95 + 1.353012 - 1.645·2.329486 ) / 102.706025 = 0.900833",
        ]
    );
    let p = (95.0 + 1.353_012 - 1.645 * 2.329_486_f64) / 102.706_025;
    assert!((p - 0.900_833).abs() < 1e-6, "{p}");
    // All served, the bound of 100 is 1 / (1 + z²/100); with a thousand times the evidence it is all but 0.95.
    let wilson = |s: f64, n: f64| (s + 1.353_012_5 - 1.645 * (s * (n - s) / n + 0.676_506_25).sqrt()) / (n + 2.706_025);
    let gain = |s, n| (1e6 * (wilson(s, n) - wilson(95.0, 100.0))) as i64;
    let gains = [(Cause::CapacityExhausted, gain(100.0, 100.0)), (Cause::LittleEvidence, gain(95e3, 100e3))];
    let losses = &settled(&explanation).losses;
    assert_eq!(losses.len(), 2);
    for (loss, (cause, gain)) in losses.iter().zip(gains) {
        assert!(loss.cause == cause && (loss.lost_units as i64 - gain).abs() <= 1, "{loss:?} {gain}");
    }
}

/// Alone in a cell with z = 0, φ is p less the guard of 2^-26, so every served attempt of 100 is worth 10,000 units.
#[test]
fn every_outcome_is_a_cause_of_its_own() {
    let causes = [
        (1, Cause::ModelUnavailable),
        (2, Cause::HardwareIncompatible),
        (3, Cause::CapacityExhausted),
        (5, Cause::LatencyExceeded),
    ];
    for (outcome, cause) in causes {
        let mut counts = [80, 0, 0, 0, 0, 0, 0];
        counts[outcome] = 15;
        // Something else, to be told apart.
        counts[if outcome == 5 { 1 } else { 5 }] = 5;
        let (mut world, operators) = settle(config(), &[(1, counts)]);
        let explanation = explained(&mut world, &operators[0]);
        assert_eq!(explanation.reward_units, 799_999, "{cause:?}");
        assert_eq!(explanation.largest_loss(), Some(&lost(cause, 150_000)));
        assert_eq!(explanation.losses.len(), 2);
        assert_eq!(explanation.losses[1].lost_units, 50_000);
    }
    let (mut world, operators) = settle(config(), &[(1, [80, 0, 0, 20, 100, 0, 0])]);
    let losses = explained(&mut world, &operators[0]).losses;
    // 180 of 200 would have been served.
    assert_eq!(losses, [lost(Cause::CapacityExhausted, 200_000), lost(Cause::RoutingFailed, 100_000)]);
}

#[test]
fn a_breach_costs_everything() {
    // 3 of 100 are more than the 2 % allowed.
    let (mut world, operators) = settle(config(), &[(1, [95, 0, 0, 2, 0, 0, 3])]);
    let explanation = explained(&mut world, &operators[0]);
    assert_eq!((settled(&explanation).reason.as_str(), explanation.reward_units), ("VerificationBreach", 0));
    // Verified, 98 of 100 would have been served; fewer failures of another kind would have changed nothing.
    assert_eq!(explanation.losses, [lost(Cause::VerificationFailed, 979_999)]);
    let text = explanation.to_string();
    assert!(
        text.contains("  p          0, because 3 of 100 attempts failed verification: more than 2.00 %\n"),
        "{text}"
    );
    assert!(!text.contains("share a"), "{text}");
    let last =
        "Largest single cause of lost reward: 0.979999 lost to verification failed: had these executions verified\n";
    assert!(text.ends_with(last), "{text}");
}

#[test]
fn an_unattested_domain_is_shared_with_everyone_without_one() {
    let good = [100, 0, 0, 0, 0, 0, 0];
    let (mut world, operators) = settle(config(), &[(0, good), (0, good)]);
    let explanation = explained(&mut world, &operators[1]);
    // Half of the domain's reach. In a domain of its own: S = 1/2 of all, as each of two.
    assert_eq!(explanation.reward_units, 499_999);
    assert_eq!(explanation.losses, [], "two domains of p = 1 have no more to share than one");
    let (mut world, operators) = settle(config(), &[(0, [50, 50, 0, 0, 0, 0, 0]), (0, [50, 0, 50, 0, 0, 0, 0])]);
    let explanation = explained(&mut world, &operators[1]);
    // 0.25 of the pool; in a domain of its own 0.5 x (1 - 0.5 / 2) = 0.375. With p = 1: 0.25 + 0.5 = 0.75.
    let losses = [lost(Cause::HardwareIncompatible, 500_000), lost(Cause::UnattestedDomain, 125_000)];
    assert_eq!(explanation.losses, losses);
    let text = explanation.to_string();
    assert!(text.contains("  no attested failure domain: it shares domain 0 with all who have none\n"), "{text}");
    assert!(
        text.contains("  share a    domain 0 (unattested) reaches r = 0.500000, the best p of its 2 members"),
        "{text}"
    );
}

#[test]
fn no_evidence_and_no_bond() {
    let (mut world, operators) = settle(config(), &[(1, [50, 50, 0, 0, 0, 0, 0]), (2, [0; 7])]);
    let explanation = explained(&mut world, &operators[1]);
    // p = 1 beside one of 0.5: 1 x (1 - 0.25).
    assert_eq!(explanation.losses, [lost(Cause::NoEvidence, 749_999)]);
    assert_eq!(settled(&explanation).reason, "NoEvidence");
    assert!(explanation.to_string().contains("  outcomes   none\n  p          0, because there is no attempt\n"));
}

/// A slot without a bond, as slashing all of it leaves one: its domain's reach comes wholly from the other.
#[test]
fn a_slot_without_a_bond_has_no_part_of_its_domain() {
    let (mut world, workload) = world(config());
    world.enrolled(1, 1_000, 1, workload);
    let second = world.enrolled(2, 1_000, 1, workload);
    world.open_epoch();
    world.batch(workload, &[(0, [50, 50, 0, 0, 0, 0, 0]), (1, [50, 50, 0, 0, 0, 0, 0])]);
    world.seal(workload);
    let (_, mut slots) = world.cell(workload);
    slots[1] = Slot { bond: 0, staged_bond: 0, ..slots[1] };
    world.forge().slots(&pda::cell(&workload), &slots, |_| ());
    world.settle_by(workload, ix::SETTLE_STEPS);
    let explanation = explained(&mut world, &second);
    assert_eq!(settled(&explanation).reason, "Dominated");
    // With the smallest bond it has half of 0.5; no domain and no evidence of its own helps it.
    assert_eq!(explanation.losses, [lost(Cause::NoBond, 249_999)]);
}

#[test]
fn a_slot_that_joined_later_is_told_what_it_missed() {
    let (mut world, workload) = world(config());
    world.enrolled(1, 1_000, 1, workload);
    world.open_epoch();
    let late = world.enrolled(2, 1_000, 2, workload);
    let before = explained(&mut world, &late);
    assert_eq!(before.cells[0].settled, None);
    assert!(before.to_string().contains("  no settlement to explain; the slot counts from epoch 1 on\n"), "{before}");
    assert_eq!(before.largest_loss(), None);
    world.batch(workload, &[(0, [50, 50, 0, 0, 0, 0, 0])]);
    world.finish(workload);
    let explanation = explained(&mut world, &late);
    assert_eq!(settled(&explanation).reason, "NotYetEffective");
    assert_eq!(explanation.losses, [lost(Cause::NotYetEffective, 749_999)]);
}

#[test]
fn increments_are_shared_by_bonds() {
    let (mut world, workload) = world(config());
    world.enrolled(1, 3_000, 1, workload);
    let second = world.enrolled(2, 1_000, 1, workload);
    world.open_epoch();
    world.batch(workload, &[(0, [50, 50, 0, 0, 0, 0, 0]), (1, [75, 25, 0, 0, 0, 0, 0])]);
    world.finish(workload);
    let explanation = explained(&mut world, &second);
    let settled = settled(&explanation);
    let steps = settled.increments.iter().map(|step| {
        let ends = (step.from.to_string(), step.to.to_string());
        (ends.0, ends.1, step.bond_units, step.bonds_units, step.share.to_string())
    });
    let step = |from: &str, to: &str, bonds, share: &str| (from.into(), to.into(), 1_000, bonds, share.into());
    // 0.5 x 1/4, then 0.25 alone.
    let expected = [step("0.000000", "0.500000", 4_000, "0.125000"), step("0.500000", "0.750000", 1_000, "0.250000")];
    assert_eq!(steps.collect::<Vec<_>>(), expected);
    let sum: u32 = settled.increments.iter().map(|step| step.share.0).sum();
    assert!(settled.share.0.abs_diff(sum) <= 1, "{settled:?}");
    assert_eq!(settled.share.to_string(), "0.375000");
}

#[test]
fn the_terms_of_the_integral_add_up_to_the_factor() {
    let counts = |served| [served, 100 - served, 0, 0, 0, 0, 0];
    let domains: Vec<_> = (1..=6).map(|domain| (domain, counts(40 + 10 * domain))).collect();
    for (rule, name) in [(0, "Shapley"), (1, "Banzhaf"), (2, "LastIn")] {
        let (mut world, operators) = settle(Config { rule, ..config() }, &domains);
        let explanation = explained(&mut world, &operators[0]);
        let settled = settled(&explanation);
        assert_eq!((settled.rule.as_str(), settled.others.len()), (name, 5));
        let q64 = |value: u64| value as f64 / 2f64.powi(64);
        let sum: f64 = settled.nodes.iter().map(|node| q64(node.weight.0) * q64(node.product.0)).sum();
        assert!((sum - q64(settled.factor.unwrap().0)).abs() < 1e-8, "{name}: {sum}");
        // By the definition: the product at t = 1/2 and t = 1, and its integral by Simpson's rule in 1,000 steps.
        let f =
            |t: f64| settled.others.iter().map(|other| 1.0 - t * other.reach.0 as f64 / 2f64.powi(32)).product::<f64>();
        let simpson = |k: i32| if k == 0 || k == 1_000 { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
        let expected = match rule {
            0 => (0..=1_000).map(|k| simpson(k) * f(f64::from(k) / 1_000.0)).sum::<f64>() / 3_000.0,
            1 => f(0.5),
            _ => f(1.0),
        };
        assert!((sum - expected).abs() < 1e-7, "{name}: {sum} {expected}");
    }
}

#[test]
fn the_estimate_is_what_is_then_paid() {
    let (mut world, workload) = world(Config { z_milli: 1_645, ..config() });
    let operators = [(1u8, 1), (2, 1), (3, 2)].map(|(number, domain)| world.enrolled(number, 1_000, domain, workload));
    world.open_epoch();
    let net = world.net.clone();
    let sponsor = ix::sponsor_workload(net.authority, net.address, workload, &net.token, net.treasurer, 77_777);
    world.send(&[sponsor]);
    world.batch(workload, &[(0, [90, 0, 10, 0, 0, 0, 0]), (1, [70, 0, 0, 9, 0, 0, 0]), (2, [500, 1, 2, 3, 4, 5, 6])]);
    let estimate = |world: &mut World, operator| explained(world, operator).cells[0].in_hand.clone().unwrap();
    let early = operators.each_ref().map(|operator| estimate(&mut world, operator));
    assert_eq!(early.each_ref().map(|estimate| (estimate.epoch, estimate.sealed)), [(0, false); 3]);
    world.seal(workload);
    let late = operators.each_ref().map(|operator| estimate(&mut world, operator));
    world.wait_until(world.cell(workload).0.sealed_ts + 20);
    // Settling in small steps: half-way, the estimate is still the same.
    let step = ix::settle_cell(world.net.address, workload, 0, 3_000);
    world.send(&[step]);
    let halfway = operators.each_ref().map(|operator| estimate(&mut world, operator));
    assert!(explained(&mut world, &operators[0]).cells[0].settled.is_none());
    world.settle_by(workload, ix::SETTLE_STEPS);
    let paid = operators.each_ref().map(|operator| settled(&explained(&mut world, operator)).clone());
    for (((early, late), halfway), paid) in early.iter().zip(&late).zip(&halfway).zip(&paid) {
        assert!(late.sealed && halfway.sealed);
        for estimate in [early, late, halfway] {
            assert_eq!((estimate.pool_units, estimate.reward_units), (1_077_777, paid.reward_units));
            assert_eq!((estimate.p, estimate.phi, &estimate.reason), (paid.p, paid.phi, &paid.reason));
            assert_eq!(estimate.outcomes, paid.outcomes);
        }
    }
    assert!(paid[0].reward_units > 0 && paid[0].reward_units != paid[1].reward_units);
}

#[test]
fn losses_of_all_cells_are_summed_by_cause() {
    let mut world = World::new();
    world.fund(10_000_000);
    let workloads = [world.workload(0, 6), world.workload(1, 4)];
    let operator = world.enrolled(1, 1_000, 1, workloads[0]);
    world.enroll(&operator, workloads[1]);
    let other = world.operator(2, 1_000);
    world.open_epoch();
    world.batch(workloads[0], &[(0, [80, 20, 0, 0, 0, 0, 0])]);
    world.batch(workloads[1], &[(0, [50, 20, 0, 0, 0, 30, 0])]);
    for workload in workloads {
        world.finish(workload);
    }
    let explanation = explained(&mut world, &operator);
    assert_eq!(explanation.cells.len(), 2);
    // Of 600,000: 20 % to the model; of 400,000: 20 % to it and 30 % to latency. 480,000 and 200,000 are paid.
    assert_eq!(explanation.reward_units, 479_999 + 199_999);
    let losses = [lost(Cause::ModelUnavailable, 200_000), lost(Cause::LatencyExceeded, 120_000)];
    assert_eq!(explanation.losses, losses);
    assert_eq!(explanation.unclaimed_units, explanation.reward_units);

    let nothing = explained(&mut world, &other);
    assert!(nothing.to_string().ends_with("It is enrolled in no workload; see covctl opportunities.\n"), "{nothing}");
    let stranger = Pubkey::from([9; 32]);
    assert_eq!(explain(&snapshot(&mut world), &stranger), Err(ClientError::Missing(stranger)));
}

#[test]
fn one_that_left_and_one_whose_cell_is_retired() {
    let (mut world, workload) = world(config());
    let operator = world.enrolled(1, 1_000, 1, workload);
    world.open_epoch();
    world.send(&[ix::leave_cell(operator.wallet, world.net.address, workload, 0)]);
    world.batch(workload, &[(0, [80, 20, 0, 0, 0, 0, 0])]);
    world.finish(workload);
    let explanation = explained(&mut world, &operator);
    assert_eq!((explanation.reward_units, explanation.cells[0].left_epoch), (799_999, Some(1)));
    assert!(explanation.to_string().contains("  it has left: epochs from 1 on do not count\n"));
    world.wait_until(coverage_tests::GENESIS + EPOCH);
    world.open_epoch();
    world.finish(workload);
    let explanation = explained(&mut world, &operator);
    assert_eq!((settled(&explanation).reason.as_str(), explanation.losses.len()), ("Retired", 0));
    let nothing = "Nothing that it could have done better would have earned it more.\n";
    assert!(explanation.to_string().ends_with(nothing), "{explanation}");
}
