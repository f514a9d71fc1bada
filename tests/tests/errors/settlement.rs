//! Sealing, settling and claiming.

use crate::swapped;
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_settlement::state::{Cell, Epoch, Operator as OperatorAccount};
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GENESIS, GRACE, Operator, World};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// What is written into an account, and what refuses it then.
type Forged<T> = (fn(&mut T), CoverageError);

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

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    seal_cell_refuses_to_be_early_and_to_come_twice,
    seal_cell_refuses_others_accounts_and_forged_ones,
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
    let mut second = world.another(2);
    let (mut world, [workload, other], _) = two_cells(world);
    std::mem::swap(&mut world.net, &mut second);
    world.open_epoch();
    let epoch = pda::epoch(&world.net.address, 0);
    std::mem::swap(&mut world.net, &mut second);
    world.wait_until(GENESIS + EPOCH + GRACE);
    let good = seal(&world, workload, 0);
    world.refuses(swapped(good.clone(), 0, epoch), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 1, other), CoverageError::WrongWorkload);
    world.refuses(swapped(good.clone(), 2, pda::cell(&other)), CoverageError::WrongWorkload);

    let (cell, epoch) = (pda::cell(&workload), pda::epoch(&world.net.address, 0));
    let fresh = world.cluster.svm.clone();
    world.forge().header(&cell, |cell: &mut Cell| cell.carry = u64::MAX);
    world.refuses(good.clone(), CoverageError::AmountOverflow);
    world.cluster.svm = fresh.clone();
    world.forge().header(&epoch, |epoch: &mut Epoch| epoch.config.grace_seconds = u64::MAX);
    world.refuses(good.clone(), CoverageError::AmountOverflow);
    world.cluster.svm = fresh.clone();
    world.forge().header(&cell, |cell: &mut Cell| cell.version = 0);
    world.refuses(good.clone(), CoverageError::UnknownVersion);
    world.cluster.svm = fresh;
    world.forge().header(&cell, |cell: &mut Cell| cell.slots = 1_025);
    world.refuses(good, CoverageError::Inconsistent);
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
    let mut second = world.another(2);
    let (mut world, [workload, other], _) = two_cells(world);
    std::mem::swap(&mut world.net, &mut second);
    world.open_epoch();
    let foreign = pda::epoch(&world.net.address, 0);
    std::mem::swap(&mut world.net, &mut second);
    world.seal(workload);
    world.wait_until(GENESIS + EPOCH + GRACE + CHALLENGE);
    let good = settle(&world, workload, 0);
    world.refuses(swapped(good.clone(), 0, foreign), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 1, other), CoverageError::WrongWorkload);
    world.refuses(swapped(good.clone(), 2, pda::cell(&other)), CoverageError::WrongWorkload);

    let (cell, epoch) = (pda::cell(&workload), pda::epoch(&world.net.address, 0));
    let fresh = world.cluster.svm.clone();
    let epochs: [Forged<Epoch>; 2] = [
        (|epoch| epoch.config.rule = 3, CoverageError::InvalidRule),
        (|epoch| epoch.config.challenge_seconds = u64::MAX, CoverageError::AmountOverflow),
    ];
    for (edit, error) in epochs {
        world.forge().header(&epoch, edit);
        world.refuses(good.clone(), error);
        world.cluster.svm = fresh.clone();
    }
    let cells: [Forged<Cell>; 6] = [
        (|cell| cell.version = 2, CoverageError::UnknownVersion),
        (|cell| cell.earned = u64::MAX, CoverageError::AmountOverflow),
        (|cell| (cell.pool, cell.returned) = (1 << 40, u64::MAX), CoverageError::AmountOverflow),
        (|cell| cell.slots = 200, CoverageError::Inconsistent), // more than there are
        (|cell| cell.progress[30] = 9 << 16, CoverageError::Inconsistent), // no such stage
        (|cell| cell.progress[29] = 500 << 48, CoverageError::Inconsistent), // more contributing than the order has room for
    ];
    for (edit, error) in cells {
        world.forge().header(&cell, edit);
        world.refuses(good.clone(), error);
        world.cluster.svm = fresh.clone();
    }
    // A tally that no batch could leave.
    let mut slots = world.cell(workload).1;
    slots[0].tally = [u32::MAX, u32::MAX, 0, 0, 0, 0, 0];
    world.forge().slots(&cell, &slots, |_| {});
    world.refuses(good, CoverageError::Inconsistent);
}

#[test]
fn claim_rewards_pays_nobody_else_and_nowhere_else() {
    let mut world = World::new();
    let mut second = world.another(2);
    std::mem::swap(&mut world.net, &mut second);
    let foreign_workload = world.workload(0, 1);
    let foreign_operator = world.operator(1, 1_000);
    world.enroll(&foreign_operator, foreign_workload);
    std::mem::swap(&mut world.net, &mut second);
    let (mut world, workloads, operator) = two_cells(world);
    let other = world.enrolled(2, 1_000, 0, workloads[0]);
    for workload in workloads {
        world.finish(workload);
    }
    let good = world.claim_instruction(&operator, &[(workloads[0], 0)]);
    let swap = |position, account| swapped(good.clone(), position, account);
    world.refuses(swap(2, foreign_operator.account), CoverageError::WrongNetwork);
    world.refuses(swap(2, other.account), CoverageError::WrongPayout);
    world.refuses(swap(3, other.payout), CoverageError::WrongPayout);
    let account = pda::token_account(&other.payout, &world.net.mint);
    world.refuses(swap(4, account), CoverageError::WrongPayoutAccount);
    world.refuses(swap(4, operator.source), CoverageError::WrongPayoutAccount);
    world.refuses(swap(5, second.mint), CoverageError::WrongMint);
    world.refuses(swap(6, pda::vault(&second.address)), CoverageError::WrongVault);
    world.refuses(swap(6, operator.source), CoverageError::WrongVault);
    world.refuses(swap(10, pda::cell(&foreign_workload)), CoverageError::WrongNetwork);

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
    more.accounts.push(good.accounts[10].clone());
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
    let fresh = world.cluster.svm.clone();
    world.forge().header(&operator.account, |operator: &mut OperatorAccount| operator.claimed = u64::MAX);
    world.refuses(claim.clone(), CoverageError::AmountOverflow);
    world.cluster.svm = fresh.clone();
    world.forge().header(&pda::cell(&workloads[1]), |cell: &mut Cell| cell.earned -= 1);
    world.refuses(claim.clone(), CoverageError::Inconsistent);
    world.cluster.svm = fresh.clone();
    world.forge().header(&pda::cell(&workloads[0]), |cell: &mut Cell| cell.slots = 400);
    world.refuses(claim.clone(), CoverageError::Inconsistent);
    world.cluster.svm = fresh;
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
