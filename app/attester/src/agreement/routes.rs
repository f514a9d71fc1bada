//! What the other attesters may ask of this one over HTTP.

use super::envelope::{Address, Envelope, Refusal};
use super::messages::{Answer, FETCH_BYTES, Fetch, MAX_FETCH, Objection, PROPOSAL_BYTES, PULL_BYTES, Proposal, Pull};
use super::peers::{FETCH, PROPOSALS, PULL, unix_now};
use super::staged::encode;
use super::{Agreement, AgreementError, blocking};
use crate::store::StoreError;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use borsh::BorshDeserialize;
use coverage_math::receipt::Receipt;
use solana_program::pubkey::Pubkey;
use std::sync::Arc;

/// The routes of the agreement: [`PROPOSALS`], [`FETCH`] and [`PULL`].
pub fn routes(agreement: Arc<Agreement>) -> Router {
    let routes = Router::new().route(PROPOSALS, post(propose)).route(FETCH, post(fetch)).route(PULL, post(pull));
    routes.with_state(agreement)
}

async fn propose(State(agreement): State<Arc<Agreement>>, request: Request) -> Response {
    let (envelope, body) = match agreement.open(PROPOSALS, request) {
        Ok(opened) => opened,
        Err(refusal) => return refusal.into_response(),
    };
    // Taken before the body is read: what a member may have under review at once is bounded in memory, too.
    let answer = match agreement.permit(&agreement.reviews, &envelope.sender) {
        None => Answer::Objects(Objection::Busy),
        Some(_permit) => {
            let proposal = match agreement.read(&envelope, body, PROPOSAL_BYTES).await {
                Ok(bytes) => borsh::from_slice::<Proposal>(&bytes),
                Err(refusal) => return refusal.into_response(),
            };
            match proposal {
                Ok(proposal) => agreement.review(envelope.sender, proposal).await,
                Err(_) => Answer::Objects(Objection::Malformed),
            }
        }
    };
    borsh::to_vec(&answer).unwrap_or_default().into_response() // writing to memory does not fail
}

async fn fetch(State(agreement): State<Arc<Agreement>>, request: Request) -> Result<Vec<u8>, Refusal> {
    let (envelope, body) = agreement.open(FETCH, request)?;
    let _permit = agreement.permit(&agreement.fetches, &envelope.sender).ok_or_else(busy)?;
    let fetch: Fetch = agreement.question(&envelope, body, FETCH_BYTES).await?;
    if fetch.receipts.len() > MAX_FETCH {
        return Err(unreadable());
    }
    let store = agreement.store.clone();
    receipts(move || {
        let workload = Pubkey::new_from_array(fetch.workload);
        let stored = store.get(&workload, fetch.epoch, &fetch.receipts)?;
        Ok(stored.into_iter().flatten().map(|stored| stored.receipt).collect())
    })
    .await
}

async fn pull(State(agreement): State<Arc<Agreement>>, request: Request) -> Result<Vec<u8>, Refusal> {
    let (envelope, body) = agreement.open(PULL, request)?;
    let _permit = agreement.permit(&agreement.pulled, &envelope.sender).ok_or_else(busy)?;
    let pull: Pull = agreement.question(&envelope, body, PULL_BYTES).await?;
    let (store, network) = (agreement.store.clone(), agreement.observer.last().network);
    receipts(move || super::pull::answer(&store, &network, &pull)).await
}

/// An answer of receipts out of the store.
async fn receipts(
    find: impl FnOnce() -> Result<Vec<Receipt>, StoreError> + Send + 'static,
) -> Result<Vec<u8>, Refusal> {
    let found = blocking(move || Ok::<_, AgreementError>(encode(&find()?)?)).await.and_then(|found| found);
    found.map_err(|error| {
        tracing::error!(%error, "receipts could not be read");
        (StatusCode::INTERNAL_SERVER_ERROR, "the store failed".to_owned())
    })
}

fn busy() -> Refusal {
    (StatusCode::TOO_MANY_REQUESTS, "too many requests at once".to_owned())
}

fn unreadable() -> Refusal {
    (StatusCode::BAD_REQUEST, "the request cannot be read".to_owned())
}

impl Agreement {
    /// Who sent a request, if it is a member of the committee.
    fn open(&self, path: &str, request: Request) -> Result<(Envelope, Body), Refusal> {
        let directory = self.observer.last();
        let to = Address { network: &directory.network, recipient: &self.public, path };
        let envelope = to.open(unix_now().as_secs(), request.headers())?;
        let stranger = (StatusCode::FORBIDDEN, "the sender is not a member of the committee with a bond".to_owned());
        directory.member(&envelope.sender).ok_or(stranger)?;
        Ok((envelope, request.into_body()))
    }

    /// Reads a question of at most `most` bytes.
    async fn question<T: BorshDeserialize>(&self, envelope: &Envelope, body: Body, most: usize) -> Result<T, Refusal> {
        let bytes = self.read(envelope, body, most).await?;
        borsh::from_slice(&bytes).map_err(|_| unreadable())
    }

    /// Reads a body of at most `most` bytes, in bounded time.
    async fn read(&self, envelope: &Envelope, body: Body, most: usize) -> Result<Bytes, Refusal> {
        envelope.read(body, most, self.terms.fetch_timeout).await
    }
}
