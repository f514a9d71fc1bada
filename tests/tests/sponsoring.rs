//! Pools that sponsors add to: spent like the rest, shown apart, and back in the treasury when the workload is over.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

use coverage_client::events::Event;
use coverage_client::{audit, instructions as ix, pda};
use coverage_settlement::state::{Cell, Network};
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GENESIS, GRACE, Operator, World};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// 90 of 100 served.
const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];

/// A cell of one operator, a treasury of four epochs, and a sponsor who is nobody else.
fn start() -> (World, Pubkey, Operator) {
    let mut world = World::new();
    world.fund(4_000_000);
    let workload = world.workload(0, 1);
    world.enrolled(1, 1_000, 1, workload);
    let sponsor = world.wallet(9);
    (world, workload, sponsor)
}

fn treasury(world: &World) -> u64 {
    world.get::<Network>(&world.net.address).treasury_available
}

fn sponsor(world: &World, workload: Pubkey, sponsor: &Operator, amount: u64) -> Instruction {
    let net = &world.net;
    ix::sponsor_workload(sponsor.wallet, net.address, workload, &net.token, sponsor.source, amount)
}

/// Seals the cell; returns the pool the event tells: all of it, from the epoch, carried, sponsored.
#[track_caller]
fn seal(world: &mut World, workload: Pubkey) -> [u64; 4] {
    let cell: Cell = world.cell(workload).0;
    let end = world.epoch(cell.epoch).end_ts;
    world.wait_until(end + GRACE);
    let events = world.events(&[ix::seal_cell(world.net.address, workload, cell.epoch)]);
    let [Event::CellSealed(sealed)] = events[..] else { panic!() };
    assert_eq!((sealed.workload, sealed.epoch, sealed.sealed_ts), (workload, cell.epoch, end + GRACE));
    [sealed.pool_units, sealed.allocated_units, sealed.carry_units, sealed.sponsored_units]
}

#[test]
fn what_comes_before_sealing_is_in_this_pool_what_comes_after_in_the_next() {
    let (mut world, workload, patron) = start();
    let available = treasury(&world);
    // Before the first epoch as well.
    let early = sponsor(&world, workload, &patron, 100_000);
    let events = world.events(&[early]);
    let [Event::PoolSponsored(told)] = events[..] else { panic!() };
    assert_eq!((told.workload, told.sponsor), (workload, patron.wallet));
    assert_eq!((told.amount_units, told.sponsored_before_units), (100_000, 0));
    world.open_epoch();
    let more = sponsor(&world, workload, &patron, 300_000);
    let events = world.events(&[more]);
    let [Event::PoolSponsored(told)] = events[..] else { panic!() };
    assert_eq!((told.amount_units, told.sponsored_before_units), (300_000, 100_000));
    assert_eq!(world.cluster.tokens(&patron.source), (1 << 53) - 400_000);
    assert_eq!(treasury(&world), available - 1_000_000, "not the treasury's");
    world.assert_solvent(&[workload]);
    world.batch(workload, &[(0, GOOD)]);
    assert_eq!(seal(&mut world, workload), [1_400_000, 1_000_000, 0, 400_000]);
    let cell = world.cell(workload).0;
    assert_eq!((cell.pool, cell.pool_sponsored, cell.sponsored, cell.carry), (1_400_000, 400_000, 0, 0));
    world.assert_solvent(&[workload]);

    let late = sponsor(&world, workload, &patron, 50_000);
    world.send(&[late]);
    let cell = world.cell(workload).0;
    assert_eq!((cell.pool, cell.pool_sponsored, cell.sponsored), (1_400_000, 400_000, 50_000));
    world.settle_by(workload, ix::SETTLE_STEPS);
    let (cell, slots) = world.cell(workload);
    assert_eq!((cell.last.pool, cell.last.sponsored, cell.last.paid), (1_400_000, 400_000, 1_259_999));
    assert_eq!((cell.carry, cell.sponsored, cell.pool, cell.pool_sponsored), (140_001, 50_000, 0, 0));
    assert_eq!(audit::settlement(&cell, &slots), (1, vec![]));
    world.assert_solvent(&[workload]);

    // Between settling and the next epoch too.
    let between = sponsor(&world, workload, &patron, 9);
    world.send(&[between]);
    world.open_epoch();
    world.batch(workload, &[(0, GOOD)]);
    assert_eq!(seal(&mut world, workload), [1_190_010, 1_000_000, 140_001, 50_009]);
    world.settle_by(workload, ix::SETTLE_STEPS);
    let last = world.cell(workload).0.last;
    assert_eq!((last.pool, last.sponsored, last.paid, last.carry), (1_190_010, 50_009, 1_071_008, 119_002));
    world.assert_solvent(&[workload]);
}

#[test]
fn while_settling_it_waits_for_the_next_pool() {
    let (mut world, workload, patron) = start();
    for number in 2..=3 {
        world.enrolled(number, 1_000, u32::from(number), workload);
    }
    world.open_epoch();
    world.batch(workload, &[(0, GOOD), (1, GOOD)]);
    seal(&mut world, workload);
    world.wait_until(world.cell(workload).0.sealed_ts + CHALLENGE);
    let step = ix::settle_cell(world.net.address, workload, 0, 1_400);
    world.send(&[step]);
    let mid = sponsor(&world, workload, &patron, 7);
    world.send(&[mid]);
    world.settle_by(workload, ix::SETTLE_STEPS);
    let (cell, slots) = world.cell(workload);
    assert_eq!((cell.last.pool, cell.last.sponsored, cell.sponsored), (1_000_000, 0, 7));
    assert_eq!((slots[0].reward, slots[1].reward, cell.carry), (494_999, 494_999, 10_002));
    world.assert_solvent(&[workload]);
}

#[test]
fn an_unearned_pool_is_carried_up_to_the_cap_of_emissions_and_the_rest_returns() {
    let (mut world, workload, patron) = start();
    world.open_epoch();
    let much = sponsor(&world, workload, &patron, 5_000_000);
    world.send(&[much]);
    let (cell, _) = world.finish(workload);
    // Nobody served: three epochs' worth of 1,000,000 is carried, whoever it came from.
    assert_eq!((cell.last.pool, cell.last.sponsored, cell.last.paid), (6_000_000, 5_000_000, 0));
    assert_eq!((cell.last.carry_cap, cell.carry, cell.returned), (3_000_000, 3_000_000, 3_000_000));
    let before = treasury(&world);
    world.send(&[ix::sweep_cell(world.net.address, workload)]);
    assert_eq!(treasury(&world), before + 3_000_000);
    world.assert_solvent(&[workload]);
}

#[test]
fn it_pays_where_the_treasury_has_nothing() {
    let mut world = World::new();
    let workloads = [world.workload(0, 1), world.workload(1, 1)];
    let operator = world.enrolled(1, 1_000, 1, workloads[0]);
    world.enroll(&operator, workloads[1]);
    let patron = world.wallet(9);
    world.open_epoch();
    let only = sponsor(&world, workloads[1], &patron, 10_000);
    world.send(&[only]);
    for workload in workloads {
        world.batch(workload, &[(0, GOOD)]);
        world.finish(workload);
    }
    assert_eq!(workloads.map(|workload| world.cell(workload).0.last.paid), [0, 8_999]);
    assert_eq!(world.cell(workloads[1]).0.last.sponsored, 10_000);
    // Without a pool of its own the epoch lets nothing be carried.
    assert_eq!((world.cell(workloads[1]).0.carry, world.cell(workloads[1]).0.returned), (0, 1_001));
    assert_eq!(world.claim(&operator, &[(workloads[0], 0), (workloads[1], 0)]), 8_999);
    world.assert_solvent(&workloads);
}

#[test]
fn what_cannot_be_sponsored() {
    let (mut world, workload, patron) = start();
    let nothing = sponsor(&world, workload, &patron, 0);
    world.refuses(nothing, CoverageError::ZeroAmount);
    world.forge().header::<Cell>(&pda::cell(&workload), |cell| cell.sponsored = u64::MAX);
    let over = sponsor(&world, workload, &patron, 1);
    world.refuses(over, CoverageError::AmountOverflow);
    let other = world.another(2);
    let foreign = ix::sponsor_workload(patron.wallet, other.address, workload, &other.token, patron.source, 1);
    world.refuses(foreign, CoverageError::WrongNetwork);
    let mut wrong_vault = sponsor(&world, workload, &patron, 1);
    world.forge().header::<Cell>(&pda::cell(&workload), |cell| cell.sponsored = 0);
    wrong_vault.accounts[6].pubkey = pda::vault(&other.address);
    world.refuses(wrong_vault, CoverageError::WrongVault);
    let mut wrong_mint = sponsor(&world, workload, &patron, 1);
    wrong_mint.accounts[4].pubkey = other.token.mint;
    world.refuses(wrong_mint, CoverageError::WrongMint);
    world.send(&[ix::set_workload_weight(world.net.authority, world.net.address, workload, 0)]);
    let retired = sponsor(&world, workload, &patron, 1);
    world.refuses(retired, CoverageError::WorkloadRetired);
}

#[test]
fn a_retired_workload_gives_carry_and_sponsored_money_back_after_its_last_epoch() {
    let mut world = World::new();
    world.fund(5_000_000);
    let net = world.net.clone();
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 1_000, 1, workload);
    let sponsor =
        |amount| ix::sponsor_workload(net.authority, net.address, workload, &net.token, net.treasurer, amount);
    let sweep = ix::sweep_cell(net.address, workload);
    world.open_epoch();
    world.send(&[sponsor(500)]);
    world.batch(workload, &[(0, GOOD)]);
    world.seal(workload);
    world.send(&[sponsor(77)]); // too late for this pool
    world.settle_by(workload, ix::SETTLE_STEPS);
    let cell = world.cell(workload).0;
    assert_eq!((cell.last.paid, cell.carry, cell.sponsored), (900_449, 100_051, 77));
    world.open_epoch();
    let retire = ix::set_workload_weight(net.authority, net.address, workload, 0);
    let events = world.events(std::slice::from_ref(&retire));
    let [Event::WorkloadWeightSet(set)] = events[..] else { panic!() };
    assert_eq!((set.before, set.weight, set.epoch, set.total_weight_before), (1, 0, 2, 1));
    world.refuses(retire, CoverageError::WorkloadRetired);
    world.refuses(sponsor(1), CoverageError::WorkloadRetired);
    let other = world.operator(2, 1_000);
    let [commit, enroll] = world.enrolment(&other, workload);
    world.send(&[commit]);
    world.refuses(enroll, CoverageError::WorkloadRetired);
    // Epoch 1 is still paid for: nothing goes back yet.
    let before = world.account(&pda::cell(&workload));
    world.send(std::slice::from_ref(&sweep));
    assert_eq!(world.account(&pda::cell(&workload)), before);
    let available = treasury(&world);
    world.batch(workload, &[(0, GOOD)]);
    world.finish(workload);
    let cell = world.cell(workload).0;
    assert_eq!((cell.last.pool, cell.last.sponsored, cell.last.paid), (1_100_128, 77, 990_115));
    assert_eq!((cell.carry, cell.epoch), (110_013, 2));
    let events = world.events(std::slice::from_ref(&sweep));
    let [Event::CellSwept(swept)] = events[..] else { panic!() };
    assert_eq!((swept.returned_units, swept.carry_units, swept.sponsored_units), (0, 110_013, 0));
    assert_eq!((swept.available_before_units, treasury(&world)), (available, available + 110_013));
    assert_eq!(world.events(&[sweep]).len(), 0);
    world.open_epoch();
    let seal = ix::seal_cell(net.address, workload, 2);
    world.set_time(GENESIS + 3 * EPOCH + 10);
    world.refuses(seal, CoverageError::WorkloadRetired);
    assert_eq!(treasury(&world), available + 110_013, "an epoch without weight takes nothing");
    assert_eq!(world.claim(&operator, &[(workload, 0)]), 900_449 + 990_115);
}

#[test]
fn what_sponsors_add_in_the_last_challenge_window_goes_to_the_treasury() {
    let mut world = World::new();
    let net = world.net.clone();
    let workload = world.workload(0, 1);
    world.open_epoch();
    world.seal(workload);
    let sponsor = ix::sponsor_workload(net.authority, net.address, workload, &net.token, net.treasurer, 123);
    // The network is late: epoch 1 is not open, so the weight cannot change before it is.
    let retire = ix::set_workload_weight(net.authority, net.address, workload, 0);
    world.refuses(retire.clone(), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.settle_by(workload, ix::SETTLE_STEPS);
    world.seal(workload);
    world.set_time(GENESIS + EPOCH + 99); // back in epoch 1, as a validator's clock may be
    world.send(&[sponsor]);
    world.send(&[retire]);
    world.settle_by(workload, ix::SETTLE_STEPS);
    assert_eq!((world.cell(workload).0.sponsored, world.cell(workload).0.epoch), (123, 2));
    let events = world.events(&[ix::sweep_cell(net.address, workload)]);
    let [Event::CellSwept(swept)] = events[..] else { panic!() };
    assert_eq!((swept.returned_units, swept.carry_units, swept.sponsored_units), (0, 0, 123));
    assert_eq!(treasury(&world), 123);
}
