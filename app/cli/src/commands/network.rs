//! `covctl network`: a network, for its authority and its guardian.

use super::network_config::{ConfigArgs, difference};
use super::network_show;
use crate::amounts::{Moment, Seconds};
use crate::execute::{Plan, TOKEN_ACCOUNT_BYTES, account_bytes};
use crate::record::{Record, Table};
use crate::{CliError, Context, ExitStatus};
use anchor_lang::Discriminator;
use coverage_client::pda::Token;
use coverage_client::program::ID;
use coverage_client::program::constants::{PAUSE_ATTEST, PAUSE_ENROL, PAUSE_SETTLE};
use coverage_client::program::state::{Committee, Network};
use coverage_client::{ClientError, accounts, instructions, pda};
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_program::pubkey::Pubkey;
use solana_rpc_client_api::config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use solana_rpc_client_api::filter::{Memcmp, RpcFilterType};
use solana_signer::Signer;

const EXAMPLES: &str = "\
Examples:
  covctl network create 7 --mint MINT --emission 1000000 --min-operator-bond 1000 --min-attester-bond 5000
  covctl --network 7 network show
  covctl --network 7 network propose-config --emission 500000 --dry-run
  covctl --network 7 network pause --phase attest --for 6h";

/// Arguments of `network`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Create a network; who signs becomes its authority.
    Create(Create),
    /// Show the network: settings, treasury, epochs, what is pending.
    Show,
    /// List all networks of the program.
    List,
    /// Propose another configuration: shows what changes. It settles the epochs that begin after the delay.
    ProposeConfig(ConfigArgs),
    /// Name who may become the authority, or nobody.
    ProposeAuthority {
        /// The wallet; "none" takes the last proposal back.
        #[arg(value_name = "ADDRESS|none", value_parser = address_or_none)]
        pending: Pubkey,
    },
    /// Become the authority: who signs must have been named.
    AcceptAuthority,
    /// Name who may pause phases.
    SetGuardian {
        /// The wallet.
        #[arg(value_name = "ADDRESS")]
        guardian: Pubkey,
    },
    /// Pause phases for a while: for the guardian.
    Pause {
        /// What stops; repeat it for several.
        #[arg(long = "phase", required = true, value_enum)]
        phases: Vec<Phase>,
        /// For how long, at most a week; the next pause must wait as long again.
        #[arg(long = "for", value_name = "TIME")]
        length: Seconds,
    },
    /// End a pause: for the guardian or the authority.
    Unpause,
}

#[derive(Clone, Debug, clap::Args)]
struct Create {
    /// Number of the new network, of your choice: its address follows from it.
    id: u64,
    /// Mint of what it pays in: of SPL Token or Token-2022.
    #[arg(long, value_name = "ADDRESS")]
    mint: Pubkey,
    /// Who may pause phases [default: who signs].
    #[arg(long, value_name = "ADDRESS")]
    guardian: Option<Pubkey>,
    /// When epoch 0 begins: a date or unix seconds [default: an hour from now].
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    genesis: Option<Moment>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// What a guardian may pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Phase {
    /// Registering operators and enrolling.
    Enrol,
    /// Applying what the committee signed, and sealing.
    Attest,
    /// Sealing and settling.
    Settle,
}

impl Phase {
    const fn bit(self) -> u8 {
        match self {
            Self::Enrol => PAUSE_ENROL,
            Self::Attest => PAUSE_ATTEST,
            Self::Settle => PAUSE_SETTLE,
        }
    }
}

fn address_or_none(text: &str) -> Result<Pubkey, String> {
    match text {
        "none" => Ok(Pubkey::default()),
        _ => text.parse().map_err(|_| format!("\"{text}\" is no address in base58, nor \"none\"")),
    }
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    match args.command {
        Command::Create(args) => create(context, args).await,
        Command::Show => network_show::run(context).await,
        Command::List => list(context).await,
        Command::ProposeConfig(args) => propose_config(context, &args).await,
        Command::ProposeAuthority { pending } => {
            let (network, signer) = (context.network_address()?, context.signer()?.pubkey());
            let plan = Plan::new("propose an authority").fact("network", network).fact("pending_authority", pending);
            context.execute(plan.step(instructions::propose_authority(signer, network, pending))).await
        }
        Command::AcceptAuthority => {
            let (network, signer) = (context.network_address()?, context.signer()?.pubkey());
            let plan = Plan::new("become the authority").fact("network", network).fact("authority", signer);
            context.execute(plan.step(instructions::accept_authority(signer, network))).await
        }
        Command::SetGuardian { guardian } => {
            let (network, signer) = (context.network_address()?, context.signer()?.pubkey());
            let plan = Plan::new("set the guardian").fact("network", network).fact("guardian", guardian);
            context.execute(plan.step(instructions::set_guardian(signer, network, guardian))).await
        }
        Command::Pause { phases, length } => pause(context, &phases, length).await,
        Command::Unpause => {
            let (network, signer) = (context.network_address()?, context.signer()?.pubkey());
            let plan = Plan::new("end the pause").fact("network", network);
            context.execute(plan.step(instructions::unpause(signer, network))).await
        }
    }
}

async fn create(context: &Context, args: Create) -> Result<ExitStatus, CliError> {
    let signer = context.signer()?.pubkey();
    let address = pda::network(args.id);
    if context.rpc().account(&address).await?.is_some() {
        let id = args.id;
        return Err(CliError::Usage(format!(
            "network {id} exists already: show it with `covctl --network {id} network show`"
        )));
    }
    let (token, decimals) = mint(context, args.mint).await?;
    let config = args.config.new_config(decimals)?;
    let genesis_ts = match args.genesis {
        Some(Moment(genesis)) => genesis,
        None => context.rpc().now().await?.saturating_add(3_600),
    };
    let guardian = args.guardian.unwrap_or(signer);
    let create = instructions::create_network(signer, args.id, &token, guardian, genesis_ts, config);
    let facts = Record::new()
        .text("network", address)
        .number("id", args.id)
        .text("authority", signer)
        .text("guardian", guardian)
        .text("mint", token.mint)
        .text("token_program", token.program)
        .time("genesis_ts", genesis_ts)
        .with(network_show::config(&config, decimals));
    let plan = Plan::new(format!("create network {}", args.id)).facts(facts).step(create);
    let plan = plan.grows(0, account_bytes::<Network>()).grows(0, account_bytes::<Committee>());
    context.execute(plan.grows(0, TOKEN_ACCOUNT_BYTES)).await
}

/// A mint's token program and decimals.
async fn mint(context: &Context, mint: Pubkey) -> Result<(Token, u8), CliError> {
    /// Where both token programs keep a mint's decimals.
    const DECIMALS_AT: usize = 44;
    let account = context.rpc().require(&mint).await?;
    let not_a_mint = || CliError::Usage(format!("{mint} is no mint of SPL Token or Token-2022"));
    if account.owner != pda::TOKEN_PROGRAM && account.owner != pda::TOKEN_2022_PROGRAM {
        return Err(not_a_mint());
    }
    let decimals = account.data.get(DECIMALS_AT).copied().ok_or_else(not_a_mint)?;
    Ok((Token { mint, program: account.owner }, decimals))
}

async fn list(context: &Context) -> Result<ExitStatus, CliError> {
    let kind = RpcFilterType::Memcmp(Memcmp::new_raw_bytes(0, Network::DISCRIMINATOR.to_vec()));
    let encoding =
        RpcAccountInfoConfig { encoding: Some(UiAccountEncoding::Base64), ..RpcAccountInfoConfig::default() };
    let config = RpcProgramAccountsConfig {
        filters: Some(vec![kind]),
        account_config: encoding,
        ..RpcProgramAccountsConfig::default()
    };
    let found = context.rpc().client().get_program_ui_accounts_with_config(&ID, config).await;
    let failed = |error: solana_rpc_client_api::client_error::Error| ClientError::Rpc {
        action: "listing networks",
        reason: error.to_string(),
    };
    let mut networks = Vec::new();
    for (address, account) in found.map_err(failed)? {
        let data = account.data.decode().unwrap_or_default();
        networks.push((address, accounts::header::<Network>(&address, &data)?));
    }
    networks.sort_by_key(|(_, network)| network.id);
    let row = |(address, network): (Pubkey, Network)| {
        Record::new()
            .number("id", network.id)
            .text("network", address)
            .text("mint", network.mint)
            .tokens("treasury", network.treasury_available, network.decimals)
            .number("workloads", network.workloads)
            .number("next_epoch", network.next_epoch)
    };
    context.emit(&networks.into_iter().map(row).collect::<Table>())?;
    Ok(ExitStatus::Done)
}

async fn propose_config(context: &Context, args: &ConfigArgs) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    let account = &network.account;
    let config = args.changed(account.config, account.decimals)?;
    let changes = difference(&account.config, &config, account.decimals);
    let plan = Plan::new("propose a configuration").fact("network", network.address);
    let facts = Record::new().list("changes", changes);
    if config == account.config && account.pending_ts == 0 {
        return context.execute(plan.facts(facts)).await;
    }
    let effective_ts = context.rpc().now().await?.saturating_add_unsigned(account.config.delay_seconds);
    let facts = facts.time("effective_ts", effective_ts);
    let propose = instructions::propose_config(context.signer()?.pubkey(), network.address, config);
    context.execute(plan.facts(facts).step(propose)).await
}

async fn pause(context: &Context, phases: &[Phase], Seconds(length): Seconds) -> Result<ExitStatus, CliError> {
    let (network, signer) = (context.network_address()?, context.signer()?.pubkey());
    let bits = phases.iter().fold(0, |bits, phase| bits | phase.bit());
    let too_long = |_| CliError::Usage("a pause lasts at most a week".to_owned());
    let seconds = u32::try_from(length).map_err(too_long)?;
    let facts = Record::new().text("phases", network_show::phases(bits)).seconds("length_seconds", length);
    let plan = Plan::new("pause").fact("network", network).facts(facts);
    context.execute(plan.step(instructions::pause(signer, network, bits, seconds))).await
}
