//! Bonds of operators and attesters, in and out, on the compiled program: every unit and every second.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

mod attesters;

use coverage_client::events::Event;
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Reason;
use coverage_settlement::events::BondCause;
use coverage_settlement::state::{Bond, Config, Network, Operator as OperatorAccount};
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GENESIS, GRACE, Operator, World, config};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// The end of the last window in which anything of epoch 0 can be slashed, and an epoch after it.
const OUT_OF_EPOCH_0: i64 = GENESIS + EPOCH + GRACE + CHALLENGE + EPOCH;

/// 90 of 100 served.
const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];
/// Served as often, but more than 2 % of the attempts failed verification.
const BREACH: [u32; 7] = [90, 0, 0, 0, 0, 0, 10];

fn network(world: &World) -> Network {
    world.get(&world.net.address)
}

fn bond(world: &World, operator: &Operator) -> Bond {
    world.get::<OperatorAccount>(&operator.account).bond
}

fn add(world: &World, operator: &Operator, amount: u64) -> Instruction {
    let net = &world.net;
    ix::add_bond(operator.wallet, net.address, &net.token, operator.source, amount)
}

fn withdraw(world: &World, operator: &Operator) -> Instruction {
    ix::withdraw_bond(world.payer, world.net.address, &world.net.token, operator.wallet)
}

fn add_seat(world: &World, place: u8, amount: u64) -> Instruction {
    let net = &world.net;
    ix::add_attester_bond(net.authority, net.address, &net.token, net.treasurer, place, amount)
}

/// The one event of a bond.
#[track_caller]
fn changed(world: &mut World, instruction: Instruction) -> (Pubkey, u64, u64, Bond, Bond) {
    let events = world.events(&[instruction]);
    let [Event::BondChanged(event)] = events[..] else { panic!("{} events", events.len()) };
    assert_eq!(event.network, world.net.address);
    (event.holder, event.cause, event.amount_units, event.before, event.after)
}

#[test]
fn an_operators_bond_goes_in_and_out_to_the_second() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.wallet(1);
    let registration = world.registration(&operator, 2_500);
    let events = world.events(&[registration]);
    let [Event::OperatorRegistered(registered), Event::BondChanged(first)] = events[..] else { panic!() };
    assert_eq!((registered.wallet, registered.payout), (operator.wallet, operator.payout));
    assert_eq!((registered.operator, registered.domain_version), (operator.account, 1 << 32));
    let whole = |units| Bond { units, ..Bond::default() };
    assert_eq!((first.cause, first.amount_units), (BondCause::Added as u64, 2_500));
    assert_eq!((first.before, first.after), (Bond::default(), whole(2_500)));
    let added = add(&world, &operator, 500);
    let expected = (operator.account, BondCause::Added as u64, 500, whole(2_500), whole(3_000));
    assert_eq!(changed(&mut world, added), expected);
    assert_eq!((network(&world).operator_bonds, world.cluster.tokens(&operator.source)), (3_000, (1 << 53) - 3_000));

    world.open_epoch();
    let unbond = |amount| ix::unbond(operator.wallet, world_network(), amount);
    let going = |units, unbonding, withdrawable_ts| Bond { units, unbonding, withdrawable_ts };
    let expected =
        (operator.account, BondCause::Unbonding as u64, 700, whole(3_000), going(3_000, 700, OUT_OF_EPOCH_0));
    assert_eq!(changed(&mut world, unbond(700)), expected);
    world.refuses(unbond(2_301), CoverageError::NotBonded);
    world.refuses(unbond(0), CoverageError::ZeroAmount);
    // Without slots all of it may go; what went before waits for nothing new within the epoch.
    world.set_time(GENESIS + EPOCH - 1);
    world.send(&[unbond(2_300)]);
    assert_eq!(bond(&world, &operator), going(3_000, 3_000, OUT_OF_EPOCH_0));
    assert_eq!(network(&world).operator_bonds, 3_000, "it can still be slashed");
    world.refuses(unbond(1), CoverageError::NotBonded);

    world.set_time(OUT_OF_EPOCH_0 - 1);
    world.refuses(withdraw(&world, &operator), CoverageError::StillBonded);
    world.set_time(OUT_OF_EPOCH_0);
    let out = withdraw(&world, &operator);
    let before = going(3_000, 3_000, OUT_OF_EPOCH_0);
    let expected = (operator.account, BondCause::Withdrawn as u64, 3_000, before, Bond::default());
    assert_eq!(changed(&mut world, out), expected);
    assert_eq!((network(&world).operator_bonds, world.cluster.tokens(&operator.source)), (0, 1 << 53));
    world.refuses(withdraw(&world, &operator), CoverageError::NotBonded);
    world.assert_solvent(&[workload]);
}

/// The address of every world's first network.
fn world_network() -> Pubkey {
    pda::network(1)
}

#[test]
fn what_is_unbonded_later_makes_all_of_it_wait() {
    let mut world = World::new();
    world.workload(0, 1);
    let operator = world.operator(1, 9_000);
    let unbond = ix::unbond(operator.wallet, world_network(), 1_000);
    // Before the first epoch nothing can be slashed: an epoch from now.
    world.send(std::slice::from_ref(&unbond));
    assert_eq!(bond(&world, &operator).withdrawable_ts, GENESIS - 50 + EPOCH);
    world.open_epoch();
    world.send(std::slice::from_ref(&unbond));
    assert_eq!(bond(&world, &operator).withdrawable_ts, OUT_OF_EPOCH_0);
    world.set_time(GENESIS + EPOCH);
    world.refuses(unbond.clone(), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.send(std::slice::from_ref(&unbond));
    let until = OUT_OF_EPOCH_0 + EPOCH;
    assert_eq!(bond(&world, &operator), Bond { units: 9_000, unbonding: 3_000, withdrawable_ts: until });
    // Long after the last window: an epoch from now again.
    world.set_time(GENESIS + 3 * EPOCH);
    world.refuses(unbond.clone(), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.open_epoch();
    world.set_time(GENESIS + 4 * EPOCH - 1);
    world.send(&[unbond]);
    assert_eq!(bond(&world, &operator).withdrawable_ts, OUT_OF_EPOCH_0 + 3 * EPOCH);
    world.refuses(withdraw(&world, &operator), CoverageError::StillBonded);
    world.set_time(OUT_OF_EPOCH_0 + 3 * EPOCH);
    world.send(&[withdraw(&world, &operator)]);
    assert_eq!(bond(&world, &operator), Bond { units: 5_000, ..Bond::default() });
}

#[test]
fn a_bond_that_is_added_counts_from_the_next_epoch_after_syncing() {
    let mut world = World::new();
    world.fund(3_000_000);
    let workload = world.workload(0, 1);
    let first = world.enrolled(1, 1_000, 1, workload);
    let second = world.enrolled(2, 3_000, 1, workload);
    let sync = |operator: &Operator, slot| ix::sync_slot(world_network(), operator.account, workload, slot);
    world.open_epoch();
    world.send(&[add(&world, &first, 2_000)]);
    world.send(&[sync(&first, 0)]);
    world.send(&[ix::unbond(second.wallet, world_network(), 1_000)]);
    world.batch(workload, &[(0, GOOD), (1, GOOD)]);
    let (cell, slots) = world.finish(workload);
    // One domain of reach 0.9 shared by 1,000 to 3,000: 225,000 and 675,000, each rounded down.
    assert_eq!(slots.iter().map(|slot| slot.settled_bond).collect::<Vec<_>>(), [1_000, 3_000]);
    assert_eq!(slots.iter().map(|slot| slot.reward).collect::<Vec<_>>(), [224_999, 674_999]);
    assert_eq!(cell.carry, 100_002);
    world.assert_solvent(&[workload]);

    world.open_epoch();
    world.batch(workload, &[(0, GOOD), (1, GOOD)]);
    let (cell, slots) = world.finish(workload);
    // 3,000 each: what the second sends on its way counts until somebody syncs its slot.
    assert_eq!(slots.iter().map(|slot| slot.settled_bond).collect::<Vec<_>>(), [3_000, 3_000]);
    assert_eq!((cell.last.pool, slots[0].reward, slots[1].reward), (1_100_002, 495_000, 495_000));
    world.assert_solvent(&[workload]);

    world.open_epoch();
    let events = world.events(&[sync(&second, 1)]);
    let [Event::SlotSynced(event)] = events[..] else { panic!() };
    assert_eq!((event.slot, event.epoch, event.bond_before_units, event.bond_units), (1, 3, 3_000, 2_000));
    assert_eq!(world.events(&[sync(&second, 1)]).len(), 0, "nothing new, nothing to tell");
    world.finish(workload);
    world.open_epoch();
    world.batch(workload, &[(0, GOOD), (1, GOOD)]);
    let (cell, slots) = world.finish(workload);
    assert_eq!(slots.iter().map(|slot| slot.settled_bond).collect::<Vec<_>>(), [3_000, 2_000]);
    // The treasury is empty; the pool is what was carried: 0.54 and 0.36 of it.
    let pool = cell.last.pool;
    assert_eq!(pool, 1_110_002);
    assert_eq!((slots[0].reward, slots[1].reward), (599_401, 399_600));
    assert_eq!(world.claim(&first, &[(workload, 0)]), 224_999 + 495_000 + 599_401);
    world.assert_solvent(&[workload]);
}

#[test]
fn an_enrolled_operator_keeps_the_minimum_bond() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 3_000, 1, workload);
    world.open_epoch();
    let unbond = |amount| ix::unbond(operator.wallet, world_network(), amount);
    world.refuses(unbond(2_001), CoverageError::BondNeeded);
    world.send(&[unbond(2_000)]);
    world.refuses(unbond(1), CoverageError::BondNeeded);
    assert_eq!(bond(&world, &operator).active(), 1_000);
    // A slot that is left is kept until it is released, and the bond with it.
    world.send(&[ix::leave_cell(operator.wallet, world_network(), workload, 0)]);
    world.refuses(unbond(1), CoverageError::BondNeeded);
    world.finish(workload);
    world.open_epoch();
    world.finish(workload);
    world.send(&[ix::release_slot(operator.account, workload, 0)]);
    world.open_epoch();
    world.send(&[unbond(1_000)]);
    assert_eq!(bond(&world, &operator).active(), 0);
}

#[test]
fn what_a_bond_may_be() {
    let mut world = World::new();
    let wallet = world.wallet(1);
    let register = |world: &World, units| world.registration(&wallet, units);
    world.refuses(register(&world, 999), CoverageError::InvalidBond);
    world.refuses(register(&world, (1 << 52) + 1), CoverageError::InvalidBond);
    world.send(&[register(&world, 1 << 52)]);
    world.refuses(add(&world, &wallet, 1), CoverageError::InvalidBond);
    world.refuses(add(&world, &wallet, 0), CoverageError::ZeroAmount);
    world.refuses(add(&world, &wallet, u64::MAX), CoverageError::InvalidBond);
    world.refuses(add_seat(&world, 0, 1 << 52), CoverageError::InvalidBond);
    world.refuses(add_seat(&world, 0, 0), CoverageError::ZeroAmount);
    for empty in [5, 63, 64, 255] {
        world.refuses(add_seat(&world, empty, 1), CoverageError::UnknownAttester);
    }
    // Nobody adds to another's bond: a unit at the right time would keep it from retiring.
    let other = world.wallet(2);
    let net = world.net.clone();
    let mut foreign = ix::add_bond(other.wallet, net.address, &net.token, other.source, 1);
    foreign.accounts[2].pubkey = wallet.account;
    world.refuses(foreign, CoverageError::WrongWallet);
}

#[test]
fn a_settled_breach_is_slashed_once() {
    let mut world = World::new();
    world.fund(5_000_000);
    let workload = world.workload(0, 1);
    let first = world.enrolled(1, 2_009, 1, workload);
    let second = world.enrolled(2, 5_000, 2, workload);
    let slash = |operator: &Operator, slot| ix::slash_operator(world_network(), operator.account, workload, slot);
    world.open_epoch();
    world.batch(workload, &[(0, BREACH), (1, GOOD)]);
    world.refuses(slash(&first, 0), CoverageError::NoBreach); // not settled yet
    let (_, slots) = world.finish(workload);
    let told = |slots: &[coverage_math::cell::Slot]| slots.iter().map(|slot| slot.owed_slash_bps).collect::<Vec<_>>();
    assert_eq!((slots[0].reason, slots[0].reward), (Reason::VerificationBreach as u8, 0));
    assert_eq!(told(&slots), [1_000, 0]);
    world.refuses(slash(&second, 1), CoverageError::NoBreach);
    world.refuses(slash(&second, 0), CoverageError::NotYourSlot);
    let available = network(&world).treasury_available;
    let [before, after] = [2_009, 1_809].map(|units| Bond { units, ..Bond::default() });
    let expected = (first.account, BondCause::Slashed as u64, 200, before, after); // 200.9, rounded down
    assert_eq!(changed(&mut world, slash(&first, 0)), expected);
    let now = network(&world);
    assert_eq!((now.treasury_available, now.operator_bonds), (available + 200, 1_809 + 5_000));
    world.refuses(slash(&first, 0), CoverageError::NoBreach);
    world.assert_solvent(&[workload]);

    // Two more breaches add up until somebody comes, and what is on its way out is slashed like the rest.
    for _ in 0..2 {
        world.open_epoch();
        world.batch(workload, &[(0, GOOD), (1, BREACH)]);
        world.finish(workload);
    }
    assert_eq!(told(&world.cell(workload).1), [0, 2_000]);
    world.open_epoch();
    world.send(&[ix::unbond(second.wallet, world_network(), 4_000)]);
    let until = bond(&world, &second).withdrawable_ts;
    let going = |units, unbonding| Bond { units, unbonding, withdrawable_ts: until };
    let expected = (second.account, BondCause::Slashed as u64, 1_000, going(5_000, 4_000), going(4_000, 4_000));
    assert_eq!(changed(&mut world, slash(&second, 1)), expected);
    world.refuses(slash(&second, 1), CoverageError::NoBreach);
    assert_eq!(network(&world).operator_bonds, 1_809 + 4_000);
    world.assert_solvent(&[workload]);
    world.set_time(until);
    world.send(&[withdraw(&world, &second)]);
    assert_eq!(bond(&world, &second), Bond::default());
    world.assert_solvent(&[workload]);
}

#[test]
fn i6_a_breach_is_slashed_by_the_configuration_of_its_epoch() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 3_000, 1, workload);
    world.open_epoch();
    world.batch(workload, &[(0, BREACH)]);
    let net = world.net.clone();
    let harsh = Config { slash_bps: 10_000, ..config() };
    world.send(&[ix::propose_config(net.authority, net.address, harsh)]);
    world.finish(workload);
    world.open_epoch();
    world.send(&[ix::slash_operator(net.address, operator.account, workload, 0)]);
    assert_eq!(bond(&world, &operator).units, 2_700, "a tenth, as when it happened");
}

#[test]
fn slashing_all_of_a_bond_leaves_nothing_on_its_way() {
    let mut world = World::with(Config { slash_bps: 10_000, ..config() }, 5);
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 3_000, 1, workload);
    world.open_epoch();
    world.batch(workload, &[(0, BREACH)]);
    world.finish(workload);
    world.open_epoch();
    world.send(&[ix::unbond(operator.wallet, world_network(), 1_500)]);
    world.send(&[ix::slash_operator(world_network(), operator.account, workload, 0)]);
    let empty = bond(&world, &operator);
    assert_eq!((empty.units, empty.unbonding), (0, 0));
    world.set_time(empty.withdrawable_ts);
    world.refuses(withdraw(&world, &operator), CoverageError::NotBonded);
    assert_eq!((network(&world).operator_bonds, network(&world).treasury_available), (0, 3_000));
}
