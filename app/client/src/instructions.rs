//! One pure builder for each instruction of the program.

use crate::pda::{self, Token};
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

/// Adds tokens from the funder's account `source` to the bond of the attester in a place.
#[must_use]
pub fn add_attester_bond(
    funder: Pubkey,
    network: Pubkey,
    token: &Token,
    source: Pubkey,
    place: u8,
    amount_units: u64,
) -> Instruction {
    let accounts = accounts::AddAttesterBond {
        funder,
        network,
        committee: pda::committee(&network),
        mint: token.mint,
        source,
        vault: pda::vault(&network),
        token_program: token.program,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::AddAttesterBond { place, amount_units })
}

/// Sends part of an attester's bond on its way out; its key signs, or the authority for one without weight.
#[must_use]
pub fn unbond_attester(signer: Pubkey, network: Pubkey, place: u8, amount_units: u64) -> Instruction {
    let accounts = accounts::UnbondAttester {
        signer,
        network,
        committee: pda::committee(&network),
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::UnbondAttester { place, amount_units })
}

/// Pays what of an attester's bond is on its way out to the token account of its key.
#[must_use]
pub fn withdraw_attester_bond(
    payer: Pubkey,
    network: Pubkey,
    token: &Token,
    attester: Pubkey,
    place: u8,
) -> Instruction {
    let accounts = accounts::WithdrawAttesterBond {
        payer,
        network,
        committee: pda::committee(&network),
        attester,
        attester_account: pda::token_account(&attester, token),
        mint: token.mint,
        vault: pda::vault(&network),
        token_program: token.program,
        associated_token_program: pda::ASSOCIATED_TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::WithdrawAttesterBond { place })
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

/// Moves `amount_units` from the funder's token account `source` to the treasury.
#[must_use]
pub fn fund_treasury(funder: Pubkey, network: Pubkey, token: &Token, source: Pubkey, amount_units: u64) -> Instruction {
    let accounts = accounts::FundTreasury {
        funder,
        network,
        mint: token.mint,
        source,
        vault: pda::vault(&network),
        token_program: token.program,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::FundTreasury { amount_units })
}

/// Moves `amount_units` from the sponsor's token account `source` to the pool of one workload.
#[must_use]
pub fn sponsor_workload(
    sponsor: Pubkey,
    network: Pubkey,
    workload: Pubkey,
    token: &Token,
    source: Pubkey,
    amount_units: u64,
) -> Instruction {
    let accounts = accounts::SponsorWorkload {
        sponsor,
        network,
        workload,
        cell: pda::cell(&workload),
        mint: token.mint,
        source,
        vault: pda::vault(&network),
        token_program: token.program,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::SponsorWorkload { amount_units })
}

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
pub fn add_bond(
    wallet: Pubkey,
    network: Pubkey,
    operator: Pubkey,
    token: &Token,
    source: Pubkey,
    amount_units: u64,
) -> Instruction {
    let accounts = accounts::AddBond {
        wallet,
        network,
        operator,
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
    build(&accounts, &instruction::OpenAttestation { digest, statement, chunk })
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

/// Closes an attestation that will not be applied.
#[must_use]
pub fn close_attestation(payer: Pubkey, attestation: Pubkey) -> Instruction {
    let accounts = accounts::CloseAttestation { payer, attestation };
    build(&accounts, &instruction::CloseAttestation {})
}

/// Applies an endorsed batch; `payer` is who opened the attestation.
#[must_use]
pub fn apply_batch(network: Pubkey, workload: Pubkey, epoch: u64, attestation: Pubkey, payer: Pubkey) -> Instruction {
    let accounts = accounts::ApplyBatch {
        network,
        committee: pda::committee(&network),
        epoch: pda::epoch(&network, epoch),
        workload,
        cell: pda::cell(&workload),
        log: pda::log(&workload),
        attestation,
        payer,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::ApplyBatch {})
}

/// What [`challenge_batch`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The workload.
    pub workload: Pubkey,
    /// The epoch in hand.
    pub epoch: u64,
    /// Number of the batch.
    pub sequence: u32,
    /// An attestation with the batch's entries.
    pub entries: Pubkey,
    /// An attestation with the evidence: see [`crate::evidence`].
    pub evidence: Pubkey,
}

/// Proves an applied batch false; the challenger is paid its share.
#[must_use]
pub fn challenge_batch(challenger: Pubkey, network: Pubkey, token: &Token, challenge: &Challenge) -> Instruction {
    let Challenge { workload, epoch, sequence, entries, evidence } = challenge;
    let accounts = accounts::ChallengeBatch {
        challenger,
        network,
        committee: pda::committee(&network),
        epoch: pda::epoch(&network, *epoch),
        cell: pda::cell(workload),
        log: pda::log(workload),
        entries: *entries,
        evidence: *evidence,
        challenger_account: pda::token_account(&challenger, token),
        mint: token.mint,
        vault: pda::vault(&network),
        token_program: token.program,
        associated_token_program: pda::ASSOCIATED_TOKEN_PROGRAM,
        system_program: pda::SYSTEM_PROGRAM,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::ChallengeBatch { sequence: *sequence })
}

/// Applies an endorsed failure domain; `payer` is who opened the attestation.
#[must_use]
pub fn apply_failure_domain(network: Pubkey, operator: Pubkey, attestation: Pubkey, payer: Pubkey) -> Instruction {
    let accounts = accounts::ApplyFailureDomain {
        network,
        committee: pda::committee(&network),
        operator,
        attestation,
        payer,
        event_authority: pda::event_authority(),
        program: ID,
    };
    build(&accounts, &instruction::ApplyFailureDomain {})
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
