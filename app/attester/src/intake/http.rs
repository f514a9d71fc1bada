//! `POST /v1/receipts`.

use super::{Documents, Intake, IntakeError, Verdict};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::post};
use futures_util::StreamExt;
use serde::Serialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// How long a client that there is no room for should wait, in seconds.
const RETRY_AFTER: &str = "1";
/// How long a body may take: it holds room that others could use.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Memory that a body gets before its first byte has come.
const FIRST_BYTES: usize = 1 << 16;

/// What of a request became what.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct Answer {
    /// Receipts stored.
    pub accepted: usize,
    /// Receipts that were stored before.
    pub duplicates: usize,
    /// Receipts that are not stored.
    pub refused: Vec<RefusedReceipt>,
}

/// A receipt that is not stored.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub struct RefusedReceipt {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Why, for machines.
    pub code: &'static str,
    /// Why, and what to do.
    pub reason: String,
}

/// A request that was not taken, with what to do instead.
#[derive(Debug, Serialize)]
struct Error {
    code: &'static str,
    reason: String,
}

/// What the handler needs.
#[derive(Clone)]
struct Receiver {
    intake: Intake,
    limit: usize,
}

/// The route, for requests of at most `limit` bytes.
pub fn routes(intake: Intake, limit: usize) -> Router {
    Router::new().route("/v1/receipts", post(receive)).with_state(Receiver { intake, limit })
}

async fn receive(State(receiver): State<Receiver>, request: Request) -> Response {
    match receiver.receive(request).await {
        Ok(verdicts) => {
            let answer = answer(verdicts);
            let status = if answer.accepted > 0 { StatusCode::ACCEPTED } else { StatusCode::OK };
            (status, Json(answer)).into_response()
        }
        Err(response) => response,
    }
}

impl Receiver {
    async fn receive(&self, request: Request) -> Result<Vec<Verdict>, Response> {
        let (parts, body) = request.into_parts();
        // Room is taken before a byte is read: what clients send at once is bounded, too.
        let size = announced(&parts.headers).unwrap_or(self.limit);
        if size > self.limit {
            return Err(self.too_large());
        }
        let room = self.intake.try_room(size).map_err(|error| self.error(error))?;
        let late =
            || refuse(StatusCode::REQUEST_TIMEOUT, "slow", "the body took too long; send less at once".to_owned());
        let body = tokio::time::timeout(BODY_TIMEOUT, self.read(body, size)).await.map_err(|_| late())??;
        let documents = split(&body).map_err(|reason| refuse(StatusCode::BAD_REQUEST, "unparsable", reason))?;
        self.intake.take(Documents::Json(documents), room).await.map_err(|error| self.error(error))
    }

    async fn read(&self, body: Body, size: usize) -> Result<Bytes, Response> {
        let mut frames = body.into_data_stream();
        let mut bytes = Vec::with_capacity(size.min(FIRST_BYTES));
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(|error| {
                let reason = format!("the body broke off ({error}); send it again");
                refuse(StatusCode::BAD_REQUEST, "unreadable", reason)
            })?;
            if frame.len() > size.saturating_sub(bytes.len()) {
                return Err(self.too_large());
            }
            bytes.extend_from_slice(&frame);
        }
        Ok(bytes.into())
    }

    fn too_large(&self) -> Response {
        let reason = format!("a request may have {} bytes; send the receipts in several", self.limit);
        refuse(StatusCode::PAYLOAD_TOO_LARGE, "too_large", reason)
    }

    fn error(&self, error: IntakeError) -> Response {
        match error {
            IntakeError::Full => {
                self.intake.metrics.turned_away.inc();
                let response = refuse(StatusCode::TOO_MANY_REQUESTS, "busy", error.to_string());
                ([(header::RETRY_AFTER, RETRY_AFTER)], response).into_response()
            }
            IntakeError::TooLarge => self.too_large(),
            IntakeError::Stopped => refuse(StatusCode::SERVICE_UNAVAILABLE, "stopping", error.to_string()),
        }
    }
}

fn refuse(status: StatusCode, code: &'static str, reason: String) -> Response {
    (status, Json(Error { code, reason })).into_response()
}

pub(super) fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn answer(verdicts: Vec<Verdict>) -> Answer {
    let mut answer = Answer { accepted: 0, duplicates: 0, refused: Vec::new() };
    for (index, verdict) in verdicts.into_iter().enumerate() {
        match verdict {
            Verdict::Accepted => answer.accepted = answer.accepted.saturating_add(1),
            Verdict::Duplicate => answer.duplicates = answer.duplicates.saturating_add(1),
            Verdict::Refused(refusal) => {
                answer.refused.push(RefusedReceipt { index, code: refusal.code(), reason: refusal.to_string() });
            }
        }
    }
    answer
}

/// The receipts of a body: an array of them, or one or several texts of JSON one after the other. They share its memory.
fn split(body: &Bytes) -> Result<Vec<Bytes>, String> {
    let share = |text: &RawValue| body.slice_ref(text.get().as_bytes());
    let wrong = |error: serde_json::Error| {
        format!("the body is neither JSON nor lines of JSON: {error}; nothing of it was taken")
    };
    let documents: Vec<Bytes> = if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        serde_json::from_slice::<Vec<&RawValue>>(body).map_err(wrong)?.into_iter().map(share).collect()
    } else {
        let texts = serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>();
        texts.map(|text| text.map(share)).collect::<Result<_, _>>().map_err(wrong)?
    };
    if documents.is_empty() { Err("the body holds no receipts".to_owned()) } else { Ok(documents) }
}
