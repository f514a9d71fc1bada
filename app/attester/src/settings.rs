//! Settings: a TOML file, and over it the environment, where `COVERAGE_ATTESTER_NATS__URL` is `url` in the section `nats`.

use crate::agreement::Terms;
use crate::intake::nats::NatsSettings;
use crate::probe::{Address, ProbeError, ProbeSettings};
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::{Deserialize, Serialize};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

/// What names of settings start with in the environment.
const PREFIX: &str = "COVERAGE_ATTESTER_";

/// What is wrong with the settings.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// There is no file where one was said to be.
    #[error("there is no settings file {0}; name another with --settings")]
    NoFile(PathBuf),
    /// A setting is missing, unknown or of the wrong kind.
    #[error("{0}")]
    Wrong(#[from] Box<figment::Error>),
    /// A number is out of its range.
    #[error("{name} is {value}: set it between {least} and {most}")]
    Range {
        /// Which.
        name: &'static str,
        /// What it is.
        value: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// Nobody knows where a worker's attester is.
    #[error("works_for is {0}, and peers has no URL for it: add one")]
    NoAttester(Pubkey),
    /// A worker does not do that.
    #[error("{0} is for attesters, and with works_for this is a worker: remove one of them")]
    Worker(&'static str),
    /// The settings of probes are wrong.
    #[error(transparent)]
    Probe(#[from] ProbeError),
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// All settings. Secrets are never in them, only where they are.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The network's account.
    pub network: Address,
    /// The Solana RPC endpoint.
    pub rpc_url: String,
    /// The keypair file of the key that is in the committee; it signs batches and the receipts of probes.
    pub key: PathBuf,
    /// The keypair file of who pays for transactions, and for nothing else; absent: the key's.
    #[serde(default)]
    pub payer: Option<PathBuf>,
    /// The folder of the store.
    pub data: PathBuf,
    /// The folder for publication; absent: `published` in [`Self::data`].
    #[serde(default)]
    pub publish: Option<PathBuf>,
    /// Where HTTP is served.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Keys whose receipts are taken, besides those of the committee's members. All attesters must agree on them.
    #[serde(default)]
    pub reporters: Vec<Address>,
    /// URLs of the other attesters, by their keys.
    #[serde(default)]
    pub peers: BTreeMap<Address, String>,
    /// Keys of this attester's workers: what they hand over was verified by them, and is not verified again.
    #[serde(default)]
    pub workers: Vec<Address>,
    /// The attester, one of [`Self::peers`], whose worker this is; absent: this is an attester.
    #[serde(default)]
    pub works_for: Option<Address>,
    /// How logs are written.
    #[serde(default)]
    pub log: LogFormat,
    /// How often the chain is read, in milliseconds.
    #[serde(default = "default_refresh_ms")]
    pub refresh_ms: u64,
    /// Bytes that requests under way may have together.
    #[serde(default = "default_queue_bytes")]
    pub queue_bytes: usize,
    /// Bytes that one HTTP request may have.
    #[serde(default = "default_request_bytes")]
    pub request_bytes: usize,
    /// Of batches.
    #[serde(default)]
    pub batches: BatchSettings,
    /// Of NATS; absent: receipts do not come from there.
    #[serde(default)]
    pub nats: Option<NatsSettings>,
    /// Of probes.
    #[serde(default)]
    pub probe: ProbeSettings,
}

/// The section `batches` of the settings. All attesters of a network should agree on it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct BatchSettings {
    /// A batch is due when so many receipts wait.
    pub receipts: usize,
    /// A batch is due when a receipt has waited so long, in milliseconds.
    pub interval_ms: u64,
    /// How long each member has its turn to propose, in milliseconds.
    pub round_ms: u64,
    /// How long a peer may take to answer a proposal, in milliseconds.
    pub request_timeout_ms: u64,
    /// How long a peer may take to deliver receipts, in milliseconds.
    pub fetch_timeout_ms: u64,
    /// How long a batch that was signed is given to come on chain, in milliseconds.
    pub hold_ms: u64,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            receipts: 20_000,
            interval_ms: 60_000,
            round_ms: 20_000,
            request_timeout_ms: 15_000,
            fetch_timeout_ms: 10_000,
            hold_ms: 30_000,
        }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8950))
}

fn default_refresh_ms() -> u64 {
    2_000
}

fn default_queue_bytes() -> usize {
    64 << 20
}

fn default_request_bytes() -> usize {
    4 << 20
}

impl Settings {
    /// Reads them from a file, if there is one, and the environment.
    ///
    /// # Errors
    /// [`SettingsError`], which names the setting and where it is.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut figment = Figment::new();
        if let Some(path) = file {
            if !path.is_file() {
                return Err(SettingsError::NoFile(path.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(path));
        }
        let settings: Self = figment.merge(Env::prefixed(PREFIX).split("__")).extract().map_err(Box::new)?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let bytes = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let batches = &self.batches;
        let max_batch = crate::agreement::messages::MAX_RECEIPTS;
        let ranges = [
            ("refresh_ms", self.refresh_ms, 100, 60_000),
            ("request_bytes", bytes(self.request_bytes), 1 << 10, bytes(self.queue_bytes)),
            // What a file's lines may take at once must fit.
            ("queue_bytes", bytes(self.queue_bytes), 8 << 20, u64::from(u32::MAX)),
            ("batches.receipts", bytes(batches.receipts), 1, bytes(max_batch)),
            ("batches.interval_ms", batches.interval_ms, 100, 86_400_000),
            ("batches.round_ms", batches.round_ms, 100, 3_600_000),
            ("batches.request_timeout_ms", batches.request_timeout_ms, 100, 600_000),
            ("batches.fetch_timeout_ms", batches.fetch_timeout_ms, 100, 600_000),
            ("batches.hold_ms", batches.hold_ms, 100, 3_600_000),
        ];
        match ranges.into_iter().find(|(_, value, least, most)| !(*least..=*most).contains(value)) {
            Some((name, value, least, most)) => Err(SettingsError::Range { name, value, least, most }),
            None => {
                self.probe.check()?;
                self.check_worker()
            }
        }
    }

    fn check_worker(&self) -> Result<(), SettingsError> {
        let Some(attester) = self.works_for else { return Ok(()) };
        if !self.peers.contains_key(&attester) {
            return Err(SettingsError::NoAttester(attester.0));
        }
        let others = [
            ("workers", self.workers.is_empty()),
            ("payer", self.payer.is_none()),
            ("publish", self.publish.is_none()),
        ];
        let others = others.into_iter().chain([("probe.endpoints", self.probe.endpoints.is_empty())]);
        match others.into_iter().find(|(_, absent)| !absent) {
            Some((name, _)) => Err(SettingsError::Worker(name)),
            None => Ok(()),
        }
    }

    /// As TOML, defaults included. What may be a secret in a URL is left out: some put one there all the same.
    ///
    /// # Errors
    /// For a path that is not UTF-8.
    pub fn shown(&self) -> Result<String, toml::ser::Error> {
        let mut shown = self.clone();
        shown.rpc_url = without_secrets(&shown.rpc_url);
        shown.peers.values_mut().for_each(|url| *url = without_secrets(url));
        if let Some(nats) = &mut shown.nats {
            nats.url = nats.url.split(',').map(without_secrets).collect::<Vec<_>>().join(",");
        }
        toml::to_string(&shown)
    }

    /// What the agreement goes by.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let batches = &self.batches;
        let refresh = Duration::from_millis(self.refresh_ms);
        Terms {
            max_batch: batches.receipts,
            batch_interval: Duration::from_millis(batches.interval_ms),
            round: Duration::from_millis(batches.round_ms),
            request_timeout: Duration::from_millis(batches.request_timeout_ms),
            fetch_timeout: Duration::from_millis(batches.fetch_timeout_ms),
            hold: Duration::from_millis(batches.hold_ms),
            fresh: refresh,
            tick: refresh.min(Duration::from_secs(1)),
        }
    }

    /// The folder for publication.
    #[must_use]
    pub fn publish(&self) -> PathBuf {
        self.publish.clone().unwrap_or_else(|| self.data.join("published"))
    }
}

/// A URL without user, password and query.
fn without_secrets(url: &str) -> String {
    let (url, query) = url.split_once('?').map_or((url, ""), |(url, _)| (url, "?…"));
    let (scheme, rest) = url.split_at(url.find("://").map_or(0, |at| at.saturating_add(3)));
    let (user, host) = rest.rsplit_once('@').map_or(("", rest), |(_, host)| ("…@", host));
    format!("{scheme}{user}{host}{query}")
}

#[cfg(test)]
mod tests;
