//! The commands that run the project: its checks, its demo, its measurements.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    command, idl,
    sbf::{self, SbpfVersion},
    setup::{self, Wanted},
    workspace::Workspace,
};

/// What a deployment may cost: rent is paid per byte of the program.
const PROGRAM_SIZE_LIMIT: u64 = 290_000;
/// Where tests and the demo find the program.
const PROGRAM_VARIABLE: &str = "COVERAGE_SO";

/// Runs every check, in the order of how soon it can fail; stops at the first that does.
pub fn test(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    let outcome = run_checks(workspace, &mut steps);
    steps.print_table();
    outcome
}

fn run_checks(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    steps.run("setup", || setup::setup(workspace, Wanted { checks: true, ..Wanted::default() }))?;
    steps.run("format", || command::run(&mut cargo(workspace, &["fmt", "--all", "--check"])))?;
    steps.run("program for SBF", || {
        // The version for older clusters first: the tests take the other.
        [SbpfVersion::V0, SbpfVersion::V3].into_iter().try_for_each(|sbpf_version| {
            sbf::build(workspace, &sbf::Options { sbpf_version, ..sbf::Options::default() })?;
            check_size(&workspace.program_so())
        })
    })?;
    steps.run("IDL is current", || idl::idl(workspace, true))?;
    steps.run("clippy", || {
        let args = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        command::run(&mut cargo(workspace, &args))
    })?;
    steps.run("documentation", || {
        let args = ["doc", "--workspace", "--no-deps", "--locked"];
        command::run(cargo(workspace, &args).env("RUSTDOCFLAGS", "-D warnings"))
    })?;
    steps.run("tests", || {
        // The bank of solana-program-test logs every program line otherwise.
        let args = ["test", "--workspace", "--release", "--locked"];
        command::run(cargo(workspace, &args).env("RUST_LOG", "error"))
    })
}

/// Sets up, builds, and runs the bundled scenario on the embedded chain.
pub fn demo(workspace: &Workspace, args: &[String]) -> Result<()> {
    setup::setup(workspace, Wanted::default())?;
    sbf::build(workspace, &sbf::Options::default())?;
    let run = ["run", "--release", "--locked", "--package", "covctl", "--", "demo"];
    command::run(cargo(workspace, &run).args(args))
}

/// Runs the sequence fuzzer from a seed on, for so many minutes.
pub fn fuzz(workspace: &Workspace, seed: u64, minutes: u64) -> Result<()> {
    setup::setup(workspace, Wanted::default())?;
    sbf::build(workspace, &sbf::Options::default())?;
    let test = [
        "test",
        "--release",
        "--locked",
        "--package",
        "coverage-tests",
        "--test",
        "sequences",
        "--",
        "as_long_as_asked",
        "--nocapture",
    ];
    let mut test = cargo(workspace, &test);
    test.env("COVERAGE_FUZZ_SEED", seed.to_string()).env("COVERAGE_FUZZ_MINUTES", minutes.to_string());
    command::run(test.env("RUST_LOG", "error"))
}

/// Measures every instruction's compute units and rent, and rewrites the tables the tests compare with.
pub fn bench(workspace: &Workspace) -> Result<()> {
    setup::setup(workspace, Wanted::default())?;
    sbf::build(workspace, &sbf::Options::default())?;
    let package = ["test", "--release", "--locked", "--package", "coverage-tests"];
    let test = [package.as_slice(), &["--test", "compute_units", "--test", "rent"]].concat();
    command::run(cargo(workspace, &test).env("COVERAGE_BLESS", "1"))
}

/// A cargo command whose tests and programs find the SBF build.
fn cargo(workspace: &Workspace, args: &[&str]) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(args).env(PROGRAM_VARIABLE, workspace.program_so());
    cargo
}

fn check_size(program: &Path) -> Result<()> {
    let size = std::fs::metadata(program).with_context(|| format!("looking for {}", program.display()))?.len();
    ensure!(size <= PROGRAM_SIZE_LIMIT, "the program has {size} bytes, more than the {PROGRAM_SIZE_LIMIT} it may have");
    eprintln!("{size} of at most {PROGRAM_SIZE_LIMIT} bytes");
    Ok(())
}

/// What ran so far, for the table at the end.
#[derive(Default)]
struct Steps {
    done: Vec<(&'static str, Duration, bool)>,
}

impl Steps {
    fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<()>) -> Result<()> {
        eprintln!("\n=== {name}");
        let started = Instant::now();
        let outcome = step();
        self.done.push((name, started.elapsed(), outcome.is_ok()));
        outcome.with_context(|| format!("check `{name}`"))
    }

    fn print_table(&self) {
        eprintln!("\n{:<18} {:>8}  result", "check", "time");
        for (name, time, passed) in &self.done {
            eprintln!("{name:<18} {:>8}  {}", command::seconds(*time), if *passed { "passed" } else { "FAILED" });
        }
        let passed = self.done.iter().filter(|(_, _, passed)| *passed).count();
        eprintln!("checks: {passed} passed, {} failed", self.done.len().saturating_sub(passed));
    }
}
