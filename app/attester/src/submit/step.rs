//! What to do next about a batch, given what the chain shows.

use super::Flight;
use coverage_client::batch::{self, SIGNATURES_A_TRANSACTION, Signature, Statement};
use coverage_client::instructions;
use coverage_client::program::state::{Attestation, BatchLog, BatchRecord, Cell, Committee, Epoch, Phase};
use coverage_math::attestation::Entry;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// The most signatures that fit a transaction together with `endorse` and `apply_batch`.
const SIGNATURES_WITH_APPLY: usize = 5;

/// Bytes of entries that fit a transaction: whole records.
const ENTRIES_A_TRANSACTION: usize = 28 * size_of::<Entry>();

/// What the chain shows of a batch, at one moment.
pub struct Seen {
    /// The cell; `None` once it is closed.
    pub cell: Option<Cell>,
    /// Its log.
    pub log: Option<(BatchLog, Vec<BatchRecord>)>,
    /// The committee.
    pub committee: Committee,
    /// The epoch; `None` once it is closed.
    pub epoch: Option<Epoch>,
    /// The attestation that this payer opened for the batch, with the entries uploaded so far.
    pub attestation: Option<(Attestation, Vec<Entry>)>,
}

/// What the chain has decided about a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the log.
    Applied,
    /// It cannot come there any more; its receipts wait for another batch.
    Lost(Loss),
}

/// Why a batch cannot be applied any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Another batch was applied with its number.
    Overtaken,
    /// The cell takes no batches of its epoch any more.
    Closed,
    /// The committee has changed.
    Committee,
    /// Signers have lost weight or bond since, and the rest does not exceed the quorum.
    Quorum,
}

/// The next step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// None: the chain has decided, and nothing is left over.
    Done(Outcome),
    /// One transaction, and what it does in words.
    Send(&'static str, Vec<Instruction>),
}

/// Decides what to do about a batch whose attestation `payer` opens.
#[must_use]
pub fn decide(flight: &Flight, seen: &Seen, payer: &Pubkey) -> Step {
    let statement = flight.statement();
    let close = |action| Step::Send(action, vec![instructions::close_attestation(*payer, statement.address(payer))]);
    if let Some(outcome) = verdict(flight, seen) {
        return match seen.attestation {
            Some(_) => close("taking back the rent of an attestation"),
            None => Step::Done(outcome),
        };
    }
    let upload = statement.upload(*payer);
    let Some((attestation, uploaded)) = &seen.attestation else {
        return Step::Send("opening an attestation", upload.into_iter().take(1).collect());
    };
    let there: &[u8] = bytemuck::cast_slice(uploaded);
    if !flight.entries.starts_with(there) {
        return close("closing an attestation with other entries");
    }
    if attestation.complete == 0 {
        return match extension(&statement, *payer, &flight.entries, there.len()) {
            Some(extension) => Step::Send("uploading entries", vec![extension]),
            None => close("closing an attestation that never gets complete"),
        };
    }
    endorse(flight, seen, attestation.endorsers, &statement, *payer)
}

/// What the chain has decided, if it has.
fn verdict(flight: &Flight, seen: &Seen) -> Option<Outcome> {
    let of = flight.batch();
    let index = usize::try_from(of.sequence).ok()?;
    let log = seen.log.as_ref().filter(|(log, _)| log.epoch == of.epoch);
    if let Some(record) = log.and_then(|(_, records)| records.get(index)) {
        let args = flight.statement().args;
        let same = record.receipts_root == args.receipts_root && record.entries_hash == args.entries_hash;
        return Some(if same { Outcome::Applied } else { Outcome::Lost(Loss::Overtaken) });
    }
    let collecting = |cell: &Cell| cell.phase == Phase::Collecting as u8 && cell.epoch == of.epoch;
    if !seen.cell.as_ref().is_some_and(collecting) || seen.epoch.is_none() {
        return Some(Outcome::Lost(Loss::Closed));
    }
    if seen.committee.generation != of.generation {
        return Some(Outcome::Lost(Loss::Committee));
    }
    let signed = flight.signers().filter_map(|key| seen.committee.find(&(*key).into()));
    let signed = signed.fold(0, |all, bit| all | bit);
    (!exceeds(seen, signed)).then_some(Outcome::Lost(Loss::Quorum))
}

fn exceeds(seen: &Seen, endorsers: u64) -> bool {
    let config = seen.epoch.as_ref().map(|epoch| &epoch.config);
    config.is_some_and(|config| seen.committee.exceeds_quorum(endorsers, config.min_attester_bond, config.quorum_bps))
}

/// The transaction that continues an upload at byte `done`; `None` if nothing is left.
fn extension(statement: &Statement, payer: Pubkey, entries: &[u8], done: usize) -> Option<Instruction> {
    let rest = entries.get(done..).filter(|rest| !rest.is_empty())?;
    let chunk = rest.get(..rest.len().min(ENTRIES_A_TRANSACTION))?;
    Some(instructions::extend_attestation(payer, statement.address(&payer), chunk.to_vec()))
}

/// Endorses with signatures that the chain has not counted, as many as the quorum takes, and applies with the last of them.
fn endorse(flight: &Flight, seen: &Seen, endorsers: u64, statement: &Statement, payer: Pubkey) -> Step {
    let apply = statement.apply(payer);
    if exceeds(seen, endorsers) {
        return Step::Send("applying a batch", vec![apply]);
    }
    let (mut all, mut missing): (u64, Vec<Signature>) = (endorsers, Vec::new());
    for (key, signature) in &flight.signatures {
        let bit = seen.committee.find(&(*key).into()).filter(|bit| all & bit == 0);
        if let Some(bit) = bit.filter(|_| missing.len() < SIGNATURES_A_TRANSACTION && !exceeds(seen, all)) {
            all |= bit;
            missing.push((*key, *signature));
        }
    }
    let last = exceeds(seen, all) && missing.len() <= SIGNATURES_WITH_APPLY;
    let ed25519 = batch::ed25519(&missing, &statement.digest);
    let endorse = instructions::endorse(statement.network, statement.address(&payer), 0);
    if last {
        Step::Send("endorsing and applying a batch", vec![ed25519, endorse, apply])
    } else {
        Step::Send("endorsing a batch", vec![ed25519, endorse])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;
    use bytemuck::Zeroable;
    use coverage_client::batch::{BatchOf, sign};
    use ed25519_dalek::SigningKey;
    use solana_transaction::Transaction;

    const PAYER: Pubkey = Pubkey::new_from_array([9; 32]);

    /// A batch of `entries` entries that `members` members, all of the committee, have signed.
    fn agreed(members: u8, entries: usize) -> (Flight, Seen) {
        let batch = BatchOf {
            network: Pubkey::new_from_array([1; 32]),
            workload: Pubkey::new_from_array([2; 32]),
            epoch: 3,
            sequence: 0,
            generation: 4,
        };
        let keys: Vec<_> = (0..members).map(|number| SigningKey::from_bytes(&[number + 1; 32])).collect();
        let entries = bytemuck::cast_slice(&vec![Entry { slot: 0, reserved: 0, counts: [1; 7] }; entries]).to_vec();
        let unsigned = Flight::new(batch, [5; 32], 7, entries.clone(), Vec::new());
        let digest = unsigned.statement().digest;
        let signatures = keys.iter().map(|key| sign(key, &digest)).collect();
        let mut committee = Committee::zeroed();
        (committee.generation, committee.count, committee.total_weight) = (4, members, u64::from(members));
        for (place, key) in committee.attesters.iter_mut().zip(&keys) {
            (place.key, place.weight, place.bond.units) = (key.verifying_key().to_bytes().into(), 1, 1_000);
        }
        let (mut cell, mut epoch) = (Cell::zeroed(), Epoch::zeroed());
        (cell.epoch, epoch.index) = (3, 3);
        (epoch.config.quorum_bps, epoch.config.min_attester_bond) = (6_667, 1_000);
        let seen = Seen { cell: Some(cell), log: None, committee, epoch: Some(epoch), attestation: None };
        (Flight::new(batch, [5; 32], 7, entries, signatures), seen)
    }

    fn show(seen: &mut Seen, flight: &Flight, bytes: usize, endorsers: u64) {
        let mut attestation = Attestation::zeroed();
        attestation.complete = u8::from(bytes == flight.entries.len());
        attestation.endorsers = endorsers;
        let entries = flight.entries[..bytes].chunks(32).map(bytemuck::pod_read_unaligned).collect();
        seen.attestation = Some((attestation, entries));
    }

    fn action(step: &Step) -> (&'static str, usize) {
        match step {
            Step::Send(action, instructions) => (action, instructions.len()),
            Step::Done(outcome) => panic!("{outcome:?}"),
        }
    }

    #[test]
    fn a_committee_of_twelve_endorses_in_two_transactions() {
        let (flight, mut seen) = agreed(12, 1);
        assert_eq!(action(&decide(&flight, &seen, &PAYER)), ("opening an attestation", 1));
        show(&mut seen, &flight, 32, 0);
        assert_eq!(action(&decide(&flight, &seen, &PAYER)), ("endorsing a batch", 2));
        show(&mut seen, &flight, 32, 0b111_1111);
        // Nine of twelve are more than two thirds: two more signatures, not five.
        let Step::Send(_, instructions) = decide(&flight, &seen, &PAYER) else { unreachable!() };
        assert_eq!((instructions.len(), instructions[0].data[0]), (3, 2));
        show(&mut seen, &flight, 32, 0b1_1111_1111);
        assert_eq!(action(&decide(&flight, &seen, &PAYER)), ("applying a batch", 1));
    }

    #[test]
    fn an_upload_goes_on_where_it_was_or_begins_anew() {
        let (flight, mut seen) = agreed(7, 60);
        show(&mut seen, &flight, 18 * 32, 0);
        assert_eq!(action(&decide(&flight, &seen, &PAYER)), ("uploading entries", 1));
        // A chunk that landed twice.
        show(&mut seen, &flight, 46 * 32, 0);
        seen.attestation.as_mut().unwrap().1[20].counts[0] = 7;
        assert_eq!(action(&decide(&flight, &seen, &PAYER)), ("closing an attestation with other entries", 1));
    }

    #[test]
    fn what_cannot_be_applied_is_closed_and_given_up() {
        let lost = |change: &dyn Fn(&mut Seen), loss| {
            let (flight, mut seen) = agreed(7, 1);
            show(&mut seen, &flight, 32, 0);
            change(&mut seen);
            assert_eq!(action(&decide(&flight, &seen, &PAYER)), ("taking back the rent of an attestation", 1));
            seen.attestation = None;
            assert_eq!(decide(&flight, &seen, &PAYER), Step::Done(Outcome::Lost(loss)));
        };
        lost(&|seen| seen.cell = None, Loss::Closed);
        lost(&|seen| seen.cell.as_mut().unwrap().epoch = 4, Loss::Closed);
        lost(&|seen| seen.cell.as_mut().unwrap().phase = Phase::Challenge as u8, Loss::Closed);
        lost(&|seen| seen.committee.generation = 5, Loss::Committee);
        let unbond = |seen: &mut Seen| seen.committee.attesters[..3].iter_mut().for_each(|it| it.bond.unbonding = 1);
        lost(&unbond, Loss::Quorum);
        let other = BatchRecord { receipts_root: [6; 32], ..BatchRecord::zeroed() };
        let log = |seen: &mut Seen| seen.log = Some((BatchLog { epoch: 3, ..BatchLog::zeroed() }, vec![other]));
        lost(&log, Loss::Overtaken);
        // The log of an epoch before says nothing.
        let (flight, mut seen) = agreed(7, 1);
        seen.log = Some((BatchLog { epoch: 2, ..BatchLog::zeroed() }, vec![other]));
        assert_eq!(action(&decide(&flight, &seen, &PAYER)), ("opening an attestation", 1));
    }

    #[test]
    fn the_fullest_transactions_fit_a_packet() {
        // A legacy transaction of one signature, with the limit and price of compute units behind: 12 and 15 bytes and a key.
        let bytes = |instructions: &[Instruction]| {
            Transaction::new_with_payer(instructions, Some(&PAYER)).message_data().len() + 1 + 64 + 12 + 15 + 32
        };
        let (flight, mut seen) = agreed(7, 60);
        for (uploaded, endorsers) in [(None, 0), (Some(18), 0), (Some(60), 0), (Some(60), 1)] {
            match uploaded {
                Some(entries) => show(&mut seen, &flight, entries * 32, endorsers),
                None => seen.attestation = None,
            }
            let Step::Send(action, instructions) = decide(&flight, &seen, &PAYER) else { unreachable!() };
            assert!(bytes(&instructions) <= 1_232, "{action}: {}", bytes(&instructions));
        }
        let (flight, mut seen) = agreed(12, 1);
        show(&mut seen, &flight, 32, 0);
        let Step::Send(_, instructions) = decide(&flight, &seen, &PAYER) else { unreachable!() };
        assert_eq!(instructions[0].data[0], 7);
        assert!(bytes(&instructions) <= 1_232, "{}", bytes(&instructions));
    }
}
