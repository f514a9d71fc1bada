//! `/metrics` and `/healthz`.

use super::Metrics;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[derive(Clone)]
struct Health {
    metrics: Arc<Metrics>,
    patience: Duration,
}

/// Serves a keeper's metrics, and whether it is well (it has read its network within `patience`), until `stop` is cancelled.
///
/// # Errors
/// The listener's error.
pub async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    patience: Duration,
    stop: CancellationToken,
) -> io::Result<()> {
    let app = Router::new()
        .route("/metrics", get(text))
        .route("/healthz", get(health))
        .with_state(Health { metrics, patience });
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn text(State(health): State<Health>) -> impl IntoResponse {
    let kind = [(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    match health.metrics.text() {
        Ok(text) => (StatusCode::OK, kind, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, kind, error.to_string()),
    }
}

async fn health(State(health): State<Health>) -> impl IntoResponse {
    let silence = health.metrics.silence();
    if silence <= health.patience {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        let seconds = silence.as_secs();
        (StatusCode::SERVICE_UNAVAILABLE, format!("the network could not be read for {seconds} s\n"))
    }
}
