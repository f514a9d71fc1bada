//! Who asks: requests between attesters carry a signature of their sender.
//!
//! It covers the network, the recipient, the path, the time and the body's hash, so it is good for one request to one peer for
//! a short while. What is signed is longer than a digest and starts with words, so no such signature can pass for one of a
//! batch. It stands in the headers, to be checked before a byte of the body is read.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use coverage_math::hash::{Hash, Sha256, Software};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use solana_program::pubkey::Pubkey;
use std::time::Duration;
use thiserror::Error;

/// How far the sender's clock may be from ours, in seconds.
pub const CLOCK_SECONDS: u64 = 60;

const DOMAIN: &[u8] = b"coverage-attester request, version 1";
static KEY: HeaderName = HeaderName::from_static("x-attester-key");
static TIME: HeaderName = HeaderName::from_static("x-attester-time");
static BODY: HeaderName = HeaderName::from_static("x-attester-body");
static SIGNATURE: HeaderName = HeaderName::from_static("x-attester-signature");

/// Why a request gets no answer, in words for whoever set its sender up.
pub type Refusal = (StatusCode, String);

/// Why a request is not taken for an attester's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// A header is missing or no hexadecimal.
    #[error("header {0} is missing or not what it should be")]
    Header(&'static str),
    /// The sender's clock and ours are too far apart.
    #[error("the request is from another time: see that both clocks are right")]
    Time,
    /// The signature is not the sender's.
    #[error("the signature is not of this request")]
    Signature,
}

impl From<EnvelopeError> for Refusal {
    fn from(error: EnvelopeError) -> Self {
        (StatusCode::UNAUTHORIZED, error.to_string())
    }
}

/// Where a request goes: what its signature is good for.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// The network.
    pub network: &'a Pubkey,
    /// The recipient's key.
    pub recipient: &'a [u8; 32],
    /// The path of its URL.
    pub path: &'a str,
}

/// Who sent a request, and the hash its body must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The sender's key.
    pub sender: [u8; 32],
    /// SHA-256 of the body.
    pub body: Hash,
}

impl Address<'_> {
    fn message(&self, time: u64, body: &Hash) -> Vec<u8> {
        let time = time.to_le_bytes();
        let parts: [&[u8]; 6] = [DOMAIN, self.network.as_ref(), self.recipient, &time, body, self.path.as_bytes()];
        parts.concat()
    }

    /// The headers of a request whose body has this SHA-256, sent at `now` (unix seconds).
    #[must_use]
    pub fn seal(&self, sender: &SigningKey, now: u64, body: &Hash) -> HeaderMap {
        let signature = sender.sign(&self.message(now, body)).to_bytes();
        let text = |bytes: &[u8]| HeaderValue::from_str(&hex::encode(bytes)).unwrap_or(HeaderValue::from_static(""));
        HeaderMap::from_iter([
            (KEY.clone(), text(sender.verifying_key().as_bytes())),
            (TIME.clone(), HeaderValue::from(now)),
            (BODY.clone(), text(body)),
            (SIGNATURE.clone(), text(&signature)),
        ])
    }

    /// Reads and verifies the headers of a request that came at `now` (unix seconds). That the body is the one they speak of
    /// ([`Envelope::holds`]) and that the sender is somebody remains to be seen.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn open(&self, now: u64, headers: &HeaderMap) -> Result<Envelope, EnvelopeError> {
        let (sender, body) = (bytes(headers, &KEY)?, bytes(headers, &BODY)?);
        let signature = Signature::from_bytes(&bytes(headers, &SIGNATURE)?);
        let time = headers.get(&TIME).and_then(|time| time.to_str().ok()).and_then(|time| time.parse::<u64>().ok());
        let time = time.ok_or(EnvelopeError::Header("x-attester-time"))?;
        if time.abs_diff(now) > CLOCK_SECONDS {
            return Err(EnvelopeError::Time);
        }
        let key = VerifyingKey::from_bytes(&sender).map_err(|_| EnvelopeError::Signature)?;
        let verified = key.verify_strict(&self.message(time, &body), &signature);
        verified.map_err(|_| EnvelopeError::Signature)?;
        Ok(Envelope { sender, body })
    }
}

impl Envelope {
    /// Whether this is the body that was signed.
    #[must_use]
    pub fn holds(&self, body: &[u8]) -> bool {
        Software::hash(&[body]) == self.body
    }

    /// Reads the body: at most `most` bytes, for no longer than `limit`.
    ///
    /// # Errors
    /// For a body that is slow, long, or not the one that was signed.
    pub async fn read(&self, body: Body, most: usize, limit: Duration) -> Result<Bytes, Refusal> {
        let slow = |_| (StatusCode::REQUEST_TIMEOUT, "the body does not come".to_owned());
        let long = |_| (StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {most} bytes, or breaks off"));
        let bytes = tokio::time::timeout(limit, to_bytes(body, most)).await.map_err(slow)?.map_err(long)?;
        let signed = self.holds(&bytes).then_some(bytes);
        signed.ok_or((StatusCode::UNAUTHORIZED, "the body is not the one that was signed".to_owned()))
    }
}

fn bytes<const N: usize>(headers: &HeaderMap, name: &'static HeaderName) -> Result<[u8; N], EnvelopeError> {
    let mut bytes = [0; N];
    let value = headers.get(name).ok_or(EnvelopeError::Header(name.as_str()))?;
    hex::decode_to_slice(value.as_bytes(), &mut bytes).map_err(|_| EnvelopeError::Header(name.as_str()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_signature_is_good_for_one_request_to_one_peer() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let (network, other) = (Pubkey::new_from_array([2; 32]), Pubkey::new_from_array([3; 32]));
        let to = Address { network: &network, recipient: &[4; 32], path: "/v1/proposals" };
        let headers = to.seal(&key, 1_000, &Software::hash(&[b"body"]));
        let envelope = to.open(1_060, &headers).unwrap();
        assert_eq!(envelope.sender, key.verifying_key().to_bytes());
        assert!(envelope.holds(b"body") && !envelope.holds(b"bodies"));

        assert_eq!(to.open(1_061, &headers), Err(EnvelopeError::Time));
        assert_eq!(to.open(939, &headers), Err(EnvelopeError::Time));
        let wrong = Err(EnvelopeError::Signature);
        assert_eq!(Address { network: &other, ..to }.open(1_000, &headers), wrong);
        assert_eq!(Address { recipient: &[5; 32], ..to }.open(1_000, &headers), wrong);
        assert_eq!(Address { path: "/v1/receipts/fetch", ..to }.open(1_000, &headers), wrong);
        for (name, bytes) in [(&KEY, 32), (&BODY, 32), (&SIGNATURE, 64)] {
            let mut headers = headers.clone();
            headers.insert(name, HeaderValue::from_str(&hex::encode(vec![7; bytes])).unwrap());
            assert_eq!(to.open(1_000, &headers), wrong, "{name}");
            headers.insert(name, HeaderValue::from_static("7"));
            assert_eq!(to.open(1_000, &headers), Err(EnvelopeError::Header(name.as_str())), "{name}");
            headers.remove(name);
            assert_eq!(to.open(1_000, &headers), Err(EnvelopeError::Header(name.as_str())), "{name}");
        }
    }
}
