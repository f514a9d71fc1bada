use crate::constants::BPS;
use crate::errors::CoverageError;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use coverage_math::domains::MAX_BOND;

/// `bps` ten-thousandths of an amount (all of it, if they are more), rounded down.
pub fn part_of(units: u64, bps: u16) -> u64 {
    // Whole ten-thousands first: neither product exceeds the amount, or 10^8.
    let (one, bps) = (u64::from(BPS), u64::from(bps.min(BPS)));
    let (whole, rest) = (units.checked_div(one).unwrap_or(0), units.checked_rem(one).unwrap_or(0));
    let rest = rest.saturating_mul(bps).checked_div(one).unwrap_or(0);
    whole.saturating_mul(bps).saturating_add(rest)
}

/// What somebody loses part of who is proven wrong.
///
/// What is on its way out counts for nothing any more, but is slashed like the rest until it is withdrawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable, IdlType)]
#[repr(C)]
pub struct Bond {
    /// All of it, in token units: at most [`MAX_BOND`].
    pub units: u64,
    /// Of it on the way out, in token units.
    pub unbonding: u64,
    /// When that may be withdrawn, in unix seconds.
    pub withdrawable_ts: i64,
}

impl Bond {
    /// What counts: all but what is on its way out, in token units.
    pub fn active(&self) -> u64 {
        self.units.saturating_sub(self.unbonding)
    }

    /// Adds tokens.
    pub fn add(&mut self, amount_units: u64) -> Result<()> {
        require!(amount_units > 0, CoverageError::ZeroAmount);
        let units = self.units.checked_add(amount_units).filter(|units| *units <= MAX_BOND);
        self.units = units.ok_or(CoverageError::InvalidBond)?;
        Ok(())
    }

    /// Sends tokens on their way out, to be withdrawn from `withdrawable_ts` on, together with all that is on the way already.
    pub fn unbond(&mut self, amount_units: u64, withdrawable_ts: i64) -> Result<()> {
        require!(amount_units > 0, CoverageError::ZeroAmount);
        require!(amount_units <= self.active(), CoverageError::NotBonded);
        self.unbonding = self.unbonding.saturating_add(amount_units); // ≤ units
        self.withdrawable_ts = self.withdrawable_ts.max(withdrawable_ts);
        Ok(())
    }

    /// Takes out what is on its way; returns how much.
    pub fn withdraw(&mut self, now: i64) -> Result<u64> {
        require!(self.unbonding > 0, CoverageError::NotBonded);
        require!(now >= self.withdrawable_ts, CoverageError::StillBonded);
        let amount_units = core::mem::take(&mut self.unbonding);
        self.units = self.units.checked_sub(amount_units).ok_or(CoverageError::Inconsistent)?;
        self.withdrawable_ts = 0;
        Ok(amount_units)
    }

    /// Takes `slash_bps` ten-thousandths of all of it, rounded down; returns how much.
    pub fn slash(&mut self, slash_bps: u16) -> u64 {
        let amount_units = part_of(self.units, slash_bps);
        self.units = self.units.saturating_sub(amount_units);
        self.unbonding = self.unbonding.min(self.units);
        amount_units
    }
}
