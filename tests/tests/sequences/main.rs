//! Random sequences of everything that can be done, by those who may and by those who may not, over the compiled program.
//!
//! After each transaction: what was refused was refused for a reason its instruction has, a refusal changed nothing, and the
//! invariants hold to the unit. At the end of each sequence the network is driven to its own end, where every token and every
//! lamport of rent must be accounted for. A sequence that breaks any of this is shrunk and printed.
//!
//! `COVERAGE_FUZZ_SEED=n` runs the sequence of one seed, and with `COVERAGE_FUZZ_MINUTES=m` those that follow for as long.
// A test fails by panicking.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod action;
mod arena;
mod disputes;
mod finish;
mod hostile;
mod model;
mod play;
mod rng;
mod run;
mod state;
mod table;

use arena::{Planted, Stats};
use coverage_tests::check::INSTRUCTIONS;
use run::{Broken, run_and_shrink};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Seeds that always run.
const SEEDS: Range<u64> = 0..60;
/// Actions of each.
const ACTIONS: usize = 700;
/// Actions of a sequence in the open-ended mode.
const MORE_ACTIONS: usize = 3_000;
/// How long a failing sequence may be shrunk.
const SHRINKING: Duration = Duration::from_secs(60);

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Runs sequences on two threads, until the seeds or the time are over; panics with the first that fails.
fn run_all(seeds: Range<u64>, length: usize, time: Duration) -> Stats {
    let (next, stats, started) = (AtomicU64::new(seeds.start), Mutex::new(Stats::default()), Instant::now());
    let broken: Mutex<Option<Broken>> = Mutex::new(None);
    let work = || {
        while broken.lock().unwrap().is_none() && started.elapsed() < time {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !seeds.contains(&seed) {
                return;
            }
            match run_and_shrink(seed, &action::sequence(seed, length), Planted::default(), SHRINKING) {
                Ok(run) => stats.lock().unwrap().add(&run),
                Err(found) => *broken.lock().unwrap() = Some(found),
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        scope.spawn(work);
    });
    let stats = stats.into_inner().unwrap();
    print(&seeds, &stats, started.elapsed());
    if let Some(Broken { seed, actions, failure }) = broken.into_inner().unwrap() {
        let actions: Vec<_> = actions.iter().map(|action| format!("    {action:?}")).collect();
        panic!("COVERAGE_FUZZ_SEED={seed}: {}\n{}\nafter\n{}", failure.kind, failure.what, actions.join("\n"));
    }
    stats
}

fn print(seeds: &Range<u64>, stats: &Stats, time: Duration) {
    println!("{} actions of {} sequences from seed {} in {time:.1?}", stats.actions, stats.sequences, seeds.start);
    println!("{:<24}{:>9}{:>9}  refused with", "", "done", "refused");
    for (name, _) in INSTRUCTIONS.iter().chain([&("other programs", &[][..])]) {
        let count = |counts: &std::collections::BTreeMap<&str, u64>| counts.get(name).copied().unwrap_or_default();
        let errors = stats.errors.iter().filter(|((of, _), _)| of == name);
        let errors: Vec<_> = errors.map(|((_, error), count)| format!("{error} {count}")).collect();
        println!("{name:<24}{:>9}{:>9}  {}", count(&stats.done), count(&stats.refused), errors.join(", "));
    }
}

#[test]
fn sequences_of_fixed_seeds_hold_and_reach_every_instruction() {
    let stats = run_all(SEEDS, ACTIONS, Duration::MAX);
    let missed: Vec<_> = INSTRUCTIONS.iter().filter(|(name, _)| !stats.done.contains_key(name)).collect();
    assert!(missed.is_empty(), "never succeeded: {missed:?}");
    let unrefused = INSTRUCTIONS.iter().filter(|(name, _)| !stats.refused.contains_key(name));
    assert_eq!(unrefused.count(), 0, "never refused");
}

#[test]
fn sequences_hold_for_as_long_as_asked() {
    let seed = setting("COVERAGE_FUZZ_SEED");
    match setting("COVERAGE_FUZZ_MINUTES") {
        Some(minutes) => {
            run_all(seed.unwrap_or(SEEDS.end)..u64::MAX, MORE_ACTIONS, Duration::from_secs(60 * minutes));
        }
        None => {
            if let Some(seed) = seed {
                run_all(seed..seed + 1, if SEEDS.contains(&seed) { ACTIONS } else { MORE_ACTIONS }, Duration::MAX);
            }
        }
    }
}

/// The sequence that a planted defect is shrunk to.
fn found(planted: Planted, kind: &str) -> usize {
    let broken = (0..9).find_map(|seed| run_and_shrink(seed, &action::sequence(seed, 300), planted, SHRINKING).err());
    let broken = broken.expect("the defect is found");
    assert_eq!(broken.failure.kind, kind);
    println!("{} after {:?}", broken.failure.kind, broken.actions);
    broken.actions.len()
}

#[test]
fn an_error_that_the_table_does_not_have_is_found_and_shrunk() {
    let planted = Planted { forgotten: Some(("open_epoch", "EpochNotStarted")), ..Planted::default() };
    let actions = found(planted, "open_epoch refused with EpochNotStarted");
    assert!(actions <= 2, "one epoch opens, the next has not begun: {actions}");
}

#[test]
fn a_vault_that_is_a_unit_short_is_found_and_shrunk() {
    let planted = Planted { short: true, ..Planted::default() };
    assert_eq!(found(planted, "I1 solvency"), 1, "somebody sponsors a workload");
}
