#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::fixtures::{receipt, receipts, rules};
use crate::store::Store;
use coverage_client::receipts::ReceiptJson;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

fn json(receipts: &[Receipt]) -> Documents {
    let text = |receipt| serde_json::to_vec(&ReceiptJson::of(receipt).unwrap()).unwrap();
    Documents::Json(receipts.iter().map(|receipt| Bytes::from(text(receipt))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_come_in_order_and_what_is_accepted_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (_rules, current) = watch::channel(Arc::new(rules(true)));
    let metrics = Metrics::default();
    let failed = CancellationToken::new();
    let (intake, threads) = Intake::start(keep_in(store.clone()), &current, 1 << 20, metrics.clone(), failed).unwrap();
    let mut all = receipts(0..1_500);
    all[700].signature[0] ^= 1;
    all[500] = receipt(3);
    let verdicts = intake.take(json(&all), intake.room(1_000).await.unwrap()).await.unwrap();
    let mut expected = vec![Verdict::Accepted; 1_500];
    expected[700] = Verdict::Refused(Refusal::SignatureInvalid);
    expected[500] = Verdict::Duplicate;
    assert_eq!(verdicts, expected);
    assert_eq!(store.pending(&crate::fixtures::WORKLOAD, 5, 2_000).unwrap().len(), 1_498);
    assert_eq!((metrics.received.get(), metrics.judged.get(), metrics.accepted.get()), (1_500, 1_500, 1_498));

    // What is handed over before the end is stored at the end.
    let room = intake.room(1_000).await.unwrap();
    let last = intake.clone();
    let taking = tokio::spawn(async move { last.take(Documents::Made(receipts(2_000..2_100)), room).await });
    assert_eq!(taking.await.unwrap().unwrap(), vec![Verdict::Accepted; 100]);
    drop(intake);
    threads.join().unwrap();
}

#[tokio::test]
async fn room_is_given_whole_or_not_at_all_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let (_rules, current) = watch::channel(Arc::new(rules(true)));
    let (intake, _threads) =
        Intake::start(keep_in(store), &current, 10_000, Metrics::default(), CancellationToken::new()).unwrap();
    let held = intake.try_room(9_000).unwrap();
    assert_eq!(intake.try_room(1_001).err(), Some(IntakeError::Full));
    assert_eq!(intake.try_room(10_001).err(), Some(IntakeError::TooLarge));
    assert_eq!(intake.under_way(), 9_000);
    assert_eq!(intake.take(json(&[receipt(1)]), held).await.unwrap(), [Verdict::Accepted]);
    assert!(intake.room(10_000).await.is_ok());
}
