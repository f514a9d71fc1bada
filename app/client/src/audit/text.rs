//! A report as text.

use super::receipts::{Discrepancy, ReceiptsReport};
use super::{BatchReport, CellReport, Check, Finding, Report};
use crate::explain::number::thousands;
use crate::explain::table::table;
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Network {} at {} (unix seconds)", self.network, self.now_ts)?;
        if let Some(mint) = &self.mint {
            let named = |authority: &Option<String>| authority.clone().unwrap_or_else(|| "nobody".to_owned());
            let (minter, freezer) = (named(&mint.mint_authority), named(&mint.freeze_authority));
            writeln!(f, "Pays in {}; more can be minted by {minter}, accounts frozen by {freezer}", mint.mint)?;
        }
        if let Some(epoch) = self.epoch {
            writeln!(f, "Settlements and batches of epoch {epoch} only; I1 is of now")?;
        }
        writeln!(f, "\nInvariants")?;
        for check in &self.checks {
            write!(f, "{check}")?;
        }
        if !self.cells.is_empty() {
            writeln!(f, "\nSettlements, computed again (token units)")?;
            let header =
                ["workload", "epoch", "slots", "coverage", "pool", "paid", "carried", "returned", "differences"];
            table(f, header, &self.cells.iter().map(CellReport::row).collect::<Vec<_>>())?;
        }
        if !self.batches.is_empty() {
            writeln!(f, "\nBatches")?;
            let header = ["workload", "epoch", "batch", "receipts", "root", "endorsed by places", "state"];
            table(f, header, &self.batches.iter().map(BatchReport::row).collect::<Vec<_>>())?;
        }
        if let Some(receipts) = &self.receipts {
            write!(f, "\n{receipts}")?;
        }
        if !self.notes.is_empty() {
            writeln!(f, "\nNotes")?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        writeln!(f, "\n{}", self.verdict())
    }
}

impl Report {
    /// The outcome in a line.
    #[must_use]
    pub fn verdict(&self) -> String {
        let findings: usize = self.checks.iter().map(|check| check.findings.len()).sum();
        let receipts = self.receipts.as_ref().map_or(0, |receipts| receipts.discrepancies.len());
        if !self.shows_the_epoch() {
            return format!("NOT CHECKED: the chain shows nothing of epoch {}", self.epoch.unwrap_or_default());
        }
        match findings.saturating_add(receipts) {
            0 => "PASSED: everything there is to see is as it should be".to_owned(),
            1 => "FAILED: 1 discrepancy".to_owned(),
            many => format!("FAILED: {} discrepancies", thousands(many as u64)),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed() { "holds" } else { "BROKEN" };
        writeln!(f, "  {} {:<15} {verdict:<6}  {}: {}", self.id.id(), self.name, self.expected, self.actual)?;
        self.findings.iter().try_for_each(|finding| writeln!(f, "      {finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.workload {
            Some(workload) => write!(f, "workload {workload}")?,
            None => f.write_str("network")?,
        }
        if let Some(slot) = self.slot {
            write!(f, ", slot {slot}")?;
        }
        if let Some(operator) = &self.operator {
            write!(f, " ({operator})")?;
        }
        write!(f, ", {}: expected {}, on chain {}", self.what, self.expected, self.actual)
    }
}

impl CellReport {
    fn row(&self) -> [String; 9] {
        [
            self.workload.to_string(),
            self.epoch.to_string(),
            self.slots.to_string(),
            self.coverage.to_string(),
            thousands(self.pool_units),
            thousands(self.paid_units),
            thousands(self.carry_units),
            thousands(self.returned_units),
            self.differences.to_string(),
        ]
    }
}

impl BatchReport {
    fn row(&self) -> [String; 7] {
        let places: Vec<String> = self.endorsers.iter().map(|endorser| endorser.place.to_string()).collect();
        [
            self.workload.to_string(),
            self.epoch.to_string(),
            self.sequence.to_string(),
            thousands(u64::from(self.receipts)),
            self.receipts_root.clone(),
            places.join(" "),
            if self.removed { "removed".to_owned() } else { "counted".to_owned() },
        ]
    }
}

impl fmt::Display for ReceiptsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [batches, receipts, signatures] = [self.batches, self.receipts, self.signatures].map(thousands);
        writeln!(f, "Receipts: {receipts} of {batches} batches, {signatures} with a good signature")?;
        for (reporter, count) in &self.reporters {
            writeln!(f, "  {reporter} reported {}", thousands(*count))?;
        }
        self.discrepancies.iter().try_for_each(|discrepancy| writeln!(f, "  {discrepancy}"))
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: workload {}, epoch {}", self.fault, self.workload, self.epoch)?;
        if let Some(batch) = self.batch {
            write!(f, ", batch {batch}")?;
        }
        if let Some(leaf) = self.leaf {
            write!(f, ", leaf {leaf}")?;
        }
        if let Some(slot) = self.slot {
            write!(f, ", slot {slot}")?;
        }
        if let Some(request) = &self.request_id {
            write!(f, ", request {request}")?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.actual)
    }
}
