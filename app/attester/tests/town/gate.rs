//! A hop before the chain's RPC, at which the process can be caught in the middle of a submission.

use super::Town;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use coverage_client::program::state::Attestation;
use coverage_client::{accounts, program};
use coverage_math::hash::Hash;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Slots enough for an upload of three transactions.
pub const SLOTS: u16 = 60;
/// Transactions of a submission: opening, two extensions, endorsing with applying.
pub const STEPS: usize = 4;

/// How long a request is on its way: a cluster is not next door, and a submission not over in no time.
const DISTANCE: Duration = Duration::from_millis(10);

/// How far a submission has come when the process is caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The transaction never left.
    Unsent,
    /// It landed, and the process has no answer.
    Landed,
    /// It was taken, the process has the answer and asks whether it is confirmed.
    Unconfirmed,
    /// It is on its way, and lands when told to.
    Late,
}

impl Fate {
    pub const ALL: [Self; 4] = [Self::Unsent, Self::Landed, Self::Unconfirmed, Self::Late];
}

/// What the chain shows of the batch in hand; what shows more is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its number.
    pub sequence: u64,
    /// How many transactions of its submission have landed.
    pub step: usize,
    /// The root of its receipts, once it has an attestation.
    pub root: Option<Hash>,
}

impl Town {
    /// What the chain shows of the batch in hand.
    pub fn seen(&self) -> Seen {
        let sequence = self.cell().0.batches;
        let of_it = |(header, _): &(Attestation, _)| header.sequence == sequence;
        let Some((header, uploaded)) = self.attestations().into_iter().find(of_it) else {
            return Seen { sequence, step: 0, root: None };
        };
        // An opening has room for 18 entries, an extension for 28.
        let step = match (header.complete, uploaded) {
            (1, _) => 3,
            (_, 18) => 1,
            (_, 46) => 2,
            (_, uploaded) => panic!("{uploaded} entries are uploaded"),
        };
        Seen { sequence, step, root: Some(header.receipts_root) }
    }

    /// Attestations of batches that the cell is past.
    pub fn left_over(&self) -> usize {
        let sequence = self.cell().0.batches;
        self.attestations().iter().filter(|(header, _)| header.sequence < sequence).count()
    }

    /// The attestations that the attester has opened, with the number of entries uploaded.
    fn attestations(&self) -> Vec<(Attestation, usize)> {
        let all = self.on_chain(|chain| chain.svm.get_program_accounts(&program::ID));
        let read = all.iter().filter_map(|(at, account)| accounts::attestation(at, &account.data).ok());
        let own = read.filter(|(header, _)| header.payer.to_bytes() == self.key.to_bytes());
        own.map(|(header, entries)| (header, entries.len())).collect()
    }
}

/// Where the process is to be caught, and what came of it.
#[derive(Default)]
struct Trap {
    aim: Option<(usize, Fate)>,
    /// What the chain showed when the aim was met.
    met: Option<Seen>,
    /// The transaction of which the process may not learn that it is confirmed.
    unconfirmed: Option<String>,
    /// The request that lands late.
    late: Option<String>,
}

/// The hop. Whatever it is not told to keep passes.
pub struct Gate {
    pub url: String,
    post: Arc<Post>,
}

struct Post {
    town: Arc<Town>,
    client: reqwest::Client,
    trap: Mutex<Trap>,
    caught: Notify,
}

impl Gate {
    pub async fn open(town: &Arc<Town>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let post = Arc::new(Post {
            town: Arc::clone(town),
            client: reqwest::Client::new(),
            trap: Mutex::default(),
            caught: Notify::new(),
        });
        let router = Router::new().route("/", post_route()).with_state(Arc::clone(&post));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, post }
    }

    /// Sets the trap: from now on, the process is caught when it sends transaction `step` of a submission.
    pub fn aim(&self, step: usize, fate: Fate) {
        *self.post.trap() = Trap { aim: Some((step, fate)), ..Trap::default() };
    }

    /// Waits until the process is caught, and waits for an answer that does not come; what the chain showed just before the
    /// transaction.
    pub async fn caught(&self) -> Seen {
        self.post.caught.notified().await;
        self.post.trap().met.unwrap()
    }

    /// Lands what was on its way. The chain may refuse it: it is late.
    pub async fn land_late(&self) {
        let late = self.post.trap().late.take();
        self.post.pass(late.unwrap()).await;
    }
}

fn post_route() -> axum::routing::MethodRouter<Arc<Post>> {
    post(|State(post): State<Arc<Post>>, body: String| async move { post.serve(body).await })
}

impl Post {
    fn trap(&self) -> MutexGuard<'_, Trap> {
        self.trap.lock().unwrap()
    }

    /// Passes a request on, as it is, and its answer back.
    async fn pass(&self, body: String) -> (StatusCode, Vec<u8>) {
        let answer = self.client.post(self.town.rpc_url()).body(body).send().await.unwrap();
        (answer.status(), answer.bytes().await.unwrap().to_vec())
    }

    async fn serve(&self, body: String) -> Response {
        tokio::time::sleep(DISTANCE).await;
        let request: Value = serde_json::from_str(&body).unwrap();
        match request["method"].as_str().unwrap() {
            "sendTransaction" => match self.meets() {
                None => {}
                Some(Fate::Unsent) => return self.catch().await,
                Some(Fate::Landed) => {
                    self.pass(body).await;
                    return self.catch().await;
                }
                Some(Fate::Unconfirmed) => {
                    let (status, answer) = self.pass(body).await;
                    let signature: Value = serde_json::from_slice(&answer).unwrap();
                    self.trap().unconfirmed = Some(signature["result"].as_str().unwrap().to_owned());
                    return (status, Body::from(answer)).into_response();
                }
                Some(Fate::Late) => {
                    self.trap().late = Some(body);
                    // In the same block, whoever goes on would send the very same transaction.
                    self.town.chain.pass_blocks(1);
                    return self.catch().await;
                }
            },
            "getSignatureStatuses" => {
                let asked = request["params"][0][0].as_str();
                if asked.is_some() && asked == self.trap().unconfirmed.as_deref() {
                    return self.catch().await;
                }
            }
            _ => {}
        }
        self.pass(body).await.into_response()
    }

    /// Whether a transaction is the one that is aimed at. It is the submission's: the only others are those that close what is
    /// left over.
    fn meets(&self) -> Option<Fate> {
        let (seen, left_over) = (self.town.seen(), self.town.left_over());
        let mut trap = self.trap();
        let (_, fate) = trap.aim.filter(|(step, _)| *step == seen.step && left_over == 0)?;
        (trap.aim, trap.met) = (None, Some(seen));
        Some(fate)
    }

    /// Says that the process is caught, and answers nothing.
    async fn catch(&self) -> Response {
        self.caught.notify_one();
        std::future::pending().await
    }
}
