//! `covctl cell`: slots and settlements of one workload, for operators and for anyone.

use super::{capability, cell_settle, cell_show, operator};
use crate::context::NetworkAccount;
use crate::execute::Plan;
use crate::record::Record;
use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus};
use coverage_client::math::cell::{FREE, LEFT, Slot};
use coverage_client::program::state::{CellAccount, Phase, Workload, items_for};
use coverage_client::{accounts, instructions, pda};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  covctl --network 7 cell show 0
  covctl --network 7 cell enroll 0 --capabilities capabilities.toml
  covctl --network 7 cell leave 0
  covctl --network 7 cell seal 0
  covctl --network 7 cell settle 0 --dry-run

The cell is that of a workload, named by its id or address. An operator is named by its wallet or its account; without a
name it is the signer's.";

/// Arguments of `cell`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Show a cell: what it is doing, its pool, its slots with their last settlement.
    Show {
        /// The workload.
        workload: Reference,
    },
    /// Open a committed capability and take a slot, which counts from the next epoch: for the operator.
    Enroll {
        /// The workload.
        workload: Reference,
        /// File of the capabilities that were committed.
        #[arg(long, value_name = "FILE")]
        capabilities: PathBuf,
    },
    /// Have the signer's slot count no more from the next epoch on.
    Leave {
        /// The workload.
        workload: Reference,
    },
    /// Give a slot its operator's present bond and failure domain, from the next epoch on: for anyone.
    Sync {
        /// The workload.
        workload: Reference,
        /// The operator [default: the signer's].
        operator: Option<Pubkey>,
    },
    /// Free the slot of an operator that has left: for anyone.
    Release {
        /// The workload.
        workload: Reference,
        /// The operator [default: the signer's].
        operator: Option<Pubkey>,
    },
    /// Seal the epoch in hand, after its end and the grace period: for anyone.
    Seal {
        /// The workload.
        workload: Reference,
    },
    /// Settle the epoch in hand, after the challenge window, in as many transactions as it takes: for anyone.
    Settle {
        /// The workload.
        workload: Reference,
    },
    /// Move what exceeds the carry cap to the treasury: for anyone.
    Sweep {
        /// The workload.
        workload: Reference,
    },
    /// Take free slots off the end; their rent goes back to who paid it: for anyone.
    Trim {
        /// The workload.
        workload: Reference,
    },
    /// Close the cell and log of a retired workload; their rent goes back to who paid it: for anyone.
    Close {
        /// The workload.
        workload: Reference,
    },
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    let at = |workload| network.workload(workload);
    match args.command {
        Command::Show { workload } => cell_show::run(context, &network, at(workload)).await,
        Command::Enroll { workload, capabilities } => enroll(context, &network, at(workload), capabilities).await,
        Command::Leave { workload } => {
            let wallet = context.signer()?.pubkey();
            let mine = Mine::find(context, &network, at(workload), Some(wallet)).await?;
            let leave = instructions::leave_cell(wallet, network.address, mine.workload, mine.number);
            let plan = mine.plan("leave the cell");
            context.execute(if mine.slot.state == LEFT { plan } else { plan.step(leave) }).await
        }
        Command::Sync { workload, operator } => {
            let mine = Mine::find(context, &network, at(workload), operator).await?;
            let now = (mine.account.bond.active(), mine.account.domain);
            let facts = Record::new()
                .tokens("bond_before", mine.slot.staged_bond, network.account.decimals)
                .tokens("bond", now.0, network.account.decimals)
                .number("domain_before", mine.slot.staged_domain)
                .number("domain", now.1);
            let plan = mine.plan("sync the slot").facts(facts);
            if (mine.slot.staged_bond, mine.slot.staged_domain) == now {
                return context.execute(plan).await;
            }
            let sync = instructions::sync_slot(network.address, mine.operator, mine.workload, mine.number);
            context.execute(plan.step(sync)).await
        }
        Command::Release { workload, operator } => {
            let mine = Mine::find(context, &network, at(workload), operator).await?;
            let release = instructions::release_slot(mine.operator, mine.workload, mine.number);
            context.execute(mine.plan("release the slot").step(release)).await
        }
        Command::Seal { workload } => cell_settle::seal(context, &network, at(workload)).await,
        Command::Settle { workload } => cell_settle::settle(context, &network, at(workload)).await,
        Command::Sweep { workload } => {
            let workload = at(workload);
            let (cell, _) = context.rpc().cell(&pda::cell(&workload)).await?;
            // When a retired workload has settled its last epoch, what is left in it goes the same way.
            let over = context.rpc().header::<Workload>(&workload).await?.is_over(cell.epoch);
            let all = over && cell.phase == Phase::Collecting as u8;
            let rest = if all { cell.carry.saturating_add(cell.sponsored) } else { 0 };
            let units = cell.returned.saturating_add(rest);
            let facts = Record::new().text("workload", workload).tokens("amount", units, network.account.decimals);
            let plan = Plan::new("sweep the cell").facts(facts);
            let sweep = instructions::sweep_cell(network.address, workload);
            context.execute(if units == 0 { plan } else { plan.step(sweep) }).await
        }
        Command::Trim { workload } => trim(context, at(workload)).await,
        Command::Close { workload } => {
            let workload = at(workload);
            let payer = context.rpc().header::<Workload>(&workload).await?.payer;
            let facts = Record::new().text("workload", workload).text("rent_to", payer);
            let plan = Plan::new("close the cell").facts(facts);
            context.execute(plan.step(instructions::close_cell(payer, workload))).await
        }
    }
}

/// An operator with its slot in a cell.
struct Mine {
    workload: Pubkey,
    operator: Pubkey,
    account: coverage_client::program::state::Operator,
    number: u16,
    slot: Slot,
}

impl Mine {
    async fn find(
        context: &Context,
        network: &NetworkAccount,
        workload: Pubkey,
        named: Option<Pubkey>,
    ) -> Result<Self, CliError> {
        let (operator, account) = operator::find(context, network, named).await?;
        let (number, slot) = slot_of(context, workload, operator).await?;
        Ok(Self { workload, operator, account, number, slot })
    }

    fn plan(&self, action: &str) -> Plan {
        let facts =
            Record::new().text("workload", self.workload).text("operator", self.operator).number("slot", self.number);
        Plan::new(action).facts(facts)
    }
}

/// The slot of an operator in a workload's cell, with its number.
///
/// # Errors
/// [`CliError::Usage`] if it has none.
pub(super) async fn slot_of(context: &Context, workload: Pubkey, operator: Pubkey) -> Result<(u16, Slot), CliError> {
    let (_, slots) = context.rpc().cell(&pda::cell(&workload)).await?;
    let mut slots = (0u16..).zip(slots);
    let found = slots.find(|(_, slot)| slot.operator == operator.to_bytes() && slot.state != FREE);
    let missing = || format!("operator {operator} has no slot in this cell: enrol with `covctl cell enroll`");
    found.ok_or_else(|| CliError::Usage(missing()))
}

async fn enroll(
    context: &Context,
    network: &NetworkAccount,
    workload: Pubkey,
    capabilities: PathBuf,
) -> Result<ExitStatus, CliError> {
    let wallet = context.signer()?.pubkey();
    let (address, account) = operator::find(context, network, Some(wallet)).await?;
    let tree = capability::open(context, network, &capabilities).await?;
    if tree.root() != account.capability_root {
        let commit = format!("commit it with `covctl capability commit {}`", capabilities.display());
        let reason = format!("this is not what the operator committed to: {commit}");
        return Err(CliError::File { path: capabilities, reason });
    }
    let not_in_it = || CliError::File {
        path: capabilities.clone(),
        reason: format!("it has no capability for workload {workload}"),
    };
    let index = tree.find(&workload).ok_or_else(not_in_it)?;
    let (leaf, proof) = tree.open(index).ok_or_else(not_in_it)?;
    let (_, slots) = context.rpc().cell(&pda::cell(&workload)).await?;
    let facts = Record::new().text("workload", workload).text("operator", address).number("capability", index);
    let plan = Plan::new("enrol").facts(facts);
    if slots.iter().any(|slot| slot.operator == address.to_bytes() && slot.state != FREE) {
        return context.execute(plan).await;
    }
    let refund = accounts::free_slot(&slots);
    // A free slot's rent goes to who paid it, so it costs the same.
    let number = slots.iter().position(|slot| slot.state == FREE).unwrap_or(slots.len());
    let bytes = |slots: usize| CellAccount::space_for(u32::try_from(items_for(slots)).unwrap_or(0)); // at most 1,035
    let plan = plan.grows(bytes(number), bytes(number.saturating_add(1)));
    let leaf = (leaf, index, proof);
    context.execute(plan.step(instructions::enroll(wallet, network.address, workload, leaf, refund))).await
}

async fn trim(context: &Context, workload: Pubkey) -> Result<ExitStatus, CliError> {
    /// Slots that fit one transaction.
    const SLOTS_A_TRANSACTION: usize = 24;
    let (cell, slots) = context.rpc().cell(&pda::cell(&workload)).await?;
    let settling = cell.phase == Phase::Settling as u8;
    if settling {
        return Err(CliError::Usage(
            "the cell is being settled: finish that first with `covctl cell settle`".to_owned(),
        ));
    }
    let free = slots.iter().rev().take_while(|slot| slot.state == FREE);
    let payers: Vec<Pubkey> = free.map(|slot| Pubkey::from(slot.operator)).collect();
    let facts = Record::new().text("workload", workload).number("slots", payers.len() as u64);
    let plan = Plan::new("trim the cell").facts(facts);
    let trim = |plan: Plan, payers: &[Pubkey]| plan.then(vec![instructions::trim_cell(workload, payers)]);
    context.execute(payers.chunks(SLOTS_A_TRANSACTION).fold(plan, trim)).await
}
