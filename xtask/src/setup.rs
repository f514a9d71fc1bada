//! Installs what the other commands need and this machine lacks. Every step looks first, so that a
//! machine that has everything is done in a fraction of a second.

use std::{fs, path::Path, process::Command, time::Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    command,
    sbf::{self, RUSTC},
    workspace::Workspace,
};

/// What crates of the host's side compile C with: zstd, lz4, ring, blake3, and OpenSSL from its own
/// sources, which are configured by Perl and built by make.
const HOST_PACKAGES: &[&str] = &["build-essential", "perl"];
/// The compiler for SBF with its sources, LLVM of the same major version, and what sbpf-linker links.
const SBF_PACKAGES: &[&str] = &[
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "llvm-22",
    "llvm-22-dev",
    "libpolly-22-dev",
    "libzstd-dev",
    "zlib1g-dev",
];
/// What the tests talk to: the message broker the attester reads from.
const TEST_PACKAGES: &[&str] = &["nats-server"];
/// What the validator's crates generate code with, and link.
const VALIDATOR_PACKAGES: &[&str] =
    &["libclang-14-dev", "clang-14", "protobuf-compiler", "libudev-dev", "libssl-dev", "cmake", "pkg-config"];

const SBPF_LINKER_VERSION: &str = "0.2.6";
const ANCHOR_CLI_VERSION: &str = "2.0.0-rc.2";
const VALIDATOR_VERSION: &str = "4.2.2";
/// The Rust that recipe and target specification were made for; a later one may want other options.
const SBF_RUST_VERSION: &str = "1.96";

/// What beyond the base to install.
#[derive(Debug, Default, Clone, Copy)]
pub struct Wanted {
    /// What the checks need: rustfmt, clippy, and what the tests talk to.
    pub checks: bool,
    /// Anchor's command line.
    pub anchor: bool,
    /// solana-test-validator.
    pub validator: bool,
}

/// Installs the base (host's C toolchain, SBF compiler and linker) and what else is `wanted`.
pub fn setup(workspace: &Workspace, wanted: Wanted) -> Result<()> {
    let started = Instant::now();
    let setup = Setup::new(workspace)?;
    let needs_sbf_tools = sbf::anza_build_sbf().is_none();
    let mut packages = HOST_PACKAGES.to_vec();
    if needs_sbf_tools {
        packages.extend(SBF_PACKAGES);
    }
    if wanted.checks {
        packages.extend(TEST_PACKAGES);
    }
    if wanted.validator {
        packages.extend(VALIDATOR_PACKAGES);
    }
    setup.debian_packages(&packages)?;
    if needs_sbf_tools {
        check_sbf_compiler()?;
        setup.sbpf_linker()?;
    }
    if wanted.checks {
        setup.rustup_component("rustfmt", "fmt")?;
        setup.rustup_component("clippy", "clippy")?;
    }
    if wanted.anchor {
        setup.anchor_cli()?;
    }
    if wanted.validator {
        setup.validator()?;
    }
    eprintln!("setup: everything needed is installed ({})", command::seconds(started.elapsed()));
    Ok(())
}

/// A stable compiler of the right version, or a word about it: unstable options come and go.
fn check_sbf_compiler() -> Result<()> {
    let version = command::stdout_of(RUSTC, &["--version"]).with_context(|| format!("{RUSTC} does not run"))?;
    let version = version.trim();
    if !version.starts_with(&format!("rustc {SBF_RUST_VERSION}.")) {
        eprintln!(
            "setup: {RUSTC} is {version}; the SBF build was made with {SBF_RUST_VERSION} and may need other options"
        );
    }
    for tool in ["opt", "llvm-link", "llvm-ar"] {
        let path = Path::new(sbf::LLVM_BIN).join(tool);
        ensure!(path.is_file(), "{} is missing although its package is installed", path.display());
    }
    Ok(())
}

struct Setup<'a> {
    workspace: &'a Workspace,
    logs: std::path::PathBuf,
}

impl<'a> Setup<'a> {
    fn new(workspace: &'a Workspace) -> Result<Self> {
        let logs = workspace.target.join("setup-logs");
        fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;
        Ok(Self { workspace, logs })
    }

    fn run(&self, what: &str, log: &str, command: &mut Command) -> Result<()> {
        command::run_quietly(&format!("setup: {what}"), command, &self.logs.join(format!("{log}.log")))
    }

    fn debian_packages(&self, packages: &[&str]) -> Result<()> {
        let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let list = missing.join(" ");
        if !command::succeeds("apt-get", &["--version"]) {
            bail!("these Debian packages, or what they are called here, must be installed first: {list}");
        }
        self.run("refreshing the list of Debian packages", "apt-update", &mut apt(&["update"]))?;
        // --no-remove: rustc-web replaces Debian's own rustc and rustup, which must be their owner's decision.
        let mut install = apt(&["install", "-y", "--no-install-recommends", "--no-remove"]);
        self.run(&format!("installing Debian packages {list} (about 1 min)"), "apt-install", install.args(&missing))
    }

    fn sbpf_linker(&self) -> Result<()> {
        if prints_version(&sbf::sbpf_linker().to_string_lossy(), SBPF_LINKER_VERSION) {
            return Ok(());
        }
        let mut install = self.cargo_install("sbpf-linker", SBPF_LINKER_VERSION);
        install
            .env("RUSTFLAGS", "-L /usr/lib/llvm-22/lib")
            // Where to find libLLVM; otherwise it asks `llvm-config`, which Debian installs under that
            // name for its default LLVM only, if at all.
            .env("LLVM_PREFIX", "/usr/lib/llvm-22")
            .args(["--no-default-features", "--features", "bpf-linker/llvm-22"]);
        self.run("compiling sbpf-linker, the ELF writer (about 2 min)", "sbpf-linker", &mut install)
    }

    fn anchor_cli(&self) -> Result<()> {
        if prints_version(&sbf::installed_by_cargo("anchor").to_string_lossy(), ANCHOR_CLI_VERSION) {
            return Ok(());
        }
        let mut install = self.cargo_install("anchor-cli", ANCHOR_CLI_VERSION);
        // It names an older Rust than its dependencies need. Unoptimised: it only starts other programs.
        install
            .arg("--ignore-rust-version")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_RELEASE_LTO", "off");
        self.run("compiling Anchor's command line (about 5 min)", "anchor-cli", &mut install)
    }

    fn validator(&self) -> Result<()> {
        if prints_version(&sbf::installed_by_cargo("solana-test-validator").to_string_lossy(), VALIDATOR_VERSION) {
            return Ok(());
        }
        let mut install = self.cargo_install("agave-validator", VALIDATOR_VERSION);
        // Half the optimisation for a third of the time: it runs tests, not a network.
        install
            .args(["--bin", "solana-test-validator"])
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        self.run("compiling solana-test-validator (about 31 min)", "validator", &mut install)
    }

    /// Adds a part of the Rust toolchain that rustup's minimal profile leaves out.
    fn rustup_component(&self, component: &str, subcommand: &str) -> Result<()> {
        let mut probe = Command::new(command::cargo());
        if probe.args([subcommand, "--version"]).output().is_ok_and(|output| output.status.success()) {
            return Ok(());
        }
        let mut add = Command::new("rustup");
        self.run(
            &format!("adding {component} to the Rust toolchain"),
            component,
            add.args(["component", "add", component]),
        )
    }

    /// `cargo install --locked`, undisturbed by what this workspace's own builds are told.
    fn cargo_install(&self, package: &str, version: &str) -> Command {
        let mut cargo = self.workspace.cargo();
        cargo
            .args(["install", package, "--version", version, "--locked", "--force"])
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env_remove("RUSTFLAGS");
        cargo
    }
}

/// `apt-get`, as root and without questions.
fn apt(args: &[&str]) -> Command {
    let is_root = command::stdout_of("id", &["-u"]).is_some_and(|id| id.trim() == "0");
    let mut apt = if is_root { Command::new("env") } else { Command::new("sudo") };
    apt.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]).args(args);
    apt
}

fn is_installed(package: &str) -> bool {
    command::stdout_of("dpkg-query", &["-W", "-f=${db:Status-Status}", package])
        .is_some_and(|status| status == "installed")
}

/// Whether `program --version` answers with `version` among its first words.
fn prints_version(program: &str, version: &str) -> bool {
    command::stdout_of(program, &["--version"])
        .and_then(|answer| answer.lines().next().map(str::to_owned))
        .is_some_and(|line| line.split_whitespace().any(|word| word == version))
}
