//! Signatures, digests, trees and replays.

use crate::{GOOD, statement, world};
use coverage_client::batch::{BatchOf, Statement, ed25519, sign};
use coverage_client::capabilities::CapabilityTree;
use coverage_client::{instructions as ix, pda};
use coverage_math::hash::{NO_EPOCH, Purpose, Software, Tag};
use coverage_math::receipt::Capability;
use coverage_settlement::ID;
use coverage_settlement::state::{Attestation, Operator};
use coverage_tests::{CoverageError, InstructionError, World, entry, member};
use solana_account::Account;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// An uploaded statement, the instruction with all good signatures of it, and the `endorse` that reads it.
fn endorsing() -> (World, Statement, [Instruction; 2]) {
    let (mut world, workload, _) = world();
    let statement = statement(&world, workload);
    world.upload(&statement);
    let pair = statement.endorse(world.payer, &world.net.attesters).remove(0);
    (world, statement, pair)
}

#[test]
fn fake_instructions_sysvar() {
    let (mut world, _, [signatures, mut endorse]) = endorsing();
    let fake = Pubkey::from([66; 32]);
    let account = Account { lamports: 1_000_000_000, data: vec![0; 2_000], owner: ID, ..Account::default() };
    world.cluster.svm.set_account(fake, account).unwrap();
    endorse.accounts[2].pubkey = fake;
    world.refuses_at(1, &[signatures, endorse], CoverageError::WrongInstructionsSysvar);
}

#[test]
fn ed25519_offsets_or_any_of_the_three_indices_unchecked() {
    let (mut world, _, [signatures, endorse]) = endorsing();
    // Signature, key and message each have an index: pointed at the instruction's own number it still verifies, but is refused.
    for index_at in [2 + 2, 2 + 6, 2 + 12] {
        let mut foreign = signatures.clone();
        foreign.data[index_at..index_at + 2].copy_from_slice(&0u16.to_le_bytes());
        world.refuses_at(1, &[foreign, endorse.clone()], CoverageError::InvalidSignatureOffsets);
    }
}

#[test]
fn zero_signatures_and_short_data() {
    let (mut world, _, [signatures, endorse]) = endorsing();
    let none = Instruction { data: vec![0, 0], ..signatures };
    world.refuses_at(1, &[none, endorse], CoverageError::InvalidSignatureCount);
}

#[test]
fn the_same_signer_counted_twice() {
    let (mut world, statement, [_, endorse]) = endorsing();
    let twice = [sign(&world.net.attesters[0], &statement.digest); 2];
    let pair = [ed25519(&twice, &statement.digest), endorse.clone()];
    world.refuses_at(1, &pair, CoverageError::DuplicateAttester);
    for _ in 0..5 {
        world.send(&[ed25519(&twice[..1], &statement.digest), endorse.clone()]);
    }
    assert_eq!(world.get::<Attestation>(&statement.address(&world.payer)).endorsers, 1);
    world.refuses(statement.apply(world.payer), CoverageError::NoQuorum);
}

#[test]
fn a_digest_without_program_network_epoch_or_purpose() {
    let (mut world, workload, _) = world();
    let statement = statement(&world, workload);
    world.upload(&statement);
    let (program, network) = (ID.to_bytes(), world.net.address.to_bytes());
    let words = statement.args.statement(world.generation());
    let digest = |program: &[u8; 32], network: &[u8; 32], purpose, epoch| {
        words.digest::<Software>(&Tag::new::<Software>(program, network, purpose, epoch))
    };
    assert_eq!(digest(&program, &network, Purpose::Outcomes, 0), statement.digest);
    let others = [
        digest(&[1; 32], &network, Purpose::Outcomes, 0),
        digest(&program, &[1; 32], Purpose::Outcomes, 0),
        digest(&program, &network, Purpose::Outcomes, 1),
        digest(&program, &network, Purpose::Outcomes, NO_EPOCH),
        digest(&program, &network, Purpose::FailureDomain, 0),
    ];
    let endorse = ix::endorse(world.net.address, statement.address(&world.payer), 0);
    for other in others {
        let signatures: Vec<_> = world.net.attesters.iter().map(|key| sign(key, &other)).collect();
        world.refuses_at(1, &[ed25519(&signatures, &other), endorse.clone()], CoverageError::WrongMessage);
        let open = ix::open_attestation(world.payer, world.net.address, other, statement.args, Vec::new());
        world.refuses(open, CoverageError::DigestMismatch);
    }
}

/// The operator's tree of three capabilities, committed.
fn tree(world: &mut World, workload: Pubkey) -> (coverage_tests::Operator, CapabilityTree) {
    let operator = world.operator(7, 2_000);
    let leaf = |salt: u8| Capability { salt: [salt; 32], ..world.capability(workload) };
    let tree = CapabilityTree::new(&world.net.address, vec![leaf(1), leaf(2), leaf(3)]).unwrap();
    let commit = ix::commit_capabilities(operator.wallet, world.net.address, tree.root(), tree.count());
    world.send(&[commit]);
    (operator, tree)
}

#[test]
fn leaf_and_node_confusion_and_odd_node_duplication() {
    let (mut world, workload, _) = world();
    let (operator, tree) = tree(&mut world, workload);
    let network = world.net.address;
    let enroll = |index, leaf: u32, proof: Vec<[u8; 32]>| {
        let (args, _) = tree.open(leaf).unwrap();
        ix::enroll(operator.wallet, network, workload, (args, index, proof), None)
    };
    let proof = |leaf| tree.open(leaf).unwrap().1;
    // The lone third leaf duplicated as a fourth, its path a level too long or too short, another's index.
    world.refuses(enroll(3, 2, proof(2)), CoverageError::InvalidProof);
    world.refuses(enroll(2, 2, [proof(2), proof(2)].concat()), CoverageError::InvalidProof);
    world.refuses(enroll(2, 2, Vec::new()), CoverageError::InvalidProof);
    world.refuses(enroll(1, 2, proof(2)), CoverageError::InvalidProof);
    world.refuses(enroll(0, 0, proof(0)[..1].to_vec()), CoverageError::InvalidProof);
    world.send(&[enroll(2, 2, proof(2))]);
}

#[test]
fn two_encoders_that_disagree() {
    // The client hashes a Borsh-encoded leaf, the program the bytes it encodes from the instruction's fields.
    let (mut world, workload, _) = world();
    let operator = world.operator(7, 2_000);
    let capability =
        Capability { latency_ms: 1, capacity_milli: u64::MAX, salt: [255; 32], ..world.capability(workload) };
    let tag = Tag::new::<Software>(&ID.to_bytes(), &world.net.address.to_bytes(), Purpose::Capabilities, NO_EPOCH);
    let bytes = borsh_bytes(&capability);
    let root = coverage_math::merkle::leaf::<Software>(&tag, &bytes);
    let (args, proof) = CapabilityTree::new(&world.net.address, vec![capability]).unwrap().open(0).unwrap();
    world.send(&[
        ix::commit_capabilities(operator.wallet, world.net.address, root, 1),
        ix::enroll(operator.wallet, world.net.address, workload, (args, 0, proof), None),
    ]);
}

/// A capability by hand: every field little-endian, one after the other.
fn borsh_bytes(leaf: &Capability) -> Vec<u8> {
    [
        leaf.workload.as_slice(),
        &leaf.model,
        &leaf.hardware_class.to_le_bytes(),
        &[leaf.verification_mode],
        &leaf.region.to_le_bytes(),
        &leaf.latency_ms.to_le_bytes(),
        &leaf.capacity_milli.to_le_bytes(),
        &leaf.salt,
    ]
    .concat()
}

#[test]
fn null_root() {
    let (mut world, workload, operator) = world();
    let commit = ix::commit_capabilities(operator.wallet, world.net.address, [0; 32], 1);
    world.refuses(commit, CoverageError::NullRoot);
    let empty = ix::commit_capabilities(operator.wallet, world.net.address, [1; 32], 0);
    world.refuses(empty, CoverageError::NullRoot);
    let batch = Statement::counts(world.batch_of(workload), [0; 32], &[entry(0, GOOD)]);
    world.refuses(batch.upload(world.payer).remove(0), CoverageError::InvalidStatement);
}

#[test]
fn epoch_or_attestation_made_again_after_closing() {
    let (mut world, workload, _) = world();
    let statement = statement(&world, workload);
    world.apply(&statement);
    world.endorse(&statement); // its account is made again, and every signature is good
    world.refuses(statement.apply(world.payer), CoverageError::WrongSequence);
    world.finish(workload);
    let (payer, network) = (world.payer, world.net.address);
    world.send(&[ix::close_epoch(payer, network, 0, &[workload])]);
    assert!(world.cluster.svm.get_account(&pda::epoch(&network, 0)).is_none_or(|account| account.lamports == 0));
    world.refuses(ix::open_epoch(payer, network, 0), InstructionError::InvalidSeeds);
    world.set_time(coverage_tests::GENESIS + 2 * coverage_tests::EPOCH);
    world.open_epoch();
    world.refuses(ix::open_epoch(payer, network, 0), InstructionError::InvalidSeeds);
}

#[test]
fn stale_endorsements_after_the_committee_changed() {
    let (mut world, statement, pair) = endorsing();
    world.send(&pair);
    let key = world.net.attesters[0].clone();
    world.send(&[ix::update_committee(world.net.authority, world.net.address, vec![member(0, &key, 1)])]);
    world.refuses(statement.apply(world.payer), CoverageError::StaleGeneration);
    world.refuses_at(1, &pair, CoverageError::StaleGeneration);
}

#[test]
fn a_quorum_of_half_rounded_up_with_two() {
    let config = coverage_settlement::state::Config { quorum_bps: 5_000, ..coverage_tests::config() };
    let mut world = World::with(config, 2);
    let operator = world.operator(1, 1_000);
    let version = world.get::<Operator>(&operator.account).domain_version;
    let statement = Statement::failure_domain(world.net.address, operator.account, 4, version, world.generation());
    world.upload(&statement);
    let [first, second] = [0, 1].map(|number| vec![world.net.attesters[number].clone()]);
    world.send(&statement.endorse(world.payer, &first).remove(0));
    world.refuses(statement.apply(world.payer), CoverageError::NoQuorum);
    world.send(&statement.endorse(world.payer, &second).remove(0));
    world.send(&[statement.apply(world.payer)]);
    assert_eq!(world.get::<Operator>(&operator.account).domain, 4);
}

#[test]
fn an_upload_nobody_signed_is_no_batch() {
    // What challengers upload has the shape of a batch.
    let (mut world, workload, _) = world();
    let of = BatchOf { ..world.batch_of(workload) };
    let upload = Statement::upload_only(of, bytemuck::cast_slice(&[entry(0, GOOD)]).to_vec());
    world.upload(&upload);
    world.refuses(upload.apply(world.payer), CoverageError::NoQuorum);
}
