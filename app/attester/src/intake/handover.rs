//! Workers: processes that take and check receipts for an attester, on as many machines as that needs.
//!
//! What costs an attester most is to verify signatures. A worker takes receipts from the same sources, verifies them by the same
//! rules, hands them to its attester by `POST /v1/receipts/verified`, and acknowledges them to its source once the attester says
//! that they are stored. It keeps nothing itself: one that dies loses nothing, as its sources give what was not acknowledged to
//! another. It signs with a key of its own, which the attester's settings name; the committee's key stays on one machine.
//!
//! The attester believes its workers about signatures, and about nothing else: epoch, slot, reporter and schedule are checked
//! again. A worker that lies gets its attester's batches refused by all others, no more.

use super::http::{BODY_TIMEOUT, announced};
use super::pipeline::MOST_KEPT;
use super::{Documents, Intake, IntakeError, Verdict};
use crate::agreement::envelope::{Address, Refusal};
use crate::agreement::peers::{PeerError, Peers, unix_now};
use crate::agreement::staged::decode;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use coverage_math::receipt::{RECEIPT_BYTES, Receipt};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Path of receipts that workers hand over.
pub const VERIFIED: &str = "/v1/receipts/verified";

/// The most bytes handed over at once.
const MOST_BYTES: usize = MOST_KEPT * RECEIPT_BYTES;
/// How long the attester may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The first and the longest pause before receipts are handed over again.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a worker that is to stop goes on trying.
const LAST_TRIES: Duration = Duration::from_secs(10);

/// Who hands over to whom.
#[derive(Clone)]
struct Reception {
    intake: Intake,
    network: Pubkey,
    attester: [u8; 32],
    workers: Arc<BTreeSet<[u8; 32]>>,
}

/// The route of an attester with such workers.
pub fn routes(intake: Intake, network: Pubkey, attester: [u8; 32], workers: BTreeSet<[u8; 32]>) -> Router {
    let reception = Reception { intake, network, attester, workers: Arc::new(workers) };
    Router::new().route(VERIFIED, post(receive)).with_state(reception)
}

async fn receive(State(reception): State<Reception>, request: Request) -> Result<Vec<u8>, Refusal> {
    let Reception { intake, network, attester, workers } = reception;
    let to = Address { network: &network, recipient: &attester, path: VERIFIED };
    let envelope = to.open(unix_now().as_secs(), request.headers())?;
    if !workers.contains(&envelope.sender) {
        let key = Pubkey::from(envelope.sender);
        return Err((StatusCode::FORBIDDEN, format!("{key} is not among `workers` in this attester's settings")));
    }
    let size = announced(request.headers()).map_or(MOST_BYTES, |size| size.min(MOST_BYTES));
    let room = intake.try_room(size).map_err(refuse)?;
    let body = envelope.read(request.into_body(), size, BODY_TIMEOUT).await?;
    let receipts = decode(&body).ok_or((StatusCode::BAD_REQUEST, "these are no whole receipts".to_owned()))?;
    let verdicts = intake.take(Documents::Verified(receipts), room).await.map_err(refuse)?;
    Ok(borsh::to_vec(&verdicts).unwrap_or_default()) // writing to memory does not fail
}

fn refuse(error: IntakeError) -> Refusal {
    let status = match error {
        IntakeError::Full => StatusCode::TOO_MANY_REQUESTS,
        IntakeError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        IntakeError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, error.to_string())
}

/// A worker had to stop with receipts that its attester had not taken.
#[derive(Debug, Error)]
#[error(
    "attester {attester} did not take the last {receipts} receipts; who sent them was not told that they are stored"
)]
pub struct HandoverError {
    attester: Pubkey,
    receipts: usize,
}

/// How a worker hands receipts over.
pub struct Handover {
    peers: Peers,
    attester: [u8; 32],
    runtime: Handle,
    stop: CancellationToken,
}

impl Handover {
    /// To an attester, one of `peers`, until `stop` is cancelled and a little longer; on the runtime that this is called on.
    #[must_use]
    pub fn new(peers: Peers, attester: [u8; 32], stop: CancellationToken) -> Self {
        Self { peers, attester, runtime: Handle::current(), stop }
    }

    /// Hands receipts over, as often as it takes; what became of each. Blocks.
    ///
    /// # Errors
    /// [`HandoverError`] some seconds after `stop` was cancelled.
    pub fn keep(&self, receipts: &[Receipt]) -> Result<Vec<Verdict>, HandoverError> {
        if receipts.is_empty() {
            return Ok(Vec::new());
        }
        let late = async {
            self.stop.cancelled().await;
            sleep(LAST_TRIES).await;
        };
        self.runtime.block_on(async {
            tokio::select! {
                verdicts = self.insist(receipts) => Ok(verdicts),
                () = late => Err(HandoverError { attester: self.attester.into(), receipts: receipts.len() }),
            }
        })
    }

    async fn insist(&self, receipts: &[Receipt]) -> Vec<Verdict> {
        let mut pause = PAUSE;
        loop {
            match self.peers.hand_over(&self.attester, receipts, ANSWER).await {
                Ok(verdicts) => return verdicts,
                Err(PeerError::Refuses { status, .. }) if status.as_u16() == StatusCode::TOO_MANY_REQUESTS => {}
                Err(error) => {
                    let (attester, receipts) = (Pubkey::from(self.attester), receipts.len());
                    tracing::warn!(%attester, receipts, %error, again_in = ?pause, "receipts are not taken");
                }
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }
}
