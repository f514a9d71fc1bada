//! One operator's server for one workload: streams, a queue, and what it answers when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::scenario::{Capability, Request, WorkUnit};

/// Tokens of context that cost as much as one generated token.
const CONTEXT_PER_GENERATED: u64 = 16;

/// What becomes of a piece of work that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// No stream and no place in the queue is free.
    Full,
    /// It was accepted and given up at its deadline.
    Late,
    /// It is done at this microsecond.
    Done(u64),
}

/// A server that never works faster than its throughput and never lets more wait than its queue holds.
pub(super) struct Server {
    throughput_milli: u64,
    streams: u64,
    queue_limit: usize,
    /// When each stream is free again.
    free_at: BinaryHeap<Reverse<u64>>,
    /// When each waiting request starts or gives up.
    leaves_queue_at: BinaryHeap<Reverse<u64>>,
}

impl Server {
    /// A server with nothing to do.
    pub fn new(capability: &Capability, queue_per_stream: u32) -> Self {
        Self {
            throughput_milli: capability.throughput_milli,
            streams: u64::from(capability.streams),
            queue_limit: capability.streams as usize * queue_per_stream as usize,
            free_at: (0..capability.streams).map(|_| Reverse(0)).collect(),
            leaves_queue_at: BinaryHeap::new(),
        }
    }

    /// When this work (thousandths of a unit), arriving now, would be done if the queue took it; in microseconds.
    pub fn expected_completion(&self, now_us: u64, work_milli: u64) -> u64 {
        self.start(now_us).saturating_add(self.service_us(work_milli))
    }

    /// Takes in work (thousandths of a unit) that is of no use after the deadline. Calls must be in order of `now_us`.
    pub fn admit(&mut self, now_us: u64, work_milli: u64, deadline_us: u64) -> Admission {
        while self.leaves_queue_at.peek().is_some_and(|leaves| leaves.0 <= now_us) {
            self.leaves_queue_at.pop();
        }
        let start_us = self.start(now_us);
        if start_us > now_us {
            if self.leaves_queue_at.len() >= self.queue_limit {
                return Admission::Full;
            }
            self.leaves_queue_at.push(Reverse(start_us.min(deadline_us)));
        }
        if start_us >= deadline_us {
            return Admission::Late;
        }
        let done_us = start_us.saturating_add(self.service_us(work_milli));
        self.free_at.pop();
        self.free_at.push(Reverse(done_us.min(deadline_us)));
        if done_us > deadline_us { Admission::Late } else { Admission::Done(done_us) }
    }

    fn start(&self, now_us: u64) -> u64 {
        self.free_at.peek().map_or(now_us, |free| free.0.max(now_us))
    }

    /// Time one stream needs, rounded up so that rounding never makes a server faster than it is.
    fn service_us(&self, work_milli: u64) -> u64 {
        let stream_time = u128::from(work_milli) * 1_000_000 * u128::from(self.streams);
        u64::try_from(stream_time.div_ceil(u128::from(self.throughput_milli))).unwrap_or(u64::MAX)
    }
}

/// What a request costs, in thousandths of a work unit.
pub(super) fn work_milli(unit: WorkUnit, context_tokens: u32, generated_tokens: u32) -> u64 {
    match unit {
        WorkUnit::Queries => 1_000,
        WorkUnit::Tokens => {
            u64::from(generated_tokens) * 1_000 + u64::from(context_tokens) * 1_000 / CONTEXT_PER_GENERATED
        }
    }
}

/// The request a probe makes: short, and the same for everyone.
pub(super) fn probe(seq: u64, at_us: u64, workload: usize) -> Request {
    Request { seq, at_us, workload, context_tokens: 256, generated_tokens: 64 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn server(throughput_milli: u64, streams: u32, queue_per_stream: u32) -> Server {
        let capability =
            Capability { operator: 0, workload: 0, throughput_milli, streams, max_context_tokens: 0, from_epoch: 0 };
        Server::new(&capability, queue_per_stream)
    }

    #[test]
    fn work_is_done_in_order_at_the_throughput() {
        let mut one = server(2_000, 1, 1);
        assert_eq!(one.expected_completion(5, 1_000), 500_005);
        assert_eq!(one.admit(5, 1_000, u64::MAX), Admission::Done(500_005));
        assert_eq!(one.admit(5, 1_000, u64::MAX), Admission::Done(1_000_005));
        assert_eq!(one.admit(5, 1_000, u64::MAX), Admission::Full);
        assert_eq!(one.admit(500_005, 1_000, u64::MAX), Admission::Done(1_500_005), "the waiting one has started");
        let mut two = server(2_000, 2, 0);
        assert_eq!(two.admit(0, 1_000, u64::MAX), Admission::Done(1_000_000), "two streams, half the speed each");
        assert_eq!(two.admit(0, 1_000, u64::MAX), Admission::Done(1_000_000));
        assert_eq!(two.admit(0, 1_000, u64::MAX), Admission::Full);
        assert_eq!(server(3_000, 1, 0).admit(0, 1_000, u64::MAX), Admission::Done(333_334), "rounded up");
    }

    #[test]
    fn late_work_frees_its_stream_at_the_deadline() {
        let mut one = server(1_000, 1, 2);
        assert_eq!(one.admit(0, 5_000, 2_000_000), Admission::Late);
        assert_eq!(one.admit(1, 1_000, 1_000_000), Admission::Late, "gives up while waiting");
        assert_eq!(one.admit(2, 1_000, u64::MAX), Admission::Done(3_000_000), "and takes no stream");
        assert_eq!(one.admit(3, 1_000, u64::MAX), Admission::Full);
        assert_eq!(one.admit(1_000_000, 1_000, u64::MAX), Admission::Done(4_000_000), "its place is free again");
    }

    #[test]
    fn context_is_discounted_and_queries_are_not() {
        assert_eq!(work_milli(WorkUnit::Tokens, 160, 7), 17_000);
        assert_eq!(work_milli(WorkUnit::Tokens, 1, 0), 62);
        assert_eq!(work_milli(WorkUnit::Queries, 160, 7), 1_000);
    }
}
