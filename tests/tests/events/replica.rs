//! The state as somebody sees it who reads nothing but events.

use coverage_client::events::Event;
use coverage_client::pda;
use coverage_settlement::events::BondCause;
use coverage_settlement::state::{Bond, Committee, Config, Network, Operator, Workload};
use coverage_tests::World;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

/// A cell's amounts and slots.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cell {
    epoch: u64,
    batches: u64,
    pool: u64,
    carry: u64,
    sponsored: u64,
    returned: u64,
    earned: u64,
    /// Operator and bond (the staged one) of each slot; none if it is free.
    slots: Vec<Option<(Pubkey, u64, u32)>>,
}

/// All that events tell.
#[derive(Default)]
pub struct Replica {
    authority: Pubkey,
    pending: Pubkey,
    guardian: Pubkey,
    config: Config,
    config_version: u64,
    treasury: u64,
    next_epoch: u64,
    total_weight: u64,
    paused: u64,
    committee: BTreeMap<u64, (Pubkey, u64)>,
    generation: u64,
    weights: BTreeMap<Pubkey, (u64, u64)>,
    operators: BTreeMap<Pubkey, u32>,
    bonds: BTreeMap<Pubkey, Bond>,
    /// Cells that are not closed.
    pub cells: BTreeMap<Pubkey, Cell>,
}

impl Replica {
    fn cell(&mut self, workload: Pubkey) -> &mut Cell {
        self.cells.get_mut(&workload).expect("a cell that was registered")
    }

    /// What one event changes.
    pub fn apply(&mut self, event: &Event) {
        match *event {
            Event::NetworkCreated(e) => {
                (self.authority, self.guardian, self.config) = (e.authority, e.guardian, e.config)
            }
            Event::AuthorityProposed(e) => self.pending = e.pending,
            Event::AuthorityAccepted(e) => (self.authority, self.pending) = (e.authority, Pubkey::default()),
            Event::GuardianSet(e) => self.guardian = e.guardian,
            Event::ConfigProposed(_) => {} // in force when an epoch opens with it
            Event::Paused(e) => self.paused = e.phases,
            Event::AttesterSet(e) => {
                self.committee.insert(e.place, (e.key, e.weight));
                self.generation = e.generation;
            }
            Event::TreasuryFunded(e) => {
                assert_eq!(self.treasury, e.available_before_units);
                self.treasury += e.amount_units;
            }
            Event::BondChanged(e) => {
                let bond = self.bonds.entry(e.holder).or_default();
                assert_eq!(*bond, e.before);
                *bond = e.after;
                let moved = e.before.units.abs_diff(e.after.units);
                assert_eq!(moved, if e.cause == BondCause::Unbonding as u64 { 0 } else { e.amount_units });
                if e.cause == BondCause::Slashed as u64 && self.operators.contains_key(&e.holder) {
                    self.treasury += e.amount_units;
                }
            }
            _ => self.apply_cell(event),
        }
    }

    /// What an event about workloads, epochs, operators and cells changes.
    fn apply_cell(&mut self, event: &Event) {
        match *event {
            Event::WorkloadRegistered(e) => {
                assert_eq!(self.total_weight, e.total_weight_before);
                self.total_weight += e.weight;
                self.weights.insert(e.workload, (e.weight, e.first_epoch));
                self.cells.insert(e.workload, Cell { epoch: e.first_epoch, ..Cell::default() });
            }
            Event::WorkloadWeightSet(e) => {
                assert_eq!(self.total_weight, e.total_weight_before);
                self.total_weight = self.total_weight - e.before + e.weight;
                self.weights.insert(e.workload, (e.weight, e.epoch));
            }
            Event::EpochOpened(e) => {
                assert_eq!(self.treasury, e.available_before_units);
                self.treasury -= e.unit * e.total_weight;
                (self.config, self.config_version, self.next_epoch) = (e.config, e.config_version, e.epoch + 1);
            }
            Event::PoolSponsored(e) => self.cell(e.workload).sponsored += e.amount_units,
            Event::OperatorRegistered(e) => drop(self.operators.insert(e.operator, 0)),
            Event::OperatorRetired(e) => drop(self.operators.remove(&e.operator)),
            Event::FailureDomainApplied(e) => drop(self.operators.insert(e.operator, e.domain as u32)),
            Event::BatchApplied(e) => {
                let cell = self.cell(e.workload);
                assert_eq!((cell.epoch, cell.batches), (e.epoch, e.sequence));
                cell.batches += 1;
            }
            Event::BatchRemoved(e) => {
                assert_eq!(self.treasury, e.available_before_units);
                self.treasury += e.slashed_units - e.reward_units;
                let mut slashed = 0;
                for place in (0..64).filter(|place| e.slashed_places >> place & 1 == 1) {
                    let bond = self.bonds.get_mut(&self.committee[&place].0).unwrap();
                    slashed += bond.slash(e.slash_bps as u16);
                }
                assert_eq!(slashed, e.slashed_units);
            }
            Event::CellSealed(e) => {
                let cell = self.cell(e.workload);
                assert_eq!((cell.carry, cell.sponsored), (e.carry_units, e.sponsored_units));
                (cell.pool, cell.carry, cell.sponsored) = (e.pool_units, 0, 0);
            }
            Event::CellSettled(e) => {
                let cell = self.cell(e.workload);
                assert_eq!((cell.pool, cell.earned), (e.pool_units, e.earned_before_units));
                (cell.pool, cell.carry, cell.batches, cell.epoch) = (0, e.carry_units, 0, e.epoch + 1);
                cell.returned += e.returned_units;
                cell.earned += e.paid_units;
            }
            Event::RewardsClaimed(e) => self.cell(e.workload).earned -= e.amount_units,
            Event::CellSwept(e) => {
                let cell = self.cell(e.workload);
                cell.returned -= e.returned_units;
                cell.carry -= e.carry_units;
                cell.sponsored -= e.sponsored_units;
                self.treasury += e.returned_units + e.carry_units + e.sponsored_units;
            }
            Event::CellClosed(e) => drop(self.cells.remove(&e.workload)),
            _ => self.apply_slot(event),
        }
    }

    /// What an event about a slot changes.
    fn apply_slot(&mut self, event: &Event) {
        match *event {
            Event::Enrolled(e) => {
                let slots = &mut self.cell(e.workload).slots;
                slots.resize(slots.len().max(e.slot as usize + 1), None);
                slots[e.slot as usize] = Some((e.operator, e.bond_units, e.domain as u32));
            }
            Event::SlotSynced(e) => {
                let slot = self.cell(e.workload).slots[e.slot as usize].as_mut().unwrap();
                assert_eq!((slot.1, slot.2), (e.bond_before_units, e.domain_before as u32));
                (slot.1, slot.2) = (e.bond_units, e.domain as u32);
            }
            Event::SlotReleased(e) => {
                let slots = &mut self.cell(e.workload).slots;
                slots[e.slot as usize] = None;
                slots.truncate(e.slots as usize);
            }
            _ => {} // nothing that is compared
        }
    }

    /// Asserts that the accounts say the same.
    pub fn compare(&self, world: &World, workloads: &[Pubkey]) {
        let network: Network = world.get(&world.net.address);
        assert_eq!(
            (self.authority, self.pending, self.guardian, self.treasury, self.next_epoch, self.total_weight),
            (
                network.authority,
                network.pending_authority,
                network.guardian,
                network.treasury_available,
                network.next_epoch,
                network.total_weight
            )
        );
        assert_eq!(
            (self.config, self.config_version, self.paused),
            (network.config, network.config_version, u64::from(network.paused))
        );
        let committee: Committee = world.get(&pda::committee(&world.net.address));
        assert_eq!(self.generation, committee.generation);
        for (place, attester) in (0u64..).zip(committee.places()) {
            assert_eq!(self.committee[&place], (attester.key, attester.weight));
            assert_eq!(self.bonds[&attester.key], attester.bond);
        }
        for (address, domain) in &self.operators {
            let operator: Operator = world.get(address);
            assert_eq!((self.bonds[address], *domain), (operator.bond, operator.domain));
        }
        for workload in workloads {
            let account: Workload = world.get(workload);
            assert_eq!(self.weights[workload], (account.weight, account.weight_epoch));
            let (cell, slots) = world.cell(*workload);
            let of = |slot: &coverage_math::cell::Slot| {
                let free = slot.state == coverage_math::cell::FREE;
                (!free).then_some((Pubkey::from(slot.operator), slot.staged_bond, slot.staged_domain))
            };
            let expected = Cell {
                epoch: cell.epoch,
                batches: cell.batches,
                pool: cell.pool,
                carry: cell.carry,
                sponsored: cell.sponsored,
                returned: cell.returned,
                earned: cell.earned,
                slots: slots.iter().map(of).collect(),
            };
            assert_eq!(self.cells[workload], expected);
        }
    }
}
