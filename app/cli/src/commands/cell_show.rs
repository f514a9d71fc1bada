//! `covctl cell show`.

use super::operator::domain;
use crate::amounts::{percent_q32, percent_q64};
use crate::context::NetworkAccount;
use crate::record::Record;
use crate::{CliError, Context, ExitStatus};
use coverage_client::math::cell::{ACTIVE, LEFT, Reason, Slot};
use coverage_client::math::reliability::Outcome;
use coverage_client::pda;
use coverage_client::program::state::{Cell, Phase};
use solana_program::pubkey::Pubkey;

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, network: &NetworkAccount, workload: Pubkey) -> Result<ExitStatus, CliError> {
    let address = pda::cell(&workload);
    let (cell, slots) = context.rpc().cell(&address).await?;
    let decimals = network.account.decimals;
    let slots = (0u16..).zip(&slots).map(|(number, slot)| row(number, slot, decimals));
    let record = Record::new()
        .text("cell", address)
        .text("workload", workload)
        .text("phase", phase(&cell))
        .number("epoch", cell.epoch)
        .time("sealed_ts", cell.sealed_ts)
        .number("batches", cell.batches)
        .number("batches_removed", cell.removed)
        .tokens("pool", cell.pool, decimals)
        .tokens("carry", cell.carry, decimals)
        .tokens("sponsored", cell.sponsored, decimals)
        .tokens("returned", cell.returned, decimals)
        .tokens("unclaimed", cell.earned, decimals)
        .number("settlements", cell.settlements)
        .with(last(&cell, decimals))
        .list("slots", slots.collect());
    context.emit(&record)?;
    Ok(ExitStatus::Done)
}

fn phase(cell: &Cell) -> &'static str {
    match cell.phase {
        phase if phase == Phase::Collecting as u8 => "collecting",
        phase if phase == Phase::Challenge as u8 => "challenge",
        _ => "settling",
    }
}

/// The last settlement, if there was one.
fn last(cell: &Cell, decimals: u8) -> Record {
    if cell.settlements == 0 {
        return Record::new();
    }
    let last = &cell.last;
    Record::new()
        .number("last_epoch", last.epoch)
        .field("last_coverage_q64", percent_q64(last.coverage_q64), last.coverage_q64.to_string())
        .tokens("last_pool", last.pool, decimals)
        .tokens("last_paid", last.paid, decimals)
        .tokens("last_carry", last.carry, decimals)
        .tokens("last_returned", last.returned, decimals)
        .number("last_batches", last.batches)
}

fn row(number: u16, slot: &Slot, decimals: u8) -> Record {
    let state = match slot.state {
        ACTIVE => "active",
        LEFT => "left",
        _ => "free",
    };
    let reason = Reason::from_index(slot.reason).map_or_else(|| "unknown".to_owned(), |reason| format!("{reason:?}"));
    let attempts = slot.tally.iter().map(|count| u64::from(*count)).sum::<u64>();
    let served = slot.tally.get(Outcome::Served as usize).copied().unwrap_or(0);
    Record::new()
        .number("slot", number)
        .text("operator", Pubkey::from(slot.operator))
        .text("state", state)
        .number("joined_epoch", slot.joined_epoch)
        .field("domain", domain(slot.staged_domain), slot.staged_domain)
        .tokens("bond", slot.staged_bond, decimals)
        .number("served", served)
        .number("attempts", attempts)
        .field("last_p_q32", percent_q32(slot.p_q32), slot.p_q32)
        .field("last_share_q32", percent_q32(slot.share_q32), slot.share_q32)
        .field("last_phi_q64", percent_q64(slot.phi_q64), slot.phi_q64.to_string())
        .tokens("last_reward", slot.reward, decimals)
        .text("last_reason", reason)
        .tokens("unclaimed", slot.earned, decimals)
}
