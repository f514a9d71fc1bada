//! The task that sends probes when they are due.

use super::endpoint::{Endpoint, Limits, Seen, client};
use super::metrics::ProbeMetrics;
use super::schedule::Probe;
use super::settings::{ProbeError, ProbeSettings};
use super::transcript::Transcript;
use super::view::{ChainClock, ProbedEpoch, Target, View};
use super::{network, outcome};
use crate::probe::prompt::Question;
use coverage_client::batch;
use coverage_client::math::hash::{Hash, Software};
use coverage_client::math::receipt::{Attempt, Receipt};
use coverage_client::math::reliability::Outcome;
use ed25519_dalek::SigningKey;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How late a probe may be sent, in milliseconds: after that its moment is over.
pub const LATEST_MS: i64 = 5_000;
/// How long the task sleeps at most without looking at the clock.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// A probe that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// The epoch.
    pub epoch: u64,
    /// The epoch's last second, in unix seconds.
    pub last_ts: i64,
    /// Whom.
    pub target: Target,
    /// When, and its request id.
    pub probe: Probe,
}

/// Sends the probes of one attester.
pub struct Prober {
    network: Pubkey,
    key: SigningKey,
    /// By operator and workload; `None` for all workloads without one of their own.
    endpoints: BTreeMap<(Pubkey, Option<Pubkey>), Endpoint>,
    controls: Vec<String>,
    transcripts: Option<PathBuf>,
    limits: Limits,
    metrics: ProbeMetrics,
}

impl Prober {
    /// A prober of `network` that signs with the attester's `key`.
    ///
    /// # Errors
    /// What is wrong with the settings.
    pub fn new(
        settings: &ProbeSettings,
        network: Pubkey,
        key: SigningKey,
        limits: Limits,
        metrics: ProbeMetrics,
    ) -> Result<Self, ProbeError> {
        settings.check()?;
        let client = client(&limits)?;
        let mut endpoints = BTreeMap::new();
        for entry in &settings.endpoints {
            let (operator, workload) = (entry.operator.0, entry.workload.map(|workload| workload.0));
            endpoints.insert((operator, workload), Endpoint::new(entry, settings.max_tokens, client.clone())?);
        }
        let transcripts = settings.transcripts.clone();
        Ok(Self { network, key, endpoints, controls: settings.controls.clone(), transcripts, limits, metrics })
    }

    /// Sends probes when they are due and their receipts to `receipts`, until told to stop; then finishes those under way,
    /// which takes at most an objective and the patience after it. What was due before this began, or while the process
    /// stood still, is skipped.
    pub async fn run(self, mut view: watch::Receiver<View>, receipts: mpsc::Sender<Receipt>, stop: CancellationToken) {
        let prober = Arc::new(self);
        let mut under_way = JoinSet::new();
        let mut queue = Queue::default();
        let mut until_ms = view.borrow().clock.now_ms(); // everything due by then was sent or skipped
        loop {
            let View { clock, epochs } = view.borrow_and_update().clone();
            if queue.fill(&prober, &epochs, until_ms) {
                tracing::info!(probes = queue.due.len(), "probes scheduled");
            }
            let now_ms = clock.now_ms();
            while let Some(due) = queue.pop(now_ms) {
                let (prober, receipts) = (Arc::clone(&prober), receipts.clone());
                under_way.spawn(async move { prober.send(due, clock, receipts).await });
            }
            until_ms = until_ms.max(now_ms);
            tokio::select! {
                () = stop.cancelled() => break,
                changed = view.changed() => if changed.is_err() { break },
                () = tokio::time::sleep(queue.wait(now_ms)) => {}
                Some(_) = under_way.join_next() => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn send(&self, due: Due, clock: ChainClock, receipts: mpsc::Sender<Receipt>) {
        let Some(endpoint) = self.endpoint(&due.target) else {
            return;
        };
        let Some(_turn) = self.turn(endpoint, &due, clock).await else {
            return;
        };
        let sent_at_ms = clock.now_ms();
        let objective = Duration::from_millis(due.target.objective_ms.into());
        let limit = objective.saturating_add(self.limits.patience);
        let seen = endpoint.ask(&Question::of(&due.probe.request_id), limit).await;
        let (outcome, latency_ms) = self.judge(endpoint, &seen, objective).await;
        self.metrics.count(&due.target.operator, outcome);
        let transcript = Transcript::new(&due, endpoint, sent_at_ms, &seen);
        if let Some(folder) = &self.transcripts
            && let Err(error) = transcript.keep(folder).await
        {
            tracing::error!(folder = %folder.display(), %error, "cannot keep a transcript");
        }
        let failure = seen.failure.as_ref().map(ToString::to_string).unwrap_or_default();
        let (operator, workload) = (due.target.operator, due.target.workload);
        tracing::info!(%operator, %workload, outcome = outcome::name(outcome), latency_ms, failure, "probed");
        if matches!(seen.status, Some(401 | 403)) {
            tracing::warn!(%operator, url = %endpoint.url, "the endpoint refuses the API key: is it the right one?");
        }
        let ended_ms = sent_at_ms.saturating_add_unsigned(u64::try_from(seen.ended.as_millis()).unwrap_or(u64::MAX));
        let Some(receipt) = self.receipt(&due, outcome, latency_ms, ended_ms, transcript.hash) else {
            return;
        };
        if receipts.send(receipt).await.is_err() {
            tracing::error!(%operator, %workload, "nobody takes the receipt of a probe any more");
        }
    }

    /// The endpoint's turn for a probe, if it comes before the probe is too late. An operator that keeps an endpoint busy to
    /// miss the next probe has failed the one it keeps it busy with.
    async fn turn(&self, endpoint: &Endpoint, due: &Due, clock: ChainClock) -> Option<OwnedSemaphorePermit> {
        let late_ms = clock.now_ms().saturating_sub(due.probe.send_at_ms);
        let Ok(left_ms) = u64::try_from(LATEST_MS.saturating_sub(late_ms)) else {
            self.metrics.skip("late");
            return None;
        };
        let turn = Arc::clone(&endpoint.turn).acquire_owned();
        let turn = tokio::time::timeout(Duration::from_millis(left_ms), turn).await.ok().and_then(Result::ok);
        if turn.is_none() {
            self.metrics.skip("busy");
        }
        turn
    }

    fn endpoint(&self, target: &Target) -> Option<&Endpoint> {
        let own = self.endpoints.get(&(target.operator, Some(target.workload)));
        own.or_else(|| self.endpoints.get(&(target.operator, None)))
    }

    /// The outcome, and the latency if there was an answer, in milliseconds.
    async fn judge(&self, endpoint: &Endpoint, seen: &Seen, objective: Duration) -> (Outcome, u32) {
        if let Some(failure) = &seen.failure {
            let ours = failure.may_be_ours() && !network::is_up(&self.controls(endpoint), self.limits.connect).await;
            return (if ours { Outcome::RoutingFailed } else { failure.outcome() }, 0);
        }
        let (first, last) = (seen.first_token.unwrap_or(seen.ended), seen.last_token.unwrap_or(seen.ended));
        self.metrics.first_token.observe(first.as_secs_f64());
        self.metrics.last_token.observe(last.as_secs_f64());
        // 0 would mean that nothing was served.
        let latency_ms = u32::try_from(last.as_millis()).unwrap_or(u32::MAX).max(1);
        (if last <= objective { Outcome::Served } else { Outcome::LatencyExceeded }, latency_ms)
    }

    /// Who must be silent too before the silence of `endpoint` is this attester's own.
    fn controls(&self, endpoint: &Endpoint) -> Vec<String> {
        if !self.controls.is_empty() {
            return self.controls.clone();
        }
        let own = endpoint.authority();
        let mut others: Vec<_> =
            self.endpoints.values().map(Endpoint::authority).filter(|other| *other != own).collect();
        others.sort_unstable();
        others.dedup();
        others
    }

    fn receipt(&self, due: &Due, outcome: Outcome, latency_ms: u32, ended_ms: i64, evidence: Hash) -> Option<Receipt> {
        let attempt = Attempt {
            request_id: due.probe.request_id,
            workload: due.target.workload.to_bytes(),
            epoch: due.epoch,
            slot: due.target.slot,
            outcome: outcome as u8,
            latency_ms,
            // A receipt must be of its epoch's time. One that ends later was still made in it, and refused if it said so: an
            // operator would only have to stall what comes last.
            observed_at: ended_ms.div_euclid(1_000).min(due.last_ts),
            evidence,
            reporter: self.key.verifying_key().to_bytes(),
        };
        let message = attempt.message::<Software>(&batch::receipt_tag(&self.network, due.epoch)).ok()?;
        let (_, signature) = batch::sign(&self.key, &message);
        Some(Receipt { attempt, signature })
    }
}

/// The probes to come, by time.
#[derive(Default)]
struct Queue {
    due: BTreeMap<(i64, Hash), Due>,
    epochs: Arc<Vec<ProbedEpoch>>,
}

impl Queue {
    /// Takes in the epochs if they changed, without what was due until `until_ms`. Returns whether they did.
    fn fill(&mut self, prober: &Prober, epochs: &Arc<Vec<ProbedEpoch>>, until_ms: i64) -> bool {
        if self.epochs == *epochs {
            return false;
        }
        self.epochs = Arc::clone(epochs);
        self.due.clear();
        let attester = prober.key.verifying_key().to_bytes();
        for probed in epochs.iter() {
            for target in probed.targets.iter().filter(|target| prober.endpoint(target).is_some()) {
                let probes = probed.schedule.probes(&target.workload, &target.operator, &attester);
                let due = probes.filter(|probe| probe.send_at_ms > until_ms).map(|probe| {
                    let (epoch, last_ts) = (probed.epoch, probed.schedule.end_ts.saturating_sub(1));
                    ((probe.send_at_ms, probe.request_id), Due { epoch, last_ts, target: *target, probe })
                });
                self.due.extend(due);
            }
        }
        true
    }

    /// The next probe that is due.
    fn pop(&mut self, now_ms: i64) -> Option<Due> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now_ms).then(|| first.remove())
    }

    /// How long until the next probe is due.
    fn wait(&self, now_ms: i64) -> Duration {
        let next_ms = self.due.first_key_value().map(|((send_at_ms, _), _)| send_at_ms.saturating_sub(now_ms));
        let wait = next_ms.map(|wait_ms| Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)));
        wait.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }
}
