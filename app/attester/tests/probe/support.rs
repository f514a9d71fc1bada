//! A model server with every fault there is, and a prober that asks it once.

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Json, Router};
use coverage_attester::probe::schedule::{Probe, Schedule};
use coverage_attester::probe::{
    Address, ChainClock, EndpointSettings, Limits, ProbeMetrics, ProbeSettings, ProbedEpoch, Prober, Target, View,
};
use coverage_client::math::receipt::Receipt;
use coverage_client::math::reliability::Outcome;
use ed25519_dalek::SigningKey;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use solana_program::pubkey::Pubkey;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

pub const EPOCH: u64 = 5;
pub const SLOT: u16 = 3;
pub const START_TS: i64 = 1_700_000_000;
pub const NETWORK: Pubkey = Pubkey::new_from_array([11; 32]);
pub const WORKLOAD: Pubkey = Pubkey::new_from_array([12; 32]);
pub const OPERATOR: Pubkey = Pubkey::new_from_array([13; 32]);

/// What the server saw.
#[derive(Clone, Default)]
pub struct Log {
    /// Headers and bodies of requests.
    pub requests: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    /// Requests in hand, and the most there were at once.
    pub at_once: Arc<(AtomicUsize, AtomicUsize)>,
}

/// Serves `{base}/{mode}/v1/chat/completions`.
pub async fn serve() -> (String, Log) {
    let log = Log::default();
    let app = Router::new().route("/{mode}/v1/chat/completions", post(chat)).with_state(log.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (base, log)
}

/// An address nobody listens at.
pub async fn refused() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// What a model says to a prompt: the sum of its numbers, and its word.
pub fn solve(prompt: &str) -> (u32, String) {
    let sum = prompt.split(|letter: char| !letter.is_ascii_digit()).filter_map(|run| run.parse::<u32>().ok()).sum();
    let is_made_up = |run: &&str| {
        let vowel = |at: usize| b"aeio".contains(&run.as_bytes()[at]);
        run.len() == 8
            && run.bytes().all(|byte| byte.is_ascii_lowercase())
            && (0..8).all(|at| vowel(at) == (at % 2 == 1))
    };
    let word = prompt.split(|letter: char| !letter.is_alphabetic()).find(is_made_up);
    (sum, word.unwrap().to_owned())
}

/// A chunk with some text.
pub fn chunk(text: &str) -> String {
    let delta = json!({"index": 0, "delta": {"content": text}, "finish_reason": null});
    format!("data: {}\n\n", json!({"id": "c", "object": "chat.completion.chunk", "choices": [delta]}))
}

const DONE: &str = "data: [DONE]\n\n";

/// A stream of pieces, each after a pause.
fn stream_of(pieces: Vec<(u64, Vec<u8>)>) -> Response {
    let pieces = stream::iter(pieces).then(|(pause_ms, piece)| async move {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        Ok::<_, std::io::Error>(piece)
    });
    events(Body::from_stream(pieces))
}

fn events(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], body).into_response()
}

/// The pieces, and then an error that cuts the connection.
fn cut(piece: String) -> Response {
    let pieces = vec![Ok(piece), Err(std::io::Error::other("cut"))];
    // The pause lets the first piece out before the connection goes.
    let pieces = stream::iter(pieces).then(|piece| async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        piece
    });
    events(Body::from_stream(pieces))
}

fn endless(piece: &'static str, pause_ms: u64) -> Response {
    events(endless_body(piece, pause_ms))
}

fn endless_body(piece: &'static str, pause_ms: u64) -> Body {
    Body::from_stream(stream::repeat(piece).then(move |piece| async move {
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        Ok::<_, std::io::Error>(piece)
    }))
}

fn status(code: u16) -> Response {
    let body = Json(json!({"error": {"message": "no", "code": code}}));
    (StatusCode::from_u16(code).unwrap(), body).into_response()
}

async fn chat(State(log): State<Log>, Path(mode): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let prompt = request["messages"][0]["content"].as_str().unwrap().to_owned();
    log.requests.lock().unwrap().push((headers, request));
    let (sum, word) = solve(&prompt);
    let answer = format!("{}{}{DONE}", chunk(&format!("{sum} ")), chunk(&word));
    let now = |text: &str| stream_of(vec![(0, text.as_bytes().to_vec())]);
    match mode.as_str() {
        "good" => now(&answer),
        "slow-first" => stream_of(vec![(150, answer.into_bytes())]),
        "tracked" => tracked(&log, answer).await,
        "drip" => {
            let mut pieces: Vec<_> = word.chars().map(|letter| (40, chunk(&letter.to_string()).into_bytes())).collect();
            pieces.insert(0, (0, chunk(&format!("{sum} ")).into_bytes()));
            pieces.push((0, DONE.into()));
            stream_of(pieces)
        }
        "stall" => stream_of(vec![(0, chunk(&format!("{sum} ")).into_bytes()), (60_000, DONE.into())]),
        "late-end" => stream_of(vec![(0, answer.replace(DONE, "").into_bytes()), (300, DONE.into())]),
        "silent" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            status(500)
        }
        "cut" => cut(chunk(&format!("{sum} {word}"))),
        "no-done" => now(&answer.replace(DONE, "")),
        "wrong" => now(&answer.replace(&chunk(&word), &chunk("another"))),
        "wrong-sum" => now(&answer.replace(&chunk(&format!("{sum} ")), &chunk("7 "))),
        "late-wrong" => stream_of(vec![(150, format!("{}{DONE}", chunk("no")).into_bytes())]),
        "parrot" => now(&format!("{}{DONE}", chunk(&prompt))),
        "only-done" => now(DONE),
        "endless" => endless("data: {\"choices\":[{\"delta\":{\"content\":\"more and more \"}}]}\n\n", 0),
        "heartbeats" => endless(": ping\n\n", 20),
        "huge-line" => endless("data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0),
        "not-utf8" => {
            stream_of(vec![(0, b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}\n\n".to_vec())])
        }
        "not-json" => now("data: hello\n\ndata: [DONE]\n\n"),
        "whole" => Json(json!({"choices": [{"message": {"content": format!("{sum} {word}")}}]})).into_response(),
        "stream-error" => {
            now(&format!("{}data: {{\"error\":{{\"message\":\"oom\",\"code\":500}}}}\n\n{DONE}", chunk("4")))
        }
        "stream-full" => now("data: {\"error\":{\"message\":\"queue is full\",\"code\":503}}\n\n"),
        "error-line" => now(&format!("error: {{\"code\":503,\"message\":\"loading\"}}\n\n{DONE}")),
        "redirect" => Redirect::temporary("/good/v1/chat/completions").into_response(),
        "503-endless" => (StatusCode::SERVICE_UNAVAILABLE, endless_body("busy ", 10)).into_response(),
        "dialects" => dialects(sum, &word),
        code => status(code.parse().unwrap()),
    }
}

/// Everything that real servers do besides the reference, a byte at a time.
fn dialects(sum: u32, word: &str) -> Response {
    let (first, second) = word.split_at(4);
    let text = [
        ": OPENROUTER PROCESSING\r\n\r\n".to_owned(),
        "\r\nevent: message\r\nid: 1\r\nretry: 3000\r\n".to_owned(),
        "data: {\"choices\":[],\"prompt_filter_results\":[]}\r\n\r\n".to_owned(),
        "data:{\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n".to_owned(),
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n".to_owned(),
        "data: \n\n".to_owned(),
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n".to_owned(),
        chunk(&format!("Señor: {sum} – ")).replace('\n', "\r\n"),
        chunk(first),
        format!("data: {{\"choices\":\ndata: [{{\"delta\":{{\"content\":\"{second}\"}}}}]}}\n\n"),
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".to_owned(),
        "data: {\"choices\":[],\"usage\":{\"total_tokens\":9},\"timings\":{}}\n\n".to_owned(),
        "data: [DONE]\n".to_owned(),
    ];
    stream_of(text.concat().bytes().map(|byte| (0, vec![byte])).collect())
}

/// Answers after a while, and counts who waits.
async fn tracked(log: &Log, answer: String) -> Response {
    let (now, most) = &*log.at_once;
    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    now.fetch_sub(1, Ordering::SeqCst);
    stream_of(vec![(0, answer.into_bytes())])
}

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[21; 32])
}

pub fn endpoint(operator: Pubkey, url: &str) -> EndpointSettings {
    let (url, model) = (url.to_owned(), "tiny".to_owned());
    EndpointSettings { operator: Address(operator), workload: None, url, model, api_key_env: None }
}

pub fn schedule(seconds: i64, probes: u32) -> Schedule {
    Schedule { seed: [5; 32], start_ts: START_TS, end_ts: START_TS + seconds, probes }
}

pub fn probes(schedule: &Schedule, target: &Target) -> Vec<Probe> {
    schedule.probes(&target.workload, &target.operator, &key().verifying_key().to_bytes()).collect()
}

/// The chain's clock, which shows this now.
pub fn clock_at(read_ms: i64) -> ChainClock {
    ChainClock { read_ms, read_at: Instant::now() }
}

/// A prober at work.
pub struct Running {
    pub view: watch::Sender<View>,
    pub receipts: mpsc::Receiver<Receipt>,
    pub metrics: ProbeMetrics,
    pub stop: CancellationToken,
    pub task: tokio::task::JoinHandle<()>,
}

pub fn start(settings: &ProbeSettings, limits: Limits, view: View) -> Running {
    let metrics = ProbeMetrics::default();
    let prober = Prober::new(settings, NETWORK, key(), limits, metrics.clone()).unwrap();
    let (view, seen) = watch::channel(view);
    let (sender, receipts) = mpsc::channel(16);
    let stop = CancellationToken::new();
    let task = tokio::spawn(prober.run(seen, sender, stop.clone()));
    Running { view, receipts, metrics, stop, task }
}

pub fn view(clock: ChainClock, schedule: Schedule, targets: Vec<Target>) -> View {
    View { clock, epochs: Arc::new(vec![ProbedEpoch { epoch: EPOCH, schedule, targets }]) }
}

pub fn target(objective_ms: u32) -> Target {
    Target { workload: WORKLOAD, operator: OPERATOR, slot: SLOT, objective_ms }
}

/// One probe of the first endpoint, under these settings: its receipt, and its transcript.
pub async fn probe_with(mut settings: ProbeSettings, objective_ms: u32) -> (Receipt, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    settings.transcripts = Some(folder.path().to_owned());
    let limits = Limits { connect: Duration::from_secs(2), patience: Duration::from_millis(400) };
    let (schedule, target) = (schedule(3_600, 1), target(objective_ms));
    let probe = probes(&schedule, &target)[0];
    let clock = clock_at(probe.send_at_ms - 20);
    let mut running = start(&settings, limits, view(clock, schedule, vec![target]));
    let receipt = running.receipts.recv().await.unwrap();
    running.stop.cancel();
    running.task.await.unwrap();
    assert_eq!(receipt.attempt.request_id, probe.request_id);
    assert!(schedule.is_scheduled(&OPERATOR, &receipt.attempt));
    let file = folder.path().join(EPOCH.to_string()).join(hex::encode(receipt.attempt.evidence));
    (receipt, std::fs::read(file).unwrap())
}

/// One probe of this URL: outcome, latency and the failure that the transcript names.
pub async fn probe(url: &str, objective_ms: u32) -> (Outcome, u32, String) {
    let settings = ProbeSettings { endpoints: vec![endpoint(OPERATOR, url)], ..ProbeSettings::default() };
    let (receipt, transcript) = probe_with(settings, objective_ms).await;
    let failure = head(&transcript)["failure"].as_str().unwrap_or_default().to_owned();
    (receipt.attempt.outcome().unwrap(), receipt.attempt.latency_ms, failure)
}

/// The first line of a transcript.
pub fn head(transcript: &[u8]) -> Value {
    serde_json::from_slice(transcript.split(|byte| *byte == b'\n').next().unwrap()).unwrap()
}
