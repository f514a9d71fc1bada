//! What must be true after every transaction, from what the events said and what the accounts hold.

use crate::arena::{Arena, Failure};
use crate::state::{Row, State};
use anchor_lang::Discriminator;
use coverage_client::events::Event;
use coverage_client::{audit, pda};
use coverage_math::attestation::Entry;
use coverage_math::cell::FREE;
use coverage_math::reliability::OUTCOMES;
use coverage_settlement::instruction;
use coverage_settlement::state::{Attestation, Epoch, Phase};
use coverage_tests::Net;
use litesvm::types::TransactionMetadata;
use solana_account::Account;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};

/// A batch as it was published, and what is in it.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub leaves: Vec<Vec<u8>>,
    pub entries: Vec<Entry>,
    /// Whether its receipts can prove it false.
    pub lie: bool,
    pub removed: bool,
}

/// What the accounts alone do not say.
#[derive(Default)]
pub struct Model {
    /// Tokens that somebody sent to the vault without asking.
    pub donated: u64,
    /// Whether somebody sent lamports where no rent asks for them.
    pub gifts: bool,
    /// Batches by the attestation they were uploaded to.
    pub published: BTreeMap<Pubkey, Batch>,
    /// Applied batches by workload, epoch and sequence number.
    pub applied: BTreeMap<(Pubkey, u64, u64), Batch>,
    settled: BTreeSet<(Pubkey, u64)>,
    /// Rewards by operator: credited and claimed in its life and those before.
    credited: BTreeMap<[u8; 32], u128>,
    claimed: BTreeMap<[u8; 32], u128>,
    sponsored: bool,
    /// Wallets that signed what they would not have.
    pub tainted: BTreeSet<Pubkey>,
    /// What belongs to the twin.
    untouchable: BTreeMap<Pubkey, Account>,
}

fn ensure(true_that: bool, kind: &str, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if true_that { Ok(()) } else { Err(Failure::new(kind, what())) }
}

impl Model {
    /// Remembers what must never change.
    pub fn watch(&mut self, state: &State, twin: &Net) {
        let vault = pda::vault(&twin.address);
        let ours = |address: &Pubkey, account: &Account| {
            let named = account.data.windows(32).take(200).any(|bytes| bytes == twin.address.as_ref());
            account.owner == coverage_settlement::ID && (named || *address == twin.address) || *address == vault
        };
        let accounts = state.0.iter().filter(|(address, account)| ours(address, account));
        self.untouchable = accounts.map(|(address, account)| (*address, account.clone())).collect();
    }

    /// The batches applied to a cell's epoch in hand.
    pub fn batches(&self, workload: Pubkey, epoch: u64) -> impl Iterator<Item = (u64, &Batch)> {
        let range = self.applied.range((workload, epoch, 0)..=(workload, epoch, u64::MAX));
        range.map(|((_, _, sequence), batch)| (*sequence, batch))
    }

    fn tally(&self, workload: Pubkey, epoch: u64, slot: usize) -> [u32; OUTCOMES] {
        let mut tally = [0; OUTCOMES];
        let standing = self.batches(workload, epoch).filter(|(_, batch)| !batch.removed);
        let entries = standing.flat_map(|(_, batch)| &batch.entries);
        for entry in entries.filter(|entry| usize::from(entry.slot) == slot) {
            for (total, count) in tally.iter_mut().zip(entry.counts) {
                *total += count;
            }
        }
        tally
    }
}

impl Arena {
    /// Takes note of a transaction that succeeded, and checks everything.
    pub fn accept(&mut self, instructions: &[Instruction], done: &TransactionMetadata) -> Result<(), Failure> {
        let applied = instructions.iter().find(|ix| ix.data.starts_with(instruction::ApplyBatch::DISCRIMINATOR));
        let attestation = |ix: &Instruction| {
            let mut named = ix.accounts.iter().map(|meta| meta.pubkey);
            named.find(|address| self.state.get::<Attestation>(address).is_some())
        };
        let applied = applied.and_then(attestation);
        let entries = applied.map_or(Vec::new(), |attestation| self.state.entries(&attestation));
        self.refresh(instructions);
        let given = instructions.iter().filter(|ix| ix.program_id == self.world.net.token.program);
        self.model.donated += given.map(|ix| u64::from_le_bytes(ix.data[1..9].try_into().unwrap())).sum::<u64>();
        let inner = done.inner_instructions.iter().flatten();
        let events: Vec<_> = inner.filter_map(|inner| Event::decode(&inner.instruction.data)).collect();
        for event in &events {
            self.record(event, applied, &entries)?;
        }
        self.check()
    }

    /// I4: each batch, settlement and removal once; nothing honest removed.
    fn record(&mut self, event: &Event, attestation: Option<Pubkey>, entries: &[Entry]) -> Result<(), Failure> {
        let model = &mut self.model;
        match event {
            Event::BatchApplied(event) => {
                let published = attestation.and_then(|attestation| model.published.get(&attestation).cloned());
                let batch = Batch { entries: entries.to_vec(), ..published.unwrap_or_default() };
                let sum: u64 = entries.iter().map(Entry::receipts).sum();
                ensure(sum == event.receipts, "a batch's counts and receipts", || format!("{sum}"))?;
                let key = (event.workload, event.epoch, event.sequence);
                let before = model.applied.insert(key, batch);
                ensure(before.is_none(), "I4 a batch applied twice", || format!("{key:?}"))
            }
            Event::BatchRemoved(event) => {
                let key = (event.workload, event.epoch, event.sequence);
                let batch = model.applied.get_mut(&key);
                let first = batch.map(|batch| (batch.lie, std::mem::replace(&mut batch.removed, true)));
                ensure(first == Some((true, false)), "an honest batch removed, or one twice", || format!("{key:?}"))
            }
            Event::CellSettled(event) => self.settled(event.workload, event.epoch),
            Event::RewardsClaimed(event) => {
                *model.claimed.entry(event.operator.to_bytes()).or_default() += u128::from(event.amount_units);
                Ok(())
            }
            Event::PoolSponsored(_) => {
                model.sponsored = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// I2 and I3 of a cell that has just settled, by recomputing it, and its rewards.
    fn settled(&mut self, workload: Pubkey, epoch: u64) -> Result<(), Failure> {
        let (cell, slots) = self.state.cell(&workload).unwrap();
        let (checked, differences) = audit::settlement(&cell, &slots);
        ensure(differences.is_empty(), "I2 I3 settlement", || format!("{workload} {epoch}: {differences:?}"))?;
        ensure(checked == slots.len(), "a settlement is not checked", || format!("{workload} {epoch}"))?;
        let terms = self.state.get::<Epoch>(&pda::epoch(&self.world.net.address, epoch)).unwrap().config;
        let by = (cell.last.rule, cell.last.z_milli, cell.last.breach_bps);
        let same = by == (terms.rule, terms.z_milli, terms.breach_bps);
        ensure(same, "I6 settled by other terms", || format!("{workload} {epoch}: {by:?}"))?;
        for (number, slot) in slots.iter().enumerate() {
            let counted = self.model.tally(workload, epoch, number);
            ensure(slot.settled_tally == counted, "settled counts", || format!("{workload} {epoch} {number}"))?;
            *self.model.credited.entry(slot.operator).or_default() += u128::from(slot.reward);
        }
        self.model.applied.retain(|key, _| key.0 != workload || key.1 != epoch);
        ensure(self.model.settled.insert((workload, epoch)), "I4 an epoch settled twice", || {
            format!("{workload} {epoch}")
        })
    }

    /// Everything that holds between transactions.
    pub fn check(&self) -> Result<(), Failure> {
        let rows = self.state.rows(&self.world.net);
        self.check_solvency(&rows)?;
        self.check_sums(&rows)?;
        self.check_counts(&rows)?;
        self.check_rewards(&rows)?;
        let (sum, supply) = self.state.circulation(&self.world.net.token);
        ensure(sum == u128::from(supply), "tokens made or lost", || format!("{sum} of {supply}"))?;
        for (address, account) in &self.model.untouchable {
            ensure(self.state.0.get(address) == Some(account), "I9 the twin was touched", || address.to_string())?;
        }
        Ok(())
    }

    /// I1, to the unit: what is not owed was donated.
    fn check_solvency(&self, rows: &[Row]) -> Result<(), Failure> {
        let network = self.state.network(&self.world.net);
        let cells: Vec<_> = rows.iter().filter_map(|row| Some((row.cell.as_ref()?.0, row.workload))).collect();
        let epochs = self.state.epochs(&self.world.net);
        let short = u64::from(self.planted.short && self.model.sponsored);
        let vault = self.state.tokens(&pda::vault(&self.world.net.address)) - self.model.donated - short;
        let missing = audit::solvency(&network, &cells, &epochs, vault);
        ensure(missing.is_none(), "I1 solvency", || format!("{missing:?}"))?;
        let spare = audit::solvency(&network, &cells, &epochs, vault.wrapping_sub(1));
        ensure(vault == 0 || spare.is_some(), "tokens that belong to nobody", || format!("vault {vault}"))
    }

    /// Sums that accounts keep of others.
    fn check_sums(&self, rows: &[Row]) -> Result<(), Failure> {
        let (net, network) = (&self.world.net, self.state.network(&self.world.net));
        let operators = self.state.operators(net);
        let bonds: u64 = operators.iter().map(|(_, operator)| operator.bond.units).sum();
        ensure(bonds == network.operator_bonds, "operators' bonds", || format!("{bonds}"))?;
        let bonds: u64 = self.state.committee(net).places().iter().map(|place| place.bond.units).sum();
        ensure(bonds == network.attester_bonds, "attesters' bonds", || format!("{bonds}"))?;
        let weight: u64 = rows.iter().map(|row| row.workload.weight).sum();
        ensure(weight == network.total_weight, "total weight", || format!("{weight}"))?;
        for (address, operator) in &operators {
            let own = |row: &Row| {
                let slots = row.cell.iter().flat_map(|(_, slots)| slots);
                slots.filter(|slot| slot.state != FREE && slot.operator == address.to_bytes()).count()
            };
            let cells: usize = rows.iter().map(own).sum();
            ensure(cells == operator.cells as usize, "an operator's slots", || format!("{address}: {cells}"))?;
        }
        for epoch in self.state.epochs(net) {
            let waiting = |row: &&Row| {
                let paid = row.workload.first_epoch <= epoch.index && row.workload.weight_in(epoch.index) > 0;
                paid && row.cell.as_ref().is_some_and(|(cell, _)| cell.reported_epoch <= epoch.index)
            };
            let left = rows.iter().filter(waiting).count() as u64;
            ensure(left == epoch.cells_left, "cells an epoch waits for", || format!("{}: {left}", epoch.index))?;
        }
        Ok(())
    }

    /// The counts of the epoch in hand are those of the batches that stand.
    fn check_counts(&self, rows: &[Row]) -> Result<(), Failure> {
        for row in rows {
            let Some((cell, slots)) = row.cell.as_ref().filter(|(cell, _)| cell.phase != Phase::Settling as u8) else {
                continue;
            };
            for (number, slot) in slots.iter().enumerate().filter(|(_, slot)| slot.state != FREE) {
                let counted = self.model.tally(row.address, cell.epoch, number);
                let same = slot.tally == counted;
                ensure(same, "counts in hand", || format!("{} {number}: {:?} {counted:?}", row.address, slot.tally))?;
            }
        }
        Ok(())
    }

    /// I4: what an operator was credited, less what it claimed, waits in its slots.
    fn check_rewards(&self, rows: &[Row]) -> Result<(), Failure> {
        let (mut waiting, mut credited) = (BTreeMap::<[u8; 32], u128>::new(), self.model.credited.clone());
        for (cell, slots) in rows.iter().filter_map(|row| row.cell.as_ref()) {
            let earned: u64 = slots.iter().map(|slot| slot.earned).sum();
            let unbooked_units: u64 = slots.iter().map(|slot| unbooked(cell, slot)).sum();
            let booked = earned == cell.earned + unbooked_units;
            ensure(booked, "a cell's earned", || format!("{}: {earned} {unbooked_units}", cell.workload))?;
            for slot in slots {
                *waiting.entry(slot.operator).or_default() += u128::from(slot.earned);
                *credited.entry(slot.operator).or_default() += u128::from(unbooked(cell, slot));
            }
        }
        for (operator, credited) in &credited {
            let claimed = self.model.claimed.get(operator).copied().unwrap_or_default();
            let left = waiting.get(operator).copied().unwrap_or_default();
            let same = claimed + left == *credited;
            ensure(same, "I4 claimed and credited", || format!("{claimed} + {left}, credited {credited}"))?;
        }
        Ok(())
    }
}

/// What a settlement on its way has put into a slot already.
fn unbooked(cell: &coverage_settlement::state::Cell, slot: &coverage_math::cell::Slot) -> u64 {
    // Rewards are zeroed in the first stage and written in the last.
    if cell.progress().stage == coverage_math::cell::Stage::Values as u8 { slot.reward } else { 0 }
}
