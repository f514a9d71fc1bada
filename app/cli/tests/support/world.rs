//! An embedded cluster behind a real RPC port, with wallets, for `covctl` to work on.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::Run;
use coverage_client::batch::{receipt_tag, sign};
use coverage_client::embedded::Embedded;
use coverage_client::embedded::rpc::{EmbeddedRpc, Server, serve};
use coverage_client::math::hash::Software;
use coverage_client::math::receipt::{Attempt, Receipt};
use coverage_client::math::reliability::Outcome;
use coverage_client::pda::{self, Token};
use ed25519_dalek::SigningKey;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Start of epoch 0.
pub const GENESIS: i64 = 1_800_000_000;
/// The network's id.
pub const NETWORK: u64 = 7;
/// Units of a token.
pub const TOKEN: u64 = 1_000_000;
/// Everybody there is; each has 100 SOL and 100,000 tokens.
pub const NAMES: [&str; 8] =
    ["authority", "heir", "guardian", "alice", "bob", "attester-0", "attester-1", "attester-2"];

pub struct World {
    pub rpc: EmbeddedRpc,
    pub token: Token,
    pub folder: TempDir,
    wallets: BTreeMap<&'static str, Pubkey>,
    /// The instructions that were sent so far.
    pub reached: BTreeSet<String>,
    server: Server,
}

impl World {
    pub fn new() -> Self {
        let mut chain = Embedded::new(GENESIS - 3_000).unwrap();
        let token = chain.create_mint(Keypair::new_from_array([9; 32]), 6).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut wallets = BTreeMap::new();
        for (seed, name) in (100u8..).zip(NAMES) {
            let key = Keypair::new_from_array([seed; 32]);
            let file = folder.path().join(format!("{name}.json"));
            std::fs::write(file, serde_json::to_string(&key.to_bytes().to_vec()).unwrap()).unwrap();
            wallets.insert(name, chain.add_signer(key));
            chain.mint_to(&token, &wallets[name], 100_000 * TOKEN).unwrap();
        }
        let rpc = EmbeddedRpc::new(Arc::new(Mutex::new(chain)));
        let server = serve(rpc.clone(), 0).unwrap();
        let config = format!(
            "---\njson_rpc_url: {}\nwebsocket_url: ''\nkeypair_path: {}\naddress_labels: {{}}\ncommitment: confirmed\n",
            server.url(),
            folder.path().join("authority.json").display()
        );
        std::fs::write(folder.path().join("config.yml"), config).unwrap();
        Self { rpc, token, folder, wallets, reached: BTreeSet::new(), server }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn wallet(&self, name: &str) -> String {
        self.wallets[name].to_string()
    }

    pub fn network(&self) -> Pubkey {
        pda::network(NETWORK)
    }

    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub fn set_time(&self, now: i64) {
        self.rpc.chain().lock().unwrap().set_time(now);
    }

    /// Lamports of a wallet.
    pub fn lamports(&self, name: &str) -> u64 {
        self.rpc.chain().lock().unwrap().svm.get_balance(&self.wallets[name]).unwrap()
    }

    /// Tokens of a wallet, in units.
    pub fn units(&self, name: &str) -> u64 {
        self.rpc.chain().lock().unwrap().tokens(&pda::token_account(&self.wallets[name], &self.token))
    }

    /// Runs `covctl` as somebody, with nothing of this process's environment that it would heed.
    pub fn run(&self, who: &str, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_covctl"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COVERAGE_") && name != "COVERAGE_SO") {
            command.env_remove(name);
        }
        command.args(["-C", &self.file("config.yml"), "-k", &self.file(&format!("{who}.json"))]);
        let output = command.args(args).env("COVERAGE_NETWORK", "7").stdin(Stdio::null()).output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The JSON of a command that must succeed.
    pub fn json(&self, who: &str, args: &[&str]) -> Value {
        let run = self.run(who, &[args, &["--output", "json"]].concat());
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// Does something that sends transactions: first dry and then without a yes, both of which send nothing; then in earnest.
    /// Returns its result.
    pub fn act(&mut self, who: &str, args: &[&str]) -> Value {
        let before = self.rpc.received().len();
        let dry = self.json(who, &[args, &["--dry-run"]].concat());
        assert_eq!(dry["status"], "simulated", "{args:?}");
        let refused = self.run(who, args);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""), "{args:?}");
        let words =
            "error: nothing was sent: there is no terminal to ask on; add --yes to send, or --dry-run to simulate\n";
        assert!(refused.stderr.ends_with(words), "{args:?}: {}", refused.stderr);
        assert_eq!(self.rpc.received().len(), before, "{args:?}: nothing was sent");

        let lamports = self.lamports(who);
        let done = self.json(who, &[args, &["--yes"]].concat());
        assert_eq!(done["status"], "sent", "{args:?}");
        let sum = |name: &str| {
            done["transactions"].as_array().unwrap().iter().map(|step| step[name].as_u64().unwrap()).sum::<u64>()
        };
        let announced = sum("fee_lamports") + done["rent_lamports"].as_u64().unwrap_or(0);
        // Whoever gets rent back pays less than announced, nobody more.
        let spent = lamports.saturating_sub(self.lamports(who));
        assert!(spent <= announced, "{args:?}: spent {spent}, announced {announced}");
        if done.get("rent_lamports").is_some() {
            assert_eq!(spent, announced, "{args:?}");
        }
        let transactions = done["transactions"].as_array().unwrap();
        assert!(!transactions.is_empty());
        assert_eq!(transactions.len(), dry["transactions"].as_array().unwrap().len(), "{args:?}: as announced");
        assert!(self.rpc.received().len() >= before + transactions.len());
        for transaction in transactions {
            assert!(transaction["signature"].as_str().unwrap().len() > 80, "{transaction}");
            assert!(transaction["fee_lamports"].as_u64().unwrap() >= 5_000, "{transaction}");
            let names = transaction["instructions"].as_str().unwrap().split(", ");
            self.reached.extend(names.map(str::to_owned));
        }
        done
    }

    /// Does something for which there must be nothing to do.
    pub fn nothing(&self, who: &str, args: &[&str]) {
        let before = self.rpc.received().len();
        let done = self.json(who, args);
        assert_eq!(
            (&done["status"], &done["transactions"]),
            (&"nothing-to-do".into(), &Value::Array(Vec::new())),
            "{args:?}"
        );
        assert_eq!(self.rpc.received().len(), before);
    }

    /// The error of a command that must fail before it sends anything.
    pub fn error(&self, who: &str, args: &[&str]) -> String {
        let before = self.rpc.received().len();
        let run = self.run(who, args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
        assert_eq!(self.rpc.received().len(), before);
        run.stderr.strip_prefix("error: ").unwrap_or(&run.stderr).trim_end().to_owned()
    }

    /// Writes a file of receipts: of each slot so many outcomes.
    pub fn receipts(&self, name: &str, epoch: u64, outcomes: &[(u16, Outcome, u32)]) -> PathBuf {
        let reporter = SigningKey::from_bytes(&[77; 32]);
        let workload = pda::workload(&self.network(), 0).to_bytes();
        let tag = receipt_tag(&self.network(), epoch);
        let mut bytes = Vec::new();
        let mut request = 0u64;
        for (slot, outcome, count) in outcomes {
            for _ in 0..*count {
                request += 1;
                let mut request_id = [0; 32];
                request_id[..8].copy_from_slice(&request.to_be_bytes());
                let attempt = Attempt {
                    request_id,
                    workload,
                    epoch,
                    slot: *slot,
                    outcome: *outcome as u8,
                    latency_ms: 20,
                    observed_at: GENESIS + 10,
                    evidence: [0; 32],
                    reporter: reporter.verifying_key().to_bytes(),
                };
                let (_, signature) = sign(&reporter, &attempt.message::<Software>(&tag).unwrap());
                bytes.extend(borsh::to_vec(&Receipt { attempt, signature }).unwrap());
            }
        }
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}
