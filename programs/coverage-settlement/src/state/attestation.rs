use super::Checked;
use crate::errors::CoverageError;
use anchor_lang::accounts::Slab;
use anchor_lang::prelude::*;
use coverage_math::attestation::{Entry, Statement};
use coverage_math::hash::{NO_EPOCH, Purpose};

/// Seed of an attestation, with the network, its payer and its digest. The payer is part of it so that nobody can squat on
/// another's digest or fill it with other entries.
pub const ATTESTATION_SEED: &[u8] = b"attestation";

/// [`Attestation::kind`]: counts of outcomes for one workload and epoch.
pub const KIND_OUTCOMES: u8 = 0;
/// [`Attestation::kind`]: the failure domain of an operator.
pub const KIND_FAILURE_DOMAIN: u8 = 1;

/// What `open_attestation` is told; see [`Statement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, SchemaRead, SchemaWrite, IdlType)]
pub struct StatementArgs {
    /// [`KIND_OUTCOMES`] or [`KIND_FAILURE_DOMAIN`].
    pub kind: u8,
    /// The epoch of outcomes; all ones for a failure domain.
    pub epoch: u64,
    /// The workload of outcomes, the operator of a failure domain.
    pub subject: Address,
    /// Number of the batch in its epoch, or the operator's domain version.
    pub sequence: u64,
    /// Root of the receipts' tree; zero for a failure domain.
    pub receipts_root: [u8; 32],
    /// How many receipts; the failure domain itself for a failure domain.
    pub value: u32,
    /// SHA-256 of the entries' bytes; zero for a failure domain.
    pub entries_hash: [u8; 32],
    /// How many entries; none for a failure domain.
    pub entries: u16,
}

/// Something the committee is asked to sign, and who has.
#[account]
pub struct Attestation {
    /// Always [`crate::constants::VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// See [`StatementArgs`].
    pub kind: u8,
    /// 1 when all entries are there and their hash is right.
    pub complete: u8,
    /// See [`StatementArgs`].
    pub value: u32,
    /// The network.
    pub network: Address,
    /// Who paid the rent and gets it back.
    pub payer: Address,
    /// See [`StatementArgs`].
    pub subject: Address,
    /// See [`StatementArgs`].
    pub epoch: u64,
    /// See [`StatementArgs`].
    pub sequence: u64,
    /// The committee's generation.
    pub generation: u64,
    /// See [`StatementArgs`].
    pub receipts_root: [u8; 32],
    /// See [`StatementArgs`].
    pub entries_hash: [u8; 32],
    /// What attesters sign.
    pub digest: [u8; 32],
    /// Places in the committee of those that signed, a bit each.
    pub endorsers: u64,
    /// Entries announced.
    pub entries: u16,
    /// Zero.
    pub padding: [u8; 6],
    /// Zero.
    pub reserved: [u8; 32],
}

const _: () = assert!(size_of::<Attestation>() == 8 + 3 * 32 + 3 * 8 + 3 * 32 + 8 + 8 + 32);

/// An attestation with its entries.
pub type AttestationAccount = Slab<Checked<Attestation>, Entry>;

impl StatementArgs {
    /// What the attestation is for, with its epoch in digests and trees.
    pub fn purpose(&self) -> Result<(Purpose, u64)> {
        match self.kind {
            KIND_OUTCOMES => Ok((Purpose::Outcomes, self.epoch)),
            KIND_FAILURE_DOMAIN => Ok((Purpose::FailureDomain, NO_EPOCH)),
            _ => Err(CoverageError::InvalidKind.into()),
        }
    }

    /// The statement for a generation of the committee.
    pub fn statement(&self, generation: u64) -> Statement {
        Statement {
            subject: self.subject.to_bytes(),
            sequence: self.sequence,
            generation,
            receipts_root: self.receipts_root,
            value: self.value,
            entries_hash: self.entries_hash,
        }
    }
}
