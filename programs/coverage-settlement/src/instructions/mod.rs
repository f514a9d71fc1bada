//! One file for each instruction: accounts, checks, handler.

pub mod accept_authority;
pub mod add_attester_bond;
pub mod add_bond;
pub mod apply_batch;
pub mod apply_failure_domain;
pub mod challenge_batch;
pub mod claim_rewards;
pub mod close_attestation;
pub mod close_cell;
pub mod close_epoch;
pub mod commit_capabilities;
pub mod create_network;
pub mod endorse;
pub mod enroll;
pub mod extend_attestation;
pub mod fund_treasury;
pub mod leave_cell;
pub mod open_attestation;
pub mod open_epoch;
pub mod pause;
pub mod propose_authority;
pub mod propose_config;
pub mod register_operator;
pub mod register_workload;
pub mod release_slot;
pub mod retire_operator;
pub mod seal_cell;
pub mod set_guardian;
pub mod set_workload_weight;
pub mod settle_cell;
pub mod slash_operator;
pub mod sponsor_workload;
pub mod sweep_cell;
pub mod sync_slot;
pub mod trim_cell;
pub mod unbond;
pub mod unbond_attester;
pub mod unpause;
pub mod update_committee;
pub mod withdraw_attester_bond;
pub mod withdraw_bond;

pub use accept_authority::*;
pub use add_attester_bond::*;
pub use add_bond::*;
pub use apply_batch::*;
pub use apply_failure_domain::*;
pub use challenge_batch::*;
pub use claim_rewards::*;
pub use close_attestation::*;
pub use close_cell::*;
pub use close_epoch::*;
pub use commit_capabilities::*;
pub use create_network::*;
pub use endorse::*;
pub use enroll::*;
pub use extend_attestation::*;
pub use fund_treasury::*;
pub use leave_cell::*;
pub use open_attestation::*;
pub use open_epoch::*;
pub use pause::*;
pub use propose_authority::*;
pub use propose_config::*;
pub use register_operator::*;
pub use register_workload::*;
pub use release_slot::*;
pub use retire_operator::*;
pub use seal_cell::*;
pub use set_guardian::*;
pub use set_workload_weight::*;
pub use settle_cell::*;
pub use slash_operator::*;
pub use sponsor_workload::*;
pub use sweep_cell::*;
pub use sync_slot::*;
pub use trim_cell::*;
pub use unbond::*;
pub use unbond_attester::*;
pub use unpause::*;
pub use update_committee::*;
pub use withdraw_attester_bond::*;
pub use withdraw_bond::*;

use crate::events::{BondCause, BondChanged};
use crate::state::Bond;
use anchor_lang::prelude::*;

/// The cluster's time in unix seconds.
fn now() -> Result<i64> {
    Ok(<Clock as PinocchioSysvar>::get()?.unix_timestamp)
}

/// What to tell of a bond that changed from the first to the second of `bonds`.
fn bond_changed(
    network: Address,
    holder: Address,
    cause: BondCause,
    amount_units: u64,
    (before, after): (Bond, Bond),
) -> BondChanged {
    BondChanged { network, holder, cause: cause as u64, amount_units, before, after }
}
