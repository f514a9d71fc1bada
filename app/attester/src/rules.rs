//! Which receipts are taken: what the chain and the settings say, made ready for checking many.

use crate::directory::{CellView, Directory, EpochWindow};
use crate::probe::schedule::Schedule;
use crate::receipt::Refusal;
use coverage_client::batch;
use coverage_client::signature::{self, ReporterKey, Signed};
use coverage_math::hash::{Hash, Software, Tag};
use coverage_math::receipt::{Attempt, Receipt};
use solana_program::pubkey::Pubkey;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What receipts are checked against, at one moment.
#[derive(Clone)]
pub struct Rules {
    epochs: HashMap<u64, (EpochWindow, Tag)>,
    /// The newest epoch that is open.
    newest: Option<u64>,
    workloads: BTreeMap<Pubkey, CellView>,
    reporters: HashMap<[u8; 32], ReporterKey>,
    /// Reporters that the settings do not name: they report their probes, and nothing else.
    members: HashSet<[u8; 32]>,
    /// Probes of each slot in an epoch, by each member.
    probes: u32,
}

impl Rules {
    /// The rules by what the chain says and the settings: reporters are those of the settings and, for `probes` of each slot in
    /// an epoch, the committee's members.
    #[must_use]
    pub fn of(directory: &Directory, reporters: &[Pubkey], probes: u32) -> Self {
        let named = reporters.iter().map(Pubkey::to_bytes);
        let rules = Self::new(&directory.network, &directory.epochs, directory.workloads.clone(), named);
        rules.with_members(directory.members.iter().map(|member| member.key), probes)
    }

    /// With reporters whose receipts must be probes of the epoch's schedule: who decides what counts should not need to be
    /// believed about what it saw as well.
    #[must_use]
    pub fn with_members(mut self, members: impl IntoIterator<Item = [u8; 32]>, probes: u32) -> Self {
        for member in members {
            if let (Entry::Vacant(vacant), Some(key)) = (self.reporters.entry(member), ReporterKey::new(member)) {
                vacant.insert(key);
                self.members.insert(member);
            }
        }
        Self { probes, ..self }
    }

    /// The rules of these epochs, workloads and reporters. A reporter whose key cannot sign safely is left out.
    #[must_use]
    pub fn new(
        network: &Pubkey,
        epochs: &BTreeMap<u64, EpochWindow>,
        workloads: BTreeMap<Pubkey, CellView>,
        reporters: impl IntoIterator<Item = [u8; 32]>,
    ) -> Self {
        let tagged = |(epoch, window): (&u64, &EpochWindow)| (*epoch, (*window, batch::receipt_tag(network, *epoch)));
        let reporters = reporters.into_iter().filter_map(|bytes| Some((bytes, ReporterKey::new(bytes)?)));
        Self {
            newest: epochs.keys().next_back().copied(),
            epochs: epochs.iter().map(tagged).collect(),
            workloads,
            reporters: reporters.collect(),
            members: HashSet::new(),
            probes: 0,
        }
    }

    /// What of a receipt can be checked without its signature; the reporter's key and the message it must have signed.
    fn admit(&self, attempt: &Attempt) -> Result<(&ReporterKey, Hash), Refusal> {
        let (workload, epoch, slot) = (Pubkey::new_from_array(attempt.workload), attempt.epoch, attempt.slot);
        let cell = self.workloads.get(&workload).ok_or(Refusal::WorkloadUnknown(workload))?;
        if epoch < cell.epoch || (epoch == cell.epoch && !cell.collecting) {
            return Err(Refusal::EpochClosed { epoch });
        }
        let Some((window, tag)) = self.epochs.get(&epoch) else {
            let closed = self.newest.is_some_and(|newest| epoch <= newest);
            return Err(if closed { Refusal::EpochClosed { epoch } } else { Refusal::EpochNotOpen { epoch } });
        };
        let EpochWindow { start_ts, end_ts, .. } = *window;
        if !(start_ts..end_ts).contains(&attempt.observed_at) {
            return Err(Refusal::OutsideEpoch { epoch, observed_at: attempt.observed_at, start_ts, end_ts });
        }
        let at = cell.slots.get(usize::from(slot)).ok_or(Refusal::SlotUnknown { slot })?;
        if !at.counts_in(epoch) {
            return Err(Refusal::SlotNotEffective { slot, epoch });
        }
        let reporter = Pubkey::new_from_array(attempt.reporter);
        let key = self.reporters.get(&attempt.reporter).ok_or(Refusal::ReporterUnknown(reporter))?;
        if attempt.outcome().is_none() {
            return Err(Refusal::Schema(format!("there is no outcome of number {}", attempt.outcome)));
        }
        let message = attempt.message::<Software>(tag).map_err(|error| Refusal::Schema(error.to_string()))?;
        Ok((key, message))
    }

    /// Checks receipts: for each, whether it may be stored.
    #[must_use]
    pub fn check(&self, receipts: &[Receipt]) -> Vec<Result<(), Refusal>> {
        let admitted: Vec<_> = receipts.iter().map(|receipt| self.admit(&receipt.attempt)).collect();
        let signed = receipts.iter().zip(&admitted).filter_map(|(receipt, admitted)| {
            let (key, message) = admitted.as_ref().ok()?;
            Some(Signed { key, message: *message, signature: &receipt.signature })
        });
        let mut verdicts = signature::check(&signed.collect::<Vec<_>>()).into_iter();
        let verdict = |admitted: Result<_, Refusal>| match admitted {
            Ok(_) if verdicts.next() == Some(true) => Ok(()),
            Ok(_) => Err(Refusal::SignatureInvalid),
            Err(refusal) => Err(refusal),
        };
        let verdicts = admitted.into_iter().map(verdict).collect::<Vec<_>>();
        // Last, because it takes a hash for every probe of the slot.
        let scheduled = |(verdict, receipt): (Result<(), Refusal>, &Receipt)| {
            verdict.and_then(|()| self.require_scheduled(&receipt.attempt))
        };
        verdicts.into_iter().zip(receipts).map(scheduled).collect()
    }

    /// Checks receipts whose signatures somebody has verified whom this attester believes.
    #[must_use]
    pub fn check_verified(&self, receipts: &[Receipt]) -> Vec<Result<(), Refusal>> {
        let check = |receipt: &Receipt| {
            self.admit(&receipt.attempt)?;
            self.require_scheduled(&receipt.attempt)
        };
        receipts.iter().map(check).collect()
    }

    /// Fails for a member's receipt that is not of the schedule.
    fn require_scheduled(&self, attempt: &Attempt) -> Result<(), Refusal> {
        if !self.members.contains(&attempt.reporter) {
            return Ok(());
        }
        let cell = self.workloads.get(&Pubkey::new_from_array(attempt.workload));
        let slot = cell.and_then(|cell| cell.slots.get(usize::from(attempt.slot)));
        let scheduled = self.epochs.get(&attempt.epoch).zip(slot).is_some_and(|((window, _), slot)| {
            let EpochWindow { seed, start_ts, end_ts, .. } = *window;
            let schedule = Schedule { seed, start_ts, end_ts, probes: self.probes };
            schedule.is_scheduled(&Pubkey::from(slot.operator), attempt)
        });
        if scheduled { Ok(()) } else { Err(Refusal::NotScheduled(Pubkey::new_from_array(attempt.reporter))) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use crate::fixtures::{START, receipt, receipt_with, receipts, rules};
    use crate::receipt::{Refusal, parse};
    use coverage_client::receipts::ReceiptJson;
    use coverage_math::receipt::Receipt;
    use solana_program::pubkey::Pubkey;

    #[test]
    fn every_refusal_has_its_reason() {
        let at = |change: fn(&mut coverage_math::receipt::Attempt)| receipt_with(1, change);
        let outside =
            |observed_at| Refusal::OutsideEpoch { epoch: 5, observed_at, start_ts: START + 500, end_ts: START + 600 };
        let stranger = Pubkey::new_from_array([9; 32]);
        let mut forged = receipt(1);
        forged.attempt.latency_ms += 1;
        let cases = [
            (receipt(1), Ok(())),
            (at(|attempt| attempt.workload = [9; 32]), Err(Refusal::WorkloadUnknown(stranger))),
            (at(|attempt| attempt.epoch = 4), Err(Refusal::EpochClosed { epoch: 4 })),
            (at(|attempt| attempt.epoch = 7), Err(Refusal::EpochNotOpen { epoch: 7 })),
            (at(|attempt| attempt.observed_at = START + 499), Err(outside(START + 499))),
            (at(|attempt| attempt.observed_at = START + 500), Ok(())),
            (at(|attempt| attempt.observed_at = START + 599), Ok(())),
            (at(|attempt| attempt.observed_at = START + 600), Err(outside(START + 600))),
            (at(|attempt| attempt.slot = 2), Err(Refusal::SlotUnknown { slot: 2 })),
            (at(|attempt| attempt.slot = 1), Err(Refusal::SlotNotEffective { slot: 1, epoch: 5 })),
            (at(|attempt| (attempt.slot, attempt.epoch, attempt.observed_at) = (1, 6, START + 600)), Ok(())),
            (at(|attempt| attempt.reporter = [9; 32]), Err(Refusal::ReporterUnknown(stranger))),
            (forged, Err(Refusal::SignatureInvalid)),
        ];
        let (checked, expected): (Vec<Receipt>, Vec<_>) = cases.into_iter().unzip();
        assert_eq!(rules(true).check(&checked), expected);
        let sealed =
            rules(false).check(&[receipt(1), at(|attempt| (attempt.epoch, attempt.observed_at) = (6, START + 650))]);
        assert_eq!(sealed, [Err(Refusal::EpochClosed { epoch: 5 }), Ok(())]);
    }

    #[test]
    fn a_bad_signature_does_no_harm_to_those_around_it() {
        let mut all = receipts(0..600);
        all[77].signature[3] ^= 1;
        let verdicts = rules(true).check(&all);
        let bad: Vec<_> = verdicts.iter().enumerate().filter(|(_, verdict)| verdict.is_err()).collect();
        assert_eq!(bad, [(77, &Err(Refusal::SignatureInvalid))]);
    }

    #[test]
    fn json_goes_there_and_back_and_nothing_else_is_taken() {
        for request in 0..7 {
            let receipt = receipt(request);
            let json = serde_json::to_string(&ReceiptJson::of(&receipt).unwrap()).unwrap();
            assert_eq!(parse(json.as_bytes()), Ok(receipt));
        }
        let json = serde_json::to_string(&ReceiptJson::of(&receipt(0)).unwrap()).unwrap();
        let wrong = [
            (json.replace("\"slot\":0", "\"slot\":65536"), "invalid value: integer `65536`, expected u16"),
            (json.replace("\"slot\":0,", ""), "missing field `slot`"),
            (json.replace("\"slot\":0", "\"slot\":0,\"slots\":0"), "unknown field `slots`"),
            (json.replace("\"slot\":0", "\"slot\":0,\"slot\":0"), "duplicate field `slot`"),
            (json.replace("served", "refused"), "unknown variant `refused`"),
            (json.replace("\"evidence\":\"0", "\"evidence\":\""), "expected 64 hex digits"),
            (json.replace("\"latency_ms\":20", "\"latency_ms\":-1"), "invalid value: integer `-1`, expected u32"),
            (json.replace("\"workload\":\"", "\"workload\":\"0"), "expected 32 bytes in base58"),
        ];
        for (text, reason) in wrong {
            let Err(Refusal::Schema(found)) = parse(text.as_bytes()) else { unreachable!("{text}") };
            assert!(found.contains(reason), "{found} is not: {reason}");
        }
    }
}
