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
    /// Bond in token units.
    pub bond: u64,
    /// Of it on the way out, in token units.
    pub unbonding: u64,
    /// When that may be withdrawn, in unix seconds.
    pub unbonding_ts: i64,
    /// Failure domains attested so far: the next attestation's sequence number.
    pub domain_version: u64,
    /// Root of the capability leaves; zero until committed.
    pub capability_root: [u8; 32],
    /// The first epoch in which the capabilities count.
    pub capability_epoch: u64,
    /// Leaves of the tree.
    pub capability_count: u32,
    /// Cells enrolled in.
    pub cells: u32,
    /// Token units claimed in its life.
    pub claimed: u64,
    /// Zero.
    pub reserved: [u8; 64],
}

const _: () = assert!(size_of::<Operator>() == 8 + 3 * 32 + 4 * 8 + 32 + 8 + 8 + 8 + 64);
