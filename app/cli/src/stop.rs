//! Being told to stop.

use crate::CliError;
use tokio::signal::unix::{SignalKind, signal};

/// Listens for SIGINT (Ctrl-C) and SIGTERM from now on; what it returns waits for the first of them.
///
/// # Errors
/// [`CliError::Usage`] if the system does not let it listen.
pub fn told_to_stop() -> Result<impl Future<Output = ()> + Send, CliError> {
    let unheard = |error| CliError::Usage(format!("cannot listen for signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
