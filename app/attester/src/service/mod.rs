//! One attester: its parts, how they start and how they stop.

use crate::agreement::{self, Agreement, AgreementError, Outside, Parts};
use crate::directory::{Directory, Observer};
use crate::http::{Health, router};
use crate::intake::{Documents, Intake, Workers, lines, nats};
use crate::metrics::Metrics;
use crate::probe::{self, Limits, ProbeError, Prober};
use crate::publish::Publisher;
use crate::rules::Rules;
use crate::settings::Settings;
use crate::store::{AppliedBatch, Store, StoreError};
use coverage_client::rpc::{Rpc, Sender};
use coverage_math::receipt::Receipt;
use ed25519_dalek::SigningKey;
use solana_keypair::{Keypair, read_keypair_file};
use solana_program::pubkey::Pubkey;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Under what name the store notes whose receipts it has.
const NETWORK_NOTE: &str = "network";
/// Settled epochs whose receipts are kept: who was down for one still gets what it missed.
const EPOCHS_KEPT: u64 = 2;
/// How long to wait before the chain is asked again at the start.
const RPC_PAUSE: Duration = Duration::from_secs(2);
/// Receipts of probes that may wait to be taken.
const PROBES_WAITING: usize = 256;

/// Where receipts come from besides HTTP and what the settings say.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Standard input.
    pub stdin: bool,
    /// Files, which may grow.
    pub files: Vec<PathBuf>,
}

/// Why an attester does not start, or stopped.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// A keypair cannot be read.
    #[error("cannot read the keypair {path}: {reason}; make one with `solana-keygen new -o {path}`")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The store belongs to another network.
    #[error("the store in {path} has receipts of network {other}; give this attester a folder of its own")]
    OtherNetwork {
        /// The folder.
        path: PathBuf,
        /// The network.
        other: Pubkey,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The agreement cannot start.
    #[error(transparent)]
    Agreement(#[from] AgreementError),
    /// The settings of probes are wrong.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The address is taken, or not ours.
    #[error("cannot serve HTTP at {address}: {error}; set `listen` to an address that is free")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The machine has no room.
    #[error("the operating system refused: {0}")]
    System(#[from] io::Error),
}

/// Whose receipts are taken: what [`Rules`] need besides the chain.
#[derive(Clone)]
struct Accepted {
    reporters: Vec<Pubkey>,
    probes: u32,
}

impl Accepted {
    fn rules(&self, directory: &Directory) -> Rules {
        Rules::of(directory, &self.reporters, self.probes)
    }
}

/// What the agreement needs of the rest.
struct Rest {
    accepted: Accepted,
    publisher: Publisher,
    metrics: Metrics,
}

impl Outside for Rest {
    fn examine(&self, directory: &Directory, receipts: &[Receipt]) -> Vec<Result<(), String>> {
        let verdicts = self.accepted.rules(directory).check(receipts);
        verdicts.into_iter().map(|verdict| verdict.map_err(|refusal| refusal.to_string())).collect()
    }

    fn publish(&self, batch: &AppliedBatch, receipts: &[Receipt]) -> io::Result<()> {
        self.publisher.write(batch, receipts)?;
        self.metrics.batches_applied.inc();
        Ok(())
    }
}

/// Runs an attester until `stop` is cancelled, then finishes what was handed over.
///
/// # Errors
/// [`ServiceError`].
pub async fn run(settings: Settings, sources: Sources, stop: CancellationToken) -> Result<(), ServiceError> {
    let Some(ready) = Ready::prepare(settings, &stop).await? else { return Ok(()) };
    let running = ready.start(sources, &stop)?;
    tokio::select! {
        () = stop.cancelled() => tracing::info!("stopping: what was taken is being stored"),
        () = running.failed.cancelled() => tracing::error!("stopping: the store has failed"),
    }
    running.finish().await?;
    tracing::info!("stopped");
    Ok(())
}

/// An attester with everything it needs, of which nothing runs yet.
struct Ready {
    settings: Settings,
    network: Pubkey,
    key: SigningKey,
    payer: Keypair,
    prober: Option<Prober>,
    store: Store,
    listener: TcpListener,
    rpc: Rpc,
    observer: Observer,
    metrics: Metrics,
}

impl Ready {
    /// Takes hold of keys, store and address, and reads the chain; `None` if stopped before.
    async fn prepare(settings: Settings, stop: &CancellationToken) -> Result<Option<Self>, ServiceError> {
        let keypair = read_key(&settings.key)?;
        let key = SigningKey::from_bytes(keypair.secret_bytes());
        let payer = settings.payer.as_deref().map_or(Ok(keypair), read_key)?;
        let (network, metrics) = (settings.network.0, Metrics::default());
        let prober = || Prober::new(&settings.probe, network, key.clone(), Limits::default(), metrics.probes.clone());
        let prober = (!settings.probe.endpoints.is_empty()).then(prober).transpose()?;
        let store = open_store(&settings.data, network).await?;
        let listener = TcpListener::bind(settings.listen).await;
        let listener = listener.map_err(|error| ServiceError::Listen { address: settings.listen, error })?;
        let rpc = Rpc::new(settings.rpc_url.clone());
        let Some(observer) = observe(&rpc, network, stop).await else { return Ok(None) };
        tracing::info!(%network, attester = %Pubkey::from(key.verifying_key().to_bytes()), "the chain is read");
        Ok(Some(Self { settings, network, key, payer, prober, store, listener, rpc, observer, metrics }))
    }

    /// Starts all parts; those that take receipts end when `stop` is cancelled.
    fn start(self, sources: Sources, stop: &CancellationToken) -> Result<Running, ServiceError> {
        let Self { settings, network, key, payer, prober, store, listener, rpc, observer, metrics } = self;
        let (taking, rest, failed) = (stop.child_token(), CancellationToken::new(), CancellationToken::new());
        let reporters = settings.reporters.iter().map(|reporter| reporter.0).collect();
        let accepted = Accepted { reporters, probes: settings.probe.per_epoch };
        let (rules, current) = watch::channel(Arc::new(accepted.rules(&observer.last())));
        let (intake, workers) =
            Intake::start(store.clone(), &current, settings.queue_bytes, metrics.clone(), failed.clone())?;
        let publisher = Publisher::new(&settings.publish(), network);
        let outside = Rest { accepted: accepted.clone(), publisher: publisher.clone(), metrics: metrics.clone() };
        let agreement = Arc::new(Agreement::new(Parts {
            terms: settings.terms(),
            key: key.clone(),
            observer: observer.clone(),
            store: store.clone(),
            staged: settings.data.join("staged"),
            peers: settings.peers.iter().map(|(key, url)| (key.0.to_bytes(), url.clone())).collect(),
            outside: Arc::new(outside),
            sender: Sender::new(rpc.clone(), Arc::new(payer)),
            metrics: metrics.agreement.clone(),
        })?);
        let health = Health::new(observer.clone(), intake.clone(), metrics, store.clone(), failed.clone());
        let routes = router(health, publisher, settings.request_bytes, agreement::routes(Arc::clone(&agreement)));

        let (mut takers, mut others) = (JoinSet::new(), JoinSet::new());
        others.spawn(follow(observer.clone(), rules, accepted, store.clone(), rest.clone()));
        others.spawn({
            let (observer, rest, every) = (observer.clone(), rest.clone(), Duration::from_millis(settings.refresh_ms));
            async move { observer.run(every, rest).await }
        });
        others.spawn(agreement.run(rest.clone()));
        takers.spawn(serve(listener, routes, taking.clone()));
        take(&mut takers, &settings, sources, &intake, &store, &key, &taking);
        if let Some(prober) = prober {
            probe(&mut takers, prober, settings.probe.per_epoch, &rpc, &observer, intake, &taking);
        }
        Ok(Running { taking, takers, workers, rest, others, failed })
    }
}

/// A running attester. What takes receipts stops first, so that all they took is stored; the rest goes on until it is.
struct Running {
    taking: CancellationToken,
    takers: JoinSet<()>,
    workers: Workers,
    rest: CancellationToken,
    others: JoinSet<()>,
    /// Cancelled when the store has failed.
    failed: CancellationToken,
}

impl Running {
    async fn finish(mut self) -> Result<(), ServiceError> {
        self.taking.cancel();
        while self.takers.join_next().await.is_some() {}
        let workers = self.workers;
        let stored = tokio::task::spawn_blocking(|| workers.join()).await;
        self.rest.cancel();
        while self.others.join_next().await.is_some() {}
        stored.map_err(io::Error::other)??;
        Ok(())
    }
}

fn read_key(path: &Path) -> Result<Keypair, ServiceError> {
    read_keypair_file(path).map_err(|error| ServiceError::Key { path: path.to_owned(), reason: error.to_string() })
}

async fn open_store(folder: &Path, network: Pubkey) -> Result<Store, ServiceError> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join("store");
    let opening = path.clone();
    let store = tokio::task::spawn_blocking(move || Store::open(&opening)).await.map_err(io::Error::other)??;
    match store.note(NETWORK_NOTE)?.and_then(|note| Pubkey::try_from(note.as_slice()).ok()) {
        Some(other) if other != network => Err(ServiceError::OtherNetwork { path, other }),
        Some(_) => Ok(store),
        None => {
            store.set_note(NETWORK_NOTE, network.as_ref())?;
            Ok(store)
        }
    }
}

/// Reads the chain for the first time, as often as it takes; `None` if stopped before.
async fn observe(rpc: &Rpc, network: Pubkey, stop: &CancellationToken) -> Option<Observer> {
    loop {
        match Observer::open(rpc.clone(), network).await {
            Ok(observer) => return Some(observer),
            Err(error) => tracing::warn!(%error, again_in = ?RPC_PAUSE, "cannot read the chain yet"),
        }
        tokio::select! {
            () = stop.cancelled() => return None,
            () = tokio::time::sleep(RPC_PAUSE) => {}
        }
    }
}

/// Keeps the rules at what the chain says, and drops receipts that nobody needs any more.
async fn follow(
    observer: Observer,
    rules: watch::Sender<Arc<Rules>>,
    accepted: Accepted,
    store: Store,
    stop: CancellationToken,
) {
    let mut directories = observer.subscribe();
    let mut pruned = std::collections::BTreeMap::new();
    loop {
        let directory = Arc::clone(&directories.borrow_and_update());
        rules.send_replace(Arc::new(accepted.rules(&directory)));
        for (workload, cell) in &directory.workloads {
            let oldest = cell.epoch.saturating_sub(EPOCHS_KEPT);
            if pruned.insert(*workload, oldest) == Some(oldest) {
                continue;
            }
            let (store, workload) = (store.clone(), *workload);
            let done = tokio::task::spawn_blocking(move || store.prune(&workload, oldest)).await;
            if let Ok(Err(error)) = done {
                tracing::error!(%workload, %error, "cannot drop settled receipts");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = directories.changed() => if changed.is_err() { return },
        }
    }
}

async fn serve(listener: TcpListener, routes: axum::Router, stop: CancellationToken) {
    let stopped = async move { stop.cancelled().await };
    if let Err(error) = axum::serve(listener, routes).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "HTTP is served no more");
    }
}

/// Starts the sources of lines and NATS.
fn take(
    takers: &mut JoinSet<()>,
    settings: &Settings,
    sources: Sources,
    intake: &Intake,
    store: &Store,
    key: &SigningKey,
    stop: &CancellationToken,
) {
    if sources.stdin {
        let (intake, stop) = (intake.clone(), stop.clone());
        takers.spawn(async move {
            match lines::read_stdin(&intake, &stop).await {
                Ok(()) => tracing::info!("standard input has ended, and its receipts are stored"),
                Err(error) => tracing::error!(%error, "standard input is read no more"),
            }
        });
    }
    for path in sources.files {
        let (intake, store, stop) = (intake.clone(), store.clone(), stop.clone());
        takers.spawn(async move {
            if let Err(error) = lines::follow(&intake, &store, &path, &stop).await {
                tracing::error!(%error, "a file is read no more");
            }
        });
    }
    if let Some(nats) = settings.nats.clone() {
        let own = || format!("attester-{}", Pubkey::from(key.verifying_key().to_bytes()));
        let consumer = nats.consumer.clone().unwrap_or_else(own);
        takers.spawn(nats::run(nats, consumer, intake.clone(), stop.clone()));
    }
}

/// Starts the probes, whose receipts go the way of all others.
fn probe(
    takers: &mut JoinSet<()>,
    prober: Prober,
    per_epoch: u32,
    rpc: &Rpc,
    observer: &Observer,
    intake: Intake,
    stop: &CancellationToken,
) {
    let (view, seen) = watch::channel(probe::View::new(&observer.last(), &Default::default(), per_epoch));
    let (receipts, mut made) = mpsc::channel::<Receipt>(PROBES_WAITING);
    takers.spawn(probe::follow(rpc.clone(), observer.subscribe(), per_epoch, view, stop.clone()));
    takers.spawn(prober.run(seen, receipts, stop.clone()));
    takers.spawn(async move {
        while let Some(receipt) = made.recv().await {
            let Ok(room) = intake.room(size_of::<Receipt>()).await else { return };
            match intake.take(Documents::Made(vec![receipt]), room).await {
                Ok(verdicts) => drop(lines::report("probe", 0, &verdicts)),
                Err(error) => tracing::error!(%error, "a probe's receipt is lost"),
            }
        }
    });
}
