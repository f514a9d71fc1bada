//! The facts of the model and the kernel's invariants, each under its own name, on random cells.
#![allow(clippy::arithmetic_side_effects, clippy::float_arithmetic)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use coverage_math::attestation::Entry;
use coverage_math::cell::{Reason, Slot, Terms};
use coverage_math::domains::MAX_BOND;
use coverage_math::pool;
use coverage_math::reliability::{Evidence, OUTCOMES};
use coverage_math::semivalue::Rule;
use proptest::prelude::*;
use support::{settle, settle_in_pieces};

fn rules() -> impl Strategy<Value = Rule> {
    prop_oneof![Just(Rule::Shapley), Just(Rule::Banzhaf), Just(Rule::LastIn)]
}

fn outcomes() -> impl Strategy<Value = [u32; OUTCOMES]> {
    prop_oneof![
        3 => prop::array::uniform7(0u32..50),
        1 => prop::array::uniform7(0u32..500_000_000),
        1 => (0u32..2000).prop_map(|served| [served, 0, 0, 0, 0, 0, 0]),
        1 => Just([0; OUTCOMES]),
    ]
}

fn bonds() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1_000), 0u64..10_000, 0..=MAX_BOND]
}

fn slots(most: usize) -> impl Strategy<Value = Vec<Slot>> {
    let domains = prop_oneof![Just(1u32), Just(4), Just(1_000)];
    (1..=most, domains).prop_flat_map(|(count, domains)| {
        prop::collection::vec((0..domains, bonds(), outcomes()), count).prop_map(|rows| {
            rows.into_iter().map(|(domain, bond, outcomes)| support::slot(domain, bond, outcomes)).collect()
        })
    })
}

fn terms() -> impl Strategy<Value = Terms> {
    (rules(), 0u32..3_000, prop_oneof![Just(200u16), Just(10_000)], any::<u64>()).prop_map(
        |(rule, z_milli, breach_bps, pool)| Terms { epoch: 3, rule, z_milli, breach_bps, slash_bps: 1_000, pool },
    )
}

proptest! {
    #[test]
    fn i2_conservation_sum_of_rewards_and_carry_and_returned_is_the_pool(
        mut slots in slots(60), terms in terms(), epochs in 0u16..10, unit in 0u64..1 << 40, weight in 0u64..1 << 20,
    ) {
        let settled = settle(&mut slots, &terms);
        let rewards: u128 = slots.iter().map(|slot| u128::from(slot.reward)).sum();
        prop_assert_eq!(rewards, u128::from(settled.paid));
        let cap = pool::carry_cap(epochs, unit, weight);
        prop_assert_eq!(u128::from(cap), u128::from(unit) * u128::from(weight) * u128::from(epochs));
        let rest = pool::remainder(terms.pool, settled.paid, cap).unwrap();
        prop_assert_eq!(rewards + u128::from(rest.carry) + u128::from(rest.returned), u128::from(terms.pool));
        prop_assert_eq!(rest.carry, cap.min(terms.pool - settled.paid));
    }

    #[test]
    fn i3_coverage_bound_sum_of_phi_is_at_most_coverage(mut slots in slots(120), terms in terms()) {
        let settled = settle(&mut slots, &terms);
        let sum: u128 = slots.iter().map(|slot| u128::from(slot.phi_q64)).sum();
        prop_assert!(sum <= u128::from(settled.coverage_q64), "{sum} > {}", settled.coverage_q64);
    }

    #[test]
    fn shapley_pays_out_all_coverage(mut slots in slots(120), mut terms in terms()) {
        terms.rule = Rule::Shapley;
        for slot in &mut slots {
            slot.staged_bond = slot.bond.max(1); // a domain without any bond leaves its share unpaid
        }
        let settled = settle(&mut slots, &terms);
        let sum: f64 = support::phi(&slots).iter().sum();
        let coverage = settled.coverage_q64 as f64 / support::ONE_Q64;
        prop_assert!((sum - coverage).abs() < 1e-6, "{sum} of {coverage}");
    }

    #[test]
    fn i7_determinism_settling_in_many_pieces_gives_identical_bytes(
        slots in slots(80), terms in terms(), budgets in prop::collection::vec(1_000u64..120_000, 1..20),
    ) {
        let mut whole = slots.clone();
        let settled = settle(&mut whole, &terms);
        let mut pieces = slots;
        // The last one covers the largest single step there can be, a domain of all slots.
        let mut next = budgets.iter().chain([&200_000]).cycle();
        let (again, _) = settle_in_pieces(&mut pieces, &terms, || *next.next().unwrap());
        prop_assert_eq!(whole, pieces);
        prop_assert_eq!(settled, again);
    }

    #[test]
    fn order_of_slots_is_irrelevant(slots in slots(40), terms in terms(), seed: u64) {
        let mut shuffled: Vec<usize> = (0..slots.len()).collect();
        shuffled.sort_by_key(|index| (*index as u64 + 1).wrapping_mul(seed | 1));
        let mut straight = slots.clone();
        settle(&mut straight, &terms);
        let mut permuted: Vec<Slot> = shuffled.iter().map(|index| slots[*index]).collect();
        settle(&mut permuted, &terms);
        for (slot, index) in permuted.iter().zip(shuffled) {
            prop_assert_eq!((slot.phi_q64, slot.share_q32, slot.reward, slot.reason),
                (straight[index].phi_q64, straight[index].share_q32, straight[index].reward, straight[index].reason));
        }
    }

    #[test]
    fn splitting_an_identity_with_its_bond_inside_a_domain_gains_nothing(
        slots in slots(30), terms in terms(), parts in 2usize..6, victim: prop::sample::Index,
    ) {
        let victim = victim.index(slots.len());
        let mut before = slots.clone();
        settle(&mut before, &terms);
        // Equal p needs equal evidence: every part is given all of it, which is more than it could have.
        let mut after = slots;
        let bond = after[victim].bond;
        let part = bond / parts as u64;
        after[victim].staged_bond = bond - part * (parts as u64 - 1);
        let twin = Slot { staged_bond: part, ..after[victim] };
        after.extend(std::iter::repeat_n(twin, parts - 1));
        let count = after.len();
        settle(&mut after, &terms);
        let gained: u128 = std::iter::once(victim).chain(count - parts + 1..count)
            .map(|index| u128::from(after[index].phi_q64)).sum();
        prop_assert!(gained <= u128::from(before[victim].phi_q64));
    }

    #[test]
    fn raising_an_operators_reliability_never_lowers_its_phi(
        slots in slots(30), rule in rules(), more in 1u32..1_000, victim: prop::sample::Index,
    ) {
        let terms = Terms { epoch: 3, rule, z_milli: 0, breach_bps: 10_000, slash_bps: 1_000, pool: 0 };
        let victim = victim.index(slots.len());
        let mut before = slots.clone();
        settle(&mut before, &terms);
        let mut after = slots;
        prop_assume!(after[victim].add(&[more, 0, 0, 0, 0, 0, 0]).is_ok());
        settle(&mut after, &terms);
        prop_assert!(after[victim].p_q32 >= before[victim].p_q32);
        // Up to the last digits: the domain's own factor is divided out of a rounded product.
        let slack = (before[victim].phi_q64 >> 24) + (1 << 36);
        prop_assert!(after[victim].phi_q64.saturating_add(slack) >= before[victim].phi_q64);
    }

    #[test]
    fn an_operator_without_evidence_gets_nothing(mut slots in slots(30), terms in terms()) {
        settle(&mut slots, &terms);
        for slot in &slots {
            if slot.p_q32 == 0 {
                prop_assert_eq!((slot.phi_q64, slot.reward), (0, 0));
                prop_assert!(slot.reason != Reason::Paid as u8);
            }
        }
    }

    #[test]
    fn symmetric_operators_get_equal_phi(slots in slots(30), terms in terms(), own_domain: bool) {
        let mut slots = slots;
        let domain = |number: u32| if own_domain { 5_000 + number } else { 5_000 };
        for number in 0..2 {
            slots.push(support::slot(domain(number), 777, [40, 1, 0, 2, 9, 0, 0]));
        }
        settle(&mut slots, &terms);
        let twins = &slots[slots.len() - 2..];
        prop_assert_eq!(twins[0].phi_q64, twins[1].phi_q64);
        prop_assert_eq!(twins[0].reward, twins[1].reward);
    }

    #[test]
    fn adding_a_domain_never_raises_anothers_phi(slots in slots(14), terms in terms()) {
        // At most 15 domains: both cells use the same nodes, so the fact holds up to the last digits.
        let mut before = slots.clone();
        settle(&mut before, &terms);
        let mut after = slots;
        after.push(support::slot(9_999, 1_000, [30, 1, 0, 0, 0, 0, 0]));
        settle(&mut after, &terms);
        for (old, new) in before.iter().zip(&after) {
            prop_assert!(new.phi_q64 <= old.phi_q64.saturating_add((old.phi_q64 >> 24) + (1 << 36)));
        }
    }

    #[test]
    fn routing_failures_are_never_held_against_the_operator(tally in prop::array::uniform7(0u32..1_000), z in 0u32..3_000) {
        let mut without = tally;
        without[4] = 0;
        prop_assert_eq!(Evidence::of(&tally).unwrap(), Evidence::of(&without).unwrap());
        prop_assert_eq!(Evidence::of(&tally).unwrap().wilson_q32(z), Evidence::of(&without).unwrap().wilson_q32(z));
    }

    #[test]
    fn wilson_never_exceeds_the_exact_bound(tally in prop::array::uniform7(0u32..600_000_000), scale in 0u32..30, z_milli in 0u32..10_000) {
        let evidence = Evidence::of(&tally.map(|count| count >> scale)).unwrap();
        prop_assume!(evidence.attempts > 0);
        let (s, n, z) = (f64::from(evidence.served), f64::from(evidence.attempts), f64::from(z_milli) / 1000.0);
        let exact = (s + z * z / 2.0 - z * (s * (n - s) / n + z * z / 4.0).sqrt()) / (n + z * z);
        let p = f64::from(evidence.wilson_q32(z_milli)) / support::ONE_Q32;
        prop_assert!(p <= exact + 1e-12, "{p} > {exact}");
        prop_assert!(p >= exact - 2f64.powi(-29), "{p} << {exact}");
    }

    #[test]
    fn no_input_panics(
        rows in prop::collection::vec((any::<u32>(), any::<u64>(), any::<[u32; OUTCOMES]>(), any::<u64>()), 0..40),
        z_milli: u32, breach_bps: u16, pool: u64, epoch: u64, rule in rules(),
    ) {
        let mut slots: Vec<Slot> = rows.into_iter().map(|(domain, bond, tally, joined)| {
            let mut slot = Slot::new([1; 32], bond, domain, joined);
            slot.tally = tally;
            slot
        }).collect();
        let mut order = vec![0; slots.len()];
        let mut progress = bytemuck::Zeroable::zeroed();
        let terms = Terms { epoch, rule, z_milli, breach_bps, slash_bps: 1_000, pool };
        let _ = coverage_math::cell::settle(&mut slots, &mut order, &mut progress, &terms, u64::MAX);
    }

    #[test]
    fn hostile_progress_is_an_error_and_not_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 248), order in prop::collection::vec(any::<u16>(), 20), mut slots in slots(20),
        terms in terms(), scratch in any::<(u32, u16)>(),
    ) {
        for slot in &mut slots {
            slot.scratch_reach_q32 = scratch.0;
            slot.scratch_end = scratch.1;
        }
        let mut progress = *bytemuck::from_bytes(&aligned(&bytes));
        let mut order = order;
        let _ = coverage_math::cell::settle(&mut slots, &mut order, &mut progress, &terms, 1_000_000);
    }
}

fn aligned(bytes: &[u8]) -> Vec<u8> {
    let mut words = vec![0u64; bytes.len() / 8];
    bytemuck::cast_slice_mut(&mut words).copy_from_slice(bytes);
    bytemuck::cast_slice(&words).to_vec()
}

#[test]
fn the_worked_example_of_the_model() {
    // A and B share domain 1 at p 0.9, C is alone in domain 2 at p 0.5; pool 1,000,000.
    let cell = |domain_of_b| {
        let mut slots = vec![
            support::slot_p(1, 1_000, 900_000),
            support::slot_p(domain_of_b, 1_000, 900_000),
            support::slot_p(2, 1_000, 500_000),
        ];
        let settled = settle(&mut slots, &support::terms(Rule::Shapley, 1_000_000));
        let rewards: Vec<u64> = slots.iter().map(|slot| slot.reward).collect();
        (rewards, settled)
    };
    // Rounded down for the payee: one unit below the exact 337,500 · 337,500 · 275,000 (carry 50,000).
    let (rewards, settled) = cell(1);
    assert_eq!(rewards, [337_499, 337_499, 274_999]);
    assert_eq!(settled.paid, 949_997);
    assert_eq!((settled.coverage_q64 as f64 / support::ONE_Q64 * 1e9).round(), 950_000_000.0);
    assert_eq!((settled.domains, settled.contributing), (2, 3));
    let (rewards, settled) = cell(3);
    assert_eq!(rewards, [404_999, 404_999, 184_999]);
    assert_eq!((settled.coverage_q64 as f64 / support::ONE_Q64 * 1e9).round(), 995_000_000.0);
}

#[test]
fn reasons_say_why() {
    let mut slots = vec![
        support::slot(1, 10, [9, 1, 0, 0, 0, 0, 0]),
        support::slot(2, 10, [0, 0, 0, 0, 5, 0, 0]),
        support::slot(3, 10, [90, 0, 0, 0, 0, 0, 10]),
        support::slot(1, 0, [5, 5, 0, 0, 0, 0, 0]),
        Slot::new([0; 32], 10, 4, 8),
        Slot { state: coverage_math::cell::LEFT, ..support::slot(5, 10, [9, 0, 0, 0, 0, 0, 0]) },
    ];
    let terms = Terms { breach_bps: 200, ..support::terms(Rule::Shapley, 1_000) };
    settle(&mut slots, &terms);
    let reasons: Vec<_> = slots.iter().map(|slot| Reason::from_index(slot.reason).unwrap()).collect();
    assert_eq!(
        reasons,
        [
            Reason::Paid,
            Reason::NoEvidence,
            Reason::VerificationBreach,
            Reason::Dominated,
            Reason::NotYetEffective,
            Reason::Retired
        ]
    );
    assert!(slots.iter().all(|slot| slot.tally == [0; 7]));
    assert_eq!(slots[0].settled_tally, [9, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_staged_bond_and_domain_count_from_their_epoch_on() {
    let mut slot = support::slot(1, 10, [9, 0, 0, 0, 0, 0, 0]);
    (slot.staged_bond, slot.staged_domain, slot.staged_epoch) = (99, 6, 8);
    let mut slots = [slot];
    settle(&mut slots, &support::terms(Rule::Shapley, 1_000));
    assert_eq!((slots[0].bond, slots[0].domain), (10, 1));
    settle(&mut slots, &Terms { epoch: 8, ..support::terms(Rule::Shapley, 1_000) });
    assert_eq!((slots[0].bond, slots[0].domain), (99, 6));
}

#[test]
fn counters_that_do_not_fit_are_refused_and_change_nothing() {
    let mut slot = support::slot(1, 10, [u32::MAX, 0, 0, 0, 7, 0, 0]);
    let before = slot;
    for counts in [[1, 0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0]] {
        assert_eq!(slot.add(&counts), Err(coverage_math::cell::CellError::TooManyAttempts));
        assert_eq!(slot, before);
    }
    slot.add(&[0, 0, 0, 0, 1, 0, 0]).unwrap(); // routing failures are no attempts
    let before = slot;
    let error = slot.add(&[0, 0, 0, 0, u32::MAX - 7, 0, 0]);
    assert_eq!((error, slot), (Err(coverage_math::cell::CellError::TooManyAttempts), before)); // but are counted too
}

#[test]
fn a_slot_counts_from_the_very_epoch_it_joined_for() {
    let joined = |epoch| {
        let mut slots = [Slot { joined_epoch: epoch, ..support::slot(1, 10, [9, 0, 0, 0, 0, 0, 0]) }];
        settle(&mut slots, &support::terms(Rule::Shapley, 1_000)); // epoch 7
        Reason::from_index(slots[0].reason).unwrap()
    };
    assert_eq!(joined(7), Reason::Paid);
    assert_eq!(joined(8), Reason::NotYetEffective);
}

#[test]
fn a_product_of_one_last_unit_still_divides() {
    // Leave-one-out with p = 1 − 2^-32 and 1 − 2^-31: the product of both factors is the last unit of Q64.
    let almost = u32::MAX / 2;
    let mut slots = [support::slot(1, 10, [10, 0, 0, 0, 0, 0, 0]), support::slot(2, 10, [almost, 1, 0, 0, 0, 0, 0])];
    settle(&mut slots, &support::terms(Rule::LastIn, 0));
    assert_eq!((slots[0].p_q32, slots[1].p_q32), (u32::MAX, u32::MAX - 1));
    // Exactly 2^-31 and 2^-32 times a share of almost one; of so small a product the last bit may be cut off.
    for (slot, exact) in slots.iter().zip([1u64 << 33, 1 << 32]) {
        assert!(slot.phi_q64 <= exact && slot.phi_q64 >= exact / 4, "{} of {exact}", slot.phi_q64);
    }
}

#[test]
fn a_share_never_exceeds_the_level_whatever_the_bond() {
    let mut increments = coverage_math::domains::Increments::default();
    increments.rise_to(1_000, 3);
    assert_eq!(increments.share_q32(3), 999); // rounded down
    assert_eq!(increments.share_q32(u64::MAX), 1_000);
}

#[test]
fn entries_are_for_strictly_increasing_slots_that_count_already() {
    use coverage_math::cell::{CellError, add_entries};
    let entry = |slot, reserved| Entry { slot, reserved, counts: [2, 0, 0, 0, 1, 0, 0] };
    let cell = || [Slot::new([0; 32], 1, 1, 0), Slot::new([0; 32], 1, 1, 7), Slot::new([0; 32], 1, 1, 8)];
    let mut slots = cell();
    assert_eq!(add_entries(&mut slots, &[entry(0, 0), entry(1, 0)], 7), Ok(6));
    assert_eq!(
        (slots[0].tally, slots[1].tally, slots[2].tally),
        ([2, 0, 0, 0, 1, 0, 0], [2, 0, 0, 0, 1, 0, 0], [0; 7])
    );
    let refused = |entries: &[Entry]| add_entries(&mut cell(), entries, 7).unwrap_err();
    assert_eq!(refused(&[entry(0, 0), entry(0, 0)]), CellError::BadSlot);
    assert_eq!(refused(&[entry(1, 0), entry(0, 0)]), CellError::BadSlot);
    assert_eq!(refused(&[entry(3, 0)]), CellError::BadSlot);
    assert_eq!(refused(&[entry(0, 1)]), CellError::BadSlot);
    assert_eq!(refused(&[entry(2, 0)]), CellError::NotEffective);
}

#[test]
fn operators_that_begin_alike_are_told_apart() {
    let mut twin = [7; 32];
    twin[31] = 8;
    let slots = [Slot::new(twin, 1, 1, 0), Slot::new([7; 32], 1, 1, 0)];
    assert_eq!(coverage_math::cell::find(&slots, &[7; 32]), Some(1));
    assert_eq!(coverage_math::cell::find(&slots, &twin), Some(0));
    assert_eq!(coverage_math::cell::find(&slots, &[9; 32]), None);
}

#[test]
fn what_is_earned_adds_up_over_epochs() {
    let mut slots = [support::slot(1, 10, [9, 1, 0, 0, 0, 0, 0])];
    settle(&mut slots, &support::terms(Rule::Shapley, 1_000));
    slots[0].add(&[1, 1, 0, 0, 0, 0, 0]).unwrap();
    settle(&mut slots, &Terms { epoch: 8, ..support::terms(Rule::Shapley, 1_000) });
    assert_eq!((slots[0].reward, slots[0].earned), (499, 899 + 499));
}

#[test]
fn a_unit_never_promises_more_than_the_treasury_has() {
    assert_eq!(pool::unit(1_000, 5_000, 3), 333);
    assert_eq!(pool::unit(1_000, 500, 3), 166);
    assert_eq!(pool::unit(1_000, 500, 0), 0);
    assert_eq!(pool::pool(u64::MAX, 2, 0, 0), None);
}
