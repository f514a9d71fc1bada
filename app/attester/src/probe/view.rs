//! What the schedule is computed from, out of what the chain says.

use super::schedule::Schedule;
use crate::directory::Directory;
use coverage_client::program::state::Workload;
use coverage_client::rpc::Rpc;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The chain's time, going on between two readings by this machine's monotonic clock: its wall clock may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainClock {
    /// Unix milliseconds it showed.
    pub read_ms: i64,
    /// When it did.
    pub read_at: Instant,
}

impl ChainClock {
    /// Unix milliseconds it shows now. The cluster counts in seconds, and tells it when they are over: it is up to a second
    /// and the age of its last block late.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let since = u64::try_from(self.read_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.read_ms.saturating_add_unsigned(since)
    }
}

/// A slot that is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The workload's account.
    pub workload: Pubkey,
    /// The operator's account.
    pub operator: Pubkey,
    /// Its slot in the workload's cell.
    pub slot: u16,
    /// The workload's latency objective, in milliseconds.
    pub objective_ms: u32,
}

/// An epoch with all that is probed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbedEpoch {
    /// Its number.
    pub epoch: u64,
    /// When whom.
    pub schedule: Schedule,
    /// Whom.
    pub targets: Vec<Target>,
}

/// Everything that probing depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The time.
    pub clock: ChainClock,
    /// Epochs that are not over.
    pub epochs: Arc<Vec<ProbedEpoch>>,
}

impl View {
    /// What a directory says, with the workloads' latency objectives, for `probes` of each slot in an epoch. Workloads without
    /// an objective are left out.
    #[must_use]
    pub fn new(directory: &Directory, objectives: &BTreeMap<Pubkey, u32>, probes: u32) -> Self {
        let clock = ChainClock { read_ms: directory.now.saturating_mul(1_000), read_at: directory.read_at };
        let unfinished = directory.epochs.iter().filter(|(_, window)| window.end_ts > directory.now);
        let probed = unfinished.map(|(epoch, window)| ProbedEpoch {
            epoch: *epoch,
            schedule: Schedule { seed: window.seed, start_ts: window.start_ts, end_ts: window.end_ts, probes },
            targets: targets(directory, objectives, *epoch),
        });
        Self { clock, epochs: Arc::new(probed.collect()) }
    }
}

/// The slots that count in an epoch, of all cells, whichever epoch those have in hand.
fn targets(directory: &Directory, objectives: &BTreeMap<Pubkey, u32>, epoch: u64) -> Vec<Target> {
    let known = directory.workloads.iter().filter_map(|(at, cell)| Some((at, cell, *objectives.get(at)?)));
    let slots = known.flat_map(|(workload, cell, objective_ms)| {
        let counting = (0..).zip(&cell.slots).filter(|(_, slot)| slot.counts_in(epoch));
        counting.map(move |(number, slot)| Target {
            workload: *workload,
            operator: Pubkey::from(slot.operator),
            slot: number,
            objective_ms,
        })
    });
    slots.collect()
}

/// Keeps a view up to date with the directory until told to stop.
pub async fn follow(
    rpc: Rpc,
    mut directory: watch::Receiver<Arc<Directory>>,
    probes: u32,
    view: watch::Sender<View>,
    stop: CancellationToken,
) {
    // A workload's objective never changes, so each is read once.
    let mut objectives = BTreeMap::new();
    loop {
        let last = Arc::clone(&directory.borrow_and_update());
        for workload in last.workloads.keys() {
            if objectives.contains_key(workload) {
                continue;
            }
            match rpc.header::<Workload>(workload).await {
                Ok(account) => drop(objectives.insert(*workload, account.latency_ms)),
                Err(error) => tracing::warn!(%workload, %error, "not probed until its workload is read"),
            }
        }
        view.send_replace(View::new(&last, &objectives, probes));
        tokio::select! {
            () = stop.cancelled() => return,
            changed = directory.changed() => if changed.is_err() { return },
        }
    }
}
