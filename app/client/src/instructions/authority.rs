//! What a network's authority and its guardian do.

use super::build;
use crate::pda::{self, Token};
use coverage_settlement::state::{Config, Member, Requirements};
use coverage_settlement::{ID, accounts, instruction};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Creates network `id`; the authority pays.
#[must_use]
pub fn create_network(
    authority: Pubkey,
    id: u64,
    token: &Token,
    guardian: Pubkey,
    genesis_ts: i64,
    config: Config,
) -> Instruction {
    let network = pda::network(id);
    let accounts = accounts::CreateNetwork {
        authority,
        network,
        committee: pda::committee(&network),
        mint: token.mint,
        vault: pda::vault(&network),
        token_program: token.program,
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::CreateNetwork { id, guardian, genesis_ts, config })
}

/// Names who may become the authority; the zero address takes it back.
#[must_use]
pub fn propose_authority(authority: Pubkey, network: Pubkey, pending: Pubkey) -> Instruction {
    let accounts =
        accounts::ProposeAuthority { authority, network, event_authority: pda::event_authority(), program: ID };
    build(&accounts, &instruction::ProposeAuthority { pending })
}

/// Makes `pending` the authority.
#[must_use]
pub fn accept_authority(pending: Pubkey, network: Pubkey) -> Instruction {
    let accounts = accounts::AcceptAuthority { pending, network, event_authority: pda::event_authority(), program: ID };
    build(&accounts, &instruction::AcceptAuthority {})
}

/// Names who may pause.
#[must_use]
pub fn set_guardian(authority: Pubkey, network: Pubkey, guardian: Pubkey) -> Instruction {
    let accounts = accounts::SetGuardian { authority, network, event_authority: pda::event_authority(), program: ID };
    build(&accounts, &instruction::SetGuardian { guardian })
}

/// Proposes a configuration for the epochs that begin after the delay.
#[must_use]
pub fn propose_config(authority: Pubkey, network: Pubkey, config: Config) -> Instruction {
    let accounts = accounts::ProposeConfig { authority, network, event_authority: pda::event_authority(), program: ID };
    build(&accounts, &instruction::ProposeConfig { config })
}

/// Pauses phases ([`PAUSE_ENROL`](coverage_settlement::constants::PAUSE_ENROL) and the like, added up) for a while.
#[must_use]
pub fn pause(guardian: Pubkey, network: Pubkey, phases: u8, seconds: u32) -> Instruction {
    let accounts = accounts::Pause { guardian, network, event_authority: pda::event_authority(), program: ID };
    build(&accounts, &instruction::Pause { phases, seconds })
}

/// Ends a pause early; the guardian or the authority signs.
#[must_use]
pub fn unpause(signer: Pubkey, network: Pubkey) -> Instruction {
    let accounts = accounts::Unpause { signer, network, event_authority: pda::event_authority(), program: ID };
    build(&accounts, &instruction::Unpause {})
}

/// The most members that fit one `update_committee` transaction.
pub const MEMBERS_A_TRANSACTION: usize = 19;

/// Gives places of the committee keys and weights.
#[must_use]
pub fn update_committee(authority: Pubkey, network: Pubkey, members: Vec<Member>) -> Instruction {
    let accounts = accounts::UpdateCommittee {
        authority,
        network,
        committee: pda::committee(&network),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::UpdateCommittee { members })
}

/// Adds workload `id`; the authority pays.
#[must_use]
pub fn register_workload(
    authority: Pubkey,
    network: Pubkey,
    id: u64,
    weight: u64,
    requirements: Requirements,
) -> Instruction {
    let workload = pda::workload(&network, id);
    let accounts = accounts::RegisterWorkload {
        authority,
        network,
        workload,
        cell: pda::cell(&workload),
        log: pda::log(&workload),
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::RegisterWorkload { id, weight, requirements })
}

/// Gives a workload another weight from the next epoch on; 0 retires it for good.
#[must_use]
pub fn set_workload_weight(authority: Pubkey, network: Pubkey, workload: Pubkey, weight: u64) -> Instruction {
    let accounts = accounts::SetWorkloadWeight {
        authority,
        network,
        workload,
        cell: pda::cell(&workload),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::SetWorkloadWeight { weight })
}
