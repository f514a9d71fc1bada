use crate::errors::CoverageError;
use crate::events::{self, CapabilitiesCommitted};
use crate::instructions::now;
use crate::state::{Account, Network, Operator};
use anchor_lang::address_eq;
use anchor_lang::prelude::*;

/// Accounts of `commit_capabilities`.
#[event_cpi]
#[derive(Accounts)]
pub struct CommitCapabilities {
    pub wallet: Signer,
    pub network: Account<Network>,
    #[account(
        mut,
        constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork,
        constraint = address_eq(&operator.wallet, wallet.address()) @ CoverageError::WrongWallet
    )]
    pub operator: Account<Operator>,
}

/// Commits the root of the operator's capability leaves, effective from the next epoch.
///
/// Specification:
/// - shall refuse the null root and a tree without leaves
///
/// Callable by the operator's wallet; replaces what was committed before, enrolments stay.
pub fn commit_capabilities(ctx: &mut Context<CommitCapabilities>, root: [u8; 32], count: u32) -> Result<()> {
    require!(root != [0; 32] && count > 0, CoverageError::NullRoot);
    let accounts = &mut ctx.accounts;
    let epoch = accounts.network.first_free_epoch(now()?);
    let operator = &mut accounts.operator;
    operator.capability_root = root;
    operator.capability_count = count;
    operator.capability_epoch = epoch;
    let (operator, count) = (*operator.address(), u64::from(count));
    events::record!(accounts, ctx.bumps, CapabilitiesCommitted { operator, root, count, epoch });
    Ok(())
}
