//! The golden vectors of an independent 60-digit reference: one reader for the kernel's test and the on-chain one.
//!
//! The vectors are not part of this repository. They are looked for in `shared/vectors/cells.json` beside the checkout, or
//! where `COVERAGE_VECTORS` says; without them a test says that it is skipped.

use coverage_math::cell::{Slot, Terms};
use coverage_math::semivalue::Rule;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A cell with what the reference makes of it.
#[derive(Deserialize)]
pub struct Cell {
    rule: String,
    z_milli: u32,
    breach_bps: u16,
    pub pool: u64,
    pub slots: Vec<SlotInput>,
    pub expect: Expect,
}

#[derive(Deserialize)]
pub struct SlotInput {
    domain: u32,
    bond: u64,
    outcomes: [u32; 7],
}

/// Decimal numbers.
#[derive(Deserialize)]
pub struct Expect {
    pub p: Vec<String>,
    pub phi: Vec<String>,
    pub coverage: String,
}

impl Cell {
    /// Its terms, in epoch 0.
    pub fn terms(&self) -> Terms {
        let rule = match self.rule.as_str() {
            "Shapley" => Rule::Shapley,
            "Banzhaf" => Rule::Banzhaf,
            "LastIn" => Rule::LastIn,
            other => panic!("unknown rule {other}"),
        };
        Terms { epoch: 0, rule, z_milli: self.z_milli, breach_bps: self.breach_bps, slash_bps: 0, pool: self.pool }
    }

    /// Its slots, each of an operator of its own.
    pub fn slots(&self) -> Vec<Slot> {
        let slot = |(number, input): (usize, &SlotInput)| {
            let mut slot = Slot::new([number as u8; 32], input.bond, input.domain, 0);
            slot.add(&input.outcomes).unwrap();
            slot
        };
        self.slots.iter().enumerate().map(slot).collect()
    }

    /// The reference's φ of every slot.
    pub fn phi(&self) -> Vec<f64> {
        self.expect.phi.iter().map(|phi| number(phi)).collect()
    }

    /// The largest error of a φ that the model allows in this cell.
    pub fn allowed(&self) -> f64 {
        1e-6 * self.phi().into_iter().fold(0.0, f64::max) + 2f64.powi(-30)
    }
}

/// A decimal number.
pub fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

/// All cells, or `None` after saying that they are missing.
pub fn load() -> Option<Vec<Cell>> {
    let beside = |folder: &Path| folder.join("shared/vectors/cells.json");
    let found = || Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(beside).find(|path| path.exists());
    let Some(path) = std::env::var_os("COVERAGE_VECTORS").map(PathBuf::from).or_else(found) else {
        eprintln!("SKIPPED: no shared/vectors/cells.json beside the checkout; set COVERAGE_VECTORS");
        return None;
    };
    let cells: Vec<Cell> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(!cells.is_empty());
    Some(cells)
}
