//! What an operator does with its wallet, from registering to claiming.

use super::build;
use crate::pda::{self, Token};
use coverage_settlement::{CapabilityArgs, ID, accounts, instruction};
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;

/// Registers `wallet` as an operator; the bond comes from its token account `source`.
#[must_use]
pub fn register_operator(
    wallet: Pubkey,
    network: Pubkey,
    token: &Token,
    source: Pubkey,
    payout: Pubkey,
    bond_units: u64,
) -> Instruction {
    let accounts = accounts::RegisterOperator {
        wallet,
        network,
        operator: pda::operator(&network, &wallet),
        mint: token.mint,
        source,
        vault: pda::vault(&network),
        token_program: token.program,
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::RegisterOperator { payout, bond_units })
}

/// Adds tokens from the account `source` of an operator's wallet to its bond.
#[must_use]
pub fn add_bond(wallet: Pubkey, network: Pubkey, token: &Token, source: Pubkey, amount_units: u64) -> Instruction {
    let accounts = accounts::AddBond {
        wallet,
        network,
        operator: pda::operator(&network, &wallet),
        mint: token.mint,
        source,
        vault: pda::vault(&network),
        token_program: token.program,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::AddBond { amount_units })
}

/// Sends part of an operator's bond on its way out.
#[must_use]
pub fn unbond(wallet: Pubkey, network: Pubkey, amount_units: u64) -> Instruction {
    let accounts = accounts::Unbond {
        wallet,
        network,
        operator: pda::operator(&network, &wallet),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::Unbond { amount_units })
}

/// Pays what of an operator's bond is on its way out to its wallet.
#[must_use]
pub fn withdraw_bond(payer: Pubkey, network: Pubkey, token: &Token, wallet: Pubkey) -> Instruction {
    let accounts = accounts::WithdrawBond {
        payer,
        network,
        operator: pda::operator(&network, &wallet),
        wallet,
        wallet_account: pda::token_account(&wallet, token),
        mint: token.mint,
        vault: pda::vault(&network),
        token_program: token.program,
        associated_token_program: pda::ASSOCIATED_TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::WithdrawBond {})
}

/// Closes an operator that has no slots and no bond.
#[must_use]
pub fn retire_operator(wallet: Pubkey, network: Pubkey) -> Instruction {
    let accounts = accounts::RetireOperator {
        wallet,
        operator: pda::operator(&network, &wallet),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::RetireOperator {})
}

/// Commits the root of a tree of `count` capability leaves.
#[must_use]
pub fn commit_capabilities(wallet: Pubkey, network: Pubkey, root: [u8; 32], count: u32) -> Instruction {
    let accounts = accounts::CommitCapabilities {
        wallet,
        network,
        operator: pda::operator(&network, &wallet),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::CommitCapabilities { root, count })
}

/// Opens capability leaf `index` and takes a slot in the workload's cell. If the cell has a free slot, `refund` is who paid for
/// the first of these: see [`free_slot`](crate::accounts::free_slot).
#[must_use]
pub fn enroll(
    wallet: Pubkey,
    network: Pubkey,
    workload: Pubkey,
    (capability, index, proof): (CapabilityArgs, u32, Vec<[u8; 32]>),
    refund: Option<Pubkey>,
) -> Instruction {
    let accounts = accounts::Enroll {
        wallet,
        network,
        workload,
        operator: pda::operator(&network, &wallet),
        cell: pda::cell(&workload),
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    let mut instruction = build(&accounts, &instruction::Enroll { capability, index, proof });
    instruction.accounts.extend(refund.map(|refund| AccountMeta::new(refund, false)));
    instruction
}

/// Has a slot count no more from the next epoch on.
#[must_use]
pub fn leave_cell(wallet: Pubkey, network: Pubkey, workload: Pubkey, slot: u16) -> Instruction {
    let accounts = accounts::LeaveCell {
        wallet,
        network,
        operator: pda::operator(&network, &wallet),
        cell: pda::cell(&workload),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::LeaveCell { slot })
}

/// Pays what an operator earned in `(workload, slot)` pairs.
#[must_use]
pub fn claim_rewards(
    payer: Pubkey,
    network: Pubkey,
    token: &Token,
    operator: Pubkey,
    payout: Pubkey,
    slots: &[(Pubkey, u16)],
) -> Instruction {
    let accounts = accounts::ClaimRewards {
        payer,
        network,
        operator,
        payout,
        payout_account: pda::token_account(&payout, token),
        mint: token.mint,
        vault: pda::vault(&network),
        token_program: token.program,
        associated_token_program: pda::ASSOCIATED_TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    let numbers = slots.iter().map(|(_, slot)| *slot).collect();
    let mut instruction = build(&accounts, &instruction::ClaimRewards { slots: numbers });
    let cells = slots.iter().map(|(workload, _)| AccountMeta::new(pda::cell(workload), false));
    instruction.accounts.extend(cells);
    instruction
}
