//! I6: nothing done during an epoch changes it. More of it is in `no_retroaction.rs`.

use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_settlement::state::{Config, Epoch, Network};
use coverage_tests::{EPOCH, GENESIS, World, config};

const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];
const FAIR: [u32; 7] = [50, 50, 0, 0, 0, 0, 0];

/// What a settlement decides about a slot.
fn results(slots: &[Slot]) -> Vec<(u64, u64, u32, u8, u64, u32)> {
    let of = |slot: &Slot| (slot.phi_q64, slot.reward, slot.p_q32, slot.reason, slot.settled_bond, slot.settled_domain);
    slots.iter().map(of).collect()
}

#[test]
fn i6_no_retroaction() {
    let mut world = World::new();
    world.fund(10_000_000);
    let workloads = [world.workload(0, 1), world.workload(1, 1)];
    let first = world.enrolled(1, 10_000, 1, workloads[0]);
    let second = world.enrolled(2, 30_000, 1, workloads[0]);
    let third = world.operator(3, 50_000);
    world.open_epoch();
    let quiet = world.cluster.svm.clone();
    let mut settled = Vec::new();
    for busy in [false, true] {
        world.cluster.svm = quiet.clone();
        let net = world.net.clone();
        if busy {
            world.set_time(GENESIS + EPOCH / 2);
            // Bonds, failure domains, leaving, enrolling, weights, configuration, committee: all at once.
            world.send(&[ix::add_bond(first.wallet, net.address, &net.token, first.source, 90_000)]);
            world.attest_domain(&second, 7);
            world.send(&[ix::sync_slot(net.address, first.account, workloads[0], 0)]);
            world.send(&[ix::sync_slot(net.address, second.account, workloads[0], 1)]);
            world.send(&[ix::leave_cell(second.wallet, net.address, workloads[0], 1)]);
            world.enroll(&third, workloads[0]);
            world.send(&[ix::set_workload_weight(net.authority, net.address, workloads[0], 5)]);
            world.send(&[ix::set_workload_weight(net.authority, net.address, workloads[1], 0)]);
            let hostile = Config { rule: 2, z_milli: 9_000, carry_cap_epochs: 0, emission: 1, ..config() };
            world.send(&[ix::propose_config(net.authority, net.address, hostile)]);
        }
        world.batch(workloads[0], &[(0, GOOD), (1, FAIR)]);
        let (cell, slots) = world.finish(workloads[0]);
        settled.push((results(&slots[..2]), cell.last.pool, cell.last.paid, cell.carry, cell.last.coverage_q64));
    }
    assert_eq!(settled[0], settled[1]);
    // p 0.5 is shared 1 : 3, the rest of 0.9 is the first's alone.
    assert_eq!(settled[0].0.iter().map(|slot| slot.1).collect::<Vec<_>>(), [262_499, 187_499]);
    // And in the epoch after, all of it counts.
    world.open_epoch();
    let epoch = world.epoch(1);
    assert_eq!((epoch.total_weight, epoch.cells_left, epoch.config.rule), (5, 1, 2));
    world.batch(workloads[0], &[(0, GOOD), (2, GOOD)]);
    let (_, slots) = world.finish(workloads[0]);
    assert_eq!((slots[0].settled_bond, slots[0].settled_domain), (100_000, 1));
    assert_eq!((slots[1].reason, slots[1].reward), (6, 0), "it has left");
}

#[test]
fn i6_a_configuration_is_put_in_force_by_an_epochs_start_not_by_who_opens_it_when() {
    let config_of = |open_late: bool| -> Vec<(u8, u64)> {
        let mut world = World::new();
        world.workload(0, 1);
        world.open_epoch();
        world.set_time(GENESIS + EPOCH / 2 + 1);
        let net = world.net.clone();
        // The delay of 50 seconds ends one second after epoch 1 begins.
        let config = Config { rule: 1, ..config() };
        world.send(&[ix::propose_config(net.authority, net.address, config)]);
        if open_late {
            world.set_time(GENESIS + 3 * EPOCH);
        }
        for _ in 0..2 {
            world.open_epoch();
        }
        let network: Network = world.get(&net.address);
        assert_eq!((network.pending_ts, network.config_version), (0, 1));
        [1, 2]
            .map(|index| world.get::<Epoch>(&pda::epoch(&net.address, index)))
            .map(|epoch| (epoch.config.rule, epoch.config_version))
            .to_vec()
    };
    assert_eq!(config_of(false), [(0, 0), (1, 1)]);
    assert_eq!(config_of(true), [(0, 0), (1, 1)]);
}
