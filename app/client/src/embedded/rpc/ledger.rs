//! What a validator remembers besides accounts: blocks, and which transactions are in them.

use super::{Embedded, Faults};
use coverage_math::hash::{Sha256, Software};
use litesvm::types::{TransactionMetadata, TransactionResult};
use solana_clock::Clock;
use solana_hash::Hash;
use solana_program::pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::{HashMap, VecDeque};
use tokio::time::Instant;

/// Milliseconds between two blocks.
pub const BLOCK_MS: u64 = 400;
/// For so many blocks a blockhash is good.
const BLOCKHASH_BLOCKS: u64 = 150;
/// The first block's height: as though the chain had been there for a while.
const FIRST_HEIGHT: u64 = 1_000;
/// Slots that had no block.
const SKIPPED_SLOTS: u64 = 7;
/// Transactions that are remembered with everything; of those before, only their status is.
const KEPT_TRANSACTIONS: usize = 10_000;

const SLOT_HASHES: Pubkey = Pubkey::from_str_const("SysvarS1otHashes111111111111111111111111111");

/// The blockhash of a height.
pub(super) fn hash(height: u64) -> Hash {
    Hash::new_from_array(Software::hash(&[b"embedded block", &height.to_le_bytes()]))
}

/// A transaction in a block.
pub(super) struct Landed {
    pub(super) slot: u64,
    pub(super) block_time: i64,
    pub(super) transaction: VersionedTransaction,
    pub(super) result: TransactionResult,
}

impl Landed {
    pub(super) fn meta(&self) -> &TransactionMetadata {
        self.result.as_ref().unwrap_or_else(|failed| &failed.meta)
    }
}

/// Whether a transaction in a block succeeded.
#[derive(Clone)]
pub(super) struct Status {
    pub(super) slot: u64,
    pub(super) result: Result<(), solana_transaction_error::TransactionError>,
}

pub(super) struct Ledger {
    started: Instant,
    passed: u64,
    statuses: HashMap<Signature, Status>,
    landed: VecDeque<Landed>,
    held: Vec<VersionedTransaction>,
    pub(super) received: VecDeque<Signature>,
    pub(super) faults: Faults,
    pub(super) prioritization_fees: Vec<u64>,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            passed: FIRST_HEIGHT,
            statuses: HashMap::new(),
            landed: VecDeque::new(),
            held: Vec::new(),
            received: VecDeque::new(),
            faults: Faults::default(),
            prioritization_fees: Vec::new(),
        }
    }

    pub(super) fn height(&self) -> u64 {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.passed.saturating_add(elapsed.checked_div(BLOCK_MS).unwrap_or(0))
    }

    pub(super) fn slot(&self) -> u64 {
        self.height().saturating_add(SKIPPED_SLOTS)
    }

    pub(super) fn pass(&mut self, blocks: u64) {
        self.passed = self.passed.saturating_add(blocks);
    }

    /// The newest blockhash, with the height of the last block it is good for.
    pub(super) fn latest(&self) -> (Hash, u64) {
        let height = self.height();
        (hash(height), height.saturating_add(BLOCKHASH_BLOCKS))
    }

    pub(super) fn is_valid(&self, blockhash: &Hash) -> bool {
        let height = self.height();
        (height.saturating_sub(BLOCKHASH_BLOCKS)..=height).rev().any(|height| hash(height) == *blockhash)
    }

    pub(super) fn receive(&mut self, signature: Signature) {
        self.received.push_back(signature);
        if self.received.len() > KEPT_TRANSACTIONS {
            self.received.pop_front();
        }
    }

    pub(super) fn hold(&mut self, transaction: VersionedTransaction) {
        self.held.push(transaction);
    }

    pub(super) fn take_held(&mut self) -> Vec<VersionedTransaction> {
        std::mem::take(&mut self.held)
    }

    pub(super) fn status(&self, signature: &Signature) -> Option<&Status> {
        self.statuses.get(signature)
    }

    /// The transactions that are remembered with everything, newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Landed> {
        self.landed.iter().rev()
    }

    /// Executes a transaction if it may still land; whether it is in a block now.
    pub(super) fn land(&mut self, chain: &mut Embedded, transaction: &VersionedTransaction) -> bool {
        let Some(signature) = transaction.signatures.first() else { return false };
        if self.statuses.contains_key(signature) || !self.is_valid(transaction.message.recent_blockhash()) {
            return false;
        }
        self.tell_programs(chain);
        let vm = std::mem::take(&mut chain.svm);
        chain.svm = vm.with_blockhash_check(false); // checked above: the VM knows only one
        let result = chain.svm.send_transaction(transaction.clone());
        chain.svm = std::mem::take(&mut chain.svm).with_blockhash_check(true);
        let meta = result.as_ref().unwrap_or_else(|failed| &failed.meta);
        // What fails before its fee is taken is in no block.
        let lands = result.is_ok() || meta.signature == *signature;
        if lands {
            self.record(chain, transaction.clone(), result);
        }
        lands
    }

    /// Remembers a transaction that has been executed.
    pub(super) fn record(&mut self, chain: &Embedded, transaction: VersionedTransaction, result: TransactionResult) {
        let slot = self.slot();
        let status = Status { slot, result: result.as_ref().map(|_| ()).map_err(|failed| failed.err.clone()) };
        if let Some(signature) = transaction.signatures.first() {
            self.statuses.insert(*signature, status);
        }
        let block_time = chain.svm.get_sysvar::<Clock>().unix_timestamp;
        self.landed.push_back(Landed { slot, block_time, transaction, result });
        if self.landed.len() > KEPT_TRANSACTIONS {
            self.landed.pop_front();
        }
    }

    /// Gives programs the slot and its hash; the clock's time is whoever's who holds the chain.
    pub(super) fn tell_programs(&self, chain: &mut Embedded) {
        let mut clock: Clock = chain.svm.get_sysvar();
        let slot = self.slot();
        if clock.slot == slot {
            return;
        }
        clock.slot = slot;
        chain.svm.set_sysvar(&clock);
        if let Some(mut account) = chain.svm.get_account(&SLOT_HASHES) {
            let newest = [1u64.to_le_bytes().as_slice(), &slot.to_le_bytes(), hash(self.height()).as_ref()].concat();
            if let Some(head) = account.data.first_chunk_mut::<48>().filter(|_| newest.len() == 48) {
                head.copy_from_slice(&newest);
            }
            // The VM refuses sysvars it cannot read; this one it reads.
            let _ = chain.svm.set_account(SLOT_HASHES, account);
        }
    }
}
