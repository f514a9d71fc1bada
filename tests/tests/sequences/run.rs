//! Running a sequence, and making one that fails short.

use crate::action::Action;
use crate::arena::{Arena, Failure, Planted, Stats};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A sequence that broke something.
#[derive(Debug)]
pub struct Broken {
    pub seed: u64,
    /// What is left of the sequence.
    pub actions: Vec<Action>,
    pub failure: Failure,
}

/// Runs a sequence on the network of its seed, and the network to its end; a failure comes with how many actions it took.
pub fn run(seed: u64, actions: &[Action], planted: Planted) -> Result<Stats, (usize, Failure)> {
    let mut played = 0;
    let all = || {
        let mut arena = Arena::new(seed, planted);
        for action in actions {
            played += 1;
            arena.play(action)?;
        }
        arena.finish()?;
        (arena.stats.sequences, arena.stats.actions) = (1, played);
        Ok(arena.stats)
    };
    let result = catch_unwind(AssertUnwindSafe(all)).unwrap_or_else(|_| Err(Failure::new("a panic", "see above")));
    result.map_err(|failure| (played, failure))
}

/// Runs a sequence; if it fails, finds a shorter one that fails in the same way, for as long as `limit`.
pub fn run_and_shrink(seed: u64, actions: &[Action], planted: Planted, limit: Duration) -> Result<Stats, Broken> {
    let (played, failure) = match run(seed, actions, planted) {
        Ok(stats) => return Ok(stats),
        Err(failed) => failed,
    };
    let started = Instant::now();
    let mut broken = Broken { seed, actions: actions[..played].to_vec(), failure };
    let mut chunk = broken.actions.len().div_ceil(2);
    while chunk > 0 && started.elapsed() < limit {
        let (mut at, mut removed) = (0, false);
        while at < broken.actions.len() && started.elapsed() < limit {
            let mut fewer = broken.actions.clone();
            fewer.drain(at..(at + chunk).min(fewer.len()));
            match run(seed, &fewer, planted) {
                Err((played, failure)) if failure.kind == broken.failure.kind => {
                    fewer.truncate(played);
                    broken = Broken { seed, actions: fewer, failure };
                    removed = true;
                }
                _ => at += chunk,
            }
        }
        for at in 0..broken.actions.len() {
            let Action::Hostile { action, .. } = &broken.actions[at] else {
                continue;
            };
            let mut milder = broken.actions.clone();
            milder[at] = (**action).clone();
            if started.elapsed() < limit && fails_alike(&broken, &milder, planted) {
                broken.actions = milder;
            }
        }
        // Another round at the finest: what was needed may not be any more.
        chunk = if chunk == 1 && removed { 1 } else { chunk / 2 };
    }
    Err(broken)
}

fn fails_alike(broken: &Broken, actions: &[Action], planted: Planted) -> bool {
    matches!(run(broken.seed, actions, planted), Err((_, failure)) if failure.kind == broken.failure.kind)
}
