//! One file for each instruction: accounts, checks, handler.

pub mod apply_batch;
pub mod apply_failure_domain;
pub mod claim_rewards;
pub mod commit_capabilities;
pub mod create_network;
pub mod endorse;
pub mod enroll;
pub mod extend_attestation;
pub mod fund_treasury;
pub mod open_attestation;
pub mod open_epoch;
pub mod register_operator;
pub mod register_workload;
pub mod seal_cell;
pub mod settle_cell;
pub mod update_committee;

pub use apply_batch::*;
pub use apply_failure_domain::*;
pub use claim_rewards::*;
pub use commit_capabilities::*;
pub use create_network::*;
pub use endorse::*;
pub use enroll::*;
pub use extend_attestation::*;
pub use fund_treasury::*;
pub use open_attestation::*;
pub use open_epoch::*;
pub use register_operator::*;
pub use register_workload::*;
pub use seal_cell::*;
pub use settle_cell::*;
pub use update_committee::*;

use anchor_lang::cpi::InstructionAccount;
use anchor_lang::prelude::*;
use anchor_lang::unchecked_invoke_signed_fixed;

/// The cluster's time in unix seconds.
fn now() -> Result<i64> {
    Ok(<Clock as PinocchioSysvar>::get()?.unix_timestamp)
}

/// A token transfer out of `from` into `to`, signed by `authority` or by its seeds.
struct Transfer<'a> {
    program: &'a Address,
    from: CpiHandleMut<'a>,
    mint: CpiHandle<'a>,
    to: CpiHandleMut<'a>,
    authority: CpiHandle<'a>,
    seeds: &'a [&'a [&'a [u8]]],
}

impl Transfer<'_> {
    /// Moves tokens, checked against the mint's decimals.
    ///
    /// On the stack, because `anchor_spl`'s builder takes its way over vectors: 4,000 CU and 20 kB more. Nothing here holds a
    /// reference into the accounts' data during the call, which is what the unchecked invocation asks for.
    fn invoke(self, amount_units: u64, decimals: u8) {
        /// `TransferChecked` of SPL Token.
        const TRANSFER_CHECKED: u8 = 12;
        let [a, b, c, d, e, f, g, h] = amount_units.to_le_bytes();
        let metas = [
            InstructionAccount::writable(self.from.address()),
            InstructionAccount::readonly(self.mint.address()),
            InstructionAccount::writable(self.to.address()),
            InstructionAccount::readonly_signer(self.authority.address()),
        ];
        let handles = [self.from.into(), self.mint, self.to.into(), self.authority];
        let data = [TRANSFER_CHECKED, a, b, c, d, e, f, g, h, decimals];
        unchecked_invoke_signed_fixed(self.program, &data, &metas, &handles, self.seeds);
    }
}
