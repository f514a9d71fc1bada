//! Proofs that a batch is false: each fraud in the smallest batch there can be and in the largest.

use crate::batches::full;
use crate::bench::{Bench, FULL, Row};
use coverage_client::batch::{Statement, receipts_tag};
use coverage_client::evidence::{self, Evidence, Opening};
use coverage_client::{accounts, pda};
use coverage_math::attestation::Entry;
use coverage_math::hash::{Hash, Software};
use coverage_math::merkle;
use coverage_math::receipt::{Attempt, Receipt};
use coverage_settlement::state::BatchRecord;
use coverage_tests::{check, entry};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

pub fn rows() -> Vec<Row> {
    let slashed = most_slashed();
    let (mut bench, workload) = full(64);
    for (case, root, evidence) in deepest(&bench, workload) {
        let [proof, rest @ ..] = &accuse(&mut bench, workload, &many(), root, &evidence)[..] else { unreachable!() };
        on_record(&mut bench, workload, slashed);
        bench.add(&format!("{case}, 1,024 entries, {slashed} slashed"), std::slice::from_ref(proof));
        send_all(&mut bench, rest);
    }
    let (mut small, workload) = full(1);
    for (case, root, evidence) in shallowest(&small, workload) {
        let entries = [entry(0, [2, 0, 0, 0, 0, 0, 0])];
        let [proof, rest @ ..] = &accuse(&mut small, workload, &entries, root, &evidence)[..] else { unreachable!() };
        small.add(&format!("{case}, 1 entry, 1 slashed"), std::slice::from_ref(proof));
        send_all(&mut small, rest);
    }
    bench.rows.append(&mut small.rows);
    bench.rows
}

/// The most attesters that one challenge is sure to slash: if fewer than can sign a batch, some batches cannot be challenged.
/// Anybody may send lamports to the address that the reward goes to, which makes creating the account take longest.
pub fn most_slashed() -> u32 {
    let (mut bench, workload) = full(64);
    let (_, root, evidence) = deepest(&bench, workload).swap_remove(0);
    let proof = accuse(&mut bench, workload, &many(), root, &evidence).swap_remove(0);
    let reward = pda::token_account(&bench.world.payer, &bench.world.net.token);
    bench.world.forge().lamports(&reward, 1_000_000);
    let succeeds = |slashed: &u32| {
        on_record(&mut bench, workload, *slashed);
        bench.world.attempt(std::slice::from_ref(&proof)).is_ok()
    };
    (1..=64).rev().find(succeeds).unwrap()
}

/// Has a batch applied that all attesters signed, and uploads what proves it false: the proof, and what takes the uploads back.
fn accuse(bench: &mut Bench, workload: Pubkey, entries: &[Entry], root: Hash, evidence: &Evidence) -> Vec<Instruction> {
    let (payer, token) = (bench.world.payer, bench.world.net.token);
    let account = pda::token_account(&payer, &token);
    bench.world.cluster.svm.set_account(account, Default::default()).unwrap();
    let batch = bench.world.batch_of(workload);
    bench.world.apply(&Statement::counts(batch, root, entries));
    let all = evidence::challenge(payer, &token, batch, entries, evidence);
    let proof = all.iter().position(|instruction| check::name(instruction) == Some("challenge_batch")).unwrap();
    send_all(bench, &all[..proof]);
    all[proof..].to_vec()
}

/// Sends these, a transaction each.
fn send_all(bench: &mut Bench, instructions: &[Instruction]) {
    for instruction in instructions {
        bench.world.send(std::slice::from_ref(instruction));
    }
}

/// Makes the first attesters those that signed the last batch.
fn on_record(bench: &mut Bench, workload: Pubkey, slashed: u32) {
    let address = pda::log(&workload);
    let (header, mut records) = accounts::log(&address, &bench.world.account(&address).data).unwrap();
    let last: &mut BatchRecord = records.last_mut().unwrap();
    last.endorsers = u64::MAX >> (64 - slashed);
    bench.world.forge().tail(&address, &header, &records);
}

/// Entries that count 2^32 - 1 receipts in 7,168 buckets: no batch has more, no bucket is farther from the first.
fn many() -> Vec<Entry> {
    let share = u32::MAX / (7 * FULL as u32);
    let mut entries: Vec<_> = (0..FULL as u16).map(|slot| entry(slot, [share; 7])).collect();
    entries[FULL - 1].counts[6] += u32::MAX % (7 * FULL as u32);
    entries
}

/// A receipt's payload.
fn receipt(workload: Pubkey, slot: u16, outcome: u8) -> Vec<u8> {
    let attempt = Attempt {
        request_id: [3; 32],
        workload: workload.to_bytes(),
        epoch: 0,
        slot,
        outcome,
        latency_ms: 1,
        observed_at: 1,
        evidence: [4; 32],
        reporter: [5; 32],
    };
    evidence::payload(&Receipt { attempt, signature: [6; 64] })
}

/// A tree of which only two neighbouring leaves with their paths are real: its root and their openings, the left one first.
fn pair(network: &Pubkey, leaf: &[u8], index: u32, levels: usize) -> (Hash, Opening, Opening) {
    let tag = receipts_tag(network, 0);
    let hash = merkle::leaf::<Software>(&tag, leaf);
    let mut proof: Vec<Hash> = (0..levels).map(|level| [level as u8; 32]).collect();
    proof[0] = hash; // the other one, which is the same
    let root = merkle::climb::<Software>(hash, index, &proof).unwrap();
    let open = |index| Opening { index, leaf: leaf.to_vec(), proof: proof.clone() };
    (root, open(index), open(index + 1))
}

type Case = (&'static str, Hash, Evidence);

/// Number of the batch that [`Evidence::DuplicateAcrossBatches`] is against here; its leaves are in one and the same.
const ACROSS: u32 = 2;

/// Each fraud with the deepest paths there are: those of the last leaves of 2^32 - 1.
fn deepest(bench: &Bench, workload: Pubkey) -> Vec<Case> {
    let network = bench.world.net.address;
    let of = |slot, outcome| pair(&network, &receipt(workload, slot, outcome), u32::MAX - 3, 32);
    let (wrong, misplaced, _) = of(0, 0);
    let (root, first, second) = of(FULL as u16 - 1, 6);
    let (beyond, _, nowhere) = pair(&network, &receipt(workload, 0, 0), u32::MAX - 1, 32);
    let across = Evidence::DuplicateAcrossBatches { earlier: ACROSS, first: first.clone(), second: second.clone() };
    vec![
        ("Misplaced", wrong, Evidence::Misplaced(misplaced)),
        ("DuplicateInBatch", root, Evidence::DuplicateInBatch(first, second)),
        ("DuplicateAcrossBatches", root, across),
        ("CountMismatch", beyond, Evidence::CountMismatch(nowhere)),
    ]
}

/// Each fraud in a batch of two receipts.
fn shallowest(bench: &Bench, workload: Pubkey) -> Vec<Case> {
    let network = bench.world.net.address;
    let (wrong, misplaced, _) = pair(&network, &receipt(workload, 1, 0), 0, 1);
    let (root, first, second) = pair(&network, &receipt(workload, 0, 0), 0, 1);
    let across = Evidence::DuplicateAcrossBatches { earlier: ACROSS, first: first.clone(), second: second.clone() };
    let nowhere = Opening { proof: vec![first.proof[0], [9; 32]], ..first.clone() };
    let beyond = {
        let tag = receipts_tag(&network, 0);
        let hash = merkle::leaf::<Software>(&tag, &nowhere.leaf);
        merkle::climb::<Software>(hash, 0, &nowhere.proof).unwrap()
    };
    vec![
        ("Misplaced", wrong, Evidence::Misplaced(misplaced)),
        ("DuplicateInBatch", root, Evidence::DuplicateInBatch(first, second)),
        ("DuplicateAcrossBatches", root, across),
        ("CountMismatch", beyond, Evidence::CountMismatch(nowhere)),
    ]
}
