//! Clients that send receipts all the time, whether the process is there or not.

use super::{Town, lines};
use coverage_math::receipt::Receipt;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Receipts in a request.
pub const REQUEST: usize = 100;
/// Clients that send at once.
const CLIENTS: usize = 4;

/// What the clients have not been told is stored, and what they have.
#[derive(Default)]
struct Book {
    to_send: Mutex<VecDeque<Vec<Receipt>>>,
    acknowledged: Mutex<Vec<Receipt>>,
    broken: AtomicUsize,
    duplicates: AtomicUsize,
    done: AtomicBool,
}

/// Clients at work.
pub struct Load {
    book: Arc<Book>,
    clients: Vec<JoinHandle<()>>,
}

/// What became of what was sent.
pub struct Outcome {
    /// Receipts of which a client was told that they are stored, each once.
    pub acknowledged: Vec<Receipt>,
    /// Requests that were not answered, or turned away; all but the last ones were sent again.
    pub broken: usize,
    /// Receipts of such requests that turned out to be stored already.
    pub duplicates: usize,
}

impl Load {
    /// Starts clients that send to the process at `url`, each with a pause after every answer.
    pub fn start(town: &Arc<Town>, url: &str, pause: Duration) -> Self {
        let (book, url) = (Arc::new(Book::default()), format!("{url}/v1/receipts"));
        let client = || tokio::spawn(send(Arc::clone(&book), Arc::clone(town), url.clone(), pause));
        let clients = (0..CLIENTS).map(|_| client()).collect();
        Self { book, clients }
    }

    /// Asserts that no client has failed so far.
    pub fn assert_going(&self) {
        assert!(self.clients.iter().all(|client| !client.is_finished()), "a client failed, see above");
    }

    /// Has every client finish the request in its hands.
    pub async fn stop(self) -> Outcome {
        self.book.done.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        let acknowledged = std::mem::take(&mut *self.book.acknowledged.lock().unwrap());
        let ids: BTreeSet<_> = acknowledged.iter().map(|receipt| receipt.attempt.request_id).collect();
        assert_eq!(ids.len(), acknowledged.len(), "acknowledged twice");
        let [broken, duplicates] =
            [&self.book.broken, &self.book.duplicates].map(|count| count.load(Ordering::Relaxed));
        Outcome { acknowledged, broken, duplicates }
    }
}

async fn send(book: Arc<Book>, town: Arc<Town>, url: String, pause: Duration) {
    let client = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
    while !book.done.load(Ordering::Relaxed) {
        let next = book.to_send.lock().unwrap().pop_front();
        let receipts = next.unwrap_or_else(|| town.receipts(REQUEST));
        let answer = client.post(&url).body(lines(&receipts)).send().await;
        let answer = match answer {
            Ok(response) if response.status().is_success() => response.json::<Value>().await.ok(),
            Ok(response) if [429, 503].contains(&response.status().as_u16()) => None,
            Ok(response) => panic!("{}", response.text().await.unwrap()),
            Err(_) => None,
        };
        let Some(answer) = answer else {
            book.broken.fetch_add(1, Ordering::Relaxed);
            book.to_send.lock().unwrap().push_back(receipts);
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (accepted, duplicates) = (answer["accepted"].as_u64().unwrap(), answer["duplicates"].as_u64().unwrap());
        assert_eq!(accepted + duplicates, REQUEST as u64, "{answer}");
        book.duplicates.fetch_add(usize::try_from(duplicates).unwrap(), Ordering::Relaxed);
        book.acknowledged.lock().unwrap().extend(receipts);
        tokio::time::sleep(pause).await;
    }
}
