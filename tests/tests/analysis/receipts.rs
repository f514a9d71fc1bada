//! Published receipts: whatever is wrong with them is found and named.

use crate::snapshot;
use coverage_client::audit::check as audit;
use coverage_client::audit::receipts::{BatchFile, Discrepancy, Fault, ReceiptsReport, check, expected, file};
use coverage_client::batch::{self, Statement};
use coverage_client::evidence::payload;
use coverage_client::pda;
use coverage_math::hash::Software;
use coverage_math::receipt::{Attempt, RECEIPT_BYTES, Receipt};
use coverage_math::reliability::OUTCOMES;
use coverage_settlement::state::{BatchLog, BatchRecord};
use coverage_tests::{EPOCH, GENESIS, World};
use ed25519_dalek::SigningKey;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// A network of two workloads with two operators each, and what is published of it.
struct Scene {
    world: World,
    workloads: [Pubkey; 2],
    /// Receipts of each batch, as they were applied.
    batches: BTreeMap<(u64, u64), Vec<Receipt>>,
    published: BTreeMap<PathBuf, Vec<u8>>,
}

fn reporter(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number + 1; 32])
}

/// A receipt of epoch 0, signed by one of three reporters.
fn receipt(world: &World, workload: Pubkey, slot: u16, outcome: u8, request: u16) -> Receipt {
    let mut request_id = [0; 32];
    request_id[..2].copy_from_slice(&request.to_be_bytes());
    let key = reporter((request % 3) as u8);
    let attempt = Attempt {
        request_id,
        workload: workload.to_bytes(),
        epoch: 0,
        slot,
        outcome,
        latency_ms: 250,
        observed_at: GENESIS + 5,
        evidence: [0; 32],
        reporter: key.verifying_key().to_bytes(),
    };
    signed(world, attempt, &key)
}

fn signed(world: &World, attempt: Attempt, key: &SigningKey) -> Receipt {
    let message = attempt.message::<Software>(&batch::receipt_tag(&world.net.address, 0)).unwrap();
    Receipt { attempt, signature: batch::sign(key, &message).1 }
}

impl Scene {
    /// Epoch 0 with three batches, the first of which has more receipts than signatures are checked at once.
    fn new() -> Self {
        let mut world = World::new();
        world.fund(10_000_000);
        let workloads = [world.workload(0, 5), world.workload(1, 5)];
        for (number, domain) in [(1, 1), (2, 2)] {
            let operator = world.enrolled(number, 1_000, domain, workloads[0]);
            world.enroll(&operator, workloads[1]);
        }
        world.open_epoch();
        let mut scene = Self { world, workloads, batches: BTreeMap::new(), published: BTreeMap::new() };
        let of = |scene: &Self, workload: usize, requests: std::ops::Range<u16>| -> Vec<Receipt> {
            let at = scene.workloads[workload];
            let one = |request: u16| {
                receipt(&scene.world, at, request % 2, if request.is_multiple_of(5) { 3 } else { 0 }, request)
            };
            requests.map(one).collect()
        };
        let batches = [(0, of(&scene, 0, 0..700)), (0, of(&scene, 0, 700..720)), (1, of(&scene, 1, 0..30))];
        for (workload, receipts) in batches {
            scene.apply(workload, receipts, true);
        }
        scene
    }

    /// Applies a batch of these receipts and publishes them. Attesters that lie do not mind what is in it.
    fn apply(&mut self, workload: usize, mut receipts: Vec<Receipt>, honest: bool) {
        batch::sort(&mut receipts);
        let of = self.world.batch_of(self.workloads[workload]);
        let statement =
            if honest { Statement::outcomes(of, &receipts).unwrap() } else { false_statement(of, &receipts) };
        self.world.apply(&statement);
        let path = file(&of.network, of.epoch, &of.workload, of.sequence, &statement.args.receipts_root);
        self.published.insert(path, receipts.iter().flat_map(payload).collect());
        self.batches.insert((workload as u64, of.sequence), receipts);
    }

    /// The file of a batch.
    fn path(&self, workload: usize, sequence: u64) -> PathBuf {
        let prefix =
            PathBuf::from(self.world.net.address.to_string()).join("0").join(self.workloads[workload].to_string());
        let of = |path: &&PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            path.starts_with(&prefix) && name.starts_with(&format!("{sequence}-"))
        };
        self.published.keys().find(of).unwrap().clone()
    }

    /// Publishes something else in place of a batch's receipts.
    fn publish(&mut self, workload: usize, sequence: u64, edit: impl FnOnce(&mut Vec<Receipt>)) {
        let mut receipts = self.batches[&(workload as u64, sequence)].clone();
        edit(&mut receipts);
        self.published.insert(self.path(workload, sequence), receipts.iter().flat_map(payload).collect());
    }

    fn check(&mut self) -> ReceiptsReport {
        let read = |batch: &BatchFile<'_>| Ok::<_, io::Error>(self.published.get(&batch.path()).cloned());
        let snapshot = snapshot(&mut self.world);
        let mut steps = 0;
        let report = check(&snapshot, None, read, || steps += 1);
        assert_eq!(steps, expected(&snapshot, None));
        report
    }
}

/// What attesters would sign who do not look: counts and root as the receipts are.
fn false_statement(of: batch::BatchOf, receipts: &[Receipt]) -> Statement {
    let tag = batch::receipts_tag(&of.network, of.epoch);
    let mut leaves: Vec<_> = receipts.iter().map(|receipt| receipt.leaf::<Software>(&tag).unwrap()).collect();
    let root = coverage_math::merkle::root::<Software>(&mut leaves).unwrap();
    let mut counts = BTreeMap::<u16, [u32; OUTCOMES]>::new();
    for receipt in receipts {
        counts.entry(receipt.attempt.slot).or_default()[usize::from(receipt.attempt.outcome)] += 1;
    }
    let entries: Vec<_> = counts.into_iter().map(|(slot, counts)| coverage_tests::entry(slot, counts)).collect();
    Statement::counts(of, root, &entries)
}

/// Fault, workload, batch, leaf and slot of a discrepancy.
type Named = (Fault, u64, Option<u64>, Option<u64>, Option<u16>);

fn faults(report: &ReceiptsReport) -> Vec<Named> {
    let short = |one: &Discrepancy| (one.fault, one.workload, one.batch, one.leaf, one.slot);
    report.discrepancies.iter().map(short).collect()
}

#[test]
fn honest_receipts_are_all_there_and_all_signed() {
    let mut scene = Scene::new();
    let report = scene.check();
    assert_eq!(report.discrepancies, []);
    assert_eq!((report.batches, report.receipts, report.signatures), (3, 750, 750));
    let key = |number| Pubkey::from(reporter(number).verifying_key().to_bytes()).to_string();
    assert_eq!(report.reporters, BTreeMap::from([(key(0), 250), (key(1), 250), (key(2), 250)]));
    let mut whole = audit(&snapshot(&mut scene.world), None);
    assert!(whole.passed());
    whole.receipts = Some(report);
    let line = "\nReceipts: 750 of 3 batches, 750 with a good signature\n";
    assert!(whole.passed() && whole.to_string().contains(line), "{whole}");
    // The log shows them until a batch of a later epoch is applied; counters are then those of the settlement.
    for workload in scene.workloads {
        scene.world.finish(workload);
    }
    assert_eq!(scene.check().discrepancies, []);
    let other = check(&snapshot(&mut scene.world), Some(1), |_| Ok::<_, io::Error>(None), || ());
    assert_eq!(other, ReceiptsReport::default(), "of epoch 1 there is nothing");
}

#[test]
fn files_that_are_missing_unreadable_or_cut_short() {
    let mut scene = Scene::new();
    let path = scene.path(0, 1);
    scene.published.remove(&path);
    let report = scene.check();
    assert_eq!(faults(&report), [(Fault::MissingFile, 0, Some(1), None, None)]);
    assert_eq!(report.discrepancies[0].expected, path.display().to_string());
    let words = format!("missing file: workload 0, epoch 0, batch 1: expected {}, found no such file", path.display());
    assert_eq!(report.discrepancies[0].to_string(), words);

    let mut scene = Scene::new();
    scene.published.get_mut(&path).unwrap().pop();
    let report = scene.check();
    assert_eq!(faults(&report), [(Fault::BrokenFile, 0, Some(1), None, None)]);
    assert_eq!(report.discrepancies[0].expected, format!("a multiple of {RECEIPT_BYTES} bytes"));

    let denied = |_: &BatchFile<'_>| Err(io::Error::from(io::ErrorKind::PermissionDenied));
    let report = check(&snapshot(&mut scene.world), None, denied, || ());
    assert_eq!(report.discrepancies.iter().filter(|one| one.fault == Fault::UnreadableFile).count(), 3);
    assert_eq!(report.discrepancies[0].actual, "permission denied");
}

#[test]
fn a_receipt_that_is_left_out_changes_count_root_and_counts() {
    let mut scene = Scene::new();
    // The last of batch 1: slot 1, outcome 3.
    scene.publish(0, 1, |receipts| {
        receipts.pop();
    });
    let report = scene.check();
    let expected = [
        (Fault::WrongCount, 0, Some(1), None, None),
        (Fault::WrongRoot, 0, Some(1), None, None),
        (Fault::WrongEntries, 0, Some(1), None, None),
        (Fault::WrongTally, 0, None, None, Some(1)),
    ];
    assert_eq!(faults(&report), expected);
    let [count, root, _, tally] = report.discrepancies.as_slice() else { panic!() };
    assert_eq!((count.expected.as_str(), count.actual.as_str()), ("20", "19"));
    let path = scene.path(0, 1);
    assert!(path.to_str().unwrap().contains(&root.expected), "the root that was applied");
    assert_eq!(
        (tally.expected.as_str(), tally.actual.as_str()),
        ("[288, 0, 0, 72, 0, 0, 0]", "[288, 0, 0, 71, 0, 0, 0]")
    );
}

#[test]
fn a_receipt_that_is_changed_is_not_signed_any_more() {
    let mut scene = Scene::new();
    // Leaf 600 of 700 is in the second chunk of signatures.
    scene.publish(0, 0, |receipts| receipts[600].attempt.latency_ms += 1);
    let report = scene.check();
    let expected = [(Fault::WrongRoot, 0, Some(0), None, None), (Fault::BadSignature, 0, Some(0), Some(600), Some(1))];
    assert_eq!(faults(&report), expected);
    assert_eq!((report.receipts, report.signatures), (750, 749));
    let request = hex::encode(scene.batches[&(0, 0)][600].attempt.request_id);
    assert_eq!(report.discrepancies[1].request_id, Some(request));
}

#[test]
fn no_receipts_at_all_and_receipts_in_another_order() {
    let mut scene = Scene::new();
    scene.publish(1, 0, Vec::clear);
    let faulty = faults(&scene.check());
    assert_eq!(
        faulty[..3],
        [
            (Fault::WrongCount, 1, Some(0), None, None),
            (Fault::WrongRoot, 1, Some(0), None, None),
            (Fault::WrongEntries, 1, Some(0), None, None),
        ]
    );
    assert_eq!(faulty[3..], [0, 1].map(|slot| (Fault::WrongTally, 1, None, None, Some(slot))));

    let mut scene = Scene::new();
    scene.publish(1, 0, |receipts| receipts.swap(3, 4));
    let report = scene.check();
    let expected = [(Fault::WrongRoot, 1, Some(0), None, None), (Fault::Disordered, 1, Some(0), Some(4), Some(0))];
    assert_eq!(faults(&report), expected);
}

/// What only attesters that do not look would sign: each is applied, and each is found.
#[test]
fn batches_that_should_never_have_been_endorsed() {
    type Edit = fn(&mut Attempt);
    let cases: [(Edit, Fault, &str, &str); 6] = [
        (
            |attempt| attempt.observed_at = GENESIS - 1,
            Fault::OutsideEpoch,
            "observed from 1700000000 until before 1700000100",
            "1699999999",
        ),
        (
            |attempt| attempt.observed_at = GENESIS + EPOCH,
            Fault::OutsideEpoch,
            "observed from 1700000000 until before 1700000100",
            "1700000100",
        ),
        (|attempt| attempt.epoch = 3, Fault::OutsideEpoch, "epoch 0", "epoch 3"),
        (|attempt| attempt.workload = [4; 32], Fault::OtherWorkload, "", ""),
        (|attempt| attempt.slot = 0, Fault::Duplicate, "counted once", "leaf 0 of batch 0 is of the same request"),
        (|attempt| attempt.reporter = [0; 32], Fault::BadSignature, "", ""),
    ];
    for (edit, fault, expected, actual) in cases {
        let mut scene = Scene::new();
        let mut attempt = receipt(&scene.world, scene.workloads[0], 1, 0, 2_000).attempt;
        if fault == Fault::Duplicate {
            // The first leaf of batch 0 is request 2 in slot 0.
            attempt.request_id = scene.batches[&(0, 0)][0].attempt.request_id;
        }
        edit(&mut attempt);
        let key = reporter((2_000 % 3) as u8);
        let receipt = signed(&scene.world, attempt, &key);
        scene.apply(0, vec![receipt], false);
        let report = scene.check();
        let slot = Some(attempt.slot);
        assert_eq!(faults(&report), [(fault, 0, Some(2), Some(0), slot)], "{fault}");
        let found = &report.discrepancies[0];
        if !expected.is_empty() {
            assert_eq!((found.expected.as_str(), found.actual.as_str()), (expected, actual));
        }
        assert_eq!(found.request_id, Some(hex::encode(attempt.request_id)));
    }
}

/// What the program itself refuses, but a forged log would show.
#[test]
fn unknown_slots_and_outcomes() {
    for (slot, outcome, fault) in [(7, 0, Fault::UnknownSlot), (1, 9, Fault::UnknownOutcome)] {
        let mut scene = Scene::new();
        let receipt = receipt(&scene.world, scene.workloads[1], slot, outcome, 3_000);
        let at = pda::log(&scene.workloads[1]);
        let (log, mut records): (BatchLog, Vec<BatchRecord>) =
            coverage_client::accounts::log(&at, &scene.world.account(&at).data).unwrap();
        let tag = batch::receipts_tag(&scene.world.net.address, 0);
        let root = receipt.leaf::<Software>(&tag).unwrap();
        records.push(BatchRecord { receipts_root: root, receipts: 1, ..records[0] });
        scene.world.forge().tail(&at, &log, &records);
        let path = file(&scene.world.net.address, 0, &scene.workloads[1], 1, &root);
        scene.published.insert(path, payload(&receipt));
        let found = faults(&scene.check());
        assert!(found.contains(&(fault, 1, Some(1), Some(0), Some(slot))), "{found:?}");
        assert_eq!(found[0].0, Fault::WrongEntries, "nor are they the entries of the log");
    }
}

/// A batch that was proven false does not count, so nobody needs its receipts.
#[test]
fn receipts_of_removed_batches_are_not_asked_for() {
    let mut scene = Scene::new();
    let at = pda::log(&scene.workloads[1]);
    let (log, mut records): (BatchLog, Vec<BatchRecord>) =
        coverage_client::accounts::log(&at, &scene.world.account(&at).data).unwrap();
    records[0].flags = 1;
    scene.world.forge().tail(&at, &log, &records);
    let path = scene.path(1, 0);
    scene.published.remove(&path);
    let report = scene.check();
    // The forged cell still has its counts.
    assert_eq!(faults(&report), [0, 1].map(|slot| (Fault::WrongTally, 1, None, None, Some(slot))));
    assert_eq!(report.batches, 2);
}
