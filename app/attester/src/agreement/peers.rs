//! Asking the other attesters: every question has a time limit, every answer a size limit.

use super::envelope::Address;
use super::messages::{ANSWER_BYTES, Answer, Fetch, MAX_FETCH, Pull};
use super::staged::{decode, encode};
use crate::intake::Verdict;
use crate::intake::handover::VERIFIED;
use axum::body::Bytes;
use borsh::BorshSerialize;
use coverage_math::hash::{Hash, Sha256, Software};
use coverage_math::receipt::{RECEIPT_BYTES, Receipt};
use ed25519_dalek::SigningKey;
use reqwest::{Client, Response};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// Path of proposals.
pub const PROPOSALS: &str = "/v1/proposals";
/// Path of requests for receipts.
pub const FETCH: &str = "/v1/receipts/fetch";
/// Path of questions for what waits.
pub const PULL: &str = "/v1/receipts/pull";
/// The most bytes of a verdict, with some room for words.
const VERDICT_BYTES: usize = 256;
/// The most bytes of a refusal that are read.
const REFUSAL_BYTES: usize = 1_024;
/// Path of published batches; the root follows in hexadecimal.
pub const BATCHES: &str = "/v1/batches/";

/// Why a peer is of no help.
#[derive(Debug, Error)]
pub enum PeerError {
    /// Nobody has told us where it is.
    #[error("its URL is not in the settings")]
    Unknown,
    /// It cannot be reached, or is too slow.
    #[error("it does not answer: {0}")]
    Silent(#[from] reqwest::Error),
    /// It answers with an error.
    #[error("it answers {status}: {reason}")]
    Refuses {
        /// Of the answer.
        status: reqwest::StatusCode,
        /// What it says.
        reason: String,
    },
    /// It answers with more than asked for.
    #[error("its answer has more than {0} bytes")]
    TooLong(usize),
    /// Its answer cannot be read.
    #[error("its answer cannot be read")]
    Garbled,
}

/// The other attesters, as the settings name them.
pub struct Peers {
    client: Client,
    network: Pubkey,
    /// Signs requests.
    key: SigningKey,
    urls: BTreeMap<[u8; 32], String>,
}

impl Peers {
    /// Peers by key, each with the URL its own service has.
    ///
    /// # Errors
    /// [`PeerError::Silent`] if this machine lacks what HTTP needs.
    pub fn new(network: Pubkey, key: SigningKey, urls: BTreeMap<[u8; 32], String>) -> Result<Self, PeerError> {
        // A redirect would lead wherever a peer likes.
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let trimmed = |(key, url): ([u8; 32], String)| (key, url.trim_end_matches('/').to_owned());
        Ok(Self { client, network, key, urls: urls.into_iter().map(trimmed).collect() })
    }

    /// Their keys.
    pub fn keys(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.urls.keys()
    }

    /// Asks a peer to sign a batch; `body` is the proposal, `hash` its SHA-256.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn propose(
        &self,
        peer: &[u8; 32],
        body: Bytes,
        hash: &Hash,
        limit: Duration,
    ) -> Result<Answer, PeerError> {
        let bytes = self.ask(peer, PROPOSALS, body, hash, ANSWER_BYTES, limit).await?;
        borsh::from_slice(&bytes).map_err(|_| PeerError::Garbled)
    }

    /// Asks a peer for receipts. Which of them it sent, and whether they are any good, is for the caller to see.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn fetch(&self, peer: &[u8; 32], fetch: &Fetch, limit: Duration) -> Result<Vec<Receipt>, PeerError> {
        self.receipts(peer, FETCH, fetch, fetch.receipts.len(), limit).await
    }

    /// Asks a peer for receipts that wait there and not here. Whether they are any good is for the caller to see.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn pull(&self, peer: &[u8; 32], pull: &Pull, limit: Duration) -> Result<Vec<Receipt>, PeerError> {
        self.receipts(peer, PULL, pull, MAX_FETCH, limit).await
    }

    /// Hands the attester that this worker works for receipts whose signatures are verified; what became of each.
    ///
    /// # Errors
    /// [`PeerError`]. The attester may have them or not: handing them over again does no harm.
    pub async fn hand_over(
        &self,
        attester: &[u8; 32],
        receipts: &[Receipt],
        limit: Duration,
    ) -> Result<Vec<Verdict>, PeerError> {
        let body = Bytes::from(encode(receipts).unwrap_or_default()); // writing to memory does not fail
        let hash = Software::hash(&[&body]);
        let most = receipts.len().saturating_add(1).saturating_mul(VERDICT_BYTES);
        let bytes = self.ask(attester, VERIFIED, body, &hash, most, limit).await?;
        let verdicts: Option<Vec<Verdict>> = borsh::from_slice(&bytes).ok();
        verdicts.filter(|verdicts| verdicts.len() == receipts.len()).ok_or(PeerError::Garbled)
    }

    /// At most `most` receipts, in answer to a question.
    async fn receipts(
        &self,
        peer: &[u8; 32],
        path: &str,
        question: &impl BorshSerialize,
        most: usize,
        limit: Duration,
    ) -> Result<Vec<Receipt>, PeerError> {
        let body = Bytes::from(borsh::to_vec(question).unwrap_or_default()); // writing to memory does not fail
        let hash = Software::hash(&[&body]);
        let bytes = self.ask(peer, path, body, &hash, most.saturating_mul(RECEIPT_BYTES), limit).await?;
        decode(&bytes).ok_or(PeerError::Garbled)
    }

    /// Asks a peer for the published receipts of a batch, of which there must be `receipts`.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn batch(
        &self,
        peer: &[u8; 32],
        root: &Hash,
        receipts: u32,
        limit: Duration,
    ) -> Result<Vec<Receipt>, PeerError> {
        let url = format!("{}{BATCHES}{}", self.url(peer)?, hex::encode(root));
        let most = usize::try_from(receipts).unwrap_or(usize::MAX).saturating_mul(RECEIPT_BYTES);
        let response = self.client.get(url).timeout(limit).send().await?;
        decode(&read(response, most).await?).ok_or(PeerError::Garbled)
    }

    async fn ask(
        &self,
        peer: &[u8; 32],
        path: &str,
        body: Bytes,
        hash: &Hash,
        most: usize,
        limit: Duration,
    ) -> Result<Vec<u8>, PeerError> {
        let headers =
            Address { network: &self.network, recipient: peer, path }.seal(&self.key, unix_now().as_secs(), hash);
        let request = self.client.post(format!("{}{path}", self.url(peer)?)).headers(headers).body(body);
        read(request.timeout(limit).send().await?, most).await
    }

    fn url(&self, peer: &[u8; 32]) -> Result<&str, PeerError> {
        self.urls.get(peer).map(String::as_str).ok_or(PeerError::Unknown)
    }
}

/// A body of at most `most` bytes.
async fn read(response: Response, most: usize) -> Result<Vec<u8>, PeerError> {
    let status = response.status();
    if status.is_success() {
        return body(response, most).await;
    }
    let reason = body(response, REFUSAL_BYTES).await.unwrap_or_default();
    Err(PeerError::Refuses { status, reason: String::from_utf8_lossy(&reason).into_owned() })
}

async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, PeerError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len().saturating_add(chunk.len()) > most {
            return Err(PeerError::TooLong(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Time since 1970 by the clock of this machine.
pub(crate) fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
