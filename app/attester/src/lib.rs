//! Turns a stream of request outcomes into applied batches.

pub mod agreement;
pub mod directory;
#[cfg(test)]
mod fixtures;
pub mod http;
pub mod intake;
pub mod metrics;
pub mod probe;
pub mod publish;
pub mod receipt;
pub mod rules;
pub mod service;
pub mod settings;
pub mod store;
pub mod submit;
