use crate::constants::{BPS, MAX_ATTESTERS, VERSION};
use crate::errors::CoverageError;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};

/// Seed of a network's committee, with the network.
pub const COMMITTEE_SEED: &[u8] = b"committee";

/// One attester.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable, IdlType)]
#[repr(C)]
pub struct Attester {
    /// Ed25519 key it signs digests with.
    pub key: Address,
    /// Its weight in the quorum.
    pub weight: u64,
    /// Its bond in token units.
    pub bond: u64,
    /// Zero.
    pub flags: u64,
}

/// A key and its weight, as `update_committee` takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SchemaRead, SchemaWrite, IdlType)]
pub struct Member {
    /// Ed25519 key.
    pub key: Address,
    /// Weight in the quorum, above zero.
    pub weight: u64,
}

/// Who may attest, and which list of them this is.
#[account]
pub struct Committee {
    /// Always [`VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// How many attesters there are.
    pub count: u8,
    /// Zero.
    pub padding: [u8; 5],
    /// The network.
    pub network: Address,
    /// Rises with every change; endorsements of another generation are void.
    pub generation: u64,
    /// Weight of all attesters.
    pub total_weight: u64,
    /// The attesters, `count` of them.
    pub attesters: [Attester; MAX_ATTESTERS],
    /// Zero.
    pub reserved: [u8; 64],
}

const _: () = assert!(size_of::<Committee>() == 8 + 32 + 2 * 8 + MAX_ATTESTERS * (32 + 3 * 8) + 64);

impl Committee {
    /// The attesters there are.
    pub fn members(&self) -> &[Attester] {
        self.attesters.get(..usize::from(self.count)).unwrap_or(&self.attesters)
    }

    /// The bit and weight of the attester with this key.
    pub fn find(&self, key: &Address) -> Option<(u64, u64)> {
        let same = |attester: &Attester| address_eq(&attester.key, key);
        let index = self.members().iter().position(same)?;
        Some((1u64.checked_shl(index as u32)?, self.members().get(index)?.weight))
    }

    /// Whether `weight` is *more* than the quorum (I5).
    pub fn exceeds_quorum(&self, weight: u64, quorum_bps: u16) -> bool {
        let endorsed = u128::from(weight).saturating_mul(u128::from(BPS));
        endorsed > u128::from(self.total_weight).saturating_mul(u128::from(quorum_bps))
    }

    /// What must hold after every handler that changed the account: distinct keys with weight, summed up.
    pub fn invariant(&self) -> Result<()> {
        require!(self.version == VERSION, CoverageError::UnknownVersion);
        let members = self.members();
        let mut total = 0u64;
        for (index, attester) in members.iter().enumerate() {
            let before = members.get(..index).unwrap_or(&[]);
            let twin = before.iter().any(|other| address_eq(&other.key, &attester.key));
            require!(attester.weight > 0 && !twin, CoverageError::InvalidAttester);
            total = total.checked_add(attester.weight).ok_or(CoverageError::AmountOverflow)?;
        }
        require!(total == self.total_weight, CoverageError::Inconsistent);
        Ok(())
    }
}
