//! `covctl committee`: the attesters, for the authority and for themselves.

use crate::amounts::Tokens;
use crate::context::NetworkAccount;
use crate::execute::Plan;
use crate::record::{Record, Table};
use crate::reference::Reference;
use crate::{CliError, Context, ExitStatus};
use coverage_client::instructions::{self, MEMBERS_A_TRANSACTION};
use coverage_client::pda;
use coverage_client::program::state::{Attester, Committee, Member};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::str::FromStr;

const EXAMPLES: &str = "\
Examples:
  covctl --network 7 committee set 0:9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin:100
  covctl --network 7 committee bond 0 5000
  covctl --network 7 -k attester.json committee unbond 0 1000
  covctl --network 7 committee withdraw 0

An attester is named by its place in the committee or by its key.";

/// Arguments of `committee`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Show the attesters with their weights and bonds.
    Show,
    /// Give places keys and weights: for the authority. Voids what is half signed.
    Set {
        /// Place (0 to 63), Ed25519 key and weight; weight 0 takes the attester out.
        #[arg(value_name = "PLACE:KEY:WEIGHT", required = true)]
        members: Vec<MemberArg>,
    },
    /// Add to an attester's bond: for anyone.
    Bond {
        /// Its place or key.
        attester: Reference,
        /// How many tokens.
        amount: Tokens,
        /// Token account they come from [default: the signer's associated one].
        #[arg(long, value_name = "ADDRESS")]
        from: Option<Pubkey>,
    },
    /// Send part of an attester's bond on its way out: for its key, or the authority if it has no weight.
    Unbond {
        /// Its place or key.
        attester: Reference,
        /// How many tokens.
        amount: Tokens,
    },
    /// Pay out what of an attester's bond is on its way, to its key's token account: for anyone.
    Withdraw {
        /// Its place or key.
        attester: Reference,
    },
}

/// A place with who is to have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MemberArg(Member);

impl FromStr for MemberArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (place, rest) = text.split_once(':')?;
            let (key, weight) = rest.split_once(':')?;
            let key: Pubkey = key.parse().ok()?;
            Some(Member { place: place.parse().ok()?, key, weight: weight.parse().ok()? })
        };
        parse().map(Self).ok_or_else(|| format!("\"{text}\" is no member: expected PLACE:KEY:WEIGHT"))
    }
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    let committee: Committee = context.rpc().header(&pda::committee(&network.address)).await?;
    match args.command {
        Command::Show => show(context, &network, &committee),
        Command::Set { members } => set(context, &network, &committee, members).await,
        Command::Bond { attester, amount, from } => {
            let (place, attester) = find(&committee, attester)?;
            let units = amount.units(network.account.decimals)?;
            let signer = context.signer()?.pubkey();
            let source = network.source(from, &signer);
            let facts = moved(&network, place, attester, units).text("from", source);
            let bond = instructions::add_attester_bond(signer, network.address, &network.token, source, place, units);
            context.execute(Plan::new("bond an attester").facts(facts).step(bond)).await
        }
        Command::Unbond { attester, amount } => {
            let (place, attester) = find(&committee, attester)?;
            let units = amount.units(network.account.decimals)?;
            let unbond = instructions::unbond_attester(context.signer()?.pubkey(), network.address, place, units);
            let facts = moved(&network, place, attester, units);
            context.execute(Plan::new("unbond an attester").facts(facts).step(unbond)).await
        }
        Command::Withdraw { attester } => {
            let (place, attester) = find(&committee, attester)?;
            let plan = Plan::new("withdraw an attester's bond");
            let plan = plan.facts(moved(&network, place, attester, attester.bond.unbonding));
            if attester.bond.unbonding == 0 {
                return context.execute(plan).await;
            }
            let (signer, key) = (context.signer()?.pubkey(), attester.key);
            let withdraw = instructions::withdraw_attester_bond(signer, network.address, &network.token, key, place);
            let to = pda::token_account(&key, &network.token);
            context.execute(plan.fact("to", to).step(withdraw)).await
        }
    }
}

/// The attester in a place, or with a key.
fn find(committee: &Committee, wanted: Reference) -> Result<(u8, &Attester), CliError> {
    let is = |(place, attester): &(u8, &Attester)| match wanted {
        Reference::Id(number) => u64::from(*place) == number && attester.key != Pubkey::default(),
        Reference::Address(key) => attester.key == key,
    };
    let missing = || CliError::Usage(format!("there is no attester {wanted}: see `covctl committee show`"));
    (0u8..).zip(committee.places()).find(is).ok_or_else(missing)
}

fn moved(network: &NetworkAccount, place: u8, attester: &Attester, units: u64) -> Record {
    let record = Record::new().text("network", network.address).number("place", place).text("attester", attester.key);
    record.tokens("amount", units, network.account.decimals)
}

fn show(context: &Context, network: &NetworkAccount, committee: &Committee) -> Result<ExitStatus, CliError> {
    let decimals = network.account.decimals;
    let places = (0u8..).zip(committee.places()).filter(|(_, attester)| attester.key != Pubkey::default());
    let row = |(place, attester): (u8, &Attester)| {
        let bonded = attester.bond.active() >= network.account.config.min_attester_bond;
        let counts = if attester.weight > 0 && bonded { "yes" } else { "no" };
        Record::new()
            .number("place", place)
            .text("attester", attester.key)
            .number("weight", attester.weight)
            .tokens("bond", attester.bond.active(), decimals)
            .tokens("unbonding", attester.bond.unbonding, decimals)
            .time("withdrawable_ts", attester.bond.withdrawable_ts)
            .text("counts", counts)
    };
    let record = Record::new()
        .text("committee", pda::committee(&network.address))
        .number("generation", committee.generation)
        .number("total_weight", committee.total_weight)
        .bps("quorum_bps", network.account.config.quorum_bps)
        .tokens("min_attester_bond", network.account.config.min_attester_bond, decimals)
        .list("attesters", places.map(row).collect());
    context.emit(&record)?;
    Ok(ExitStatus::Done)
}

async fn set(
    context: &Context,
    network: &NetworkAccount,
    committee: &Committee,
    members: Vec<MemberArg>,
) -> Result<ExitStatus, CliError> {
    // Every change voids what is half signed, so what is as it should be is left alone.
    let as_is = |member: &Member| {
        let attester = committee.places().get(usize::from(member.place));
        attester.is_some_and(|attester| (attester.key, attester.weight) == (member.key, member.weight))
    };
    let members: Vec<Member> =
        members.into_iter().map(|MemberArg(member)| member).filter(|member| !as_is(member)).collect();
    let row = |member: &Member| {
        Record::new().number("place", member.place).text("attester", member.key).number("weight", member.weight)
    };
    let changes: Table = members.iter().map(row).collect();
    let plan = Plan::new("change the committee").fact("network", network.address);
    let mut plan = plan.facts(Record::new().list("members", changes));
    let signer = context.signer()?.pubkey();
    for chunk in members.chunks(MEMBERS_A_TRANSACTION) {
        plan = plan.step(instructions::update_committee(signer, network.address, chunk.to_vec()));
    }
    context.execute(plan).await
}
