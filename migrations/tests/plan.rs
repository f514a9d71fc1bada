//! Plan files: the example is one, and what is wrong in one is named.
#![allow(clippy::unwrap_used)]

use coverage_client::embedded::rpc::{EmbeddedRpc, serve};
use coverage_client::embedded::{Embedded, program_file};
use coverage_migrations::cluster::MigrateError;
use coverage_migrations::file::{PlanError, PlanFile};
use solana_keypair::{Keypair, Signer, write_keypair_file};
use solana_program::pubkey::Pubkey;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

const EXAMPLE: &str = include_str!("../plan.example.toml");

/// A folder with the keys of the example, and a plan that differs from it.
fn plan(folder: &Path, from: &str, to: &str) -> Result<PlanFile, PlanError> {
    assert!(EXAMPLE.contains(from), "{from}");
    for (number, name) in ["program", "mint", "attester-0", "attester-1", "operator-0"].iter().enumerate() {
        let key = Keypair::new_from_array([number as u8 + 1; 32]);
        write_keypair_file(&key, folder.join(format!("{name}.json"))).unwrap();
    }
    fs::write(folder.join("plan.toml"), EXAMPLE.replace(from, to)).unwrap();
    PlanFile::read(&folder.join("plan.toml"))
}

#[test]
fn the_example_is_a_plan() {
    let folder = tempfile::tempdir().unwrap();
    let file = plan(folder.path(), "so = \"../target/deploy/coverage_settlement.so\"\n", "").unwrap();
    let payer = Pubkey::new_from_array([9; 32]);
    let prepared = file.prepare(folder.path(), payer).unwrap();
    let plan = &prepared.plan;
    assert_eq!((plan.network_id, plan.guardian, plan.treasury_units), (1, payer, 1_000_000_000_000));
    assert_eq!((plan.config.epoch_seconds, plan.config.rule, plan.config.quorum_bps), (3_600, 0, 6_667));
    assert_eq!(plan.attesters.iter().map(|(_, weight)| *weight).collect::<Vec<_>>(), [1, 1]);
    let operator = plan.operators.first().unwrap();
    assert_eq!(operator.wallet, Keypair::new_from_array([5; 32]).pubkey());
    assert_eq!((operator.payout, operator.domain, operator.bond_units), (operator.wallet, 1, 5_000_000_000));
    let capability = operator.capabilities.first().unwrap();
    assert_eq!(capability.workload, plan.workload(0).to_bytes());
    assert_eq!((capability.capacity_milli, capability.latency_ms), (10_000, 500));
    assert_eq!(capability.model, plan.workloads.first().unwrap().requirements.model);
    assert_eq!(prepared.program_key.unwrap().pubkey(), Keypair::new_from_array([1; 32]).pubkey());
    assert!(prepared.program.is_none());
}

/// The error of the plan with `from` replaced by `to`, whether reading or preparing it finds it.
fn error(from: &str, to: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let prepared = plan(folder.path(), from, to).and_then(|file| file.prepare(folder.path(), Pubkey::default()));
    prepared.err().unwrap().to_string().replace(&folder.path().display().to_string(), "…")
}

#[test]
fn what_is_wrong_is_named() {
    let misspelt = error("treasury_units", "treasury_unit");
    assert!(misspelt.contains("unknown field `treasury_unit`") && misspelt.contains("line 6"), "{misspelt}");
    let so = "so = \"../target/deploy/coverage_settlement.so\"";
    let missing = error(so, "so = \"none.so\"");
    assert!(missing.starts_with("cannot read …/none.so: "), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    let with = |from: &str, to: &str| {
        let text = EXAMPLE.replace(so, "").replace(from, to);
        plan(folder.path(), "network = 1", "network = 1").unwrap();
        fs::write(folder.path().join("plan.toml"), text).unwrap();
        let file = PlanFile::read(&folder.path().join("plan.toml")).unwrap();
        file.prepare(folder.path(), Pubkey::default()).err().unwrap().to_string()
    };
    assert_eq!(
        with("\"shapley\"", "\"fair\""),
        "the plan's rule is \"fair\", which is neither shapley, nor banzhaf, nor last-in"
    );
    assert_eq!(
        with("workloads = [0]", "workloads = [1]"),
        "the plan's operator's workload is \"1\", which is not the place of a workload in the list, from 0"
    );
    assert_eq!(
        with("# guardian = \"…\"", "guardian = \"me\""),
        "the plan's guardian is \"me\", which is not an address in base58"
    );
}

#[test]
fn a_cluster_of_others_gets_nothing_unasked_and_no_program_whose_key_is_public() {
    let folder = tempfile::tempdir().unwrap();
    let so = format!("so = {:?}", program_file());
    plan(folder.path(), "so = \"../target/deploy/coverage_settlement.so\"", &so).unwrap();
    let chain = Arc::new(Mutex::new(Embedded::new(1_700_000_000).unwrap()));
    let rpc = EmbeddedRpc::new(chain);
    let server = serve(rpc.clone(), 0).unwrap();
    let run = |more: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coverage-migrate"));
        command.arg("devnet").arg(folder.path().join("plan.toml")).args(["--url", &server.url(), "--keypair"]);
        let done = command.arg(folder.path().join("mint.json")).args(more.split_whitespace()).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    let unasked = "error: nothing was sent: this costs SOL; look first with --dry-run, then add --yes\n";
    assert_eq!(run(""), (Some(2), String::new(), unasked.to_owned()));
    let public = format!("error: {}\n", MigrateError::PublicProgramKey);
    for more in ["--dry-run", "--yes"] {
        assert_eq!(run(more), (Some(2), String::new(), public.clone()));
    }
    assert_eq!(rpc.received().len(), 0);
}
