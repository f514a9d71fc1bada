//! Honest batches: nothing to be found in them, and nothing made up counts.

use crate::*;
use coverage_tests::CoverageError;

/// Two slots, several outcomes each, one request tried twice: everything a batch may hold.
fn honest(case: &mut Case) -> Applied {
    let receipts = [
        case.receipt(0, SERVED, 1),
        case.receipt(0, SERVED, 2),
        case.receipt(0, SERVED, 5),
        case.receipt(0, FAILED, 3),
        case.receipt(1, SERVED, 3),
        case.receipt(1, NO_MODEL, 1),
        case.receipt(2, FAILED, 9),
    ];
    case.honest(&receipts)
}

#[test]
fn examining_finds_nothing() {
    let mut case = Case::new();
    let batch = honest(&mut case);
    assert_eq!(batch.examine(), None);
    assert_eq!(case.world.cell(case.workload).1[0].tally, [3, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn receipts_in_their_places_are_no_fraud() {
    let mut case = Case::new();
    let batch = honest(&mut case);
    let open = |index| batch.open(index);
    for index in 0..7 {
        case.fails(&batch, &Evidence::Misplaced(open(index)), CoverageError::NoFraud);
    }
    let pairs = [
        (0, 1, "in order"),
        (0, 2, "in one bucket, not next to each other"),
        (1, 0, "in reverse"),
        (0, 0, "one and the same"),
        (2, 3, "of two outcomes: requests 5 and 3"),
        (3, 4, "of two slots: the same request"),
        (4, 5, "of two outcomes: requests 3 and 1"),
    ];
    for (first, second, name) in pairs {
        println!("{name}");
        case.fails(&batch, &Evidence::DuplicateInBatch(open(first), open(second)), CoverageError::NoFraud);
    }
}

#[test]
fn what_is_not_in_the_batch_proves_nothing() {
    let mut case = Case::new();
    let batch = honest(&mut case);
    let stranger = payload(&case.receipt(0, FAILED, 200));
    let other = Published::new(&batch.of.network, batch.of.epoch, std::slice::from_ref(&stranger)).open(0).unwrap();
    let right = batch.open(0);
    let mut flipped = right.clone();
    flipped.proof[0][31] ^= 1;
    let mut short = right.clone();
    short.proof.pop();
    let mut long = right.clone();
    long.proof.push([0; 32]);
    let moved = Opening { index: 1, ..right.clone() };
    let beyond = Opening { index: 7, ..batch.open(6) };
    let replaced = Opening { leaf: stranger, ..right.clone() };
    for opening in [other, flipped, short, long, moved, beyond, replaced] {
        case.fails(&batch, &Evidence::Misplaced(opening.clone()), CoverageError::NotInBatch);
        case.fails(&batch, &Evidence::DuplicateInBatch(opening.clone(), right.clone()), CoverageError::NotInBatch);
        case.fails(&batch, &Evidence::DuplicateInBatch(right.clone(), opening.clone()), CoverageError::NotInBatch);
        if opening.index != 7 && opening.index != 1 {
            case.fails(&batch, &Evidence::CountMismatch(opening), CoverageError::NotInBatch);
        }
    }
}

/// Uploads raw bytes as evidence; returns where.
fn upload(case: &mut Case, batch: &Applied, bytes: Vec<u8>) -> Pubkey {
    let statement = Statement::upload_only(batch.of, bytes);
    let uploads = statement.upload(case.challenger);
    case.each(&uploads);
    statement.address(&case.challenger)
}

#[test]
fn evidence_that_cannot_be_read_is_invalid() {
    let mut case = Case::new();
    let batch = honest(&mut case);
    let entries = upload(&mut case, &batch, bytemuck::cast_slice(&batch.entries).to_vec());
    let good = Evidence::Misplaced(batch.open(0)).encode();
    let edited = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        edit(&mut bytes);
        bytes
    };
    assert_eq!(good.len(), 352); // 13 bytes of numbers, a leaf of 215 and three siblings of 32 are 324
    let bad = [
        ("an unknown kind", edited(&|bytes| bytes[0] = 4)),
        ("a kind with another number first", edited(&|bytes| bytes[0] = 2)),
        ("a record of padding too many", edited(&|bytes| bytes.extend([0; 32]))),
        ("padding that is not zero", [vec![3], vec![0; 12], vec![0; 18], vec![1]].concat()),
        ("cut short", good[..good.len() - 32].to_vec()),
        ("a leaf longer than the evidence", edited(&|bytes| bytes[5..9].copy_from_slice(&u32::MAX.to_le_bytes()))),
        ("a proof longer than the evidence", edited(&|bytes| bytes[224..228].copy_from_slice(&[255; 4]))),
    ];
    for (name, bytes) in bad {
        println!("{name}");
        let evidence = upload(&mut case, &batch, bytes);
        let challenge = challenge_with(&case, &batch, entries, evidence);
        case.world.refuses(challenge, CoverageError::InvalidEvidence);
    }
}

#[test]
fn the_entries_must_be_those_of_the_batch_and_all_there() {
    let mut case = Case::new();
    let batch = case.apply(vec![payload(&case.receipt(0, FAILED, 1))], vec![entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    let proof = batch.examine().unwrap();
    let evidence = upload(&mut case, &batch, proof.encode());
    // Other counts would take other counts back.
    let wrong = upload(&mut case, &batch, bytemuck::cast_slice(&[entry(0, [0, 0, 0, 0, 0, 0, 1])]).to_vec());
    let challenge = challenge_with(&case, &batch, wrong, evidence);
    case.world.refuses(challenge, CoverageError::WrongEntries);
    let right = upload(&mut case, &batch, bytemuck::cast_slice(&batch.entries).to_vec());
    let half = Statement::upload_only(batch.of, vec![7; 64]);
    let open = ix::open_attestation(case.challenger, batch.of.network, half.digest, half.args, vec![7; 32]);
    case.each(&[open]);
    let half = half.address(&case.challenger);
    for (entries, evidence) in [(half, evidence), (right, half)] {
        let challenge = challenge_with(&case, &batch, entries, evidence);
        case.world.refuses(challenge, CoverageError::Incomplete);
    }
    let mut missing = batch.clone();
    missing.of.sequence = 1;
    let challenge = challenge_with(&case, &missing, right, evidence);
    case.world.refuses(challenge, CoverageError::NoSuchBatch);
    case.each(&[challenge_with(&case, &batch, right, evidence)]);
    assert_eq!(case.reward(), REWARD);
}

#[test]
fn one_upload_may_be_entries_and_evidence_of_nothing() {
    let mut case = Case::new();
    let batch = honest(&mut case);
    let entries = upload(&mut case, &batch, bytemuck::cast_slice(&batch.entries).to_vec());
    // Entries for slot 0 read as evidence of kind 0 with a leaf that is not there.
    let challenge = challenge_with(&case, &batch, entries, entries);
    case.world.refuses(challenge, CoverageError::InvalidEvidence);
}
