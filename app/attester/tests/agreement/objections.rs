//! What a peer says to each kind of false proposal, to the word.

use crate::network::{ATTESTERS, Network, terms};
use crate::peer::Manner;
use crate::proposals::{root, signed};
use axum::http::StatusCode;
use coverage_attester::agreement::messages::{Answer, Leaf, Objection, Proposal, count};
use coverage_attester::agreement::peers::PeerError;
use coverage_math::attestation::Entry;
use coverage_math::receipt::Receipt;
use ed25519_dalek::{Signature, VerifyingKey};
use std::time::Duration;

/// A network whose attesters answer, but make no proposals.
async fn quiet() -> Network {
    let mut network = Network::new([Manner::Scripted; ATTESTERS]).await;
    network.start().await;
    network
}

fn edit(proposal: &Proposal, edit: impl FnOnce(&mut Proposal)) -> Proposal {
    let mut proposal = proposal.clone();
    edit(&mut proposal);
    proposal
}

/// Adds to a count of the first entry.
fn miscount(proposal: &mut Proposal, outcome: usize, by: i32) {
    let mut entries: Vec<Entry> = proposal.entries.chunks(32).map(bytemuck::pod_read_unaligned).collect();
    let count = &mut entries[0].counts[outcome];
    *count = count.checked_add_signed(by).unwrap();
    proposal.entries = bytemuck::cast_slice(&entries).to_vec();
}

async fn objection(network: &Network, to: usize, proposal: &Proposal) -> Objection {
    match network.propose(0, to, proposal).await.unwrap() {
        Answer::Objects(objection) => objection,
        Answer::Signed(_) => panic!("signed {proposal:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_true_batch_is_signed_by_all() {
    let network = quiet().await;
    let receipts = network.receipts(0, 20);
    network.give(&receipts, 0..ATTESTERS);
    let proposal = network.proposal(&receipts);
    let digest = proposal.statement().digest;
    for to in 1..ATTESTERS {
        let Answer::Signed(signature) = network.propose(0, to, &proposal).await.unwrap() else { panic!("objects") };
        let key = VerifyingKey::from_bytes(&network.nodes[to].public()).unwrap();
        key.verify_strict(&digest, &Signature::from_bytes(&signature)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_with_one_false_count_is_signed_by_none() {
    let network = quiet().await;
    let receipts = network.receipts(0, 20);
    network.give(&receipts, 0..ATTESTERS);
    let truth = network.proposal(&receipts);
    // One more than there are; one outcome passed off as another; one left out.
    let more = edit(&truth, |it| miscount(it, 0, 1));
    let other = edit(&truth, |it| {
        miscount(it, 3, -1);
        miscount(it, 0, 1);
    });
    let fewer = edit(&truth, |it| miscount(it, 6, -1));
    for to in 1..ATTESTERS {
        for proposal in [&more, &other, &fewer] {
            assert_eq!(objection(&network, to, proposal).await, Objection::FalseCount, "attester {to}");
        }
    }
    // Counts that go with leaves of another outcome than the receipts with their hashes have.
    let lie = edit(&truth, |it| {
        it.leaves.last_mut().unwrap().outcome = 0;
        it.leaves.sort_by_key(Leaf::key);
        it.entries = count(&it.leaves).unwrap();
        it.receipts_root = root(&it.leaves);
    });
    for to in 1..ATTESTERS {
        assert_eq!(objection(&network, to, &lie).await, Objection::FalseCount, "attester {to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_false_proposal_has_its_objection() {
    let network = quiet().await;
    let receipts = network.receipts(0, 20);
    network.give(&receipts, 0..ATTESTERS);
    let truth = network.proposal(&receipts);
    let cases: Vec<(Proposal, Objection)> = vec![
        (edit(&truth, |it| it.receipts_root = [9; 32]), Objection::FalseRoot),
        (edit(&truth, |it| it.leaves[2].hash = [9; 32]), Objection::FalseRoot),
        (edit(&truth, |it| it.network = [9; 32]), Objection::OtherNetwork),
        (edit(&truth, |it| it.workload = [9; 32]), Objection::NotCollecting),
        (edit(&truth, |it| it.generation += 1), Objection::OtherGeneration { ours: truth.generation }),
        (edit(&truth, |it| it.sequence += 1), Objection::NotNext { epoch: 0, sequence: 0 }),
        (edit(&truth, |it| it.epoch += 1), Objection::NotNext { epoch: 0, sequence: 0 }),
        (edit(&truth, |it| it.leaves.clear()), Objection::Malformed),
        (edit(&truth, |it| it.leaves.swap(0, 1)), Objection::Malformed),
        (edit(&truth, |it| it.leaves[19].outcome = 7), Objection::Malformed),
        (network.proposal(&[network.receipt(500, 3, 0)]), Objection::BadSlot { slot: 3 }),
        (network.proposal(&[network.receipt(500, 1, 0), network.receipt(500, 1, 2)]), Objection::Twice { slot: 1 }),
    ];
    for (proposal, expected) in cases {
        assert_eq!(objection(&network, 3, &proposal).await, expected);
    }
    // Signed by another than its sender.
    let other = signed(&network.nodes[1].key, truth.clone());
    let body = axum::body::Bytes::from(borsh::to_vec(&other).unwrap());
    let hash = <coverage_math::hash::Software as coverage_math::hash::Sha256>::hash(&[&body]);
    let answer = network.peers_of(0).propose(&network.nodes[3].public(), body, &hash, Duration::from_secs(5)).await;
    assert_eq!(answer.unwrap(), Answer::Objects(Objection::Unsigned));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_that_only_the_proposer_has_are_examined_like_any() {
    let network = quiet().await;
    let good = network.receipts(0, 9);
    network.give(&good, [0]);
    let proposal = network.proposal(&good);
    assert!(matches!(network.propose(0, 1, &proposal).await.unwrap(), Answer::Signed(_)));
    assert_eq!(network.nodes[1].store.pending(&network.workload, 0, 100).unwrap().len(), 9);

    let expect = |bad: &Receipt, reason: &str| Objection::BadReceipt {
        slot: bad.attempt.slot,
        request_id: bad.attempt.request_id,
        reason: reason.to_owned(),
    };
    let mut forged = network.receipt(50, 1, 0);
    forged.signature[5] ^= 1;
    network.give(&[forged], [0]);
    assert_eq!(objection(&network, 1, &network.proposal(&[forged])).await, expect(&forged, "bad signature"));
    let mut stranger = network.receipt(51, 1, 0);
    stranger.attempt.reporter = [3; 32];
    network.give(&[stranger], [0]);
    let mixed = [good.clone(), vec![stranger]].concat();
    assert_eq!(objection(&network, 1, &network.proposal(&mixed)).await, expect(&stranger, "unknown reporter"));
    // What was refused has not entered the store.
    assert_eq!(network.nodes[1].store.pending(&network.workload, 0, 100).unwrap().len(), 9);
    // Proposed, but not there.
    let absent = network.proposal(&[network.receipt(60, 1, 0), network.receipt(61, 1, 0)]);
    assert_eq!(objection(&network, 1, &absent).await, Objection::Withheld { receipts: 2 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_receipts_of_one_request_end_as_the_same_one_everywhere() {
    let network = quiet().await;
    let (one, other) = (network.receipt_with(1, 0, 0, 10), network.receipt_with(1, 0, 5, 20));
    network.give(&[one], [0]);
    network.give(&[other], [1]);
    network.give(&[one, other], [2]);
    network.give(&[other, one], [3]);
    let at = |number: usize| network.nodes[number].store.pending(&network.workload, 0, 9).unwrap();
    assert_eq!(at(2), at(3), "whatever came first");
    let [winner] = at(2)[..] else { panic!("two of one identity") };
    let (with, without, loser) = if winner == one { (0, 1, other) } else { (1, 0, one) };
    // Whoever has the one that goes after takes the one that goes before.
    let from_winner = network.propose(with, without, &network.proposal(&[winner])).await.unwrap();
    assert!(matches!(from_winner, Answer::Signed(_)));
    assert_eq!(at(without), [winner]);
    // Whoever proposes the one that goes after is shown the other.
    network.give(&[loser], [4]);
    let answer = network.propose(4, 2, &network.proposal(&[loser])).await.unwrap();
    assert_eq!(answer, Answer::Objects(Objection::Conflict(vec![winner])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_turned_away_before_their_body_is_read() {
    let network = quiet().await;
    let receipts = network.receipts(0, 3);
    network.give(&receipts, 0..ATTESTERS);
    let proposal = network.proposal(&receipts);
    let key = ed25519_dalek::SigningKey::from_bytes(&[99; 32]);
    let url = std::collections::BTreeMap::from([(network.nodes[1].public(), network.url(1))]);
    let stranger = coverage_attester::agreement::peers::Peers::new(network.net.address, key.clone(), url).unwrap();
    let body = axum::body::Bytes::from(borsh::to_vec(&signed(&key, proposal)).unwrap());
    let hash = <coverage_math::hash::Software as coverage_math::hash::Sha256>::hash(&[&body]);
    let refused = stranger.propose(&network.nodes[1].public(), body.clone(), &hash, Duration::from_secs(5)).await;
    assert!(matches!(refused, Err(PeerError::Refuses { status: StatusCode::FORBIDDEN, .. })), "{refused:?}");
    // A body other than the one that was signed.
    let mixed = network.peers_of(0).propose(&network.nodes[1].public(), body, &[1; 32], Duration::from_secs(5)).await;
    assert!(matches!(mixed, Err(PeerError::Refuses { status: StatusCode::UNAUTHORIZED, .. })), "{mixed:?}");
    // More than any proposal has.
    let long = vec![0; coverage_attester::agreement::messages::PROPOSAL_BYTES + 1];
    let hash = <coverage_math::hash::Software as coverage_math::hash::Sha256>::hash(&[&long]);
    let long =
        network.peers_of(0).propose(&network.nodes[1].public(), long.into(), &hash, Duration::from_secs(5)).await;
    assert!(
        matches!(long, Err(PeerError::Refuses { status: StatusCode::PAYLOAD_TOO_LARGE, .. } | PeerError::Silent(_))),
        "{long:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_has_so_many_under_review_at_once() {
    let mut manners = [Manner::Scripted; ATTESTERS];
    manners[0] = Manner::Slow; // does not deliver in time
    let mut network = Network::new(manners).await;
    network.terms.fetch_timeout = Duration::from_millis(700);
    network.start().await;
    assert!(terms().request_timeout > network.terms.fetch_timeout);
    let absent = network.proposal(&[network.receipt(60, 1, 0)]);
    let answers = futures_util::future::join_all((0..6).map(|_| network.propose(0, 1, &absent))).await;
    let count = |wanted: &Objection| {
        let is = |answer: &&Result<Answer, PeerError>| matches!(answer, Ok(Answer::Objects(it)) if it == wanted);
        answers.iter().filter(is).count()
    };
    assert_eq!((count(&Objection::Withheld { receipts: 1 }), count(&Objection::Busy)), (4, 2), "{answers:?}");
    // Others are not kept out by it.
    let receipts = network.receipts(0, 3);
    network.give(&receipts, 2..4);
    assert!(matches!(network.propose(2, 3, &network.proposal(&receipts)).await.unwrap(), Answer::Signed(_)));
}
