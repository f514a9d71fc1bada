//! Receipts from NATS JetStream: how intake scales past one machine.
//!
//! Attesters and [workers](super::handover) that name the same durable pull consumer share its messages: each goes to one of them,
//! and is acknowledged only when its receipts are stored; other attesters get them by the agreement. What is refused for good is
//! terminated, and what may pass once the chain has moved comes again later. One that dies loses nothing: the server gives its
//! messages to another.

use super::{Documents, Intake, Verdict};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::message::AckKind;
use async_nats::jetstream::{self, Message};
use axum::body::Bytes;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long the server waits for an acknowledgement before it delivers a message again.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// How often it is told that a message is still being worked on.
const PROGRESS: Duration = Duration::from_secs(10);
/// How much later comes again what may pass then.
const LATER: Duration = Duration::from_secs(10);
/// How many times that happens: half an hour, as long as the next epoch may take to be opened.
const TRIES: i64 = 180;
/// The longest pause between two attempts to reach the server.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The section `nats` of the settings.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct NatsSettings {
    /// The server, such as `nats://127.0.0.1:4222`; several with commas between them.
    pub url: String,
    /// The stream, which must be there.
    pub stream: String,
    /// The durable consumer; attesters and workers that name the same share its messages. Absent: `attester-` and the key of the
    /// attester, also for its workers.
    #[serde(default)]
    pub consumer: Option<String>,
    /// A file with credentials, if the server wants some.
    #[serde(default)]
    pub credentials: Option<PathBuf>,
    /// Messages under way at once, at most.
    #[serde(default = "default_messages")]
    pub messages: usize,
}

fn default_messages() -> usize {
    4_096
}

/// Why nothing comes from the server for now.
#[derive(Debug, Error)]
pub enum NatsError {
    /// The credentials cannot be read.
    #[error("cannot read the credentials {path}: {error}")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// No connection.
    #[error("cannot connect to {url}: {error}")]
    Connect {
        /// The server.
        url: String,
        /// Why.
        error: async_nats::ConnectError,
    },
    /// No stream.
    #[error("there is no stream {stream}: {error}; make it with `nats stream add {stream}`")]
    Stream {
        /// The stream.
        stream: String,
        /// Why.
        error: String,
    },
    /// No consumer.
    #[error("cannot use the consumer {consumer}: {error}")]
    Consumer {
        /// The consumer.
        consumer: String,
        /// Why.
        error: String,
    },
    /// The messages broke off.
    #[error("the messages broke off: {0}")]
    Messages(String),
}

/// Takes receipts from the server until told to stop, then finishes those under way. Connects again as often as it takes.
pub async fn run(settings: NatsSettings, consumer: String, intake: Intake, stop: CancellationToken) {
    let mut pause = Duration::from_millis(250);
    while !stop.is_cancelled() {
        let mut worked = false;
        if let Err(error) = consume(&settings, &consumer, &intake, &stop, &mut worked).await {
            tracing::warn!(%error, again_in = ?pause, "no receipts from NATS");
        }
        pause = if worked { Duration::from_millis(250) } else { pause.saturating_mul(2).min(LONGEST_PAUSE) };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn open(settings: &NatsSettings, name: &str) -> Result<Consumer<pull::Config>, NatsError> {
    let options = match &settings.credentials {
        None => async_nats::ConnectOptions::new(),
        Some(path) => async_nats::ConnectOptions::with_credentials_file(path)
            .await
            .map_err(|error| NatsError::Credentials { path: path.clone(), error })?,
    };
    let url = settings.url.clone();
    let servers: Vec<String> = url.split(',').map(|server| server.trim().to_owned()).collect();
    let client = options.connect(servers).await.map_err(|error| NatsError::Connect { url, error })?;
    let stream = settings.stream.clone();
    let found = jetstream::new(client).get_stream(&stream).await;
    let found = found.map_err(|error| NatsError::Stream { stream, error: error.to_string() })?;
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_ack_pending: i64::try_from(settings.messages).unwrap_or(i64::MAX),
        ..pull::Config::default()
    };
    let consumer = found.get_or_create_consumer(name, config).await;
    consumer.map_err(|error| NatsError::Consumer { consumer: name.to_owned(), error: error.to_string() })
}

async fn consume(
    settings: &NatsSettings,
    name: &str,
    intake: &Intake,
    stop: &CancellationToken,
    worked: &mut bool,
) -> Result<(), NatsError> {
    let consumer = open(settings, name).await?;
    let mut messages = consumer.messages().await.map_err(|error| NatsError::Messages(error.to_string()))?;
    *worked = true;
    let mut under_way = JoinSet::new();
    let ended = loop {
        tokio::select! {
            () = stop.cancelled() => break Ok(()),
            Some(_) = under_way.join_next() => {}
            next = messages.next(), if under_way.len() < settings.messages => match next {
                None => break Err(NatsError::Messages("the server ended them".to_owned())),
                Some(Err(error)) => break Err(NatsError::Messages(error.to_string())),
                Some(Ok(message)) => {
                    let intake = intake.clone();
                    under_way.spawn(async move { handle(&intake, message).await });
                }
            },
        }
    };
    while under_way.join_next().await.is_some() {}
    ended
}

/// Stores what a message holds, and tells the server what became of it.
async fn handle(intake: &Intake, message: Message) {
    let verdicts = tokio::select! {
        verdicts = store(intake, message.payload.clone()) => verdicts,
        never = keep(&message) => match never {},
    };
    let Some(verdicts) = verdicts else { return }; // not acknowledged: it comes again
    let kind = decide(&verdicts, message.info().map_or(0, |info| info.delivered));
    for verdict in &verdicts {
        if let Verdict::Refused(refusal) = verdict {
            let subject = message.subject.as_str();
            tracing::warn!(source = "nats", subject, code = refusal.code(), reason = %refusal, "receipt refused");
        }
    }
    if let Err(error) = message.ack_with(kind).await {
        tracing::warn!(%error, "cannot acknowledge a message: it comes again, and is stored already");
    }
}

async fn store(intake: &Intake, payload: Bytes) -> Option<Vec<Verdict>> {
    let room = intake.room(payload.len()).await.ok()?;
    let lines = payload.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let documents: Vec<Bytes> = lines.map(|line| payload.slice_ref(line)).collect();
    intake.take(Documents::Json(documents), room).await.ok()
}

/// Tells the server again and again that a message is being worked on.
async fn keep(message: &Message) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(PROGRESS).await;
        if let Err(error) = message.ack_with(AckKind::Progress).await {
            tracing::warn!(%error, "cannot ask for more time for a message");
        }
    }
}

/// What the server is told of a message that was delivered so many times.
fn decide(verdicts: &[Verdict], delivered: i64) -> AckKind {
    let refusals = || {
        verdicts.iter().filter_map(|verdict| match verdict {
            Verdict::Refused(refusal) => Some(refusal),
            _ => None,
        })
    };
    if refusals().any(|refusal| refusal.may_pass_later()) && delivered < TRIES {
        AckKind::Nak(Some(LATER))
    } else if verdicts.is_empty() || refusals().next().is_some() {
        AckKind::Term
    } else {
        AckKind::Ack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::Refusal;

    #[test]
    fn what_may_pass_later_comes_again_and_what_never_will_does_not() {
        let bad = || Verdict::Refused(Refusal::SignatureInvalid);
        let early = || Verdict::Refused(Refusal::EpochNotOpen { epoch: 9 });
        assert!(matches!(decide(&[Verdict::Accepted, Verdict::Duplicate], 1), AckKind::Ack));
        assert!(matches!(decide(&[Verdict::Accepted, bad()], 1), AckKind::Term));
        assert!(matches!(decide(&[bad(), early()], TRIES - 1), AckKind::Nak(Some(LATER))));
        assert!(matches!(decide(&[early()], TRIES), AckKind::Term));
        assert!(matches!(decide(&[], 1), AckKind::Term));
    }
}
