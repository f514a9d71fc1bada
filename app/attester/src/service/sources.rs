//! Where receipts come from besides HTTP.

use super::Shared;
use crate::intake::{Documents, Intake, lines, nats};
use crate::probe::{self, Prober};
use coverage_math::receipt::Receipt;
use std::path::PathBuf;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

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

/// Starts the sources of lines and NATS.
pub(super) fn take(
    takers: &mut JoinSet<()>,
    shared: &Shared,
    sources: Sources,
    intake: &Intake,
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
        let (intake, store, stop) = (intake.clone(), shared.store.clone(), stop.clone());
        takers.spawn(async move {
            if let Err(error) = lines::follow(&intake, &store, &path, &stop).await {
                tracing::error!(%error, "a file is read no more");
            }
        });
    }
    if let Some(nats) = shared.settings.nats.clone() {
        let attester = shared.settings.works_for.map_or_else(|| shared.public(), |attester| attester.0);
        let consumer = nats.consumer.clone().unwrap_or_else(|| format!("attester-{attester}"));
        takers.spawn(nats::run(nats, consumer, intake.clone(), stop.clone()));
    }
}

/// Starts the probes, whose receipts go the way of all others.
pub(super) fn probe(
    takers: &mut JoinSet<()>,
    shared: &Shared,
    prober: Prober,
    intake: Intake,
    stop: &CancellationToken,
) {
    let (observer, per_epoch) = (&shared.observer, shared.settings.probe.per_epoch);
    let (view, seen) = watch::channel(probe::View::new(&observer.last(), &Default::default(), per_epoch));
    let (receipts, mut made) = mpsc::channel::<Receipt>(PROBES_WAITING);
    takers.spawn(probe::follow(shared.rpc.clone(), observer.subscribe(), per_epoch, view, stop.clone()));
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
