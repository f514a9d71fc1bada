//! `covctl rewards`: what operators earned.

use super::operator;
use crate::context::NetworkAccount;
use crate::execute::{Plan, TOKEN_ACCOUNT_BYTES};
use crate::record::Record;
use crate::{CliError, Context, ExitStatus};
use coverage_client::math::cell::{FREE, Reason, Slot};
use coverage_client::program::state::Workload;
use coverage_client::{accounts, instructions, pda};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::mem::offset_of;

/// Cells that fit one claim.
const CELLS_A_CLAIM: usize = 16;

/// Arguments of `rewards`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Show what an operator earned: in each cell, the last settlement and what is unclaimed.
    Show {
        /// Its wallet or account [default: the signer's].
        operator: Option<Pubkey>,
    },
    /// Pay what an operator earned to its payout wallet: for anyone. Nothing to claim is nothing to do.
    Claim {
        /// Its wallet or account [default: the signer's].
        operator: Option<Pubkey>,
    },
}

/// A slot of the operator.
struct Held {
    id: u64,
    workload: Pubkey,
    number: u16,
    slot: Slot,
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    let decimals = network.account.decimals;
    let (Command::Show { operator: named } | Command::Claim { operator: named }) = args.command;
    let (address, account) = operator::find(context, &network, named).await?;
    let held = held(context, &network, address).await?;
    let earned = held.iter().fold(0u64, |sum, held| sum.saturating_add(held.slot.earned));
    let facts = Record::new().text("operator", address).text("payout", account.payout);
    if matches!(args.command, Command::Show { .. }) {
        let record = facts
            .tokens("claimed", account.claimed, decimals)
            .tokens("unclaimed", earned, decimals)
            .list("slots", held.iter().map(|held| row(held, decimals)).collect());
        context.emit(&record)?;
        return Ok(ExitStatus::Done);
    }
    let to = pda::token_account(&account.payout, &network.token);
    let facts = facts.tokens("amount", earned, decimals).text("to", to);
    let slots: Vec<(Pubkey, u16)> =
        held.iter().filter(|held| held.slot.earned > 0).map(|held| (held.workload, held.number)).collect();
    let payer = context.signer()?.pubkey();
    let (at, token) = (network.address, &network.token);
    let claim = |plan: Plan, slots: &[(Pubkey, u16)]| {
        plan.step(instructions::claim_rewards(payer, at, token, address, account.payout, slots))
    };
    let mut plan = slots.chunks(CELLS_A_CLAIM).fold(Plan::new("claim rewards").facts(facts), claim);
    if context.rpc().account(&to).await?.is_none() {
        plan = plan.grows(0, TOKEN_ACCOUNT_BYTES);
    }
    context.execute(plan).await
}

/// All slots of an operator.
async fn held(context: &Context, network: &NetworkAccount, operator: Pubkey) -> Result<Vec<Held>, CliError> {
    let workloads = context.rpc().all_of::<Workload>(&network.address, offset_of!(Workload, network)).await?;
    let cells: Vec<Pubkey> = workloads.iter().map(|(at, _)| pda::cell(at)).collect();
    let found = context.rpc().accounts(&cells).await?;
    let mut held = Vec::new();
    for (((workload, account), cell), found) in workloads.iter().zip(&cells).zip(found) {
        let Some(found) = found else { continue }; // closed
        let id = accounts::header::<Workload>(workload, &account.data)?.id;
        let (_, slots) = accounts::cell(cell, &found.data)?;
        let own = (0u16..).zip(slots).find(|(_, slot)| slot.operator == operator.to_bytes() && slot.state != FREE);
        held.extend(own.map(|(number, slot)| Held { id, workload: *workload, number, slot }));
    }
    held.sort_by_key(|held| held.id);
    Ok(held)
}

fn row(held: &Held, decimals: u8) -> Record {
    let reason =
        Reason::from_index(held.slot.reason).map_or_else(|| "unknown".to_owned(), |reason| format!("{reason:?}"));
    Record::new()
        .number("workload", held.id)
        .number("slot", held.number)
        .tokens("last_reward", held.slot.reward, decimals)
        .text("last_reason", reason)
        .tokens("unclaimed", held.slot.earned, decimals)
}
