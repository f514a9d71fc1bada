//! Standard output: data, and nothing else.

use crate::CliError;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Indented JSON with a newline at its end.
///
/// # Errors
/// [`CliError::Encode`].
pub fn json(value: &impl Serialize) -> Result<String, CliError> {
    let mut text = serde_json::to_string_pretty(value).map_err(CliError::Encode)?;
    text.push('\n');
    Ok(text)
}

/// Prints to standard output. Whoever closed it, as `head` does, has read enough.
///
/// # Errors
/// [`CliError::Stdout`].
pub fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Stdout(error)),
        _ => Ok(()),
    }
}
