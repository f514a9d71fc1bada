//! I6: nothing committed, enrolled, bonded, weighted or funded during an epoch changes that epoch's result.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test fails by panicking

use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Reason;
use coverage_settlement::state::{Operator as OperatorAccount, Workload};
use coverage_tests::{EPOCH, GENESIS, World};

#[test]
fn i6_enrolling_in_a_sealed_cell_changes_nothing_of_its_settlement() {
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    world.enrolled(1, 1_000, 1, workload);
    world.enrolled(2, 3_000, 1, workload);
    let late = [3, 4].map(|number| world.operator(number, 50_000));
    late.iter().for_each(|operator| world.attest_domain(operator, 1));
    world.open_epoch();
    world.batch(workload, &[(0, [9, 1, 0, 0, 0, 0, 0]), (1, [5, 5, 0, 0, 0, 0, 0])]);
    world.seal(workload);
    let sealed = world.cluster.svm.clone();
    assert_eq!(world.settle_by(workload, ix::SETTLE_STEPS), 1);
    let (alone, slots) = world.cell(workload);
    // p 0.5 is shared 1 : 3 by bond, the rest of 0.9 is the first's alone: 0.125 + 0.4 and 0.375.
    assert_eq!([slots[0].reward, slots[1].reward], [524_999, 374_999]);

    world.cluster.svm = sealed;
    for operator in &late {
        world.enroll(operator, workload);
    }
    assert_eq!(world.settle_by(workload, ix::SETTLE_STEPS), 1);
    let (crowded, all) = world.cell(workload);
    assert_eq!(all[..2], slots);
    assert_eq!(
        (crowded.last.paid, crowded.last.coverage_q64, crowded.carry),
        (alone.last.paid, alone.last.coverage_q64, alone.carry)
    );
    assert_eq!([all[2].reason, all[3].reason], [Reason::NotYetEffective as u8; 2]);
    assert_eq!([all[2].joined_epoch, all[3].joined_epoch], [2; 2], "epoch 1 was in progress");
}

#[test]
fn i6_an_epoch_in_progress_that_nobody_has_opened_is_not_free_either() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let epochs = |world: &World, operator: &coverage_tests::Operator, slot: usize| {
        let account: OperatorAccount = world.get(&operator.account);
        (account.capability_epoch, world.cell(workload).1[slot].joined_epoch)
    };
    let early = world.enrolled(1, 1_000, 0, workload);
    assert_eq!(epochs(&world, &early, 0), (0, 0));
    world.set_time(GENESIS);
    let first = world.enrolled(2, 1_000, 0, workload);
    assert_eq!(epochs(&world, &first, 1), (1, 1));
    world.open_epoch();
    let second = world.enrolled(3, 1_000, 0, workload);
    assert_eq!(epochs(&world, &second, 2), (1, 1));
    world.set_time(GENESIS + 3 * EPOCH); // epochs 1 and 2 passed, 3 is in progress, none of them open
    let third = world.enrolled(4, 1_000, 0, workload);
    assert_eq!(epochs(&world, &third, 3), (4, 4));
}

#[test]
fn i6_a_slot_counts_from_when_its_capabilities_do() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.operator(1, 1_000);
    let [commit, enroll] = world.enrolment(&operator, workload);
    world.send(&[commit]);
    world.forge().header(&operator.account, |operator: &mut OperatorAccount| operator.capability_epoch = 9);
    world.send(&[enroll]);
    assert_eq!(world.cell(workload).1[0].joined_epoch, 9);
}

#[test]
fn i6_an_open_epoch_keeps_its_unit_its_weight_and_its_cells() {
    let mut world = World::new();
    world.fund(500_000);
    let workload = world.workload(0, 4);
    world.open_epoch();
    let opened = world.account(&pda::epoch(&world.net.address, 0));
    world.fund(5_000_000);
    let later = world.workload(1, 1);
    assert_eq!((world.get::<Workload>(&later).first_epoch, world.cell(later).0.epoch), (1, 1));
    assert_eq!(world.account(&pda::epoch(&world.net.address, 0)), opened);
    let (cell, _) = world.finish(workload);
    assert_eq!((cell.last.pool, cell.carry), (500_000, 500_000)); // 125,000 a unit of weight
    world.open_epoch();
    assert_eq!(world.epoch(1).unit, 200_000); // 1,000,000 for a weight of 5
    let (cell, _) = world.finish(workload);
    assert_eq!(cell.last.pool, 500_000 + 4 * 200_000);
    assert_eq!(world.finish(later).0.last.pool, 200_000);
}
