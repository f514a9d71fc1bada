//! From what happened to a probe to one of the seven outcomes.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | the answer is right, its last token within the objective | `Served` | |
//! | the answer is right, its last token later | `LatencyExceeded` | it was served, too late |
//! | no whole answer within the objective and the patience after it | `LatencyExceeded` | later than the objective, whenever it may come |
//! | 429 or 503, as status or as an error in the stream | `CapacityExhausted` | the server says itself that it is full |
//! | any other status but 200 (404, 401, 500, a redirect), or error in the stream | `ModelUnavailable` | the model it committed to is not served here |
//! | name not found, connection refused, TLS refused, no connection in time | `ModelUnavailable` | see below |
//! | connection closed or reset before the answer was whole, no `[DONE]` | `ModelUnavailable` | it went away |
//! | a whole stream without a single token | `ModelUnavailable` | vLLM ends so when generating failed before the first token |
//! | not an event stream, not UTF-8, not chunks, or more bytes than the tokens asked for can take | `VerificationFailed` | whatever it is, it is not the model's answer |
//! | an answer without the word or the sum | `VerificationFailed` | the answer does not check, however late it is |
//! | nothing came back, and this attester reaches nobody else either | `RoutingFailed` | the attester's own network failed |
//!
//! **Silence counts against the operator.** `RoutingFailed` is the network's fault and is never held against anyone, so if a
//! refused connection were that, an operator would do best to vanish whenever it could not serve. A request needs a server that
//! is there; one that is not there has not the model either, which is what the router's simulation says of outages too. Only
//! an attester that reaches none of its controls (see [`super::settings::ProbeSettings::controls`]) takes the silence on itself.
//!
//! `HardwareIncompatible` is never reported: a probe does not see hardware.
//!
//! An answer that is wrong can be made `ModelUnavailable` by not answering at all, and nothing is gained by it: both count as
//! attempts that failed.

use coverage_client::math::reliability::Outcome;
use thiserror::Error;

/// Why a probe was not served.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum Failure {
    /// There was no connection.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The stream ended without its end mark.
    #[error("the stream ended before [DONE]")]
    Unfinished,
    /// Time was up.
    #[error("no whole answer in time")]
    TimedOut,
    /// The server answered with this status.
    #[error("status {0}")]
    Status(u16),
    /// The server reported an error in the stream that means this status.
    #[error("an error in the stream that means status {0}")]
    Refused(u16),
    /// The stream was whole, without anything in it.
    #[error("not a single token")]
    Empty,
    /// What came is not a streamed chat completion.
    #[error("{0}")]
    Malformed(&'static str),
    /// More came than could be asked for.
    #[error("more bytes than the tokens asked for can take")]
    TooLong,
    /// The answer is not right.
    #[error("the answer lacks the word or the sum")]
    WrongAnswer,
}

impl Failure {
    /// Whether it may as well be the fault of this attester's own network.
    pub const fn may_be_ours(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Broken(_) | Self::TimedOut)
    }

    /// The outcome, if this attester's own network is fine.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Status(429 | 503) | Self::Refused(429 | 503) => Outcome::CapacityExhausted,
            Self::Connect(_)
            | Self::Broken(_)
            | Self::Unfinished
            | Self::Status(_)
            | Self::Refused(_)
            | Self::Empty => Outcome::ModelUnavailable,
            Self::TimedOut => Outcome::LatencyExceeded,
            Self::Malformed(_) | Self::TooLong | Self::WrongAnswer => Outcome::VerificationFailed,
        }
    }
}

/// The name of an outcome in metrics and logs.
pub(super) const fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Served => "served",
        Outcome::ModelUnavailable => "model_unavailable",
        Outcome::HardwareIncompatible => "hardware_incompatible",
        Outcome::CapacityExhausted => "capacity_exhausted",
        Outcome::RoutingFailed => "routing_failed",
        Outcome::LatencyExceeded => "latency_exceeded",
        Outcome::VerificationFailed => "verification_failed",
    }
}
