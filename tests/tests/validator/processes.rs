//! The processes of the suite: built, started, killed with the test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Where the binaries are: beside the test's own.
pub fn folder() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    exe.parent().unwrap().parent().unwrap().to_path_buf()
}

/// Builds what the suite runs, so that it is never older than the suite: with the features of the whole workspace's tests, of
/// which it was built last in all likelihood.
pub async fn build() {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.args(["test", "--quiet", "--release", "--workspace", "--no-run"]);
    // What cargo tells a test about its package would look like a change to ring's build script: everything would be built anew.
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for name in std::env::vars().map(|(name, _)| name).filter(|name| told(name)) {
        cargo.env_remove(name);
    }
    let status = cargo.stderr(Stdio::null()).status().await.unwrap();
    assert!(status.success(), "the binaries do not build: `cargo test --release --workspace --no-run` says why");
}

/// A command of this workspace.
pub fn command(name: &str) -> Command {
    let mut command = Command::new(folder().join(name));
    command.kill_on_drop(true).stdin(Stdio::null());
    // Nothing of the machine's own settings.
    command.env_remove("COVERAGE_URL").env_remove("COVERAGE_NETWORK").env("RUST_LOG", "info");
    command
}

/// Runs a command to its end; returns its exit code and standard output.
pub async fn run(command: &mut Command) -> (i32, String) {
    let output = command.output().await.unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    eprint!("{talk}");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// Starts a process that goes on, with its log in a file.
pub fn start(command: &mut Command, log: &Path) -> Child {
    let file = File::options().create(true).append(true).open(log).unwrap();
    command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap()
}

/// Sends a signal.
pub async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("it runs").to_string();
    let status = Command::new("kill").args([&format!("-{name}"), &id]).status().await.unwrap();
    assert!(status.success());
}
