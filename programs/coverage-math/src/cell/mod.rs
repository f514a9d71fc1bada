//! One cell: the slots of a workload, what is counted in them, and how they are settled.

mod settlement;

pub use settlement::{Progress, Settled, Stage, Terms, settle};

use crate::attestation::Entry;
use crate::reliability::{OUTCOMES, Outcome};
use bytemuck::{Pod, Zeroable};
use core::fmt;

/// The most slots a cell may have.
pub const MAX_SLOTS: usize = 1024;

/// Why a slot got what it got in the last settled epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// Never settled.
    None = 0,
    /// It added coverage.
    Paid = 1,
    /// Nothing attested, or nothing that puts the Wilson bound above zero.
    NoEvidence = 2,
    /// It joined in a later epoch.
    NotYetEffective = 3,
    /// Too many of its attempts failed verification.
    VerificationBreach = 4,
    /// Its domain's reach comes wholly from others (it has no bond to share by).
    Dominated = 5,
    /// It has left the cell, or the slot is free.
    Retired = 6,
}

impl Reason {
    /// The reason of number `index`, or `None` past the last.
    #[must_use]
    pub const fn from_index(index: u8) -> Option<Self> {
        Some(match index {
            0 => Self::None,
            1 => Self::Paid,
            2 => Self::NoEvidence,
            3 => Self::NotYetEffective,
            4 => Self::VerificationBreach,
            5 => Self::Dominated,
            6 => Self::Retired,
            _ => return None,
        })
    }
}

/// [`Slot::state`] of an operator that takes part.
pub const ACTIVE: u8 = 0;
/// [`Slot::state`] of an operator that leaves with [`Slot::left_epoch`]: what it earned stays claimable.
pub const LEFT: u8 = 1;
/// [`Slot::state`] of a slot that the next operator may take.
pub const FREE: u8 = 2;

/// One enrolled operator in a cell: 192 bytes in the account, in this order, little-endian.
///
/// What a settlement wrote stays until the next one, with everything needed to compute it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Slot {
    /// The operator account; of a [`FREE`] slot the wallet that paid its rent.
    pub operator: [u8; 32],
    /// Bond in token units, in force until [`Self::staged_epoch`].
    pub bond: u64,
    /// Bond from [`Self::staged_epoch`] on.
    pub staged_bond: u64,
    /// The first epoch for which the staged bond and domain count.
    pub staged_epoch: u64,
    /// The first epoch for which the slot counts at all.
    pub joined_epoch: u64,
    /// Earned and not yet claimed, in token units.
    pub earned: u64,
    /// φ of the last settlement, Q64.
    pub phi_q64: u64,
    /// Reward of the last settlement, in token units.
    pub reward: u64,
    /// Failure domain, in force until [`Self::staged_epoch`]; 0 is the unattested one.
    pub domain: u32,
    /// Failure domain from [`Self::staged_epoch`] on.
    pub staged_domain: u32,
    /// Outcomes of the epoch in hand.
    pub tally: [u32; OUTCOMES],
    /// Outcomes the last settlement counted.
    pub settled_tally: [u32; OUTCOMES],
    /// Wilson bound of the last settlement, Q32.
    pub p_q32: u32,
    /// Share of the domain's reach in the last settlement, Q32.
    pub share_q32: u32,
    /// Settlement scratch: reach of the k-th domain, in slot k (Q32).
    pub scratch_reach_q32: u32,
    /// Settlement scratch: where the k-th domain ends in the order, in slot k.
    pub scratch_end: u16,
    /// A [`Reason`].
    pub reason: u8,
    /// [`ACTIVE`], [`LEFT`] or [`FREE`].
    pub state: u8,
    /// The first epoch for which a slot that has left does not count any more; 0 while it is active.
    pub left_epoch: u64,
    /// Bond the last settlement used, in token units.
    pub settled_bond: u64,
    /// Failure domain the last settlement used.
    pub settled_domain: u32,
    /// What settled verification breaches cost that the operator was not slashed for yet, in ten-thousandths of its bond.
    pub owed_slash_bps: u16,
    /// Zero.
    pub reserved: [u8; 2],
}

const _: () = assert!(size_of::<Slot>() == 192);

impl Slot {
    /// A slot that counts from `joined_epoch` on.
    #[must_use]
    pub fn new(operator: [u8; 32], bond: u64, domain: u32, joined_epoch: u64) -> Self {
        Self {
            operator,
            bond,
            staged_bond: bond,
            staged_epoch: joined_epoch,
            joined_epoch,
            domain,
            staged_domain: domain,
            ..Self::zeroed()
        }
    }

    /// A slot that the next operator may take, for which `payer` is to be paid back its rent.
    #[must_use]
    pub fn free(payer: [u8; 32]) -> Self {
        Self { operator: payer, state: FREE, joined_epoch: u64::MAX, ..Self::zeroed() }
    }

    /// Whether outcomes of `epoch` count for the slot.
    #[must_use]
    pub const fn counts_in(&self, epoch: u64) -> bool {
        epoch >= self.joined_epoch && (self.state == ACTIVE || epoch < self.left_epoch)
    }

    /// Has another bond and failure domain count from epoch `from` on; `in_hand` is the cell's. Returns whether anything is
    /// new.
    ///
    /// # Errors
    /// [`CellError::StagedBefore`] if an earlier change waits for an epoch that the cell has not come to: it must not be lost.
    pub fn stage(&mut self, bond: u64, domain: u32, from: u64, in_hand: u64) -> Result<bool, CellError> {
        if self.staged_bond == bond && self.staged_domain == domain {
            return Ok(false);
        }
        if self.staged_epoch <= in_hand {
            self.bond = self.staged_bond;
            self.domain = self.staged_domain;
        } else if self.staged_epoch != from {
            return Err(CellError::StagedBefore);
        }
        self.staged_bond = bond;
        self.staged_domain = domain;
        self.staged_epoch = from;
        Ok(true)
    }

    /// Takes counts back that [`Self::add`] added.
    ///
    /// # Errors
    /// [`CellError::NotCounted`] if they were not; the slot is unchanged then.
    pub fn remove(&mut self, counts: &[u32; OUTCOMES]) -> Result<(), CellError> {
        let mut rest = self.tally;
        for (total, count) in rest.iter_mut().zip(counts) {
            *total = total.checked_sub(*count).ok_or(CellError::NotCounted)?;
        }
        self.tally = rest;
        Ok(())
    }

    /// Adds attested counts to the epoch in hand.
    ///
    /// # Errors
    /// [`CellError::TooManyAttempts`] if a counter or the attempts would not fit 32 bits; the slot is unchanged then.
    #[inline]
    pub fn add(&mut self, counts: &[u32; OUTCOMES]) -> Result<(), CellError> {
        let (mut sum, mut attempts) = (self.tally, 0u64);
        for (total, count) in sum.iter_mut().zip(counts) {
            // A sum of 14 32-bit numbers fits 64 bits. What is cut off here is found below: no counter exceeds the attempts,
            // but for the one that is none.
            attempts = attempts.wrapping_add(u64::from(*total)).wrapping_add(u64::from(*count));
            *total = total.wrapping_add(*count);
        }
        let routing = Outcome::RoutingFailed as usize;
        let not_attempts = |tally: &[u32; OUTCOMES]| tally.get(routing).copied().map_or(0, u64::from);
        let routing_failed = not_attempts(&self.tally).wrapping_add(not_attempts(counts));
        let limit = u64::from(u32::MAX);
        if attempts.wrapping_sub(routing_failed) > limit || routing_failed > limit {
            return Err(CellError::TooManyAttempts);
        }
        self.tally = sum;
        Ok(())
    }
}

/// Adds every entry of a batch to its slot; returns how many receipts the entries stand for.
///
/// # Errors
/// [`CellError::BadSlot`] unless slots are strictly increasing and in the cell, [`CellError::NotEffective`] for a slot that
/// `epoch` does not count for, [`CellError::TooManyAttempts`]. What came before the bad entry has been added then.
pub fn add_entries(slots: &mut [Slot], entries: &[Entry], epoch: u64) -> Result<u64, CellError> {
    let (mut receipts, mut next) = (0u64, 0u16);
    for entry in entries {
        if entry.slot < next || entry.reserved != 0 {
            return Err(CellError::BadSlot);
        }
        next = entry.slot.saturating_add(1);
        let slot = slots.get_mut(usize::from(entry.slot)).ok_or(CellError::BadSlot)?;
        if !slot.counts_in(epoch) {
            return Err(CellError::NotEffective);
        }
        slot.add(&entry.counts)?;
        // 1,024 sums of seven 32-bit counts fit 64 bits.
        receipts = receipts.wrapping_add(entry.receipts());
    }
    Ok(receipts)
}

/// Takes back what [`add_entries`] added.
///
/// # Errors
/// [`CellError::BadSlot`] or [`CellError::NotCounted`] for entries that were not added.
pub fn remove_entries(slots: &mut [Slot], entries: &[Entry]) -> Result<(), CellError> {
    for entry in entries {
        slots.get_mut(usize::from(entry.slot)).ok_or(CellError::BadSlot)?.remove(&entry.counts)?;
    }
    Ok(())
}

/// The slot of an operator, if it has one.
#[must_use]
pub fn find(slots: &[Slot], operator: &[u8; 32]) -> Option<usize> {
    // The first word decides all but never; comparing all bytes is a system call on SBF.
    let first = |bytes: &[u8; 32]| bytes.first_chunk().map(|word| u64::from_le_bytes(*word));
    let wanted = first(operator);
    slots.iter().position(|slot| first(&slot.operator) == wanted && slot.operator == *operator)
}

/// The first slot that the next operator may take, if there is one.
#[must_use]
pub fn first_free(slots: &[Slot]) -> Option<usize> {
    slots.iter().position(|slot| slot.state == FREE)
}

/// Why a cell could not be counted or settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellError {
    /// A slot's counters or attempts do not fit 32 bits.
    TooManyAttempts,
    /// An entry is for a slot that is not in the cell, or not behind the one before.
    BadSlot,
    /// An entry is for a slot that joins in a later epoch, or has left.
    NotEffective,
    /// A change of the slot waits for an epoch that the cell has not come to.
    StagedBefore,
    /// Counts to take back were never added.
    NotCounted,
    /// More than [`MAX_SLOTS`] slots, or an order shorter than they are.
    BadLayout,
    /// The budget does not cover the next step.
    BudgetTooSmall,
    /// The progress is not one that this code wrote.
    BadProgress,
}

impl fmt::Display for CellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyAttempts => "a slot's attempts in one epoch do not fit 32 bits",
            Self::BadSlot => "entries must be for strictly increasing slots of the cell",
            Self::NotEffective => "an entry is for a slot that joins in a later epoch, or has left",
            Self::StagedBefore => "a change of the slot waits for an epoch that the cell has not come to",
            Self::NotCounted => "counts to take back were never added",
            Self::BadLayout => "a cell has at most 1,024 slots and an order as long as they are many",
            Self::BudgetTooSmall => "the compute budget does not cover the next step of the settlement",
            Self::BadProgress => "the settlement's progress is not consistent",
        })
    }
}

impl core::error::Error for CellError {}
