//! The examples, one after the other, as an operator, an attester and an auditor would run them.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cluster;

#[path = "../examples/attest.rs"]
#[allow(dead_code, reason = "its `main` is not run here")]
mod attest;
#[path = "../examples/audit.rs"]
#[allow(dead_code, reason = "its `main` is not run here")]
mod audit;
#[path = "../examples/claim.rs"]
#[allow(dead_code, reason = "its `main` is not run here")]
mod claim;
#[path = "../examples/register.rs"]
#[allow(dead_code, reason = "its `main` is not run here")]
mod register;

use cluster::{Cluster, GENESIS};
use coverage_client::program::state::{Member, Requirements};
use coverage_client::{instructions, pda};
use ed25519_dalek::SigningKey;

#[tokio::test(start_paused = true)]
async fn from_registering_to_a_claimed_reward_and_a_clean_audit() {
    let cluster = Cluster::new();
    let network = cluster.network().await;
    let token = cluster.token();
    let source = cluster.endpoint.chain().lock().unwrap().mint_to(&token, &cluster.payer, 10_000_000).unwrap();
    let attester = SigningKey::from_bytes(&[31; 32]);
    let member = Member { place: 0, key: attester.verifying_key().to_bytes().into(), weight: 1 };
    let needs = Requirements {
        model: [7; 32],
        descriptor_hash: [8; 32],
        min_capacity_milli: 100,
        latency_ms: 1_000,
        size_class: 1,
        hardware_class: 2,
        region: 3,
        verification_mode: 4,
    };
    let (payer, workload) = (cluster.payer, pda::workload(&network, 0));
    let found = [
        vec![instructions::update_committee(payer, network, vec![member])],
        vec![instructions::add_attester_bond(payer, network, &token, source, 0, 1_000)],
        vec![instructions::register_workload(payer, network, 0, 1, needs)],
        vec![instructions::fund_treasury(payer, network, &token, source, 5_000_000)],
    ];
    cluster.sender.send_packed("founding a network", &found).await.unwrap();

    assert_eq!(register::run(&cluster.sender, network, 0, 2_000).await.unwrap(), 0);
    let set_time = |now| cluster.endpoint.chain().lock().unwrap().set_time(now);
    set_time(GENESIS);
    cluster.sender.send("opening", &[instructions::open_epoch(payer, network, 0)]).await.unwrap();
    assert_eq!(attest::run(&cluster.sender, network, 0, 0, &[attester]).await.unwrap(), 1);
    set_time(GENESIS + 3_600 + 60);
    cluster.sender.send("sealing", &[instructions::seal_cell(network, workload, 0)]).await.unwrap();
    set_time(GENESIS + 3_600 + 60 + 600);
    let settle = instructions::settle_cell(network, workload, 0, instructions::SETTLE_STEPS);
    cluster.sender.send("settling", &[settle]).await.unwrap();

    // A million units times the Wilson bound of 100 served of 100, 100 / (100 + 1.645²) = 0.9736525…
    let reward = claim::run(&cluster.sender, network, payer).await.unwrap();
    assert_eq!(reward, 973_652);
    assert_eq!(claim::run(&cluster.sender, network, payer).await.unwrap(), 0);
    let report = audit::run(cluster.sender.rpc(), network).await.unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!((report.cells.len(), report.cells[0].paid_units), (1, reward));
}
