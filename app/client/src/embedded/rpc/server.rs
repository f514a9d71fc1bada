//! The endpoint over HTTP.

use super::{EmbeddedRpc, Failure};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// JSON-RPC's code for what is not a request.
const INVALID_REQUEST: i64 = -32_600;

/// A running server. It stops when this is dropped, with the requests in hand served.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // whatever it panicked with has been printed
        }
    }
}

/// Serves JSON-RPC 2.0, batches included, on a port of the loopback address (0: any that is free), from a thread of its own.
///
/// # Errors
/// If the port is taken.
pub fn serve(rpc: EmbeddedRpc, port: u16) -> io::Result<Server> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let router = Router::new().route("/", post(handle)).route("/health", get(|| async { "ok" })).with_state(rpc);
    let thread = std::thread::Builder::new().name("embedded-rpc".to_owned()).spawn(move || {
        runtime.block_on(async {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            let until = async {
                let _ = stopped.await; // the sender is never used, only dropped
            };
            // Serving ends with `until` alone: a connection that breaks ends only itself.
            let _ = axum::serve(listener, router).with_graceful_shutdown(until).await;
        });
    })?;
    Ok(Server { address, stop: Some(stop), thread: Some(thread) })
}

async fn handle(State(rpc): State<EmbeddedRpc>, body: String) -> Response {
    let Ok(body) = serde_json::from_str::<Value>(&body) else {
        return Json(error(Value::Null, -32_700, "Parse error", Value::Null)).into_response();
    };
    let answer = match &body {
        Value::Array(batch) if batch.is_empty() => {
            Ok(error(Value::Null, INVALID_REQUEST, "Invalid request", Value::Null))
        }
        Value::Array(batch) => batch.iter().map(|request| one(&rpc, request)).collect(),
        request => one(&rpc, request),
    };
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(status) => status.into_response(),
    }
}

/// Serves one request; what no answer comes back for is a gateway's error.
fn one(rpc: &EmbeddedRpc, request: &Value) -> Result<Value, StatusCode> {
    let id = request.get("id").cloned().unwrap_or_default();
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        return Ok(error(id, INVALID_REQUEST, "Invalid request", Value::Null));
    };
    match rpc.answer(method, request.get("params").unwrap_or(&Value::Null)) {
        Ok(result) => Ok(json!({ "jsonrpc": "2.0", "result": result, "id": id })),
        Err(Failure::Error { code, message, data }) => Ok(error(id, code, &message, data)),
        Err(Failure::Refused) => Err(StatusCode::BAD_GATEWAY),
        Err(Failure::Lost) => Err(StatusCode::GATEWAY_TIMEOUT),
    }
}

fn error(id: Value, code: i64, message: &str, data: Value) -> Value {
    let mut error = json!({ "code": code, "message": message });
    if let (Value::Object(fields), false) = (&mut error, data.is_null()) {
        fields.insert("data".to_owned(), data);
    }
    json!({ "jsonrpc": "2.0", "error": error, "id": id })
}
