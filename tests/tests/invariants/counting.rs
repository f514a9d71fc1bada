//! I4, I5, I7: counted once, by a quorum, to the same bytes.

use coverage_client::batch::{Statement, ed25519, sign};
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::{Progress, Slot, Terms, settle};
use coverage_math::semivalue::Rule;
use coverage_settlement::state::Cell;
use coverage_tests::{CoverageError, GENESIS, World, config, entry, found_with, member};

const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];

#[test]
fn i4_once() {
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 2_000, 1, workload);
    world.open_epoch();
    let statement = world.statement(workload, &[entry(0, GOOD)]);
    world.apply(&statement);
    // The signatures are still good, the account may be made again: the batch counts no second time.
    world.endorse(&statement);
    world.refuses(statement.apply(world.payer), CoverageError::WrongSequence);
    assert_eq!(world.cell(workload).1[0].tally, GOOD);
    let close = ix::close_attestation(world.payer, statement.address(&world.payer));
    world.send(&[close]);

    world.finish(workload);
    let again = ix::settle_cell(world.net.address, workload, 0, ix::SETTLE_STEPS);
    world.refuses(again, CoverageError::WrongEpoch);
    world.refuses(ix::seal_cell(world.net.address, workload, 0), CoverageError::WrongEpoch);
    world.refuses(ix::open_epoch(world.payer, world.net.address, 0), coverage_tests::InstructionError::InvalidSeeds);
    world.endorse(&statement);
    world.refuses(statement.apply(world.payer), CoverageError::WrongEpoch);

    let slots = [(workload, 0); 3]; // the same cell three times in one claim
    assert_eq!(world.claim(&operator, &slots), 899_999);
    assert_eq!(world.claim(&operator, &slots), 0);
    assert_eq!(world.cell(workload).0.earned, 0);
}

#[test]
fn i5_quorum() {
    // Of weights 3, 2, 2, 1, 1, more than two thirds of 9 is 7: exactly 6 is not enough.
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    world.enrolled(1, 2_000, 1, workload);
    let keys = world.net.attesters.clone();
    let weights = [3, 2, 2, 1, 1];
    let members = (0..).zip(&keys).zip(weights).map(|((place, key), weight)| member(place, key, weight)).collect();
    world.send(&[ix::update_committee(world.net.authority, world.net.address, members)]);
    world.open_epoch();
    let statement = world.statement(workload, &[entry(0, GOOD)]);
    world.upload(&statement);
    let payer = world.payer;
    let endorse = |numbers: &[usize]| {
        let signatures: Vec<_> = numbers.iter().map(|number| sign(&keys[*number], &statement.digest)).collect();
        let endorse = ix::endorse(statement.network, statement.address(&payer), 0);
        [ed25519(&signatures, &statement.digest), endorse]
    };
    world.refuses(statement.apply(payer), CoverageError::NoQuorum);
    world.send(&endorse(&[1, 2, 3, 4]));
    world.refuses(statement.apply(payer), CoverageError::NoQuorum);
    world.send(&endorse(&[1, 2, 3, 4])); // the same again adds nothing
    world.refuses(statement.apply(payer), CoverageError::NoQuorum);
    world.refuses_at(1, &endorse(&[0, 0]), CoverageError::DuplicateAttester);
    world.send(&endorse(&[0]));
    // A signer without a bond is no signer, whatever it signed before.
    let settled = world.cluster.svm.clone();
    let bond = coverage_tests::ATTESTER_BOND;
    let wallet = world.cluster.add_signer(coverage_tests::keypair(b'k', 1, 0));
    world.send(&[ix::unbond_attester(wallet, world.net.address, 0, bond)]);
    world.refuses(statement.apply(payer), CoverageError::NoQuorum);
    world.cluster.svm = settled;
    // A change of the committee voids what was signed, by the same members too.
    let before = world.cluster.svm.clone();
    world.send(&[ix::update_committee(world.net.authority, world.net.address, vec![member(0, &keys[0], 3)])]);
    world.refuses(statement.apply(payer), CoverageError::StaleGeneration);
    world.refuses_at(1, &endorse(&[1]), CoverageError::StaleGeneration);
    world.cluster.svm = before;
    world.send(&[statement.apply(payer)]);
    assert_eq!(world.cell(workload).1[0].tally, GOOD);
}

#[test]
fn i5_quorum_of_two_takes_both() {
    let mut world = World::with(coverage_settlement::state::Config { quorum_bps: 5_000, ..config() }, 2);
    let workload = world.workload(0, 1);
    world.enrolled(1, 2_000, 1, workload);
    world.open_epoch();
    let statement = world.statement(workload, &[entry(0, GOOD)]);
    world.upload(&statement);
    let first = &world.net.attesters[..1].to_vec();
    for pair in statement.endorse(world.payer, first) {
        world.send(&pair);
    }
    world.refuses(statement.apply(world.payer), CoverageError::NoQuorum);
}

#[test]
fn i7_determinism() {
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    world.open_epoch();
    let slot = |number: u8| Slot {
        tally: [u32::from(number) * 5, 100, 0, 1, 2, 3, 0],
        ..Slot::new([number; 32], 1_000 + u64::from(number), u32::from(number) % 11, 0)
    };
    let slots: Vec<Slot> = (1..=60).map(slot).collect();
    world.forge().slots(&pda::cell(&workload), &slots, |_| ());
    world.seal(workload);
    let sealed = world.cluster.svm.clone();
    let mut results = Vec::new();
    for step_units in [ix::SETTLE_STEPS, 90_000, 20_000, 9_000] {
        world.cluster.svm = sealed.clone();
        let transactions = world.settle_by(workload, step_units);
        results.push((transactions, world.account(&pda::cell(&workload)).data));
    }
    assert_eq!(results[0].0, 1);
    assert!(results[3].0 > results[2].0 && results[2].0 > results[1].0 && results[1].0 > 1);
    let (cell, settled) = world.cell(workload);
    let size = 8 + size_of::<Cell>() + 8 + slots.len() * size_of::<Slot>();
    for (transactions, data) in &results {
        assert_eq!(data[..size], results[0].1[..size], "in {transactions} transactions");
    }
    // Off-chain, by the same kernel.
    let (mut again, mut order) = (slots, vec![0; 60]);
    let terms =
        Terms { epoch: 0, rule: Rule::Shapley, z_milli: 0, breach_bps: 200, slash_bps: 1_000, pool: cell.last.pool };
    let mut progress: Progress = bytemuck::Zeroable::zeroed();
    let result = settle(&mut again, &mut order, &mut progress, &terms, u64::MAX).unwrap().unwrap();
    assert_eq!(result.paid, cell.last.paid);
    let bare = |slots: &[Slot]| -> Vec<Slot> {
        // Scratch is no result.
        slots.iter().map(|slot| Slot { scratch_end: 0, scratch_reach_q32: 0, ..*slot }).collect()
    };
    assert_eq!(bare(&again), bare(&settled));
}

#[test]
fn i7_a_batch_of_another_network_with_the_same_keys_counts_nowhere() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.enrolled(1, 2_000, 1, workload);
    let (token, first) = (world.net.token, world.net.clone());
    world.net = found_with(&mut world.cluster, 9, token, config(), 5);
    let other = world.workload(0, 1);
    world.enrolled(1, 2_000, 1, other);
    world.set_time(GENESIS);
    world.open_epoch();
    let mut mixed = Statement::counts(world.batch_of(other), [5; 32], &[entry(0, GOOD)]);
    mixed.network = first.address;
    let upload = mixed.upload(world.payer).remove(0);
    world.refuses(upload, CoverageError::DigestMismatch);
}
