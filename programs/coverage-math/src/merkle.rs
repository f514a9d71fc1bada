//! Merkle trees of SHA-256, one implementation for program, client and auditor.
//!
//! `leaf = H(0x00 ‖ tag ‖ payload)`, `node = H(0x01 ‖ left ‖ right)`; a lone node moves up unhashed. The verifier binds the
//! index and the number of leaves: both fix at which levels a sibling is expected, so a proof of the wrong length, a
//! duplicated last leaf or an inner node passed off as a leaf cannot verify.

use crate::hash::{Hash, Sha256, Tag};

/// The hash of a leaf's payload under `tag`.
#[must_use]
pub fn leaf<H: Sha256>(tag: &Tag, payload: &[u8]) -> Hash {
    H::hash(&[&[0], tag.as_bytes(), payload])
}

fn node<H: Sha256>(left: &Hash, right: &Hash) -> Hash {
    H::hash(&[&[1], left, right])
}

/// The path of leaf `index` in a tree of `count` leaves: its sides, as [`climb`] takes them, and its length. `None` past the last.
#[must_use]
pub fn path(count: u32, index: u32) -> Option<(u32, usize)> {
    let (mut position, mut last) = (index, count.checked_sub(1).filter(|last| index <= *last)?);
    let (mut sides, mut length) = (0u32, 0u32);
    while last > 0 {
        // A lone node has no sibling at this level.
        if position & 1 == 1 || position < last {
            sides |= (position & 1).wrapping_shl(length);
            length = length.saturating_add(1); // at most 32
        }
        position >>= 1;
        last >>= 1;
    }
    Some((sides, length as usize))
}

/// Whether the leaf hash `leaf` is number `index` of `count` leaves under `root`.
///
/// False for an index out of range, a proof that is too short or too long, no leaves, or the null root.
#[must_use]
pub fn verify<H: Sha256>(root: &Hash, count: u32, index: u32, leaf: Hash, proof: &[Hash]) -> bool {
    let Some((sides, length)) = path(count, index) else {
        return false;
    };
    proof.len() == length && *root != [0; 32] && climb::<H>(leaf, sides, proof) == Some(*root)
}

/// The root that `leaf` has under the siblings `proof`, on whose right sides the set bits of `sides` put the node of their
/// level (the lowest bit is the leaf's). `None` for more than 32 siblings.
#[must_use]
pub fn climb<H: Sha256>(leaf: Hash, sides: u32, proof: &[Hash]) -> Option<Hash> {
    let (mut hash, mut rest) = (leaf, sides);
    if proof.len() > u32::BITS as usize {
        return None;
    }
    for sibling in proof {
        hash = if rest & 1 == 1 { node::<H>(sibling, &hash) } else { node::<H>(&hash, sibling) };
        rest >>= 1;
    }
    Some(hash)
}

/// Whether a tree of `count` leaves has a leaf at the end of this path (see [`climb`]).
///
/// A root alone does not say how many leaves it stands for: in a tree of two, the second leaf's path is that of the third of
/// three. But each number of leaves allows only so many paths, and no root of `count` leaves has a leaf elsewhere.
#[must_use]
pub fn has_path(count: u32, sides: u32, length: usize) -> bool {
    let mut leaves = count;
    for level in (0..length).rev() {
        let Some(last) = leaves.checked_sub(1).filter(|last| *last > 0) else {
            return false;
        };
        // The left subtree is full: the largest power of two below `leaves`.
        let left = 1u32.wrapping_shl(last.ilog2());
        let right =
            u32::try_from(level).ok().and_then(|level| sides.checked_shr(level)).is_some_and(|bits| bits & 1 == 1);
        leaves = if right { leaves.saturating_sub(left) } else { left };
    }
    leaves == 1
}

/// Replaces a level by the one above it, in place; returns how many nodes that one has.
fn raise<H: Sha256>(level: &mut [Hash], width: usize) -> usize {
    let above = width.div_ceil(2);
    for parent in 0..above {
        let left = parent.saturating_mul(2);
        let (left, right) = (
            level.get(left).copied(),
            level.get(left.saturating_add(1)).filter(|_| left.saturating_add(1) < width).copied(),
        );
        let hash = match (left, right) {
            (Some(left), Some(right)) => node::<H>(&left, &right),
            (Some(lone), None) => lone,
            (None, _) => return parent,
        };
        if let Some(slot) = level.get_mut(parent) {
            *slot = hash;
        }
    }
    above
}

/// The root over `leaves` (hashes of leaves), which are overwritten. `None` for no leaves.
pub fn root<H: Sha256>(leaves: &mut [Hash]) -> Option<Hash> {
    let mut width = leaves.len();
    while width > 1 {
        width = raise::<H>(leaves, width);
    }
    leaves.first().copied()
}

/// Writes the proof of leaf `index` into `proof`, overwriting `leaves`; returns its length.
///
/// `None` for an index out of range or a `proof` too short (32 hashes are always enough).
pub fn prove<H: Sha256>(leaves: &mut [Hash], index: usize, proof: &mut [Hash]) -> Option<usize> {
    if index >= leaves.len() {
        return None;
    }
    let (mut width, mut position, mut length) = (leaves.len(), index, 0usize);
    while width > 1 {
        let sibling = position ^ 1;
        if sibling < width {
            *proof.get_mut(length)? = *leaves.get(sibling)?;
            length = length.checked_add(1)?;
        }
        position >>= 1;
        width = raise::<H>(leaves, width);
    }
    Some(length)
}
