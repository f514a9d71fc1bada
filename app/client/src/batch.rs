//! Batches of outcomes and other statements: from receipts to the transactions that get them applied.

use crate::{ClientError, instructions, pda};
use borsh::{BorshDeserialize, BorshSerialize};
use coverage_math::attestation::Entry;
use coverage_math::hash::{Hash, NO_EPOCH, Purpose, Sha256, Software, Tag};
use coverage_math::merkle;
use coverage_math::receipt::Receipt;
use coverage_math::reliability::{OUTCOMES, Outcome};
use coverage_settlement::ID;
use coverage_settlement::state::{KIND_FAILURE_DOMAIN, KIND_OUTCOMES, StatementArgs};
use ed25519_dalek::{Signer, SigningKey};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeSet;

/// The Ed25519 signature verification program.
const ED25519_PROGRAM: Pubkey = Pubkey::from_str_const("Ed25519SigVerify111111111111111111111111111");

/// The most signatures of one Ed25519 instruction that fit a transaction together with `endorse`.
pub const SIGNATURES_A_TRANSACTION: usize = 7;

/// Bytes of entries that fit the transaction that opens an attestation, and each that extends it: whole records.
const FIRST_CHUNK: usize = 18 * size_of::<Entry>();
const NEXT_CHUNK: usize = 28 * size_of::<Entry>();

/// A statement the committee is asked to sign, with its entries.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The network.
    pub network: Pubkey,
    /// What it says.
    pub args: StatementArgs,
    /// What attesters sign.
    pub digest: Hash,
    /// Bytes of the entries.
    entries: Vec<u8>,
}

/// What a batch is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BatchOf {
    /// The network.
    pub network: Pubkey,
    /// The workload.
    pub workload: Pubkey,
    /// The epoch.
    pub epoch: u64,
    /// Number of the batch in its epoch: the cell's `batches`.
    pub sequence: u64,
    /// The committee's generation.
    pub generation: u64,
}

impl Statement {
    /// A batch of outcomes from its receipts, sorted by (slot, outcome, request id): see [`sort`].
    ///
    /// # Errors
    /// [`ClientError::BadBatch`] for no receipts, receipts out of order, one of another workload or epoch, an unknown outcome,
    /// or two of the same request in the same slot: whoever signed such a batch could be proven wrong.
    pub fn outcomes(batch: BatchOf, receipts: &[Receipt]) -> Result<Self, ClientError> {
        let bad = ClientError::BadBatch;
        let mut requests = BTreeSet::new();
        let tag = receipts_tag(&batch.network, batch.epoch);
        let mut entries: Vec<Entry> = Vec::new();
        let mut leaves = Vec::with_capacity(receipts.len());
        let mut previous = None;
        for receipt in receipts.iter() {
            let attempt = &receipt.attempt;
            if attempt.workload != batch.workload.to_bytes() || attempt.epoch != batch.epoch {
                return Err(bad("a receipt is of another workload or epoch"));
            }
            if previous.replace(attempt.key()) > Some(attempt.key()) {
                return Err(bad("its receipts are not sorted by slot, outcome and request id"));
            }
            if !requests.insert((attempt.slot, attempt.request_id)) {
                return Err(bad("a request has two receipts in one slot"));
            }
            let outcome = attempt.outcome().ok_or(bad("a receipt has an unknown outcome"))?;
            count(&mut entries, attempt.slot, outcome);
            leaves.push(receipt.leaf::<Software>(&tag).map_err(|_| bad("a receipt does not encode"))?);
        }
        let value = u32::try_from(receipts.len()).map_err(|_| bad("more than 2^32 receipts"))?;
        let receipts_root = merkle::root::<Software>(&mut leaves).ok_or(bad("it has no receipts"))?;
        if entries.len() > usize::from(u16::MAX) {
            return Err(bad("more than 65,535 slots"));
        }
        Ok(Self::of_batch(batch, receipts_root, value, bytemuck::cast_slice(&entries).to_vec()))
    }

    /// A batch straight from counts, for those who have no receipts to show (tests, mostly).
    #[must_use]
    pub fn counts(batch: BatchOf, receipts_root: Hash, entries: &[Entry]) -> Self {
        let total = entries.iter().map(Entry::receipts).sum::<u64>();
        let receipts = u32::try_from(total).unwrap_or(u32::MAX);
        Self::of_batch(batch, receipts_root, receipts, bytemuck::cast_slice(entries).to_vec())
    }

    /// A statement that is there for its entries only (`bytes`, whole records): nobody will sign it.
    #[must_use]
    pub fn upload_only(batch: BatchOf, bytes: Vec<u8>) -> Self {
        Self::of_batch(batch, Software::hash(&[b"upload only"]), 1, bytes)
    }

    /// A batch as somebody claims it to be: its root, its number of receipts, and the bytes of its entries, whole records.
    #[must_use]
    pub fn of_batch(batch: BatchOf, receipts_root: Hash, receipts: u32, entries: Vec<u8>) -> Self {
        let records = entries.len().checked_div(size_of::<Entry>()).unwrap_or(0);
        let args = StatementArgs {
            kind: KIND_OUTCOMES,
            epoch: batch.epoch,
            subject: batch.workload,
            sequence: batch.sequence,
            receipts_root,
            value: receipts,
            entries_hash: Software::hash(&[&entries]),
            entries: u16::try_from(records).unwrap_or(u16::MAX),
        };
        Self::new(batch.network, args, batch.generation, entries)
    }

    /// The failure domain of an operator; `sequence` is the operator's domain version.
    #[must_use]
    pub fn failure_domain(network: Pubkey, operator: Pubkey, domain: u32, sequence: u64, generation: u64) -> Self {
        let args = StatementArgs {
            kind: KIND_FAILURE_DOMAIN,
            epoch: NO_EPOCH,
            subject: operator,
            sequence,
            receipts_root: [0; 32],
            value: domain,
            entries_hash: [0; 32],
            entries: 0,
        };
        Self::new(network, args, generation, Vec::new())
    }

    /// A statement with its digest for a generation of the committee, whatever it says.
    #[must_use]
    pub fn new(network: Pubkey, args: StatementArgs, generation: u64, entries: Vec<u8>) -> Self {
        let purpose = if args.kind == KIND_FAILURE_DOMAIN { Purpose::FailureDomain } else { Purpose::Outcomes };
        let tag = Tag::new::<Software>(&ID.to_bytes(), &network.to_bytes(), purpose, args.epoch);
        Self { network, args, digest: args.statement(generation).digest::<Software>(&tag), entries }
    }

    /// The attestation account that `payer` opens for it.
    #[must_use]
    pub fn address(&self, payer: &Pubkey) -> Pubkey {
        pda::attestation(&self.network, payer, &self.digest)
    }

    /// Opens the attestation and uploads the entries: one transaction each, in this order. They fit if the payer pays their fees.
    #[must_use]
    pub fn upload(&self, payer: Pubkey) -> Vec<Instruction> {
        let (first, rest) = self.entries.split_at(self.entries.len().min(FIRST_CHUNK));
        let open = instructions::open_attestation(payer, self.network, self.digest, self.args, first.to_vec());
        let extend = |chunk: &[u8]| instructions::extend_attestation(payer, self.address(&payer), chunk.to_vec());
        std::iter::once(open).chain(rest.chunks(NEXT_CHUNK).map(extend)).collect()
    }

    /// Signs and endorses: pairs of Ed25519 instruction and `endorse`, each pair the start of a transaction of its own.
    #[must_use]
    pub fn endorse(&self, payer: Pubkey, attesters: &[SigningKey]) -> Vec<[Instruction; 2]> {
        let pair = |keys: &[SigningKey]| {
            let signatures: Vec<_> = keys.iter().map(|key| sign(key, &self.digest)).collect();
            [ed25519(&signatures, &self.digest), instructions::endorse(self.network, self.address(&payer), 0)]
        };
        attesters.chunks(SIGNATURES_A_TRANSACTION).map(pair).collect()
    }

    /// Applies the statement, once it is endorsed.
    #[must_use]
    pub fn apply(&self, payer: Pubkey) -> Instruction {
        let attestation = self.address(&payer);
        if self.args.kind == KIND_FAILURE_DOMAIN {
            instructions::apply_failure_domain(self.network, self.args.subject, attestation, payer)
        } else {
            instructions::apply_batch(self.network, self.args.subject, self.args.epoch, attestation, payer)
        }
    }
}

/// Puts receipts in the order of a batch: by slot, outcome and request id.
pub fn sort(receipts: &mut [Receipt]) {
    receipts.sort_unstable_by_key(|receipt| receipt.attempt.key());
}

/// Counts one outcome; slots come in ascending order.
fn count(entries: &mut Vec<Entry>, slot: u16, outcome: Outcome) {
    if entries.last().is_none_or(|entry| entry.slot != slot) {
        entries.push(Entry { slot, reserved: 0, counts: [0; OUTCOMES] });
    }
    let counter = entries.last_mut().and_then(|entry| entry.counts.get_mut(outcome as usize));
    if let Some(counter) = counter {
        *counter = counter.saturating_add(1);
    }
}

/// The tag of a batch's receipts.
#[must_use]
pub fn receipts_tag(network: &Pubkey, epoch: u64) -> Tag {
    Tag::new::<Software>(&ID.to_bytes(), &network.to_bytes(), Purpose::Receipts, epoch)
}

/// The tag of what a reporter signs.
#[must_use]
pub fn receipt_tag(network: &Pubkey, epoch: u64) -> Tag {
    Tag::new::<Software>(&ID.to_bytes(), &network.to_bytes(), Purpose::Receipt, epoch)
}

/// A key and its signature of a message.
pub type Signature = ([u8; 32], [u8; 64]);

/// Signs a digest.
#[must_use]
pub fn sign(key: &SigningKey, digest: &Hash) -> Signature {
    (key.verifying_key().to_bytes(), key.sign(digest).to_bytes())
}

/// The Ed25519 instruction that checks `signatures` of one message, which they share.
#[must_use]
pub fn ed25519(signatures: &[Signature], message: &[u8]) -> Instruction {
    const THIS: u16 = u16::MAX;
    let word = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
    let head = signatures.len().saturating_mul(14).saturating_add(2);
    let text = signatures.len().saturating_mul(96).saturating_add(head);
    let mut data = vec![u8::try_from(signatures.len()).unwrap_or(u8::MAX), 0];
    for number in 0..signatures.len() {
        let key = number.saturating_mul(96).saturating_add(head);
        let fields = [
            word(key.saturating_add(32)),
            THIS.to_le_bytes(),
            word(key),
            THIS.to_le_bytes(),
            word(text),
            word(message.len()),
            THIS.to_le_bytes(),
        ];
        data.extend(fields.concat());
    }
    for (key, signature) in signatures {
        data.extend(key);
        data.extend(signature);
    }
    data.extend(message);
    Instruction { program_id: ED25519_PROGRAM, accounts: Vec::new(), data }
}
