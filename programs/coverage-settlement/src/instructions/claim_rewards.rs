use crate::errors::CoverageError;
use crate::events::{self, RewardsClaimed};
use crate::state::{self, Account, CellAccount, Network, Operator};
use crate::token::Payment;
use anchor_lang::prelude::*;
use anchor_lang::{AccountView, AnchorAccount, address_eq};
use coverage_math::cell::Stage;

/// Accounts of `claim_rewards`; behind them one cell for each slot number.
#[event_cpi]
#[derive(Accounts)]
pub struct ClaimRewards {
    /// Pays for the payout account if it has to be created; may be the payout wallet. SAFETY: neither's data is touched.
    #[account(mut, unsafe(dup))]
    pub payer: Signer,
    pub network: Account<Network>,
    #[account(
        mut,
        constraint = address_eq(&operator.network, network.address()) @ CoverageError::WrongNetwork,
        constraint = address_eq(&operator.payout, payout.address()) @ CoverageError::WrongPayout
    )]
    pub operator: Account<Operator>,
    pub payout: UncheckedAccount,
    /// The payout wallet's associated token account; created if missing.
    #[account(mut)]
    pub payout_account: UncheckedAccount,
    pub mint: UncheckedAccount,
    #[account(mut)]
    pub vault: UncheckedAccount,
    pub token_program: UncheckedAccount,
    pub associated_token_program: UncheckedAccount,
    pub system_program: Program<System>,
}

/// Pays what an operator earned in the cells passed, to its payout account.
///
/// Specification:
/// - shall pay each earned unit once (I4), only to the payout wallet recorded in the operator account
/// - shall create the payout account if it is missing
/// - shall do nothing at all, without an error, if nothing is earned
///
/// Callable by anyone, in any phase, paused or not; idempotent.
pub fn claim_rewards(ctx: &mut Context<ClaimRewards>, slots: &[u16]) -> Result<()> {
    let cells = ctx.remaining_accounts()?;
    require!(cells.len() == slots.len(), CoverageError::ClaimMismatch);
    let accounts = &mut ctx.accounts;
    let mut amount_units = 0u64;
    for (view, slot) in cells.into_iter().zip(slots) {
        let Some(event) = take_earned(view, accounts, *slot)? else {
            continue;
        };
        amount_units = amount_units.checked_add(event.amount_units).ok_or(CoverageError::AmountOverflow)?;
        events::record!(accounts, ctx.bumps, event);
    }
    let operator = &mut accounts.operator;
    operator.claimed = operator.claimed.checked_add(amount_units).ok_or(CoverageError::AmountOverflow)?;
    Payment {
        network: &accounts.network,
        mint: &accounts.mint,
        vault: &mut accounts.vault,
        token_program: &accounts.token_program,
        payer: *accounts.payer.account(),
        owner: *accounts.payout.account(),
        account: &mut accounts.payout_account,
        associated_token_program: &accounts.associated_token_program,
        system_program: &accounts.system_program,
    }
    .give(amount_units)
}

/// Takes what the operator's slot in one cell earned, out of the cell; returns what to tell, `None` if it is nothing.
fn take_earned(view: AccountView, accounts: &ClaimRewards, slot: u16) -> Result<Option<RewardsClaimed>> {
    // SAFETY: cells are taken one after the other and dropped before the next, so that one passed twice is never borrowed
    // twice; none of them is a declared account, whose types differ.
    let mut cell = unsafe { CellAccount::load_mut(view)? };
    require!(address_eq(&cell.network, accounts.network.address()), CoverageError::WrongNetwork);
    let (number, operator) = (slot, *accounts.operator.address());
    let crediting = cell.progress().stage == Stage::Values as u8;
    let slot = state::slot_mut(&mut cell, number)?;
    require!(slot.operator == *operator.as_array(), CoverageError::NotYourSlot);
    // What a half done settlement has credited is the cell's only when it is booked: it stays until then.
    let unbooked = if crediting { slot.reward } else { 0 };
    let amount_units = slot.earned.checked_sub(unbooked).ok_or(CoverageError::Inconsistent)?;
    slot.earned = unbooked;
    if amount_units == 0 {
        return Ok(None);
    }
    let earned_before_units = cell.earned;
    cell.earned = earned_before_units.checked_sub(amount_units).ok_or(CoverageError::Inconsistent)?;
    Ok(Some(RewardsClaimed {
        operator,
        workload: cell.workload,
        slot: u64::from(number),
        payout_account: *accounts.payout_account.address(),
        amount_units,
        earned_before_units,
    }))
}
