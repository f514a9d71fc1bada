//! One pure builder for each instruction of the program.

use crate::pda;
use anchor_lang::{InstructionData, ToAccountMetas};
use coverage_settlement::constants::SETTLE_OVERHEAD;
use coverage_settlement::state::{Config, Member, Requirements, StatementArgs};
use coverage_settlement::{CapabilityArgs, ID, accounts, instruction};
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;

fn build(accounts: &impl ToAccountMetas, args: &impl InstructionData) -> Instruction {
    Instruction { program_id: ID, accounts: accounts.to_account_metas(None), data: args.data() }
}

/// Creates network `id`; the authority pays.
#[must_use]
pub fn create_network(
    authority: Pubkey,
    id: u64,
    mint: Pubkey,
    guardian: Pubkey,
    genesis_ts: i64,
    config: Config,
) -> Instruction {
    let network = pda::network(id);
    let accounts = accounts::CreateNetwork {
        authority,
        network,
        committee: pda::committee(&network),
        mint,
        vault: pda::vault(&network),
        token_program: pda::TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
    };
    let args = instruction::CreateNetwork { id, guardian, genesis_ts, config };
    build(&accounts, &args)
}

/// The most members that fit one `update_committee` transaction.
pub const MEMBERS_A_TRANSACTION: usize = 20;

/// Writes `members` from place `start` on and makes the committee `count` long.
#[must_use]
pub fn update_committee(authority: Pubkey, network: Pubkey, start: u8, count: u8, members: Vec<Member>) -> Instruction {
    let accounts = accounts::UpdateCommittee { authority, network, committee: pda::committee(&network) };
    build(&accounts, &instruction::UpdateCommittee { start, count, members })
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
    };
    let args = instruction::RegisterWorkload { id, weight, requirements };
    build(&accounts, &args)
}

/// Moves `amount_units` from the funder's token account `source` to the treasury.
#[must_use]
pub fn fund_treasury(funder: Pubkey, network: Pubkey, mint: Pubkey, source: Pubkey, amount_units: u64) -> Instruction {
    let accounts = accounts::FundTreasury {
        funder,
        network,
        mint,
        source,
        vault: pda::vault(&network),
        token_program: pda::TOKEN_PROGRAM,
    };
    build(&accounts, &instruction::FundTreasury { amount_units })
}

/// Opens epoch `index`, which must be the network's next one.
#[must_use]
pub fn open_epoch(payer: Pubkey, network: Pubkey, index: u64) -> Instruction {
    let accounts = accounts::OpenEpoch {
        payer,
        network,
        committee: pda::committee(&network),
        epoch: pda::epoch(&network, index),
        system_program: pda::SYSTEM_PROGRAM,
    };
    build(&accounts, &instruction::OpenEpoch {})
}

/// Registers `wallet` as an operator; the bond comes from its token account `source`.
#[must_use]
pub fn register_operator(
    wallet: Pubkey,
    network: Pubkey,
    mint: Pubkey,
    source: Pubkey,
    payout: Pubkey,
    bond_units: u64,
) -> Instruction {
    let accounts = accounts::RegisterOperator {
        wallet,
        network,
        operator: pda::operator(&network, &wallet),
        mint,
        source,
        vault: pda::vault(&network),
        token_program: pda::TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
    };
    build(&accounts, &instruction::RegisterOperator { payout, bond_units })
}

/// Commits the root of a tree of `count` capability leaves.
#[must_use]
pub fn commit_capabilities(wallet: Pubkey, network: Pubkey, root: [u8; 32], count: u32) -> Instruction {
    let accounts = accounts::CommitCapabilities { wallet, network, operator: pda::operator(&network, &wallet) };
    build(&accounts, &instruction::CommitCapabilities { root, count })
}

/// Opens capability leaf `index` and takes a slot in the workload's cell.
#[must_use]
pub fn enroll(
    wallet: Pubkey,
    network: Pubkey,
    workload: Pubkey,
    capability: CapabilityArgs,
    index: u32,
    proof: Vec<[u8; 32]>,
) -> Instruction {
    let accounts = accounts::Enroll {
        wallet,
        network,
        workload,
        operator: pda::operator(&network, &wallet),
        cell: pda::cell(&workload),
        system_program: pda::SYSTEM_PROGRAM,
    };
    let args = instruction::Enroll { capability, index, proof };
    build(&accounts, &args)
}

/// Opens an attestation with its first entries (`chunk`, whole records of 32 bytes).
#[must_use]
pub fn open_attestation(
    payer: Pubkey,
    network: Pubkey,
    digest: [u8; 32],
    statement: StatementArgs,
    chunk: Vec<u8>,
) -> Instruction {
    let accounts = accounts::OpenAttestation {
        payer,
        network,
        committee: pda::committee(&network),
        attestation: pda::attestation(&network, &payer, &digest),
        system_program: pda::SYSTEM_PROGRAM,
    };
    let args = instruction::OpenAttestation { digest, statement, chunk };
    build(&accounts, &args)
}

/// Adds entries to an attestation.
#[must_use]
pub fn extend_attestation(payer: Pubkey, attestation: Pubkey, chunk: Vec<u8>) -> Instruction {
    let accounts = accounts::ExtendAttestation { payer, attestation, system_program: pda::SYSTEM_PROGRAM };
    build(&accounts, &instruction::ExtendAttestation { chunk })
}

/// Counts the signatures of the Ed25519 instruction at `ed25519_index` of the same transaction.
#[must_use]
pub fn endorse(network: Pubkey, attestation: Pubkey, ed25519_index: u8) -> Instruction {
    let accounts =
        accounts::Endorse { attestation, committee: pda::committee(&network), instructions: pda::INSTRUCTIONS_SYSVAR };
    build(&accounts, &instruction::Endorse { ed25519_index })
}

/// Applies an endorsed batch; `payer` is who opened the attestation.
#[must_use]
pub fn apply_batch(network: Pubkey, workload: Pubkey, epoch: u64, attestation: Pubkey, payer: Pubkey) -> Instruction {
    let accounts = accounts::ApplyBatch {
        committee: pda::committee(&network),
        epoch: pda::epoch(&network, epoch),
        cell: pda::cell(&workload),
        log: pda::log(&workload),
        attestation,
        payer,
    };
    build(&accounts, &instruction::ApplyBatch {})
}

/// Applies an endorsed failure domain; `payer` is who opened the attestation.
#[must_use]
pub fn apply_failure_domain(network: Pubkey, operator: Pubkey, attestation: Pubkey, payer: Pubkey) -> Instruction {
    let accounts =
        accounts::ApplyFailureDomain { network, committee: pda::committee(&network), operator, attestation, payer };
    build(&accounts, &instruction::ApplyFailureDomain {})
}

/// Seals the workload's cell for `epoch`.
#[must_use]
pub fn seal_cell(network: Pubkey, workload: Pubkey, epoch: u64) -> Instruction {
    let accounts = accounts::SealCell { epoch: pda::epoch(&network, epoch), workload, cell: pda::cell(&workload) };
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
    let accounts = accounts::SettleCell { epoch: pda::epoch(&network, epoch), workload, cell: pda::cell(&workload) };
    build(&accounts, &instruction::SettleCell { step_units })
}

/// Pays what an operator earned in `(workload, slot)` pairs.
#[must_use]
pub fn claim_rewards(
    payer: Pubkey,
    network: Pubkey,
    mint: Pubkey,
    operator: Pubkey,
    payout: Pubkey,
    slots: &[(Pubkey, u16)],
) -> Instruction {
    let accounts = accounts::ClaimRewards {
        payer,
        network,
        operator,
        payout,
        payout_account: pda::token_account(&payout, &mint),
        mint,
        vault: pda::vault(&network),
        token_program: pda::TOKEN_PROGRAM,
        associated_token_program: pda::ASSOCIATED_TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
    };
    let numbers = slots.iter().map(|(_, slot)| *slot).collect();
    let mut instruction = build(&accounts, &instruction::ClaimRewards { slots: numbers });
    let cells = slots.iter().map(|(workload, _)| AccountMeta::new(pda::cell(workload), false));
    instruction.accounts.extend(cells);
    instruction
}
