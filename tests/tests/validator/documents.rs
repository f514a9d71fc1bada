//! The pages for operators, attesters and auditors, run as somebody would who reads them: every block of commands, in order, in
//! one folder; what is for a terminal of its own goes on in the background.

use crate::processes;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const PAGES: [&str; 3] = ["operator.md", "attester.md", "auditor.md"];
/// How long one block of commands may take: two epochs and their settlement, mostly.
const PATIENCE: Duration = Duration::from_secs(180);
/// What `covctl localnet` says when there is something to talk to.
const READY: &str = "Ctrl-C stops it.";

/// A block of commands.
struct Block {
    text: String,
    /// Whether it has a terminal of its own.
    terminal: bool,
}

fn blocks(page: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (mut found, mut open) = (Vec::new(), None::<Block>);
    for line in text.lines() {
        match (&mut open, line) {
            (None, "```sh") => open = Some(Block { text: String::new(), terminal: false }),
            (None, "```sh terminal") => open = Some(Block { text: String::new(), terminal: true }),
            (None, other) => assert!(!other.starts_with("```"), "{page}: a block that nobody runs: {other}"),
            (Some(_), "```") => found.extend(open.take()),
            (Some(block), line) => block.text.push_str(&format!("{line}\n")),
        }
    }
    assert!(open.is_none(), "{page} ends in a block");
    found
}

/// Somebody at a computer, with terminals open.
struct Reader {
    folder: PathBuf,
    terminals: Vec<(String, Child)>,
}

impl Reader {
    fn bash(&self, script: &str) -> Command {
        let mut bash = Command::new("bash");
        let path = format!("{}:{}", processes::folder().display(), std::env::var("PATH").unwrap());
        bash.args(["-euo", "pipefail", "-c", script]).current_dir(&self.folder).env("PATH", path).kill_on_drop(true);
        bash.env("COVERAGE_SO", coverage_client::embedded::program_file());
        for name in ["COVERAGE_URL", "COVERAGE_NETWORK", "COVERAGE_KEYPAIR"] {
            bash.env_remove(name);
        }
        bash
    }

    /// Opens a terminal, unless the same command runs in one already.
    async fn open(&mut self, command: &str) {
        if self.terminals.iter().any(|(running, _)| running == command) {
            return;
        }
        let log = self.folder.join(format!("terminal-{}.log", self.terminals.len()));
        let child = processes::start(&mut self.bash(&format!("exec {command}")), &log);
        self.terminals.push((command.to_owned(), child));
        let started = Instant::now();
        while command.contains("localnet --ledger") && !std::fs::read_to_string(&log).unwrap().contains(READY) {
            let said = std::fs::read_to_string(&log).unwrap();
            assert!(started.elapsed() < PATIENCE, "{command}\n{said}");
            let (_, child) = self.terminals.last_mut().unwrap();
            assert!(child.try_wait().unwrap().is_none(), "{command}\n{said}");
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Runs every block of a page; what one exports, those after it have.
    async fn follow(&mut self, page: &str) {
        let mut exports = String::new();
        for block in blocks(page) {
            if block.terminal {
                self.open(block.text.trim()).await;
                continue;
            }
            let output = timeout(PATIENCE, self.bash(&format!("{exports}{}", block.text)).output()).await;
            let output =
                output.unwrap_or_else(|_| panic!("{page}: not done in {PATIENCE:?}:\n{}", block.text)).unwrap();
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            println!("{page}:\n{}\n{}\n{}", block.text, said[0], said[1]);
            assert!(output.status.success(), "{page}:\n{}\n{}\n{}", block.text, said[0], said[1]);
            for line in block.text.lines().filter(|line| line.starts_with("export ")) {
                exports.push_str(&format!("{line}\n"));
            }
        }
    }

    /// Closes all terminals, the last one first.
    async fn leave(self) {
        for (command, mut child) in self.terminals.into_iter().rev() {
            processes::signal(&child, "TERM").await;
            assert!(child.wait().await.unwrap().success(), "ends well when it is told to: {command}");
        }
    }
}

/// Follows all pages.
pub async fn follow(folder: &Path) {
    let mut reader = Reader { folder: folder.to_path_buf(), terminals: Vec::new() };
    for page in PAGES {
        reader.follow(page).await;
    }
    reader.leave().await;
}
