//! One attester, or a worker of one: its parts, how they start and how they stop.

mod sources;

pub use sources::Sources;

use crate::agreement::peers::Peers;
use crate::agreement::{self, Agreement, AgreementError, Outside, Parts};
use crate::directory::{Directory, Observer};
use crate::http::{Health, router};
use crate::intake::handover::{self, Handover, HandoverError};
use crate::intake::{Intake, Threads, Verdict, keep_in};
use crate::metrics::Metrics;
use crate::probe::{Limits, ProbeError, Prober};
use crate::publish::{self, Publisher};
use crate::rules::Rules;
use crate::settings::Settings;
use crate::store::{AppliedBatch, Store, StoreError};
use axum::Router;
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
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Under what name the store notes whose receipts it has.
const NETWORK_NOTE: &str = "network";
/// Settled epochs whose receipts are kept: who was down for one still gets what it missed.
const EPOCHS_KEPT: u64 = 2;
/// How long to wait before the chain is asked again at the start.
const RPC_PAUSE: Duration = Duration::from_secs(2);

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
    /// A worker had to stop before its attester had taken everything.
    #[error(transparent)]
    Handover(#[from] HandoverError),
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

/// What all parts share.
struct Shared {
    settings: Settings,
    network: Pubkey,
    key: SigningKey,
    store: Store,
    rpc: Rpc,
    observer: Observer,
    metrics: Metrics,
}

/// What is done with receipts that have passed.
#[expect(clippy::large_enum_variant, reason = "there is one, for a moment")]
enum Role {
    /// They are stored, and batches of them agreed on; others come from probes.
    Attester { payer: Keypair, prober: Option<Prober> },
    /// They are handed to an attester.
    Worker(Handover),
}

/// Everything that is needed, of which nothing runs yet.
struct Ready {
    shared: Shared,
    role: Role,
    listener: TcpListener,
}

impl Ready {
    /// Takes hold of keys, store and address, and reads the chain; `None` if stopped before.
    async fn prepare(settings: Settings, stop: &CancellationToken) -> Result<Option<Self>, ServiceError> {
        let keypair = read_key(&settings.key)?;
        let key = SigningKey::from_bytes(keypair.secret_bytes());
        let (network, metrics) = (settings.network.0, Metrics::default());
        let role = match settings.works_for {
            Some(attester) => Role::Worker(Handover::new(peers(&settings, &key)?, attester.0.to_bytes(), stop.clone())),
            None => {
                let payer = settings.payer.as_deref().map_or(Ok(keypair), read_key)?;
                let (probe, metrics) = (&settings.probe, metrics.probes.clone());
                let prober = || Prober::new(probe, network, key.clone(), Limits::default(), metrics);
                Role::Attester { payer, prober: (!probe.endpoints.is_empty()).then(prober).transpose()? }
            }
        };
        let store = open_store(&settings.data, network).await?;
        let listener = TcpListener::bind(settings.listen).await;
        let listener = listener.map_err(|error| ServiceError::Listen { address: settings.listen, error })?;
        let rpc = Rpc::new(settings.rpc_url.clone());
        let Some(observer) = observe(&rpc, network, stop).await else { return Ok(None) };
        tracing::info!(%network, key = %Pubkey::from(key.verifying_key().to_bytes()), "the chain is read");
        let shared = Shared { settings, network, key, store, rpc, observer, metrics };
        Ok(Some(Self { shared, role, listener }))
    }

    /// Starts all parts; those that take receipts end when `stop` is cancelled.
    fn start(self, sources: Sources, stop: &CancellationToken) -> Result<Running, ServiceError> {
        let Self { shared, role, listener } = self;
        let (taking, rest, failed) = (stop.child_token(), CancellationToken::new(), CancellationToken::new());
        let Shared { settings, store, observer, metrics, .. } = &shared;
        let reporters = settings.reporters.iter().map(|reporter| reporter.0).collect();
        let accepted = Accepted { reporters, probes: settings.probe.per_epoch };
        let (rules, current) = watch::channel(Arc::new(accepted.rules(&observer.last())));
        let (keep, attester) = match role {
            Role::Attester { payer, prober } => (store_in(store), Some((payer, prober))),
            Role::Worker(handover) => (hand_to(handover), None),
        };
        let (intake, threads) = Intake::start(keep, &current, settings.queue_bytes, metrics.clone(), failed.clone())?;

        let (mut takers, mut others) = (JoinSet::new(), JoinSet::new());
        others.spawn(follow(observer.clone(), rules, accepted.clone(), store.clone(), rest.clone()));
        others.spawn({
            let (observer, rest, every) = (observer.clone(), rest.clone(), Duration::from_millis(settings.refresh_ms));
            async move { observer.run(every, rest).await }
        });
        let health = Health::new(observer.clone(), intake.clone(), metrics.clone(), store.clone(), failed.clone());
        let mut routes = router(health, settings.request_bytes);
        sources::take(&mut takers, &shared, sources, &intake, &taking);
        if let Some((payer, prober)) = attester {
            let publisher = Publisher::new(&settings.publish(), shared.network, shared.public());
            let agreement = shared.agreement(payer, accepted, publisher.clone())?;
            others.spawn(Arc::clone(&agreement).run(rest.clone()));
            routes = routes.merge(agreement::routes(agreement)).merge(publish::routes(publisher, store.clone()));
            routes = routes.merge(shared.reception(&intake));
            if let Some(prober) = prober {
                sources::probe(&mut takers, &shared, prober, intake, &taking);
            }
        }
        takers.spawn(serve(listener, routes, taking.clone()));
        Ok(Running { taking, takers, threads, rest, others, failed })
    }
}

impl Shared {
    fn public(&self) -> Pubkey {
        self.key.verifying_key().to_bytes().into()
    }

    fn agreement(
        &self,
        payer: Keypair,
        accepted: Accepted,
        publisher: Publisher,
    ) -> Result<Arc<Agreement>, AgreementError> {
        let outside = Rest { accepted, publisher, metrics: self.metrics.clone() };
        Ok(Arc::new(Agreement::new(Parts {
            terms: self.settings.terms(),
            key: self.key.clone(),
            observer: self.observer.clone(),
            store: self.store.clone(),
            staged: self.settings.data.join("staged"),
            peers: peers(&self.settings, &self.key)?,
            outside: Arc::new(outside),
            sender: Sender::new(self.rpc.clone(), Arc::new(payer)),
            metrics: self.metrics.agreement.clone(),
        })?))
    }

    /// The route of workers.
    fn reception(&self, intake: &Intake) -> Router {
        let workers = self.settings.workers.iter().map(|worker| worker.0.to_bytes()).collect();
        handover::routes(intake.clone(), self.network, self.public().to_bytes(), workers)
    }
}

/// All parts, running. What takes receipts stops first, so that all they took is stored; the rest goes on until it is.
struct Running {
    taking: CancellationToken,
    takers: JoinSet<()>,
    threads: Threads<ServiceError>,
    rest: CancellationToken,
    others: JoinSet<()>,
    /// Cancelled when the store has failed.
    failed: CancellationToken,
}

impl Running {
    async fn finish(mut self) -> Result<(), ServiceError> {
        self.taking.cancel();
        while self.takers.join_next().await.is_some() {}
        let threads = self.threads;
        let stored = tokio::task::spawn_blocking(|| threads.join()).await;
        self.rest.cancel();
        while self.others.join_next().await.is_some() {}
        stored.map_err(io::Error::other)??;
        Ok(())
    }
}

type Keep = Box<dyn FnMut(&[Receipt]) -> Result<Vec<Verdict>, ServiceError> + Send>;

fn store_in(store: &Store) -> Keep {
    let mut keep = keep_in(store.clone());
    Box::new(move |receipts| Ok(keep(receipts)?))
}

fn hand_to(handover: Handover) -> Keep {
    Box::new(move |receipts| Ok(handover.keep(receipts)?))
}

fn peers(settings: &Settings, key: &SigningKey) -> Result<Peers, AgreementError> {
    let urls = settings.peers.iter().map(|(key, url)| (key.0.to_bytes(), url.clone())).collect();
    Ok(Peers::new(settings.network.0, key.clone(), urls)?)
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
