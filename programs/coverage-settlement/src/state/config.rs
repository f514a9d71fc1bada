use crate::constants::{BPS, MAX_CHALLENGER_BPS, MAX_SECONDS, MIN_QUORUM_BPS};
use crate::errors::CoverageError;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use coverage_math::domains::MAX_BOND;
use coverage_math::reliability::MAX_Z_MILLI;
use coverage_math::semivalue::Rule;

/// What the authority decides about a network. An epoch is settled by the copy it took when it opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable, SchemaRead, SchemaWrite, IdlType)]
#[repr(C)]
pub struct Config {
    /// Length of an epoch, in seconds.
    pub epoch_seconds: u64,
    /// Time after an epoch's end before anyone may seal its cells, in seconds: late evidence counts until a cell is sealed.
    pub grace_seconds: u64,
    /// Time after sealing in which batches may be challenged, in seconds.
    pub challenge_seconds: u64,
    /// Time from proposing a change of this configuration to its taking effect, in seconds.
    pub delay_seconds: u64,
    /// Token units paid to all workloads together in one epoch, if the treasury has them.
    pub emission: u64,
    /// Smallest bond of an operator, in token units.
    pub min_operator_bond: u64,
    /// Smallest bond of an attester, in token units.
    pub min_attester_bond: u64,
    /// Confidence of the Wilson bound, in thousandths of a standard deviation (1,645 is one-sided 95 %).
    pub z_milli: u32,
    /// Verification failures that void a slot's evidence, in ten-thousandths of its attempts.
    pub breach_bps: u16,
    /// Part of a bond that a proven fraud costs, in ten-thousandths.
    pub slash_bps: u16,
    /// Committee weight that endorsements must exceed, in ten-thousandths (6,667 is more than two thirds).
    pub quorum_bps: u16,
    /// Most epochs' worth of a workload's pool that it may carry over.
    pub carry_cap_epochs: u16,
    /// Part of what is slashed for a false batch that goes to whoever proved it, in ten-thousandths.
    pub challenger_bps: u16,
    /// A [`Rule`], by number.
    pub rule: u8,
    /// Zero.
    pub reserved: u8,
}

const _: () = assert!(size_of::<Config>() == 7 * 8 + 4 + 5 * 2 + 2);

impl Config {
    /// Whether every field, and every combination, is one a network can live with.
    pub fn validate(&self) -> Result<()> {
        self.rule()?;
        let windows = [self.grace_seconds, self.challenge_seconds, self.delay_seconds];
        let times =
            (1..=MAX_SECONDS).contains(&self.epoch_seconds) && windows.iter().all(|seconds| *seconds <= MAX_SECONDS);
        require!(times, CoverageError::InvalidTimes);
        let evidence = self.z_milli <= MAX_Z_MILLI && self.breach_bps <= BPS && self.slash_bps <= BPS;
        require!(evidence, CoverageError::InvalidEvidenceRules);
        let quorum = (MIN_QUORUM_BPS..BPS).contains(&self.quorum_bps);
        require!(quorum, CoverageError::InvalidQuorum);
        require!(self.challenger_bps <= MAX_CHALLENGER_BPS, CoverageError::InvalidChallengerShare);
        // A fraud nobody has time to prove, or that costs nothing, would make bonds and windows an ornament.
        let deterred = self.slash_bps == 0 || self.challenge_seconds > 0;
        require!(deterred, CoverageError::InvalidTimes);
        let bonds = [self.min_operator_bond, self.min_attester_bond];
        let bonds = bonds.iter().all(|bond| (1..=MAX_BOND).contains(bond));
        require!(bonds, CoverageError::InvalidBondRules);
        Ok(())
    }

    /// The rule that pays.
    pub fn rule(&self) -> Result<Rule> {
        Rule::from_index(self.rule).ok_or(CoverageError::InvalidRule.into())
    }
}
