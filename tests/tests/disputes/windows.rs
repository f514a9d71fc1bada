//! When a batch can be challenged: from the moment it is applied until the window after sealing is over.

use crate::*;
use coverage_settlement::state::Phase;
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GRACE};

fn lie(case: &mut Case) -> (Applied, Evidence) {
    let batch = case.apply(vec![payload(&case.receipt(0, FAILED, 1))], vec![entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    let evidence = batch.examine().unwrap();
    (batch, evidence)
}

#[test]
fn while_collecting_however_late() {
    let mut case = Case::new();
    let (batch, evidence) = lie(&mut case);
    // Nobody seals: the window has not begun.
    case.world.set_time(GENESIS + 40 * EPOCH);
    assert_eq!(case.world.cell(case.workload).0.phase, Phase::Collecting as u8);
    case.prove(&batch, &evidence);
    assert_eq!(case.reward(), REWARD);
}

#[test]
fn in_the_challenge_window_to_its_last_second() {
    let twin = Case::new().settled();
    for (late, open) in [(0, true), (CHALLENGE - 1, true), (CHALLENGE, false)] {
        let mut case = Case::new();
        let (batch, evidence) = lie(&mut case);
        case.world.seal(case.workload);
        let sealed = GENESIS + EPOCH + GRACE;
        assert_eq!(case.world.cell(case.workload).0.sealed_ts, sealed);
        case.world.set_time(sealed + late);
        if open {
            case.prove(&batch, &evidence);
            let (cell, slots) = case.world.cell(case.workload);
            assert_eq!((cell.phase, cell.pool, cell.removed), (Phase::Challenge as u8, 1_000_000, 1));
            assert_eq!((slots[0].tally, case.reward()), ([0; 7], REWARD));
            // Nothing is left to pay for: the whole pool is carried.
            case.world.settle_by(case.workload, ix::SETTLE_STEPS);
            let (cell, _) = case.world.cell(case.workload);
            assert_eq!((cell.last.paid, cell.last.carry, cell.last.batches), (0, 1_000_000, 0));
            assert_eq!(case.world.account(&pda::cell(&case.workload)).data, twin);
        } else {
            case.fails(&batch, &evidence, CoverageError::ChallengeOver);
        }
        case.world.assert_solvent(&[case.workload]);
    }
}

#[test]
fn not_while_settling_nor_after() {
    let mut case = Case::new();
    let (batch, evidence) = lie(&mut case);
    case.world.seal(case.workload);
    case.world.set_time(GENESIS + EPOCH + GRACE + CHALLENGE);
    // A step for one slot of three.
    let step = ix::settle_cell(case.world.net.address, case.workload, 0, 1_400);
    case.world.send(&[step]);
    assert_eq!(case.world.cell(case.workload).0.phase, Phase::Settling as u8);
    case.fails(&batch, &evidence, CoverageError::ChallengeOver);
    // Not even when the clock says what it said in the window.
    case.world.set_time(GENESIS + EPOCH + GRACE + 1);
    case.fails(&batch, &evidence, CoverageError::ChallengeOver);
    case.world.settle_by(case.workload, ix::SETTLE_STEPS);
    case.fails(&batch, &evidence, CoverageError::WrongEpoch);
    // The log still has its record until the next epoch's first batch, but it is of another epoch.
    case.world.open_epoch();
    let mut next = batch;
    next.of.epoch = 1;
    case.fails(&next, &evidence, CoverageError::NoSuchBatch);
    assert_eq!(case.reward(), 0);
    assert_eq!(case.bonds(), [Bond { units: ATTESTER_BOND, ..Bond::default() }; 5]);
}

#[test]
fn a_batch_of_the_next_epoch_answers_by_itself() {
    let mut case = Case::new();
    let (_, old) = lie(&mut case);
    case.world.finish(case.workload);
    case.world.open_epoch();
    let (batch, evidence) = lie(&mut case);
    assert_eq!((batch.of.epoch, batch.of.sequence), (1, 0));
    // The receipt of epoch 0 is under another tag.
    case.fails(&batch, &old, CoverageError::NotInBatch);
    case.prove(&batch, &evidence);
    assert_eq!(case.world.cell(case.workload).1[0].tally, [0; 7]);
}
