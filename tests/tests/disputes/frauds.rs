//! The frauds a batch's own receipts show, each proven: what falls, who pays, who is paid.

use crate::*;
use coverage_tests::CoverageError;

/// A false batch: its name, the number of its fraud, its leaves and what they were counted as.
type False = (&'static str, u64, Vec<Vec<u8>>, Vec<Entry>);

/// One false batch for each thing that receipts can show.
fn false_batches(case: &Case) -> Vec<False> {
    let receipt = |slot, outcome, request| payload(&case.receipt(slot, outcome, request));
    let edited = |edit: fn(&mut Attempt)| payload(&case.signed(edit));
    let one = |served: u32| vec![entry(0, [served, 0, 0, 0, 0, 0, 0])];
    let mut short = receipt(0, SERVED, 1);
    short.pop();
    vec![
        ("failures counted as served", 0, vec![receipt(0, SERVED, 1), receipt(0, FAILED, 2)], one(2)),
        ("served by another slot", 0, vec![receipt(1, SERVED, 1)], one(1)),
        ("of another epoch", 0, vec![edited(|attempt| attempt.epoch = 9)], one(1)),
        ("of another workload", 0, vec![edited(|attempt| attempt.workload = [9; 32])], one(1)),
        ("of an outcome there is not", 0, vec![edited(|attempt| attempt.outcome = 7)], one(1)),
        ("no receipt at all", 0, vec![b"trust me".to_vec()], one(1)),
        ("a receipt cut short", 0, vec![short], one(1)),
        ("an empty leaf", 0, vec![Vec::new()], one(1)),
        ("not sorted by slot", 0, vec![receipt(1, SERVED, 1), receipt(0, SERVED, 2)], {
            vec![entry(0, [1, 0, 0, 0, 0, 0, 0]), entry(1, [1, 0, 0, 0, 0, 0, 0])]
        }),
        ("one receipt twice", 1, vec![receipt(0, SERVED, 1); 2], one(2)),
        ("not sorted by request", 1, [1, 3, 2, 4].map(|request| receipt(0, SERVED, request)).to_vec(), one(4)),
        ("more counted than published", 3, vec![receipt(0, SERVED, 1), receipt(0, SERVED, 2)], one(900)),
        ("less counted than published", 3, [1, 2, 3].map(|request| receipt(0, FAILED, request)).to_vec(), {
            vec![entry(0, [0, 0, 0, 0, 0, 0, 2])]
        }),
    ]
}

/// An honest batch, so that there is something to lose by removing too much.
fn honest_batch(case: &mut Case) {
    let receipts = [
        case.receipt(0, SERVED, 11),
        case.receipt(0, SERVED, 12),
        case.receipt(1, SERVED, 13),
        case.receipt(1, NO_MODEL, 14),
        case.receipt(2, SERVED, 15),
    ];
    case.honest(&receipts);
}

#[test]
fn every_fraud_falls_and_the_cell_settles_as_if_it_had_never_been() {
    let mut case = Case::new();
    let mut frauds = false_batches(&case);
    honest_batch(&mut case);
    let start = case.world.cluster.svm.clone();
    let twin = case.settled();
    // p = 1, ½ and 1 in three domains cover all but 2^-64; what is rounded down is carried.
    let (cell, slots) = case.world.cell(case.workload);
    assert_eq!(slots.iter().map(|slot| slot.settled_tally[0]).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!((cell.last.batches, cell.last.paid + cell.last.carry), (1, 1_000_000));
    for (name, number, leaves, entries) in frauds.drain(..) {
        case.world.cluster.svm = start.clone();
        let before = case.world.cell(case.workload).1;
        let batch = case.apply(leaves, entries);
        assert_ne!(case.world.cell(case.workload).1, before, "{name}: it counts until it is proven false");
        let evidence = batch.examine().expect(name);
        case.prove(&batch, &evidence);
        let (cell, slots) = case.world.cell(case.workload);
        assert_eq!((cell.batches, cell.removed, &slots), (2, 1, &before), "{name}: its counts are gone");
        assert_eq!(kind_of(&evidence), number, "{name}");
        let network = case.network();
        assert_eq!(case.bonds(), [Bond { units: 90_000, ..Bond::default() }; 5], "{name}");
        assert_eq!((network.attester_bonds, case.reward()), (5 * ATTESTER_BOND - SLASHED, REWARD), "{name}");
        assert_eq!(network.treasury_available, 9_000_000 + TO_TREASURY, "{name}");
        case.world.assert_solvent(&[case.workload]);
        assert_eq!(case.settled(), twin, "{name}: every byte of cell and slots");
        case.world.assert_solvent(&[case.workload]);
    }
}

/// The number of the fraud that evidence is of: its first byte.
fn kind_of(evidence: &Evidence) -> u64 {
    u64::from(evidence.encode()[0])
}

#[test]
fn a_false_batch_before_honest_ones_leaves_no_trace_either() {
    let mut case = Case::new();
    let start = case.world.cluster.svm.clone();
    honest_batch(&mut case);
    let twin = case.settled();
    for removed_first in [false, true] {
        case.world.cluster.svm = start.clone();
        let leaves = vec![payload(&case.receipt(2, SERVED, 1)); 3];
        let batch = case.apply(leaves, vec![entry(2, [3, 0, 0, 0, 0, 0, 0])]);
        let evidence = batch.examine().unwrap();
        if removed_first {
            case.prove(&batch, &evidence);
            honest_batch(&mut case); // its number is 1 all the same
        } else {
            honest_batch(&mut case);
            case.prove(&batch, &evidence);
        }
        assert_eq!(case.world.cell(case.workload).0.batches, 2);
        assert_eq!(case.settled(), twin);
    }
}

#[test]
fn the_events_tell_what_fell_who_lost_what_and_who_was_paid() {
    let mut case = Case::new();
    // Bonds that do not divide: each loss is rounded down by itself.
    let net = case.world.net.clone();
    for (place, more) in [(0, 9), (1, 10), (2, 11)] {
        let add = ix::add_attester_bond(net.authority, net.address, &net.token, net.treasurer, place, more);
        case.world.send(&[add]);
    }
    let (available, bonds) = (case.network().treasury_available, case.bonds());
    let batch = case.apply(vec![payload(&case.receipt(0, FAILED, 1))], vec![entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    let events = case.prove(&batch, &batch.examine().unwrap());
    let [Event::BatchRemoved(event)] = events[..] else { panic!("{} events", events.len()) };
    assert_eq!((event.workload, event.epoch, event.sequence, event.fraud), (case.workload, 0, 0, 0));
    assert_eq!((event.challenger, event.slashed_places, event.slash_bps), (case.challenger, 0b1_1111, 1_000));
    // A quarter of 50,002 is 12,500.5: what is rounded down is the treasury's.
    assert_eq!((event.slashed_units, event.reward_units), (50_002, 12_500));
    assert_eq!(event.available_before_units, available);
    let losses = [10_000, 10_001, 10_001, 10_000, 10_000]; // a tenth of 100,009, 100,010, 100,011 and 100,000
    let after = |(bond, loss): (&Bond, u64)| Bond { units: bond.units - loss, ..*bond };
    assert_eq!(case.bonds(), bonds.iter().zip(losses).map(after).collect::<Vec<_>>());
    assert_eq!(case.reward(), 12_500);
    assert_eq!(case.network().treasury_available, available + 37_502);
    case.world.assert_solvent(&[case.workload]);
}

#[test]
fn a_challenge_costs_its_fees_and_the_token_account_it_opens() {
    let mut case = Case::new();
    let batch = case.apply(vec![payload(&case.receipt(0, FAILED, 1))], vec![entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    let evidence = batch.examine().unwrap();
    let before = case.world.account(&case.challenger).lamports;
    let (uploads, challenge, closings) = case.steps(&batch, &evidence);
    assert_eq!((uploads.len(), closings.len()), (2, 2));
    case.each(&uploads);
    // Headers of 304 bytes with their discriminators and lengths; an entry of 32; evidence of 8 entries.
    let uploaded: Vec<_> = [&challenge.accounts[6], &challenge.accounts[7]]
        .map(|meta| case.world.account(&meta.pubkey).data.len())
        .to_vec();
    assert_eq!(uploaded[1] - uploaded[0], 7 * 32, "an opening of 228 bytes takes 8 records");
    let held = case.rent(uploaded[0]) + case.rent(uploaded[1]);
    assert_eq!(before - case.world.account(&case.challenger).lamports, held);
    case.each(&[challenge]);
    case.each(&closings);
    assert_eq!(before - case.world.account(&case.challenger).lamports, case.rent(165));
}

#[test]
fn a_batch_falls_once() {
    let mut case = Case::new();
    let batch = case.apply(vec![payload(&case.receipt(0, FAILED, 1))], vec![entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    let evidence = batch.examine().unwrap();
    case.prove(&batch, &evidence);
    case.fails(&batch, &evidence, CoverageError::BatchRemoved);
    // Another proof of the same batch is no better.
    let second = Evidence::CountMismatch(Opening { index: 0, ..batch.open(0) });
    case.fails(&batch, &second, CoverageError::BatchRemoved);
    assert_eq!(case.reward(), REWARD);
}

#[test]
fn a_large_batch_is_challenged_over_several_uploads() {
    let mut case = Case::new();
    case.challenger = case.world.payer; // who pays its own fees has room for more in a packet
    let address = pda::cell(&case.workload);
    let slots: Vec<_> = (0..200u8).map(|number| coverage_math::cell::Slot::new([number; 32], 1_000, 1, 0)).collect();
    case.world.forge().slots(&address, &slots, |_| {});
    let before = case.world.account(&address).data;
    let mut receipts: Vec<_> = (0..200).map(|slot| case.receipt(slot, SERVED, 1)).collect();
    let entries = count(&receipts);
    receipts[150] = case.receipt(150, FAILED, 1);
    let batch = case.apply(leaves(&receipts), entries);
    let evidence = batch.examine().unwrap();
    let Evidence::Misplaced(opening) = &evidence else { panic!("{evidence:?}") };
    assert_eq!((opening.index, opening.proof.len()), (150, 8));
    // 18 records with the opening transaction, 28 with each that follows.
    assert_eq!(case.steps(&batch, &evidence).0.len(), 8 + 1);
    case.prove(&batch, &evidence);
    let (cell, slots) = case.world.cell(case.workload);
    assert_eq!((cell.batches, cell.removed), (1, 1));
    let unsettled = |data: &[u8]| coverage_client::accounts::cell(&address, data).unwrap().1;
    assert_eq!(slots, unsettled(&before));
    assert_eq!(case.reward(), REWARD);
}
