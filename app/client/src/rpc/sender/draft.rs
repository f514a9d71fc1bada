//! Messages: what instructions become in each format.

use super::MARGIN_PERCENT;
use crate::ClientError;
use crate::instructions::COMPUTE_LIMIT;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_message::v0::MessageAddressTableLookup;
use solana_message::v1::{
    self, MAX_ADDRESSES, MAX_INSTRUCTIONS, MAX_SIGNATURES, MAX_TRANSACTION_SIZE, TransactionConfig,
};
use solana_message::{AddressLookupTableAccount, Hash, VersionedMessage, legacy, v0};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::BTreeSet;

/// The most bytes of a transaction before version 1.
pub const LEGACY_BYTES: usize = 1_232;
/// The most bytes of accounts that a transaction may load; version 1 has to ask for it.
const LOADED_BYTES: u32 = 64 * 1_024 * 1_024;
/// Micro-lamports in a lamport.
const MICRO: u128 = 1_000_000;

/// A transaction's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The oldest, which every cluster takes.
    Legacy,
    /// With address lookup tables.
    V0,
    /// Up to 4,096 bytes, limits and fee in the message (SIMD-0385).
    V1,
}

impl Format {
    /// The most bytes of a transaction in it.
    #[must_use]
    pub const fn most_bytes(self) -> usize {
        match self {
            Self::Legacy | Self::V0 => LEGACY_BYTES,
            Self::V1 => MAX_TRANSACTION_SIZE,
        }
    }
}

/// What a transaction asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    /// Compute units.
    pub(super) limit: u32,
    /// Micro-lamports for each of them.
    pub(super) price: u64,
}

impl Budget {
    /// For a transaction that took `units` when simulated.
    pub(super) fn of(units: u64, price: u64) -> Self {
        let limit = units.saturating_mul(MARGIN_PERCENT).div_ceil(100);
        let limit = u32::try_from(limit).unwrap_or(u32::MAX).min(COMPUTE_LIMIT);
        Self { limit, price }
    }

    /// What the price comes to, in lamports: as the cluster computes it, rounded up.
    fn priority_lamports(&self) -> u64 {
        let micro = u128::from(self.limit).saturating_mul(self.price.into());
        u64::try_from(micro.div_ceil(MICRO)).unwrap_or(u64::MAX)
    }
}

/// Instructions in a format.
#[derive(Clone, Copy)]
pub(super) struct Draft<'a> {
    pub(super) format: Format,
    pub(super) payer: Pubkey,
    pub(super) tables: &'a [AddressLookupTableAccount],
    pub(super) instructions: &'a [Instruction],
    /// Whether it names a price, for which it needs room.
    pub(super) priced: bool,
}

impl Draft<'_> {
    /// What it is simulated with: all that a transaction can have.
    pub(super) const fn widest(&self) -> Budget {
        Budget { limit: COMPUTE_LIMIT, price: 0 }
    }

    /// The message, or `None` if it has more accounts than can be numbered.
    pub(super) fn message(&self, budget: &Budget, blockhash: Hash) -> Option<VersionedMessage> {
        if self.format == Format::V1 {
            let mut config = TransactionConfig::empty()
                .with_compute_unit_limit(budget.limit)
                .with_loaded_accounts_data_size_limit(LOADED_BYTES);
            if self.priced {
                config = config.with_priority_fee(budget.priority_lamports());
            }
            let message = v1::Message::try_compile_with_config(&self.payer, self.instructions, blockhash, config);
            return message.ok().map(VersionedMessage::V1);
        }
        // They go to the end: `endorse` names its Ed25519 instruction by index.
        let mut all = self.instructions.to_vec();
        all.push(ComputeBudgetInstruction::set_compute_unit_limit(budget.limit));
        if self.priced {
            all.push(ComputeBudgetInstruction::set_compute_unit_price(budget.price));
        }
        let tables = if self.format == Format::V0 { self.tables } else { &[] };
        let message = v0::Message::try_compile(&self.payer, &all, tables, blockhash).ok()?;
        if self.format == Format::V0 {
            return Some(VersionedMessage::V0(message));
        }
        let v0::Message { header, account_keys, recent_blockhash, instructions, .. } = message;
        Some(VersionedMessage::Legacy(legacy::Message { header, account_keys, recent_blockhash, instructions }))
    }

    /// The transaction with room for its signatures.
    pub(super) fn unsigned(&self, budget: &Budget, blockhash: Hash) -> Option<VersionedTransaction> {
        let message = self.message(budget, blockhash)?;
        let signatures = usize::from(message.header().num_required_signatures);
        Some(VersionedTransaction { signatures: vec![Signature::default(); signatures], message })
    }

    /// All accounts, as errors number them.
    pub(super) fn keys(&self) -> Vec<Pubkey> {
        let message = self.message(&self.widest(), Hash::default());
        message.map_or_else(|| vec![self.payer], |message| keys(&message, self.tables))
    }

    /// Its size with signatures, or `None` if it has none because it cannot be written at all.
    pub(super) fn bytes(&self) -> Option<usize> {
        let transaction = self.unsigned(&self.widest(), Hash::default())?;
        wincode::serialize(&transaction).ok().map(|bytes| bytes.len())
    }

    /// Whether it is within its format's limits.
    pub(super) fn fits(&self) -> bool {
        let Some(transaction) = self.unsigned(&self.widest(), Hash::default()) else { return false };
        let numbers = self.format != Format::V1
            || (transaction.message.static_account_keys().len() <= usize::from(MAX_ADDRESSES)
                && transaction.message.instructions().len() <= usize::from(MAX_INSTRUCTIONS)
                && transaction.signatures.len() <= usize::from(MAX_SIGNATURES));
        numbers && self.bytes().is_some_and(|bytes| bytes <= self.format.most_bytes())
    }

    pub(super) fn too_large(&self, action: &str) -> ClientError {
        let (bytes, most) = (self.bytes().unwrap_or(usize::MAX), self.format.most_bytes());
        ClientError::TooLarge { action: action.to_owned(), bytes, most }
    }

    /// The accounts it locks for writing: what priority fees are paid for.
    pub(super) fn writable(&self) -> Vec<Pubkey> {
        let metas = self.instructions.iter().flat_map(|instruction| &instruction.accounts);
        let named = metas.filter(|meta| meta.is_writable).map(|meta| meta.pubkey);
        named.chain([self.payer]).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// All accounts of a message, as errors number them: its own, then those of lookup tables, writable ones first. Without the
/// tables only its own.
pub(super) fn keys(message: &VersionedMessage, tables: &[AddressLookupTableAccount]) -> Vec<Pubkey> {
    let lookups = message.address_table_lookups().unwrap_or_default();
    let looked_up = |indexes: fn(&MessageAddressTableLookup) -> &[u8]| {
        lookups.iter().flat_map(move |lookup| {
            let table = tables.iter().find(|table| table.key == lookup.account_key);
            indexes(lookup).iter().filter_map(move |index| table?.addresses.get(usize::from(*index)).copied())
        })
    };
    let own = message.static_account_keys().iter().copied();
    let writable = looked_up(|lookup| &lookup.writable_indexes);
    own.chain(writable).chain(looked_up(|lookup| &lookup.readonly_indexes)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use solana_program::instruction::AccountMeta;

    #[test]
    fn accounts_are_numbered_as_in_errors() {
        let [payer, program, read, written, table] = [1, 2, 3, 4, 5].map(|byte| Pubkey::new_from_array([byte; 32]));
        let accounts = vec![AccountMeta::new_readonly(read, false), AccountMeta::new(written, false)];
        let instructions = [Instruction { program_id: program, accounts, data: Vec::new() }];
        let tables = [AddressLookupTableAccount { key: table, addresses: vec![read, written] }];
        let draft = |format| Draft { format, payer, tables: &tables, instructions: &instructions, priced: false };
        let budget = solana_compute_budget_interface::ID;
        // Looked up accounts stand behind the programs, and those that are written come before those that are read.
        assert_eq!(draft(Format::V0).keys(), [payer, program, budget, written, read]);
        assert_eq!(draft(Format::Legacy).keys(), [payer, written, program, read, budget]);
        let message = draft(Format::V0).message(&draft(Format::V0).widest(), Hash::default()).unwrap();
        assert_eq!(keys(&message, &[]), [payer, program, budget]);
    }
}
