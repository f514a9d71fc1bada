//! Fraud evidence: whatever it says, an honest batch stands, and a false one falls by what the client finds.

use crate::input::Input;
use coverage_client::batch::{self, BatchOf, Statement, receipts_tag};
use coverage_client::evidence::{Evidence, Opening, Published, payload};
use coverage_math::attestation::Entry;
use coverage_math::fraud::{self, Batch, Fraud, Subject, bucket_of};
use coverage_math::hash::{Hash, Sha256, Software};
use coverage_math::merkle;
use coverage_math::receipt::{Attempt, Place, Receipt};
use coverage_math::reliability::OUTCOMES;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeSet;

const BATCH: BatchOf = BatchOf {
    network: Pubkey::new_from_array([1; 32]),
    workload: Pubkey::new_from_array([2; 32]),
    epoch: 7,
    sequence: 3,
    generation: 1,
};

fn subject() -> Subject {
    Subject { tag: receipts_tag(&BATCH.network, BATCH.epoch), workload: BATCH.workload.to_bytes(), epoch: BATCH.epoch }
}

fn receipt(slot: u8, outcome: u8, request: u8) -> Receipt {
    let attempt = Attempt {
        request_id: [request; 32],
        workload: BATCH.workload.to_bytes(),
        epoch: BATCH.epoch,
        slot: u16::from(slot),
        outcome,
        latency_ms: 5,
        observed_at: 1,
        evidence: [0; 32],
        reporter: [4; 32],
    };
    Receipt { attempt, signature: [3; 64] }
}

fn written(fraud: &Fraud<'_>) -> Evidence {
    let opening = |opening: &fraud::Opening<'_>| Opening {
        index: opening.index,
        leaf: opening.leaf.to_vec(),
        proof: opening.proof.to_vec(),
    };
    match fraud {
        Fraud::Misplaced(only) => Evidence::Misplaced(opening(only)),
        Fraud::DuplicateInBatch(first, second) => Evidence::DuplicateInBatch(opening(first), opening(second)),
        Fraud::DuplicateAcrossBatches { earlier, first, second } => {
            Evidence::DuplicateAcrossBatches { earlier: *earlier, first: opening(first), second: opening(second) }
        }
        Fraud::CountMismatch(only) => Evidence::CountMismatch(opening(only)),
    }
}

/// What is read as evidence is what the client writes for it, and none of it convicts a root that nobody has leaves for.
fn read(data: &[u8]) {
    let Some(fraud) = Fraud::read(data) else { return };
    let bytes = borsh::to_vec(&written(&fraud)).unwrap_or_default();
    let (whole, padding) = data.split_at(bytes.len());
    assert_eq!(whole, bytes);
    assert!(padding.len() < 32 && padding.iter().all(|byte| *byte == 0));
    let encoded = written(&fraud).encode();
    assert_eq!(Fraud::read(&encoded), Some(fraud));
    assert_eq!(Fraud::read(&bytes[..bytes.len() - 1]), None);
    let entries = [Entry { slot: 0, reserved: 0, counts: [1; OUTCOMES] }];
    let batch = Batch { sequence: 3, root: [9; 32], receipts: 7, entries: &entries };
    assert!(fraud.prove::<Software>(&subject(), &batch, Some((batch.root, 7))).is_err());
}

/// A batch that was applied, with everything that was published of it.
struct Applied<'a> {
    published: Published<'a>,
    root: Hash,
    receipts: u32,
    entries: Vec<Entry>,
}

impl Applied<'_> {
    fn convicts(&self, evidence: &Evidence, earlier: Option<(Hash, u32)>) -> bool {
        let bytes = evidence.encode();
        let batch = Batch { sequence: 3, root: self.root, receipts: self.receipts, entries: &self.entries };
        Fraud::read(&bytes).is_some_and(|fraud| fraud.prove::<Software>(&subject(), &batch, earlier).is_ok())
    }

    fn open(&self, index: usize, input: &mut Input<'_>) -> Option<Opening> {
        let mut opening = self.published.open(index % self.published.leaves.len())?;
        match input.byte() {
            0 => opening.index = input.number(),
            1 => opening.index = opening.index.wrapping_add(1),
            2 => {
                opening.index = merkle::path(self.published.leaves.len() as u32, opening.index)?.0;
            }
            3 => opening.proof.truncate(1),
            4 => opening.leaf.push(0),
            5 => opening.proof.push(self.root),
            _ => {}
        }
        Some(opening)
    }

    /// Evidence of any kind out of the batch's own leaves, bent as the input says.
    fn accuse(&self, input: &mut Input<'_>) -> Option<bool> {
        let (kind, first, second) = (input.byte(), input.byte(), input.byte());
        let first = self.open(first.into(), input)?;
        let second = self.open(second.into(), input)?;
        let own = Some((self.root, self.receipts));
        let evidence = match kind % 4 {
            0 => Evidence::Misplaced(first),
            1 => Evidence::DuplicateInBatch(first, second),
            2 => Evidence::DuplicateAcrossBatches { earlier: 3, first, second },
            _ => Evidence::CountMismatch(first),
        };
        Some(self.convicts(&evidence, own))
    }
}

/// The counts of receipts in their order.
fn count(receipts: &[Receipt]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for Receipt { attempt, .. } in receipts {
        if entries.last().is_none_or(|entry| entry.slot != attempt.slot) {
            entries.push(Entry { slot: attempt.slot, reserved: 0, counts: [0; OUTCOMES] });
        }
        if let Some(counter) = entries.last_mut().and_then(|entry| entry.counts.get_mut(usize::from(attempt.outcome))) {
            *counter += 1;
        }
    }
    entries
}

/// A batch that the client makes of receipts stands, whatever it is accused of.
fn honest(receipts: &[Receipt], input: &mut Input<'_>) {
    let Ok(statement) = Statement::outcomes(BATCH, receipts) else { return };
    let entries = count(receipts);
    assert_eq!(statement.args.entries_hash, Software::hash(&[bytemuck::cast_slice(&entries)]));
    let leaves: Vec<_> = receipts.iter().map(payload).collect();
    let published = Published::new(&BATCH.network, BATCH.epoch, &leaves);
    let (root, receipts) = (statement.args.receipts_root, statement.args.value);
    assert_eq!(published.root(), Some(root));
    assert_eq!(published.examine(&BATCH, receipts, &entries), None);
    let applied = Applied { published, root, receipts, entries };
    for _ in 0..8 {
        assert_ne!(applied.accuse(input), Some(true));
    }
}

/// Of any published leaves and counts, the client finds evidence if there is something wrong, and the evidence convicts.
fn examined(leaves: &[Vec<u8>], entries: Vec<Entry>) {
    let published = Published::new(&BATCH.network, BATCH.epoch, leaves);
    let receipts = entries.iter().map(Entry::receipts).sum::<u64>() as u32;
    let Some(root) = published.root() else { return };
    let evidence = published.examine(&BATCH, receipts, &entries);
    let places: Vec<_> = leaves.iter().map(|leaf| Place::read(leaf)).collect();
    let placed = (0u32..).zip(&places).all(|(index, place)| {
        place.is_some_and(|place| {
            let own = place.workload == BATCH.workload.to_bytes() && place.epoch == BATCH.epoch;
            own && bucket_of(&entries, index) == Some((place.slot, place.outcome))
        })
    });
    let bucket = |place: &Option<Place>| place.map(|place| (place.slot, place.outcome));
    let request = |place: &Option<Place>| place.map(|place| place.request_id);
    let increasing = places.windows(2).all(|pair| {
        let [first, second] = pair else { return false };
        bucket(first) != bucket(second) || request(first) < request(second)
    });
    let requests: BTreeSet<_> = places.iter().flatten().map(|place| (place.slot, place.request_id)).collect();
    let right = receipts as usize == leaves.len() && placed && increasing && requests.len() == leaves.len();
    assert_eq!(evidence.is_none(), right);
    let own = Some((root, receipts));
    let applied = Applied { published, root, receipts, entries };
    if let Some(evidence) = evidence {
        assert!(applied.convicts(&evidence, own), "{evidence:?}");
    }
    // The same leaves in an earlier batch: all that are receipts repeat.
    let evidence = applied.published.repeats(3, 2, &applied.published);
    assert_eq!(evidence.is_some(), !requests.is_empty());
    if let Some(evidence) = evidence {
        assert!(receipts as usize != leaves.len() || applied.convicts(&evidence, own));
    }
}

/// The first byte says how many receipts, the next ones what they are, then how the batch is false.
pub fn check(data: &[u8]) {
    read(data);
    let mut input = Input(data);
    let size = 1 + input.byte() % 24;
    let receipts: Vec<_> = (0..size)
        .map(|number| {
            let byte = input.byte();
            receipt(byte & 3, (byte >> 2) % 8, if byte >> 5 == 7 { number } else { byte >> 5 })
        })
        .collect();
    let mut sorted = receipts.clone();
    batch::sort(&mut sorted);
    let mut entries = count(&sorted);
    let published = if input.byte() & 1 == 0 { &sorted } else { &receipts };
    let mut leaves: Vec<_> = published.iter().map(payload).collect();
    while !input.is_empty() && leaves.len() < 64 {
        let (at, what, how) = (usize::from(input.byte()) % leaves.len(), input.byte(), input.byte());
        match what % 8 {
            0 => leaves[at].truncate(how.into()),
            1 => leaves[at].push(how),
            2 => leaves[at] = payload(&receipt(how & 3, (how >> 2) % 8, how >> 5)),
            3 => leaves.insert(at, payload(&receipt(how & 3, (how >> 2) % 8, how >> 5))),
            4 if leaves.len() > 1 => drop(leaves.remove(at)),
            5 => leaves[at].iter_mut().skip(how.into()).take(1).for_each(|byte| *byte ^= 1),
            6 => entries.iter_mut().skip(at).take(1).for_each(|entry| entry.counts[usize::from(how) % OUTCOMES] += 1),
            _ => break,
        }
    }
    examined(&leaves, entries);
    honest(&sorted, &mut input);
}

/// Honest batches, ones with each mistake, and evidence of every kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let opening = || Opening { index: 1, leaf: vec![5; 9], proof: vec![[6; 32]; 2] };
    let evidence = [
        Evidence::Misplaced(opening()),
        Evidence::DuplicateInBatch(opening(), opening()),
        Evidence::DuplicateAcrossBatches { earlier: 2, first: opening(), second: opening() },
        Evidence::CountMismatch(opening()),
    ];
    let batches = (0..=24u8).map(|count| [vec![count], (0..30).map(|at| at * 7 + 224 % (at + 1)).collect()].concat());
    let mistakes =
        (0..8u8).map(|what| [vec![5, 224, 229, 234, 236, 240, 228, 0, 2, what, 71, 0, 7], vec![9; 60]].concat());
    evidence.iter().map(Evidence::encode).chain(batches).chain(mistakes).collect()
}
