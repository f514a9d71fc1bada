//! Receipts that one attester alone was given are in the next batch, whoever proposes it.

use crate::network::{ATTESTERS, Network};
use crate::peer::Manner;
use axum::http::StatusCode;
use coverage_attester::agreement::messages::{MAX_FETCH, MAX_RECEIPTS, PULL_BYTES, Prefix, Pull};
use coverage_attester::agreement::peers::PeerError;
use coverage_client::batch::receipts_tag;
use coverage_math::hash::Software;
use coverage_math::receipt::Receipt;
use coverage_tests::{EPOCH, GENESIS};
use std::time::{Duration, Instant};

/// A round long enough that a turn is not over before everybody has answered.
const ROUND: Duration = Duration::from_secs(2);

/// Two attesters behave like this, and have receipts with forged signatures, as many; `receipts` are given to one of the others
/// each, and must count in one batch.
async fn one_batch(manner: Manner, receipts: u32, forged: u32) -> Network {
    let mut manners = [Manner::Honest; ATTESTERS];
    (manners[2], manners[5]) = (manner, manner);
    let mut network = Network::new(manners).await;
    network.terms.round = ROUND;
    network.terms.batch_interval = Duration::from_millis(1_500);
    let lies: Vec<Receipt> = network.receipts(100_000, forged).into_iter().map(forge).collect();
    let truths = network.receipts(0, receipts);
    network.give(&lies, [2, 5]);
    network.start().await;
    for (number, to) in [0, 1, 3, 4, 6].into_iter().enumerate() {
        let share: Vec<_> = truths.iter().skip(number).step_by(5).copied().collect();
        network.give(&share, [to]);
    }
    let begun = Instant::now();
    network.until_counted(u64::from(receipts)).await;
    let took = begun.elapsed();
    assert_eq!(network.log().iter().map(|record| record.receipts).collect::<Vec<_>>(), [receipts]);
    network.assert_exactly(&truths);
    // Due after an interval; then the two may have their turns, and the third is an honest one's.
    assert!(took < network.terms.batch_interval + 3 * ROUND, "{took:?}");
    println!("two {manner:?} with {forged} forged: {receipts} receipts in one batch after {took:?}");
    network
}

fn forge(mut receipt: Receipt) -> Receipt {
    receipt.signature[0] ^= 1;
    receipt
}

fn prefix(network: &Network, receipt: &Receipt) -> Prefix {
    let tag = receipts_tag(&network.net.address, 0);
    *receipt.leaf::<Software>(&tag).unwrap().first_chunk().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_with_one_and_all_are_up() {
    let network = one_batch(Manner::Honest, 50, 0).await;
    let sum = |count: fn(&crate::network::Node) -> u64| network.nodes.iter().map(count).sum::<u64>();
    let (proposed, signed) = (sum(|node| node.metrics.proposed.get()), sum(|node| node.metrics.signed.get()));
    assert!(proposed >= 1 && signed >= 4, "{proposed} proposed, {signed} signed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_with_one_and_two_are_down() {
    one_batch(Manner::Down, 50, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_with_one_and_two_are_slow() {
    one_batch(Manner::Drip, 50, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_with_one_and_two_answer_without_end() {
    one_batch(Manner::Oversize, 50, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_with_one_and_two_answer_garbage() {
    one_batch(Manner::Garbage, 50, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_with_one_and_two_deliver_forged_ones() {
    let forged = u32::try_from(MAX_FETCH).unwrap() + 1_000;
    let network = one_batch(Manner::Scripted, 50, forged).await;
    for node in network.honest() {
        assert_eq!(node.store.waiting().unwrap(), [], "nothing forged entered a store");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_of_one_that_never_proposes_counts_when_the_epoch_is_over() {
    let mut manners = [Manner::Honest; ATTESTERS];
    manners[2] = Manner::Scripted;
    let mut network = Network::new(manners).await;
    network.terms.round = ROUND;
    network.terms.batch_interval = Duration::from_secs(3_600);
    let receipts = network.receipts(0, 3);
    network.give(&receipts, [2]);
    network.start().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(network.log().len(), 0, "nothing is due yet");
    network.on_chain(|chain| chain.set_time(GENESIS + EPOCH));
    network.until_counted(3).await;
    // One that comes later, to the same.
    let late = network.receipts(50, 1);
    network.give(&late, [2]);
    network.until_counted(4).await;
    assert_eq!(network.log().len(), 2);
    network.assert_exactly(&[receipts, late].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_has_what_is_not_known_and_no_more_than_asked_for() {
    let mut network = Network::new([Manner::Scripted; ATTESTERS]).await;
    network.start().await;
    let receipts = network.receipts(0, u32::try_from(MAX_FETCH).unwrap() + 100);
    network.give(&receipts, [1]);
    let (peers, peer, limit) = (network.peers_of(0), network.nodes[1].public(), Duration::from_secs(5));
    let mut pull = Pull { workload: network.workload.to_bytes(), epoch: 0, known: Vec::new() };
    let first = peers.pull(&peer, &pull, limit).await.unwrap();
    assert_eq!(first.len(), MAX_FETCH);
    pull.known = first.iter().map(|receipt| prefix(&network, receipt)).collect();
    let second = peers.pull(&peer, &pull, limit).await.unwrap();
    assert_eq!(second.len(), 100);
    pull.known.extend(second.iter().map(|receipt| prefix(&network, receipt)));
    assert_eq!(peers.pull(&peer, &pull, limit).await.unwrap(), []);
    let mut all = [first, second].concat();
    all.sort_by_key(|receipt| receipt.attempt.request_id);
    assert_eq!(all, receipts);
    // Another epoch's, and a question longer than any.
    pull.epoch = 1;
    assert_eq!(peers.pull(&peer, &pull, limit).await.unwrap(), []);
    pull.known = vec![[0; 8]; MAX_RECEIPTS + 10];
    assert!(borsh::to_vec(&pull).unwrap().len() > PULL_BYTES);
    let long = peers.pull(&peer, &pull, limit).await;
    assert!(
        matches!(long, Err(PeerError::Refuses { status: StatusCode::PAYLOAD_TOO_LARGE, .. } | PeerError::Silent(_))),
        "{long:?}"
    );
}
