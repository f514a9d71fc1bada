//! What anybody may do to keep a network going.

use super::build;
use crate::pda;
use coverage_settlement::constants::SETTLE_OVERHEAD;
use coverage_settlement::{ID, accounts, instruction};
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;

/// Opens epoch `epoch`, which must be the network's next one.
#[must_use]
pub fn open_epoch(payer: Pubkey, network: Pubkey, epoch: u64) -> Instruction {
    let accounts = accounts::OpenEpoch {
        payer,
        network,
        committee: pda::committee(&network),
        epoch: pda::epoch(&network, epoch),
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::OpenEpoch {})
}

/// Tells that these workloads' cells are done with an epoch, and closes it after the last; `payer` is who opened it.
#[must_use]
pub fn close_epoch(payer: Pubkey, network: Pubkey, epoch: u64, workloads: &[Pubkey]) -> Instruction {
    let accounts = accounts::CloseEpoch {
        epoch: pda::epoch(&network, epoch),
        payer,
        event_authority: pda::event_authority(),
        program: ID,
    };
    let mut instruction = build(&accounts, &instruction::CloseEpoch {});
    instruction.accounts.extend(workloads.iter().map(|workload| AccountMeta::new(pda::cell(workload), false)));
    instruction
}

/// Seals the workload's cell for `epoch`.
#[must_use]
pub fn seal_cell(network: Pubkey, workload: Pubkey, epoch: u64) -> Instruction {
    let accounts = accounts::SealCell {
        network,
        epoch: pda::epoch(&network, epoch),
        workload,
        cell: pda::cell(&workload),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::SealCell {})
}

/// The most compute units a transaction can have.
pub const COMPUTE_LIMIT: u32 = 1_400_000;

/// What `settle_cell` may use for its steps in a transaction of its own with [`COMPUTE_LIMIT`].
pub const SETTLE_STEPS: u32 = COMPUTE_LIMIT.saturating_sub(SETTLE_OVERHEAD);

/// Settles the workload's cell for `epoch`, as far as `step_units` compute units allow: [`SETTLE_STEPS`], unless it is to
/// take several transactions.
#[must_use]
pub fn settle_cell(network: Pubkey, workload: Pubkey, epoch: u64, step_units: u32) -> Instruction {
    let accounts = accounts::SettleCell {
        network,
        epoch: pda::epoch(&network, epoch),
        workload,
        cell: pda::cell(&workload),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::SettleCell { step_units })
}

/// Gives a slot its operator's present bond and failure domain, from the next epoch on.
#[must_use]
pub fn sync_slot(network: Pubkey, operator: Pubkey, workload: Pubkey, slot: u16) -> Instruction {
    let accounts = accounts::SyncSlot {
        network,
        operator,
        cell: pda::cell(&workload),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::SyncSlot { slot })
}

/// Frees the slot of an operator that has left.
#[must_use]
pub fn release_slot(operator: Pubkey, workload: Pubkey, slot: u16) -> Instruction {
    let accounts = accounts::ReleaseSlot {
        workload,
        operator,
        cell: pda::cell(&workload),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::ReleaseSlot { slot })
}

/// Takes free slots off the end of a cell; `payers` are who paid for them, from the last on.
#[must_use]
pub fn trim_cell(workload: Pubkey, payers: &[Pubkey]) -> Instruction {
    let accounts =
        accounts::TrimCell { cell: pda::cell(&workload), event_authority: pda::event_authority(), program: ID };
    let mut instruction = build(&accounts, &instruction::TrimCell {});
    instruction.accounts.extend(payers.iter().map(|payer| AccountMeta::new(*payer, false)));
    instruction
}

/// Slashes an operator for a settled verification breach of its slot.
#[must_use]
pub fn slash_operator(network: Pubkey, operator: Pubkey, workload: Pubkey, slot: u16) -> Instruction {
    let accounts = accounts::SlashOperator {
        network,
        operator,
        cell: pda::cell(&workload),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::SlashOperator { slot })
}

/// Moves what a cell owes the treasury there.
#[must_use]
pub fn sweep_cell(network: Pubkey, workload: Pubkey) -> Instruction {
    let accounts = accounts::SweepCell {
        network,
        workload,
        cell: pda::cell(&workload),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::SweepCell {})
}

/// Closes the cell and log of a retired workload; `payer` is who paid for them.
#[must_use]
pub fn close_cell(payer: Pubkey, workload: Pubkey) -> Instruction {
    let accounts = accounts::CloseCell {
        workload,
        cell: pda::cell(&workload),
        log: pda::log(&workload),
        payer,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::CloseCell {})
}
