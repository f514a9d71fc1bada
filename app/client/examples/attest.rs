//! Applies a batch of receipts of one workload, signed by the attesters whose keys are at hand.
//!
//! ```sh
//! cargo run --example attest -- URL KEYPAIR NETWORK WORKLOAD_ID SLOT ATTESTER_KEYPAIR...
//! ```
//!
//! The attempts are made up here, all of them served: a real attester observes them.

use anyhow::Context;
use coverage_client::batch::{BatchOf, Statement, receipt_tag, sort};
use coverage_client::math::hash::Software;
use coverage_client::math::receipt::{Attempt, Receipt};
use coverage_client::math::reliability::Outcome;
use coverage_client::program::state::Committee;
use coverage_client::rpc::{Rpc, Sender};
use coverage_client::{ClientError, keypair, pda};
use ed25519_dalek::{Signer, SigningKey};
use solana_program::pubkey::Pubkey;
use std::sync::Arc;

/// Applies a batch of a hundred served attempts of a slot; returns how many batches the cell has in its epoch.
pub async fn run(
    sender: &Sender,
    network: Pubkey,
    workload_id: u64,
    slot: u16,
    attesters: &[SigningKey],
) -> Result<u64, ClientError> {
    let (rpc, payer) = (sender.rpc(), sender.payer());
    let workload = pda::workload(&network, workload_id);
    let (cell, _) = rpc.cell(&pda::cell(&workload)).await?;
    let committee: Committee = rpc.header(&pda::committee(&network)).await?;
    let reporter = attesters.first().ok_or(ClientError::BadBatch("nobody signs it"))?;

    let tag = receipt_tag(&network, cell.epoch);
    let now = rpc.now().await?;
    let receipt = |number: u8| {
        let attempt = Attempt {
            request_id: [number; 32],
            workload: workload.to_bytes(),
            epoch: cell.epoch,
            slot,
            outcome: Outcome::Served as u8,
            latency_ms: 250,
            observed_at: now,
            evidence: [0; 32],
            reporter: reporter.verifying_key().to_bytes(),
        };
        let message =
            attempt.message::<Software>(&tag).map_err(|_| ClientError::BadBatch("a receipt does not encode"))?;
        Ok(Receipt { attempt, signature: reporter.sign(&message).to_bytes() })
    };
    let mut receipts = (0..100).map(receipt).collect::<Result<Vec<_>, ClientError>>()?;
    sort(&mut receipts);

    let generation = committee.generation;
    let batch = BatchOf { network, workload, epoch: cell.epoch, sequence: cell.batches, generation };
    let statement = Statement::outcomes(batch, &receipts)?;
    for upload in statement.upload(payer) {
        sender.send("uploading a batch", &[upload]).await?;
    }
    // `endorse` names its Ed25519 instruction by index: the pair is the start of a transaction of its own.
    for pair in statement.endorse(payer, attesters) {
        sender.send("endorsing a batch", &pair).await?;
    }
    sender.send("applying a batch", &[statement.apply(payer)]).await?;
    let (cell, _) = rpc.cell(&pda::cell(&workload)).await?;
    Ok(cell.batches)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &'static str| arguments.next().context(name);
    let rpc = Rpc::new(next("a URL, such as http://localhost:8899")?);
    let payer = keypair::read(next("a keypair file")?.as_ref())?;
    let (network, workload, slot) = (next("a network")?.parse()?, next("a workload's id")?, next("a slot")?);
    let attesters = arguments.map(|path| keypair::read_attester(path.as_ref())).collect::<Result<Vec<_>, _>>()?;
    let sender = Sender::new(rpc, Arc::new(payer));
    let batches = run(&sender, network, workload.parse()?, slot.parse()?, &attesters).await?;
    println!("{batches} batches in this epoch");
    Ok(())
}
