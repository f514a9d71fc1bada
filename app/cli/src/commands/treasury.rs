//! `covctl treasury`: what epochs are paid from.

use crate::amounts::Tokens;
use crate::execute::Plan;
use crate::record::Record;
use crate::{CliError, Context, ExitStatus};
use coverage_client::instructions;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;

/// Arguments of `treasury`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Command {
    /// Move tokens to the treasury. They do not come back.
    Fund {
        /// How many tokens.
        amount: Tokens,
        /// Token account they come from [default: the signer's associated one].
        #[arg(long, value_name = "ADDRESS")]
        from: Option<Pubkey>,
    },
    /// Show what the treasury has, and for how many epochs that is enough.
    Show,
}

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context, args: Args) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    let decimals = network.account.decimals;
    match args.command {
        Command::Fund { amount, from } => {
            let units = amount.units(decimals)?;
            let signer = context.signer()?.pubkey();
            let source = network.source(from, &signer);
            let fund = instructions::fund_treasury(signer, network.address, &network.token, source, units);
            let facts = Record::new().tokens("amount", units, decimals).text("from", source);
            context
                .execute(Plan::new("fund the treasury").fact("network", network.address).facts(facts).step(fund))
                .await
        }
        Command::Show => {
            let account = &network.account;
            let epochs = account.treasury_available.checked_div(account.config.emission);
            let record = Record::new()
                .text("network", network.address)
                .tokens("treasury", account.treasury_available, decimals)
                .tokens("emission", account.config.emission, decimals)
                .optional_number("epochs_left", epochs)
                .number("next_epoch", account.next_epoch);
            context.emit(&record)?;
            Ok(ExitStatus::Done)
        }
    }
}
