//! The chunks of a streamed chat completion, put together.
//!
//! What servers send that the reference does not show, and is taken as it is meant: chunks without choices (usage, filters,
//! timings), deltas that are empty, null or absent, `reasoning_content` and `reasoning` of models that think, empty data, and
//! errors as an event in a stream that began with status 200.

use super::outcome::Failure;
use super::sse::Event;
use serde::Deserialize;
use serde_json::Value;

/// What ends a stream.
const DONE: &str = "[DONE]";

/// A chunk, as far as it matters.
#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
}

/// What an event brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Part of the answer, or of the thoughts before it.
    Token,
    /// Nothing to read.
    Nothing,
    /// The end.
    Done,
}

/// An answer as far as it came.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The text.
    pub text: String,
}

impl Answer {
    /// Takes the next event.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is not a chunk, [`Failure::Refused`] for an error that the server reports.
    pub fn take(&mut self, event: &Event) -> Result<Step, Failure> {
        let bytes = match event {
            Event::Data(bytes) => bytes,
            Event::Error(bytes) => {
                return Err(refusal(&serde_json::from_slice(bytes).unwrap_or(Value::Null)));
            }
        };
        let text = std::str::from_utf8(bytes).map_err(|_| Failure::Malformed("an event is not UTF-8"))?.trim();
        if text == DONE {
            return Ok(Step::Done);
        }
        if text.is_empty() {
            return Ok(Step::Nothing);
        }
        let chunk: Chunk =
            serde_json::from_str(text).map_err(|_| Failure::Malformed("an event is not a chat completion chunk"))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(refusal(&error));
        }
        let choices = chunk.choices.ok_or(Failure::Malformed("a chunk has no choices"))?;
        let mut step = Step::Nothing;
        for delta in choices.into_iter().filter_map(|choice| choice.delta) {
            let thought = delta.reasoning_content.or(delta.reasoning).unwrap_or_default();
            let content = delta.content.unwrap_or_default();
            if !thought.is_empty() || !content.is_empty() {
                step = Step::Token;
            }
            self.text.push_str(&content);
        }
        Ok(step)
    }
}

/// What the server's own error means: its code, where that is an HTTP status, as if it had answered with it.
fn refusal(error: &Value) -> Failure {
    let code = error.get("code").and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()));
    let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    Failure::Refused(status.unwrap_or(500))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn take(answer: &mut Answer, data: &str) -> Result<Step, Failure> {
        answer.take(&Event::Data(data.as_bytes().to_vec()))
    }

    #[test]
    fn chunks_of_real_servers() {
        let mut answer = Answer::default();
        // vLLM, SGLang: a role, then text, then usage; llama.cpp: null, timings; Azure: filters first.
        let nothing = [
            r#"{"choices":[],"prompt_filter_results":[]}"#,
            r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"total_tokens":3},"timings":{"predicted_n":2},"error":null}"#,
            "",
        ];
        for chunk in nothing {
            assert_eq!(take(&mut answer, chunk), Ok(Step::Nothing), "{chunk}");
        }
        let thought = r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#;
        assert_eq!(take(&mut answer, thought), Ok(Step::Token));
        assert_eq!(take(&mut answer, r#"{"choices":[{"delta":{"content":"4"}}]}"#), Ok(Step::Token));
        assert_eq!(take(&mut answer, r#"{"choices":[{"delta":{"content":"2"}}]}"#), Ok(Step::Token));
        assert_eq!(take(&mut answer, " [DONE]"), Ok(Step::Done));
        assert_eq!(answer.text, "42");
    }

    #[test]
    fn errors_in_the_stream_mean_their_code() {
        let mut answer = Answer::default();
        let cases = [
            (r#"{"error":{"message":"busy","code":503}}"#, 503),
            (r#"{"error":{"message":"slow down","code":"429"}}"#, 429),
            (r#"{"error":{"message":"?","code":"context_length_exceeded"}}"#, 500),
            (r#"{"error":"Input validation error","error_type":"validation"}"#, 500),
            (r#"{"error":{"code":200}}"#, 500),
        ];
        for (chunk, status) in cases {
            assert_eq!(take(&mut answer, chunk), Err(Failure::Refused(status)), "{chunk}");
        }
        let line = Event::Error(br#"{"code":503,"message":"loading"}"#.to_vec());
        assert_eq!(answer.take(&line), Err(Failure::Refused(503)));
        assert_eq!(answer.take(&Event::Error(b"what".to_vec())), Err(Failure::Refused(500)));
    }

    #[test]
    fn what_is_no_chunk_is_malformed() {
        let mut answer = Answer::default();
        let bad = Event::Data(b"{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}".to_vec());
        assert_eq!(answer.take(&bad), Err(Failure::Malformed("an event is not UTF-8")));
        for chunk in ["hello", "[1]", r#"{"choices":[{"delta":{"content":4}}]}"#, r#"{"choices":3}"#] {
            let malformed = Failure::Malformed("an event is not a chat completion chunk");
            assert_eq!(take(&mut answer, chunk), Err(malformed), "{chunk}");
        }
        assert_eq!(take(&mut answer, "{}"), Err(Failure::Malformed("a chunk has no choices")));
    }
}
