#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::fixtures::{WORKLOAD, receipt, receipt_with, receipts};
use Inserted::{Applied, Duplicate, Kept, New, Replaced};

fn open() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn batch(sequence: u64, root: u8, receipts: &[Receipt]) -> AppliedBatch {
    let receipts = u32::try_from(receipts.len()).unwrap();
    AppliedBatch { workload: WORKLOAD, epoch: 5, sequence, receipts_root: [root; 32], receipts }
}

fn keys(receipts: &[Receipt]) -> Vec<(u16, [u8; 32])> {
    receipts.iter().map(|receipt| (receipt.attempt.slot, receipt.attempt.request_id)).collect()
}

fn count(store: &Store) -> Vec<(u64, u64)> {
    store.waiting().unwrap().iter().map(|waiting| (waiting.epoch, waiting.receipts)).collect()
}

#[test]
fn receipts_wait_once_sorted_and_survive_a_restart() {
    let (folder, store) = open();
    let mut all = receipts(0..100);
    assert_eq!(store.insert(&all).unwrap(), [New; 100]);
    assert_eq!(store.insert(&all[..3]).unwrap(), [Duplicate; 3]);
    assert_eq!(store.insert(&[receipt(200), receipt(200)]).unwrap(), [New, Duplicate]);
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Locked)));
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    all.push(receipt(200));
    coverage_client::batch::sort(&mut all);
    assert_eq!(store.pending(&WORKLOAD, 5, 1_000).unwrap(), all);
    let some = store.pending(&WORKLOAD, 5, 10).unwrap();
    assert!(some.len() == 10 && some.is_sorted_by_key(|receipt| receipt.attempt.key()));
    assert_eq!((store.pending(&WORKLOAD, 6, 10).unwrap(), count(&store)), (vec![], vec![(5, 101)]));
}

#[test]
fn of_two_receipts_of_a_request_the_same_stays_whatever_came_first() {
    let rivals = [receipt(1), receipt_with(1, |attempt| attempt.latency_ms = 21)];
    let mut stayed = Vec::new();
    for order in [[0, 1], [1, 0]] {
        let (_folder, store) = open();
        let outcomes = order.map(|at| store.insert(&[rivals[at]]).unwrap()[0]);
        let stays = store.pending(&WORKLOAD, 5, 10).unwrap();
        assert_eq!((stays.len(), count(&store)), (1, vec![(5, 1)]));
        assert_eq!(outcomes, [New, if stays[0] == rivals[order[0]] { Kept } else { Replaced }]);
        stayed.push(stays[0]);
        let (_folder, store) = open();
        store.insert(&order.map(|at| rivals[at])).unwrap();
        assert_eq!(store.pending(&WORKLOAD, 5, 10).unwrap(), stays);
        // Applied, either stays for good.
        let loser = if stays[0] == rivals[0] { rivals[1] } else { rivals[0] };
        store.apply(&batch(0, 9, &[loser]), &[loser]).unwrap();
        assert_eq!(store.insert(&[loser, stays[0]]).unwrap(), [Applied, Kept]);
        assert!(count(&store).is_empty());
    }
    assert_eq!(stayed[0], stayed[1]);
}

#[test]
fn a_batch_takes_its_receipts_and_gives_them_back() {
    let (_folder, store) = open();
    let all = receipts(0..10);
    store.insert(&all[..8]).unwrap();
    let first = batch(0, 1, &all[4..]);
    for _ in 0..2 {
        store.apply(&first, &all[4..]).unwrap();
        assert_eq!(count(&store), [(5, 4)]);
    }
    // A batch that has a receipt of an earlier one leaves it there.
    let second = batch(1, 2, &all[..5]);
    store.apply(&second, &all[..5]).unwrap();
    let stored = store.get(&WORKLOAD, 5, &keys(&all)).unwrap();
    let sequences: Vec<_> = stored.iter().map(|stored| stored.unwrap().sequence.unwrap()).collect();
    assert_eq!(sequences, [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    assert!(stored.iter().zip(&all).all(|(stored, receipt)| stored.unwrap().receipt == *receipt));
    assert_eq!(store.batches(&WORKLOAD, 5).unwrap(), [first, second]);
    assert_eq!((store.batch(&[2; 32]).unwrap(), store.batch(&[3; 32]).unwrap()), (Some(second), None));
    assert!(count(&store).is_empty() && store.pending(&WORKLOAD, 5, 10).unwrap().is_empty());
    for _ in 0..2 {
        store.remove(&WORKLOAD, 5, 0).unwrap();
        assert_eq!((store.batches(&WORKLOAD, 5).unwrap(), count(&store)), (vec![second], vec![(5, 6)]));
        assert_eq!(store.batch(&[1; 32]).unwrap(), None);
    }
    // Another batch of that number, applied by the fork that won.
    store.apply(&first, &all[4..]).unwrap();
    store.apply(&batch(0, 7, &all[5..]), &all[5..]).unwrap();
    let sequences: Vec<_> =
        store.get(&WORKLOAD, 5, &keys(&all[4..6])).unwrap().iter().map(|stored| stored.unwrap().sequence).collect();
    assert_eq!(sequences, [None, Some(0)]);
}

#[test]
fn the_oldest_is_the_oldest_that_waits() {
    let (_folder, store) = open();
    let all = receipts(0..2);
    store.insert(&all[..1]).unwrap();
    let first = store.waiting().unwrap()[0].oldest_ms;
    std::thread::sleep(std::time::Duration::from_millis(5));
    store.insert(&all[1..]).unwrap();
    assert_eq!(store.waiting().unwrap()[0].oldest_ms, first);
    store.apply(&batch(0, 1, &all[..1]), &all[..1]).unwrap();
    assert!(store.waiting().unwrap()[0].oldest_ms >= first + 5);
}

#[test]
fn settled_epochs_go_and_others_stay() {
    let (_folder, store) = open();
    let of = |epoch: u64| receipt_with(1, |attempt| attempt.epoch = epoch);
    let other = receipt_with(1, |attempt| attempt.workload = [9; 32]);
    store.insert(&[of(4), of(5), of(6), other]).unwrap();
    let applied = receipt_with(2, |attempt| attempt.epoch = 4);
    let record = AppliedBatch { epoch: 4, ..batch(0, 1, &[applied]) };
    store.apply(&record, &[applied]).unwrap();
    store.prune(&WORKLOAD, 5).unwrap();
    assert_eq!(count(&store), [(5, 1), (6, 1), (5, 1)]);
    assert_eq!(store.get(&WORKLOAD, 4, &keys(&[applied, of(4)])).unwrap(), [None, None]);
    assert_eq!(store.batches(&WORKLOAD, 4).unwrap(), [record]);
}

#[test]
fn notes_are_kept_by_name() {
    let (folder, store) = open();
    store.set_note("a", b"1").unwrap();
    store.set_note("a", b"2").unwrap();
    store.set_note("b", b"3").unwrap();
    store.drop_note("b").unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!((store.note("a").unwrap(), store.note("b").unwrap()), (Some(b"2".to_vec()), None));
}

#[test]
fn those_go_first_that_have_waited_longest() {
    let (_folder, store) = open();
    let all = receipts(0..30);
    all.chunks(10).for_each(|chunk| assert_eq!(store.insert(chunk).unwrap(), [New; 10]));
    store.apply(&batch(0, 1, &all[5..10]), &all[5..10]).unwrap();
    let mut expected = [&all[..5], &all[10..20]].concat();
    coverage_client::batch::sort(&mut expected);
    assert_eq!(store.pending(&WORKLOAD, 5, 15).unwrap(), expected);
}

#[test]
fn what_waits_is_the_same_after_a_restart() {
    let (folder, mut store) = open();
    let all = receipts(0..100);
    let elsewhere = receipt_with(1, |attempt| attempt.epoch = 6);
    let replacing = receipt_with(3, |attempt| attempt.latency_ms = 21);
    store.insert(&all[..60]).unwrap();
    store.insert(&[elsewhere, replacing]).unwrap();
    store.apply(&batch(0, 1, &all[10..20]), &all[10..20]).unwrap();
    store.apply(&batch(1, 2, &all[50..70]), &all[50..70]).unwrap();
    store.apply(&batch(2, 3, &all[30..40]), &all[30..40]).unwrap();
    store.remove(&WORKLOAD, 5, 0).unwrap();
    let seen = |store: &Store| {
        let stored = store.get(&WORKLOAD, 5, &keys(&all)).unwrap();
        (store.waiting().unwrap(), store.pending(&WORKLOAD, 5, 1_000).unwrap(), stored)
    };
    let before = seen(&store);
    assert_eq!(count(&store), [(5, 40), (6, 1)]);
    drop(store);
    store = Store::open(folder.path()).unwrap();
    assert_eq!(seen(&store), before);
    // And it goes on from there: numbers are not given twice.
    assert_eq!(store.insert(&all[70..]).unwrap(), [New; 30]);
    assert_eq!(store.pending(&WORKLOAD, 5, 1_000).unwrap().len(), 70);
}

#[test]
fn a_batch_with_two_receipts_of_a_request_takes_one() {
    let (_folder, store) = open();
    let rivals = [receipt(1), receipt_with(1, |attempt| attempt.outcome = 0)];
    store.apply(&batch(0, 1, &rivals), &rivals).unwrap();
    assert_eq!(store.insert(&rivals).unwrap(), [Applied, Kept]);
    assert!(count(&store).is_empty());
}

#[test]
fn dropped_receipts_are_gone_from_the_disk_also_when_it_was_interrupted() {
    let (folder, store) = open();
    let old = |request| receipt_with(request, |attempt| attempt.epoch = 4);
    let all: Vec<Receipt> = (0..20).map(old).collect();
    store.insert(&all).unwrap();
    store.insert(&[receipt(1)]).unwrap();
    let id = store.queues().id(&codec::scope(&WORKLOAD, 4)).unwrap();
    // What a crash leaves between the two steps.
    store.scopes.remove(codec::scope(&WORKLOAD, 4)).unwrap();
    store.dropped.insert(id, []).unwrap();
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(count(&store), [(5, 1)]);
    // A receipt that comes late for a dropped epoch finds nothing of it, and its scope has another number.
    assert_eq!(store.insert(&all[..1]).unwrap(), [New]);
    assert_eq!((store.receipts.len().unwrap(), store.identities.len().unwrap()), (22, 22));
    store.prune(&WORKLOAD, 5).unwrap();
    assert_eq!((store.receipts.len().unwrap(), store.identities.len().unwrap()), (1, 1));
    assert_eq!((store.scopes.len().unwrap(), store.dropped.len().unwrap()), (1, 0));
    assert_eq!(store.pending(&WORKLOAD, 5, 10).unwrap(), [receipt(1)]);
}
