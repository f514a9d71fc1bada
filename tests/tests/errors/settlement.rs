//! Sealing, settling and claiming.

use crate::tokens::refuses_payments;
use crate::{Elsewhere, broken_cell, elsewhere, forged, swapped};
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_settlement::state::{Cell, Epoch, Operator as OperatorAccount};
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GENESIS, GRACE, Operator, World};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// What is written into an account, and what refuses it then.
type Forged<T> = (fn(&mut T), CoverageError);

/// Where the cells of `claim_rewards` begin.
const CELLS: usize = 12;

const HALF: [u32; 7] = [1, 1, 0, 0, 0, 0, 0];

/// A network with two cells, one operator in both, in epoch 0, which is open and has a batch for each.
fn two_cells(mut world: World) -> (World, [Pubkey; 2], Operator) {
    world.fund(10_000_000);
    let workloads = [world.workload(0, 1), world.workload(1, 1)];
    let operator = world.operator(1, 1_000);
    for workload in workloads {
        world.enroll(&operator, workload);
    }
    world.open_epoch();
    for workload in workloads {
        world.batch(workload, &[(0, HALF)]);
    }
    (world, workloads, operator)
}

fn seal(world: &World, workload: Pubkey, epoch: u64) -> Instruction {
    ix::seal_cell(world.net.address, workload, epoch)
}

fn settle(world: &World, workload: Pubkey, epoch: u64) -> Instruction {
    ix::settle_cell(world.net.address, workload, epoch, ix::SETTLE_STEPS)
}

/// What sealing and settling refuse: accounts of another network, and those of another workload.
fn refuses_others(world: &mut World, good: &Instruction, elsewhere: &Elsewhere, other: Pubkey) {
    let mut refuses = |position, account, error| world.refuses(swapped(good.clone(), position, account), error);
    refuses(0, elsewhere.net.address, CoverageError::WrongNetwork);
    refuses(1, pda::epoch(&elsewhere.net.address, 0), CoverageError::WrongNetwork);
    refuses(2, elsewhere.workload, CoverageError::WrongNetwork);
    refuses(2, other, CoverageError::WrongWorkload);
    refuses(3, pda::cell(&other), CoverageError::WrongWorkload);
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    seal_cell_refuses_to_be_early_and_to_come_twice,
    seal_cell_refuses_others_accounts_and_forged_ones,
    seal_cell_refuses_epochs_a_retired_workload_is_not_paid_for,
    settle_cell_refuses_to_be_early_and_to_come_twice,
    settle_cell_refuses_too_small_a_step_in_the_middle_as_well,
    settle_cell_refuses_others_accounts_and_forged_ones,
    claim_rewards_pays_nobody_else_and_nowhere_else,
    claim_rewards_refuses_forged_accounts,
];

#[test]
fn seal_cell_refuses_to_be_early_and_to_come_twice() {
    let (mut world, [workload, _], _) = two_cells(World::new());
    world.set_time(GENESIS + EPOCH + GRACE - 1);
    world.refuses(seal(&world, workload, 0), CoverageError::EpochNotOver);
    world.open_epoch();
    world.refuses(seal(&world, workload, 1), CoverageError::WrongEpoch);
    world.set_time(GENESIS + EPOCH + GRACE);
    world.send(&[seal(&world, workload, 0)]);
    world.refuses(seal(&world, workload, 0), CoverageError::NotCollecting);
    world.wait_until(GENESIS + EPOCH + GRACE + CHALLENGE);
    world.send(&[ix::settle_cell(world.net.address, workload, 0, 1_400)]);
    world.refuses(seal(&world, workload, 0), CoverageError::NotCollecting);
    world.settle_by(workload, ix::SETTLE_STEPS);
    world.refuses(seal(&world, workload, 0), CoverageError::WrongEpoch);
    world.refuses(seal(&world, workload, 1), CoverageError::EpochNotOver);
}

#[test]
fn seal_cell_refuses_others_accounts_and_forged_ones() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (mut world, [workload, other], _) = two_cells(world);
    world.wait_until(GENESIS + EPOCH + GRACE);
    let good = seal(&world, workload, 0);
    refuses_others(&mut world, &good, &foreign, other);
    let (cell, epoch) = (pda::cell(&workload), pda::epoch(&world.net.address, 0));
    let overflow = CoverageError::AmountOverflow;
    let much: [fn(&mut Cell); 2] = [|cell| cell.carry = u64::MAX, |cell| cell.sponsored = u64::MAX];
    for edit in much {
        forged(&mut world, &good, cell, edit, overflow);
    }
    let edit = |epoch: &mut Epoch| epoch.config.grace_seconds = u64::MAX;
    forged(&mut world, &good, epoch, edit, overflow);
    let edit = |cell: &mut Cell| cell.slots = 1_025;
    forged(&mut world, &good, cell, edit, CoverageError::Inconsistent);
    broken_cell(&mut world, &good, workload);
    world.send(&[good]);
}

#[test]
fn seal_cell_refuses_epochs_a_retired_workload_is_not_paid_for() {
    let (mut world, [workload, _], _) = two_cells(World::new());
    let net = world.net.clone();
    world.send(&[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
    world.open_epoch();
    world.finish(workload); // epoch 0 still is
    world.wait_until(GENESIS + 2 * EPOCH + GRACE);
    world.refuses(seal(&world, workload, 1), CoverageError::WorkloadRetired);
}

#[test]
fn settle_cell_refuses_to_be_early_and_to_come_twice() {
    let (mut world, [workload, _], _) = two_cells(World::new());
    world.wait_until(GENESIS + EPOCH + GRACE + 5);
    world.refuses(settle(&world, workload, 0), CoverageError::NotSealed);
    world.open_epoch();
    world.send(&[seal(&world, workload, 0)]);
    world.refuses(settle(&world, workload, 1), CoverageError::WrongEpoch);
    world.wait_until(GENESIS + EPOCH + GRACE + 5 + CHALLENGE - 1);
    world.refuses(settle(&world, workload, 0), CoverageError::ChallengeNotOver);
    world.wait_until(GENESIS + EPOCH + GRACE + 5 + CHALLENGE);
    for step_units in [0, 1_399] {
        let few = ix::settle_cell(world.net.address, workload, 0, step_units);
        world.refuses(few, CoverageError::StepUnitsTooFew);
    }
    world.send(&[settle(&world, workload, 0)]);
    world.refuses(settle(&world, workload, 0), CoverageError::WrongEpoch);
    world.refuses(settle(&world, workload, 1), CoverageError::NotSealed);
}

#[test]
fn settle_cell_refuses_too_small_a_step_in_the_middle_as_well() {
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    for number in 1..4 {
        world.enrolled(number, 1_000, 0, workload);
    }
    world.open_epoch();
    world.batch(workload, &[(0, HALF), (1, HALF), (2, HALF)]);
    world.seal(workload);
    world.wait_until(GENESIS + EPOCH + GRACE + CHALLENGE);
    let few = ix::settle_cell(world.net.address, workload, 0, 1_400);
    for _ in 0..3 {
        world.send(std::slice::from_ref(&few)); // the bound of a slot
    }
    world.refuses(few, CoverageError::StepUnitsTooFew); // a domain of three, which is settled at once
    assert_eq!(world.settle_by(workload, 10_000), 1);
}

#[test]
fn settle_cell_refuses_others_accounts_and_forged_ones() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (mut world, [workload, other], _) = two_cells(world);
    world.seal(workload);
    world.wait_until(GENESIS + EPOCH + GRACE + CHALLENGE);
    let good = settle(&world, workload, 0);
    refuses_others(&mut world, &good, &foreign, other);
    let (cell, epoch) = (pda::cell(&workload), pda::epoch(&world.net.address, 0));
    let epochs: [Forged<Epoch>; 2] = [
        (|epoch| epoch.config.rule = 3, CoverageError::InvalidRule),
        (|epoch| epoch.config.challenge_seconds = u64::MAX, CoverageError::AmountOverflow),
    ];
    for (edit, error) in epochs {
        forged(&mut world, &good, epoch, edit, error);
    }
    let cells: [Forged<Cell>; 5] = [
        (|cell| cell.earned = u64::MAX, CoverageError::AmountOverflow),
        (|cell| (cell.pool, cell.returned) = (1 << 40, u64::MAX), CoverageError::AmountOverflow),
        (|cell| cell.slots = 200, CoverageError::Inconsistent), // more than there are
        (|cell| cell.progress[30] = 9 << 16, CoverageError::Inconsistent), // no such stage
        (|cell| cell.progress[29] = 500 << 48, CoverageError::Inconsistent), // more contributing than there is room for
    ];
    for (edit, error) in cells {
        forged(&mut world, &good, cell, edit, error);
    }
    broken_cell(&mut world, &good, workload);
    // A tally that no batch could leave.
    let mut slots = world.cell(workload).1;
    slots[0].tally = [u32::MAX, u32::MAX, 0, 0, 0, 0, 0];
    world.forge().slots(&cell, &slots, |_| {});
    world.refuses(good, CoverageError::Inconsistent);
}

#[test]
fn claim_rewards_pays_nobody_else_and_nowhere_else() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (mut world, workloads, operator) = two_cells(world);
    let other = world.enrolled(2, 1_000, 0, workloads[0]);
    for workload in workloads {
        world.finish(workload);
    }
    let good = world.claim_instruction(&operator, &[(workloads[0], 0)]);
    let swap = |position, account| swapped(good.clone(), position, account);
    world.refuses(swap(1, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swap(2, foreign.operator.account), CoverageError::WrongNetwork);
    world.refuses(swap(2, other.account), CoverageError::WrongPayout);
    world.refuses(swap(3, other.payout), CoverageError::WrongPayout);
    world.refuses(swap(CELLS, pda::cell(&foreign.workload)), CoverageError::WrongNetwork);
    let account = pda::token_account(&other.payout, &world.net.token);
    for theirs in [account, operator.source] {
        world.refuses(swap(4, theirs), CoverageError::WrongPayoutAccount);
    }
    refuses_payments(&mut world, &good, 4, &foreign.net);

    world.refuses(world.claim_instruction(&operator, &[(workloads[0], 1)]), CoverageError::NotYourSlot);
    world.refuses(world.claim_instruction(&other, &[(workloads[0], 0)]), CoverageError::NotYourSlot);
    world.refuses(world.claim_instruction(&operator, &[(workloads[0], 2)]), CoverageError::InvalidSlot);
    world.refuses(world.claim_instruction(&operator, &[(workloads[0], u16::MAX)]), CoverageError::InvalidSlot);
    let mut fewer = world.claim_instruction(&operator, &[(workloads[0], 0), (workloads[1], 0)]);
    fewer.accounts.pop();
    world.refuses(fewer.clone(), CoverageError::ClaimMismatch);
    fewer.accounts.pop();
    world.refuses(fewer, CoverageError::ClaimMismatch);
    let mut more = good.clone();
    more.accounts.push(good.accounts[CELLS].clone());
    world.refuses(more, CoverageError::ClaimMismatch);
    // One bad cell, and the good one before it is not paid either.
    world.refuses(
        world.claim_instruction(&operator, &[(workloads[1], 0), (workloads[0], 1)]),
        CoverageError::NotYourSlot,
    );
    world.send(&[good]);
    assert_eq!(world.paid_out(&operator), 249_999);
}

#[test]
fn claim_rewards_refuses_forged_accounts() {
    let (mut world, workloads, operator) = two_cells(World::new());
    for workload in workloads {
        world.finish(workload);
    }
    let claim = world.claim_instruction(&operator, &[(workloads[0], 0), (workloads[1], 0)]);
    let edit = |operator: &mut OperatorAccount| operator.claimed = u64::MAX;
    forged(&mut world, &claim, operator.account, edit, CoverageError::AmountOverflow);
    let edit = |cell: &mut Cell| cell.earned -= 1;
    forged(&mut world, &claim, pda::cell(&workloads[1]), edit, CoverageError::Inconsistent);
    let edit = |cell: &mut Cell| cell.slots = 400;
    forged(&mut world, &claim, pda::cell(&workloads[0]), edit, CoverageError::Inconsistent);
    let rich = |mut slot: Slot| {
        slot.earned = u64::MAX;
        slot
    };
    for workload in workloads {
        let slots: Vec<_> = world.cell(workload).1.into_iter().map(rich).collect();
        world.forge().slots(&pda::cell(&workload), &slots, |cell| cell.earned = u64::MAX);
    }
    world.refuses(claim, CoverageError::AmountOverflow);
}
