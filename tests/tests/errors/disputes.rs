//! Challenges: what proves a batch false, and everything that does not.

use crate::tokens::refuses_payments;
use crate::{Elsewhere, broken_cell, broken_network, elsewhere, forged, swapped};
use bytemuck::cast_slice;
use coverage_client::batch::{BatchOf, Statement};
use coverage_client::evidence::{Evidence, Opening, Published, payload};
use coverage_client::instructions::{self as ix, Challenge};
use coverage_client::pda;
use coverage_math::attestation::Entry;
use coverage_math::receipt::{Attempt, Receipt};
use coverage_settlement::state::{Cell, Epoch, Network};
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GENESIS, GRACE, World, entry};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// What every batch here says: two requests of slot 0, both served.
const SERVED: [u32; 7] = [2, 0, 0, 0, 0, 0, 0];

/// A network with an applied batch of two leaves.
struct Dispute {
    world: World,
    batch: BatchOf,
    leaves: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    elsewhere: Elsewhere,
}

/// The leaf of a request of slot 0 with an outcome.
fn leaf(workload: Pubkey, request: u8, outcome: u8) -> Vec<u8> {
    let attempt = Attempt {
        request_id: [request; 32],
        workload: workload.to_bytes(),
        epoch: 0,
        slot: 0,
        outcome,
        latency_ms: 5,
        observed_at: GENESIS,
        evidence: [0; 32],
        reporter: [6; 32],
    };
    payload(&Receipt { attempt, signature: [0; 64] })
}

impl Dispute {
    /// With a batch of two requests whose outcomes are these, and which says that both were served.
    fn new(requests: [(u8, u8); 2]) -> Self {
        let mut world = World::new();
        let elsewhere = elsewhere(&mut world);
        let workload = world.workload(0, 1);
        world.enrolled(1, 1_000, 0, workload);
        world.open_epoch();
        let mut dispute =
            Self { batch: world.batch_of(workload), world, leaves: vec![], entries: vec![entry(0, SERVED)], elsewhere };
        dispute.leaves = requests.map(|(request, outcome)| leaf(workload, request, outcome)).to_vec();
        dispute.apply();
        dispute
    }

    /// Applies the leaves in hand as the next batch.
    fn apply(&mut self) {
        self.batch = self.world.batch_of(self.batch.workload);
        let root = self.published().root().unwrap();
        let statement = Statement::counts(self.batch, root, &self.entries);
        self.world.apply(&statement);
    }

    fn published(&self) -> Published<'_> {
        Published::new(&self.batch.network, 0, &self.leaves)
    }

    fn open(&self, index: usize) -> Opening {
        self.published().open(index).unwrap()
    }

    /// Uploads entries and evidence; returns the challenge.
    fn challenge(&mut self, evidence: &Evidence) -> Instruction {
        let entries = self.upload(cast_slice(&self.entries).to_vec(), true);
        let evidence = self.upload(evidence.encode(), true);
        self.with(entries, evidence)
    }

    /// Asserts that evidence is refused.
    #[track_caller]
    fn refuses(&mut self, evidence: &Evidence, error: CoverageError) {
        let challenge = self.challenge(evidence);
        self.world.refuses(challenge, error);
    }

    /// Uploads bytes as an attestation's entries, if they are not there. If they are to be incomplete, the last of the
    /// transactions it takes is left out.
    fn upload(&mut self, bytes: Vec<u8>, complete: bool) -> Pubkey {
        let statement = Statement::upload_only(self.batch, bytes);
        let address = statement.address(&self.world.payer);
        if self.world.cluster.svm.get_account(&address).is_some() {
            return address;
        }
        let mut uploads = statement.upload(self.world.payer);
        if !complete {
            uploads.pop();
        }
        for upload in uploads {
            self.world.send(&[upload]);
        }
        address
    }

    /// The challenge with these uploads.
    fn with(&self, entries: Pubkey, evidence: Pubkey) -> Instruction {
        let BatchOf { workload, epoch, sequence, network, .. } = self.batch;
        let challenge = Challenge { workload, epoch, sequence: sequence as u32, entries, evidence };
        ix::challenge_batch(self.world.payer, network, &self.world.net.token, &challenge)
    }
}

/// A false batch: its second request was not served.
fn false_batch() -> (Dispute, Instruction) {
    let mut dispute = Dispute::new([(1, 0), (2, 3)]);
    let evidence = Evidence::Misplaced(dispute.open(1));
    let good = dispute.challenge(&evidence);
    (dispute, good)
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    an_honest_batch_stands_against_every_kind_of_evidence,
    evidence_that_cannot_be_read_is_refused,
    a_challenge_refuses_other_and_incomplete_entries,
    a_challenge_comes_in_time_and_once,
    a_challenge_refuses_what_does_not_belong_together,
    a_challenge_refuses_forged_accounts,
];

#[test]
fn an_honest_batch_stands_against_every_kind_of_evidence() {
    let mut dispute = Dispute::new([(1, 0), (2, 0)]);
    let (first, second) = (dispute.open(0), dispute.open(1));
    let (no_fraud, not_in_batch) = (CoverageError::NoFraud, CoverageError::NotInBatch);
    let across = |earlier, first: &Opening, second: &Opening| Evidence::DuplicateAcrossBatches {
        earlier,
        first: first.clone(),
        second: second.clone(),
    };
    let nothing = [
        Evidence::Misplaced(first.clone()),
        Evidence::Misplaced(second.clone()),
        Evidence::DuplicateInBatch(first.clone(), second.clone()),
        Evidence::DuplicateInBatch(second.clone(), first.clone()),
        Evidence::DuplicateInBatch(first.clone(), first.clone()),
        across(0, &first, &second),
        across(0, &first, &first), // a leaf is no duplicate of itself
        Evidence::CountMismatch(first.clone()),
        Evidence::CountMismatch(second.clone()),
    ];
    for evidence in nothing {
        dispute.refuses(&evidence, no_fraud);
    }
    let forged = Opening { leaf: leaf(dispute.batch.workload, 1, 3), ..first.clone() };
    let elsewhere = Opening { index: 1, ..first.clone() };
    let beyond = Opening { index: 2, ..first.clone() };
    let longer = Opening { proof: vec![[1; 32]; 33], ..first.clone() };
    let shorter = Opening { proof: vec![], ..first.clone() };
    for bad in [forged, elsewhere, beyond, longer, shorter] {
        dispute.refuses(&Evidence::Misplaced(bad.clone()), not_in_batch);
        dispute.refuses(&Evidence::DuplicateInBatch(bad.clone(), second.clone()), not_in_batch);
        dispute.refuses(&Evidence::DuplicateInBatch(first.clone(), bad.clone()), not_in_batch);
        dispute.refuses(&across(0, &bad, &second), not_in_batch);
        dispute.refuses(&across(0, &first, &bad), not_in_batch);
    }
    dispute.refuses(&Evidence::CountMismatch(Opening { index: 1, ..first.clone() }), not_in_batch);
    // A batch that is not there, and a later one: it is the later that falls.
    dispute.refuses(&across(1, &first, &second), not_in_batch);
    let before = dispute.batch;
    dispute.apply();
    let later = std::mem::replace(&mut dispute.batch, before);
    dispute.refuses(&across(1, &first, &first), not_in_batch);
    dispute.batch = later;
    let proof = dispute.challenge(&across(0, &first, &first));
    dispute.world.send(&[proof]);
}

#[test]
fn evidence_that_cannot_be_read_is_refused() {
    let (mut dispute, good) = false_batch();
    let entries = good.accounts[6].pubkey;
    let bytes = Evidence::Misplaced(dispute.open(1)).encode();
    let mut kind = bytes.clone();
    kind[0] = 4;
    let mut padding = bytes.clone();
    *padding.last_mut().unwrap() = 1;
    let mut long = bytes.clone();
    long[5..9].copy_from_slice(&u32::MAX.to_le_bytes());
    let longer = [bytes.as_slice(), &[0; 32]].concat();
    let shorter = bytes[..bytes.len() - 32].to_vec();
    for bad in [kind, padding, long, longer, shorter, vec![0; 64], vec![255; 64]] {
        let upload = dispute.upload(bad, true);
        let challenge = dispute.with(entries, upload);
        dispute.world.refuses(challenge, CoverageError::InvalidEvidence);
    }
    dispute.world.send(&[good]);
}

#[test]
fn a_challenge_refuses_other_and_incomplete_entries() {
    let (mut dispute, good) = false_batch();
    let [entries, evidence] = [good.accounts[6].pubkey, good.accounts[7].pubkey];
    let other = dispute.upload(cast_slice(&[entry(0, [1, 1, 0, 0, 0, 0, 0])]).to_vec(), true);
    let challenge = dispute.with(other, evidence);
    dispute.world.refuses(challenge, CoverageError::WrongEntries);
    let challenge = dispute.with(evidence, entries); // the wrong way round
    dispute.world.refuses(challenge, CoverageError::WrongEntries);
    // A failure domain's attestation is complete, but has nothing in it.
    let domain = Statement::failure_domain(dispute.batch.network, Pubkey::default(), 7, 0, 1);
    dispute.world.upload(&domain);
    let empty = domain.address(&dispute.world.payer);
    let challenge = dispute.with(empty, evidence);
    dispute.world.refuses(challenge, CoverageError::WrongEntries);
    let challenge = dispute.with(entries, empty);
    dispute.world.refuses(challenge, CoverageError::InvalidEvidence);
    let partial = dispute.upload(vec![0; 32 * 20], false);
    for [entries, evidence] in [[partial, evidence], [entries, partial]] {
        let challenge = dispute.with(entries, evidence);
        dispute.world.refuses(challenge, CoverageError::Incomplete);
    }
    dispute.world.send(&[good]);
}

#[test]
fn a_challenge_comes_in_time_and_once() {
    let (mut dispute, good) = false_batch();
    let (payer, net, token) = (dispute.world.payer, dispute.world.net.address, dispute.world.net.token);
    let workload = dispute.batch.workload;
    let [entries, evidence] = [good.accounts[6].pubkey, good.accounts[7].pubkey];
    let challenge = |epoch, sequence| {
        ix::challenge_batch(payer, net, &token, &Challenge { workload, epoch, sequence, entries, evidence })
    };
    let world = &mut dispute.world;
    for sequence in [1, u32::MAX] {
        world.refuses(challenge(0, sequence), CoverageError::NoSuchBatch);
    }
    let fresh = world.cluster.svm.clone();
    world.send(std::slice::from_ref(&good));
    world.refuses(good.clone(), CoverageError::BatchRemoved);
    world.cluster.svm = fresh;
    world.seal(workload);
    world.set_time(GENESIS + EPOCH + GRACE + CHALLENGE - 1);
    let sealed = world.cluster.svm.clone();
    world.send(std::slice::from_ref(&good)); // the last second
    world.cluster.svm = sealed;
    world.set_time(GENESIS + EPOCH + GRACE + CHALLENGE);
    world.refuses(good.clone(), CoverageError::ChallengeOver);
    world.send(&[ix::settle_cell(net, workload, 0, 1_400)]);
    world.refuses(good.clone(), CoverageError::ChallengeOver);
    world.settle_by(workload, ix::SETTLE_STEPS);
    world.open_epoch();
    world.refuses(good, CoverageError::WrongEpoch);
    // The log still has the records of the epoch before.
    world.refuses(challenge(1, 0), CoverageError::NoSuchBatch);
}

#[test]
fn a_challenge_refuses_what_does_not_belong_together() {
    let (mut dispute, good) = false_batch();
    let (world, foreign) = (&mut dispute.world, &dispute.elsewhere);
    let other = world.workload(1, 1);
    let theirs = foreign.net.address;
    let swap = |position, account| swapped(good.clone(), position, account);
    let network = CoverageError::WrongNetwork;
    world.refuses(swap(1, theirs), network);
    world.refuses(swap(2, pda::committee(&theirs)), network);
    world.refuses(swap(3, pda::epoch(&theirs, 0)), network);
    world.refuses(swap(4, pda::cell(&foreign.workload)), network);
    let workload = CoverageError::WrongWorkload;
    world.refuses(swap(4, pda::cell(&other)), workload);
    world.refuses(swap(5, pda::log(&other)), workload);
    world.refuses(swap(5, pda::log(&foreign.workload)), workload);
    let fresh = world.cluster.svm.clone();
    world.open_epoch();
    let next = pda::epoch(&world.net.address, 1);
    world.refuses(swap(3, next), CoverageError::WrongEpoch);
    world.cluster.svm = fresh;
    refuses_payments(world, &good, 8, &foreign.net);
    world.send(&[good]);
}

#[test]
fn a_challenge_refuses_forged_accounts() {
    let (mut dispute, good) = false_batch();
    let (workload, world) = (dispute.batch.workload, &mut dispute.world);
    let (net, epoch, cell) = (world.net.address, pda::epoch(&world.net.address, 0), pda::cell(&workload));
    let (overflow, inconsistent) = (CoverageError::AmountOverflow, CoverageError::Inconsistent);
    let edit = |epoch: &mut Epoch| epoch.config.challenge_seconds = u64::MAX;
    forged(world, &good, epoch, edit, overflow);
    let edit = |network: &mut Network| network.treasury_available = u64::MAX;
    forged(world, &good, net, edit, overflow);
    let edit = |network: &mut Network| network.attester_bonds = 49_999; // a tenth of five bonds is slashed
    forged(world, &good, net, edit, inconsistent);
    let edit = |cell: &mut Cell| cell.slots = 400;
    forged(world, &good, cell, edit, inconsistent);
    broken_cell(world, &good, workload);
    broken_network(world, &good);
    let slots = world.cell(workload).1;
    let mut fewer = slots.clone();
    fewer[0].tally[0] = 1; // less than the batch added
    world.forge().slots(&cell, &fewer, |_| {});
    world.refuses(good.clone(), inconsistent);
    world.forge().slots(&cell, &[], |_| {});
    world.refuses(good.clone(), inconsistent);
    world.forge().slots(&cell, &slots, |_| {});
    world.send(&[good]);
}
