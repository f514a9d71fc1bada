//! Audits a network from account data alone: every settlement is computed again.
//!
//! ```sh
//! cargo run --example audit -- URL NETWORK
//! ```

use anyhow::Context;
use coverage_client::ClientError;
use coverage_client::audit::{self, Report};
use coverage_client::rpc::{Rpc, Snapshot};
use solana_program::pubkey::Pubkey;

/// Audits all that a network's accounts show.
pub async fn run(rpc: &Rpc, network: Pubkey) -> Result<Report, ClientError> {
    let snapshot = Snapshot::fetch(rpc, &network).await?;
    Ok(audit::check(&snapshot, None))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &'static str| arguments.next().context(name);
    let rpc = Rpc::new(next("a URL, such as http://localhost:8899")?);
    let report = run(&rpc, next("a network")?.parse()?).await?;
    println!("{report}");
    anyhow::ensure!(report.passed(), "the audit found differences");
    Ok(())
}
