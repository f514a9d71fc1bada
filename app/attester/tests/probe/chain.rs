//! Probing by what the chain says, the compiled program under it.

use crate::support::{clock_at, endpoint, serve};
use coverage_attester::directory::Observer;
use coverage_attester::probe::schedule::Schedule;
use coverage_attester::probe::{Limits, ProbeMetrics, ProbeSettings, Prober, Target, View, follow};
use coverage_attester::receipt::Refusal;
use coverage_attester::rules::Rules;
use coverage_client::embedded::Embedded;
use coverage_client::embedded::rpc::EmbeddedRpc;
use coverage_client::math::reliability::Outcome;
use coverage_client::rpc::Rpc;
use coverage_tests::{GENESIS, World, config, requirements};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// A world with three operators in a workload, and a fourth that joins while the first epoch runs.
fn world() -> (World, Pubkey, Vec<Pubkey>) {
    let mut world = World::with(config(), 3);
    world.fund(1_000_000);
    let workload = world.workload(1, 1);
    let mut operators: Vec<_> = (0..3).map(|number| world.enrolled(number, 10_000, 0, workload)).collect();
    assert_eq!(world.open_epoch(), 0);
    operators.push(world.enrolled(3, 10_000, 0, workload));
    let addresses = operators.iter().map(|operator| operator.account).collect();
    (world, workload, addresses)
}

fn rpc_of(world: &Arc<Mutex<Embedded>>) -> Rpc {
    Rpc::over(EmbeddedRpc::new(Arc::clone(world)).client())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_has_the_slots_that_count_in_the_epoch() {
    let (mut world, workload, operators) = world();
    let epoch = world.epoch(0);
    assert_ne!(epoch.seed, [0; 32]);
    world.set_time(epoch.end_ts - 1);
    let network = world.net.address;
    let target = |(slot, operator): (u16, &Pubkey)| Target { workload, operator: *operator, slot, objective_ms: 1_000 };
    let targets: Vec<_> = (0..).zip(&operators).map(target).collect();
    let objectives = BTreeMap::from([(workload, requirements().latency_ms)]);
    let chain = Arc::new(Mutex::new(world.cluster));
    let directory = Observer::open(rpc_of(&chain), network).await.unwrap().last();
    let view = View::new(&directory, &objectives, 24);
    let schedule = Schedule { seed: epoch.seed, start_ts: epoch.start_ts, end_ts: epoch.end_ts, probes: 24 };
    assert_eq!(view.epochs.len(), 1);
    assert_eq!((view.epochs[0].epoch, view.epochs[0].schedule), (0, schedule));
    // The fourth joined in epoch 0: it counts from the next one on.
    assert_eq!(view.epochs[0].targets, targets[..3]);
    assert!((0..60_000).contains(&(view.clock.now_ms() - (epoch.end_ts - 1) * 1_000)));
    // Nothing is probed whose objective is not known.
    assert!(View::new(&directory, &BTreeMap::new(), 24).epochs[0].targets.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_of_a_real_network_are_taken_by_the_rules() {
    let (world, workload, operators) = world();
    let (network, key, epoch) = (world.net.address, world.net.attesters[0].clone(), world.epoch(0));
    let attester = key.verifying_key().to_bytes();
    let schedule = Schedule { seed: epoch.seed, start_ts: epoch.start_ts, end_ts: epoch.end_ts, probes: 6 };
    let due =
        schedule.probes(&workload, &operators[1], &attester).find(|probe| probe.send_at_ms > (GENESIS + 10) * 1_000);
    let due = due.unwrap();
    let chain = Arc::new(Mutex::new(world.cluster));
    let rpc = rpc_of(&chain);
    let observer = Observer::open(rpc.clone(), network).await.unwrap();

    let (base, _) = serve().await;
    let endpoints = vec![endpoint(operators[1], &format!("{base}/good/v1"))];
    let settings = ProbeSettings { endpoints, per_epoch: 6, ..ProbeSettings::default() };
    let prober = Prober::new(&settings, network, key, Limits::default(), ProbeMetrics::default()).unwrap();
    let stop = CancellationToken::new();
    let (view, seen) = watch::channel(View { clock: clock_at(epoch.start_ts * 1_000), epochs: Arc::default() });
    let (sender, mut receipts) = mpsc::channel(4);
    tokio::spawn(follow(rpc, observer.subscribe(), 6, view, stop.clone()));
    let task = tokio::spawn(prober.run(seen, sender, stop.clone()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    // The chain comes to the second in which the probe is due.
    chain.lock().unwrap().set_time(due.send_at_ms / 1_000);
    let directory = observer.within(Duration::ZERO).await.unwrap();

    let receipt = tokio::time::timeout(Duration::from_secs(30), receipts.recv()).await.unwrap().unwrap();
    let attempt = receipt.attempt;
    assert_eq!((attempt.request_id, attempt.epoch, attempt.slot), (due.request_id, 0, 1));
    assert_eq!(attempt.outcome(), Some(Outcome::Served));
    assert!(schedule.is_scheduled(&operators[1], &attempt));
    assert_eq!(Rules::of(&directory, &[], 6).check(&[receipt]), [Ok(())]);
    // Without the schedule, or with another, a member's word is not enough.
    let refused = Err(Refusal::NotScheduled(Pubkey::from(attester)));
    assert_eq!(Rules::of(&directory, &[], 0).check(&[receipt]), [refused]);
    // A key that the settings name reports whatever it sees.
    assert_eq!(Rules::of(&directory, &[Pubkey::from(attester)], 0).check(&[receipt]), [Ok(())]);
    stop.cancel();
    task.await.unwrap();
}
