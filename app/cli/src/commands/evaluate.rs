//! `covctl evaluate`: the kernel, as it runs on-chain, on a list of cells.

use super::ExitStatus;
use crate::args::{Evaluate, Output};
use crate::{CliError, output};
use bytemuck::Zeroable;
use coverage_math::cell::{self, CellError, MAX_SLOTS, Progress, Settled, Slot, Terms};
use coverage_math::domains::MAX_BOND;
use coverage_math::reliability::{MAX_Z_MILLI, OUTCOMES};
use coverage_math::semivalue::Rule;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Read;
use thiserror::Error;

/// Why a cell cannot be evaluated. Slots count from 0.
#[derive(Debug, Error)]
pub enum BadCell {
    /// A field is missing or of another type or range.
    #[error("{0}")]
    Malformed(#[from] serde_json::Error),
    /// There is no such rule.
    #[error("unknown rule \"{0}\"; known are Shapley, Banzhaf and LastIn")]
    UnknownRule(String),
    /// More slots than a cell may have.
    #[error("{0} slots; a cell has at most {MAX_SLOTS}")]
    TooManySlots(usize),
    /// The confidence is more than a network may ask for.
    #[error("z_milli is {0}; at most {MAX_Z_MILLI}")]
    ZTooLarge(u32),
    /// Not a share.
    #[error("breach_bps is {0}; at most 10000")]
    BreachTooLarge(u16),
    /// The bond is more than an operator may have.
    #[error("slot {slot}: the bond is {bond}; at most {MAX_BOND}")]
    BondTooLarge {
        /// Number of the slot.
        slot: usize,
        /// Its bond.
        bond: u64,
    },
    /// Not one counter for each outcome.
    #[error("slot {slot}: {count} outcomes; expected {OUTCOMES}")]
    OutcomeCount {
        /// Number of the slot.
        slot: usize,
        /// How many it has.
        count: usize,
    },
    /// The kernel refuses a slot.
    #[error("slot {slot}: {error}")]
    Slot {
        /// Number of the slot.
        slot: usize,
        /// Why.
        error: CellError,
    },
    /// The kernel refuses the cell.
    #[error("{0}")]
    Kernel(#[from] CellError),
}

#[derive(Deserialize)]
struct Input {
    rule: String,
    z_milli: u32,
    breach_bps: u16,
    pool: u64,
    slots: Vec<SlotInput>,
}

#[derive(Deserialize)]
struct SlotInput {
    domain: u32,
    bond: u64,
    outcomes: Vec<u32>,
}

/// What one cell comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// φ of every slot, exact.
    pub phi: Vec<String>,
    /// Coverage, exact.
    pub coverage: String,
    /// Reward of every slot.
    pub reward: Vec<u64>,
}

/// Runs the command.
///
/// # Errors
/// [`CliError::Read`], [`CliError::NotCells`], and [`CliError::Cell`] for the first cell that cannot be evaluated.
pub fn run(args: &Evaluate, format: Output) -> Result<ExitStatus, CliError> {
    let input = args.input.display().to_string();
    let text = read(args)?;
    // Cell by cell, so that an error can say which one it is.
    let cells: Vec<Value> =
        serde_json::from_str(&text).map_err(|error| CliError::NotCells { input: input.clone(), error })?;
    let mut evaluations = Vec::with_capacity(cells.len());
    for (number, cell) in cells.into_iter().enumerate() {
        evaluations.push(evaluate(cell).map_err(|error| CliError::Cell { input: input.clone(), number, error })?);
    }
    output::print(&match format {
        Output::Json => output::json(&evaluations)?,
        Output::Text => display(&evaluations),
    })?;
    Ok(ExitStatus::Done)
}

fn read(args: &Evaluate) -> Result<String, CliError> {
    let mut text = String::new();
    let result = if args.input.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(&args.input)
    };
    result.map_err(|error| CliError::Read { path: args.input.clone(), error })
}

fn evaluate(cell: Value) -> Result<Evaluation, BadCell> {
    let input: Input = serde_json::from_value(cell)?;
    let (slots, settled) = settle(&input)?;
    Ok(Evaluation {
        phi: slots.iter().map(|slot| decimal_q64(slot.phi_q64)).collect(),
        coverage: decimal_q64(settled.coverage_q64),
        reward: slots.iter().map(|slot| slot.reward).collect(),
    })
}

/// Settles a cell in one go, as the program does over transactions.
fn settle(input: &Input) -> Result<(Vec<Slot>, Settled), BadCell> {
    let terms = terms(input)?;
    let mut slots = Vec::with_capacity(input.slots.len());
    for (number, slot) in input.slots.iter().enumerate() {
        slots.push(new_slot(number, slot)?);
    }
    let mut order = vec![0; slots.len()];
    // Without a limit one call settles the whole cell.
    let settled = cell::settle(&mut slots, &mut order, &mut Progress::zeroed(), &terms, u64::MAX)?;
    Ok((slots, settled.ok_or(CellError::BudgetTooSmall)?))
}

fn terms(input: &Input) -> Result<Terms, BadCell> {
    let rule = match input.rule.as_str() {
        "Shapley" => Rule::Shapley,
        "Banzhaf" => Rule::Banzhaf,
        "LastIn" => Rule::LastIn,
        other => return Err(BadCell::UnknownRule(other.to_owned())),
    };
    if input.slots.len() > MAX_SLOTS {
        return Err(BadCell::TooManySlots(input.slots.len()));
    }
    if input.z_milli > MAX_Z_MILLI {
        return Err(BadCell::ZTooLarge(input.z_milli));
    }
    if input.breach_bps > 10_000 {
        return Err(BadCell::BreachTooLarge(input.breach_bps));
    }
    Ok(Terms { epoch: 0, rule, z_milli: input.z_milli, breach_bps: input.breach_bps, slash_bps: 0, pool: input.pool })
}

fn new_slot(number: usize, input: &SlotInput) -> Result<Slot, BadCell> {
    if input.bond > MAX_BOND {
        return Err(BadCell::BondTooLarge { slot: number, bond: input.bond });
    }
    let count = input.outcomes.len();
    let outcomes: Result<[u32; OUTCOMES], _> = input.outcomes.as_slice().try_into();
    let outcomes = outcomes.map_err(|_| BadCell::OutcomeCount { slot: number, count })?;
    let mut slot = Slot::new([0; 32], input.bond, input.domain, 0);
    slot.add(&outcomes).map_err(|error| BadCell::Slot { slot: number, error })?;
    Ok(slot)
}

/// `value / 2^64` in decimal, exactly: at most 64 digits.
fn decimal_q64(value: u64) -> String {
    let mut text = String::from("0");
    let mut rest = value;
    while rest > 0 {
        let product = u128::from(rest) * 10;
        if text.len() == 1 {
            text.push('.');
        }
        let _ = write!(text, "{}", product >> 64);
        rest = product as u64; // the low half: what is left behind the digit
    }
    text
}

fn display(evaluations: &[Evaluation]) -> String {
    let mut text = String::new();
    for (number, evaluation) in evaluations.iter().enumerate() {
        let _ = writeln!(text, "cell {number}: coverage {}", evaluation.coverage);
        for (slot, (phi, reward)) in evaluation.phi.iter().zip(&evaluation.reward).enumerate() {
            let _ = writeln!(text, "  slot {slot}: phi {phi}, reward {reward}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal_q64(0), "0");
        assert_eq!(decimal_q64(1 << 63), "0.5");
        assert_eq!(decimal_q64(3 << 60), "0.1875");
        assert_eq!(decimal_q64(1), format!("0.{:0>64}", "542101086242752217003726400434970855712890625"));
        assert_eq!(decimal_q64(u64::MAX), "0.9999999999999999999457898913757247782996273599565029144287109375");
    }

    #[test]
    fn the_worked_example_of_the_model() {
        let slot = |domain, served| serde_json::json!({"domain": domain, "bond": 1, "outcomes": [served, 0, 0, 1_000_000 - served, 0, 0, 0]});
        let cell = serde_json::json!({
            "rule": "Shapley", "z_milli": 0, "breach_bps": 0, "pool": 1_000_001,
            "slots": [slot(1, 900_000), slot(1, 900_000), slot(2, 500_000)]
        });
        let evaluation = evaluate(cell).unwrap();
        assert_eq!(evaluation.reward, [337_500, 337_500, 275_000]);
        let coverage: f64 = evaluation.coverage.parse().unwrap();
        assert!((coverage - 0.95).abs() < 1e-8, "{coverage}");
    }
}
