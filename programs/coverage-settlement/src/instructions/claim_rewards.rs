use crate::errors::CoverageError;
use crate::events::RewardsClaimed;
use crate::instructions::Transfer;
use crate::state::{self, CellAccount, NETWORK_SEED, Network, Operator};
use anchor_lang::cpi::InstructionAccount;
use anchor_lang::prelude::*;
use anchor_lang::programs::AssociatedToken;
use anchor_lang::{AnchorAccount, address_eq, unchecked_invoke_signed_fixed};
use anchor_spl::{Mint, TokenAccount, associated_token};

/// Accounts of `claim_rewards`; behind them one cell for each slot number.
#[derive(Accounts)]
pub struct ClaimRewards {
    /// Pays for the payout account if it has to be created.
    #[account(mut)]
    pub payer: Signer,
    #[account(
        constraint = address_eq(&network.mint, mint.address()) @ CoverageError::WrongMint,
        constraint = address_eq(&network.vault, vault.address()) @ CoverageError::WrongVault
    )]
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
    pub mint: Account<Mint>,
    #[account(mut)]
    pub vault: Account<TokenAccount>,
    pub token_program: Program<Token>,
    pub associated_token_program: Program<AssociatedToken>,
    pub system_program: Program<System>,
}

/// Pays what an operator earned in the cells passed, to its payout account.
///
/// Specification:
/// - shall pay each earned unit once (I4), only to the payout wallet recorded in the operator account
/// - shall create the payout account if it is missing
/// - shall do nothing at all, without an error, if nothing is earned
///
/// Callable by anyone, in any phase; idempotent.
pub fn claim_rewards(ctx: &mut Context<ClaimRewards>, slots: &[u16]) -> Result<()> {
    let cells = ctx.remaining_accounts()?;
    require!(cells.len() == slots.len(), CoverageError::ClaimMismatch);
    let accounts = &mut ctx.accounts;
    let seeds: [&[u8]; 3] = [
        accounts.payout.address().as_ref(),
        accounts.token_program.address().as_ref(),
        accounts.mint.address().as_ref(),
    ];
    let (expected, _) = anchor_lang::find_program_address(&seeds, &associated_token::ID);
    require!(address_eq(accounts.payout_account.address(), &expected), CoverageError::WrongPayoutAccount);
    let operator = *accounts.operator.address();
    let mut amount_units = 0u64;
    for (view, index) in cells.into_iter().zip(slots) {
        let taken = take_earned(view, &accounts.network, &operator, *index)?;
        amount_units = amount_units.checked_add(taken).ok_or(CoverageError::AmountOverflow)?;
    }
    if amount_units == 0 {
        return Ok(());
    }
    let claimed_before_units = accounts.operator.claimed;
    accounts.operator.claimed = claimed_before_units.checked_add(amount_units).ok_or(CoverageError::AmountOverflow)?;
    pay(accounts, amount_units);
    emit!(RewardsClaimed { operator, payout_account: expected, amount_units, claimed_before_units });
    Ok(())
}

/// Takes what the operator's slot in one cell earned, out of the cell.
fn take_earned(view: AccountView, network: &Account<Network>, operator: &Address, index: u16) -> Result<u64> {
    // SAFETY: cells are taken one after the other and dropped before the next, so that one passed twice is never borrowed
    // twice; none of them is a declared account, whose types differ.
    let mut cell = unsafe { CellAccount::load_mut(view)? };
    require!(address_eq(&cell.network, network.address()), CoverageError::WrongNetwork);
    let slot = state::slot_mut(&mut cell, index)?;
    require!(slot.operator == *operator.as_array(), CoverageError::NotYourSlot);
    let earned = core::mem::take(&mut slot.earned);
    cell.earned = cell.earned.checked_sub(earned).ok_or(CoverageError::Inconsistent)?;
    Ok(earned)
}

/// Pays out of the vault, creating the payout account if it is missing.
fn pay(accounts: &mut ClaimRewards, amount_units: u64) {
    if accounts.payout_account.account().data_len() == 0 {
        create_payout_account(accounts);
    }
    let (id, bump) = (accounts.network.id.to_le_bytes(), [accounts.network.bump]);
    let decimals = accounts.network.decimals;
    Transfer {
        program: accounts.token_program.address(),
        from: accounts.vault.cpi_handle_mut(),
        mint: accounts.mint.cpi_handle(),
        to: accounts.payout_account.cpi_handle_mut(),
        authority: accounts.network.cpi_handle(),
        seeds: &[&[NETWORK_SEED, &id, &bump]],
    }
    .invoke(amount_units, decimals);
}

/// Creates the payout wallet's associated token account, at the payer's expense.
fn create_payout_account(accounts: &mut ClaimRewards) {
    /// `CreateIdempotent` of the associated token program.
    const CREATE_IDEMPOTENT: u8 = 1;
    let handles = [
        accounts.payer.cpi_handle_mut().into(),
        accounts.payout_account.cpi_handle_mut().into(),
        accounts.payout.cpi_handle(),
        accounts.mint.cpi_handle(),
        accounts.system_program.cpi_handle(),
        accounts.token_program.cpi_handle(),
    ];
    let [payer, account, owner, mint, system, token] = handles.each_ref().map(CpiHandle::address);
    let metas = [
        InstructionAccount::writable_signer(payer),
        InstructionAccount::writable(account),
        InstructionAccount::readonly(owner),
        InstructionAccount::readonly(mint),
        InstructionAccount::readonly(system),
        InstructionAccount::readonly(token),
    ];
    let program = accounts.associated_token_program.address();
    unchecked_invoke_signed_fixed(program, &[CREATE_IDEMPOTENT], &metas, &handles, &[]);
}
