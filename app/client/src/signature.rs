//! Checking reporters' signatures, many at once.
//!
//! A signature (R, s) of message M by key A holds if `8·s·B = 8·R + 8·k·A`, where `k = SHA-512(R ‖ A ‖ M)` and `s` is reduced.
//! For signatures that were made as they should be this is what every verifier of Ed25519 checks. It differs from most in the
//! factor 8, without which a reporter could make signatures that pass in some batches and fail in others and alone (the part of
//! R outside the prime-order group cancels by chance), and so have some attesters keep receipts that the others refuse. With it
//! a batch passes exactly if each of its signatures passes alone, up to a chance of 2^-128; it is the rule of ZIP 215.
//!
//! Keys that are not in the prime-order group are refused: the signatures of some of them hold for any message.

use coverage_math::hash::Hash;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity, VartimeMultiscalarMul};
use rand::RngCore;
use sha2::{Digest, Sha512};

/// A key that may sign receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReporterKey {
    bytes: [u8; 32],
    point: EdwardsPoint,
}

impl ReporterKey {
    /// The key of these bytes; `None` if they are no point, not its canonical encoding, or the point is outside the prime-order
    /// group or zero.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Option<Self> {
        let point = CompressedEdwardsY(bytes).decompress()?;
        let sound = point.compress().0 == bytes && point.is_torsion_free() && !point.is_identity();
        sound.then_some(Self { bytes, point })
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

/// A signature to check.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// Whose it is said to be. Keys that are one in memory cost little more than one signature's worth for all of theirs.
    pub key: &'a ReporterKey,
    /// What was signed.
    pub message: Hash,
    /// R and s.
    pub signature: &'a [u8; 64],
}

/// Signatures checked in one equation: more save little more.
pub const BATCH: usize = 512;

/// Whether each of `signed` holds. A batch that fails is halved until the bad ones are found.
#[must_use]
pub fn check(signed: &[Signed<'_>]) -> Vec<bool> {
    let mut verdicts = vec![true; signed.len()];
    for (signed, verdicts) in signed.chunks(BATCH).zip(verdicts.chunks_mut(BATCH)) {
        bisect(signed, verdicts);
    }
    verdicts
}

fn bisect(signed: &[Signed<'_>], verdicts: &mut [bool]) {
    if all_hold(signed) {
        return;
    }
    if let [verdict] = verdicts {
        *verdict = false;
        return;
    }
    let half = signed.len() / 2;
    let ((left, right), (left_verdicts, right_verdicts)) = (signed.split_at(half), verdicts.split_at_mut(half));
    bisect(left, left_verdicts);
    bisect(right, right_verdicts);
}

/// Whether `Σ z·s·B - z·R - z·k·A` is in the small group, with random factors `z` that nobody could know when signing.
#[must_use]
pub fn all_hold(signed: &[Signed<'_>]) -> bool {
    let mut factors = rand::rng();
    let mut base = Scalar::ZERO;
    let mut keys: Vec<(&ReporterKey, Scalar)> = Vec::new();
    let mut scalars = Vec::with_capacity(signed.len().saturating_add(2));
    let mut points = Vec::with_capacity(signed.len().saturating_add(2));
    for Signed { key, message, signature } in signed {
        let Some((r, s)) = signature.split_first_chunk::<32>() else { return false };
        let Some(s) = s.first_chunk().and_then(|s| Option::<Scalar>::from(Scalar::from_canonical_bytes(*s))) else {
            return false;
        };
        let Some(point) = CompressedEdwardsY(*r).decompress() else { return false };
        let k = Sha512::new().chain_update(r).chain_update(key.bytes).chain_update(message).finalize();
        let k = Scalar::from_bytes_mod_order_wide(&k.into());
        let mut z = [0; 16];
        factors.fill_bytes(&mut z);
        let z = Scalar::from(u128::from_le_bytes(z));
        base += z * s;
        scalars.push(-z);
        points.push(point);
        match keys.iter_mut().find(|(other, _)| std::ptr::eq(*other, *key)) {
            Some((_, sum)) => *sum += z * k,
            None => keys.push((key, z * k)),
        }
    }
    scalars.push(base);
    points.push(ED25519_BASEPOINT_POINT);
    for (key, sum) in keys {
        scalars.push(-sum);
        points.push(key.point);
    }
    EdwardsPoint::vartime_multiscalar_mul(scalars, points).mul_by_cofactor().is_identity()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

    fn signer(seed: u8) -> (SigningKey, ReporterKey) {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = ReporterKey::new(key.verifying_key().to_bytes()).unwrap();
        (key, public)
    }

    /// What a reporter can sign with a random number `r` and a point of small order added to R.
    fn twisted(seed: u8, torsion: EdwardsPoint, r: u64, message: &Hash) -> [u8; 64] {
        let (signing, public) = signer(seed);
        let r = Scalar::from(r);
        let point = (ED25519_BASEPOINT_POINT * r + torsion).compress();
        let k = Sha512::new().chain_update(point.0).chain_update(public.bytes).chain_update(message).finalize();
        let s = r + Scalar::from_bytes_mod_order_wide(&k.into()) * signing.to_scalar();
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&point.0);
        signature[32..].copy_from_slice(s.as_bytes());
        signature
    }

    #[test]
    fn bad_signatures_are_found_among_good_ones() {
        let signers: Vec<_> = (1..4).map(signer).collect();
        let messages: Vec<Hash> = (0..1300u32).map(|n| [n.to_le_bytes(); 8].concat().try_into().unwrap()).collect();
        let mut signatures: Vec<[u8; 64]> =
            messages.iter().zip(signers.iter().cycle()).map(|(m, (key, _))| key.sign(m).to_bytes()).collect();
        let bad = [0, 511, 512, 700, 701, 1299];
        for (place, byte) in bad.into_iter().zip([0, 31, 32, 40, 63, 5]) {
            signatures[place][byte] ^= 0x55;
        }
        let signed: Vec<_> = (0..1300)
            .map(|n| Signed { key: &signers[n % 3].1, message: messages[n], signature: &signatures[n] })
            .collect();
        let found: Vec<_> = check(&signed).iter().enumerate().filter(|(_, holds)| !**holds).map(|(n, _)| n).collect();
        assert_eq!(found, bad);
        assert!(check(&[]).is_empty());
    }

    #[test]
    fn a_batch_and_its_signatures_alone_agree_whatever_r_is() {
        let (_, public) = signer(1);
        let verifying = VerifyingKey::from_bytes(public.as_bytes()).unwrap();
        let messages: Vec<Hash> = (0..64).map(|n| [n; 32]).collect();
        let (mut strict, mut ours) = (0, 0);
        for (n, message) in (1..).zip(&messages) {
            let torsion = EIGHT_TORSION[usize::try_from(n).unwrap() % 7 + 1];
            let signature = twisted(1, torsion, n, message);
            let theirs = Signature::from_bytes(&signature);
            strict += usize::from(verifying.verify_strict(message, &theirs).is_ok());
            ours += usize::from(all_hold(&[Signed { key: &public, message: *message, signature: &signature }]));
        }
        assert_eq!((strict, ours), (0, 64));
        let signatures: Vec<_> = (1..).zip(&messages).map(|(n, m)| twisted(1, EIGHT_TORSION[4], n, m)).collect();
        let signed: Vec<_> = messages
            .iter()
            .zip(&signatures)
            .map(|(message, signature)| Signed { key: &public, message: *message, signature })
            .collect();
        for size in 1..=signed.len() {
            assert!(all_hold(&signed[..size]), "{size}");
        }
    }

    #[test]
    fn keys_outside_the_group_are_refused() {
        for torsion in EIGHT_TORSION {
            assert_eq!(ReporterKey::new(torsion.compress().0), None);
        }
        let (_, public) = signer(1);
        assert_eq!(ReporterKey::new((public.point + EIGHT_TORSION[1]).compress().0), None);
        // y = p is zero, not canonical.
        let mut p = [0xff; 32];
        (p[0], p[31]) = (0xed, 0x7f);
        assert_eq!(ReporterKey::new(p), None);
    }

    #[test]
    fn a_scalar_that_is_not_reduced_is_refused() {
        let (key, public) = signer(1);
        let message = [7; 32];
        let mut signature = key.sign(&message).to_bytes();
        assert!(all_hold(&[Signed { key: &public, message, signature: &signature }]));
        // s + ℓ, the same number to whoever reduces it.
        let order: [u8; 32] = (-Scalar::ONE).to_bytes();
        let mut carry = 1u16;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        assert!(!all_hold(&[Signed { key: &public, message, signature: &signature }]));
    }
}
