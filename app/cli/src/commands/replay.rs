//! `covctl replay`: a network of a capability table and request traces on the embedded chain.

use super::{ExitStatus, demo, files};
use crate::CliError;
use crate::args::{Output, Replay};
use crate::scenario::demand::{self, DemandOptions};
use crate::scenario::{azure, mlperf};
use std::fs::File;
use std::path::Path;

/// Runs the command.
///
/// # Errors
/// [`CliError::Read`] and [`CliError::Scenario`] for the input; [`CliError::Network`] and [`CliError::Write`] as for
/// [`demo::run`].
pub fn run(args: &Replay, output: Output) -> Result<ExitStatus, CliError> {
    files::check(&args.files)?;
    let table = mlperf::parse(open(&args.capabilities)?, &name(&args.capabilities))?;
    let mut traces = Vec::new();
    for path in &args.demand {
        traces.push(azure::parse(open(path)?, &name(path))?);
    }
    let options = DemandOptions { epochs: args.epochs, scale: args.demand_scale, ..DemandOptions::default() };
    let scenario = demand::assemble(table, &traces, &options)?;
    demo::play(&scenario, &args.files, output)
}

fn open(path: &Path) -> Result<File, CliError> {
    File::open(path).map_err(|error| CliError::Read { path: path.to_path_buf(), error })
}

/// The file's own name: where it lies is nothing a report should tell.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
