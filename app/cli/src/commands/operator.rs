//! `covctl operator`: operators and their bonds.

use super::operator_domain;
use crate::amounts::Tokens;
use crate::context::NetworkAccount;
use crate::execute::{Plan, account_bytes};
use crate::record::{Record, Table};
use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus};
use coverage_client::program::state::Operator;
use coverage_client::{accounts, instructions, pda};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::mem::offset_of;

const EXAMPLES: &str = "\
Examples:
  covctl --network 7 operator register --bond 1000
  covctl --network 7 operator bond add 250
  covctl --network 7 operator bond unbond 100
  covctl --network 7 operator show
  covctl --network 7 operator domain WALLET 12 --attester a.json --attester b.json

An operator is named by its wallet or its account; without a name it is the signer's.";

/// Arguments of `operator`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Register the signer as an operator, with its bond.
    Register {
        /// The bond in tokens.
        #[arg(long, value_name = "TOKENS")]
        bond: Tokens,
        /// Wallet whose token account rewards go to, for good [default: the signer].
        #[arg(long, value_name = "ADDRESS")]
        payout: Option<Pubkey>,
        /// Token account the bond comes from [default: the signer's associated one].
        #[arg(long, value_name = "ADDRESS")]
        from: Option<Pubkey>,
    },
    /// Show an operator.
    Show {
        /// Its wallet or account [default: the signer's].
        operator: Option<Pubkey>,
    },
    /// List all operators.
    List,
    /// Close the signer's operator, which must have no slots and no bond; its rent comes back.
    Retire,
    /// Change an operator's bond.
    #[command(subcommand)]
    Bond(Bond),
    /// Slash an operator for settled verification breaches: for anyone.
    Slash {
        /// Its wallet or account.
        operator: Pubkey,
        /// The workload in whose cell it has the slot.
        workload: Reference,
    },
    /// Apply what the committee signed of an operator's failure domain: for anyone.
    Domain(operator_domain::Args),
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Bond {
    /// Add tokens to the signer's bond.
    Add {
        /// How many tokens.
        amount: Tokens,
        /// Token account they come from [default: the signer's associated one].
        #[arg(long, value_name = "ADDRESS")]
        from: Option<Pubkey>,
    },
    /// Send part of the signer's bond on its way out.
    Unbond {
        /// How many tokens.
        amount: Tokens,
    },
    /// Pay what is on its way out to the operator's wallet, when its time has come: for anyone.
    Withdraw {
        /// Its wallet or account [default: the signer's].
        operator: Option<Pubkey>,
    },
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    match args.command {
        Command::Register { bond, payout, from } => register(context, &network, &bond, payout, from).await,
        Command::Show { operator } => {
            let (address, operator) = find(context, &network, operator).await?;
            context.emit(&show(&network, address, &operator))?;
            Ok(ExitStatus::Done)
        }
        Command::List => list(context, &network).await,
        Command::Retire => {
            let wallet = context.signer()?.pubkey();
            let (address, _) = find(context, &network, Some(wallet)).await?;
            let retire = instructions::retire_operator(wallet, network.address);
            context.execute(Plan::new("retire the operator").fact("operator", address).step(retire)).await
        }
        Command::Bond(bond) => run_bond(context, &network, bond).await,
        Command::Slash { operator, workload } => slash(context, &network, operator, workload).await,
        Command::Domain(args) => operator_domain::run(context, &network, args).await,
    }
}

/// The operator of a wallet, or at an address; of the signer, if neither is given.
///
/// # Errors
/// [`CliError::Usage`] if there is none.
pub(super) async fn find(
    context: &Context,
    network: &NetworkAccount,
    named: Option<Pubkey>,
) -> Result<(Pubkey, Operator), CliError> {
    let named = match named {
        Some(named) => named,
        None => context.signer()?.pubkey(),
    };
    let of_wallet = pda::operator(&network.address, &named);
    let found = context.rpc().accounts(&[of_wallet, named]).await?;
    for (address, account) in [of_wallet, named].into_iter().zip(found) {
        let operator = account.and_then(|account| accounts::header::<Operator>(&address, &account.data).ok());
        if let Some(operator) = operator.filter(|operator| operator.network == network.address) {
            return Ok((address, operator));
        }
    }
    let register = "register one with `covctl operator register`";
    Err(CliError::Usage(format!("{named} has no operator in this network, nor is it one: {register}")))
}

async fn register(
    context: &Context,
    network: &NetworkAccount,
    bond: &Tokens,
    payout: Option<Pubkey>,
    from: Option<Pubkey>,
) -> Result<ExitStatus, CliError> {
    let wallet = context.signer()?.pubkey();
    let address = pda::operator(&network.address, &wallet);
    if context.rpc().account(&address).await?.is_some() {
        return Err(CliError::Usage(format!("{wallet} is an operator already: see `covctl operator show`")));
    }
    let (decimals, least) = (network.account.decimals, network.account.config.min_operator_bond);
    let units = bond.units(decimals)?;
    if units < least {
        let least = crate::amounts::tokens(least, decimals);
        return Err(CliError::Usage(format!("the bond must be at least {least} tokens")));
    }
    let payout = payout.unwrap_or(wallet);
    let source = network.source(from, &wallet);
    let facts = Record::new()
        .text("network", network.address)
        .text("operator", address)
        .text("wallet", wallet)
        .text("payout", payout)
        .tokens("bond", units, decimals)
        .text("from", source);
    let register = instructions::register_operator(wallet, network.address, &network.token, source, payout, units);
    let plan = Plan::new("register an operator").facts(facts).step(register);
    context.execute(plan.grows(0, account_bytes::<Operator>())).await
}

fn show(network: &NetworkAccount, address: Pubkey, operator: &Operator) -> Record {
    let decimals = network.account.decimals;
    let committed = operator.capability_count > 0;
    Record::new()
        .text("operator", address)
        .text("wallet", operator.wallet)
        .text("payout", operator.payout)
        .tokens("bond", operator.bond.active(), decimals)
        .tokens("unbonding", operator.bond.unbonding, decimals)
        .time("withdrawable_ts", operator.bond.withdrawable_ts)
        .field("domain", domain(operator.domain), operator.domain)
        .number("domain_version", operator.domain_version)
        .optional("capability_root", committed.then(|| hex::encode(operator.capability_root)))
        .number("capabilities", operator.capability_count)
        .number("capability_epoch", operator.capability_epoch)
        .number("cells", operator.cells)
        .tokens("claimed", operator.claimed, decimals)
}

/// A failure domain in words.
pub(super) fn domain(domain: u32) -> String {
    if domain == 0 { "unattested".to_owned() } else { domain.to_string() }
}

async fn list(context: &Context, network: &NetworkAccount) -> Result<ExitStatus, CliError> {
    let mut operators = Vec::new();
    for (at, account) in context.rpc().all_of::<Operator>(&network.address, offset_of!(Operator, network)).await? {
        operators.push((at, accounts::header::<Operator>(&at, &account.data)?));
    }
    operators.sort_by_key(|(at, operator)| (operator.domain, *at));
    let row = |(at, operator): &(Pubkey, Operator)| {
        Record::new()
            .text("operator", at)
            .text("wallet", operator.wallet)
            .field("domain", domain(operator.domain), operator.domain)
            .tokens("bond", operator.bond.active(), network.account.decimals)
            .number("cells", operator.cells)
            .tokens("claimed", operator.claimed, network.account.decimals)
    };
    context.emit(&operators.iter().map(row).collect::<Table>())?;
    Ok(ExitStatus::Done)
}

async fn run_bond(context: &Context, network: &NetworkAccount, bond: Bond) -> Result<ExitStatus, CliError> {
    let decimals = network.account.decimals;
    let signer = context.signer()?.pubkey();
    match bond {
        Bond::Add { amount, from } => {
            let (address, _) = find(context, network, Some(signer)).await?;
            let units = amount.units(decimals)?;
            let source = network.source(from, &signer);
            let facts = Record::new().text("operator", address).tokens("amount", units, decimals).text("from", source);
            let add = instructions::add_bond(signer, network.address, &network.token, source, units);
            context.execute(Plan::new("add to the bond").facts(facts).step(add)).await
        }
        Bond::Unbond { amount } => {
            let (address, _) = find(context, network, Some(signer)).await?;
            let units = amount.units(decimals)?;
            let now = context.rpc().now().await?;
            let withdrawable = network.account.withdrawable_ts(now).ok();
            let facts = Record::new().text("operator", address).tokens("amount", units, decimals);
            let facts = withdrawable.iter().fold(facts, |facts, at| facts.time("withdrawable_ts", *at));
            let unbond = instructions::unbond(signer, network.address, units);
            context.execute(Plan::new("unbond").facts(facts).step(unbond)).await
        }
        Bond::Withdraw { operator } => {
            let (address, operator) = find(context, network, operator).await?;
            let facts = Record::new()
                .text("operator", address)
                .tokens("amount", operator.bond.unbonding, decimals)
                .text("to", pda::token_account(&operator.wallet, &network.token));
            let plan = Plan::new("withdraw the bond").facts(facts);
            if operator.bond.unbonding == 0 {
                return context.execute(plan).await;
            }
            let withdraw = instructions::withdraw_bond(signer, network.address, &network.token, operator.wallet);
            context.execute(plan.step(withdraw)).await
        }
    }
}

async fn slash(
    context: &Context,
    network: &NetworkAccount,
    operator: Pubkey,
    workload: Reference,
) -> Result<ExitStatus, CliError> {
    let (address, operator) = find(context, network, Some(operator)).await?;
    let workload = network.workload(workload);
    let (number, slot) = super::cell::slot_of(context, workload, address).await?;
    let units = coverage_client::program::state::part_of(operator.bond.units, slot.owed_slash_bps);
    let facts = Record::new()
        .text("operator", address)
        .text("workload", workload)
        .number("slot", number)
        .bps("slash_bps", slot.owed_slash_bps)
        .tokens("amount", units, network.account.decimals);
    let plan = Plan::new("slash the operator").facts(facts);
    if slot.owed_slash_bps == 0 {
        return context.execute(plan).await;
    }
    context.execute(plan.step(instructions::slash_operator(network.address, address, workload, number))).await
}
