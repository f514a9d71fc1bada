//! Sets up a machine, builds the program for SBF and runs every check: `cargo xtask --help`.
//!
//! This one binary goes by three names. As `xtask` it has the commands below; as `sbf-link` it is the
//! linker rustc calls for the program ([`sbf::link`]); as `cargo-build-sbf` it stands in for Anza's
//! command when Anchor's asks for it ([`anchor::front`]).

mod anchor;
mod checks;
mod command;
mod idl;
mod sbf;
mod setup;
mod workspace;

use std::{env, path::Path, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// Sets up a machine, builds the program for SBF and runs every check
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing on this machine (Debian packages, sbpf-linker, rustfmt, clippy, nats-server)
    ///
    /// Says what it does; takes a few minutes the first time and a moment afterwards. Debian packages for
    /// the SBF compiler and sbpf-linker are left out where Anza's `cargo build-sbf` is installed.
    Setup {
        /// Also install Anchor's command line (5 minutes; only `cargo xtask anchor` needs it)
        #[arg(long)]
        anchor: bool,
        /// Also install solana-test-validator (half an hour; only tests against a real validator need it)
        #[arg(long)]
        validator: bool,
    },
    /// Build the program: target/deploy/coverage_settlement.so
    ///
    /// Uses Anza's `cargo build-sbf` where it is installed, and elsewhere Debian's rustc and LLVM with this
    /// project's own link step. Follows CARGO_TARGET_DIR.
    BuildSbf {
        /// SBPF version of the program, by the cluster it is for
        #[arg(long, value_enum, default_value_t)]
        sbpf_version: sbf::SbpfVersion,
        /// Features of the program to turn on
        #[arg(long, value_delimiter = ',')]
        features: Vec<String>,
        /// Arguments for `cargo build`
        #[arg(last = true)]
        cargo_args: Vec<String>,
    },
    /// Write idl/coverage_settlement.json from the program
    Idl {
        /// Change nothing; fail if the checked-in file is stale
        #[arg(long)]
        check: bool,
    },
    /// Run Anchor's command line over this project's SBF build: `cargo xtask anchor build`
    Anchor {
        /// What to pass to `anchor`
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Make target/bin/cargo-build-sbf, for running `anchor build` yourself, and print the folder
    Front,
    /// Set up, build, and run the bundled scenario on the embedded chain
    Demo {
        /// What to pass to `covctl demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Set up, build, and run every check there is: what CI does
    Test,
    /// Measure compute units and rent, and rewrite tests/compute_units.md and tests/rent.md
    Bench,
    /// Run random instructions against the program until something breaks or the time is over
    ///
    /// CI runs a fixed seed. A failure prints its seed and the shortest sequence that still fails.
    Fuzz {
        /// The first seed
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How long, in minutes
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
    /// Print the IDL (a process of its own for `idl`)
    #[command(hide = true, name = idl::PRINT_SUBCOMMAND)]
    PrintIdl,
}

fn main() -> ExitCode {
    let called_as = env::args_os().next().unwrap_or_default();
    match Path::new(&called_as).file_name().and_then(|name| name.to_str()) {
        Some(sbf::link::NAME) => sbf::link::main(),
        Some(anchor::FRONT_NAME) => anchor::front(),
        _ => match perform(Args::parse().command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn perform(task: Task) -> Result<()> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Setup { anchor, validator } => {
            setup::setup(&workspace, setup::Wanted { checks: true, anchor, validator })
        }
        Task::BuildSbf { sbpf_version, features, cargo_args } => {
            sbf::build(&workspace, &sbf::Options { sbpf_version, features, cargo_args }).map(|_| ())
        }
        Task::Idl { check } => idl::idl(&workspace, check),
        Task::Anchor { args } => anchor::run(&workspace, &args),
        Task::Front => {
            println!("{}", anchor::place_front(&workspace)?.display());
            Ok(())
        }
        Task::Demo { args } => checks::demo(&workspace, &args),
        Task::Test => checks::test(&workspace),
        Task::Bench => checks::bench(&workspace),
        Task::Fuzz { seed, minutes } => checks::fuzz(&workspace, seed, minutes),
        Task::PrintIdl => idl::print(&workspace),
    }
}
