//! `covctl demo`: the bundled scenario on the embedded chain.

use super::{ExitStatus, files};
use crate::args::{Files, Output};
use crate::router::{self, RouterConfig};
use crate::scenario::{Scenario, bundled};
use crate::{CliError, Progress, network};

/// Runs the command.
///
/// # Errors
/// [`CliError::Network`] if the chain refuses something, [`CliError::Write`] if a report cannot be written.
pub fn run(files: &Files, output: Output) -> Result<ExitStatus, CliError> {
    files::check(files)?;
    play(&bundled::scenario(), files, output)
}

/// Simulates a scenario, has a network attest, settle, pay and audit it, and reports.
pub(super) fn play(scenario: &Scenario, files: &Files, output: Output) -> Result<ExitStatus, CliError> {
    let progress = Progress::stderr();
    let simulation = router::simulate(scenario, &RouterConfig::default())?;
    let report = network::run(scenario, &simulation, &progress)?;
    progress.finish();
    files::report(&report, files, output)
}
