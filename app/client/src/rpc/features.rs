//! Features of a cluster that matter here. Each is an account, which says whether it is active.

use solana_program::pubkey::Pubkey;

/// Transactions of version 1 (SIMD-0385).
pub const V1_TRANSACTIONS: Pubkey = Pubkey::from_str_const("txv1aq4pp281K9um3tnPgkfX8UqtFT6wcVW3hNezGLL");
/// Programs of SBPF version 3 are deployed and run.
pub const SBPF_V3: Pubkey = Pubkey::from_str_const("5cC3foj77CWun58pC51ebHFUWavHWKarWyR5UUik7dnC");
/// Programs of SBPF versions 0 to 2 are deployed no more (SIMD-0500). Those that are there run on.
pub const NO_OLD_SBPF: Pubkey = Pubkey::from_str_const("B8JJXCy5amZyWG9r7EnUYLwzXSXTxG7GZ1qZ1qggo83g");

/// Whether a feature with such an account is active: it starts with 1 then, and with 0 while it is pending.
#[must_use]
pub fn is_active(account: Option<&[u8]>) -> bool {
    account.is_some_and(|data| data.first() == Some(&1))
}
