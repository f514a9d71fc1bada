//! Links the bitcode rustc emits for `sbpf-solana-solana` into a Solana program (an SBPF ELF file).
//!
//! rustc calls this as its linker (see [`super::build`], which puts a symlink of this binary named
//! `sbf-link` in its way). Steps:
//!   1. merge every bitcode member of the objects and rlibs, keep what `entrypoint` reaches;
//!   2. lower what LLVM 22's BPF backend cannot compile: functions of more than five register arguments
//!      are inlined, traps become the `abort` syscall, atomics become plain accesses (a program has one
//!      thread);
//!   3. optimise, then replace what the backend would make library calls of (128-bit and overflow-checked
//!      multiplications, 128-bit divisions and variable shifts) by code it has instructions for — after
//!      the optimiser, which would otherwise fold it back;
//!   4. hand the result to `sbpf-linker`, which generates code and writes the ELF file.
//!
//! What it cannot do: recursion through functions of more than five arguments, and floating point. Both
//! end in an error of LLVM's, shown as it is. Stack frames are 4,096 bytes.
//!
//! Environment: `LLVM_BIN`, `SBPF_LINKER` and `SBPF_VERSION` (set by [`super::build`]), and `SBF_LINK_KEEP`,
//! a folder in which to leave the intermediate files for inspection. The version only matters to step 4.

use std::{
    env,
    ffi::OsString,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, bail};

use super::lower;

/// The name under which rustc calls this binary.
pub const NAME: &str = "sbf-link";
/// The environment's variable with the name of the SBPF version.
pub const VERSION_VARIABLE: &str = "SBPF_VERSION";

/// What must survive although nothing in the bitcode may call it yet: the code generator does.
const KEEP: &str = "entrypoint,memcpy,memset,memmove,memcmp,bcmp";
/// Kept until step 3 has replaced the divisions that call them.
const KEEP_UNTIL_EXPANDED: &str = "entrypoint,memcpy,memset,memmove,memcmp,bcmp,__udivti3,__umodti3";

/// Solana's stack frame; the backend's own limit is 512 bytes.
const STACK_FRAME: &str = "--llvm-args=-bpf-stack-size=4096";
/// LLVM would end unreachable code in a call that SBPF's runtime does not know.
const NO_TRAP_CALL: &str = "--llvm-args=-bpf-disable-trap-unreachable";

/// Entry point under the name [`NAME`].
pub fn main() -> ExitCode {
    match link(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn link(args: &[String]) -> Result<()> {
    let output = value_of(args, &["-o", "--output"])?;
    let exports = value_of(args, &["--export-symbols"])?;
    let exports = fs::read_to_string(exports).with_context(|| format!("reading {exports}"))?;
    if !exports.split_whitespace().any(|symbol| symbol == "entrypoint") {
        // A dependency that also declares a cdylib (solana-zk-sdk does): cargo wants a file, nobody loads it.
        return fs::write(output, "").with_context(|| format!("writing {output}"));
    }
    let inputs: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| *arg != output && [".o", ".rlib", ".a"].iter().any(|suffix| arg.ends_with(suffix)))
        .collect();
    let work = WorkFolder::beside(Path::new(output))?;
    let tools = Tools::from_environment();
    merge_and_lower(&tools, &work, &inputs)?;
    optimise_and_expand(&tools, &work)?;
    write_elf(&tools, &work, output)
}

/// The argument after one of the `names`.
fn value_of<'a>(args: &'a [String], names: &[&str]) -> Result<&'a str> {
    args.iter()
        .zip(args.iter().skip(1))
        .find(|(name, _)| names.contains(&name.as_str()))
        .map(|(_, value)| value.as_str())
        .with_context(|| format!("rustc passed no {}", names.join(" or ")))
}

/// Steps 1 and 2.
fn merge_and_lower(tools: &Tools, work: &WorkFolder, inputs: &[&str]) -> Result<()> {
    let mut link = tools.llvm("llvm-link");
    link.arg("-o").arg(work.file("merged.bc")).args(bitcode_inputs(tools, work, inputs)?);
    run(link)?;
    let mut reach = tools.llvm("opt");
    reach
        .args(["-passes=internalize,globaldce", &format!("-internalize-public-api-list={KEEP_UNTIL_EXPANDED}"), "-S"])
        .arg(work.file("merged.bc"))
        .arg("-o")
        .arg(work.file("reached.ll"));
    run(reach)?;
    let reached = work.read("reached.ll")?;
    work.write("lowered.ll", &lower::traps_to_abort(&lower::inline_wide_functions(&reached)))
}

/// Step 3.
fn optimise_and_expand(tools: &Tools, work: &WorkFolder) -> Result<()> {
    let mut optimise = tools.llvm("opt");
    optimise
        .arg("-passes=always-inline,lower-atomic,default<O3>,internalize,globaldce")
        .args([&format!("-internalize-public-api-list={KEEP_UNTIL_EXPANDED}"), "-S"])
        .arg(work.file("lowered.ll"))
        .arg("-o")
        .arg(work.file("optimised.ll"));
    run(optimise)?;
    let optimised = lower::without_struct_returns(&work.read("optimised.ll")?);
    work.write("expanded.ll", &lower::expand_wide_arithmetic(&optimised)?)?;
    let mut inline_helpers = tools.llvm("opt");
    inline_helpers
        .arg("-passes=always-inline,internalize,globaldce")
        .arg(format!("-internalize-public-api-list={KEEP}"))
        .arg(work.file("expanded.ll"))
        .arg("-o")
        .arg(work.file("final.bc"));
    run(inline_helpers)
}

/// Step 4. The code generator gets the optimiser's result as it is (`-O 0`): its own passes would fold
/// the expanded multiplications back.
fn write_elf(tools: &Tools, work: &WorkFolder, output: &str) -> Result<()> {
    let mut linker = Command::new(&tools.sbpf_linker);
    linker
        .arg("--arch")
        .arg(&tools.sbpf_version)
        .args(["--cpu", super::CPU, &format!("--cpu-features={}", super::CPU_FEATURES)])
        .args(["--export", "entrypoint", "-O", "0", STACK_FRAME, NO_TRAP_CALL])
        .args(["-o", output])
        .arg(work.file("final.bc"));
    run(linker)
}

/// Objects first, then the members of the rlibs, Solana's compiler builtins before Rust's: the first
/// definition of a symbol wins, and Rust's own are written for machines with a high multiplication.
fn bitcode_inputs(tools: &Tools, work: &WorkFolder, paths: &[&str]) -> Result<Vec<PathBuf>> {
    let mut objects = Vec::new();
    let mut members = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let path = fs::canonicalize(path).with_context(|| format!("looking for {path}"))?;
        if path.extension().is_some_and(|extension| extension == "o") {
            objects.push(path);
        } else {
            members.extend(archive_members(tools, &path, &work.file(&format!("rlib{number}")))?);
        }
    }
    members.sort_by_key(|member| !member.to_string_lossy().contains("solana_compiler_builtins"));
    let mut bitcode = Vec::new();
    for path in objects.into_iter().chain(members) {
        if is_bitcode(&path)? {
            bitcode.push(path);
        }
    }
    Ok(bitcode)
}

/// Unpacks an archive into `folder` and lists its objects in the order of their names.
fn archive_members(tools: &Tools, archive: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut unpack = tools.llvm("llvm-ar");
    unpack.arg("x").arg(archive).current_dir(folder);
    run(unpack)?;
    let mut members: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .filter(|member| member.extension().is_some_and(|extension| extension == "o"))
        .collect();
    members.sort();
    Ok(members)
}

/// Whether a file starts with the magic number of LLVM bitcode, bare or wrapped. The others are rustc's
/// metadata, and native code of build scripts' C libraries, which a program cannot reach.
fn is_bitcode(path: &Path) -> Result<bool> {
    let mut magic = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(4).read_to_end(&mut magic))
        .with_context(|| format!("reading {}", path.display()))?;
    Ok(magic == *b"BC\xc0\xde" || magic == *b"\xde\xc0\x17\x0b")
}

/// Runs an LLVM tool or the linker; on failure shows its own words.
fn run(mut command: Command) -> Result<()> {
    let tool = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("starting {tool}: `cargo xtask setup` installs it"))?;
    if !output.status.success() {
        let words = [output.stdout, output.stderr].concat();
        bail!("{tool} failed:\n{}", last_characters(&String::from_utf8_lossy(&words), 6_000));
    }
    Ok(())
}

fn last_characters(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or(text)
}

/// Where the programs this one calls are.
struct Tools {
    llvm_bin: PathBuf,
    sbpf_linker: OsString,
    sbpf_version: OsString,
}

impl Tools {
    fn from_environment() -> Self {
        Self {
            llvm_bin: env::var_os("LLVM_BIN").map_or_else(|| super::LLVM_BIN.into(), PathBuf::from),
            sbpf_linker: env::var_os("SBPF_LINKER").unwrap_or_else(|| "sbpf-linker".into()),
            sbpf_version: env::var_os(VERSION_VARIABLE).unwrap_or_else(|| super::SbpfVersion::default().name().into()),
        }
    }

    fn llvm(&self, tool: &str) -> Command {
        Command::new(self.llvm_bin.join(tool))
    }
}

/// The folder of the intermediate files, removed at the end unless somebody asked for it by name.
struct WorkFolder {
    path: PathBuf,
    keep: bool,
}

impl WorkFolder {
    /// A folder named after the output, in cargo's target folder: cargo's lock keeps other links out, and
    /// the same names on every run leave nothing that could differ in the result.
    fn beside(output: &Path) -> Result<Self> {
        let kept = env::var_os("SBF_LINK_KEEP").map(PathBuf::from);
        let keep = kept.is_some();
        let path = kept.unwrap_or_else(|| output.with_extension(NAME));
        fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self { path, keep })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.file(name);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.file(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        if !self.keep {
            // A leftover in the target folder is no reason to fail a build that succeeded.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
