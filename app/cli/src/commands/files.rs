//! Where the reports of `demo` and `replay` go.

use super::ExitStatus;
use crate::CliError;
use crate::args::{Files, Output};
use crate::output::{json, print};
use crate::report::{Report, html, svg, text};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Fails early, before a run of many seconds, if a report could not be written at its end.
pub(super) fn check(files: &Files) -> Result<(), CliError> {
    for path in [&files.json, &files.html, &files.svg].into_iter().flatten() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let metadata = parent.metadata().map_err(|error| unwritable(path, error))?;
        if !metadata.is_dir() || path.is_dir() {
            return Err(unwritable(path, ErrorKind::NotADirectory.into()));
        }
    }
    Ok(())
}

/// Writes the files asked for and prints the report; an audit that found anything is a failed check.
///
/// # Errors
/// [`CliError::Write`] and [`CliError::Stdout`].
pub fn report(report: &Report, files: &Files, output: Output) -> Result<ExitStatus, CliError> {
    if let Some(path) = &files.json {
        write(path, &json(report)?)?;
    }
    if let Some(path) = &files.html {
        write(path, &html::render(report))?;
    }
    if let Some(path) = &files.svg {
        write(path, &svg::coverage_map(report))?;
    }
    match output {
        Output::Text => print(&text::render(report, files.top))?,
        Output::Json => print(&json(report)?)?,
    }
    Ok(status(report))
}

/// Whether every settled slot was recomputed to the same bits and all else was in order.
#[must_use]
pub fn status(report: &Report) -> ExitStatus {
    if report.audit.passed() { ExitStatus::Done } else { ExitStatus::CheckFailed }
}

fn write(path: &PathBuf, text: &str) -> Result<(), CliError> {
    std::fs::write(path, text).map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: io::Error) -> CliError {
    CliError::Write { path: path.to_path_buf(), error }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::report::AuditReport;

    #[test]
    fn only_an_audit_that_ran_and_found_nothing_is_a_success() {
        let passed = AuditReport { cells: 1, slots: 2, mismatches: Vec::new() };
        let mut report = Report::default();
        assert_eq!(status(&report), ExitStatus::CheckFailed, "an audit of nothing is none");
        report.audit = passed;
        assert_eq!(status(&report), ExitStatus::Done);
    }
}
