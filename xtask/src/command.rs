//! Running other programs: named steps with their time, live output for what a person wants to watch,
//! a log file and a heartbeat for what nobody reads unless it fails.

use std::{
    env,
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// How often a quiet step says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How much of a failed quiet step's log is shown.
const LOG_TAIL_LINES: usize = 60;

/// The cargo that runs this binary, which is the toolchain's own, not rustup's proxy.
pub fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Whether `program args…` can be started and succeeds; its output is dropped.
pub fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What `program args…` writes to its standard output, or `None` if it cannot be started or fails.
pub fn stdout_of(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command whose output goes straight to the terminal.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("starting `{shown}`"))?;
    ensure_success(status, &shown)
}

/// Runs a long command nobody needs to read: says `what` it does, that it is still alive, and the time it
/// took. Its output goes to `log`, whose end is shown when it fails.
pub fn run_quietly(what: &str, command: &mut Command, log: &Path) -> Result<()> {
    let shown = shown(command);
    let started = Instant::now();
    eprintln!("{what} …");
    let file = fs::File::create(log).with_context(|| format!("creating {}", log.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("starting `{shown}`"))?;
    let mut last_word = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if last_word.elapsed() >= HEARTBEAT {
            last_word = Instant::now();
            eprintln!("  {} s: {}", started.elapsed().as_secs(), last_lines(log, 1).trim());
        }
        thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        eprintln!("{}", last_lines(log, LOG_TAIL_LINES));
        eprintln!("(the whole output is in {})", log.display());
    }
    ensure_success(status, &shown)?;
    eprintln!("{what}: done in {}", seconds(started.elapsed()));
    Ok(())
}

fn ensure_success(status: ExitStatus, shown: &str) -> Result<()> {
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// The command as one would type it, without its environment.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words: Vec<_> = std::iter::once(program).chain(command.get_args()).map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

fn last_lines(file: &Path, count: usize) -> String {
    let text = fs::read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(count)..).unwrap_or_default().join("\n")
}

/// A duration for people: `0.4 s`, `83 s`.
pub fn seconds(duration: Duration) -> String {
    if duration.as_secs() < 10 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} s", duration.as_secs())
    }
}
