//! Whether this attester's own network works: what a silent endpoint is held against.

use futures_util::future::select_ok;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How many others are asked at most.
const MOST_ASKED: usize = 8;

/// Whether anybody of `controls` takes a TCP connection within `limit`; yes if there is nobody to ask.
pub(super) async fn is_up(controls: &[String], limit: Duration) -> bool {
    let connects = controls.iter().take(MOST_ASKED).map(|control| Box::pin(TcpStream::connect(control)));
    let connects: Vec<_> = connects.collect();
    connects.is_empty() || matches!(timeout(limit, select_ok(connects)).await, Ok(Ok(_)))
}
