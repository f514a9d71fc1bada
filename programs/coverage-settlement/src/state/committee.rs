use super::Bond;
use crate::constants::{BPS, MAX_ATTESTERS};
use crate::errors::CoverageError;
use anchor_lang::address_eq;
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};

/// Seed of a network's committee, with the network.
pub const COMMITTEE_SEED: &[u8] = b"committee";

/// One place in the committee, with the attester in it.
///
/// Batches name who endorsed them by place, so a place is not given to another attester as long as there is a bond in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable, IdlType)]
#[repr(C)]
pub struct Attester {
    /// Ed25519 key it signs digests with, and withdraws its bond; zero in an empty place.
    pub key: Address,
    /// Its weight in the quorum; 0 if it is not in the committee any more.
    pub weight: u64,
    /// The first generation in which the place was its own: it answers for nothing signed before.
    pub since_generation: u64,
    /// What it loses part of for endorsing a false batch.
    pub bond: Bond,
}

/// What `update_committee` does to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SchemaRead, SchemaWrite, IdlType)]
pub struct Member {
    /// The place.
    pub place: u8,
    /// Ed25519 key.
    pub key: Address,
    /// Weight in the quorum; 0 takes it out of the committee.
    pub weight: u64,
}

/// Who may attest, and which list of them this is.
#[account]
pub struct Committee {
    /// Always [`crate::constants::VERSION`].
    pub version: u8,
    /// Of this PDA.
    pub bump: u8,
    /// Places up to the last that was ever used.
    pub count: u8,
    /// Zero.
    pub padding: [u8; 5],
    /// The network.
    pub network: Address,
    /// Rises with every change; endorsements of another generation are void.
    pub generation: u64,
    /// Weight of all attesters.
    pub total_weight: u64,
    /// The places, `count` of them used.
    pub attesters: [Attester; MAX_ATTESTERS],
    /// Zero.
    pub reserved: [u8; 64],
}

const _: () = assert!(size_of::<Committee>() == 8 + 32 + 2 * 8 + MAX_ATTESTERS * (32 + 2 * 8 + size_of::<Bond>()) + 64);

impl Committee {
    /// The places used so far.
    pub fn places(&self) -> &[Attester] {
        self.attesters.get(..usize::from(self.count)).unwrap_or(&self.attesters)
    }

    /// The bit of the attester with this key.
    pub fn find(&self, key: &Address) -> Option<u64> {
        let same = |attester: &Attester| attester.weight > 0 && address_eq(&attester.key, key);
        let place = self.places().iter().position(same)?;
        1u64.checked_shl(place as u32)
    }

    /// One place, to change it.
    pub fn place_mut(&mut self, place: u8) -> Result<&mut Attester> {
        let taken = |attester: &&mut Attester| attester.key != Address::default();
        let attester = self.attesters.get_mut(usize::from(place)).filter(taken);
        attester.ok_or(CoverageError::UnknownAttester.into())
    }

    /// Whether the `endorsers` with a bond of at least `min_bond` have *more* weight than the quorum (I5).
    ///
    /// Weight without a bond counts against the quorum, never for it: who has nothing to lose decides nothing.
    pub fn exceeds_quorum(&self, endorsers: u64, min_bond: u64, quorum_bps: u16) -> bool {
        let (mut weight, mut rest) = (0u64, endorsers);
        for attester in self.places() {
            if rest & 1 == 1 && attester.bond.active() >= min_bond {
                weight = weight.saturating_add(attester.weight); // ≤ total_weight
            }
            rest >>= 1;
        }
        let endorsed = u128::from(weight).saturating_mul(u128::from(BPS));
        endorsed > u128::from(self.total_weight).saturating_mul(u128::from(quorum_bps))
    }

    /// Sums the weights up after the attesters changed, if what must hold does: every key has one place.
    pub fn recount(&mut self) -> Result<()> {
        let places = self.places();
        let mut total = 0u64;
        for (index, attester) in places.iter().enumerate() {
            let vacant = attester.key == Address::default();
            require!(!vacant || (attester.weight == 0 && attester.bond.units == 0), CoverageError::InvalidAttester);
            let before = places.get(..index).unwrap_or(&[]);
            let twin = !vacant && before.iter().any(|other| address_eq(&other.key, &attester.key));
            require!(!twin, CoverageError::InvalidAttester);
            total = total.checked_add(attester.weight).ok_or(CoverageError::AmountOverflow)?;
        }
        self.total_weight = total;
        Ok(())
    }
}
