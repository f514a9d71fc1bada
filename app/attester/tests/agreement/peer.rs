//! How an attester behaves that is not as it should be.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use coverage_attester::agreement::messages::{Answer, Objection};
use futures_util::stream;
use std::convert::Infallible;
use std::time::Duration;

/// How an attester behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As it should.
    Honest,
    /// Not there.
    Down,
    /// Does everything right, but answers long after anybody waits.
    Slow,
    /// Proposes nothing, and objects to everything.
    SignsNothing,
    /// Signs everything, with another signature.
    SignsOther,
    /// Answers with bytes that mean nothing.
    Garbage,
    /// Answers without end.
    Oversize,
    /// Answers a byte now and then, without end.
    Drip,
    /// Serves like an honest one; what it proposes is up to the test.
    Scripted,
    /// As [`Self::Scripted`], but delivers no receipts.
    Withholds,
}

impl Manner {
    /// Whether it runs its own part of the agreement.
    pub const fn takes_part(self) -> bool {
        matches!(self, Self::Honest | Self::Slow)
    }
}

/// Routes that behave like this.
pub fn with_manner(honest: Router, manner: Manner) -> Router {
    honest.layer(middleware::from_fn(move |request: Request, next: Next| async move {
        match manner {
            Manner::Honest | Manner::Down | Manner::Scripted => next.run(request).await,
            Manner::Slow => {
                tokio::time::sleep(Duration::from_secs(4)).await;
                next.run(request).await
            }
            Manner::Withholds if request.uri().path().ends_with("fetch") => Vec::<u8>::new().into_response(),
            Manner::Withholds => next.run(request).await,
            Manner::SignsNothing => say(&Answer::Objects(Objection::FalseCount)),
            Manner::SignsOther => say(&Answer::Signed([7; 64])),
            Manner::Garbage => vec![0xEE_u8; 999].into_response(),
            Manner::Oversize => endless(Bytes::from(vec![0; 65_536]), Duration::ZERO),
            Manner::Drip => endless(Bytes::from_static(b"\0"), Duration::from_millis(50)),
        }
    }))
}

fn say(answer: &Answer) -> Response {
    borsh::to_vec(answer).unwrap().into_response()
}

fn endless(chunk: Bytes, pause: Duration) -> Response {
    let chunks = stream::unfold(chunk, move |chunk| async move {
        tokio::time::sleep(pause).await;
        Some((Ok::<_, Infallible>(chunk.clone()), chunk))
    });
    Body::from_stream(chunks).into_response()
}
