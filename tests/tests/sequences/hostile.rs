//! What somebody without a right may do to a transaction that would have been one's own.

use crate::arena::Arena;
use coverage_client::pda;
use coverage_settlement::ID;
use coverage_settlement::state::{Epoch, Operator, Workload};
use coverage_tests::check::name;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// A change of the program's instruction in a transaction; numbers are taken modulo what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trick {
    /// The twin's account in place of this network's.
    Foreign { account: u8 },
    /// Another account that there is.
    Swap { account: u8, with: u16 },
    /// One account twice.
    Duplicate { from: u8, to: u8 },
    /// A signer that does not sign.
    Unsigned { account: u8 },
    /// Somebody else signs.
    Stranger { account: u8 },
    /// Other bits in the data.
    Bits { at: u16, flip: u8 },
    /// Data cut short.
    Cut { bytes: u8 },
    /// Accounts left out at the end.
    Fewer { accounts: u8 },
}

/// What anybody may sign.
const ANYBODY: &[&str] = &["create_network", "open_epoch", "claim_rewards", "withdraw_bond", "withdraw_attester_bond"];

impl Trick {
    /// Changes the last instruction of the program; false if there is nothing to change.
    pub fn apply(&self, arena: &Arena, instructions: &mut [Instruction]) -> bool {
        let Some(instruction) = instructions.iter_mut().rev().find(|instruction| instruction.program_id == ID) else {
            return false;
        };
        let count = instruction.accounts.len();
        let signers: Vec<_> = (0..count).filter(|at| instruction.accounts[*at].is_signer).collect();
        let before = instruction.clone();
        match *self {
            Self::Foreign { account } => {
                let at = usize::from(account) % count;
                match counterpart(arena, &instruction.accounts[at].pubkey) {
                    Some(foreign) => instruction.accounts[at].pubkey = foreign,
                    None => return false,
                }
            }
            Self::Swap { account, with } => {
                let known: Vec<_> = arena.state.0.keys().filter(|address| **address != arena.world.payer).collect();
                instruction.accounts[usize::from(account) % count].pubkey = *known[usize::from(with) % known.len()];
            }
            Self::Duplicate { from, to } => {
                let from = instruction.accounts[usize::from(from) % count].pubkey;
                instruction.accounts[usize::from(to) % count].pubkey = from;
            }
            Self::Unsigned { account } if !signers.is_empty() => {
                instruction.accounts[signers[usize::from(account) % signers.len()]].is_signer = false;
            }
            Self::Stranger { account } if !signers.is_empty() => {
                instruction.accounts[signers[usize::from(account) % signers.len()]].pubkey = arena.stranger;
            }
            Self::Bits { at, flip } => {
                // What times a network lives by stays: a year's epoch would only keep the test from ending.
                let first = if name(instruction) == Some("propose_config") { 40 } else { 0 };
                let room = instruction.data.len() - first;
                instruction.data[first + usize::from(at) % room] ^= flip.max(1);
            }
            Self::Cut { bytes } => {
                let left = instruction.data.len().saturating_sub(1 + usize::from(bytes) % 40);
                instruction.data.truncate(left);
            }
            Self::Fewer { accounts } => instruction.accounts.truncate(count - 1 - usize::from(accounts) % count),
            Self::Unsigned { .. } | Self::Stranger { .. } => return false,
        }
        *instruction != before
    }

    /// Why the transaction should have been refused, if it should.
    pub fn must_fail(&self, instructions: &[Instruction]) -> Option<String> {
        let name = instructions.iter().rev().find_map(name)?;
        let what = match self {
            Self::Stranger { .. } if !ANYBODY.contains(&name) => "for a stranger",
            Self::Unsigned { .. } => "without a signature",
            // Trimming nothing asks for no more than a cell, and a network may be founded on any mint.
            Self::Foreign { .. } if name != "trim_cell" && name != "create_network" => "with another network's account",
            // What comes behind their accounts is as many as there are.
            Self::Fewer { .. } if name != "trim_cell" && name != "close_epoch" => "with an account less",
            _ => return None,
        };
        Some(format!("{name} {what}"))
    }
}

/// The twin's account of the same kind.
fn counterpart(arena: &Arena, address: &Pubkey) -> Option<Pubkey> {
    let (net, twin, state) = (&arena.world.net, &arena.twin, &arena.state);
    let workload = pda::workload(&twin.address, 0);
    let fixed = [
        (net.address, twin.address),
        (net.token.mint, twin.token.mint),
        (pda::committee(&net.address), pda::committee(&twin.address)),
        (pda::vault(&net.address), pda::vault(&twin.address)),
    ];
    if let Some((_, foreign)) = fixed.iter().find(|(own, _)| own == address) {
        return Some(*foreign);
    }
    for row in state.rows(net) {
        let own = [row.address, pda::cell(&row.address), pda::log(&row.address)];
        if let Some(at) = own.iter().position(|own| own == address) {
            return Some([workload, pda::cell(&workload), pda::log(&workload)][at]);
        }
    }
    if state.get::<Operator>(address).is_some() {
        return Some(pda::operator(&twin.address, &arena.operators[0].wallet));
    }
    if state.get::<Epoch>(address).is_some() {
        return Some(pda::epoch(&twin.address, 0));
    }
    if state.attestations(net).iter().any(|(own, _)| own == address) {
        return state.attestations(twin).first().map(|(foreign, _)| *foreign);
    }
    debug_assert!(state.get::<Workload>(address).is_none());
    None
}
