//! Probes, against real HTTP servers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod chain;
mod endpoint;
mod schedule;
mod support;
mod task;
