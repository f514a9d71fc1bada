//! Opportunities as text.

use super::Opportunity;
use crate::explain::number::tokens;
use crate::explain::table::table;
use serde::Serialize;
use std::fmt;

/// A list of opportunities, to be shown.
#[derive(Clone, Debug, Serialize)]
pub struct Opportunities {
    /// Best first.
    pub opportunities: Vec<Opportunity>,
    /// Decimals of the network's token.
    pub decimals: u8,
    /// The operator that would enter; `None` for one in a new failure domain.
    pub operator: Option<String>,
}

impl fmt::Display for Opportunities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.opportunities.first() else {
            return writeln!(f, "No workload has a place for this entrant: all are retired, full, or have it already.");
        };
        match &self.operator {
            Some(operator) => {
                writeln!(f, "Operator {operator}, failure domain {}, with p = {}", first.domain, first.p)?
            }
            None => writeln!(f, "An entrant in a new failure domain with p = {}", first.p)?,
        }
        writeln!(f, "Tokens for epoch {}, the first that it counts in, and for each epoch later\n", first.epoch)?;
        let header = ["workload", "earns", "later", "pool", "of it carried", "coverage", "then", "others", "then"];
        table(f, header, &self.opportunities.iter().map(|opportunity| self.row(opportunity)).collect::<Vec<_>>())?;
        writeln!(f, "\nIt takes")?;
        let header = ["workload", "hardware", "verification", "region", "latency ms", "capacity/1000", "model"];
        table(f, header, &self.opportunities.iter().map(Opportunity::requirements).collect::<Vec<_>>())
    }
}

impl Opportunities {
    fn row(&self, opportunity: &Opportunity) -> [String; 9] {
        let amount = |units| tokens(units, self.decimals);
        [
            opportunity.workload.to_string(),
            amount(opportunity.reward_units),
            amount(opportunity.lasting_units),
            amount(opportunity.pool.units()),
            amount(opportunity.pool.carry_units),
            format!("{:.4}", opportunity.coverage_before),
            format!("{:.4}", opportunity.coverage_after),
            amount(opportunity.others_before_units),
            amount(opportunity.others_after_units),
        ]
    }
}

impl Opportunity {
    fn requirements(&self) -> [String; 7] {
        let requires = &self.requires;
        let region = if requires.region == 0 { "any".to_owned() } else { requires.region.to_string() };
        [
            self.workload.to_string(),
            requires.hardware_class.to_string(),
            requires.verification_mode.to_string(),
            region,
            requires.latency_ms.to_string(),
            requires.min_capacity_milli.to_string(),
            requires.model.clone(),
        ]
    }
}
