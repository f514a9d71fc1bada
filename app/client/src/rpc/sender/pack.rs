//! Many instructions in few transactions.

use super::draft::Budget;
use super::refusal::Rejected;
use super::{Format, MARGIN_PERCENT, Prepared, Sender, Sent};
use crate::ClientError;
use crate::instructions::COMPUTE_LIMIT;
use solana_program::instruction::Instruction;
use thiserror::Error;

/// Packing that stopped before the end.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{error} ({groups} done before)")]
pub struct Incomplete {
    /// The transactions that landed.
    pub sent: Vec<Sent>,
    /// How many groups are done, from the first on.
    pub groups: usize,
    /// What stopped it, at the group behind those.
    #[source]
    pub error: ClientError,
}

impl From<Incomplete> for ClientError {
    fn from(incomplete: Incomplete) -> Self {
        incomplete.error
    }
}

impl Sender {
    /// Sends groups of instructions, in order, as many whole ones in each transaction as fit: by bytes, by simulated compute
    /// units and by the 64 instructions, those that programs call included, that a transaction may have. Each transaction is
    /// confirmed before the next is made, and what comes before a group that is refused is sent. A group that names another
    /// instruction by its index (`endorse`) belongs into [`Self::send`].
    ///
    /// # Errors
    /// As [`Self::send`], with what was done before.
    pub async fn send_packed(&self, action: &str, groups: &[Vec<Instruction>]) -> Result<Vec<Sent>, Incomplete> {
        let mut sent = Vec::new();
        let mut done = 0usize;
        while let Some(rest) = groups.get(done..).filter(|rest| !rest.is_empty()) {
            match self.send_first(action, rest).await {
                Ok((count, transaction)) => {
                    done = done.saturating_add(count);
                    sent.extend(transaction);
                }
                Err(error) => return Err(Incomplete { sent, groups: done, error }),
            }
        }
        Ok(sent)
    }

    /// Sends as many groups from the first on as fit a transaction; returns how many.
    async fn send_first(
        &self,
        action: &str,
        groups: &[Vec<Instruction>],
    ) -> Result<(usize, Option<Sent>), ClientError> {
        loop {
            let (format, most) = self.by_bytes(action, groups).await?;
            let (count, budget, units) = match self.by_limits(action, format, groups, most).await {
                Ok(found) => found,
                Err(Rejected { unsupported: true, .. }) => {
                    self.do_without_v1();
                    continue;
                }
                Err(rejected) => return Err(*rejected.error),
            };
            let instructions = first(groups, count);
            if instructions.is_empty() {
                return Ok((count, None));
            }
            let prepared = Prepared { draft: self.in_format(format, &instructions), budget, units };
            return Ok((count, Some(self.deliver(action, prepared).await?)));
        }
    }

    /// The format that takes the most groups, by bytes, and how many; the oldest of those that take as many.
    async fn by_bytes(&self, action: &str, groups: &[Vec<Instruction>]) -> Result<(Format, usize), ClientError> {
        let mut best = (Format::Legacy, self.longest(Format::Legacy, groups));
        if best.1 < groups.len() && !self.settings.tables.is_empty() {
            let longest = self.longest(Format::V0, groups);
            best = if longest > best.1 { (Format::V0, longest) } else { best };
        }
        if best.1 < groups.len() && self.takes_v1().await? {
            let longest = self.longest(Format::V1, groups);
            best = if longest > best.1 { (Format::V1, longest) } else { best };
        }
        if best.1 > 0 {
            return Ok(best);
        }
        // No format takes the first group: say by how much.
        let instructions = first(groups, 1);
        self.draft(action, &instructions).await.map(|draft| (draft.format, 1))
    }

    /// How many groups fit a transaction of this format.
    fn longest(&self, format: Format, groups: &[Vec<Instruction>]) -> usize {
        let fits = |count: &usize| self.in_format(format, &first(groups, *count)).fits();
        (1..=groups.len()).take_while(fits).last().unwrap_or(0)
    }

    /// The largest number of groups, up to `most`, that runs within a transaction's limits, with the budget and units for it.
    async fn by_limits(
        &self,
        action: &str,
        format: Format,
        groups: &[Vec<Instruction>],
        most: usize,
    ) -> Result<(usize, Budget, u64), Rejected> {
        let (mut runs, mut most, mut found) = (0usize, most, (Budget::of(0, 0), 0));
        let mut count = most;
        while runs < most {
            let instructions = first(groups, count);
            match self.prepare(action, self.in_format(format, &instructions)).await {
                Ok(prepared) if count == 1 || prepared.has_margin() => {
                    (runs, found) = (count, (prepared.budget, prepared.units));
                }
                Ok(_) => most = count.saturating_sub(1),
                Err(rejected) if rejected.over_limits && count > 1 => most = count.saturating_sub(1),
                Err(rejected) => match rejected.instruction.map(|index| group_of(groups, index)) {
                    // What comes before the group that is refused is not its fault.
                    Some(before @ 1..) if !rejected.over_limits => most = before.min(count.saturating_sub(1)),
                    _ => return Err(rejected),
                },
            }
            count = runs.saturating_add(most).div_ceil(2);
        }
        Ok((runs, found.0, found.1))
    }
}

impl Prepared<'_> {
    /// Whether its limit is what its units ask for, not cut off at the most there is.
    fn has_margin(&self) -> bool {
        self.units.saturating_mul(MARGIN_PERCENT) <= u64::from(COMPUTE_LIMIT).saturating_mul(100)
    }
}

/// The instructions of the first groups.
fn first(groups: &[Vec<Instruction>], count: usize) -> Vec<Instruction> {
    groups.get(..count).unwrap_or(groups).concat()
}

/// The group that an instruction of theirs is in.
fn group_of(groups: &[Vec<Instruction>], index: usize) -> usize {
    let ends = groups.iter().scan(0usize, |end, group| {
        *end = end.saturating_add(group.len());
        Some(*end)
    });
    ends.take_while(|end| *end <= index).count()
}
