//! Receipts over a real NATS server, with workers that come and go.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod town;

use async_nats::jetstream::{self, stream};
use coverage_attester::store::Store;
use coverage_tests::Port;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use town::{Daemon, Town, metric};

/// A NATS server of its own, which ends with the test.
struct Nats(Child);

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(town: &Town, port: u16) -> Option<Nats> {
    let folder = town.folder.path().join("nats");
    let mut command = Command::new("nats-server");
    command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(folder);
    match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(child) => Some(Nats(child)),
        Err(error) => {
            eprintln!(
                "SKIPPED: the NATS test needs nats-server ({error}); install it with `apt-get install nats-server`"
            );
            None
        }
    }
}

/// A stream for receipts on a server that is starting.
async fn stream(url: &str) -> jetstream::Context {
    let client = async_nats::ConnectOptions::new().retry_on_initial_connect().connect(url).await.unwrap();
    let context = jetstream::new(client);
    let config = stream::Config { name: "RECEIPTS".into(), subjects: vec!["receipts".into()], ..Default::default() };
    let begun = Instant::now();
    while let Err(error) = context.get_or_create_stream(config.clone()).await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    context
}

/// Waits until every message is acknowledged.
async fn until_empty(context: &jetstream::Context, consumer: &str) {
    let begun = Instant::now();
    loop {
        let pending = match context.get_stream("RECEIPTS").await {
            Ok(stream) => {
                stream.consumer_info(consumer).await.ok().map(|info| info.num_pending + info.num_ack_pending as u64)
            }
            Err(_) => None,
        };
        if pending == Some(0) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{pending:?} messages are left");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_acknowledged_once_stored_through_kills_of_worker_and_server() {
    let town = Town::new();
    let port = Port::new();
    let Some(server) = serve(&town, port.number()) else { return };
    let url = format!("nats://{}", port.address());
    let context = stream(&url).await;
    let settings = town.settings(&format!("nats = {{ url = \"{url}\", stream = \"RECEIPTS\", consumer = \"one\" }}"));
    let mut daemon = Daemon::start(&settings, &[]);
    daemon.until_healthy().await;
    let receipts = town.receipts(3_000);
    for (number, receipt) in receipts.iter().enumerate() {
        context.publish("receipts", town::lines(&[*receipt]).into()).await.unwrap().await.unwrap();
        if number == 1_000 {
            daemon.kill();
            daemon = Daemon::start(&settings, &[]);
        }
    }
    context.publish("receipts", "no receipt".into()).await.unwrap().await.unwrap();
    drop(server);
    let _server = serve(&town, port.number()).unwrap();
    until_empty(&context, "one").await;
    assert_eq!(daemon.terminate(), Some(0));
    let store = Store::open(&town.folder.path().join("data/store")).unwrap();
    let mut expected = receipts;
    coverage_client::batch::sort(&mut expected);
    assert_eq!(store.pending(&town.workload, 0, usize::MAX).unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_a_consumer_with_their_attester_and_nothing_is_lost_when_they_die() {
    let town = Town::new();
    let port = Port::new();
    let Some(_server) = serve(&town, port.number()) else { return };
    let url = format!("nats://{}", port.address());
    let context = stream(&url).await;
    // Workers use their attester's consumer unless told otherwise.
    let nats = format!("nats = {{ url = \"{url}\", stream = \"RECEIPTS\" }}");
    let settings = town.settings(&format!("{}\n{nats}", Town::workers(2)));
    let mut attester = Daemon::start(&settings, &[]);
    attester.until_healthy().await;
    let ports = [Port::new(), Port::new()];
    let configs = [0, 1].map(|number| town.worker_settings(number, &ports[usize::from(number)], &nats));
    let mut workers = [0, 1].map(|number| Daemon::start(&configs[number], &[]));
    for worker in &mut workers {
        worker.until_healthy().await;
    }
    let receipts = town.receipts(3_000);
    for (number, receipt) in receipts.iter().enumerate() {
        context.publish("receipts", town::lines(&[*receipt]).into()).await.unwrap().await.unwrap();
        if number == 1_000 {
            for worker in &workers {
                let worked = metric(&worker.url, "coverage_attester_receipts_judged_total ").await;
                assert!(worked > 100, "{worked} of a thousand came to this worker");
            }
            workers[0].kill();
        }
        if number == 1_500 {
            attester.kill();
        }
        if number == 2_000 {
            attester = Daemon::start(&settings, &[]);
            attester.until_healthy().await;
        }
    }
    until_empty(&context, &format!("attester-{}", town.key)).await;
    let [_, worker] = workers;
    assert_eq!(worker.terminate(), Some(0));
    assert_eq!(attester.terminate(), Some(0));
    let store = Store::open(&town.folder.path().join("data/store")).unwrap();
    let mut expected = receipts;
    coverage_client::batch::sort(&mut expected);
    assert_eq!(store.pending(&town.workload, 0, usize::MAX).unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn attesters_that_name_one_consumer_share_its_messages() {
    let town = Town::new();
    let port = Port::new();
    let Some(_server) = serve(&town, port.number()) else { return };
    let url = format!("nats://{}", port.address());
    let context = stream(&url).await;
    let nats = format!("nats = {{ url = \"{url}\", stream = \"RECEIPTS\", consumer = \"shared\" }}");
    let second = Port::new();
    let other = town.worker_settings(0, &second, &nats);
    let text = std::fs::read_to_string(&other).unwrap();
    let own = text.lines().filter(|line| !line.starts_with("works_for")).collect::<Vec<_>>().join("\n");
    std::fs::write(&other, own).unwrap();
    let mut attesters = [town.settings(&nats), other].map(|settings| Daemon::start(&settings, &[]));
    for attester in &mut attesters {
        attester.until_healthy().await;
    }
    let receipts = town.receipts(400);
    for receipt in &receipts {
        context.publish("receipts", town::lines(&[*receipt]).into()).await.unwrap().await.unwrap();
    }
    until_empty(&context, "shared").await;
    for attester in attesters {
        assert_eq!(attester.terminate(), Some(0));
    }
    let stored = ["data/store", "worker-0/data/store"].map(|store| {
        let store = Store::open(&town.folder.path().join(store)).unwrap();
        store.pending(&town.workload, 0, usize::MAX).unwrap()
    });
    assert!(stored.iter().all(|stored| stored.len() > 100), "{} and {}", stored[0].len(), stored[1].len());
    let (mut all, mut expected) = (stored.concat(), receipts);
    coverage_client::batch::sort(&mut all);
    coverage_client::batch::sort(&mut expected);
    assert_eq!(all, expected, "each is with one of them");
}
