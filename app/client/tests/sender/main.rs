//! What is sent lands once and is paid once, whatever goes wrong on the way. Tokio's clock is wound on, so minutes of waiting
//! take no time.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "../cluster/mod.rs"]
mod cluster;
mod drafts;
mod refusals;

use cluster::{Cluster, LAMPORTS, PAYMENT, SIGNATURE_FEE};
use coverage_client::ClientError;
use coverage_client::embedded::rpc::Faults;
use coverage_client::rpc::{Outcome, Settings, Signed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A journal that can be read.
fn journal() -> (Arc<Mutex<Vec<Signed>>>, coverage_client::rpc::Journal) {
    let written = Arc::new(Mutex::new(Vec::new()));
    let copy = Arc::clone(&written);
    let journal = move |signed: &Signed| {
        copy.lock().unwrap().push(signed.clone());
        Ok(())
    };
    (written, Arc::new(journal))
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_lands_once() {
    let cluster = Cluster::new();
    let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    assert_eq!(cluster.payments(), 1);
    assert_eq!(cluster.endpoint.received(), [sent.signature]);
    assert_eq!(cluster.balance(&cluster.payer), LAMPORTS - PAYMENT - SIGNATURE_FEE);
    let outcome = cluster.sender.outcome_of(&sent.signature, 0).await.unwrap();
    assert_eq!(outcome, Outcome::Landed { slot: sent.slot });
}

#[tokio::test(start_paused = true)]
async fn one_fault_at_a_time_is_paid_once_and_sends_the_same_bytes() {
    let faults = [
        (Faults { dropped_sends: 1, ..Faults::default() }, 2, 2),
        (Faults { dropped_sends: 5, ..Faults::default() }, 6, 10),
        (Faults { lost_answers: 1, ..Faults::default() }, 1, 0),
        (Faults { hidden_statuses: 9, ..Faults::default() }, 3, 4),
        (Faults { refused_connections: 6, ..Faults::default() }, 1, 15),
        (Faults { lost_answers: 1, hidden_statuses: 3, ..Faults::default() }, 1, 1),
    ];
    for (faults, broadcasts, seconds) in faults {
        let cluster = Cluster::new();
        cluster.endpoint.set_faults(|now| *now = faults);
        let started = Instant::now();
        let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
        assert_eq!(cluster.payments(), 1, "{faults:?}");
        assert_eq!(cluster.endpoint.received(), vec![sent.signature; broadcasts], "{faults:?}");
        assert_eq!(started.elapsed().as_secs(), seconds, "{faults:?}");
        assert_eq!(cluster.endpoint.faults(), Faults::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_while_waiting_is_waited_for() {
    let cluster = Cluster::new();
    let endpoint = cluster.endpoint.clone();
    endpoint.set_faults(|faults| faults.held_sends = 1);
    let trouble = tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await; // it is out, and held
        endpoint.set_faults(|faults| faults.refused_connections = 40);
        assert_eq!(endpoint.land_held(), 1);
    });
    let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    trouble.await.unwrap();
    assert_eq!(cluster.payments(), 1);
    assert_eq!(cluster.endpoint.received(), [sent.signature]);
}

#[tokio::test(start_paused = true)]
async fn the_same_again_is_another_transaction() {
    let cluster = Cluster::new();
    let first = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    let second = cluster.sender.clone().send("paying", &cluster.payment()).await.unwrap();
    assert_ne!(first.signature, second.signature);
    assert_eq!(cluster.payments(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_expired_transaction_is_signed_again_and_paid_once() {
    let cluster = Cluster::new();
    let (written, journal) = journal();
    let sender = cluster.sender.clone().with_journal(journal);
    let endpoint = cluster.endpoint.clone();
    endpoint.set_faults(|faults| faults.dropped_sends = u32::MAX);
    let started = Instant::now();
    let recovery = tokio::spawn(async move {
        sleep(Duration::from_secs(61)).await; // behind the last of its 150 blocks of 0.4 s
        endpoint.set_faults(|faults| faults.dropped_sends = 0);
    });
    let sent = sender.send("paying", &cluster.payment()).await.unwrap();
    recovery.await.unwrap();
    assert!((60..64).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let written = written.lock().unwrap().clone();
    assert_eq!(written.len(), 2);
    assert_eq!(written[1].signature, sent.signature);
    assert_ne!(written[0].signature, sent.signature);
    assert!(written[1].last_valid_block_height > written[0].last_valid_block_height + 150);
    // Each was written down before it was first sent, and none is sent once it is over.
    let received = cluster.endpoint.received();
    let firsts = received.iter().filter(|signature| **signature == written[0].signature).count();
    assert_eq!(received[..firsts], vec![written[0].signature; firsts]);
    assert_eq!(firsts, 31); // at 0, 2, … 60 seconds
    assert_eq!(received[firsts..], vec![sent.signature; received.len() - firsts]);
    assert_eq!(cluster.payments(), 1);
    let first = sender.outcome_of(&written[0].signature, written[0].last_valid_block_height).await.unwrap();
    assert_eq!(first, Outcome::NeverLanded);
}

#[tokio::test(start_paused = true)]
async fn what_lands_in_the_last_block_unseen_is_not_signed_again() {
    let cluster = Cluster::new();
    let endpoint = cluster.endpoint.clone();
    endpoint.set_faults(|faults| (faults.held_sends, faults.dropped_sends) = (1, 0));
    let late = tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await;
        // From here on nothing else lands, and the node that knows statuses is far behind.
        endpoint.set_faults(|faults| (faults.dropped_sends, faults.hidden_statuses) = (u32::MAX, 400));
        sleep(Duration::from_millis(59_500)).await;
        assert_eq!(endpoint.land_held(), 1);
    });
    let started = Instant::now();
    let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    late.await.unwrap();
    assert!(started.elapsed() > Duration::from_secs(70), "{:?}", started.elapsed());
    assert!(cluster.endpoint.received().iter().all(|signature| *signature == sent.signature));
    assert_eq!(cluster.payments(), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_end() {
    let cluster = Cluster::new();
    let (written, journal) = journal();
    cluster.endpoint.set_faults(|faults| faults.dropped_sends = u32::MAX);
    let sender = cluster.sender.clone().with_journal(journal);
    let sender = sender.with_settings(Settings { attempts: 2, ..Settings::default() });
    let error = sender.send("paying", &cluster.payment()).await.unwrap_err();
    assert_eq!(error, ClientError::Expired { action: "paying".to_owned(), attempts: 2 });
    assert_eq!(written.lock().unwrap().len(), 2);
    assert_eq!(cluster.payments(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_stays_away_leaves_it_unknown_until_it_is_looked_up() {
    for lands in [true, false] {
        let cluster = Cluster::new();
        let (written, journal) = journal();
        let sender = cluster.sender.clone().with_journal(journal);
        let endpoint = cluster.endpoint.clone();
        endpoint.set_faults(|faults| faults.held_sends = 1);
        let outage = tokio::spawn(async move {
            sleep(Duration::from_millis(100)).await;
            assert_eq!(endpoint.land_held(), 1 - usize::from(!lands));
            endpoint.set_faults(|faults| faults.refused_connections = u32::MAX);
        });
        if !lands {
            cluster.endpoint.set_faults(|faults| (faults.held_sends, faults.dropped_sends) = (0, u32::MAX));
        }
        let error = sender.send("paying", &cluster.payment()).await.unwrap_err();
        outage.await.unwrap();
        let signed = written.lock().unwrap()[0].clone();
        assert_eq!(written.lock().unwrap().len(), 1);
        let ClientError::Unknown { signature, last_valid_block_height, reason, .. } = error else { panic!("{error}") };
        assert_eq!((signature, last_valid_block_height), (signed.signature, signed.last_valid_block_height));
        assert_eq!(reason, "connection refused");
        // Another process, when the cluster is back.
        let asking = cluster.sender.outcome_of(&signature, last_valid_block_height).await.unwrap_err();
        assert!(matches!(asking, ClientError::Rpc { .. }), "{asking}");
        cluster.endpoint.set_faults(|faults| *faults = Faults::default());
        let outcome = cluster.sender.outcome_of(&signature, last_valid_block_height).await.unwrap();
        assert_eq!(matches!(outcome, Outcome::Landed { .. }), lands, "{outcome:?}");
        assert_eq!(outcome == Outcome::NeverLanded, !lands, "{outcome:?}");
        assert_eq!(cluster.payments(), u64::from(lands));
    }
}

#[tokio::test(start_paused = true)]
async fn before_it_expires_an_unseen_transaction_is_pending() {
    let cluster = Cluster::new();
    let (written, journal) = journal();
    cluster.endpoint.set_faults(|faults| faults.dropped_sends = u32::MAX);
    let sender = cluster.sender.clone().with_journal(journal);
    let sending = tokio::spawn({
        let (sender, payment) = (sender.clone(), cluster.payment());
        async move { sender.send("paying", &payment).await }
    });
    sleep(Duration::from_millis(100)).await;
    sending.abort(); // as though the process had been killed
    let signed = written.lock().unwrap()[0].clone();
    let look = || sender.outcome_of(&signed.signature, signed.last_valid_block_height);
    assert_eq!(look().await.unwrap(), Outcome::Pending);
    cluster.endpoint.pass_blocks(150);
    assert_eq!(look().await.unwrap(), Outcome::Pending); // the last block it may be in
    cluster.endpoint.pass_blocks(1);
    assert_eq!(look().await.unwrap(), Outcome::NeverLanded);
}
