//! The task that sends probes: when they are due, once, one at a time, and never late.

use crate::support::*;
use coverage_attester::probe::schedule::Schedule;
use coverage_attester::probe::{
    Limits, ProbeError, ProbeLabels, ProbeMetrics, ProbeSettings, ProbedEpoch, Prober, SkipLabels, Target, View,
};
use coverage_client::batch::{self, BatchOf, Statement};
use coverage_client::evidence::{Published, payload};
use coverage_client::math::attestation::Entry;
use coverage_client::math::hash::Software;
use coverage_client::math::receipt::Receipt;
use coverage_client::math::reliability::{Evidence, Outcome};
use ed25519_dalek::{Signature, VerifyingKey};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn settings(base: &str, mode: &str) -> ProbeSettings {
    let url = format!("{base}/{mode}/v1");
    ProbeSettings { endpoints: vec![endpoint(OPERATOR, &url)], ..ProbeSettings::default() }
}

async fn next(running: &mut Running) -> Receipt {
    tokio::time::timeout(Duration::from_secs(30), running.receipts.recv()).await.unwrap().unwrap()
}

fn skipped(metrics: &ProbeMetrics, reason: &'static str) -> u64 {
    metrics.skipped.get_or_create(&SkipLabels { reason }).get()
}

fn ids(receipts: &[Receipt]) -> BTreeSet<[u8; 32]> {
    receipts.iter().map(|receipt| receipt.attempt.request_id).collect()
}

#[tokio::test]
async fn what_is_due_is_sent_once_and_what_was_due_before_is_not() {
    let (base, log) = serve().await;
    let (schedule, target) = (schedule(4, 8), target(20_000));
    let all = probes(&schedule, &target);
    // The attester comes up in the middle of the epoch, just after the third probe.
    let now_ms = all[2].send_at_ms;
    let mut running =
        start(&settings(&base, "good"), Limits::default(), view(clock_at(now_ms), schedule, vec![target]));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut receipts = Vec::new();
    for _ in 3..8 {
        // The directory is read again and again; nothing is sent twice for it, nor when the clock is set back.
        let clock = running.view.borrow().clock;
        running.view.send_replace(view(clock_at(clock.now_ms() - 100), schedule, vec![target]));
        receipts.push(next(&mut running).await);
    }
    running.stop.cancel();
    running.task.await.unwrap();
    assert_eq!(running.receipts.recv().await, None, "the task is over, and with it its receipts");
    let expected = all[3..].iter().map(|probe| probe.request_id).collect::<BTreeSet<_>>();
    assert_eq!(ids(&receipts), expected);
    assert_eq!(log.requests.lock().unwrap().len(), 5);
    for receipt in &receipts {
        let probe = all.iter().find(|probe| probe.request_id == receipt.attempt.request_id).unwrap();
        assert!(receipt.attempt.observed_at >= probe.send_at_ms / 1_000);
    }
    let labels = ProbeLabels { operator: OPERATOR.to_string(), outcome: "served" };
    assert_eq!(running.metrics.probes.get_or_create(&labels).get(), 5);
    assert_eq!(skipped(&running.metrics, "late"), 0);
}

#[tokio::test]
async fn receipts_pass_all_checks_of_a_batch() {
    let (base, _) = serve().await;
    let schedule = schedule(2, 4);
    let other = Target { operator: Pubkey::new_from_array([14; 32]), slot: 1, ..target(20_000) };
    let targets = vec![target(20_000), other];
    let mut settings = settings(&base, "good");
    settings.endpoints.push(endpoint(other.operator, &format!("{base}/404/v1")));
    let clock = clock_at(START_TS * 1_000 - 10);
    let mut running = start(&settings, Limits::default(), view(clock, schedule, targets));
    let mut receipts = Vec::new();
    for _ in 0..8 {
        receipts.push(next(&mut running).await);
    }
    let reporter = VerifyingKey::from_bytes(&key().verifying_key().to_bytes()).unwrap();
    for receipt in &receipts {
        let attempt = &receipt.attempt;
        let message = attempt.message::<Software>(&batch::receipt_tag(&NETWORK, EPOCH)).unwrap();
        reporter.verify_strict(&message, &Signature::from_bytes(&receipt.signature)).unwrap();
        let operator = if attempt.slot == SLOT { OPERATOR } else { other.operator };
        assert!(schedule.is_scheduled(&operator, attempt));
    }
    batch::sort(&mut receipts);
    let of = BatchOf { network: NETWORK, workload: WORKLOAD, epoch: EPOCH, sequence: 0, generation: 1 };
    let statement = Statement::outcomes(of, &receipts).unwrap();
    let counts = |outcome: Outcome| std::array::from_fn(|index| if index == outcome as usize { 4 } else { 0 });
    let entries = [
        Entry { slot: 1, reserved: 0, counts: counts(Outcome::ModelUnavailable) },
        Entry { slot: SLOT, reserved: 0, counts: counts(Outcome::Served) },
    ];
    assert_eq!(
        statement.args.entries_hash,
        Statement::counts(of, statement.args.receipts_root, &entries).args.entries_hash
    );
    let leaves: Vec<_> = receipts.iter().map(payload).collect();
    let published = Published::new(&NETWORK, EPOCH, &leaves);
    assert_eq!(published.root(), Some(statement.args.receipts_root));
    assert_eq!(published.examine(&of, 8, &entries), None);
    let evidence = |entry: &Entry| Evidence::of(&entry.counts).map(|evidence| (evidence.served, evidence.attempts));
    assert_eq!(entries.each_ref().map(evidence), [Some((0, 4)), Some((4, 4))]);
}

#[tokio::test]
async fn an_endpoint_gets_one_request_at_a_time() {
    let (base, log) = serve().await;
    // Eight workloads of one operator behind one endpoint, all due within two seconds, 300 ms each.
    let target = |byte| Target { workload: Pubkey::new_from_array([byte; 32]), ..target(20_000) };
    let targets: Vec<_> = (30..38).map(target).collect();
    let clock = clock_at(START_TS * 1_000 - 10);
    let view = view(clock, schedule(2, 1), targets);
    let mut running = start(&settings(&base, "tracked"), Limits::default(), view);
    for _ in 0..8 {
        assert_eq!(next(&mut running).await.attempt.outcome(), Some(Outcome::Served));
    }
    assert_eq!(log.at_once.1.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_probe_that_cannot_be_sent_in_time_is_skipped() {
    let (base, log) = serve().await;
    // The first keeps the endpoint for longer than the second may wait.
    let first = Target { workload: Pubkey::new_from_array([30; 32]), ..target(6_000) };
    let second = Target { workload: Pubkey::new_from_array([31; 32]), ..first };
    let clock = clock_at(START_TS * 1_000 - 10);
    let view = view(clock, schedule(1, 1), vec![first, second]);
    let mut running =
        start(&settings(&base, "silent"), Limits { patience: Duration::from_secs(1), ..Limits::default() }, view);
    let receipt = next(&mut running).await;
    assert_eq!(receipt.attempt.outcome(), Some(Outcome::LatencyExceeded));
    running.stop.cancel();
    running.task.await.unwrap();
    assert_eq!(running.receipts.recv().await, None);
    assert_eq!((log.requests.lock().unwrap().len(), skipped(&running.metrics, "busy")), (1, 1));
}

#[tokio::test]
async fn what_was_due_while_the_process_stood_still_is_skipped() {
    let (base, log) = serve().await;
    let (schedule, target) = (schedule(3_600, 60), target(20_000));
    let all = probes(&schedule, &target);
    let before = clock_at(all[0].send_at_ms - 10_000);
    let mut running = start(&settings(&base, "good"), Limits::default(), view(before, schedule, vec![target]));
    tokio::time::sleep(Duration::from_millis(50)).await;
    // To just before the forty-first: forty are over, but one that was due less than five seconds ago is not.
    let now_ms = all[40].send_at_ms - 100;
    let late = all[..40].iter().filter(|probe| now_ms - probe.send_at_ms > 5_000).count();
    running.view.send_replace(view(clock_at(now_ms), schedule, vec![target]));
    let mut receipts = Vec::new();
    for _ in late..41 {
        receipts.push(next(&mut running).await);
    }
    let expected = all[late..41].iter().map(|probe| probe.request_id).collect::<BTreeSet<_>>();
    assert_eq!(ids(&receipts), expected);
    assert_eq!(skipped(&running.metrics, "late"), late as u64);
    assert_eq!(log.requests.lock().unwrap().len(), 41 - late);
}

#[tokio::test]
async fn the_next_epoch_and_a_new_slot_are_taken_up() {
    let (base, _) = serve().await;
    let old = target(20_000);
    let new = Target { workload: Pubkey::new_from_array([31; 32]), ..old };
    let schedule = schedule(1, 1);
    let mut running =
        start(&settings(&base, "good"), Limits::default(), view(clock_at(START_TS * 1_000 - 5), schedule, vec![old]));
    assert_eq!(next(&mut running).await.attempt.epoch, EPOCH);
    let following = Schedule { seed: [6; 32], start_ts: START_TS + 1, end_ts: START_TS + 2, probes: 1 };
    let epochs = [(EPOCH, schedule, vec![old]), (EPOCH + 1, following, vec![old, new])]
        .map(|(epoch, schedule, targets)| ProbedEpoch { epoch, schedule, targets });
    let clock = running.view.borrow().clock;
    running.view.send_replace(View { clock, epochs: Arc::new(epochs.to_vec()) });
    let two = [next(&mut running).await, next(&mut running).await];
    assert!(two.iter().all(|receipt| receipt.attempt.epoch == EPOCH + 1), "{two:?}");
    let workloads = two.map(|receipt| Pubkey::from(receipt.attempt.workload));
    assert_eq!(BTreeSet::from(workloads), BTreeSet::from([old.workload, new.workload]));
}

#[tokio::test]
async fn a_workload_may_have_an_endpoint_of_its_own_and_strangers_have_none() {
    let (base, _) = serve().await;
    let own = Target { workload: Pubkey::new_from_array([31; 32]), slot: 1, ..target(20_000) };
    let stranger = Target { operator: Pubkey::new_from_array([77; 32]), slot: 2, ..own };
    let mut settings = settings(&base, "good");
    let mut special = endpoint(OPERATOR, &format!("{base}/503/v1"));
    special.workload = Some(coverage_attester::probe::Address(own.workload));
    settings.endpoints.push(special);
    let view = view(clock_at(START_TS * 1_000 - 5), schedule(1, 1), vec![target(20_000), own, stranger]);
    let mut running = start(&settings, Limits::default(), view);
    let mut two = [next(&mut running).await.attempt, next(&mut running).await.attempt];
    two.sort_by_key(|attempt| attempt.slot);
    let found = two.map(|attempt| (attempt.slot, attempt.outcome()));
    assert_eq!(found, [(1, Some(Outcome::CapacityExhausted)), (SLOT, Some(Outcome::Served))]);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(running.receipts.try_recv().is_err(), "the stranger is not probed");
}

#[tokio::test]
async fn a_probe_under_way_is_finished_when_told_to_stop() {
    let (base, log) = serve().await;
    let (schedule, target) = (schedule(3_600, 60), target(20_000));
    let clock = clock_at(probes(&schedule, &target)[0].send_at_ms - 10);
    let mut running = start(&settings(&base, "tracked"), Limits::default(), view(clock, schedule, vec![target]));
    while log.requests.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.stop.cancel();
    assert_eq!(next(&mut running).await.attempt.outcome(), Some(Outcome::Served));
    running.task.await.unwrap();
}

#[tokio::test]
async fn a_probe_that_outlasts_its_epoch_still_counts_in_it() {
    let (base, _) = serve().await;
    let target = target(20_000);
    // An epoch of one second whose probe is sent in its last quarter, and answered after 300 ms.
    let schedule = (0..=255).map(|byte| Schedule { seed: [byte; 32], ..schedule(1, 1) });
    let is_last = |schedule: &Schedule| probes(schedule, &target)[0].send_at_ms > START_TS * 1_000 + 750;
    let schedule = schedule.into_iter().find(is_last).unwrap();
    let clock = clock_at(probes(&schedule, &target)[0].send_at_ms - 10);
    let mut running = start(&settings(&base, "tracked"), Limits::default(), view(clock, schedule, vec![target]));
    let attempt = next(&mut running).await.attempt;
    assert_eq!((attempt.outcome(), attempt.observed_at), (Some(Outcome::Served), START_TS));
    assert!(attempt.latency_ms >= 300 && clock.now_ms() > schedule.end_ts * 1_000);
    assert!(schedule.is_scheduled(&OPERATOR, &attempt));
}

/// What is wrong with these settings, in words.
fn refusal(settings: &ProbeSettings) -> String {
    let made = Prober::new(settings, NETWORK, key(), Limits::default(), ProbeMetrics::default());
    made.err().map(|error: ProbeError| error.to_string()).unwrap_or_default()
}

#[test]
fn bad_settings_say_what_to_do() {
    let good = settings("http://127.0.0.1:1", "good");
    assert_eq!(refusal(&good), "");
    let with = |change: &dyn Fn(&mut ProbeSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        refusal(&settings)
    };
    for count in [0, 1_441] {
        let expected =
            format!("probe.per_epoch is {count}: set it between 1 and 1440, the same for all attesters of the network");
        assert_eq!(with(&|settings| settings.per_epoch = count), expected);
    }
    let expected = "probe.max_tokens is 19: an answer takes about 20, set it between 20 and 4096";
    assert_eq!(with(&|settings| settings.max_tokens = 19), expected);
    for control in ["example.org", ":80", "example.org:http", "https://example.org"] {
        let expected = format!("the control \"{control}\" is not of the form host:port");
        assert_eq!(with(&|settings| settings.controls = vec![control.into()]), expected);
    }
    let twice = with(&|settings| settings.endpoints.push(settings.endpoints[0].clone()));
    assert_eq!(twice, format!("operator {OPERATOR} has two endpoints for all workloads: remove one of them"));
    let urls = [
        ("gpu.example/v1", "relative URL without a base"),
        ("ftp://gpu.example/v1", "its scheme is ftp"),
        ("https://me:secret@gpu.example/v1", "it has a user, a password or a query; secrets go into api_key_env"),
    ];
    for (url, reason) in urls {
        let expected = format!(
            "the endpoint \"{url}\" of operator {OPERATOR} is not a URL with http or https and a host: {reason}"
        );
        assert_eq!(with(&|settings| settings.endpoints[0].url = url.into()), expected);
    }
    let unset = with(&|settings| settings.endpoints[0].api_key_env = Some("COVERAGE_TEST_UNSET".into()));
    let expected = format!(
        "the environment variable COVERAGE_TEST_UNSET for the endpoint of operator {OPERATOR} is not set: set it or \
         remove api_key_env"
    );
    assert_eq!(unset, expected);
}

#[test]
fn settings_are_read_from_toml() {
    let text = format!(
        r#"
        per_epoch = 12
        transcripts = "/var/lib/coverage/transcripts"
        controls = ["rpc.example.org:443"]
        [[endpoints]]
        operator = "{OPERATOR}"
        url = "https://gpu.example/v1"
        model = "llama"
        [[endpoints]]
        operator = "{OPERATOR}"
        workload = "{WORKLOAD}"
        url = "https://gpu.example/v1"
        model = "qwen"
        api_key_env = "GPU_KEY"
        "#
    );
    let read = |text: &str| {
        use figment::providers::{Format, Toml};
        figment::Figment::from(Toml::string(text)).extract::<ProbeSettings>().map_err(|error| error.to_string())
    };
    let settings = read(&text).unwrap();
    assert_eq!((settings.per_epoch, settings.max_tokens, settings.endpoints.len()), (12, 64, 2));
    assert_eq!(settings.endpoints[1].workload.map(|address| address.0), Some(WORKLOAD));
    assert_eq!(read("").unwrap(), ProbeSettings::default());
    let wrong = read(&text.replace(&OPERATOR.to_string(), "me")).unwrap_err();
    let expected = "\"me\" is not an account's address: write it in base 58, as covctl prints it";
    assert!(wrong.starts_with(expected), "{wrong}");
    assert!(read("per_epochs = 3").unwrap_err().starts_with("unknown field: found `per_epochs`"));
}
