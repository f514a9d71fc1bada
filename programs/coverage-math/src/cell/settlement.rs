//! Settling a cell step by step, with the same bytes whoever takes the steps (I7).
//!
//! ```text
//! Bounds    each slot     counters → p, and the slot's place in the order by (domain, p)
//! Shares    each domain   members' shares a, the domain's reach, the uncovered product
//! Products  each node     P_k over all reaches
//! Values    each domain   S_g, then φ, reward and reason of its members
//! ```
//!
//! Between two steps everything lives in the slots and in [`Progress`], so a cell of 1,024 operators in 1,024 domains
//! settles over as many transactions as it needs. The order is kept by inserting slot after slot into a sorted list of
//! slot numbers: no step depends on how many came before it in the same transaction.

use super::{ACTIVE, CellError, MAX_SLOTS, Reason, Slot};
use crate::domains::{Increments, MAX_BOND};
use crate::pool;
use crate::reliability::{Evidence, OUTCOMES};
use crate::semivalue::{MAX_NODES, Numerators, Rule, product_q64};
use crate::wide::scale_q32;
use bytemuck::{Pod, Zeroable};

/// All of a bond, in ten-thousandths.
const WHOLE_BPS: u16 = 10_000;

/// What settles a cell: the epoch's snapshot of the configuration, and the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The epoch being settled.
    pub epoch: u64,
    /// The rule that pays.
    pub rule: Rule,
    /// `z` of the Wilson bound, in thousandths.
    pub z_milli: u32,
    /// Verification failures that void a slot's evidence, in ten-thousandths of its attempts.
    pub breach_bps: u16,
    /// Part of its bond that a breach costs an operator, in ten-thousandths.
    pub slash_bps: u16,
    /// The pool, in token units.
    pub pool: u64,
}

/// Which part of a settlement comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Not begun, or done: counters to Wilson bounds, slot by slot.
    Bounds = 0,
    /// Members' shares of their domain's reach, domain by domain.
    Shares = 1,
    /// The product over all reaches, node by node.
    Products = 2,
    /// What each member is paid, domain by domain.
    Values = 3,
}

/// Where a settlement stands between two transactions. All zero means that none has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Progress {
    /// Products, then numerators, of the quadrature nodes.
    pub nodes: [u64; MAX_NODES],
    /// Outcomes of all slots in this epoch.
    pub outcomes: [u64; OUTCOMES],
    /// ∏ (1 − r_g) so far, Q64, minus the last unit: coverage is its complement.
    pub covered_q64: u64,
    /// Σ rewards so far.
    pub paid: u64,
    /// The common exponent of the numerators.
    pub exponent: u32,
    /// What of the stage is done: slots, places in the order, nodes or domains.
    pub cursor: u16,
    /// Slots with `p > 0`: the length of the order.
    pub contributing: u16,
    /// Failure domains among them.
    pub domains: u16,
    /// A [`Stage`].
    pub stage: u8,
    /// Zero.
    pub reserved: [u8; 5],
}

const _: () = assert!(size_of::<Progress>() == 248);

/// The result of a settlement, beside what is written in the slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// `C`, Q64, rounded up.
    pub coverage_q64: u64,
    /// Σ rewards, in token units.
    pub paid: u64,
    /// Outcomes of all slots.
    pub outcomes: [u64; OUTCOMES],
    /// Slots with `p > 0`.
    pub contributing: u16,
    /// Failure domains among them.
    pub domains: u16,
}

/// What the steps cost at most, in SBF instructions; `tests/compute_units.md` shows what they really cost.
mod cost {
    /// A slot's bound and its insertion into the order.
    pub const BOUND: u64 = 1_400;
    /// A domain in the stage of shares, and each of its members.
    pub const DOMAIN: u64 = 250;
    /// See [`DOMAIN`].
    pub const MEMBER: u64 = 900;
    /// A node, and each domain in its product.
    pub const NODE: u64 = 300;
    /// See [`NODE`].
    pub const FACTOR: u64 = 20;
    /// A domain in the stage of values, and each node in its factor, and each of its members.
    pub const VALUE: u64 = 300;
    /// See [`VALUE`].
    pub const QUOTIENT: u64 = 16;
    /// See [`VALUE`].
    pub const REWARD: u64 = 200;
}

/// Settles as much as `budget` (SBF instructions) allows; `Some` when the cell is settled.
///
/// On `Some` the progress is zero again, the tallies are empty and every slot holds its result. `order` is scratch that
/// must survive between calls. Off-chain, pass `u64::MAX`.
///
/// # Errors
/// [`CellError::BudgetTooSmall`] if not even one step fits (nothing has changed then), [`CellError::BadLayout`] and
/// [`CellError::BadProgress`] for accounts this code did not write, [`CellError::TooManyAttempts`] for a tally that
/// [`Slot::add`] would have refused.
pub fn settle(
    slots: &mut [Slot],
    order: &mut [u16],
    progress: &mut Progress,
    terms: &Terms,
    budget: u64,
) -> Result<Option<Settled>, CellError> {
    if slots.len() > MAX_SLOTS || order.len() < slots.len() {
        return Err(CellError::BadLayout);
    }
    let mut run = Run { slots, order, progress, terms, left: budget, moved: false };
    loop {
        let finished = match run.progress.stage {
            0 => run.bounds()?,
            1 => run.shares()?,
            2 => run.products()?,
            3 => run.values()?,
            _ => return Err(CellError::BadProgress),
        };
        if !finished {
            return if run.moved { Ok(None) } else { Err(CellError::BudgetTooSmall) };
        }
        run.progress.cursor = 0;
        if run.progress.stage == Stage::Values as u8 {
            let done = *run.progress;
            let settled = Settled {
                coverage_q64: done.covered_q64,
                paid: done.paid,
                outcomes: done.outcomes,
                contributing: done.contributing,
                domains: done.domains,
            };
            *run.progress = Progress::zeroed();
            return Ok(Some(settled));
        }
        run.progress.stage = run.progress.stage.saturating_add(1);
    }
}

struct Run<'a> {
    slots: &'a mut [Slot],
    order: &'a mut [u16],
    progress: &'a mut Progress,
    terms: &'a Terms,
    left: u64,
    moved: bool,
}

impl Run<'_> {
    /// Takes `cost` off the budget, or says that it is not there.
    #[inline(always)]
    fn afford(&mut self, cost: u64) -> bool {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                self.moved = true;
                true
            }
            None => false,
        }
    }

    fn bounds(&mut self) -> Result<bool, CellError> {
        while usize::from(self.progress.cursor) < self.slots.len() {
            if !self.afford(cost::BOUND) {
                return Ok(false);
            }
            self.bound_slot(self.progress.cursor)?;
            self.progress.cursor = self.progress.cursor.saturating_add(1);
        }
        Ok(true)
    }

    /// Counters → `p`; a slot that contributes gets its place in the order.
    fn bound_slot(&mut self, index: u16) -> Result<(), CellError> {
        let slot = self.slots.get_mut(usize::from(index)).ok_or(CellError::BadProgress)?;
        if self.terms.epoch >= slot.staged_epoch {
            slot.bond = slot.staged_bond;
            slot.domain = slot.staged_domain;
        }
        slot.settled_bond = slot.bond;
        slot.settled_domain = slot.domain;
        let evidence = Evidence::of(&slot.tally).ok_or(CellError::TooManyAttempts)?;
        for (total, count) in self.progress.outcomes.iter_mut().zip(slot.tally) {
            // 1,024 counters of 32 bits fit 64.
            *total = total.wrapping_add(u64::from(count));
        }
        slot.settled_tally = slot.tally;
        slot.tally = [0; OUTCOMES];
        slot.phi_q64 = 0;
        slot.reward = 0;
        slot.share_q32 = 0;
        slot.p_q32 = 0;
        let reason = if slot.state != ACTIVE && self.terms.epoch >= slot.left_epoch {
            Reason::Retired
        } else if self.terms.epoch < slot.joined_epoch {
            Reason::NotYetEffective
        } else if evidence.breaches(self.terms.breach_bps) {
            slot.owed_slash_bps = slot.owed_slash_bps.saturating_add(self.terms.slash_bps).min(WHOLE_BPS);
            Reason::VerificationBreach
        } else {
            slot.p_q32 = evidence.wilson_q32(self.terms.z_milli);
            if slot.p_q32 == 0 {
                Reason::NoEvidence
            } else {
                Reason::Dominated // until the stage of values finds a share
            }
        };
        slot.reason = reason as u8;
        if slot.p_q32 > 0 {
            let key = (slot.domain, slot.p_q32);
            self.insert(index, key)?;
        }
        Ok(())
    }

    /// Inserts `index` behind all slots of no greater `(domain, p)`: ties stay in the order of slots.
    fn insert(&mut self, index: u16, key: (u32, u32)) -> Result<(), CellError> {
        let length = usize::from(self.progress.contributing);
        let slots = &*self.slots;
        let place = self.order.get(..length).ok_or(CellError::BadProgress)?.partition_point(|other| {
            slots.get(usize::from(*other)).is_some_and(|slot| (slot.domain, slot.p_q32) <= key)
        });
        let tail = self.order.get_mut(place..=length).ok_or(CellError::BadProgress)?;
        let kept = tail.len().saturating_sub(1);
        tail.copy_within(..kept, 1);
        *tail.first_mut().ok_or(CellError::BadProgress)? = index;
        self.progress.contributing = self.progress.contributing.saturating_add(1);
        Ok(())
    }

    fn shares(&mut self) -> Result<bool, CellError> {
        while self.progress.cursor < self.progress.contributing {
            let start = usize::from(self.progress.cursor);
            let rest = self.order.get(start..usize::from(self.progress.contributing)).ok_or(CellError::BadProgress)?;
            let (members, bonds) = domain_of(self.slots, rest)?;
            let size = u64::from(members).saturating_mul(cost::MEMBER);
            if !self.afford(size.saturating_add(cost::DOMAIN)) {
                return Ok(false);
            }
            self.share_domain(start, members, bonds)?;
        }
        Ok(true)
    }

    /// Shares of the `members` from place `start` of the order on, whose bonds sum to `bonds`.
    fn share_domain(&mut self, start: usize, members: u16, bonds: u64) -> Result<(), CellError> {
        let end = start.saturating_add(usize::from(members));
        let mut increments = Increments::default();
        let (mut above, mut reach) = (bonds, 0u32);
        for index in self.order.get(start..end).ok_or(CellError::BadProgress)? {
            let slot = self.slots.get_mut(usize::from(*index)).ok_or(CellError::BadProgress)?;
            let bond = slot.bond.min(MAX_BOND);
            increments.rise_to(slot.p_q32, above);
            slot.share_q32 = increments.share_q32(bond);
            above = above.saturating_sub(bond);
            reach = slot.p_q32;
        }
        let number = usize::from(self.progress.domains);
        let scratch = self.slots.get_mut(number).ok_or(CellError::BadProgress)?;
        scratch.scratch_reach_q32 = reach;
        scratch.scratch_end = end as u16; // ≤ MAX_SLOTS
        // covered = !uncovered, so that zero bytes are the empty product 1 − 2^-64; the product is rounded down.
        let uncovered = scale_q32(!self.progress.covered_q64, u64::from(reach.wrapping_neg()));
        self.progress.covered_q64 = !uncovered;
        self.progress.domains = self.progress.domains.saturating_add(1);
        self.progress.cursor = scratch.scratch_end;
        Ok(())
    }

    fn products(&mut self) -> Result<bool, CellError> {
        let domains = usize::from(self.progress.domains);
        let nodes = self.terms.rule.nodes(domains);
        let price = u64::from(self.progress.domains).saturating_mul(cost::FACTOR).saturating_add(cost::NODE);
        while let Some(node) = nodes.get(usize::from(self.progress.cursor)) {
            if !self.afford(price) {
                return Ok(false);
            }
            let reaches = self.slots.get(..domains).ok_or(CellError::BadProgress)?;
            let product = product_q64(node.0, reaches, |slot| slot.scratch_reach_q32);
            *self.progress.nodes.get_mut(usize::from(self.progress.cursor)).ok_or(CellError::BadProgress)? = product;
            self.progress.cursor = self.progress.cursor.saturating_add(1);
        }
        let numerators = Numerators::new(nodes, &self.progress.nodes);
        self.progress.nodes = numerators.values;
        self.progress.exponent = numerators.exponent;
        Ok(true)
    }

    fn values(&mut self) -> Result<bool, CellError> {
        let nodes = self.terms.rule.nodes(usize::from(self.progress.domains));
        let numerators = Numerators { values: self.progress.nodes, exponent: self.progress.exponent };
        let per_domain = (nodes.len() as u64).saturating_mul(cost::QUOTIENT).saturating_add(cost::VALUE);
        while self.progress.cursor < self.progress.domains {
            let number = usize::from(self.progress.cursor);
            let end_of = |number: usize| self.slots.get(number).map(|slot| usize::from(slot.scratch_end));
            let start = number.checked_sub(1).and_then(end_of).unwrap_or(0);
            let domain = self.slots.get(number).ok_or(CellError::BadProgress)?;
            let (reach, end) = (domain.scratch_reach_q32, usize::from(domain.scratch_end));
            let members = end.saturating_sub(start) as u64;
            let price = members.saturating_mul(cost::REWARD).saturating_add(per_domain);
            if !self.afford(price) {
                return Ok(false);
            }
            let factor = numerators.factor_scaled(nodes, reach);
            for index in self.order.get(start..end).ok_or(CellError::BadProgress)? {
                let slot = self.slots.get_mut(usize::from(*index)).ok_or(CellError::BadProgress)?;
                slot.phi_q64 = numerators.phi_q64(slot.share_q32, factor);
                // Σφ ≤ C < 1, so the pool always suffices; the cap is what makes I2 hold without that argument.
                let left = self.terms.pool.saturating_sub(self.progress.paid);
                slot.reward = pool::reward(self.terms.pool, slot.phi_q64).min(left);
                self.progress.paid = self.progress.paid.saturating_add(slot.reward);
                // All rewards ever earned are tokens of one mint, whose supply fits 64 bits.
                slot.earned = slot.earned.saturating_add(slot.reward);
                if slot.phi_q64 > 0 {
                    slot.reason = Reason::Paid as u8;
                }
            }
            self.progress.cursor = self.progress.cursor.saturating_add(1);
        }
        Ok(true)
    }
}

/// How many of `order`'s first slots are of one domain, and the sum of their bonds.
fn domain_of(slots: &[Slot], order: &[u16]) -> Result<(u16, u64), CellError> {
    let (mut members, mut bonds, mut domain) = (0u16, 0u64, None);
    for index in order {
        let slot = slots.get(usize::from(*index)).ok_or(CellError::BadProgress)?;
        if *domain.get_or_insert(slot.domain) != slot.domain {
            break;
        }
        members = members.saturating_add(1);
        bonds = bonds.saturating_add(slot.bond.min(MAX_BOND));
    }
    Ok((members, bonds))
}
