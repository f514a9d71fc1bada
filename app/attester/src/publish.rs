//! The receipts of applied batches, for whoever wants to check them.
//!
//! Each batch is one file, `<network>/<epoch>/<workload>/<sequence>-<receipts root>.receipts` in the folder for publication: its
//! receipts in canonical Borsh, one after the other, in the order of the leaves. The folder can be served or copied as it is.

use crate::store::{AppliedBatch, Store, StoreError};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path as UrlPath, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use coverage_client::evidence::{Published, payload};
use coverage_client::receipts::ReceiptJson;
use coverage_math::hash::Hash;
use coverage_math::receipt::{RECEIPT_BYTES, Receipt};
use futures_util::stream::try_unfold;
use serde::{Deserialize, Serialize};
use solana_program::pubkey::Pubkey;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt, BufReader};
use tokio_util::io::ReaderStream;

/// Batches in one answer, at most.
const LISTED: usize = 1_000;

/// The folder for publication.
#[derive(Clone, Debug)]
pub struct Publisher {
    folder: PathBuf,
    network: Pubkey,
    attester: Pubkey,
}

impl Publisher {
    /// Publishes batches of a network in a folder, which several attesters may have in common.
    #[must_use]
    pub fn new(folder: &Path, network: Pubkey, attester: Pubkey) -> Self {
        Self { folder: folder.to_owned(), network, attester }
    }

    /// Where a batch is, in the folder.
    #[must_use]
    pub fn name(&self, batch: &AppliedBatch) -> String {
        let AppliedBatch { workload, epoch, sequence, receipts_root, .. } = batch;
        format!("{}/{epoch}/{workload}/{sequence}-{}.receipts", self.network, hex::encode(receipts_root))
    }

    /// Writes a batch, whole or not at all; its receipts are in the order of the leaves. Doing it again changes nothing.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, batch: &AppliedBatch, receipts: &[Receipt]) -> io::Result<()> {
        let path = self.folder.join(self.name(batch));
        if path.try_exists()? {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        // The same after a restart, so that what a kill has left is written over; another attester's is another file.
        let unfinished = path.with_extension(format!("{}.unfinished", self.attester));
        let mut file = File::create(&unfinished)?;
        file.write_all(&receipts.iter().flat_map(payload).collect::<Vec<u8>>())?;
        file.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(folder)?.sync_all()
    }
}

/// What the handlers need.
#[derive(Clone)]
struct Shelf {
    publisher: Publisher,
    store: Store,
}

/// The routes: the list, each batch, and proofs of its receipts.
pub fn routes(publisher: Publisher, store: Store) -> Router {
    Router::new()
        .route("/v1/batches", get(list))
        .route("/v1/batches/{root}", get(batch))
        .route("/v1/batches/{root}/proofs/{index}", get(proof))
        .with_state(Shelf { publisher, store })
}

/// Why there is no answer.
struct Missing(StatusCode, String);

impl IntoResponse for Missing {
    fn into_response(self) -> Response {
        (self.0, Json(serde_json::json!({ "reason": self.1 }))).into_response()
    }
}

impl From<StoreError> for Missing {
    fn from(error: StoreError) -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<io::Error> for Missing {
    fn from(error: io::Error) -> Self {
        let reason = format!("the published file cannot be read ({error}); ask another attester");
        Self(StatusCode::SERVICE_UNAVAILABLE, reason)
    }
}

/// Which batches to list.
#[derive(Debug, Deserialize)]
struct Wanted {
    workload: Option<String>,
    epoch: Option<u64>,
    /// Batches to leave out from the start.
    #[serde(default)]
    skip: usize,
}

/// A batch in a list.
#[derive(Debug, Serialize)]
struct Listed {
    workload: String,
    epoch: u64,
    sequence: u64,
    receipts_root: String,
    receipts: u32,
    /// Where it is in the folder for publication.
    file: String,
}

/// A receipt with the proof that it is in its batch.
#[derive(Debug, Serialize)]
struct Proof {
    receipts_root: String,
    /// How many receipts the batch has.
    receipts: u32,
    index: u32,
    /// The receipt's canonical Borsh.
    leaf: String,
    receipt: Option<ReceiptJson>,
    /// From the leaf up.
    siblings: Vec<String>,
}

async fn list(State(shelf): State<Shelf>, Query(wanted): Query<Wanted>) -> Result<Json<Vec<Listed>>, Missing> {
    let found = tokio::task::spawn_blocking(move || {
        let matches = |batch: &AppliedBatch| {
            wanted.epoch.is_none_or(|epoch| epoch == batch.epoch)
                && wanted.workload.as_ref().is_none_or(|workload| *workload == batch.workload.to_string())
        };
        let all = shelf.store.all_batches().filter(|batch| batch.as_ref().map_or(true, matches));
        let listed = |batch: AppliedBatch| Listed {
            workload: batch.workload.to_string(),
            epoch: batch.epoch,
            sequence: batch.sequence,
            receipts_root: hex::encode(batch.receipts_root),
            receipts: batch.receipts,
            file: shelf.publisher.name(&batch),
        };
        all.skip(wanted.skip).take(LISTED).map(|batch| batch.map(listed)).collect::<Result<Vec<_>, _>>()
    });
    Ok(Json(found.await.map_err(|error| Missing(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))??))
}

impl Shelf {
    /// The batch with a root in hexadecimal, and its file.
    fn find(&self, root: &str) -> Result<(AppliedBatch, PathBuf), Missing> {
        let mut hash: Hash = [0; 32];
        if hex::decode_to_slice(root, &mut hash).is_err() {
            return Err(Missing(StatusCode::BAD_REQUEST, "a receipts root is 64 hex digits".to_owned()));
        }
        let unknown =
            || "no applied batch known here has this receipts root; see /v1/batches for those that are".to_owned();
        let batch = self.store.batch(&hash)?.ok_or_else(|| Missing(StatusCode::NOT_FOUND, unknown()))?;
        let path = self.publisher.folder.join(self.publisher.name(&batch));
        Ok((batch, path))
    }
}

async fn batch(
    State(shelf): State<Shelf>,
    UrlPath(root): UrlPath<String>,
    headers: HeaderMap,
) -> Result<Response, Missing> {
    let (_, path) = shelf.find(&root)?;
    let file = tokio::fs::File::open(path).await?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if !accept.contains("json") {
        let length = file.metadata().await?.len();
        let headers = [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
        ];
        return Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response());
    }
    let lines = try_unfold(BufReader::new(file), |mut reader| async {
        let mut bytes = [0; RECEIPT_BYTES];
        match reader.read_exact(&mut bytes).await {
            Ok(_) => Ok(Some((json_line(&bytes)?, reader))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

fn json_line(bytes: &[u8]) -> io::Result<Bytes> {
    let receipt = borsh::from_slice::<Receipt>(bytes)?;
    let json = ReceiptJson::of(&receipt).ok_or(io::ErrorKind::InvalidData)?;
    let mut line = serde_json::to_vec(&json)?;
    line.push(b'\n');
    Ok(line.into())
}

async fn proof(
    State(shelf): State<Shelf>,
    UrlPath((root, index)): UrlPath<(String, u32)>,
) -> Result<Json<Proof>, Missing> {
    let proof = tokio::task::spawn_blocking(move || {
        let (batch, path) = shelf.find(&root)?;
        let bytes = fs::read(path)?;
        let leaves: Vec<Vec<u8>> = bytes.chunks_exact(RECEIPT_BYTES).map(<[u8]>::to_vec).collect();
        let published = Published::new(&shelf.publisher.network, batch.epoch, &leaves);
        let past = || {
            format!("the batch has {} receipts, the last of index {}", batch.receipts, leaves.len().saturating_sub(1))
        };
        let place = usize::try_from(index).ok().and_then(|index| published.open(index));
        let opening = place.ok_or_else(|| Missing(StatusCode::NOT_FOUND, past()))?;
        Ok(Proof {
            receipts_root: root,
            receipts: batch.receipts,
            index: opening.index,
            leaf: hex::encode(&opening.leaf),
            receipt: borsh::from_slice(&opening.leaf).ok().as_ref().and_then(ReceiptJson::of),
            siblings: opening.proof.iter().map(hex::encode).collect(),
        })
    });
    proof.await.map_err(|error| Missing(StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?.map(Json)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::fixtures::{NETWORK, WORKLOAD, receipts};
    use coverage_client::batch::{receipts_tag, sort};
    use coverage_math::hash::Software;
    use coverage_math::merkle;
    use serde_json::Value;

    const ATTESTER: Pubkey = Pubkey::new_from_array([8; 32]);

    #[tokio::test]
    async fn a_batch_is_published_whole_and_each_receipt_with_a_proof() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let publisher = Publisher::new(&folder.path().join("published"), NETWORK, ATTESTER);
        let mut all = receipts(0..11);
        sort(&mut all);
        let tag = receipts_tag(&NETWORK, 5);
        let mut hashes: Vec<Hash> = all.iter().map(|receipt| receipt.leaf::<Software>(&tag).unwrap()).collect();
        let receipts_root = merkle::root::<Software>(&mut hashes).unwrap();
        let batch = AppliedBatch { workload: WORKLOAD, epoch: 5, sequence: 3, receipts_root, receipts: 11 };
        // What a kill has left of an earlier attempt.
        let left = folder
            .path()
            .join("published")
            .join(publisher.name(&batch))
            .with_extension(format!("{ATTESTER}.unfinished"));
        fs::create_dir_all(left.parent().unwrap()).unwrap();
        fs::write(&left, vec![7; 5_000]).unwrap();
        for _ in 0..2 {
            publisher.write(&batch, &all).unwrap();
        }
        store.apply(&batch, &all).unwrap();

        let root = hex::encode(receipts_root);
        let path = folder.path().join(format!("published/{NETWORK}/5/{WORKLOAD}/3-{root}.receipts"));
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes, all.iter().flat_map(payload).collect::<Vec<u8>>());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "something unfinished is left");

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/batches", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes(publisher, store)).await });
        let get = |path: &str| reqwest::get(format!("{url}{path}"));
        let listed: Value = get("?epoch=5").await.unwrap().json().await.unwrap();
        assert_eq!(
            (&listed[0]["receipts_root"], &listed[0]["sequence"]),
            (&Value::from(root.clone()), &Value::from(3))
        );
        let other: Value = get("?epoch=6").await.unwrap().json().await.unwrap();
        assert_eq!(other, serde_json::json!([]));
        assert_eq!(get(&format!("/{root}")).await.unwrap().bytes().await.unwrap(), bytes);
        let lines = reqwest::Client::new().get(format!("{url}/{root}")).header("accept", "application/json");
        let lines = lines.send().await.unwrap().text().await.unwrap();
        let read: Vec<Receipt> = lines.lines().map(|line| crate::receipt::parse(line.as_bytes()).unwrap()).collect();
        assert_eq!(read, all);
        for index in 0..11u32 {
            let proof: Value = get(&format!("/{root}/proofs/{index}")).await.unwrap().json().await.unwrap();
            let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
            let siblings: Vec<Hash> =
                proof["siblings"].as_array().unwrap().iter().map(|hash| bytes(hash).try_into().unwrap()).collect();
            let leaf = merkle::leaf::<Software>(&tag, &bytes(&proof["leaf"]));
            assert!(merkle::verify::<Software>(&receipts_root, 11, index, leaf, &siblings), "{index}");
        }
        assert_eq!(get(&format!("/{root}/proofs/11")).await.unwrap().status(), 404);
        assert_eq!(get(&format!("/{}", "ab".repeat(32))).await.unwrap().status(), 404);
        assert_eq!(get("/nonsense").await.unwrap().status(), 400);
    }
}
