//! A network for tests, without a chain.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use crate::directory::{CellView, EpochWindow};
use crate::rules::Rules;
use coverage_client::batch::{receipt_tag, sign};
use coverage_math::cell::Slot;
use coverage_math::hash::{Sha256, Software};
use coverage_math::receipt::{Attempt, Receipt};
use ed25519_dalek::SigningKey;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

pub(crate) const NETWORK: Pubkey = Pubkey::new_from_array([1; 32]);
pub(crate) const WORKLOAD: Pubkey = Pubkey::new_from_array([2; 32]);
/// Epoch `n` is from here plus `100·n` to 100 seconds later.
pub(crate) const START: i64 = 1_000;

pub(crate) fn reporter() -> SigningKey {
    SigningKey::from_bytes(&[77; 32])
}

/// A cell with epoch 5 in hand and slots 0 and 1, of which slot 1 counts from epoch 6 on; epochs 4 to 6 are open.
pub(crate) fn rules(collecting: bool) -> Rules {
    let window = |epoch: i64| EpochWindow {
        start_ts: START + 100 * epoch,
        end_ts: START + 100 * (epoch + 1),
        grace_seconds: 10,
        challenge_seconds: 10,
        seed: [0; 32],
        quorum_bps: 6_667,
        min_attester_bond: 0,
    };
    let epochs: BTreeMap<u64, EpochWindow> = (4..7).map(|epoch| (epoch, window(epoch.try_into().unwrap()))).collect();
    let early: Slot = bytemuck::Zeroable::zeroed();
    let late = Slot { joined_epoch: 6, ..early };
    let cell = CellView { epoch: 5, collecting, batches: 0, slots: vec![early, late], log: Vec::new() };
    let reporters = [reporter().verifying_key().to_bytes()];
    Rules::new(&NETWORK, &epochs, BTreeMap::from([(WORKLOAD, cell)]), reporters)
}

/// A receipt of slot 0 in epoch 5, changed and then signed.
pub(crate) fn receipt_with(request: u32, change: impl FnOnce(&mut Attempt)) -> Receipt {
    let mut attempt = Attempt {
        request_id: Software::hash(&[&request.to_le_bytes()]),
        workload: WORKLOAD.to_bytes(),
        epoch: 5,
        slot: 0,
        outcome: u8::try_from(request % 7).unwrap(),
        latency_ms: 20,
        observed_at: START + 550,
        evidence: [3; 32],
        reporter: reporter().verifying_key().to_bytes(),
    };
    change(&mut attempt);
    let message = attempt.message::<Software>(&receipt_tag(&NETWORK, attempt.epoch)).unwrap();
    Receipt { attempt, signature: sign(&reporter(), &message).1 }
}

pub(crate) fn receipt(request: u32) -> Receipt {
    receipt_with(request, |_| {})
}

pub(crate) fn receipts(requests: std::ops::Range<u32>) -> Vec<Receipt> {
    requests.map(receipt).collect()
}
