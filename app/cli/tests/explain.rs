//! `covctl explain`, `opportunities` and `audit` as a user runs them, on the settled network of the bundled scenario.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use covctl::network::Network;
use covctl::router::{RouterConfig, simulate};
use covctl::scenario::bundled;
use covctl::{Progress, network};
use coverage_client::accounts;
use coverage_client::chain::Chain;
use coverage_client::embedded::rpc::{EmbeddedRpc, Server, serve};
use coverage_client::instructions::fund_treasury;
use coverage_client::pda::{self, Token};
use coverage_client::program::state::Network as NetworkAccount;
use serde_json::Value;
use solana_program::pubkey::Pubkey;
use std::fs;
use std::sync::{Arc, Mutex};
use support::{Run, covctl, scratch};

/// A served cluster with the network on it.
struct Scene {
    rpc: EmbeddedRpc,
    server: Server,
    network: Pubkey,
    operators: Vec<Pubkey>,
    workloads: Vec<Pubkey>,
}

impl Scene {
    /// All epochs of the scenario, settled and claimed.
    fn new() -> Self {
        let scenario = bundled::scenario();
        let simulation = simulate(&scenario, &RouterConfig::default()).unwrap();
        let progress = Progress::silent();
        let mut network = Network::create(&scenario, &simulation, &progress).unwrap();
        for epoch in 0..scenario.epochs {
            network.run_epoch(epoch).unwrap();
        }
        let operators = (0..scenario.operators.len()).map(|number| network.operator(number).unwrap()).collect();
        let workloads = (0..scenario.workloads.len()).map(|number| network.workload(number).unwrap()).collect();
        let address = network.address();
        let network::Cluster { embedded, .. } = network.cluster;
        let rpc = EmbeddedRpc::new(Arc::new(Mutex::new(embedded)));
        let server = serve(rpc.clone(), 0).unwrap();
        Self { rpc, server, network: address, operators, workloads }
    }

    fn run(&self, args: &[&str]) -> Run {
        let (url, network) = (self.server.url(), self.network.to_string());
        covctl(&[&["--url", &url, "--network", &network], args].concat())
    }

    fn json(&self, args: &[&str]) -> (i32, Value) {
        let run = self.run(&[&["--output", "json"], args].concat());
        (run.code, serde_json::from_str(&run.stdout).unwrap_or(Value::String(run.stderr)))
    }

    /// Puts tokens into the treasury, which the scenario's epochs have emptied.
    fn fund(&self, units: u64) {
        let mut chain = self.rpc.chain().lock().unwrap();
        let network = chain.require(&self.network).unwrap();
        let token = Token::from(&accounts::header::<NetworkAccount>(&self.network, &network.data).unwrap());
        let payer = chain.payer();
        let source = chain.mint_to(&token, &payer, units).unwrap();
        chain.send("funding", &[fund_treasury(payer, self.network, &token, source, units)]).unwrap();
    }

    /// Changes one byte of an account behind the program's back.
    fn tamper(&self, address: &Pubkey, place: usize) {
        let mut chain = self.rpc.chain().lock().unwrap();
        let mut account = chain.svm.get_account(address).unwrap();
        account.data[place] ^= 1;
        chain.svm.set_account(*address, account).unwrap();
    }
}

#[test]
fn a_settled_network_explains_itself_and_passes_its_audit() {
    let scene = Scene::new();

    // Aurora Cloud/east-1 shares its failure domain with three others.
    let operator = scene.operators[0].to_string();
    let run = scene.run(&["explain", &operator]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.starts_with(&format!("Operator {operator}\n  wallet ")), "{}", run.stdout);
    assert!(run.stdout.contains("\nLargest single cause of lost reward: "), "{}", run.stdout);
    let (code, explained) = scene.json(&["explain", &operator]);
    assert_eq!(code, 0);
    let cells = explained["cells"].as_array().unwrap();
    let rewards = cells.iter().map(|cell| cell["settled"]["reward_units"].as_u64().unwrap_or(0)).sum::<u64>();
    assert!(rewards > 0);
    assert_eq!(explained["reward_units"], rewards);

    scene.fund(1_000_000_000_000);
    let (code, found) = scene.json(&["opportunities", "--p", "0.9"]);
    let rewards: Vec<u64> =
        found["opportunities"].as_array().unwrap().iter().map(|one| one["reward_units"].as_u64().unwrap()).collect();
    assert_eq!((code, rewards.len()), (0, scene.workloads.len()));
    assert!(rewards.is_sorted_by(|a, b| a >= b) && rewards[0] > 0, "{rewards:?}");
    let (code, own) = scene.json(&["opportunities", "--operator", &operator]);
    let enrolled = own["opportunities"].as_array().unwrap().len() + cells.len();
    assert_eq!((code, enrolled), (0, scene.workloads.len()), "where it is enrolled there is nothing to find");

    let run = scene.run(&["audit"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.ends_with("\nPASSED: everything there is to see is as it should be\n"), "{}", run.stdout);
    let (code, report) = scene.json(&["audit", "--epoch", "2"]);
    assert_eq!((code, report["cells"].as_array().unwrap().len()), (0, scene.workloads.len()));
    assert_eq!(report["mint"]["freeze_authority"], Value::Null);

    // Of the two epochs before, the chain shows nothing any more: that is no success.
    let run = scene.run(&["audit", "--epoch", "0"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.ends_with("\nNOT CHECKED: the chain shows nothing of epoch 0\n"), "{}", run.stdout);
}

#[test]
fn what_is_wrong_is_named_and_fails_the_run() {
    let scene = Scene::new();
    let (_, clean) = scene.json(&["audit"]);
    let batches = clean["batches"].as_array().unwrap().len();
    assert!(batches > 0);

    // Nothing is published: every standing batch is missed.
    let empty = scratch("no-receipts");
    fs::create_dir_all(&empty).unwrap();
    let (code, report) = scene.json(&["audit", "--receipts", &empty]);
    let missing = report["receipts"]["discrepancies"].as_array().unwrap();
    assert_eq!((code, missing.len()), (1, batches));
    assert!(missing.iter().all(|one| one["fault"] == "MissingFile"));

    // φ of the first slot: behind discriminator, header and length of the cell, then the operator and five numbers.
    let cell = pda::cell(&scene.workloads[0]);
    let data = scene.rpc.chain().lock().unwrap().svm.get_account(&cell).unwrap().data;
    let first: [u8; 32] = scene.operators[0].to_bytes();
    let slot = data.windows(32).position(|bytes| bytes == first).unwrap();
    scene.tamper(&cell, slot + 32 + 5 * 8);
    let run = scene.run(&["audit"]);
    assert_eq!(run.code, 1);
    let line = format!("      workload 0, slot 0 ({}), phi: expected ", scene.operators[0]);
    assert!(run.stdout.contains(&line) && run.stdout.ends_with("\nFAILED: 1 discrepancy\n"), "{}", run.stdout);
}

#[test]
fn what_is_not_there_is_an_error_that_says_so() {
    let scene = Scene::new();
    let stranger = Pubkey::from([9; 32]).to_string();
    let run = scene.run(&["explain", &stranger]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert_eq!(run.stderr, format!("error: there is no account at {stranger}: check the address and the cluster\n"));
    let run = scene.run(&["audit", "--receipts", "/nowhere"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.starts_with("error: cannot read /nowhere: "), "{}", run.stderr);
    let run = scene.run(&["opportunities", "--p", "1.5"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("\"1.5\" is no reliability: expected a decimal above 0 and at most 1, as in 0.95"));
}
