//! Batches with real receipts, true and false, and what is held against them.

use crate::action::{Action, Lie, Proof};
use crate::arena::{Arena, Failure, ID, KEYS, Sent};
use crate::model::Batch;
use crate::rng::Rng;
use crate::state::Row;
use coverage_client::batch::{BatchOf, Statement, ed25519, sign, sort};
use coverage_client::evidence::{Evidence, Opening, Published, payload};
use coverage_client::{instructions as ix, instructions::Challenge};
use coverage_math::attestation::Entry;
use coverage_math::cell::Slot;
use coverage_math::hash::{Sha256, Software};
use coverage_math::receipt::{Attempt, Place, Receipt};
use coverage_math::reliability::OUTCOMES;
use coverage_settlement::state::{Attestation, Cell, KIND_OUTCOMES, Phase, StatementArgs};
use coverage_tests::{CoverageError, Refusal, attester};
use ed25519_dalek::SigningKey;
use solana_program::instruction::InstructionError;
use solana_program::pubkey::Pubkey;

impl Arena {
    pub fn attest(&mut self, action: &Action) -> Result<(), Failure> {
        match *action {
            Action::Batch { workload, seed, lie, signers, pieces, apply } => {
                let Some((statement, batch)) = self.statement(workload, seed, lie) else {
                    return Ok(());
                };
                let payer = self.others[1 + (seed & 1) as usize];
                self.model.published.insert(statement.address(&payer), batch.clone());
                self.upload(&statement, payer, pieces.then_some(&batch.entries))?;
                self.endorse(statement.address(&payer), &statement.digest, signers)?;
                if apply {
                    self.submit(&[statement.apply(payer)])?;
                }
                Ok(())
            }
            Action::Domain { operator, domain, signers } => {
                let operator = self.operator(operator).account;
                let version = self
                    .state
                    .get(&operator)
                    .map_or(0, |operator: coverage_settlement::state::Operator| operator.domain_version);
                let (net, payer) = (self.world.net.address, self.others[1]);
                let statement = Statement::failure_domain(net, operator, domain.into(), version, self.generation());
                self.upload(&statement, payer, None)?;
                self.endorse(statement.address(&payer), &statement.digest, signers)?;
                self.submit(&[statement.apply(payer)])?;
                Ok(())
            }
            Action::Endorse { attestation, signers } => match self.attestation(attestation) {
                Some((address, attestation)) => self.endorse(address, &attestation.digest, signers),
                None => Ok(()),
            },
            Action::Challenge { workload, batch, challenger, proof } => {
                self.challenge(workload, batch, self.others[usize::from(challenger % 2)], proof)
            }
            _ => Ok(()),
        }
    }

    fn generation(&self) -> u64 {
        self.state.committee(&self.world.net).generation
    }

    /// One of the attestations.
    pub fn attestation(&self, number: u8) -> Option<(Pubkey, Attestation)> {
        let attestations = self.state.attestations(&self.world.net);
        attestations.get(usize::from(number) % attestations.len().max(1)).copied()
    }

    fn upload(&mut self, statement: &Statement, payer: Pubkey, pieces: Option<&Vec<Entry>>) -> Result<(), Failure> {
        let Some(entries) = pieces else {
            for instruction in statement.upload(payer) {
                self.submit(&[instruction])?;
            }
            return Ok(());
        };
        let (network, digest) = (self.world.net.address, statement.digest);
        self.submit(&[ix::open_attestation(payer, network, digest, statement.args, Vec::new())])?;
        for entry in entries {
            let chunk = bytemuck::bytes_of(entry).to_vec();
            self.submit(&[ix::extend_attestation(payer, statement.address(&payer), chunk)])?;
        }
        Ok(())
    }

    /// Has attesters in the committee endorse an attestation: those in places whose bit is set.
    fn endorse(&mut self, attestation: Pubkey, digest: &[u8; 32], signers: u8) -> Result<(), Failure> {
        let committee = self.state.committee(&self.world.net);
        let ours: Vec<_> = (0..KEYS).map(|number| attester(ID, number)).collect();
        let of = |(place, member): (usize, &coverage_settlement::state::Attester)| {
            let own = |key: &&SigningKey| key.verifying_key().to_bytes() == member.key.to_bytes();
            let asked = member.weight > 0 && signers >> (place % 8) & 1 == 1;
            ours.iter().find(own).filter(|_| asked)
        };
        let keys: Vec<_> = committee.places().iter().enumerate().filter_map(of).collect();
        for keys in keys.chunks(7) {
            let signatures: Vec<_> = keys.iter().map(|key| sign(key, digest)).collect();
            let endorse = ix::endorse(self.world.net.address, attestation, 0);
            self.submit(&[ed25519(&signatures, digest), endorse])?;
        }
        Ok(())
    }

    /// The next batch of a cell, with what is to be published of it.
    fn statement(&self, workload: u8, seed: u64, lie: Lie) -> Option<(Statement, Batch)> {
        let opened = self.state.network(&self.world.net).next_epoch;
        let collects = |row: &Row| {
            let counts = |(cell, slots): &(Cell, Vec<Slot>)| slots.iter().any(|slot| slot.counts_in(cell.epoch));
            let open = row.cell.as_ref().is_some_and(|cell| cell.0.epoch < opened && counts(cell));
            open && row.is_in(Phase::Collecting)
        };
        let (workload, cell) = self.workload_where(workload, collects)?;
        let (cell, slots) = cell?;
        let mut rng = Rng::new(seed);
        let counting: Vec<_> =
            (0..slots.len() as u16).filter(|slot| slots[usize::from(*slot)].counts_in(cell.epoch)).collect();
        let counting = if counting.is_empty() { vec![0] } else { counting };
        let mut receipts: Vec<_> =
            (0..rng.range(1, 24)).map(|_| receipt(&mut rng, workload, cell.epoch, &counting)).collect();
        let repeated = self.repeated(workload, cell.epoch, &mut rng);
        let batch = published(&mut rng, &mut receipts, lie, repeated);
        let tag = coverage_client::batch::receipts_tag(&self.world.net.address, cell.epoch);
        let mut hashes: Vec<_> =
            batch.leaves.iter().map(|leaf| coverage_math::merkle::leaf::<Software>(&tag, leaf)).collect();
        let bytes = bytemuck::cast_slice(&batch.entries).to_vec();
        let args = StatementArgs {
            kind: KIND_OUTCOMES,
            epoch: cell.epoch,
            subject: workload,
            sequence: cell.batches,
            receipts_root: coverage_math::merkle::root::<Software>(&mut hashes)?,
            value: batch.entries.iter().map(Entry::receipts).sum::<u64>() as u32,
            entries_hash: Software::hash(&[&bytes]),
            entries: batch.entries.len() as u16,
        };
        Some((Statement::new(self.world.net.address, args, self.generation(), bytes), batch))
    }

    /// A receipt of an earlier batch that stands.
    fn repeated(&self, workload: Pubkey, epoch: u64, rng: &mut Rng) -> Option<Receipt> {
        let standing = self.model.batches(workload, epoch).filter(|(_, batch)| !batch.removed);
        let leaves: Vec<_> = standing.flat_map(|(_, batch)| &batch.leaves).collect();
        let leaf = leaves.get(rng.below(leaves.len().max(1) as u64) as usize)?;
        borsh_receipt(leaf)
    }

    fn challenge(&mut self, workload: u8, number: u8, challenger: Pubkey, proof: Proof) -> Result<(), Failure> {
        let disputed = |row: &Row| {
            let epoch = row.cell.as_ref().map_or(0, |(cell, _)| cell.epoch);
            let open = self.model.batches(row.address, epoch).any(|(_, batch)| !batch.removed && batch.lie);
            open && !row.is_in(Phase::Settling)
        };
        let Some((workload, Some((cell, _)))) = self.workload_where(workload, disputed) else {
            return Ok(());
        };
        let network = self.world.net.address;
        let batches: Vec<_> = self.model.batches(workload, cell.epoch).collect();
        let Some((sequence, batch)) = batches.get(usize::from(number) % batches.len().max(1)) else {
            return Ok(());
        };
        let of = BatchOf { network, workload, epoch: cell.epoch, sequence: *sequence, generation: self.generation() };
        let leaves = Published::new(&network, cell.epoch, &batch.leaves);
        let honest = || leaves.open(0).map(Evidence::Misplaced);
        let right = found(&of, batch, &leaves, &batches);
        let Some(mut evidence) = right.clone().or_else(honest) else {
            return Ok(());
        };
        let (mut entries, mut sequence) = (batch.entries.clone(), *sequence as u32);
        match proof {
            Proof::Nothing => evidence = honest().unwrap_or(evidence),
            Proof::NoLeaf => {
                let opening = leaves.open(0).map(|opening| Opening { leaf: vec![1; 216], ..opening });
                evidence = opening.map_or(evidence, Evidence::Misplaced);
            }
            Proof::OtherEntries => entries[0].counts[0] ^= 1,
            Proof::NextBatch => sequence += 1,
            Proof::Right | Proof::Noise => {}
        }
        let noise = Statement::upload_only(of, vec![9; 64]);
        let evidence = if proof == Proof::Noise { noise } else { evidence.statement(of) };
        let entries = Statement::upload_only(of, bytemuck::cast_slice(&entries).to_vec());
        let proven = proof == Proof::Right && right.is_some() && self.trick.is_none();
        self.prove(challenger, &of, sequence, [entries, evidence], proven)
    }

    fn prove(
        &mut self,
        challenger: Pubkey,
        of: &BatchOf,
        sequence: u32,
        uploads: [Statement; 2],
        proven: bool,
    ) -> Result<(), Failure> {
        for statement in &uploads {
            self.upload(statement, challenger, None)?;
        }
        let [entries, evidence] = uploads.map(|upload| upload.address(&challenger));
        let challenge = Challenge { workload: of.workload, epoch: of.epoch, sequence, entries, evidence };
        let token = self.world.net.token;
        let sent = self.submit(&[ix::challenge_batch(challenger, of.network, &token, &challenge)])?;
        // Too late, told before, or an upload that was cut short before and is in the way.
        let excuses = [CoverageError::ChallengeOver, CoverageError::BatchRemoved, CoverageError::Incomplete];
        let excused = |error: &InstructionError| excuses.iter().any(|excuse| Refusal::from(*excuse).0 == *error);
        match sent {
            Sent::Refused(error) if proven && !excused(&error) => {
                return Err(Failure::new("a right proof was refused", format!("{error:?}: {of:?}")));
            }
            _ => {}
        }
        for upload in [entries, evidence] {
            self.submit(&[ix::close_attestation(challenger, upload)])?;
        }
        Ok(())
    }
}

fn receipt(rng: &mut Rng, workload: Pubkey, epoch: u64, slots: &[u16]) -> Receipt {
    let slot = rng.pick(slots);
    let outcome = if rng.percent(70) { 0 } else { rng.below(OUTCOMES as u64) as u8 };
    let attempt = Attempt {
        request_id: rng.bytes(),
        workload: workload.to_bytes(),
        epoch,
        slot,
        outcome,
        latency_ms: 1,
        observed_at: 0,
        evidence: [0; 32],
        reporter: [7; 32],
    };
    Receipt { attempt, signature: [0; 64] }
}

/// A receipt read back from its leaf.
fn borsh_receipt(leaf: &[u8]) -> Option<Receipt> {
    let place = Place::read(leaf)?;
    let Place { request_id, workload, epoch, slot, outcome } = place;
    let rest = Attempt {
        request_id,
        workload,
        epoch,
        slot,
        outcome,
        latency_ms: 1,
        observed_at: 0,
        evidence: [0; 32],
        reporter: [7; 32],
    };
    Some(Receipt { attempt: rest, signature: [0; 64] })
}

/// Leaves and counts of a batch that is false in one way, or in none.
fn published(rng: &mut Rng, receipts: &mut Vec<Receipt>, lie: Lie, repeated: Option<Receipt>) -> Batch {
    let chosen = rng.below(receipts.len() as u64) as usize;
    let mut twin = receipts[chosen];
    match lie {
        Lie::Duplicate => receipts.push(twin),
        Lie::Twice => {
            twin.attempt.outcome = (twin.attempt.outcome + 1) % OUTCOMES as u8;
            receipts.push(twin);
        }
        Lie::Repeat => receipts.extend(repeated),
        Lie::Foreign => receipts[chosen].attempt.epoch += 1,
        _ => {}
    }
    sort(receipts);
    let mut leaves: Vec<_> = receipts.iter().map(payload).collect();
    let mut counted = receipts.clone();
    match lie {
        Lie::Misplaced => counted[chosen].attempt.outcome = (counted[chosen].attempt.outcome + 1) % OUTCOMES as u8,
        Lie::Garbage => leaves[chosen].truncate(100),
        Lie::Short => leaves.push(vec![3; 216]),
        _ => {}
    }
    sort(&mut counted);
    let lie = lie != Lie::None && (lie != Lie::Repeat || repeated.is_some());
    Batch { leaves, entries: counts(&counted), lie, removed: false }
}

/// The entries of sorted receipts.
fn counts(receipts: &[Receipt]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for Receipt { attempt, .. } in receipts {
        if entries.last().is_none_or(|entry| entry.slot != attempt.slot) {
            entries.push(Entry { slot: attempt.slot, reserved: 0, counts: [0; OUTCOMES] });
        }
        entries.last_mut().unwrap().counts[usize::from(attempt.outcome)] += 1;
    }
    entries
}

/// What proves a batch false, if anything does.
fn found(of: &BatchOf, batch: &Batch, leaves: &Published<'_>, all: &[(u64, &Batch)]) -> Option<Evidence> {
    let counted = |batch: &Batch| batch.entries.iter().map(Entry::receipts).sum::<u64>();
    let own = leaves.examine(of, counted(batch) as u32, &batch.entries);
    own.or_else(|| {
        // A batch whose tree has another size than was counted cannot be opened, but only be proven false itself.
        let opens = |batch: &Batch| !batch.removed && batch.leaves.len() as u64 == counted(batch);
        let earlier = all.iter().filter(|(number, batch)| *number < of.sequence && opens(batch));
        earlier.into_iter().find_map(|(number, batch)| {
            leaves.repeats(of.sequence as u32, *number as u32, &Published::new(&of.network, of.epoch, &batch.leaves))
        })
    })
}
