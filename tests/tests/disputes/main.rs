//! Batches that are false, and honest ones that somebody calls false, on the compiled program: real receipts, real trees, real
//! signatures.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)] // a test fails by panicking

mod frauds;
mod honest;
mod repeated;
mod reporter;
mod sizes;
mod slashing;
mod windows;

use coverage_client::batch::{BatchOf, Statement, receipt_tag};
use coverage_client::chain::Chain;
use coverage_client::events::Event;
use coverage_client::evidence::{self, Evidence, Opening, Published, payload};
use coverage_client::{instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_math::hash::Software;
use coverage_math::receipt::{Attempt, Receipt};
use coverage_settlement::state::{Bond, Config, Network};
use coverage_tests::{ATTESTER_BOND, GENESIS, Refusal, World, config, entry, keypair};
use ed25519_dalek::{Signer, SigningKey};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Outcomes by number.
const SERVED: u8 = 0;
const NO_MODEL: u8 = 1;
const FAILED: u8 = 6;

/// Units that five bonds of [`ATTESTER_BOND`] lose at 10 %, and the parts of the challenger and the treasury.
const SLASHED: u64 = 50_000;
const REWARD: u64 = 12_500;
const TO_TREASURY: u64 = 37_500;

/// A cell of three operators with an epoch in hand, and somebody without any tokens who reads what is published.
struct Case {
    world: World,
    workload: Pubkey,
    challenger: Pubkey,
}

/// A batch as it was applied.
#[derive(Clone)]
struct Applied {
    of: BatchOf,
    leaves: Vec<Vec<u8>>,
    entries: Vec<Entry>,
}

impl Case {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: Config) -> Self {
        Self::with_attesters(config, 5)
    }

    fn with_attesters(config: Config, attesters: u8) -> Self {
        let mut world = World::with(config, attesters);
        world.fund(10_000_000);
        let workload = world.workload(0, 1);
        for number in 1..=3 {
            world.enrolled(number, 1_000 * u64::from(number), u32::from(number), workload);
        }
        world.open_epoch();
        let challenger = world.cluster.add_signer(keypair(b'c', 0, 1));
        Self { world, workload, challenger }
    }

    /// A signed receipt of this cell and epoch; requests are numbers, in their order.
    fn receipt(&self, slot: u16, outcome: u8, request: u8) -> Receipt {
        self.signed(|attempt| {
            (attempt.slot, attempt.outcome, attempt.request_id) = (slot, outcome, [request; 32]);
        })
    }

    /// A signed receipt of this cell and epoch, edited before it is signed.
    fn signed(&self, edit: impl FnOnce(&mut Attempt)) -> Receipt {
        let reporter = SigningKey::from_bytes(&[77; 32]);
        let mut attempt = Attempt {
            request_id: [1; 32],
            workload: self.workload.to_bytes(),
            epoch: self.world.cell(self.workload).0.epoch,
            slot: 0,
            outcome: SERVED,
            latency_ms: 250,
            observed_at: GENESIS + 5,
            evidence: [3; 32],
            reporter: reporter.verifying_key().to_bytes(),
        };
        edit(&mut attempt);
        let message = attempt.message::<Software>(&receipt_tag(&self.world.net.address, attempt.epoch)).unwrap();
        Receipt { attempt, signature: reporter.sign(&message).to_bytes() }
    }

    /// Has all attesters endorse and applies `leaves`, counted as `entries`, whatever they are.
    fn apply(&mut self, leaves: Vec<Vec<u8>>, entries: Vec<Entry>) -> Applied {
        let of = self.world.batch_of(self.workload);
        let root = Published::new(&of.network, of.epoch, &leaves).root().unwrap();
        self.world.apply(&Statement::counts(of, root, &entries));
        Applied { of, leaves, entries }
    }

    /// As [`Self::apply`], for receipts counted as they are.
    fn honest(&mut self, receipts: &[Receipt]) -> Applied {
        let of = self.world.batch_of(self.workload);
        let statement = Statement::outcomes(of, receipts).unwrap();
        self.world.apply(&statement);
        Applied { of, leaves: leaves(receipts), entries: count(receipts) }
    }

    /// All but the challenge: the transactions before and after it.
    fn steps(&self, batch: &Applied, evidence: &Evidence) -> (Vec<Instruction>, Instruction, Vec<Instruction>) {
        // Uploads are statements of the committee there is now, whoever signed the batch.
        let of = BatchOf { generation: self.world.generation(), ..batch.of };
        let all = evidence::challenge(self.challenger, &self.world.net.token, of, &batch.entries, evidence);
        let at = all.len() - 3;
        (all[..at].to_vec(), all[at].clone(), all[at + 1..].to_vec())
    }

    /// Sends each in a transaction of its own that a real cluster's packet has room for.
    fn each(&mut self, instructions: &[Instruction]) {
        for instruction in instructions {
            self.world.cluster.send("a step of a challenge", std::slice::from_ref(instruction)).unwrap();
        }
    }

    /// Proves the batch false; returns the events of the challenge.
    fn prove(&mut self, batch: &Applied, evidence: &Evidence) -> Vec<Event> {
        let (uploads, challenge, closings) = self.steps(batch, evidence);
        self.each(&uploads);
        let events = self.world.events(&[challenge]);
        self.each(&closings);
        events
    }

    /// Asserts that the evidence is refused with exactly this error and changes nothing.
    #[track_caller]
    fn fails(&mut self, batch: &Applied, evidence: &Evidence, error: impl Into<Refusal>) {
        let (uploads, challenge, closings) = self.steps(batch, evidence);
        self.each(&uploads);
        self.world.refuses(challenge, error);
        self.each(&closings);
    }

    fn network(&self) -> Network {
        self.world.get(&self.world.net.address)
    }

    /// The bonds of the committee's places.
    fn bonds(&self) -> Vec<Bond> {
        let committee: coverage_settlement::state::Committee = self.world.get(&pda::committee(&self.world.net.address));
        committee.places().iter().map(|attester| attester.bond).collect()
    }

    /// Tokens of the challenger.
    fn reward(&self) -> u64 {
        self.world.cluster.tokens(&pda::token_account(&self.challenger, &self.world.net.token))
    }

    /// Settles the epoch in hand; returns every byte of the cell.
    fn settled(&mut self) -> Vec<u8> {
        self.world.finish(self.workload);
        self.world.account(&pda::cell(&self.workload)).data
    }

    /// What a rent-exempt account of as many bytes holds.
    fn rent(&self, bytes: usize) -> u64 {
        self.world.cluster.svm.minimum_balance_for_rent_exemption(bytes)
    }
}

impl Applied {
    fn published(&self) -> Published<'_> {
        Published::new(&self.of.network, self.of.epoch, &self.leaves)
    }

    fn receipts(&self) -> u32 {
        self.entries.iter().map(|entry| entry.receipts() as u32).sum()
    }

    fn examine(&self) -> Option<Evidence> {
        self.published().examine(&self.of, self.receipts(), &self.entries)
    }

    fn open(&self, index: usize) -> Opening {
        self.published().open(index).unwrap()
    }

    fn sequence(&self) -> u32 {
        self.of.sequence as u32
    }
}

/// The leaves of receipts in this order.
fn leaves(receipts: &[Receipt]) -> Vec<Vec<u8>> {
    receipts.iter().map(payload).collect()
}

/// What an honest attester counts.
fn count(receipts: &[Receipt]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for receipt in receipts {
        let attempt = &receipt.attempt;
        if entries.last().is_none_or(|entry| entry.slot != attempt.slot) {
            entries.push(entry(attempt.slot, [0; 7]));
        }
        entries.last_mut().unwrap().counts[usize::from(attempt.outcome)] += 1;
    }
    entries
}

/// The address of an upload is what the challenge names: the challenge of `case` with these accounts instead.
fn challenge_with(case: &Case, batch: &Applied, entries: Pubkey, evidence: Pubkey) -> Instruction {
    let challenge =
        ix::Challenge { workload: case.workload, epoch: batch.of.epoch, sequence: batch.sequence(), entries, evidence };
    ix::challenge_batch(case.challenger, case.world.net.address, &case.world.net.token, &challenge)
}
