//! One probe of a model server with every fault there is: exactly one outcome for each.

use crate::support::{OPERATOR, endpoint, head, probe, probe_with, refused, serve};
use coverage_attester::probe::ProbeSettings;
use coverage_client::math::hash::{Sha256, Software};
use coverage_client::math::reliability::Outcome::{self, *};
use serde_json::json;
use solana_program::pubkey::Pubkey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An objective that no test misses unless it means to, even on a machine that is busy.
const AMPLE_MS: u32 = 20_000;

/// The outcome and failure of one probe in this mode; nothing was served.
async fn fails(mode: &str, objective_ms: u32) -> (Outcome, String) {
    let (base, _) = serve().await;
    let (outcome, latency_ms, failure) = probe(&format!("{base}/{mode}/v1"), objective_ms).await;
    assert_eq!(latency_ms, 0, "{mode}: {outcome:?}");
    (outcome, failure)
}

#[tokio::test]
async fn a_right_answer_in_time_is_served() {
    let (base, _) = serve().await;
    let (outcome, latency_ms, failure) = probe(&format!("{base}/good/v1/"), AMPLE_MS).await;
    assert_eq!((outcome, failure.as_str()), (Served, ""));
    assert!((1..AMPLE_MS).contains(&latency_ms), "{latency_ms} ms");
}

#[tokio::test]
async fn everything_real_servers_do_is_served() {
    let (base, _) = serve().await;
    let (outcome, _, failure) = probe(&format!("{base}/dialects/v1"), AMPLE_MS).await;
    assert_eq!((outcome, failure.as_str()), (Served, ""));
}

#[tokio::test]
async fn the_request_is_the_one_documented() {
    let (base, log) = serve().await;
    // SAFETY: the variable is this test's own, and set before anything reads it.
    unsafe { std::env::set_var("COVERAGE_TEST_PROBE_KEY", "sk-secret") };
    let mut with_key = endpoint(OPERATOR, &format!("{base}/good/v1"));
    with_key.api_key_env = Some("COVERAGE_TEST_PROBE_KEY".into());
    let settings = ProbeSettings { endpoints: vec![with_key], max_tokens: 77, ..ProbeSettings::default() };
    let (receipt, transcript) = probe_with(settings, AMPLE_MS).await;
    let (headers, body) = log.requests.lock().unwrap()[0].clone();
    assert_eq!(headers["authorization"], "Bearer sk-secret");
    assert_eq!(headers["content-type"], "application/json");
    let question = coverage_attester::probe::prompt::Question::of(&receipt.attempt.request_id);
    let expected = json!({
        "model": "tiny", "messages": [{"role": "user", "content": question.text}],
        "max_tokens": 77, "temperature": 0, "seed": question.seed, "stream": true,
    });
    assert_eq!(body, expected);

    assert_eq!(receipt.attempt.evidence, Software::hash(&[&transcript]));
    let lines: Vec<_> = transcript.splitn(3, |byte| *byte == b'\n').collect();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(lines[1]).unwrap(), expected);
    assert!(lines[2].starts_with(b"data: {") && lines[2].ends_with(b"data: [DONE]\n\n"));
    assert_eq!(head(&transcript)["status"], 200);
    let text = String::from_utf8(transcript).unwrap();
    assert!(!text.contains("sk-secret"), "{text}");
}

#[tokio::test]
async fn a_right_answer_too_late_keeps_its_latency() {
    let (base, _) = serve().await;
    let (outcome, latency_ms, failure) = probe(&format!("{base}/slow-first/v1"), 100).await;
    assert_eq!((outcome, failure.as_str()), (LatencyExceeded, ""));
    assert!((150..500).contains(&latency_ms), "{latency_ms} ms");
    let (outcome, latency_ms, _) = probe(&format!("{base}/drip/v1"), 200).await;
    assert_eq!(outcome, LatencyExceeded);
    assert!((320..600).contains(&latency_ms), "{latency_ms} ms");
}

#[tokio::test]
async fn latency_is_to_the_last_token_not_to_the_end_mark() {
    let (base, _) = serve().await;
    let settings = ProbeSettings {
        endpoints: vec![endpoint(OPERATOR, &format!("{base}/late-end/v1"))],
        ..ProbeSettings::default()
    };
    let (receipt, transcript) = probe_with(settings, AMPLE_MS).await;
    let micros = |name: &str| head(&transcript)[name].as_u64().unwrap();
    assert_eq!(receipt.attempt.outcome(), Some(Served));
    assert!(micros("first_token_us") <= micros("last_token_us"));
    assert!(micros("ended_us") - micros("last_token_us") >= 290_000, "the end mark came 300 ms later");
    assert_eq!(u64::from(receipt.attempt.latency_ms), (micros("last_token_us") / 1_000).max(1));
}

#[tokio::test]
async fn no_whole_answer_in_time_is_late() {
    let late = (LatencyExceeded, "no whole answer in time".to_owned());
    for mode in ["stall", "silent", "heartbeats"] {
        assert_eq!(fails(mode, 100).await, late, "{mode}");
    }
}

#[tokio::test]
async fn a_full_server_is_out_of_capacity() {
    assert_eq!(fails("429", AMPLE_MS).await, (CapacityExhausted, "status 429".into()));
    assert_eq!(fails("503", AMPLE_MS).await, (CapacityExhausted, "status 503".into()));
    // However long it takes to say more.
    assert_eq!(fails("503-endless", AMPLE_MS).await, (CapacityExhausted, "status 503".into()));
    for mode in ["stream-full", "error-line"] {
        let expected = (CapacityExhausted, "an error in the stream that means status 503".to_owned());
        assert_eq!(fails(mode, AMPLE_MS).await, expected, "{mode}");
    }
}

#[tokio::test]
async fn any_other_status_or_error_means_the_model_is_not_there() {
    for code in [204, 400, 401, 403, 404, 422, 500, 502, 504] {
        assert_eq!(fails(&code.to_string(), AMPLE_MS).await, (ModelUnavailable, format!("status {code}")));
    }
    let expected = (ModelUnavailable, "an error in the stream that means status 500".to_owned());
    assert_eq!(fails("stream-error", AMPLE_MS).await, expected);
    assert_eq!(fails("only-done", AMPLE_MS).await, (ModelUnavailable, "not a single token".into()));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (base, log) = serve().await;
    let (outcome, _, failure) = probe(&format!("{base}/redirect/v1"), AMPLE_MS).await;
    assert_eq!((outcome, failure.as_str()), (ModelUnavailable, "status 307"));
    assert_eq!(log.requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_answer() {
    let (outcome, failure) = fails("cut", AMPLE_MS).await;
    assert_eq!(outcome, ModelUnavailable);
    assert!(failure.starts_with("the connection broke: "), "{failure}");
    assert_eq!(fails("no-done", AMPLE_MS).await, (ModelUnavailable, "the stream ended before [DONE]".into()));
}

#[tokio::test]
async fn what_is_not_the_models_answer_fails_verification() {
    let cases = [
        ("wrong", "the answer lacks the word or the sum"),
        ("wrong-sum", "the answer lacks the word or the sum"),
        ("parrot", "the answer lacks the word or the sum"),
        ("endless", "more bytes than the tokens asked for can take"),
        ("huge-line", "more bytes than the tokens asked for can take"),
        ("not-utf8", "an event is not UTF-8"),
        ("not-json", "an event is not a chat completion chunk"),
        ("whole", "the answer is not an event stream"),
    ];
    for (mode, failure) in cases {
        assert_eq!(fails(mode, AMPLE_MS).await, (VerificationFailed, failure.into()), "{mode}");
    }
    // However late.
    let expected = (VerificationFailed, "the answer lacks the word or the sum".to_owned());
    assert_eq!(fails("late-wrong", 100).await, expected);
}

#[tokio::test]
async fn an_answer_without_end_is_kept_up_to_the_limit() {
    let (base, _) = serve().await;
    let url = format!("{base}/huge-line/v1");
    let settings = ProbeSettings { endpoints: vec![endpoint(OPERATOR, &url)], ..ProbeSettings::default() };
    let (_, transcript) = probe_with(settings, AMPLE_MS).await;
    let body = transcript.splitn(3, |byte| *byte == b'\n').nth(2).unwrap();
    assert_eq!(body.len(), (64 + 64) * 1_024);
}

/// Serves one connection after another with these bytes, and then cuts it, by a reset if told so.
async fn raw(bytes: &'static [u8], reset: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = [0; 4_096];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(bytes).await;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            if reset {
                connection.set_zero_linger().unwrap();
            }
        }
    });
    format!("http://{address}/v1")
}

#[tokio::test]
async fn a_connection_that_breaks_is_the_operators() {
    let begun =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\n";
    let cases: [(&'static [u8], bool); 5] =
        [(b"", true), (b"", false), (b"SSH-2.0-OpenSSH_9.2\r\n", false), (begun, true), (begun, false)];
    for (bytes, reset) in cases {
        let (outcome, latency_ms, failure) = probe(&raw(bytes, reset).await, AMPLE_MS).await;
        assert_eq!((outcome, latency_ms), (ModelUnavailable, 0), "{failure}");
        assert!(failure.starts_with("the connection broke: "), "{failure}");
    }
}

#[tokio::test]
async fn no_connection_is_the_operators() {
    let (base, _) = serve().await;
    let urls = [
        format!("http://{}/v1", refused().await),
        base.replace("http", "https"), // no TLS there
        "http://nowhere.invalid/v1".to_owned(),
    ];
    for url in urls {
        let (outcome, latency_ms, failure) = probe(&url, AMPLE_MS).await;
        assert_eq!((outcome, latency_ms), (ModelUnavailable, 0), "{url}: {failure}");
        assert!(failure.starts_with("cannot connect: "), "{url}: {failure}");
    }
}

/// The outcome of a probe of the first URL, with another operator at the second, and these controls.
async fn among(url: &str, other: Option<&str>, controls: &[&str], objective_ms: u32) -> Option<Outcome> {
    let mut endpoints = vec![endpoint(OPERATOR, url)];
    endpoints.extend(other.map(|url| endpoint(Pubkey::new_from_array([99; 32]), url)));
    let controls = controls.iter().map(|control| (*control).to_owned()).collect();
    let settings = ProbeSettings { endpoints, controls, ..ProbeSettings::default() };
    probe_with(settings, objective_ms).await.0.attempt.outcome()
}

#[tokio::test]
async fn silence_is_the_networks_fault_only_if_everyone_is_silent() {
    let (base, _) = serve().await;
    let up = base.trim_start_matches("http://");
    let down = [refused().await, refused().await];
    let [gone, gone_too] = down.each_ref().map(|address| format!("http://{address}/v1"));

    // The other operators tell, where there are no controls.
    assert_eq!(among(&gone, Some(&base), &[], AMPLE_MS).await, Some(ModelUnavailable));
    assert_eq!(among(&gone, Some(&gone_too), &[], AMPLE_MS).await, Some(RoutingFailed));
    // The same machine is no witness of itself.
    assert_eq!(among(&gone, Some(&gone), &[], AMPLE_MS).await, Some(ModelUnavailable));
    // Where there are controls, they do, and operators cannot.
    assert_eq!(among(&gone, Some(&gone_too), &[up], AMPLE_MS).await, Some(ModelUnavailable));
    assert_eq!(among(&gone, Some(&base), &[&down[1]], AMPLE_MS).await, Some(RoutingFailed));
    assert_eq!(among(&gone, None, &[&down[1], up], AMPLE_MS).await, Some(ModelUnavailable));
    // An answer that stops counts as silence, an answer that is wrong or complete does not.
    assert_eq!(among(&format!("{base}/stall/v1"), None, &[&down[1]], 100).await, Some(RoutingFailed));
    assert_eq!(among(&format!("{base}/wrong/v1"), None, &[&down[1]], AMPLE_MS).await, Some(VerificationFailed));
    assert_eq!(among(&format!("{base}/503/v1"), None, &[&down[1]], AMPLE_MS).await, Some(CapacityExhausted));
    assert_eq!(among(&format!("{base}/slow-first/v1"), None, &[&down[1]], 100).await, Some(LatencyExceeded));
}
