//! `covctl cell seal` and `covctl cell settle`.

use crate::amounts::time;
use crate::context::NetworkAccount;
use crate::execute::Plan;
use crate::record::Record;
use crate::{CliError, Context, ExitStatus};
use bytemuck::Zeroable;
use coverage_client::instructions::{self, SETTLE_STEPS};
use coverage_client::math::cell::{self, Progress, Slot, Terms};
use coverage_client::math::semivalue::Rule;
use coverage_client::pda;
use coverage_client::program::state::{Cell, Epoch, Phase};
use solana_program::pubkey::Pubkey;

async fn read(
    context: &Context,
    network: &NetworkAccount,
    workload: Pubkey,
) -> Result<(Cell, Vec<Slot>, Epoch), CliError> {
    let (cell, slots) = context.rpc().cell(&pda::cell(&workload)).await?;
    let number = cell.epoch;
    let address = pda::epoch(&network.address, number);
    if context.rpc().account(&address).await?.is_none() {
        return Err(CliError::Usage(format!("epoch {number} is not open yet: `covctl epoch open` opens it")));
    }
    Ok((cell, slots, context.rpc().header(&address).await?))
}

/// Seals the epoch in hand.
///
/// # Errors
/// [`CliError::Usage`] before the time has come, with when that will be.
pub async fn seal(context: &Context, network: &NetworkAccount, workload: Pubkey) -> Result<ExitStatus, CliError> {
    let (cell, _, epoch) = read(context, network, workload).await?;
    let facts = Record::new().text("workload", workload).number("epoch", cell.epoch).number("batches", cell.batches);
    let plan = Plan::new("seal the cell").facts(facts);
    if cell.phase != Phase::Collecting as u8 {
        return context.execute(plan).await; // somebody has
    }
    let from = epoch.end_ts.saturating_add_unsigned(epoch.config.grace_seconds);
    wait_until(context, from, "sealed").await?;
    context.execute(plan.step(instructions::seal_cell(network.address, workload, cell.epoch))).await
}

/// Settles the epoch in hand.
///
/// # Errors
/// As [`seal`]; [`CliError::Usage`] if it is not sealed.
pub async fn settle(context: &Context, network: &NetworkAccount, workload: Pubkey) -> Result<ExitStatus, CliError> {
    let (cell, slots, epoch) = read(context, network, workload).await?;
    if cell.phase == Phase::Collecting as u8 {
        let number = cell.epoch;
        return Err(CliError::Usage(format!(
            "epoch {number} of the cell is not sealed yet: `covctl cell seal` seals it"
        )));
    }
    let from = cell.sealed_ts.saturating_add_unsigned(epoch.config.challenge_seconds);
    wait_until(context, from, "settled").await?;
    let steps = if cell.phase == Phase::Challenge as u8 { transactions(&cell, slots, &epoch) } else { None };
    let facts = Record::new()
        .text("workload", workload)
        .number("epoch", cell.epoch)
        .number("slots", cell.slots)
        .tokens("pool", cell.pool, network.account.decimals);
    let mut plan = Plan::new("settle the cell").facts(facts);
    for _ in 0..steps.unwrap_or(1) {
        plan = plan.then(vec![instructions::settle_cell(network.address, workload, cell.epoch, SETTLE_STEPS)]);
    }
    if steps.is_none() {
        eprintln!(
            "somebody began to settle it: this goes on as far as one transaction does; run it again for the rest"
        );
    }
    context.execute(plan).await
}

/// How many transactions a settlement takes, by doing it here; `None` if the kernel refuses, which the program then says.
fn transactions(cell: &Cell, mut slots: Vec<Slot>, epoch: &Epoch) -> Option<usize> {
    let terms = Terms {
        epoch: cell.epoch,
        rule: Rule::from_index(epoch.config.rule)?,
        z_milli: epoch.config.z_milli,
        breach_bps: epoch.config.breach_bps,
        slash_bps: epoch.config.slash_bps,
        pool: cell.pool,
    };
    let mut order = vec![0; slots.len()];
    let mut progress = Progress::zeroed();
    // Every call takes at least one step, of which there are fewer than this.
    (1..=1_000_000).find_map(|count| {
        match cell::settle(&mut slots, &mut order, &mut progress, &terms, u64::from(SETTLE_STEPS)) {
            Ok(None) => None,
            Ok(Some(_)) => Some(Some(count)),
            Err(_) => Some(None),
        }
    })?
}

async fn wait_until(context: &Context, from: i64, what: &str) -> Result<(), CliError> {
    if context.rpc().now().await? < from {
        return Err(CliError::Usage(format!("the cell cannot be {what} before {}", time(from))));
    }
    Ok(())
}
