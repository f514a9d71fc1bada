//! What the settings say of probes.

use super::schedule::MAX_PROBES;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeSet;
use std::path::PathBuf;
use thiserror::Error;

/// The section `probe` of the settings. Without endpoints nothing is probed.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeSettings {
    /// Probes of each slot in an epoch, 1 to [`MAX_PROBES`]. All attesters of a network must agree on it: receipts of probes
    /// that are not on an attester's schedule are refused by it.
    pub per_epoch: u32,
    /// The most tokens an answer may have. An answer takes about 20; models that think before they answer need more.
    pub max_tokens: u32,
    /// Where transcripts are kept, in a folder for each epoch, named by their SHA-256. Nowhere if absent: receipts then carry
    /// the hash of something nobody can show.
    pub transcripts: Option<PathBuf>,
    /// Addresses (`host:port`) of others' machines that take TCP connections whenever this attester's network works. If an
    /// endpoint is silent and all of them are, the attester takes it to be its own fault. Without any, the other operators'
    /// endpoints serve, which is worse: those may share a fault. With nobody to ask, silence is the operator's.
    pub controls: Vec<String>,
    /// Where operators are probed. An operator without an endpoint here is not.
    pub endpoints: Vec<EndpointSettings>,
}

/// Where an operator serves the model of one workload, or of all.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct EndpointSettings {
    /// The operator's account.
    pub operator: Address,
    /// The workload's account; absent: all workloads that have no endpoint of their own.
    pub workload: Option<Address>,
    /// The base of the OpenAI-compatible API, such as `https://gpu.example/v1`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// The environment variable that holds the API key; absent: none is sent.
    pub api_key_env: Option<String>,
}

/// An account's address, written in base 58.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String", into = "String")]
pub struct Address(pub Pubkey);

impl TryFrom<String> for Address {
    type Error = ProbeError;

    fn try_from(text: String) -> Result<Self, ProbeError> {
        text.parse().map(Self).map_err(|_| ProbeError::Address(text))
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0.to_string()
    }
}

/// What is wrong with the settings of probes.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// Not an address.
    #[error("\"{0}\" is not an account's address: write it in base 58, as covctl prints it")]
    Address(String),
    /// Too few or too many probes.
    #[error("probe.per_epoch is {0}: set it between 1 and {MAX_PROBES}, the same for all attesters of the network")]
    PerEpoch(u32),
    /// No tokens.
    #[error("probe.max_tokens is {0}: an answer takes about 20, set it between 20 and 4096")]
    MaxTokens(u32),
    /// Not a URL to probe.
    #[error("the endpoint \"{url}\" of operator {operator} is not a URL with http or https and a host: {reason}")]
    Url {
        /// The operator.
        operator: Pubkey,
        /// What the settings say.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two endpoints for the same.
    #[error("operator {operator} has two endpoints for {workload}: remove one of them")]
    Twice {
        /// The operator.
        operator: Pubkey,
        /// Which workload.
        workload: String,
    },
    /// There is no key to send.
    #[error(
        "the environment variable {variable} for the endpoint of operator {operator} {reason}: set it or remove api_key_env"
    )]
    ApiKey {
        /// The operator.
        operator: Pubkey,
        /// The variable.
        variable: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not an address to connect to.
    #[error("the control \"{0}\" is not of the form host:port")]
    Control(String),
    /// No HTTP client.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self { per_epoch: 24, max_tokens: 64, transcripts: None, controls: Vec::new(), endpoints: Vec::new() }
    }
}

impl ProbeSettings {
    /// What is wrong with them, if anything is.
    pub(crate) fn check(&self) -> Result<(), ProbeError> {
        if !(1..=MAX_PROBES).contains(&self.per_epoch) {
            return Err(ProbeError::PerEpoch(self.per_epoch));
        }
        if !(20..=4_096).contains(&self.max_tokens) {
            return Err(ProbeError::MaxTokens(self.max_tokens));
        }
        let is_address = |text: &&String| {
            text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        };
        if let Some(control) = self.controls.iter().find(|control| !is_address(control)) {
            return Err(ProbeError::Control(control.clone()));
        }
        let mut seen = BTreeSet::new();
        for endpoint in &self.endpoints {
            endpoint.chat_url()?;
            endpoint.api_key()?;
            let (operator, workload) = (endpoint.operator.0, endpoint.workload);
            if !seen.insert((operator, workload)) {
                let workload = workload.map_or("all workloads".into(), |workload| format!("workload {}", workload.0));
                return Err(ProbeError::Twice { operator, workload });
            }
        }
        Ok(())
    }
}

impl EndpointSettings {
    /// Where chat completions are asked for.
    pub(super) fn chat_url(&self) -> Result<Url, ProbeError> {
        let wrong = |reason: String| ProbeError::Url { operator: self.operator.0, url: self.url.clone(), reason };
        let url = format!("{}/chat/completions", self.url.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(format!("its scheme is {}", url.scheme())));
        }
        // They would stand in transcripts, which are published.
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(wrong("it has a user, a password or a query; secrets go into api_key_env".into()));
        }
        Ok(url)
    }

    /// The API key, out of the environment.
    pub(super) fn api_key(&self) -> Result<Option<String>, ProbeError> {
        let Some(name) = &self.api_key_env else {
            return Ok(None);
        };
        let wrong = |reason| ProbeError::ApiKey { operator: self.operator.0, variable: name.clone(), reason };
        let key = std::env::var(name).ok().filter(|key| !key.is_empty()).ok_or_else(|| wrong("is not set"))?;
        let printable = key.bytes().all(|byte| byte.is_ascii_graphic());
        if printable { Ok(Some(key)) } else { Err(wrong("holds characters that no key has")) }
    }
}
