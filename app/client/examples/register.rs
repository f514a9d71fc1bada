//! Registers an operator, commits its capability for one workload, and takes a slot in the workload's cell.
//!
//! ```sh
//! cargo run --example register -- URL KEYPAIR NETWORK WORKLOAD_ID BOND_UNITS
//! ```
//!
//! The wallet's associated token account must hold the bond.

use anyhow::Context;
use coverage_client::capabilities::CapabilityTree;
use coverage_client::math::cell;
use coverage_client::math::receipt::Capability;
use coverage_client::pda::Token;
use coverage_client::program::state::{Network, Workload};
use coverage_client::rpc::{Rpc, Sender};
use coverage_client::{ClientError, accounts, instructions, keypair, pda};
use solana_program::pubkey::Pubkey;
use std::sync::Arc;

/// Registers the sender's payer with a bond; returns its slot in the workload's cell.
pub async fn run(sender: &Sender, network: Pubkey, workload_id: u64, bond_units: u64) -> Result<u16, ClientError> {
    let (rpc, wallet) = (sender.rpc(), sender.payer());
    let token = Token::from(&rpc.header::<Network>(&network).await?);
    let workload = pda::workload(&network, workload_id);
    let needs = rpc.header::<Workload>(&workload).await?;

    // What the operator promises for this workload: here, just what the workload asks for.
    let capability = Capability {
        workload: workload.to_bytes(),
        model: needs.model,
        hardware_class: needs.hardware_class,
        verification_mode: needs.verification_mode,
        region: needs.region,
        latency_ms: needs.latency_ms,
        capacity_milli: needs.min_capacity_milli,
        salt: Pubkey::new_unique().to_bytes(),
    };
    let tree = CapabilityTree::new(&network, vec![capability])?;
    let (opened, proof) = tree.open(0).ok_or(ClientError::BadCapabilities("it has no leaves"))?;
    let (_, slots) = rpc.cell(&pda::cell(&workload)).await?;

    let source = pda::token_account(&wallet, &token);
    let steps = [
        vec![instructions::register_operator(wallet, network, &token, source, wallet, bond_units)],
        vec![instructions::commit_capabilities(wallet, network, tree.root(), tree.count())],
        vec![instructions::enroll(wallet, network, workload, (opened, 0, proof), accounts::free_slot(&slots))],
    ];
    sender.send_packed("registering and enrolling", &steps).await?;

    let operator = pda::operator(&network, &wallet);
    let (_, slots) = rpc.cell(&pda::cell(&workload)).await?;
    let slot = cell::find(&slots, &operator.to_bytes()).and_then(|slot| u16::try_from(slot).ok());
    slot.ok_or(ClientError::Missing(operator))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &'static str| arguments.next().context(name);
    let rpc = Rpc::new(next("a URL, such as http://localhost:8899")?);
    let wallet = keypair::read(next("a keypair file")?.as_ref())?;
    let (network, workload, bond) = (next("a network")?.parse()?, next("a workload's id")?, next("a bond")?);
    let sender = Sender::new(rpc, Arc::new(wallet));
    let slot = run(&sender, network, workload.parse()?, bond.parse()?).await?;
    println!("slot {slot}");
    Ok(())
}
