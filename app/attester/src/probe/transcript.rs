//! What proves a probe: what was sent, what came, and when.
//!
//! A transcript is one line of JSON that says where and when, the body of the request on a line, and then the body of the
//! response, byte for byte, to the end. A receipt's evidence is the SHA-256 of all of it, and the file is named by it:
//! `sha256sum` checks both. API keys are not in it.

use super::endpoint::{Endpoint, Seen};
use super::task::Due;
use coverage_client::math::hash::{Hash, Sha256, Software};
use serde::Serialize;
use std::io;
use std::path::Path;
use std::time::Duration;

/// The first line.
#[derive(Serialize)]
struct Header {
    version: u8,
    request_id: String,
    workload: String,
    operator: String,
    epoch: u64,
    slot: u16,
    number: u32,
    url: String,
    /// Unix milliseconds of the chain's clock.
    sent_at_ms: i64,
    status: Option<u16>,
    first_token_us: Option<u128>,
    last_token_us: Option<u128>,
    ended_us: u128,
    failure: Option<String>,
}

/// A transcript and its hash.
pub(super) struct Transcript {
    /// SHA-256 of the bytes.
    pub hash: Hash,
    bytes: Vec<u8>,
    epoch: u64,
}

impl Transcript {
    /// The transcript of a probe sent at `sent_at_ms`.
    pub fn new(due: &Due, endpoint: &Endpoint, sent_at_ms: i64, seen: &Seen) -> Self {
        let header = Header {
            version: 1,
            request_id: hex::encode(due.probe.request_id),
            workload: due.target.workload.to_string(),
            operator: due.target.operator.to_string(),
            epoch: due.epoch,
            slot: due.target.slot,
            number: due.probe.number,
            url: endpoint.url.to_string(),
            sent_at_ms,
            status: seen.status,
            first_token_us: seen.first_token.as_ref().map(Duration::as_micros),
            last_token_us: seen.last_token.as_ref().map(Duration::as_micros),
            ended_us: seen.ended.as_micros(),
            failure: seen.failure.as_ref().map(ToString::to_string),
        };
        // Strings and numbers always serialise.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let bytes = [header.as_slice(), b"\n", &seen.request, b"\n", &seen.response].concat();
        Self { hash: Software::hash(&[&bytes]), bytes, epoch: due.epoch }
    }

    /// Writes it into `folder`, whole or not at all.
    ///
    /// # Errors
    /// Those of the file system.
    pub async fn keep(&self, folder: &Path) -> io::Result<()> {
        let folder = folder.join(self.epoch.to_string());
        tokio::fs::create_dir_all(&folder).await?;
        let name = hex::encode(self.hash);
        let unfinished = folder.join(format!("{name}.part"));
        tokio::fs::write(&unfinished, &self.bytes).await?;
        tokio::fs::rename(&unfinished, folder.join(name)).await
    }
}
