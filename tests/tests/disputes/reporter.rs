//! What the client refuses to make a batch of: whoever signed it could be proven wrong.

use crate::*;
use coverage_client::ClientError;
use coverage_client::batch::sort;

const UNSORTED: &str = "its receipts are not sorted by slot, outcome and request id";
const TWICE: &str = "a request has two receipts in one slot";

#[test]
fn unsorted_receipts_are_refused() {
    let case = Case::new();
    let of = case.world.batch_of(case.workload);
    let refused = |receipts: &[Receipt], why| {
        assert_eq!(Statement::outcomes(of, receipts).unwrap_err(), ClientError::BadBatch(why));
    };
    let by_slot = [case.receipt(1, SERVED, 1), case.receipt(0, SERVED, 2)];
    let by_outcome = [case.receipt(0, FAILED, 1), case.receipt(0, SERVED, 2)];
    let by_request = [case.receipt(0, SERVED, 2), case.receipt(0, SERVED, 1)];
    for mut receipts in [by_slot, by_outcome, by_request] {
        refused(&receipts, UNSORTED);
        sort(&mut receipts);
        assert!(Statement::outcomes(of, &receipts).is_ok());
    }
    refused(&[], "it has no receipts");
    refused(&[case.receipt(0, 7, 1)], "a receipt has an unknown outcome");
    let foreign = "a receipt is of another workload or epoch";
    refused(&[case.signed(|attempt| attempt.epoch = 1)], foreign);
    refused(&[case.signed(|attempt| attempt.workload = [1; 32])], foreign);
}

#[test]
fn a_request_twice_in_a_slot_is_refused_in_two_slots_it_is_not() {
    let case = Case::new();
    let of = case.world.batch_of(case.workload);
    let refused = |receipts: &[Receipt]| {
        assert_eq!(Statement::outcomes(of, receipts).unwrap_err(), ClientError::BadBatch(TWICE));
    };
    refused(&[case.receipt(0, SERVED, 1), case.receipt(0, SERVED, 1)]);
    // In two outcomes, sorted, with others between them.
    refused(&[case.receipt(0, SERVED, 1), case.receipt(0, SERVED, 2), case.receipt(0, NO_MODEL, 1)]);
    let fine = [case.receipt(0, SERVED, 1), case.receipt(1, SERVED, 1)];
    assert_eq!(Statement::outcomes(of, &fine).unwrap().args.value, 2);
}
