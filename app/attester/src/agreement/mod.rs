//! How attesters come to sign the same batch, with nobody in charge.
//!
//! # A round
//! For every cell, a member's turn comes in an order drawn anew for each batch ([`schedule`]). If a batch is due, the
//! member first asks the others what waits with them (`pull.rs`), cuts it from all that waits in its store then, signs it,
//! and sends it to the others: root, counts, and for each receipt slot, outcome, request and leaf hash. A peer looks up
//! each in its own store, fetches what it lacks (which passes the checks that anybody's receipt has to pass), rebuilds the
//! batch from its own store, and signs the digest of what *it* rebuilt. With signatures of more than the quorum, the
//! proposer submits ([`crate::submit`]). A member that is down, slow or lying costs the others its turn: nothing depends on
//! who proposes, and whoever holds receipts that others lack has them asked for by whoever's turn it is, or spreads them by
//! proposing. When the epoch is over, the others are asked in every turn, whatever waits here, until nothing waits anywhere
//! or the grace is over.
//!
//! # Two receipts of one request
//! Two reporters of a request may differ, and attesters may hear them in different order. While it waits, the receipt with the
//! smaller hash goes before the other, everywhere. A peer whose own goes before the proposer's objects and shows it; the
//! proposer stores it and proposes anew; a peer whose own goes after takes the proposer's. So all converge, whatever came first.
//!
//! # Why no honest signature is ever slashed
//! What is slashed is a batch with a receipt in the wrong bucket, of another cell or epoch, twice, beyond the count, or in a
//! standing batch of an earlier sequence number. All but the last are seen in the batch itself, and it is rebuilt from scratch.
//! For the last, a peer signs number `s` only when the chain's log shows the batches `0..s`, all their receipts are in its
//! store (`catchup.rs`), and none of the batch's is among them.
//!
//! A peer does sign *different* batches of one number, as many as are proposed and true: refusing the second would let a
//! proposer that vanishes after gathering signatures stop the cell, and to lift such a lock safely takes a consensus protocol.
//! It is safe without. The chain applies one batch of each number, in order, so of those signed for `s` at most one ever
//! applies, on top of the batches `0..s` against which each was checked; once it has, the others can never apply, since
//! their digests name epoch, number and generation. The chain is the consensus. What this rests on is that a batch seen in
//! the log stays there. The commitment of the RPC client decides how sure that is: `confirmed` has never been reverted on
//! mainnet; who wants a guarantee configures `finalized`.
//!
//! Nothing else is needed after a crash either: what was signed is on disk ([`staged`]) before the signature leaves, so that its
//! receipts can be published whoever submits it, and whether they may be proposed again is asked of the chain, not of memory.
//!
//! # Hostile members
//! Requests are signed ([`envelope`]); strangers are turned away before their body is read. Bodies, answers, the number of
//! receipts, the time each exchange may take, and what one member may have under review at once are bounded. Who does not
//! say what waits with it costs a proposer a quarter of a round, and who sends forged receipts one look at 4,096 of them. A
//! batch is signed at most sixteen times a number for one proposer, and one that gathers signatures but does not submit has
//! everybody wait once per number, no more.

mod catchup;
mod desk;
pub mod envelope;
pub mod messages;
mod metrics;
pub mod peers;
mod propose;
mod pull;
mod review;
mod routes;
pub mod schedule;
pub mod staged;

pub use metrics::AgreementMetrics;
pub use routes::routes;

use crate::directory::{CellView, Directory, Observer};
use crate::store::{AppliedBatch, Store, StoreError};
use crate::submit::{Flight, SubmitError, Submitter};
use coverage_client::ClientError;
use coverage_math::receipt::Receipt;
use desk::Desk;
use ed25519_dalek::SigningKey;
use peers::{PeerError, Peers, unix_now};
use solana_program::pubkey::Pubkey;
use staged::Staged;
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// What one member may have under review, and be fetching, at once.
const AT_ONCE: usize = 4;

/// What the agreement goes by.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// A batch is due when so many receipts wait.
    pub max_batch: usize,
    /// A batch is due when a receipt has waited so long.
    pub batch_interval: Duration,
    /// How long each member has its turn. The same for all members.
    pub round: Duration,
    /// How long a peer may take to answer a proposal, everything it has to fetch for it included.
    pub request_timeout: Duration,
    /// How long anybody may take to deliver what was asked for.
    pub fetch_timeout: Duration,
    /// How long a batch signed for another is given to come on chain before this member proposes one of the same number.
    pub hold: Duration,
    /// How old a view of the chain may be to propose or sign by.
    pub fresh: Duration,
    /// How often it looks whether there is something to do.
    pub tick: Duration,
}

/// What the agreement asks of the rest of the service.
pub trait Outside: Send + Sync {
    /// Examines receipts that came from a peer as if they had come from anybody: signature, reporter, window, slot. One verdict
    /// for each, in order; an error says what is wrong.
    fn examine(&self, directory: &Directory, receipts: &[Receipt]) -> Vec<Result<(), String>>;

    /// Writes an applied batch where auditors find it. Called at least once for each, before its receipts leave the waiting
    /// ones; doing it again changes nothing.
    ///
    /// # Errors
    /// What the file system says; it is tried again later.
    fn publish(&self, batch: &AppliedBatch, receipts: &[Receipt]) -> io::Result<()>;
}

/// Why a cell got no further for now. It is tried again.
#[derive(Debug, Error)]
pub enum AgreementError {
    /// The chain cannot be read, or a batch not be made.
    #[error(transparent)]
    Client(Box<ClientError>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk failed.
    #[error("the disk failed: {0}")]
    Disk(#[from] io::Error),
    /// A batch could not be brought on chain.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// What a peer would have to be asked with.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// Nobody has delivered the receipts of an applied batch.
    #[error("nobody delivers the receipts of batch {sequence}; nothing is signed in this cell until somebody does")]
    Behind {
        /// The batch.
        sequence: u64,
    },
    /// A task was cut short: the service is stopping.
    #[error("the service is stopping")]
    Stopping,
}

impl From<ClientError> for AgreementError {
    fn from(error: ClientError) -> Self {
        Self::Client(Box::new(error))
    }
}

/// Everything an attester needs to take part.
pub struct Parts {
    /// What it goes by.
    pub terms: Terms,
    /// Signs batches: a key of the committee.
    pub key: SigningKey,
    /// Reads the chain.
    pub observer: Observer,
    /// Receipts.
    pub store: Store,
    /// The folder for batches that were signed and not decided about.
    pub staged: PathBuf,
    /// The other attesters.
    pub peers: Peers,
    /// The rest of the service.
    pub outside: Arc<dyn Outside>,
    /// Sends transactions. Its payer must be this service's own: see [`Submitter::sweep`].
    pub sender: coverage_client::rpc::Sender,
    /// Counts.
    pub metrics: AgreementMetrics,
}

/// One attester's part in the agreement.
pub struct Agreement {
    terms: Terms,
    key: SigningKey,
    public: [u8; 32],
    observer: Observer,
    store: Store,
    staged: Staged,
    peers: Peers,
    outside: Arc<dyn Outside>,
    submitter: Submitter,
    desks: Mutex<HashMap<Pubkey, Arc<Desk>>>,
    metrics: AgreementMetrics,
    reviews: Permits,
    fetches: Permits,
    /// Of those who ask what waits here.
    pulled: Permits,
    /// Of those who are asked what waits there.
    pulls: Permits,
}

/// Permits of each member.
type Permits = Mutex<HashMap<[u8; 32], Arc<Semaphore>>>;

impl Agreement {
    /// Takes part.
    ///
    /// # Errors
    /// [`AgreementError::Disk`] if the folder cannot be made.
    pub fn new(parts: Parts) -> Result<Self, AgreementError> {
        Ok(Self {
            terms: parts.terms,
            public: parts.key.verifying_key().to_bytes(),
            peers: parts.peers,
            key: parts.key,
            observer: parts.observer,
            staged: Staged::open(&parts.staged)?,
            submitter: Submitter::new(parts.sender, parts.store.clone()),
            store: parts.store,
            outside: parts.outside,
            desks: Mutex::default(),
            metrics: parts.metrics,
            reviews: Mutex::default(),
            fetches: Mutex::default(),
            pulled: Mutex::default(),
            pulls: Mutex::default(),
        })
    }

    /// Takes part until told to stop: proposes when its turn comes, carries what was agreed on chain, keeps up with the log.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.terms.tick);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut cells = tokio::task::JoinSet::new();
        let mut swept = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
                Some(_) = cells.join_next() => continue,
            }
            let directory = self.observer.last();
            for workload in directory.workloads.keys().copied() {
                let (this, desk) = (Arc::clone(&self), self.desk(&workload));
                if desk.carrying.try_lock().is_ok() {
                    cells.spawn(async move { this.tend_and_tell(workload).await });
                }
            }
            self.sweep(&directory, &mut swept).await;
        }
        // What is half sent is on disk, and goes on at the next start.
        cells.shutdown().await;
    }

    async fn tend_and_tell(&self, workload: Pubkey) {
        let desk = self.desk(&workload);
        let Ok(_alone) = desk.carrying.try_lock() else { return };
        if let Err(error) = self.tend(&workload, &desk).await {
            tracing::warn!(%workload, %error, "a cell got no further");
        }
    }

    /// Everything there is to do for one cell now.
    async fn tend(&self, workload: &Pubkey, desk: &Desk) -> Result<(), AgreementError> {
        let Some((mut directory, epoch)) = self.turn(workload, desk).await? else { return Ok(()) };
        if desk.pulls(self.patience().saturating_mul(2)) {
            self.pull(&directory, *workload, epoch).await;
            // Meanwhile the chain may have moved on, or the turn be over.
            let Some((later, _)) = self.turn(workload, desk).await? else { return Ok(()) };
            directory = later;
        }
        if let Some(flight) = self.propose(&directory, *workload).await? {
            self.submitter.record(&flight).await?;
            self.carry(&flight).await?;
        }
        Ok(())
    }

    /// The chain as it is and the epoch in hand, if it is this member's turn to propose a batch that is due. What comes before
    /// that is done first: keeping up with the log, and carrying what was agreed.
    async fn turn(&self, workload: &Pubkey, desk: &Desk) -> Result<Option<(Arc<Directory>, u64)>, AgreementError> {
        let directory = self.observer.within(self.terms.fresh).await?;
        self.catch_up(&directory, workload).await?;
        if let Some(flight) = self.submitter.in_flight(workload).await? {
            self.carry(&flight).await?;
            return Ok(None);
        }
        let Some(cell) = directory.workloads.get(workload) else { return Ok(None) };
        let ours = !desk.is_held((cell.epoch, cell.batches)) && self.is_our_turn(&directory, workload, cell).await?;
        let epoch = cell.epoch;
        Ok(ours.then_some((directory, epoch)))
    }

    /// Whether a batch is due and ours to propose.
    async fn is_our_turn(
        &self,
        directory: &Directory,
        workload: &Pubkey,
        cell: &CellView,
    ) -> Result<bool, AgreementError> {
        let now = unix_now();
        let ours = schedule::proposer(directory, workload, cell, now, self.terms.round) == Some(self.public);
        let Some(window) = directory.epochs.get(&cell.epoch) else { return Ok(false) };
        if !ours || !cell.collecting || directory.paused {
            return Ok(false);
        }
        if schedule::is_ending(cell, window, directory.now) {
            return Ok(true); // something may wait elsewhere
        }
        let (store, workload, epoch) = (self.store.clone(), *workload, cell.epoch);
        let waiting = blocking(move || store.waiting()).await??;
        let backlog = waiting.into_iter().find(|waiting| waiting.workload == workload && waiting.epoch == epoch);
        Ok(backlog.is_some_and(|waiting| {
            let oldest = now.saturating_sub(Duration::from_millis(waiting.oldest_ms));
            let backlog = schedule::Backlog { receipts: waiting.receipts, oldest };
            let (max_batch, interval) = (self.terms.max_batch, self.terms.batch_interval);
            schedule::is_due(&backlog, cell, window, directory.now, max_batch, interval)
        }))
    }

    /// Brings a batch on chain, and the store to where the chain is then.
    async fn carry(&self, flight: &Flight) -> Result<(), AgreementError> {
        let outcome = self.submitter.carry(flight).await?;
        tracing::info!(workload = %flight.batch().workload, sequence = flight.batch().sequence, ?outcome, "batch submitted");
        let directory = self.observer.within(Duration::ZERO).await?;
        self.catch_up(&directory, &flight.batch().workload).await?;
        self.submitter.forget(flight).await?;
        Ok(())
    }

    /// Drops what the chain has decided about, a few times a minute.
    async fn sweep(&self, directory: &Arc<Directory>, swept: &mut Option<tokio::time::Instant>) {
        const EVERY: Duration = Duration::from_secs(20);
        if swept.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        *swept = Some(tokio::time::Instant::now());
        let (staged, view, store) = (self.staged.clone(), Arc::clone(directory), self.store.clone());
        let staged = blocking(move || {
            staged.sweep(|batch| {
                let cell = view.workloads.get(&batch.workload);
                let passed = cell.is_none_or(|cell| (batch.epoch, batch.sequence) < (cell.epoch, cell.batches));
                // An applied batch is kept until its receipts are in the store.
                let applied = cell.and_then(|cell| cell.log.get(usize::try_from(batch.sequence).ok()?));
                let wanted = applied.is_some_and(|record| record.receipts_root == batch.receipts_root)
                    && !store.batch(&batch.receipts_root).is_ok_and(|found| found.is_some());
                passed && !wanted
            })
        });
        match staged.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot sweep signed batches"),
            Err(error) => tracing::warn!(%error, "cannot sweep signed batches"),
        }
        if let Err(error) = self.submitter.sweep(directory).await {
            tracing::warn!(%error, "cannot look for attestations that were left over");
        }
    }

    fn desk(&self, workload: &Pubkey) -> Arc<Desk> {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(desks.entry(*workload).or_default())
    }

    /// A permit for a member, `None` if it has all of its own in use.
    fn permit(&self, permits: &Permits, member: &[u8; 32]) -> Option<OwnedSemaphorePermit> {
        self.semaphore(permits, member).try_acquire_owned().ok()
    }

    /// All permits of a member.
    fn semaphore(&self, permits: &Permits, member: &[u8; 32]) -> Arc<Semaphore> {
        let mut permits = permits.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(permits.entry(*member).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))))
    }
}

/// Runs what computes or waits for the disk where it keeps nobody waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AgreementError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| AgreementError::Stopping)
}
