//! `covctl workload`: classes of requests, for the authority and for sponsors.

use crate::amounts::Tokens;
use crate::context::NetworkAccount;
use crate::execute::{Plan, account_bytes};
use crate::fixed::parse_decimal;
use crate::hash32::Hash32;
use crate::record::{Record, Table};
use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus};
use coverage_client::program::state::{
    ANY_REGION, BatchLogAccount, CellAccount, Requirements, WORKLOAD_RETIRED, Workload,
};
use coverage_client::{accounts, instructions, pda};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::mem::offset_of;

const EXAMPLES: &str = "\
Examples:
  covctl --network 7 workload register 0 --weight 100 --model SHA256 --latency-ms 2000 --hardware-class 3
  covctl --network 7 workload set-weight 0 50
  covctl --network 7 workload sponsor 0 250.5
  covctl --network 7 workload list

A workload is named by its id or its address.";

/// Arguments of `workload`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Add a workload with its cell: for the authority. It is paid for from the next epoch on.
    Register(Register),
    /// List all workloads.
    List,
    /// Show a workload.
    Show {
        /// Its id or address.
        workload: Reference,
    },
    /// Give a workload another weight from the next epoch on: for the authority. Weight 0 retires it for good.
    SetWeight {
        /// Its id or address.
        workload: Reference,
        /// Its share of the emission, relative to the other weights.
        weight: u64,
    },
    /// Add tokens to the next pool of a workload: for anyone. They do not come back.
    Sponsor {
        /// Its id or address.
        workload: Reference,
        /// How many tokens.
        amount: Tokens,
        /// Token account they come from [default: the signer's associated one].
        #[arg(long, value_name = "ADDRESS")]
        from: Option<Pubkey>,
    },
}

#[derive(Clone, Debug, clap::Args)]
struct Register {
    /// Number of the new workload, of your choice: its address follows from it.
    id: u64,
    /// Its share of the emission, relative to the other weights.
    #[arg(long, value_name = "N")]
    weight: u64,
    /// SHA-256 of the model, in hexadecimal.
    #[arg(long, value_name = "SHA256")]
    model: Hash32,
    /// SHA-256 of the public description of the class, in hexadecimal [default: zero, none].
    #[arg(long, value_name = "SHA256")]
    descriptor: Option<Hash32>,
    /// Latency objective in milliseconds.
    #[arg(long, value_name = "MS")]
    latency_ms: u32,
    /// Hardware class, as the network numbers them.
    #[arg(long, value_name = "N")]
    hardware_class: u16,
    /// Verification mode, as the network numbers them.
    #[arg(long, value_name = "N", default_value_t = 0)]
    verification_mode: u8,
    /// Region, as the network numbers them; 0 for anywhere.
    #[arg(long, value_name = "N", default_value_t = ANY_REGION)]
    region: u16,
    /// Size class of requests, as the network numbers them.
    #[arg(long, value_name = "N", default_value_t = 0)]
    size_class: u16,
    /// Smallest capacity worth enrolling, in the class's unit a second: up to three decimals.
    #[arg(long, value_name = "RATE", default_value = "0", value_parser = milli)]
    min_capacity: u64,
}

/// A rate in thousandths.
pub(super) fn milli(text: &str) -> Result<u64, String> {
    parse_decimal(text, 3).ok_or_else(|| format!("\"{text}\" is no rate: expected a number as in 12.5"))
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    match args.command {
        Command::Register(args) => register(context, &network, &args).await,
        Command::List => list(context, &network).await,
        Command::Show { workload } => {
            let address = network.workload(workload);
            let workload = context.rpc().header::<Workload>(&address).await?;
            context.emit(&show(&network, address, &workload))?;
            Ok(ExitStatus::Done)
        }
        Command::SetWeight { workload, weight } => {
            let address = network.workload(workload);
            let before = context.rpc().header::<Workload>(&address).await?.weight;
            let facts =
                Record::new().text("workload", address).number("weight_before", before).number("weight", weight);
            let name = if weight == 0 { "retire the workload for good" } else { "set the workload's weight" };
            let plan = Plan::new(name).facts(facts);
            if before == weight {
                return context.execute(plan).await;
            }
            let signer = context.signer()?.pubkey();
            context
                .execute(plan.step(instructions::set_workload_weight(signer, network.address, address, weight)))
                .await
        }
        Command::Sponsor { workload, amount, from } => {
            let address = network.workload(workload);
            let units = amount.units(network.account.decimals)?;
            let signer = context.signer()?.pubkey();
            let source = network.source(from, &signer);
            let facts = Record::new().text("workload", address);
            let facts = facts.tokens("amount", units, network.account.decimals).text("from", source);
            let (at, token) = (network.address, &network.token);
            let sponsor = instructions::sponsor_workload(signer, at, address, token, source, units);
            context.execute(Plan::new("sponsor the workload").facts(facts).step(sponsor)).await
        }
    }
}

async fn register(context: &Context, network: &NetworkAccount, args: &Register) -> Result<ExitStatus, CliError> {
    let address = pda::workload(&network.address, args.id);
    if context.rpc().account(&address).await?.is_some() {
        let id = args.id;
        return Err(CliError::Usage(format!("workload {id} exists already: show it with `covctl workload show {id}`")));
    }
    let requirements = Requirements {
        model: args.model.0,
        descriptor_hash: args.descriptor.map_or([0; 32], |hash| hash.0),
        min_capacity_milli: args.min_capacity,
        latency_ms: args.latency_ms,
        size_class: args.size_class,
        hardware_class: args.hardware_class,
        region: args.region,
        verification_mode: args.verification_mode,
    };
    let facts = Record::new()
        .text("network", network.address)
        .number("id", args.id)
        .text("workload", address)
        .number("weight", args.weight)
        .with(needs(&requirements));
    let signer = context.signer()?.pubkey();
    let register = instructions::register_workload(signer, network.address, args.id, args.weight, requirements);
    let plan = Plan::new(format!("register workload {}", args.id)).facts(facts).step(register);
    let plan = plan.grows(0, account_bytes::<Workload>()).grows(0, CellAccount::space_for(0));
    context.execute(plan.grows(0, BatchLogAccount::space_for(0))).await
}

fn needs(requirements: &Requirements) -> Record {
    let region = if requirements.region == ANY_REGION { "any".to_owned() } else { requirements.region.to_string() };
    Record::new()
        .text("model", hex::encode(requirements.model))
        .text("descriptor", hex::encode(requirements.descriptor_hash))
        .number("latency_ms", requirements.latency_ms)
        .number("hardware_class", requirements.hardware_class)
        .number("verification_mode", requirements.verification_mode)
        .field("region", region, requirements.region)
        .number("size_class", requirements.size_class)
        .rate("min_capacity", requirements.min_capacity_milli)
}

/// What a workload needs, as it was registered.
pub(super) const fn requirements(workload: &Workload) -> Requirements {
    Requirements {
        model: workload.model,
        descriptor_hash: workload.descriptor_hash,
        min_capacity_milli: workload.min_capacity_milli,
        latency_ms: workload.latency_ms,
        size_class: workload.size_class,
        hardware_class: workload.hardware_class,
        region: workload.region,
        verification_mode: workload.verification_mode,
    }
}

const fn status(workload: &Workload) -> &'static str {
    if workload.status == WORKLOAD_RETIRED { "retired" } else { "active" }
}

fn show(network: &NetworkAccount, address: Pubkey, workload: &Workload) -> Record {
    let emission = network.account.config.emission;
    let total = network.account.total_weight;
    // The first step rounds down in the program, too.
    let pool = emission.checked_div(total).unwrap_or(0).saturating_mul(workload.weight_in(network.account.next_epoch));
    Record::new()
        .number("id", workload.id)
        .text("workload", address)
        .text("cell", pda::cell(&address))
        .text("status", status(workload))
        .number("weight", workload.weight)
        .number("weight_before", workload.previous_weight)
        .number("weight_epoch", workload.weight_epoch)
        .number("first_epoch", workload.first_epoch)
        .tokens("next_pool_at_most", pool, network.account.decimals)
        .with(needs(&requirements(workload)))
}

async fn list(context: &Context, network: &NetworkAccount) -> Result<ExitStatus, CliError> {
    let mut workloads = Vec::new();
    for (at, account) in context.rpc().all_of::<Workload>(&network.address, offset_of!(Workload, network)).await? {
        workloads.push((at, accounts::header::<Workload>(&at, &account.data)?));
    }
    workloads.sort_by_key(|(_, workload)| workload.id);
    let row = |(address, workload): &(Pubkey, Workload)| {
        Record::new()
            .number("id", workload.id)
            .text("workload", address)
            .text("status", status(workload))
            .number("weight", workload.weight)
            .number("latency_ms", workload.latency_ms)
            .number("hardware_class", workload.hardware_class)
    };
    context.emit(&workloads.iter().map(row).collect::<Table>())?;
    Ok(ExitStatus::Done)
}
