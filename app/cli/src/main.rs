//! `covctl`: see `covctl --help`.

use clap::Parser;
use covctl::args::Args;
use covctl::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run(Args::parse()) {
        Ok(status) => status.into(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
