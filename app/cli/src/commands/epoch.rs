//! `covctl epoch`: epochs, for anyone.

use crate::context::NetworkAccount;
use crate::execute::{Plan, account_bytes};
use crate::record::{Record, Table};
use crate::{CliError, Context, ExitStatus};
use coverage_client::program::state::{Cell, Epoch, Workload};
use coverage_client::{accounts, instructions, pda};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::mem::offset_of;

/// Cells that fit one `close_epoch` transaction.
const CELLS_A_TRANSACTION: usize = 24;

/// Arguments of `epoch`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Open the next epoch, once it has begun; --all opens all that have.
    Open {
        /// Open every epoch that has begun, not only the next.
        #[arg(long)]
        all: bool,
    },
    /// Show an epoch that is not closed.
    Show {
        /// Its number [default: the last that was opened].
        epoch: Option<u64>,
    },
    /// List all epochs that are not closed.
    List,
    /// Tell which cells are done with an epoch, and close it when all are: its rent goes to who opened it.
    Close {
        /// Its number.
        epoch: u64,
    },
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    match args.command {
        Command::Open { all } => open(context, &network, all).await,
        Command::Show { epoch } => {
            let none =
                || CliError::Usage("no epoch has been opened yet: `covctl epoch open` opens the first".to_owned());
            let last = || network.account.next_epoch.checked_sub(1).ok_or_else(none);
            let number = epoch.map_or_else(last, Ok)?;
            let address = pda::epoch(&network.address, number);
            let epoch = context.rpc().header::<Epoch>(&address).await?;
            context.emit(&row(&network, &epoch).text("address", address).with(details(&network, &epoch)))?;
            Ok(ExitStatus::Done)
        }
        Command::List => {
            let mut epochs = Vec::new();
            for (at, account) in context.rpc().all_of::<Epoch>(&network.address, offset_of!(Epoch, network)).await? {
                epochs.push(accounts::header::<Epoch>(&at, &account.data)?);
            }
            epochs.sort_by_key(|epoch| epoch.index);
            context.emit(&epochs.iter().map(|epoch| row(&network, epoch)).collect::<Table>())?;
            Ok(ExitStatus::Done)
        }
        Command::Close { epoch } => close(context, &network, epoch).await,
    }
}

async fn open(context: &Context, network: &NetworkAccount, all: bool) -> Result<ExitStatus, CliError> {
    let account = &network.account;
    let now = context.rpc().now().await?;
    let next = account.next_epoch;
    let begun = account.epoch_at(now).map_or(0, |epoch| epoch.saturating_add(1));
    let plan = Plan::new("open epochs").fact("network", network.address);
    if begun <= next {
        let start = account.epoch_start_ts(next).unwrap_or(i64::MAX);
        let facts = Record::new().number("next_epoch", next).time("next_start_ts", start);
        return context.execute(plan.facts(facts)).await;
    }
    let until = if all { begun } else { next.saturating_add(1) };
    let mut plan = plan.facts(Record::new().number("first", next).number("last", until.saturating_sub(1)));
    let signer = context.signer()?.pubkey();
    for epoch in next..until {
        plan = plan
            .then(vec![instructions::open_epoch(signer, network.address, epoch)])
            .grows(0, account_bytes::<Epoch>());
    }
    context.execute(plan).await
}

fn row(network: &NetworkAccount, epoch: &Epoch) -> Record {
    Record::new()
        .number("epoch", epoch.index)
        .time("start_ts", epoch.start_ts)
        .time("end_ts", epoch.end_ts)
        .tokens("unit", epoch.unit, network.account.decimals)
        .number("total_weight", epoch.total_weight)
        .number("cells_left", epoch.cells_left)
}

fn details(network: &NetworkAccount, epoch: &Epoch) -> Record {
    Record::new()
        .text("opened_by", epoch.payer)
        .number("committee_generation", epoch.committee_generation)
        .number("config_version", epoch.config_version)
        .with(super::network_show::config(&epoch.config, network.account.decimals))
}

async fn close(context: &Context, network: &NetworkAccount, number: u64) -> Result<ExitStatus, CliError> {
    let rpc = context.rpc();
    let epoch = rpc.header::<Epoch>(&pda::epoch(&network.address, number)).await?;
    let mut done = Vec::new();
    let mut waiting = 0u64;
    for (at, _) in rpc.all_of::<Workload>(&network.address, offset_of!(Workload, network)).await? {
        let address = pda::cell(&at);
        let Some(account) = rpc.account(&address).await? else { continue };
        let cell = accounts::header::<Cell>(&address, &account.data)?;
        if cell.reported_epoch <= number {
            // Cells tell of their epochs in order.
            if cell.reported_epoch == number && cell.epoch > number {
                done.push(at)
            } else {
                waiting = waiting.saturating_add(1)
            }
        }
    }
    let closes = done.len() as u64 == epoch.cells_left;
    let facts = Record::new()
        .text("network", network.address)
        .number("epoch", number)
        .number("cells_done", done.len() as u64)
        .number("cells_waiting", waiting)
        .text("closes", if closes { "yes" } else { "no" });
    let mut plan = Plan::new(format!("close epoch {number}")).facts(facts);
    let chunks: Vec<&[Pubkey]> =
        if done.is_empty() && closes { vec![&[]] } else { done.chunks(CELLS_A_TRANSACTION).collect() };
    for cells in chunks {
        plan = plan.transaction(vec![instructions::close_epoch(epoch.payer, network.address, number, cells)]);
    }
    context.execute(plan).await
}
