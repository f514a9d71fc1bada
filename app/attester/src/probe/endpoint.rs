//! An operator's endpoint, and one request to it.
//!
//! `POST {url}/chat/completions` with `stream: true`, a connection of its own every time: what a new user would see, and no
//! stale connection is held against the operator. Redirects are not followed, since they would take the API key wherever the
//! operator likes; proxies from the environment are not used, since their faults would be taken for the operator's; bodies are
//! not unpacked, so what came is what is kept.

use super::answer::{Answer, Step};
use super::outcome::Failure;
use super::prompt::Question;
use super::settings::{EndpointSettings, ProbeError};
use super::sse::Parser;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Response, StatusCode, Url};
use serde::Serialize;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Bytes of an answer besides its tokens: headers of the stream, comments, usage.
const BASE_BYTES: usize = 64 * 1_024;
/// Bytes a token may take: each comes in a chunk of a few hundred.
const BYTES_A_TOKEN: usize = 1_024;
/// Bytes that are kept of an answer that is not a stream.
const ERROR_BYTES: usize = 4 * 1_024;
/// How long those are waited for.
const ERROR_PATIENCE: Duration = Duration::from_secs(1);

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection, its name and TLS included.
    pub connect: Duration,
    /// For the whole answer after the workload's objective has passed: what tells late from never. At least [`Self::connect`],
    /// or a missing host would be taken for a slow one.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), patience: Duration::from_secs(10) }
    }
}

/// The client that all endpoints share.
pub(super) fn client(limits: &Limits) -> Result<Client, ProbeError> {
    let builder = Client::builder()
        .user_agent(concat!("coverage-attester/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(limits.connect)
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .no_proxy();
    Ok(builder.build()?)
}

/// An operator's endpoint.
pub(super) struct Endpoint {
    /// Where chat completions are asked for.
    pub url: Url,
    /// One request at a time.
    pub turn: Arc<Semaphore>,
    model: String,
    api_key: Option<String>,
    client: Client,
    max_tokens: u32,
}

/// The request, in the order its fields are sent.
#[derive(Serialize)]
struct ChatRequest<'a> {
    model: &'a str,
    messages: [Message<'a>; 1],
    max_tokens: u32,
    temperature: u8,
    seed: u32,
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'a str,
    content: &'a str,
}

/// What was seen of one request.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The body sent.
    pub request: Vec<u8>,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// From request to first token.
    pub first_token: Option<Duration>,
    /// From request to last token so far.
    pub last_token: Option<Duration>,
    /// From request to the end of it.
    pub ended: Duration,
    /// The body that came, as far as it was read.
    pub response: Vec<u8>,
    /// Why it was not served.
    pub failure: Option<Failure>,
}

impl Endpoint {
    /// The endpoint that the settings name.
    ///
    /// # Errors
    /// [`ProbeError::Url`] or [`ProbeError::ApiKey`].
    pub fn new(settings: &EndpointSettings, max_tokens: u32, client: Client) -> Result<Self, ProbeError> {
        Ok(Self {
            url: settings.chat_url()?,
            turn: Arc::new(Semaphore::new(1)),
            model: settings.model.clone(),
            api_key: settings.api_key()?,
            client,
            max_tokens,
        })
    }

    /// `host:port`, to connect to.
    pub fn authority(&self) -> String {
        let (host, port) = (self.url.host_str().unwrap_or_default(), self.url.port_or_known_default().unwrap_or(443));
        format!("{host}:{port}")
    }

    /// Asks a question and waits at most `limit` for the whole answer.
    pub async fn ask(&self, question: &Question, limit: Duration) -> Seen {
        let request = ChatRequest {
            model: &self.model,
            messages: [Message { role: "user", content: &question.text }],
            max_tokens: self.max_tokens,
            temperature: 0,
            seed: question.seed,
            stream: true,
        };
        // Strings and numbers always serialise.
        let mut seen = Seen { request: serde_json::to_vec(&request).unwrap_or_default(), ..Seen::default() };
        let start = Instant::now();
        let result = timeout(limit, self.exchange(question, start, &mut seen)).await;
        seen.ended = start.elapsed();
        seen.failure = result.unwrap_or(Err(Failure::TimedOut)).err();
        seen
    }

    async fn exchange(&self, question: &Question, start: Instant, seen: &mut Seen) -> Result<(), Failure> {
        let mut request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        if let Some(key) = &self.api_key {
            request = request.bearer_auth(key);
        }
        let mut response = request.body(seen.request.clone()).send().await.map_err(|error| failure(&error))?;
        seen.status = Some(response.status().as_u16());
        let wrong = if response.status() != StatusCode::OK {
            Some(Failure::Status(response.status().as_u16()))
        } else if !is_event_stream(response.headers()) {
            Some(Failure::Malformed("the answer is not an event stream"))
        } else {
            None
        };
        if let Some(failure) = wrong {
            // The status is the answer; the body is for people, and not worth more than a moment.
            let _ = timeout(ERROR_PATIENCE, read_some(&mut response, &mut seen.response)).await;
            return Err(failure);
        }
        let answer = self.read(response, start, seen).await?;
        if seen.first_token.is_none() {
            return Err(Failure::Empty);
        }
        if question.is_answered_by(&answer.text) { Ok(()) } else { Err(Failure::WrongAnswer) }
    }

    /// Reads the stream up to its end mark.
    async fn read(&self, mut response: Response, start: Instant, seen: &mut Seen) -> Result<Answer, Failure> {
        let tokens = usize::try_from(self.max_tokens).unwrap_or(usize::MAX);
        let most = tokens.saturating_mul(BYTES_A_TOKEN).saturating_add(BASE_BYTES);
        let (mut parser, mut answer) = (Parser::default(), Answer::default());
        loop {
            let piece = response.chunk().await.map_err(|error| failure(&error))?;
            let events = match &piece {
                Some(piece) => {
                    let room = most.saturating_sub(seen.response.len());
                    seen.response.extend(piece.iter().take(room));
                    if piece.len() > room {
                        return Err(Failure::TooLong);
                    }
                    parser.feed(piece)
                }
                None => parser.finish().into_iter().collect(),
            };
            for event in events {
                match answer.take(&event)? {
                    Step::Done => return Ok(answer),
                    Step::Token => {
                        seen.last_token = Some(start.elapsed());
                        seen.first_token = seen.first_token.or(seen.last_token);
                    }
                    Step::Nothing => {}
                }
            }
            if piece.is_none() {
                return Err(Failure::Unfinished);
            }
        }
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

async fn read_some(response: &mut Response, bytes: &mut Vec<u8>) {
    while let Ok(Some(piece)) = response.chunk().await {
        bytes.extend(piece.iter().take(ERROR_BYTES.saturating_sub(bytes.len())));
        if bytes.len() >= ERROR_BYTES {
            return;
        }
    }
}

/// What the HTTP client says, in one line with its causes.
fn failure(error: &reqwest::Error) -> Failure {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let reason = if causes.is_empty() { error.to_string() } else { causes.join(": ") };
    if error.is_connect() { Failure::Connect(reason) } else { Failure::Broken(reason) }
}
