//! The loop: read, decide, send, again.

use super::{Agenda, Duty, Metrics, Policy, due};
use coverage_client::ClientError;
use coverage_client::rpc::{Sender, Snapshot};
use futures_util::StreamExt;
use futures_util::stream;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::mem::discriminant;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Transactions in flight at once. Cells share no writable account, so they do not wait for each other on-chain either.
const IN_FLIGHT: usize = 8;
/// The most times that one run (`--once`) tries a duty.
const TRIES: u32 = 4;

/// How fast a keeper goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The longest it sleeps: how late it may notice what no clock announces, such as a sponsor or a bond.
    pub poll: Duration,
    /// Up to how much later than it could it begins what the clock made due, at random: so that several keepers do not all
    /// send the same.
    pub stagger: Duration,
    /// After how long it first tries again what did not work, or asks a cluster again that did not answer; doubles each time.
    pub retry: Duration,
    /// The longest that gets.
    pub retry_most: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(15),
            stagger: Duration::from_secs(2),
            retry: Duration::from_millis(500),
            retry_most: Duration::from_secs(60),
        }
    }
}

impl Pace {
    /// How long to wait after trying `times`: doubled each time, and up to half as much again at random.
    fn backoff(&self, times: u32) -> Duration {
        let doubled = self.retry.saturating_mul(1u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX));
        let wait = doubled.min(self.retry_most);
        wait.saturating_add(random_up_to(wait / 2))
    }
}

/// What one round came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Duties done.
    pub done: usize,
    /// Duties that were refused; the next round shows whether somebody else did them.
    pub refused: usize,
    /// Duties refused before that are due no more: somebody else did them.
    pub overtaken: usize,
    /// Duties that were tried before and wait for their next time.
    pub waiting: usize,
    /// The cluster's time, in unix seconds.
    pub now: i64,
    /// When something becomes due by the clock alone, in unix seconds.
    pub next_ts: Option<i64>,
}

/// A duty that was tried and is not known to be done.
struct Tried {
    times: u32,
    again: Instant,
    /// Why it was refused; `None` if it was sent and confirmed.
    error: Option<String>,
}

/// One keeper of one network.
pub struct Keeper {
    sender: Sender,
    network: Pubkey,
    policy: Policy,
    pace: Pace,
    metrics: Arc<Metrics>,
    tried: BTreeMap<Duty, Tried>,
    /// Decides where in a list of equal duties it begins, so that several keepers begin in different places.
    seed: u64,
}

impl Keeper {
    /// A keeper that has done nothing yet; the sender's payer pays the fees.
    #[must_use]
    pub fn new(sender: Sender, network: Pubkey, policy: Policy, pace: Pace, metrics: Arc<Metrics>) -> Self {
        Self { sender, network, policy, pace, metrics, tried: BTreeMap::new(), seed: random() }
    }

    /// Reads the network once and does what is due, unless `stop` is cancelled: what is being sent then is waited for.
    ///
    /// # Errors
    /// [`ClientError`] if the network cannot be read. What is refused is no error: it counts in the [`Round`].
    pub async fn round(&mut self, stop: &CancellationToken) -> Result<Round, ClientError> {
        let snapshot = Snapshot::fetch(self.sender.rpc(), &self.network).await?;
        let agenda = due(&snapshot, &self.policy);
        self.metrics.read(&snapshot, &agenda);
        let mut round = Round { now: snapshot.now, next_ts: agenda.next_ts, ..Round::default() };
        round.overtaken = self.forget(&agenda);
        let now = Instant::now();
        let (waiting, ready): (Vec<_>, Vec<_>) =
            agenda.duties.into_iter().partition(|duty| self.tried.get(duty).is_some_and(|tried| tried.again > now));
        round.waiting = waiting.len();
        let (openings, mut rest): (Vec<_>, Vec<_>) =
            ready.into_iter().partition(|duty| matches!(duty, Duty::OpenEpoch { .. }));
        for duty in openings {
            // Epochs open in order, so after one that is refused the others would be too.
            let Some(result) = send(&self.sender, &snapshot, &duty, stop).await else { return Ok(round) };
            let refused = result.is_err();
            self.note(duty, result, &mut round);
            if refused {
                break;
            }
        }
        rotate(&mut rest, self.seed);
        let (sender, snapshot) = (self.sender.clone(), &snapshot);
        let sends = rest.into_iter().map(|duty| {
            let sender = &sender;
            async move { (send(sender, snapshot, &duty, stop).await, duty) }
        });
        let mut results = stream::iter(sends).buffer_unordered(IN_FLIGHT);
        while let Some((result, duty)) = results.next().await {
            if let Some(result) = result {
                self.note(duty, result, &mut round);
            }
        }
        Ok(round)
    }

    /// Keeps the network until `stop` is cancelled.
    pub async fn run(&mut self, stop: &CancellationToken) {
        let mut failures = 0u32;
        while !stop.is_cancelled() {
            let pause = match self.round(stop).await {
                Ok(round) => {
                    failures = 0;
                    self.pause(&round)
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    self.metrics.cluster_failed();
                    tracing::warn!(%error, failures, "the cluster cannot be read; trying again");
                    self.pace.backoff(failures)
                }
            };
            // Elapsed: nobody stopped it.
            let _ = timeout(pause, stop.cancelled()).await;
        }
    }

    /// Does everything that is due, tries a few times what is refused, and returns; gives what is left undone with the reason.
    ///
    /// # Errors
    /// [`ClientError`] if the cluster cannot be read, four times in a row.
    pub async fn run_once(&mut self, stop: &CancellationToken) -> Result<(Round, Vec<(Duty, String)>), ClientError> {
        let (mut total, mut failures) = (Round::default(), 0);
        loop {
            let round = match self.round(stop).await {
                Ok(round) => round,
                Err(error) => {
                    failures += 1;
                    self.metrics.cluster_failed();
                    if failures == TRIES {
                        return Err(error);
                    }
                    sleep(self.pace.backoff(failures)).await;
                    continue;
                }
            };
            failures = 0;
            total.done = total.done.saturating_add(round.done);
            total.overtaken = total.overtaken.saturating_add(round.overtaken);
            (total.now, total.next_ts) = (round.now, round.next_ts);
            let nothing_left = round.done == 0 && self.tried.is_empty();
            let given_up = round.done == 0 && self.tried.values().all(|tried| tried.times >= TRIES);
            if nothing_left || given_up || stop.is_cancelled() {
                let why = |tried: &Tried| tried.error.clone().unwrap_or("sent, confirmed, and still due".to_owned());
                return Ok((total, self.tried.iter().map(|(duty, tried)| (duty.clone(), why(tried))).collect()));
            }
            sleep(self.until_retry().unwrap_or_default().min(self.pace.retry_most)).await;
        }
    }

    /// Forgets what was tried and is due no more; returns how much of it somebody else must have done.
    fn forget(&mut self, agenda: &Agenda) -> usize {
        let before = std::mem::take(&mut self.tried);
        let mut overtaken = 0usize;
        for (duty, tried) in before {
            if agenda.duties.binary_search(&duty).is_ok() {
                self.tried.insert(duty, tried);
            } else if tried.error.is_some() {
                tracing::debug!(duty = duty.kind(), "somebody else was first: {duty}");
                overtaken = overtaken.saturating_add(1);
                self.metrics.overtaken(duty.kind());
            }
        }
        overtaken
    }

    fn note(&mut self, duty: Duty, result: Result<u64, ClientError>, round: &mut Round) {
        let times = self.tried.get(&duty).map_or(0, |tried| tried.times).saturating_add(1);
        let error = match result {
            Ok(compute_units) => {
                round.done = round.done.saturating_add(1);
                self.metrics.done(&duty);
                tracing::info!(duty = duty.kind(), compute_units, "{duty}");
                None
            }
            Err(error) => {
                round.refused = round.refused.saturating_add(1);
                self.metrics.refused(duty.kind());
                if times == 1 {
                    tracing::debug!(duty = duty.kind(), %error, "refused, perhaps because somebody else was first");
                } else {
                    tracing::warn!(duty = duty.kind(), times, %error, "refused again, and still due");
                }
                Some(error.to_string())
            }
        };
        self.tried.insert(duty, Tried { times, again: Instant::now() + self.pace.backoff(times), error });
    }

    /// How long to sleep after a round.
    fn pause(&self, round: &Round) -> Duration {
        // What was done may make more due: a sealed cell to settle, a settled one to claim from. What was refused is done by
        // somebody else now, who will do the next thing too: no hurry, but see.
        if round.done > 0 {
            return Duration::ZERO;
        }
        let clock = round.next_ts.and_then(|next| u64::try_from(next.saturating_sub(round.now)).ok());
        let clock = clock.map(|seconds| Duration::from_secs(seconds).saturating_add(random_up_to(self.pace.stagger)));
        let wakes = [clock, self.until_retry()];
        wakes.into_iter().flatten().fold(self.pace.poll, Duration::min)
    }

    /// How long until something that was tried is to be tried again.
    fn until_retry(&self) -> Option<Duration> {
        let now = Instant::now();
        self.tried.values().map(|tried| tried.again.saturating_duration_since(now)).min()
    }
}

/// Sends a duty; returns the compute units it took, or `None` if the keeper is to stop.
async fn send(
    sender: &Sender,
    snapshot: &Snapshot,
    duty: &Duty,
    stop: &CancellationToken,
) -> Option<Result<u64, ClientError>> {
    if stop.is_cancelled() {
        return None;
    }
    let instruction = duty.instruction(sender.payer(), snapshot);
    Some(sender.send(&duty.to_string(), &[instruction]).await.map(|sent| sent.compute_units))
}

/// Turns each run of duties of one kind by as much as `seed` says: the kinds stay in order.
fn rotate(duties: &mut [Duty], seed: u64) {
    for run in duties.chunk_by_mut(|a, b| discriminant(a) == discriminant(b)) {
        let by = seed.checked_rem(run.len() as u64).unwrap_or(0);
        run.rotate_left(by as usize);
    }
}

/// A random number; the standard library seeds its hashers with one.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn random_up_to(most: Duration) -> Duration {
    let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random().checked_rem(millis.saturating_add(1)).unwrap_or(0))
}
