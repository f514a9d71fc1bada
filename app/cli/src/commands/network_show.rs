//! `covctl network show`.

use crate::record::Record;
use crate::{CliError, Context, ExitStatus};
use coverage_client::math::semivalue::Rule;
use coverage_client::pda;
use coverage_client::program::constants::{PAUSE_ATTEST, PAUSE_ENROL, PAUSE_SETTLE};
use coverage_client::program::state::Config;
use solana_program::pubkey::Pubkey;

/// Runs the command.
///
/// # Errors
/// [`CliError`], in words a user can act on.
pub async fn run(context: &Context) -> Result<ExitStatus, CliError> {
    let network = context.network().await?;
    let account = &network.account;
    let now = context.rpc().now().await?;
    let decimals = account.decimals;
    let paused = if now < account.paused_until_ts { account.paused } else { 0 };
    let pending = Some(account.pending_authority).filter(|pending| *pending != Pubkey::default());
    let mut record = Record::new()
        .text("network", network.address)
        .number("id", account.id)
        .text("authority", account.authority)
        .optional("pending_authority", pending)
        .text("guardian", account.guardian)
        .text("mint", account.mint)
        .number("decimals", decimals)
        .text("token_program", account.token_program)
        .text("vault", pda::vault(&network.address))
        .time("genesis_ts", account.genesis_ts)
        .optional_number("epoch_in_progress", account.epoch_at(now))
        .number("next_epoch", account.next_epoch)
        .number("workloads", account.workloads)
        .number("total_weight", account.total_weight)
        .number("operators_registered", account.operators)
        .tokens("treasury", account.treasury_available, decimals)
        .tokens("operator_bonds", account.operator_bonds, decimals)
        .tokens("attester_bonds", account.attester_bonds, decimals)
        .text("paused", phases(paused))
        .number("config_version", account.config_version)
        .with(config(&account.config, decimals));
    if account.pending_ts != 0 {
        let changes = super::network_config::difference(&account.config, &account.pending_config, decimals);
        record = record.time("pending_ts", account.pending_ts).list("pending_changes", changes);
    }
    context.emit(&record)?;
    Ok(ExitStatus::Done)
}

/// A configuration.
pub fn config(config: &Config, decimals: u8) -> Record {
    let rule = Rule::from_index(config.rule).map_or("unknown", |rule| match rule {
        Rule::Shapley => "shapley",
        Rule::Banzhaf => "banzhaf",
        Rule::LastIn => "last-in",
    });
    Record::new()
        .seconds("epoch_seconds", config.epoch_seconds)
        .seconds("grace_seconds", config.grace_seconds)
        .seconds("challenge_seconds", config.challenge_seconds)
        .seconds("delay_seconds", config.delay_seconds)
        .tokens("emission", config.emission, decimals)
        .tokens("min_operator_bond", config.min_operator_bond, decimals)
        .tokens("min_attester_bond", config.min_attester_bond, decimals)
        .number("z_milli", config.z_milli)
        .bps("breach_bps", config.breach_bps)
        .bps("slash_bps", config.slash_bps)
        .bps("quorum_bps", config.quorum_bps)
        .number("carry_cap_epochs", config.carry_cap_epochs)
        .bps("challenger_bps", config.challenger_bps)
        .text("rule", rule)
}

/// The names of paused phases.
pub fn phases(bits: u8) -> String {
    let names = [(PAUSE_ENROL, "enrol"), (PAUSE_ATTEST, "attest"), (PAUSE_SETTLE, "settle")];
    let set: Vec<&str> = names.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| name).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(", ") }
}
