//! Where things are: this workspace's root, its target folder, and what the commands put there.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::command;

/// Package name of the program.
pub const PROGRAM_PACKAGE: &str = "coverage-settlement";
/// Library name of the program: what its files are named after.
pub const PROGRAM_LIB: &str = "coverage_settlement";

/// The workspace this binary was compiled in.
pub struct Workspace {
    /// Folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, absolute.
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo where it builds, so that `CARGO_TARGET_DIR` and configuration files are honoured.
    pub fn locate() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in a workspace")?.to_path_buf();
        let metadata = Command::new(command::cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .arg("--manifest-path")
            .arg(root.join("Cargo.toml"))
            .output()
            .context("starting cargo metadata")?;
        let words = String::from_utf8_lossy(&metadata.stderr);
        anyhow::ensure!(metadata.status.success(), "cargo metadata failed:\n{words}");
        let metadata: serde_json::Value =
            serde_json::from_slice(&metadata.stdout).context("reading cargo metadata's answer")?;
        let target = metadata
            .get("target_directory")
            .and_then(|path| path.as_str())
            .context("cargo metadata named no target_directory")?;
        Ok(Self { root, target: target.into() })
    }

    /// Folder of the program's package.
    pub fn program(&self) -> PathBuf {
        self.root.join("programs").join(PROGRAM_PACKAGE)
    }

    /// Where programs to deploy go, with their keypairs: `anchor` and the tests look here.
    pub fn deploy(&self) -> PathBuf {
        self.target.join("deploy")
    }

    /// The program, ready to deploy.
    pub fn program_so(&self) -> PathBuf {
        self.deploy().join(format!("{PROGRAM_LIB}.so"))
    }

    /// The SBF build's own target folder, so that it and the host's builds leave each other's caches alone.
    pub fn sbf_target(&self) -> PathBuf {
        self.target.join("sbf")
    }

    /// The checked-in interface description.
    pub fn idl(&self) -> PathBuf {
        self.root.join("idl").join(format!("{PROGRAM_LIB}.json"))
    }

    /// A cargo command in the workspace's root that builds into this target folder.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(command::cargo());
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        cargo
    }
}
