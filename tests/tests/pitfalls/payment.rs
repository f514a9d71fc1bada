//! Who is paid what, and who decides.

use crate::{GOOD, world};
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Reason;
use coverage_settlement::state::{Network, Operator};
use coverage_tests::{CoverageError, World};

#[test]
fn full_pay_with_zero_requests_served() {
    let (mut world, workload, _) = world();
    world.enrolled(2, 2_000, 2, workload);
    world.enrolled(3, 2_000, 3, workload);
    world.finish(workload);
    world.open_epoch();
    // Nothing but the network's own failures, nothing served, nothing attested.
    world.batch(workload, &[(0, [0, 0, 0, 0, 50, 0, 0]), (1, [0, 50, 0, 0, 0, 0, 0])]);
    let (cell, slots) = world.finish(workload);
    for slot in &slots {
        assert_eq!((slot.reward, slot.reason), (0, Reason::NoEvidence as u8));
    }
    assert_eq!((cell.last.paid, cell.last.carry), (0, cell.last.pool));
}

#[test]
fn a_minimum_reward_that_makes_splitting_profitable() {
    let pay = |bonds: &[u64]| -> u64 {
        let mut world = World::new();
        world.fund(1_000);
        let workload = world.workload(0, 1);
        world.enrolled(100, 5_000, 1, workload);
        for (number, bond) in (1..).zip(bonds) {
            world.enrolled(number, *bond, 1, workload);
        }
        world.open_epoch();
        let counts: Vec<_> = (0..=bonds.len() as u16).map(|slot| (slot, GOOD)).collect();
        world.batch(workload, &counts);
        world.finish(workload).1[1..].iter().map(|slot| slot.reward).sum()
    };
    let whole = pay(&[8_000]);
    assert_eq!(whole, 553, "8 of 13 parts of 900");
    // Eight identities with the same bond among them get no more, and what rounding takes they lose.
    assert!(pay(&[1_000; 8]) <= whole);
    assert!(pay(&[4_000, 3_000, 1_000]) <= whole);
}

#[test]
fn rewards_burned_or_unpayable_because_no_recipient_was_set() {
    let (mut world, workload, operator) = world();
    let nobody = world.wallet(9);
    let net = world.net.clone();
    let register = |payout| ix::register_operator(nobody.wallet, net.address, &net.token, nobody.source, payout, 1_000);
    world.refuses(register([0; 32].into()), CoverageError::InvalidPayout);
    // The payout account is not there: whoever pushes the claim creates it.
    world.batch(workload, &[(0, GOOD)]);
    world.finish(workload);
    let account = pda::token_account(&operator.payout, &net.token);
    assert!(world.cluster.svm.get_account(&account).is_none());
    assert_eq!(world.claim(&operator, &[(workload, 0)]), 899_999);
}

#[test]
fn remainders_given_to_leaf_0() {
    let mut world = World::new();
    world.fund(1_000);
    let workload = world.workload(0, 1);
    for number in 1..=7 {
        world.enrolled(number, 1_000, u32::from(number), workload);
    }
    world.open_epoch();
    let counts: Vec<_> = (0..7).map(|slot| (slot, GOOD)).collect();
    world.batch(workload, &counts);
    let (cell, slots) = world.finish(workload);
    assert!(slots.iter().all(|slot| slot.reward == slots[0].reward), "equal operators, equal rewards");
    assert_eq!(cell.carry, 1_000 - 7 * slots[0].reward, "the dust waits for the next epoch");
    assert_eq!(slots[0].reward, 142);
}

#[test]
fn insolvent_payouts() {
    // An emission of a million from a treasury of ten: what is not there is not promised.
    let mut world = World::new();
    let workload = world.workload(0, 3);
    world.fund(10);
    let operator = world.enrolled(1, 2_000, 1, workload);
    world.open_epoch();
    assert_eq!(world.epoch(0).unit, 3);
    assert_eq!(world.get::<Network>(&world.net.address).treasury_available, 1);
    world.batch(workload, &[(0, [1, 0, 0, 0, 0, 0, 0])]);
    let (cell, _) = world.finish(workload);
    assert_eq!((cell.last.pool, cell.last.paid), (9, 8));
    assert_eq!(world.claim(&operator, &[(workload, 0)]), 8);
    world.open_epoch();
    assert_eq!(world.epoch(1).unit, 0);
}

#[test]
fn an_admin_who_can_redirect() {
    let (mut world, workload, operator) = world();
    world.batch(workload, &[(0, GOOD)]);
    world.finish(workload);
    let net = world.net.clone();
    // The authority's signature, the authority's payout.
    let claim =
        ix::claim_rewards(net.authority, net.address, &net.token, operator.account, net.authority, &[(workload, 0)]);
    world.refuses(claim, CoverageError::WrongPayout);
    // It retires the workload, replaces the committee and the guardian: what is earned stays the operator's.
    world.open_epoch();
    world.send(&[
        ix::set_workload_weight(net.authority, net.address, workload, 0),
        ix::set_guardian(net.authority, net.address, net.authority),
    ]);
    world.send(&[ix::pause(net.authority, net.address, 7, 604_800)]);
    assert_eq!(world.claim(&operator, &[(workload, 0)]), 899_999);
}

#[test]
fn a_bot_looping_on_what_is_already_claimed() {
    let (mut world, workload, operator) = world();
    let claim = world.claim_instruction(&operator, &[(workload, 0)]);
    // Nothing earned yet: no error, no event, and no payout account made at the bot's expense.
    let before = world.account(&pda::cell(&workload));
    assert!(world.events(std::slice::from_ref(&claim)).is_empty());
    let account = pda::token_account(&operator.payout, &world.net.token);
    assert!(world.cluster.svm.get_account(&account).is_none());
    assert_eq!(world.account(&pda::cell(&workload)), before);
    world.batch(workload, &[(0, GOOD)]);
    world.finish(workload);
    assert_eq!(world.events(std::slice::from_ref(&claim)).len(), 1);
    for _ in 0..3 {
        assert!(world.events(std::slice::from_ref(&claim)).is_empty());
    }
    assert_eq!(world.paid_out(&operator), 899_999);
}

#[test]
fn a_wallet_that_pays_its_own_fee_is_paid_as_well() {
    // Anchor refuses an account named twice if one of its names is writable; wallets are the exception.
    let (mut world, workload, operator) = world();
    world.batch(workload, &[(0, GOOD)]);
    world.finish(workload);
    let payout = coverage_tests::keypair(b'p', 0, 1);
    let wallet = world.cluster.add_signer(payout);
    world.forge().header::<Operator>(&operator.account, |account| account.payout = wallet);
    let (net, account) = (world.net.clone(), pda::token_account(&wallet, &world.net.token));
    world.send(&[ix::claim_rewards(wallet, net.address, &net.token, operator.account, wallet, &[(workload, 0)])]);
    assert_eq!(world.cluster.tokens(&account), 899_999);

    world.open_epoch();
    world.send(&[ix::leave_cell(operator.wallet, net.address, workload, 0)]);
    world.send(&[ix::unbond(operator.wallet, net.address, 1_000)]);
    world.set_time(world.get::<Operator>(&operator.account).bond.withdrawable_ts);
    let before = world.cluster.tokens(&operator.source);
    world.send(&[ix::withdraw_bond(operator.wallet, net.address, &net.token, operator.wallet)]);
    assert_eq!(world.cluster.tokens(&operator.source) - before, 1_000);
}

#[test]
fn a_claim_in_the_middle_of_a_settlement_pays_what_is_booked() {
    let mut world = World::new();
    world.fund(10_000_000);
    let workload = world.workload(0, 1);
    let operators = [1, 2, 3, 4].map(|number| world.enrolled(number, 5_000, u32::from(number), workload));
    let counts: Vec<_> = (0..4).map(|slot| (slot, GOOD)).collect();
    let mut paid = 0;
    for epoch in 0..2 {
        world.open_epoch();
        world.batch(workload, &counts);
        world.seal(workload);
        if epoch == 0 {
            assert_eq!(world.settle_by(workload, ix::SETTLE_STEPS), 1);
            paid = world.cell(workload).1[0].earned;
            assert!(paid > 0);
        }
    }
    world.wait_until(world.cell(workload).0.sealed_ts + coverage_tests::CHALLENGE);
    // Step by step, until some rewards are credited and the settlement is not booked.
    let step = ix::settle_cell(world.net.address, workload, 1, 1_500);
    while world.cell(workload).1[0].earned == paid {
        world.send(std::slice::from_ref(&step));
    }
    assert_eq!(world.cell(workload).0.epoch, 1, "half settled");
    assert_eq!(world.claim(&operators[0], &[(workload, 0)]), paid, "of the epoch before");
    assert_eq!(world.claim(&operators[0], &[(workload, 0)]), 0);
    world.settle_by(workload, 1_500);
    let (cell, slots) = world.cell(workload);
    assert_eq!(cell.earned, slots.iter().map(|slot| slot.earned).sum::<u64>());
    assert_eq!(world.claim(&operators[0], &[(workload, 0)]), slots[0].reward);
}
