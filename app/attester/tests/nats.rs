//! Receipts over a real NATS server, with workers that come and go.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod town;

use async_nats::jetstream::{self, stream};
use coverage_attester::store::Store;
use coverage_math::receipt::Receipt;
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

/// A server, its URL, and a stream for receipts on it; `None` where no server is installed.
async fn open(town: &Town, port: &Port) -> Option<(Nats, String, jetstream::Context)> {
    let server = serve(town, port.number())?;
    let url = format!("nats://{}", port.address());
    let client = async_nats::ConnectOptions::new().retry_on_initial_connect().connect(&url).await.unwrap();
    let context = jetstream::new(client);
    let config = stream::Config { name: "RECEIPTS".into(), subjects: vec!["receipts".into()], ..Default::default() };
    let begun = Instant::now();
    while let Err(error) = context.get_or_create_stream(config.clone()).await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Some((server, url, context))
}

async fn publish(context: &jetstream::Context, text: String) {
    context.publish("receipts", text.into()).await.unwrap().await.unwrap();
}

/// What waits in the store of an attester that has stopped.
fn stored(town: &Town, store: &str) -> Vec<Receipt> {
    let store = Store::open(&town.folder.path().join(store)).unwrap();
    store.pending(&town.workload, 0, usize::MAX).unwrap()
}

fn sorted(mut receipts: Vec<Receipt>) -> Vec<Receipt> {
    coverage_client::batch::sort(&mut receipts);
    receipts
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
    let Some((server, url, context)) = open(&town, &port).await else { return };
    let settings = town.settings(&format!("nats = {{ url = \"{url}\", stream = \"RECEIPTS\", consumer = \"one\" }}"));
    let mut daemon = Daemon::start(&settings, &[]);
    daemon.until_healthy().await;
    let receipts = town.receipts(3_000);
    for (number, receipt) in receipts.iter().enumerate() {
        publish(&context, town::lines(&[*receipt])).await;
        if number == 1_000 {
            daemon.kill();
            daemon = Daemon::start(&settings, &[]);
        }
    }
    publish(&context, "no receipt".to_owned()).await;
    drop(server);
    let _server = serve(&town, port.number()).unwrap();
    until_empty(&context, "one").await;
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(stored(&town, "data/store"), sorted(receipts));
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_a_consumer_with_their_attester_and_nothing_is_lost_when_they_die() {
    let town = Town::new();
    let port = Port::new();
    let Some((_server, url, context)) = open(&town, &port).await else { return };
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
        publish(&context, town::lines(&[*receipt])).await;
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
    assert_eq!(stored(&town, "data/store"), sorted(receipts));
}

#[tokio::test(flavor = "multi_thread")]
async fn attesters_that_name_one_consumer_share_its_messages() {
    let town = Town::new();
    let port = Port::new();
    let Some((_server, url, context)) = open(&town, &port).await else { return };
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
        publish(&context, town::lines(&[*receipt])).await;
    }
    until_empty(&context, "shared").await;
    for attester in attesters {
        assert_eq!(attester.terminate(), Some(0));
    }
    let each = ["data/store", "worker-0/data/store"].map(|store| stored(&town, store));
    assert!(each.iter().all(|stored| stored.len() > 100), "{} and {}", each[0].len(), each[1].len());
    assert_eq!(sorted(each.concat()), sorted(receipts), "each is with one of them");
}
