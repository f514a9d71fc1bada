//! Builds the program for SBF: with Anza's `cargo build-sbf` where it is installed, and elsewhere with
//! Debian's rustc and LLVM 22, which come from a package mirror where Anza's compiler is a download.
//!
//! The second way in short: rustc knows no `solana` system, so the target specification
//! `xtask/sbf/sbpf-solana-solana.json` describes a BPF machine with no system underneath (`zkvm`), the
//! standard library is compiled for it from Debian's copy of the sources, and [`link`] turns the bitcode
//! of all crates into the ELF file.
//!
//! The result depends on the sources and the tools' versions only: paths of this machine are mapped
//! away, and two builds give the same bytes.

pub mod link;
mod lower;

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::{Instant, SystemTime},
};

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;

use crate::{
    command,
    workspace::{PROGRAM_LIB, PROGRAM_PACKAGE, Workspace},
};

/// The compiler that builds programs. Debian names its up-to-date Rust `rustc-web`; rustup's toolchain
/// stays first on PATH and builds everything else.
pub const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
/// Where Debian's LLVM keeps its tools. Same major version as the compiler's, or the bitcode is unreadable.
pub const LLVM_BIN: &str = "/usr/lib/llvm-22/bin";
/// Debian's copy of the standard library's sources, and the name it gets in messages of the program.
const RUST_SOURCES: &str = "/usr/lib/rustlib/src/rust";

/// Name of the target, of its specification and of its output folder.
const TARGET: &str = "sbpf-solana-solana";
/// As in the target's specification, which keeps rustc from warning about them. The same for every SBPF version: v3 runs
/// newer instructions too, but they save a thousandth of the compute units, and so one table of those holds for both.
const CPU: &str = "v2";
/// Without it every field of an align-1 account is loaded byte by byte: twice the compute units.
const CPU_FEATURES: &str = "+allows-misaligned-mem-access";
/// Platform tools to ask Anza's command for: those that Anchor asks for when it builds for SBPF v3. Before v1.53 they had
/// no v3, or not the one that clusters run.
const ANZA_TOOLS: &str = "v1.57";
/// Where an ELF file says its SBPF version.
const ELF_FLAGS: usize = 48;

/// SBPF versions to build for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SbpfVersion {
    /// For clusters that do not run v3 yet (feature 5cC3foj77CWun58pC51ebHFUWavHWKarWyR5UUik7dnC)
    V0,
    /// For all others: once SIMD-0500 is active, a cluster takes no new programs of earlier versions
    #[default]
    V3,
}

impl SbpfVersion {
    /// Its name, as options of the tools have it.
    const fn name(self) -> &'static str {
        match self {
            Self::V0 => "v0",
            Self::V3 => "v3",
        }
    }

    /// Its number, as ELF files have it.
    const fn number(self) -> u32 {
        match self {
            Self::V0 => 0,
            Self::V3 => 3,
        }
    }
}

/// What a caller may ask for beyond the plain build.
#[derive(Debug, Default)]
pub struct Options {
    /// What clusters the program is for.
    pub sbpf_version: SbpfVersion,
    /// Features of the program to turn on.
    pub features: Vec<String>,
    /// Arguments for `cargo build`, as they are.
    pub cargo_args: Vec<String>,
}

/// Builds the program and puts it, with the localnet keypair, into the deploy folder.
pub fn build(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    let started = Instant::now();
    place_localnet_keypair(workspace)?;
    let result = workspace.program_so();
    match anza_build_sbf() {
        Some(anza) => build_with_anza(workspace, &anza, options)?,
        None => copy_if_changed(&build_with_debian(workspace, options)?, &result)?,
    }
    let size = fs::metadata(&result).with_context(|| format!("no {} after the build", result.display()))?.len();
    eprintln!("{}: {size} bytes, in {}", result.display(), command::seconds(started.elapsed()));
    Ok(result)
}

/// Puts the checked-in keypair where `anchor` and the validator look for the program's address; without
/// it they would invent one on every machine.
pub fn place_localnet_keypair(workspace: &Workspace) -> Result<()> {
    let keypair = workspace.program().join("localnet-keypair.json");
    copy_if_changed(&keypair, &workspace.deploy().join(format!("{PROGRAM_LIB}-keypair.json")))
}

/// Anza's `cargo-build-sbf`, if it is anywhere on PATH. Asked for its name, because our own front (see
/// [`crate::anchor`]) is called the same.
pub fn anza_build_sbf() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join("cargo-build-sbf")).find(|candidate| {
        candidate.is_file()
            && command::stdout_of(&candidate.to_string_lossy(), &["--version"])
                .is_some_and(|version| version.starts_with("solana-cargo-build-sbf"))
    })
}

fn build_with_anza(workspace: &Workspace, anza: &Path, options: &Options) -> Result<()> {
    let version = options.sbpf_version;
    eprintln!("building {PROGRAM_PACKAGE} for SBPF {} with Anza's {}", version.name(), anza.display());
    // A newer file it would leave there, even one of another version.
    if !is_of_version(&workspace.program_so(), version) {
        remove(&workspace.program_so())?;
    }
    let mut build = Command::new(anza);
    build
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", workspace.sbf_target())
        // It chooses its own toolchain through rustup, which this variable would overrule.
        .env_remove("RUSTUP_TOOLCHAIN")
        .args(["--tools-version", ANZA_TOOLS, "--arch", version.name(), "--manifest-path"])
        .arg(workspace.program().join("Cargo.toml"))
        .arg("--sbf-out-dir")
        .arg(workspace.deploy());
    if !options.features.is_empty() {
        build.arg("--features").arg(options.features.join(","));
    }
    // Its compiler may be older than the workspace's `rust-version`, which speaks of the host's.
    build.args(["--", "--locked", "--ignore-rust-version"]).args(&options.cargo_args);
    command::run(&mut build)
}

/// Runs cargo for the SBF target; returns the file it wrote.
fn build_with_debian(workspace: &Workspace, options: &Options) -> Result<PathBuf> {
    let version = options.sbpf_version;
    eprintln!("building {PROGRAM_PACKAGE} for SBPF {} with Debian's rustc and LLVM 22", version.name());
    let this = env::current_exe().context("finding this executable")?;
    let linker = workspace.sbf_target().join("bin").join(link::NAME);
    symlink(&this, &linker)?;
    let built = workspace.sbf_target().join(TARGET).join("release").join(format!("lib{PROGRAM_LIB}.so"));
    forget_stale_outputs(&this, &built, version)?;

    let mut build = Command::new(CARGO);
    build
        .current_dir(&workspace.root)
        .args(["build", "--release", "--lib", "--locked", "--package", PROGRAM_PACKAGE, "-Zjson-target-spec"])
        // The standard library is not shipped for this target.
        .arg("-Zbuild-std=std,panic_abort")
        .arg("--target")
        .arg(workspace.root.join("xtask/sbf").join(format!("{TARGET}.json")))
        .arg("--target-dir")
        .arg(workspace.sbf_target());
    if !options.features.is_empty() {
        build.arg("--features").arg(options.features.join(","));
    }
    build.args(&options.cargo_args);
    set_environment(&mut build, workspace, &linker)?;
    build.env(link::VERSION_VARIABLE, version.name());
    command::run(&mut build)?;
    // What the link makes of a library that exports no entrypoint.
    let size = fs::metadata(&built).with_context(|| format!("no {} after the build", built.display()))?.len();
    ensure!(size > 0, "the program has no entrypoint: is its feature `no-entrypoint` on?");
    Ok(built)
}

fn set_environment(build: &mut Command, workspace: &Workspace, linker: &Path) -> Result<()> {
    // What a caller or cargo itself (this runs under `cargo run`) set for the host's builds.
    for variable in [
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_TARGET_DIR",
        "LD_LIBRARY_PATH",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
    ] {
        build.env_remove(variable);
    }
    build
        .env("RUSTC", RUSTC)
        // A stable compiler takes unstable options, and accepts a target it was not made for.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC_BOOTSTRAP_SYNTHETIC_TARGET", "1")
        // Not in the target's specification, which cargo hashes: this path must not invalidate a build.
        .env("CARGO_TARGET_SBPF_SOLANA_SOLANA_LINKER", linker)
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(workspace)?.join("\u{1f}"))
        // The link optimises the whole program anyway; all that counts here is that it is always the same.
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_INCREMENTAL", "false")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("LLVM_BIN", LLVM_BIN)
        .env("SBPF_LINKER", sbpf_linker());
    Ok(())
}

fn rustflags(workspace: &Workspace) -> Result<Vec<String>> {
    let registry = cargo_home()?.join("registry/src");
    // std's sources are found through a symbolic link, and named by the one or the other path.
    let rust_sources = fs::canonicalize(RUST_SOURCES).unwrap_or_else(|_| RUST_SOURCES.into());
    Ok([
        // What the Solana crates look for, …
        "--cfg",
        "target_os=\"solana\"",
        // … and a 64-bit machine that std's allocator has an alignment for: it has none for `bpf`.
        "--cfg",
        "target_arch=\"csky\"",
        // rustc would rather not see either given by hand.
        "-Aexplicit_builtin_cfgs_in_flags",
        "-Zunstable-options",
        // A panic is a trap, without message: formatting it would be most of the program.
        "-Cpanic=immediate-abort",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        format!("--remap-path-prefix={}=.", workspace.root.display()),
        format!("--remap-path-prefix={}=registry", registry.display()),
        format!("--remap-path-prefix={}=rust", rust_sources.display()),
        format!("--remap-path-prefix={RUST_SOURCES}=rust"),
    ])
    .collect())
}

/// Cargo does not know that [`link`] is part of this binary, nor for which version it links: an output that is older than
/// the binary, or of another version, goes, and cargo links again.
fn forget_stale_outputs(this: &Path, built: &Path, version: SbpfVersion) -> Result<()> {
    let compiled_at = modified(this);
    let in_deps = built.with_file_name("deps").join(built.file_name().unwrap_or_default());
    for output in [built, &in_deps] {
        let newer = compiled_at.is_some() && modified(output) >= compiled_at;
        if !newer || !is_of_version(output, version) {
            remove(output)?;
        }
    }
    Ok(())
}

/// Whether a file is a program of a version.
fn is_of_version(program: &Path, version: SbpfVersion) -> bool {
    let bytes = fs::read(program).unwrap_or_default();
    let flags = bytes.get(ELF_FLAGS..).and_then(<[u8]>::first_chunk).map(|flags| u32::from_le_bytes(*flags));
    flags == Some(version.number())
}

/// Removes a file, if it is there.
fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", file.display()))
        }
        _ => Ok(()),
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Makes `link` a symbolic link to `original`, with its folder.
pub fn symlink(original: &Path, link: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|target| target == original) {
        return Ok(());
    }
    create_parent(link)?;
    // There may be one that points elsewhere, or nowhere.
    let _ = fs::remove_file(link);
    std::os::unix::fs::symlink(original, link).with_context(|| format!("linking {}", link.display()))
}

/// Copies a file unless the copy has the same bytes, so that its time says when it last changed.
pub fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let bytes = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    if fs::read(to).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    create_parent(to)?;
    fs::write(to, bytes).with_context(|| format!("writing {}", to.display()))
}

fn create_parent(path: &Path) -> Result<()> {
    let parent = path.parent().with_context(|| format!("{} has no folder", path.display()))?;
    fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))
}

/// The ELF writer: where `cargo install` puts it, or wherever PATH has it.
pub fn sbpf_linker() -> OsString {
    installed_by_cargo("sbpf-linker")
}

/// A program that `cargo install` may have put into a folder that is not on PATH.
pub fn installed_by_cargo(name: &str) -> OsString {
    cargo_home()
        .map(|home| home.join("bin").join(name))
        .ok()
        .filter(|path| path.is_file())
        .map_or_else(|| name.into(), PathBuf::into_os_string)
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(home) = env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    let home = env::home_dir().context("neither CARGO_HOME nor HOME is set")?;
    Ok(home.join(".cargo"))
}
