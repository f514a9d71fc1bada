//! What each command does. Every one of them returns a [`Status`], the program's exit code.

pub mod demo;
pub mod evaluate;
pub mod output;
pub mod replay;

use crate::CliError;
use crate::args::{Args, Command};
use std::process::ExitCode;

/// How a command ended when nothing kept it from its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All done: exit code 0.
    Done,
    /// A check failed: exit code 1.
    CheckFailed,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Done => Self::SUCCESS,
            Status::CheckFailed => Self::FAILURE,
        }
    }
}

/// Runs a command line.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub fn run(args: Args) -> Result<Status, CliError> {
    match &args.command {
        Command::Demo(files) => demo::run(files, args.output),
        Command::Replay(replay) => replay::run(replay, args.output),
        Command::Evaluate(evaluate) => evaluate::run(evaluate, args.output),
    }
}
