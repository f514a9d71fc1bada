//! `covctl completions`: what a shell needs to complete command lines.

use crate::args::{self, Shell};
use crate::output;
use crate::{CliError, ExitStatus};
use clap::CommandFactory;
use clap_complete::{generate, shells};

/// Runs the command.
///
/// # Errors
/// [`CliError::Stdout`].
pub fn run(shell: Shell) -> Result<ExitStatus, CliError> {
    let mut command = args::Args::command();
    let mut script = Vec::new();
    match shell {
        Shell::Bash => generate(shells::Bash, &mut command, "covctl", &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, "covctl", &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, "covctl", &mut script),
    }
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitStatus::Done)
}
