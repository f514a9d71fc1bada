//! Merkle trees and canonical encodings: what verifies, and every forgery that must not.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::indexing_slicing)]

use coverage_math::attestation::Statement;
use coverage_math::hash::{Hash, NO_EPOCH, Purpose, Sha256, Software, Tag};
use coverage_math::merkle::{leaf, prove, root, verify};
use coverage_math::receipt::{ATTEMPT_BYTES, Attempt, CAPABILITY_BYTES, Capability, RECEIPT_BYTES, Receipt};

fn tag() -> Tag {
    Tag::new::<Software>(&[1; 32], &[2; 32], Purpose::Receipts, 9)
}

fn leaves(count: u32) -> Vec<Hash> {
    (0..count).map(|index| leaf::<Software>(&tag(), &index.to_le_bytes())).collect()
}

fn tree(count: u32, index: usize) -> (Hash, Vec<Hash>) {
    let mut proof = [[0; 32]; 32];
    let length = prove::<Software>(&mut leaves(count), index, &mut proof).unwrap();
    (root::<Software>(&mut leaves(count)).unwrap(), proof[..length].to_vec())
}

#[test]
fn every_leaf_of_every_small_tree_verifies_at_its_place_only() {
    for count in 1..=33u32 {
        for index in 0..count {
            let (root, proof) = tree(count, index as usize);
            for place in 0..count + 2 {
                let leaf = leaves(count)[index as usize];
                assert_eq!(
                    verify::<Software>(&root, count, place, leaf, &proof),
                    place == index,
                    "{count} {index} {place}"
                );
            }
        }
    }
}

#[test]
fn forged_proofs_do_not_verify() {
    let (root, proof) = tree(11, 4);
    let leaf = leaves(11)[4];
    assert!(verify::<Software>(&root, 11, 4, leaf, &proof));
    let longer = [proof.clone(), vec![[0; 32]]].concat();
    assert!(!verify::<Software>(&root, 11, 4, leaf, &longer));
    assert!(!verify::<Software>(&root, 11, 4, leaf, &proof[1..]));
    assert!(!verify::<Software>(&root, 11, 4, leaf, &proof[..proof.len() - 1]));
    assert!(!verify::<Software>(&[0; 32], 11, 4, leaf, &proof), "null root");
    assert!(!verify::<Software>(&leaf, 0, 0, leaf, &[]), "no leaves");
    // An inner node passed off as a leaf of the smaller tree above it.
    let pair = Software::hash(&[&[1], &leaves(2)[0], &leaves(2)[1]]);
    assert_eq!(self::root::<Software>(&mut leaves(2)).unwrap(), pair);
    assert!(!verify::<Software>(&self::root::<Software>(&mut leaves(4)).unwrap(), 4, 0, pair, &tree(4, 0).1[1..]));
    // A lone last leaf is not duplicated: its twin is not in the tree.
    assert!(!verify::<Software>(&tree(3, 2).0, 4, 3, leaves(3)[2], &[leaves(3)[2], tree(3, 2).1[0]]));
}

#[test]
fn tags_separate_program_network_purpose_and_epoch() {
    let base = ([1; 32], [2; 32], Purpose::Outcomes, 5);
    let tag = |(program, network, purpose, epoch): ([u8; 32], [u8; 32], Purpose, u64)| {
        Tag::new::<Software>(&program, &network, purpose, epoch)
    };
    let others = [
        ([9; 32], base.1, base.2, base.3),
        (base.0, [9; 32], base.2, base.3),
        (base.0, base.1, Purpose::FailureDomain, base.3),
        (base.0, base.1, base.2, 6),
        (base.0, base.1, base.2, NO_EPOCH),
    ];
    for other in others {
        assert_ne!(tag(base).as_bytes(), tag(other).as_bytes());
    }
}

#[test]
fn encodings_are_canonical_borsh_of_the_documented_length() {
    let attempt = Attempt {
        request_id: [7; 32],
        workload: [8; 32],
        epoch: 3,
        slot: 0x0102,
        outcome: 5,
        latency_ms: 900,
        observed_at: -1,
        evidence: [4; 32],
        reporter: [6; 32],
    };
    let bytes = attempt.encode().unwrap();
    assert_eq!(bytes.len(), ATTEMPT_BYTES);
    assert_eq!(bytes.to_vec(), borsh::to_vec(&attempt).unwrap());
    assert_eq!(&bytes[72..74], &[2, 1], "little-endian slot after request, workload and epoch");
    assert_eq!(borsh::from_slice::<Attempt>(&bytes).unwrap(), attempt);
    assert_eq!(attempt.key(), (0x0102, 5, [7; 32]));
    let receipt = Receipt { attempt, signature: [1; 64] };
    let encoded = borsh::to_vec(&receipt).unwrap();
    assert_eq!(encoded.len(), RECEIPT_BYTES);
    assert_eq!(receipt.leaf::<Software>(&tag()).unwrap(), leaf::<Software>(&tag(), &encoded));
    let capability = Capability {
        workload: [1; 32],
        model: [2; 32],
        hardware_class: 3,
        verification_mode: 4,
        region: 5,
        latency_ms: 6,
        capacity_milli: 7,
        salt: [8; 32],
    };
    let encoded = borsh::to_vec(&capability).unwrap();
    assert_eq!(encoded.len(), CAPABILITY_BYTES);
    assert_eq!(capability.leaf::<Software>(&tag()).unwrap(), leaf::<Software>(&tag(), &encoded));
}

#[test]
fn leaves_and_nodes_are_hashed_apart() {
    let payload = b"payload";
    let expected = Software::hash(&[&[0], tag().as_bytes(), payload]);
    assert_eq!(leaf::<Software>(&tag(), payload), expected);
}

#[test]
fn every_field_of_a_statement_is_signed() {
    let base = Statement {
        subject: [1; 32],
        sequence: 2,
        generation: 3,
        receipts_root: [4; 32],
        value: 5,
        entries_hash: [6; 32],
    };
    let others = [
        Statement { subject: [9; 32], ..base },
        Statement { sequence: 9, ..base },
        Statement { generation: 9, ..base },
        Statement { receipts_root: [9; 32], ..base },
        Statement { value: 9, ..base },
        Statement { entries_hash: [9; 32], ..base },
    ];
    for other in others {
        assert_ne!(other.digest::<Software>(&tag()), base.digest::<Software>(&tag()), "{other:?}");
    }
}
