//! Any two attesters may be down, slow or lying, and correct batches still apply, every receipt exactly once.

use crate::network::{ATTESTERS, Network};
use crate::peer::Manner;
use coverage_attester::agreement::messages::{Answer, Proposal};
use std::time::{Duration, Instant};

/// Two attesters behave like this; receipts come to attesters in every way; all of them must count, once.
async fn two_are(manner: Manner) -> Network {
    let mut manners = [Manner::Honest; ATTESTERS];
    (manners[2], manners[5]) = (manner, manner);
    let mut network = Network::new(manners).await;
    let (everywhere, scattered, one) = (network.receipts(0, 40), network.receipts(100, 40), network.receipts(200, 20));
    network.give(&everywhere, 0..ATTESTERS);
    for (number, receipt) in scattered.iter().enumerate() {
        network.give(&[*receipt], [[0, 1, 3, 4, 6][number % 5]]);
    }
    network.give(&one, [4]);
    network.start().await;
    network.until_counted(100).await;
    let late = network.receipts(300, 30);
    network.give(&late, [0, 6]);
    network.until_counted(130).await;
    network.assert_exactly(&[everywhere, scattered, one, late].concat());
    for node in network.honest() {
        assert_eq!(node.store.waiting().unwrap(), []);
    }
    network
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_are_up() {
    let network = two_are(Manner::Honest).await;
    let log = network.log();
    assert!(log.iter().all(|record| record.endorsers.count_ones() >= 5), "{log:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_backlog_makes_one_batch() {
    const RECEIPTS: u32 = 20_000;
    let mut network = Network::new([Manner::Scripted; ATTESTERS]).await;
    network.nodes[0].manner = Manner::Honest;
    network.terms.request_timeout = Duration::from_secs(15);
    network.terms.fetch_timeout = Duration::from_secs(10);
    let receipts = network.receipts(0, RECEIPTS);
    network.give(&receipts, 0..ATTESTERS);
    let begun = Instant::now();
    network.start().await;
    network.until_counted(u64::from(RECEIPTS)).await;
    println!("{RECEIPTS} receipts proposed, reviewed by six, applied in {:?}", begun.elapsed());
    assert_eq!(network.log().iter().map(|record| record.receipts).collect::<Vec<_>>(), [RECEIPTS]);
    network.assert_exactly(&receipts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_are_down() {
    let network = two_are(Manner::Down).await;
    assert!(network.log().iter().all(|record| record.endorsers == 0b101_1011));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_are_slow() {
    two_are(Manner::Slow).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sign_nothing() {
    two_are(Manner::SignsNothing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sign_something_else() {
    two_are(Manner::SignsOther).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_answer_garbage() {
    two_are(Manner::Garbage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_answer_without_end() {
    two_are(Manner::Oversize).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_answer_a_byte_at_a_time() {
    two_are(Manner::Drip).await;
}

/// Two propose lies to everybody, again and again, while the others go about their work.
async fn two_propose(manner: Manner, lie: impl Fn(&Network, &Proposal) -> Proposal) {
    let mut manners = [Manner::Honest; ATTESTERS];
    (manners[2], manners[5]) = (manner, manner);
    let mut network = Network::new(manners).await;
    let receipts = network.receipts(0, 60);
    network.give(&receipts, 0..ATTESTERS);
    // What only the liars have, for peers to fetch.
    let mut forged = network.receipt(900, 1, 0);
    forged.signature[0] ^= 1;
    network.give(&[forged], [2, 5]);
    network.start().await;
    let lying = async {
        let mut lies = 0;
        loop {
            let truth = network.proposal(&[receipts.clone(), vec![forged]].concat());
            let told = lie(&network, &truth);
            for (liar, peer) in [(2, 0), (2, 3), (2, 6), (5, 1), (5, 4)] {
                let answer = network.propose(liar, peer, &told).await;
                assert!(!matches!(answer, Ok(Answer::Signed(_))), "attester {peer} signed a lie");
                lies += 1;
            }
            if network.counted() >= 60 && lies >= 20 {
                return;
            }
        }
    };
    tokio::join!(lying, network.until_counted(60));
    network.assert_exactly(&receipts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_propose_false_counts() {
    two_propose(Manner::Scripted, |_, truth| {
        let mut entries = truth.entries.clone();
        entries[4] += 1; // the first slot's first count
        Proposal { entries, ..truth.clone() }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_propose_false_roots() {
    two_propose(Manner::Scripted, |_, truth| Proposal { receipts_root: [8; 32], ..truth.clone() }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_propose_a_forged_receipt() {
    two_propose(Manner::Scripted, |_, truth| truth.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_propose_what_they_do_not_deliver() {
    two_propose(Manner::Withholds, |network, _| network.proposal(&network.receipts(1_000, 50))).await;
}
