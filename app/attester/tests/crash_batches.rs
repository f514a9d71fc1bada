//! Kills the real process with SIGKILL while it submits batches, and looks for receipts and batches that were lost or doubled.
//!
//! The process is the whole committee, so it submits on its own, all the time, while clients send it receipts. It is killed at
//! random moments, and at each transaction of a submission: before it leaves, once it has landed, between its answer and its
//! confirmation, and while it is on its way.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod town;

use coverage_attester::agreement::staged;
use coverage_attester::store::Store;
use coverage_client::batch::{BatchOf, Statement};
use coverage_client::program::state::BatchRecord;
use coverage_math::hash::Hash;
use coverage_math::receipt::Receipt;
use coverage_math::reliability::OUTCOMES;
use coverage_tests::GENESIS;
use std::collections::BTreeMap;
use std::fs;
use std::iter::repeat_n;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use town::gate::{Fate, Gate, SLOTS, STEPS, Seen};
use town::load::{Load, REQUEST};
use town::{Daemon, Random, Town};

/// Kills at random moments.
const AT_RANDOM: usize = 40;
/// How long a client waits between two requests: what is to be tested is the batches, not how many receipts they can have.
const PAUSE: Duration = Duration::from_millis(20);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The process, with those who send to it and what its batches showed when it was killed.
struct Crashes {
    town: Arc<Town>,
    gate: Gate,
    settings: PathBuf,
    daemon: Daemon,
    random: Random,
    kills: usize,
    /// Kills at transactions, by transaction and fate.
    aimed: BTreeMap<(usize, Fate), usize>,
    /// Kills at random moments, by how many transactions of a submission had landed.
    at_random: [usize; STEPS],
    /// The roots of batches whose submission was cut off, by number.
    cut_off: BTreeMap<u64, Hash>,
}

impl Crashes {
    async fn new() -> Self {
        let town = Arc::new(Town::with(1, SLOTS));
        // A log is to last for its epoch: late in it, as many batches as are due may come.
        town.on_chain(|chain| chain.set_time(GENESIS + 90));
        let gate = Gate::open(&town).await;
        let settings = town.settings_over(&gate.url, "refresh_ms = 100\nbatches.interval_ms = 100");
        let daemon = Daemon::start(&settings, &[]);
        let random = Random(0x5eed_c0de);
        let (aimed, cut_off) = (BTreeMap::new(), BTreeMap::new());
        Self { town, gate, settings, daemon, random, kills: 0, aimed, at_random: [0; STEPS], cut_off }
    }

    /// Kills the process at once, and starts it again; what the chain showed in between.
    fn kill(&mut self) -> Seen {
        self.daemon.assert_running();
        self.daemon.kill();
        self.kills += 1;
        let seen = self.town.seen();
        if let Some(root) = seen.root {
            let earlier = self.cut_off.insert(seen.sequence, root);
            assert!(earlier.is_none_or(|earlier| earlier == root), "batch {} was given up", seen.sequence);
        }
        self.daemon = Daemon::start(&self.settings, &[]);
        seen
    }

    /// Kills it some time after its start, which may not be over.
    async fn kill_at_random(&mut self) {
        tokio::time::sleep(Duration::from_millis(self.random.below(800))).await;
        let seen = self.kill();
        self.at_random[seen.step] += 1;
    }

    /// Kills it at a transaction.
    async fn kill_at(&mut self, step: usize, fate: Fate) {
        self.gate.aim(step, fate);
        let caught = tokio::time::timeout(PATIENCE, self.gate.caught()).await;
        let Ok(before) = caught else { panic!("no transaction {step}:\n{}", self.daemon.log()) };
        assert_eq!(before.step, step);
        let after = self.kill();
        match fate {
            Fate::Unsent | Fate::Late => assert_eq!(after, before, "at {step}, {fate:?}: nothing has landed"),
            Fate::Landed | Fate::Unconfirmed => assert!(after > before, "at {step}, {fate:?}: {before:?}, {after:?}"),
        }
        *self.aimed.entry((step, fate)).or_default() += 1;
        if fate == Fate::Late {
            self.until("the batch to be applied by the next process", |town| town.seen().sequence > before.sequence)
                .await;
            self.gate.land_late().await;
            // Only an opening finds all it needs. The next start looks for what is left over.
            assert_eq!(self.town.left_over(), usize::from(step == 0), "{step} landed late");
            self.kill();
            self.until("what landed late to be closed", |town| town.left_over() == 0).await;
        }
    }

    /// Waits until something holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&Town) -> bool) {
        let begun = Instant::now();
        while !holds(&self.town) {
            self.daemon.assert_running();
            let seen = self.town.seen();
            assert!(begun.elapsed() < PATIENCE, "waited for {what}; {seen:?}; its log:\n{}", self.daemon.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nothing waits any more.
    async fn settle(&mut self) {
        self.daemon.until_healthy().await;
        let begun = Instant::now();
        while town::metric(&self.daemon.url, "coverage_attester_receipts_waiting ").await > 0 {
            let seen = self.town.seen();
            assert!(begun.elapsed() < PATIENCE, "receipts still wait; {seen:?}; its log:\n{}", self.daemon.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.until("what was left over to be closed", |town| town.left_over() == 0).await;
    }
}

/// The receipts of every batch in the log, with its number, as they are published; by request.
fn published(town: &Town, log: &[BatchRecord]) -> BTreeMap<[u8; 32], (Receipt, u64)> {
    let folder = town.folder.path().join(format!("data/published/{}/0/{}", town.network, town.workload));
    let mut found = BTreeMap::new();
    for (sequence, record) in (0..).zip(log) {
        let name = format!("{sequence}-{}.receipts", hex::encode(record.receipts_root));
        let receipts = staged::decode(&fs::read(folder.join(name)).unwrap()).unwrap();
        let (network, workload, generation) = (town.network, town.workload, record.generation);
        let batch = BatchOf { network, workload, epoch: 0, sequence, generation };
        let args = Statement::outcomes(batch, &receipts).unwrap().args;
        let (expected, in_log) = ((args.entries_hash, args.value), (record.entries_hash, record.receipts));
        assert_eq!((args.receipts_root, expected), (record.receipts_root, in_log), "batch {sequence}");
        for receipt in receipts {
            let earlier = found.insert(receipt.attempt.request_id, (receipt, sequence));
            assert!(
                earlier.is_none(),
                "a request is in batches {:?} and {sequence}",
                earlier.map(|(_, number)| number)
            );
        }
    }
    let files = fs::read_dir(folder).unwrap().count();
    assert_eq!(files, log.len(), "something is there that is not in the log, or not whole");
    found
}

/// Asserts that what the chain counted are the receipts that were acknowledged, and those stored without anybody having heard.
fn assert_once_each(town: &Town, acknowledged: &[Receipt], log: &[BatchRecord]) -> usize {
    assert!(log.iter().all(|record| record.flags == 0), "a batch was taken back");
    let published = published(town, log);
    let mut tallies = vec![[0u32; OUTCOMES]; usize::from(SLOTS)];
    for (Receipt { attempt, .. }, _) in published.values() {
        tallies[usize::from(attempt.slot)][usize::from(attempt.outcome)] += 1;
    }
    let on_chain: Vec<_> = town.cell().1.iter().map(|slot| slot.tally).collect();
    assert_eq!(on_chain, tallies);
    assert_eq!(log.iter().map(|record| u64::from(record.receipts)).sum::<u64>(), published.len() as u64);
    for receipt in acknowledged {
        let counted = published.get(&receipt.attempt.request_id).map(|(receipt, _)| receipt);
        assert_eq!(counted, Some(receipt), "acknowledged and lost");
    }

    let store = Store::open(&town.folder.path().join("data/store")).unwrap();
    assert_eq!(store.waiting().unwrap(), []);
    assert_eq!(store.pending(&town.workload, 0, usize::MAX).unwrap(), []);
    let batches = store.batches(&town.workload, 0).unwrap();
    let roots: Vec<_> = batches.iter().map(|batch| batch.receipts_root).collect();
    assert_eq!(roots, log.iter().map(|record| record.receipts_root).collect::<Vec<_>>());
    let made = town.made();
    let stored = store.get(&town.workload, 0, &made).unwrap();
    for ((_, request), stored) in made.iter().zip(&stored) {
        let stored = stored.map(|stored| (stored.receipt, stored.sequence));
        let counted = published.get(request).map(|(receipt, number)| (*receipt, Some(*number)));
        assert_eq!(stored, counted, "stored and counted differ");
    }
    assert_eq!(stored.iter().flatten().count(), published.len(), "counted what nobody sent");
    published.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_receipt_or_batch_is_lost_or_doubled_however_often_the_process_is_killed_while_it_submits() {
    let begun = Instant::now();
    let mut crashes = Crashes::new().await;
    let load = Load::start(&crashes.town, &crashes.daemon.url, PAUSE);
    let aims = (0..STEPS).flat_map(|step| Fate::ALL.map(|fate| Some((step, fate))));
    let mut plan: Vec<_> = aims.chain(repeat_n(None, AT_RANDOM)).collect();
    plan.sort_by_cached_key(|_| crashes.random.below(u64::MAX));
    for kill in plan {
        match kill {
            Some((step, fate)) => crashes.kill_at(step, fate).await,
            None => crashes.kill_at_random().await,
        }
        load.assert_going();
    }
    crashes.daemon.until_healthy().await;
    let sent = load.stop().await;
    crashes.settle().await;
    let Crashes { town, daemon, kills, aimed, at_random, cut_off, .. } = crashes;
    assert_eq!(daemon.terminate(), Some(0));

    // Killed at each of the four transactions, before it left, after it landed, before it was confirmed, while on its way.
    let everywhere = (0..STEPS).flat_map(|step| Fate::ALL.map(|fate| ((step, fate), 1)));
    assert_eq!(aimed, everywhere.collect());
    assert_eq!(kills, AT_RANDOM + STEPS * Fate::ALL.len() + STEPS, "the last: after those that land late");
    let log = town.log();
    for (sequence, root) in &cut_off {
        assert_eq!(log[usize::try_from(*sequence).unwrap()].receipts_root, *root, "batch {sequence} was replaced");
    }
    let counted = assert_once_each(&town, &sent.acknowledged, &log);
    assert!(sent.broken > 0 && sent.acknowledged.len() > kills * REQUEST, "there was no load to speak of");
    println!(
        "{kills} kills in {:?}, those at random with {at_random:?} transactions landed; {} batches of {counted} receipts, \
         {} batches cut off; {} receipts acknowledged, {} requests broken off, {} of their receipts stored already",
        begun.elapsed(),
        log.len(),
        cut_off.len(),
        sent.acknowledged.len(),
        sent.broken,
        sent.duplicates,
    );
}
