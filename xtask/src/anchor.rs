//! Anchor's command line over this project's SBF build.
//!
//! `anchor build` runs `cargo build-sbf --tools-version … [arguments]` in the program's folder. An
//! executable of the name `cargo-build-sbf` on PATH is therefore all it takes: [`front`], which is this
//! binary under that name.

use std::{
    env,
    path::PathBuf,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use crate::{
    command, sbf,
    setup::{self, Wanted},
    workspace::Workspace,
};

/// The name under which cargo runs the front.
pub const FRONT_NAME: &str = "cargo-build-sbf";

/// Runs `anchor ARGS…` in the workspace's root with the front on PATH.
pub fn run(workspace: &Workspace, args: &[String]) -> Result<()> {
    setup::setup(workspace, Wanted { anchor: true, ..Wanted::default() })?;
    // Before building, anchor compares the keypair with `declare_id!`, and invents a missing one.
    sbf::place_localnet_keypair(workspace)?;
    let bin = place_front(workspace)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(bin).chain(env::split_paths(&path))).context("extending PATH")?;
    let mut anchor = Command::new(sbf::installed_by_cargo("anchor"));
    anchor
        .args(args)
        .current_dir(&workspace.root)
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", &workspace.target)
        // rustup sets it, and anchor-lang-idl 0.2.0 then calls cargo with a literal `+{toolchain}`.
        .env_remove("RUSTUP_TOOLCHAIN");
    command::run(&mut anchor)
}

/// Makes the front available; returns the folder to put on PATH.
pub fn place_front(workspace: &Workspace) -> Result<PathBuf> {
    let bin = workspace.target.join("bin");
    let this = env::current_exe().context("finding this executable")?;
    sbf::symlink(&this, &bin.join(FRONT_NAME))?;
    Ok(bin)
}

/// Builds this workspace's program for SBF: stands in for Anza's command of the same name.
#[derive(Parser)]
#[command(name = FRONT_NAME, bin_name = "cargo build-sbf", version)]
struct FrontArgs {
    /// The program's Cargo.toml (default: the workspace's only program)
    #[arg(long)]
    manifest_path: Option<PathBuf>,
    /// Accepted and ignored: the compiler is the one `cargo xtask setup` installed
    #[arg(long)]
    tools_version: Option<String>,
    /// SBPF version of the program, by the cluster it is for
    #[arg(long, value_enum, default_value_t)]
    arch: sbf::SbpfVersion,
    /// Folder for a copy of the program
    #[arg(long)]
    sbf_out_dir: Option<PathBuf>,
    /// Features of the program to turn on
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// Leave the program's default features off
    #[arg(long)]
    no_default_features: bool,
    /// Arguments for `cargo build`
    #[arg(last = true)]
    cargo_args: Vec<String>,
}

/// Entry point under the name [`FRONT_NAME`].
pub fn front() -> ExitCode {
    // Cargo passes the subcommand's name on: `cargo-build-sbf build-sbf …`.
    let args = env::args().enumerate().filter(|(index, arg)| *index != 1 || arg != "build-sbf").map(|(_, arg)| arg);
    match build_for_front(FrontArgs::parse_from(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{FRONT_NAME}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build_for_front(args: FrontArgs) -> Result<()> {
    let workspace = Workspace::locate()?;
    if let Some(manifest) = &args.manifest_path {
        let asked = manifest.canonicalize().with_context(|| format!("looking for {}", manifest.display()))?;
        let ours = workspace.program().join("Cargo.toml");
        ensure!(asked == ours.canonicalize()?, "this front builds {} only, not {}", ours.display(), asked.display());
    }
    if let Some(version) = &args.tools_version {
        eprintln!("{FRONT_NAME}: ignoring --tools-version {version}: see `cargo xtask build-sbf --help`");
    }
    let mut options = sbf::Options { sbpf_version: args.arch, features: args.features, cargo_args: args.cargo_args };
    if args.no_default_features {
        options.cargo_args.push("--no-default-features".into());
    }
    let built = sbf::build(&workspace, &options)?;
    match &args.sbf_out_dir {
        Some(folder) => sbf::copy_if_changed(&built, &folder.join(built.file_name().unwrap_or_default())),
        None => Ok(()),
    }
}
