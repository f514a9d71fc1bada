use super::Bond;
use anchor_lang::prelude::*;

/// Seed of an operator, with the network and its wallet.
pub const OPERATOR_SEED: &[u8] = b"operator";

/// One operator in one network.
#[account]
pub struct Operator {
    /// Always [`crate::constants::VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// Zero.
    pub padding: [u8; 2],
    /// Attested failure domain; 0 until then.
    pub domain: u32,
    /// The network.
    pub network: Address,
    /// Signs for the operator; its seed.
    pub wallet: Address,
    /// Owns the token account that rewards go to.
    pub payout: Address,
    /// What its shares are in proportion to, and what it loses part of for a verification breach.
    pub bond: Bond,
    /// The next failure domain's sequence number. It begins where no other registration's does, so that nothing signed for an
    /// operator that retired counts for the one registered in its place.
    pub domain_version: u64,
    /// Root of the capability leaves; zero until committed.
    pub capability_root: [u8; 32],
    /// The first epoch in which the capabilities count.
    pub capability_epoch: u64,
    /// Leaves of the tree.
    pub capability_count: u32,
    /// Slots it has, those it has left but not released included.
    pub cells: u32,
    /// Token units claimed in its life.
    pub claimed: u64,
    /// Zero.
    pub reserved: [u8; 64],
}

const _: () = assert!(size_of::<Operator>() == 8 + 3 * 32 + size_of::<Bond>() + 8 + 32 + 8 + 8 + 8 + 64);
