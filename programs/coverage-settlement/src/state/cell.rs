use super::Checked;
use crate::errors::CoverageError;
use anchor_lang::accounts::Slab;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use coverage_math::cell::{MAX_SLOTS, Progress, Slot};
use coverage_math::reliability::OUTCOMES;

/// Seed of a workload's cell, with the workload.
pub const CELL_SEED: &[u8] = b"cell";

/// What a cell is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Batches of the epoch in hand are applied.
    Collecting = 0,
    /// Sealed: batches may be challenged.
    Challenge = 1,
    /// Some steps of the settlement are done.
    Settling = 2,
}

/// What the last settlement of a cell came to, and the terms it was computed by: with the slots, all that computing it again
/// takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable, IdlType)]
#[repr(C)]
pub struct Summary {
    /// The epoch settled.
    pub epoch: u64,
    /// Coverage, in 2^-64.
    pub coverage_q64: u64,
    /// The pool, in token units.
    pub pool: u64,
    /// Of it paid to slots.
    pub paid: u64,
    /// Of it carried into the next epoch.
    pub carry: u64,
    /// Of it on its way back to the treasury.
    pub returned: u64,
    /// Of the pool from sponsors.
    pub sponsored: u64,
    /// The most that could be carried, in token units.
    pub carry_cap: u64,
    /// Outcomes of all slots.
    pub outcomes: [u64; OUTCOMES],
    /// `z` of the Wilson bound, in thousandths.
    pub z_milli: u32,
    /// Verification failures that voided a slot's evidence, in ten-thousandths of its attempts.
    pub breach_bps: u16,
    /// The rule that paid, by number.
    pub rule: u8,
    /// Zero.
    pub reserved: u8,
    /// Slots the cell had.
    pub slots: u16,
    /// Slots with a Wilson bound above zero.
    pub contributing: u16,
    /// Failure domains among them.
    pub domains: u16,
    /// Batches counted: applied and not removed.
    pub batches: u16,
}

const _: () = assert!(size_of::<Summary>() == 8 * 8 + OUTCOMES * 8 + 8 + 4 * 2);

/// Header of a workload's cell. Behind it come the slots ([`coverage_math::cell::Slot`], 192 bytes each), then pages of scratch
/// for settling: one for every 96 slots, together an array of 16-bit slot numbers at least as long as there are slots.
#[account]
pub struct Cell {
    /// Always [`crate::constants::VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// A [`Phase`].
    pub phase: u8,
    /// Zero.
    pub padding: u8,
    /// Slots there are.
    pub slots: u16,
    /// Batches of the epoch in hand that were proven false.
    pub removed: u16,
    /// The network.
    pub network: Address,
    /// The workload.
    pub workload: Address,
    /// The epoch in hand.
    pub epoch: u64,
    /// When it was sealed, in unix seconds.
    pub sealed_ts: i64,
    /// Batches applied in the epoch in hand: the next batch's sequence number.
    pub batches: u64,
    /// The pool in hand, in token units: fixed when sealed, 0 before.
    pub pool: u64,
    /// Of the pool in hand from sponsors, in token units.
    pub pool_sponsored: u64,
    /// Carried over for the next pool, in token units.
    pub carry: u64,
    /// Added by sponsors for the next pool, in token units.
    pub sponsored: u64,
    /// On its way back to the treasury, in token units.
    pub returned: u64,
    /// Earned by slots and not claimed yet, in token units.
    pub earned: u64,
    /// Epochs settled.
    pub settlements: u64,
    /// The first epoch that the cell has not told to be done with: see `close_epoch`.
    pub reported_epoch: u64,
    /// Where a settlement stands: a [`Progress`].
    pub progress: [u64; 31],
    /// The last settlement.
    pub last: Summary,
    /// Slots that the next operators may take, of all there are.
    pub free: u64,
    /// Zero.
    pub reserved: [u8; 56],
}

const _: () = assert!(size_of::<Cell>() == 8 + 2 * 32 + 11 * 8 + size_of::<Progress>() + size_of::<Summary>() + 8 + 56);

/// A cell with its slots and scratch pages.
pub type CellAccount = Slab<Checked<Cell>, Slot>;

/// Slots that one page of scratch serves.
const SLOTS_A_PAGE: usize = size_of::<Slot>() / size_of::<u16>();

/// Slot-sized items (slots and scratch pages) of a cell with `slots` slots.
pub const fn items_for(slots: usize) -> usize {
    slots.saturating_add(slots.div_ceil(SLOTS_A_PAGE))
}

/// Lamports that slot `number` costs whoever makes it: its own bytes, and those of the scratch page it begins.
pub fn slot_rent(number: usize) -> Result<u64> {
    let rent =
        |slots: usize| anchor_lang::cpi::rent_exempt_lamports(CellAccount::try_space_for(items_for(slots) as u32)?);
    let (before, after) = (rent(number)?, rent(number.saturating_add(1))?);
    Ok(after.saturating_sub(before))
}

impl Cell {
    /// Fails unless the cell is in `phase`.
    pub fn require_phase(&self, phase: Phase, error: CoverageError) -> Result<()> {
        if self.phase == phase as u8 { Ok(()) } else { Err(error.into()) }
    }

    /// Fails while a settlement is half done: neither the slots nor their number may change between its steps.
    pub fn require_unsettling(&self) -> Result<()> {
        require!(self.phase != Phase::Settling as u8, CoverageError::CellSettling);
        Ok(())
    }

    /// Where the settlement stands.
    pub fn progress(&self) -> Progress {
        bytemuck::cast(self.progress)
    }

    /// What must hold after every handler that changed the account.
    pub fn invariant(&self) -> Result<()> {
        let consistent = usize::from(self.slots) <= MAX_SLOTS
            && self.phase <= Phase::Settling as u8
            && u64::from(self.removed) <= self.batches
            && self.free <= u64::from(self.slots)
            && self.pool_sponsored <= self.pool
            && self.reported_epoch <= self.epoch;
        require!(consistent, CoverageError::Inconsistent);
        Ok(())
    }
}

/// The slots of a cell.
pub fn slots(cell: &CellAccount) -> Result<&[Slot]> {
    cell.as_slice().get(..usize::from(cell.slots)).ok_or(CoverageError::Inconsistent.into())
}

/// The slots of a cell and its scratch, to change them.
pub fn slots_and_scratch(cell: &mut CellAccount) -> Result<(&mut [Slot], &mut [u16])> {
    let count = usize::from(cell.slots);
    let (slots, pages) = cell.as_mut_slice().split_at_mut_checked(count).ok_or(CoverageError::Inconsistent)?;
    Ok((slots, bytemuck::cast_slice_mut(pages)))
}

/// One slot of a cell, to change it.
pub fn slot_mut(cell: &mut CellAccount, index: u16) -> Result<&mut Slot> {
    let (slots, _) = slots_and_scratch(cell)?;
    slots.get_mut(usize::from(index)).ok_or(CoverageError::InvalidSlot.into())
}
