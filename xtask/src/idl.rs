//! The program's interface description, checked in so that clients need no Rust to read it.
//!
//! It is made by the crate inside Anchor's command line, which compiles the program with its `idl-build`
//! feature and collects what the tests Anchor generated print: the same bytes as `anchor idl build`,
//! without the five minutes of compiling that command.

use std::{env, fs, process::Command};

use anchor_lang_idl::build::IdlBuilder;
use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace::Workspace;

/// Hidden subcommand that prints the IDL; see [`generate`].
pub const PRINT_SUBCOMMAND: &str = "print-idl";

/// Writes the IDL, or with `check` fails if the checked-in one is not what the program says.
pub fn idl(workspace: &Workspace, check: bool) -> Result<()> {
    let path = workspace.idl();
    let fresh = generate(workspace)?;
    let present = fs::read_to_string(&path).unwrap_or_default();
    if fresh == present {
        eprintln!("{} is up to date", path.display());
        return Ok(());
    }
    if check {
        bail!(
            "{} is stale, from line {} on: run `cargo xtask idl` and commit the result",
            path.display(),
            first_difference(&fresh, &present)
        );
    }
    let folder = path.parent().context("the IDL has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    fs::write(&path, fresh).with_context(|| format!("writing {}", path.display()))?;
    eprintln!("{} written", path.display());
    Ok(())
}

/// Prints the IDL: what the process that [`generate`] starts does.
pub fn print(workspace: &Workspace) -> Result<()> {
    let idl = IdlBuilder::new()
        .program_path(workspace.program())
        // Only the library's tests print anything.
        .cargo_args(["--lib", "--locked"].map(str::to_owned).to_vec())
        .build()?;
    // Without a newline at the end: `anchor idl build --out` writes none.
    print!("{}", serde_json::to_string_pretty(&idl)?);
    Ok(())
}

/// Makes the IDL in a process of its own, whose environment can be cleaned: rustup sets RUSTUP_TOOLCHAIN,
/// and anchor-lang-idl 0.2.0 then calls cargo with a literal `+{toolchain}`.
fn generate(workspace: &Workspace) -> Result<String> {
    let this = env::current_exe().context("finding this executable")?;
    let output = Command::new(this)
        .arg(PRINT_SUBCOMMAND)
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", &workspace.target)
        .env_remove("RUSTUP_TOOLCHAIN")
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("starting the IDL's own process")?;
    ensure!(output.status.success(), "no IDL: the program, compiled with `--features idl-build`, says why above");
    String::from_utf8(output.stdout).context("the IDL is not text")
}

/// The number of the first line in which two texts differ.
fn first_difference(left: &str, right: &str) -> usize {
    left.lines().zip(right.lines()).take_while(|(left, right)| left == right).count() + 1
}
