//! Claims all that an operator has earned, for whoever wants to pay the fee: it goes to the operator's payout account.
//!
//! ```sh
//! cargo run --example claim -- URL KEYPAIR NETWORK OPERATOR_WALLET
//! ```

use anyhow::Context;
use coverage_client::events::Event;
use coverage_client::math::cell::Slot;
use coverage_client::pda::Token;
use coverage_client::rpc::{Rpc, Sender, Snapshot};
use coverage_client::{ClientError, instructions, keypair, pda};
use solana_program::pubkey::Pubkey;
use std::sync::Arc;

/// Claims for the operator of a wallet; returns the token units paid.
pub async fn run(sender: &Sender, network: Pubkey, wallet: Pubkey) -> Result<u64, ClientError> {
    let snapshot = Snapshot::fetch(sender.rpc(), &network).await?;
    let operator = pda::operator(&network, &wallet);
    let payout = snapshot.operators.get(&operator).ok_or(ClientError::Missing(operator))?.operator.payout;
    let token = Token::from(&snapshot.network);

    // One claim for each cell in which something is earned; as many as fit go into each transaction.
    let mut claims = Vec::new();
    for state in snapshot.workloads.values() {
        let own = |slot: &Slot| slot.operator == operator.to_bytes() && slot.earned > 0;
        for (number, _) in (0u16..).zip(&state.slots).filter(|(_, slot)| own(slot)) {
            let cells = [(state.address, number)];
            let claim = instructions::claim_rewards(sender.payer(), network, &token, operator, payout, &cells);
            claims.push(vec![claim]);
        }
    }
    let mut paid_units = 0u64;
    for sent in sender.send_packed("claiming", &claims).await? {
        for event in sender.rpc().events(&sent.signature).await? {
            if let Event::RewardsClaimed(claimed) = event {
                paid_units = paid_units.saturating_add(claimed.amount_units);
            }
        }
    }
    Ok(paid_units)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |name: &'static str| arguments.next().context(name);
    let rpc = Rpc::new(next("a URL, such as http://localhost:8899")?);
    let payer = keypair::read(next("a keypair file")?.as_ref())?;
    let (network, wallet) = (next("a network")?.parse()?, next("an operator's wallet")?.parse()?);
    let paid_units = run(&Sender::new(rpc, Arc::new(payer)), network, wallet).await?;
    println!("{paid_units} units paid");
    Ok(())
}
