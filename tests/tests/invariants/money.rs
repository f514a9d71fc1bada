//! I1, I2, I3: what the vault holds, what a pool becomes, what coverage may pay.

use crate::{solvency, solvent_to_the_unit};
use coverage_client::{audit, instructions as ix, pda};
use coverage_math::cell::{MAX_SLOTS, Slot};
use coverage_settlement::state::{Cell, Config, Network, Operator};
use coverage_tests::{CHALLENGE, EPOCH, GENESIS, GRACE, World, config};

/// 90 of 100 served.
const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];

#[test]
fn i1_solvency() {
    let mut world = World::new();
    let workloads = [world.workload(0, 3), world.workload(1, 1)];
    solvent_to_the_unit(&world, &workloads);
    world.fund(9_000_003);
    let first = world.enrolled(1, 2_000, 1, workloads[0]);
    let second = world.enrolled(2, 3_000, 2, workloads[0]);
    world.enroll(&second, workloads[1]);
    solvent_to_the_unit(&world, &workloads);
    let (net, payer) = (world.net.clone(), world.payer);
    let sponsor =
        |amount| ix::sponsor_workload(net.authority, net.address, workloads[1], &net.token, net.treasurer, amount);
    world.send(&[sponsor(77_777)]);
    for epoch in 0..3 {
        world.open_epoch();
        solvent_to_the_unit(&world, &workloads);
        // The second workload is served by nobody: its carry is capped, and what exceeds the cap goes back.
        let breach = [50, 0, 0, 0, 0, 0, 50];
        world.batch(workloads[0], &[(0, GOOD), (1, if epoch == 1 { breach } else { GOOD })]);
        solvent_to_the_unit(&world, &workloads);
        for workload in workloads {
            world.seal(workload);
            solvent_to_the_unit(&world, &workloads);
            world.settle_by(workload, ix::SETTLE_STEPS);
            solvent_to_the_unit(&world, &workloads);
        }
        world.claim(&first, &[(workloads[0], 0)]);
        solvent_to_the_unit(&world, &workloads);
    }
    world.send(&[ix::slash_operator(net.address, second.account, workloads[0], 1)]);
    solvent_to_the_unit(&world, &workloads);
    assert_eq!(world.get::<Operator>(&second.account).bond.units, 2_700, "a tenth of 3,000 is slashed");
    let later = config().carry_cap_epochs + 2;
    for _ in 0..later {
        world.open_epoch();
        world.finish(workloads[1]);
    }
    assert_eq!(world.cell(workloads[1]).0.carry, 750_000, "three epochs' worth of 250,000");
    assert!(world.cell(workloads[1]).0.returned > 0);
    world.send(&[ix::sweep_cell(net.address, workloads[1])]);
    assert_eq!(world.cell(workloads[1]).0.returned, 0);
    solvent_to_the_unit(&world, &workloads);
    world.open_epoch();
    world.send(&[ix::unbond(first.wallet, net.address, 1_000)]);
    let until = world.get::<Operator>(&first.account).bond.withdrawable_ts;
    world.set_time(until);
    world.send(&[ix::withdraw_bond(payer, net.address, &net.token, first.wallet)]);
    solvent_to_the_unit(&world, &workloads);
    // Tokens sent to the vault by a stranger are nobody's, and hurt nobody.
    world.cluster.mint_to(&net.token, &net.address, 1).unwrap();
    assert_eq!(solvency(&world, &workloads), None);
}

#[test]
fn i2_conservation() {
    for (emission, cap) in [(0, 1), (1, 0), (999_983, 0), (1_000_003, 2), (u64::MAX / 4, 1)] {
        let mut world = World::with(Config { emission, carry_cap_epochs: cap, ..config() }, 5);
        let workload = world.workload(0, 1);
        world.fund(emission.saturating_mul(3).clamp(1, 1 << 59));
        for number in 1..=5 {
            world.enrolled(number, 1_000 * u64::from(number), u32::from(number) / 2, workload);
        }
        for epoch in 0..3u64 {
            world.open_epoch();
            let counts: Vec<_> = (0..5).map(|slot| (slot, [7 + 13 * u32::from(slot), 3, 0, 0, 1, 2, 0])).collect();
            world.batch(workload, &counts);
            let before: Vec<u64> = world.cell(workload).1.iter().map(|slot| slot.earned).collect();
            let (cell, slots) = world.finish(workload);
            let rewards: u64 = slots.iter().map(|slot| slot.reward).sum();
            let last = cell.last;
            assert_eq!(rewards + last.carry + last.returned, last.pool, "epoch {epoch}");
            assert_eq!(rewards, last.paid);
            let earned: u64 = slots.iter().zip(&before).map(|(slot, before)| slot.earned - before).sum();
            assert_eq!(earned, rewards, "what is booked is what is owed");
            assert_eq!(cell.earned, slots.iter().map(|slot| slot.earned).sum::<u64>());
            assert_eq!(audit::settlement(&cell, &slots), (5, Vec::new()));
        }
    }
}

#[test]
fn i3_coverage_bound() {
    for (rule, domains) in [(0, 1), (0, 17), (0, 1_024), (1, 97), (2, 1_024)] {
        let mut world = World::with(Config { rule, ..config() }, 1);
        let workload = world.workload(0, 1);
        world.fund(1_000_000);
        world.open_epoch();
        let slot = |number: usize| {
            let served = 1 + (number as u32 * 7_919) % 999;
            let tally = [served, 1_000 - served, 0, 0, 0, 0, 0];
            Slot { tally, ..Slot::new([1 + (number % 251) as u8; 32], 1 + number as u64, (number % domains) as u32, 0) }
        };
        let slots: Vec<Slot> = (0..MAX_SLOTS).map(slot).collect();
        world.forge().slots(&pda::cell(&workload), &slots, |_| ());
        world.seal(workload);
        world.settle_by(workload, ix::SETTLE_STEPS);
        let (cell, slots) = world.cell(workload);
        let phi: u128 = slots.iter().map(|slot| u128::from(slot.phi_q64)).sum();
        assert!(phi <= u128::from(cell.last.coverage_q64), "rule {rule}, {domains} domains");
        // Half of 97 domains, or all of 1,024 others, leave next to nothing to the last one in.
        assert!(phi > 0 || rule > 0);
        assert_eq!(usize::from(cell.last.domains), domains);
        assert!(cell.last.paid <= cell.last.pool);
    }
}

#[test]
fn the_audit_sees_what_breaks_i1_i2_and_i3() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.fund(1_000_000);
    world.enrolled(1, 2_000, 1, workload);
    world.open_epoch();
    world.batch(workload, &[(0, GOOD)]);
    world.finish(workload);
    let cell = pda::cell(&workload);
    let clean = world.cluster.svm.clone();
    let what = |world: &World| -> Vec<&'static str> {
        let (cell, slots) = world.cell(workload);
        audit::settlement(&cell, &slots).1.iter().map(|difference| difference.what).collect()
    };
    assert_eq!(what(&world), [""; 0]);
    world.forge().header::<Cell>(&cell, |cell| cell.last.carry += 1);
    assert_eq!(what(&world), ["carry", "I2 conservation"]);
    world.cluster.svm = clean.clone();
    world.forge().header::<Cell>(&cell, |cell| cell.last.coverage_q64 = 5);
    assert_eq!(what(&world), ["coverage", "I3 coverage bound"]);
    world.cluster.svm = clean;
    world.forge().header::<Network>(&world_network(), |network| network.attester_bonds += 1);
    assert_eq!(solvency(&world, &[workload]).unwrap().what, "I1 solvency (vault)");
}

fn world_network() -> solana_program::pubkey::Pubkey {
    pda::network(1)
}

#[test]
fn times_are_what_these_tests_take_them_for() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.open_epoch();
    world.seal(workload);
    assert_eq!(world.cell(workload).0.sealed_ts, GENESIS + EPOCH + GRACE);
    world.settle_by(workload, ix::SETTLE_STEPS);
    let network: Network = world.get(&world.net.address);
    assert_eq!(network.slashable_until_ts, GENESIS + EPOCH + GRACE + CHALLENGE);
}
