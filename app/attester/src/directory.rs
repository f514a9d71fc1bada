//! What the chain says, as far as an attester needs it: who attests, which epochs there are, where every cell stands.
//!
//! One [`Observer`] reads it every few seconds; everybody else looks at its last [`Directory`], which never changes under them
//! and knows how old it is. What must not be wrong (signing, submitting) asks for one that is fresh.

use coverage_client::math::cell::Slot;
use coverage_client::program::constants::PAUSE_ATTEST;
use coverage_client::program::state::{BATCH_REMOVED, BatchRecord, Cell, Committee, Epoch, Network, Phase, Workload};
use coverage_client::rpc::Rpc;
use coverage_client::{ClientError, accounts, pda};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::mem::offset_of;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the chain said at one moment.
#[derive(Clone)]
pub struct Directory {
    /// The network.
    pub network: Pubkey,
    /// The cluster's time, in unix seconds.
    pub now: i64,
    /// When this was read, by the clock of this machine.
    pub read_at: Instant,
    /// The committee's generation.
    pub generation: u64,
    /// The committee's members, by place: without those that lost their weight.
    pub members: Vec<Member>,
    /// Weight that endorsements must exceed in the epochs opened from now on, in ten-thousandths of all there is; each epoch
    /// has its own ([`EpochWindow::quorum_bps`]).
    pub quorum_bps: u16,
    /// Whether the guardian has paused attesting.
    pub paused: bool,
    /// Epochs that are not closed, by number.
    pub epochs: BTreeMap<u64, EpochWindow>,
    /// Workloads by address, with their cells: without those whose cell is closed.
    pub workloads: BTreeMap<Pubkey, CellView>,
    committee: Committee,
}

/// A member of the committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its place.
    pub place: u8,
    /// Its Ed25519 key.
    pub key: [u8; 32],
    /// What its endorsement weighs: nothing as long as its bond is below the network's minimum.
    pub weight: u64,
}

/// An epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochWindow {
    /// First second.
    pub start_ts: i64,
    /// First second after it.
    pub end_ts: i64,
    /// How long after its end its cells are not sealed, in seconds.
    pub grace_seconds: u64,
    /// How long after sealing its batches may be challenged, in seconds.
    pub challenge_seconds: u64,
    /// Randomness nobody knew before the epoch opened.
    pub seed: [u8; 32],
    /// Weight that endorsements must exceed, in ten-thousandths of all there is.
    pub quorum_bps: u16,
    /// The smallest bond with which an endorsement counts, in token units.
    pub min_attester_bond: u64,
}

/// A workload's cell.
#[derive(Clone)]
pub struct CellView {
    /// The epoch in hand.
    pub epoch: u64,
    /// Whether it takes batches: it is not sealed, and the workload not retired.
    pub collecting: bool,
    /// Batches applied in the epoch in hand: the next batch's sequence number.
    pub batches: u64,
    /// Its slots.
    pub slots: Vec<Slot>,
    /// The batches of the epoch in hand, by sequence number.
    pub log: Vec<BatchRecord>,
}

impl CellView {
    /// Whether a receipt of the epoch in hand may be for this slot.
    #[must_use]
    pub fn counts(&self, slot: u16) -> bool {
        self.slots.get(usize::from(slot)).is_some_and(|slot| slot.counts_in(self.epoch))
    }
}

/// Whether a batch was proven false and does not count.
#[must_use]
pub const fn is_removed(record: &BatchRecord) -> bool {
    record.flags & BATCH_REMOVED != 0
}

impl Directory {
    /// Reads it.
    ///
    /// # Errors
    /// [`ClientError::Missing`] if there is no such network; [`ClientError::Rpc`] if the cluster does not answer.
    pub async fn fetch(rpc: &Rpc, network: &Pubkey) -> Result<Self, ClientError> {
        let read_at = Instant::now(); // what is read is at least as new
        let account = rpc.header::<Network>(network).await?;
        let committee = rpc.header::<Committee>(&pda::committee(network)).await?;
        let mut epochs = BTreeMap::new();
        for (at, account) in rpc.all_of::<Epoch>(network, offset_of!(Epoch, network)).await? {
            let epoch = accounts::header::<Epoch>(&at, &account.data)?;
            epochs.insert(epoch.index, EpochWindow::from(&epoch));
        }
        let mut workloads = Vec::new();
        for (at, account) in rpc.all_of::<Workload>(network, offset_of!(Workload, network)).await? {
            workloads.push((at, accounts::header::<Workload>(&at, &account.data)?));
        }
        let now = rpc.now().await?;
        Ok(Self {
            network: *network,
            now,
            read_at,
            generation: committee.generation,
            members: members(&committee, account.config.min_attester_bond),
            quorum_bps: account.config.quorum_bps,
            paused: account.require_running(PAUSE_ATTEST, now).is_err(),
            epochs,
            workloads: cells(rpc, &workloads).await?,
            committee,
        })
    }

    /// How long ago it was read.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.read_at.elapsed()
    }

    /// The member with this key, if it has weight.
    #[must_use]
    pub fn member(&self, key: &[u8; 32]) -> Option<&Member> {
        self.members.iter().find(|member| member.key == *key && member.weight > 0)
    }

    /// Whether the members with these keys have more weight than the quorum of an epoch, counted as the program does.
    #[must_use]
    pub fn exceeds_quorum<'a>(&self, epoch: u64, endorsers: impl IntoIterator<Item = &'a [u8; 32]>) -> bool {
        let Some(window) = self.epochs.get(&epoch) else {
            return false;
        };
        let bits = endorsers.into_iter().filter_map(|key| self.committee.find(&(*key).into()));
        let bits = bits.fold(0, |all, bit| all | bit);
        self.committee.exceeds_quorum(bits, window.min_attester_bond, window.quorum_bps)
    }
}

impl From<&Epoch> for EpochWindow {
    fn from(epoch: &Epoch) -> Self {
        Self {
            start_ts: epoch.start_ts,
            end_ts: epoch.end_ts,
            grace_seconds: epoch.config.grace_seconds,
            challenge_seconds: epoch.config.challenge_seconds,
            seed: epoch.seed,
            quorum_bps: epoch.config.quorum_bps,
            min_attester_bond: epoch.config.min_attester_bond,
        }
    }
}

fn members(committee: &Committee, min_attester_bond: u64) -> Vec<Member> {
    let places = (0..).zip(committee.places()).filter(|(_, attester)| attester.weight > 0);
    let member = |(place, attester): (u8, &coverage_client::program::state::Attester)| Member {
        place,
        key: attester.key.to_bytes(),
        weight: if attester.bond.active() >= min_attester_bond { attester.weight } else { 0 },
    };
    places.map(member).collect()
}

/// The cells of workloads with their logs, each cell read at the same moment as its log.
async fn cells(rpc: &Rpc, workloads: &[(Pubkey, Workload)]) -> Result<BTreeMap<Pubkey, CellView>, ClientError> {
    let addresses: Vec<_> = workloads.iter().flat_map(|(at, _)| [pda::cell(at), pda::log(at)]).collect();
    let found = rpc.accounts(&addresses).await?;
    let mut views = BTreeMap::new();
    for (((at, workload), pair), places) in workloads.iter().zip(found.chunks(2)).zip(addresses.chunks(2)) {
        let ([Some(cell), Some(log)], [cell_at, log_at]) = (pair, places) else { continue };
        let (cell, slots) = accounts::cell(cell_at, &cell.data)?;
        let (log, records) = accounts::log(log_at, &log.data)?;
        let view = CellView {
            epoch: cell.epoch,
            collecting: collects(&cell, workload),
            batches: cell.batches,
            slots,
            // The log of an epoch stays until the next one's first batch.
            log: if log.epoch == cell.epoch { records } else { Vec::new() },
        };
        views.insert(*at, view);
    }
    Ok(views)
}

fn collects(cell: &Cell, workload: &Workload) -> bool {
    cell.phase == Phase::Collecting as u8 && !workload.is_over(cell.epoch)
}

/// Reads the chain again and again, for all who want to know. Clones share what was read.
#[derive(Clone)]
pub struct Observer {
    rpc: Rpc,
    network: Pubkey,
    last: watch::Sender<Arc<Directory>>,
    /// One reading at a time: who waits for it takes what it brings.
    reading: Arc<tokio::sync::Mutex<()>>,
}

impl Observer {
    /// Reads a network for the first time.
    ///
    /// # Errors
    /// As [`Directory::fetch`].
    pub async fn open(rpc: Rpc, network: Pubkey) -> Result<Self, ClientError> {
        let first = Directory::fetch(&rpc, &network).await?;
        let last = watch::Sender::new(Arc::new(first));
        Ok(Self { rpc, network, last, reading: Arc::default() })
    }

    /// What was read last.
    #[must_use]
    pub fn last(&self) -> Arc<Directory> {
        Arc::clone(&self.last.borrow())
    }

    /// Tells of everything read from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Directory>> {
        self.last.subscribe()
    }

    /// What was read at most `age` ago: the last, or a new one.
    ///
    /// # Errors
    /// As [`Directory::fetch`]; the last one stays what it is then.
    pub async fn within(&self, age: Duration) -> Result<Arc<Directory>, ClientError> {
        // Asked before waiting for the turn, so that many who ask at once cost one reading.
        let asked = Instant::now();
        let enough = |last: &Directory| last.read_at + age >= asked;
        if enough(&self.last.borrow()) {
            return Ok(self.last());
        }
        let _turn = self.reading.lock().await;
        if enough(&self.last.borrow()) {
            return Ok(self.last());
        }
        let new = Arc::new(Directory::fetch(&self.rpc, &self.network).await?);
        self.last.send_replace(Arc::clone(&new));
        Ok(new)
    }

    /// Reads every `interval` until told to stop. A cluster that does not answer is asked again.
    pub async fn run(&self, interval: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.within(Duration::ZERO).await {
                tracing::warn!(%error, age = ?self.last().age(), "cannot read the chain");
            }
        }
    }
}
