//! A network's configuration as flags or a file give it, and what changes by it.

use super::network_show;
use crate::CliError;
use crate::amounts::{Seconds, Tokens};
use crate::record::{Record, Table};
use coverage_client::math::semivalue::Rule;
use coverage_client::program::state::Config;
use serde::Deserialize;
use std::path::PathBuf;

const DAY: u64 = 86_400;

/// What a new network has unless told otherwise. Amounts have no default: they depend on what the token is worth.
const DEFAULT: Config = Config {
    epoch_seconds: DAY,
    grace_seconds: DAY / 12,
    challenge_seconds: DAY / 4,
    delay_seconds: 2 * DAY,
    emission: 0,
    min_operator_bond: 0,
    min_attester_bond: 0,
    z_milli: 1_645,
    breach_bps: 200,
    slash_bps: 5_000,
    quorum_bps: 6_667,
    carry_cap_epochs: 4,
    challenger_bps: 2_500,
    rule: Rule::Shapley as u8,
    reserved: 0,
};

/// A configuration, all of it optional: what is not given stays as it is.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ConfigArgs {
    /// Take settings from this file (TOML, the names as here with underscores); options override it.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

/// The settings, as options and in a file.
#[derive(Clone, Debug, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[command(next_help_heading = "Configuration")]
struct Settings {
    /// Length of an epoch [default: 1day]. Fixed for the life of a network.
    #[arg(long, value_name = "TIME")]
    epoch: Option<Seconds>,
    /// Time after an epoch's end before its cells may be sealed [default: 2h].
    #[arg(long, value_name = "TIME")]
    grace: Option<Seconds>,
    /// Time after sealing in which batches may be challenged [default: 6h].
    #[arg(long, value_name = "TIME")]
    challenge: Option<Seconds>,
    /// Time from proposing a configuration to its taking effect [default: 2days].
    #[arg(long, value_name = "TIME")]
    delay: Option<Seconds>,
    /// Tokens paid to all workloads together in one epoch.
    #[arg(long, value_name = "TOKENS")]
    emission: Option<Tokens>,
    /// Smallest bond of an operator.
    #[arg(long, value_name = "TOKENS")]
    min_operator_bond: Option<Tokens>,
    /// Smallest bond of an attester.
    #[arg(long, value_name = "TOKENS")]
    min_attester_bond: Option<Tokens>,
    /// Confidence of the Wilson bound, in thousandths of a standard deviation [default: 1645, one-sided 95 %].
    #[arg(long, value_name = "N")]
    z_milli: Option<u32>,
    /// Verification failures that void a slot's evidence, in ten-thousandths of its attempts [default: 200].
    #[arg(long, value_name = "BPS")]
    breach_bps: Option<u16>,
    /// Part of a bond that a proven fraud costs, in ten-thousandths [default: 5000].
    #[arg(long, value_name = "BPS")]
    slash_bps: Option<u16>,
    /// Committee weight that endorsements must exceed, in ten-thousandths [default: 6667].
    #[arg(long, value_name = "BPS")]
    quorum_bps: Option<u16>,
    /// Most epochs' worth of its pool that a workload may carry over [default: 4].
    #[arg(long, value_name = "N")]
    carry_cap_epochs: Option<u16>,
    /// Part of what is slashed for a false batch that goes to who proved it, in ten-thousandths [default: 2500].
    #[arg(long, value_name = "BPS")]
    challenger_bps: Option<u16>,
    /// What shares pools [default: shapley].
    #[arg(long, value_enum)]
    rule: Option<RuleName>,
}

/// A [`Rule`] by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RuleName {
    /// Averaged over every order in which domains could have come.
    Shapley,
    /// Averaged over every set of others.
    Banzhaf,
    /// What would be lost without the domain.
    LastIn,
}

impl From<RuleName> for Rule {
    fn from(name: RuleName) -> Self {
        match name {
            RuleName::Shapley => Self::Shapley,
            RuleName::Banzhaf => Self::Banzhaf,
            RuleName::LastIn => Self::LastIn,
        }
    }
}

impl ConfigArgs {
    /// The configuration of a new network.
    ///
    /// # Errors
    /// As [`Self::changed`]; [`CliError::Usage`] without one of the amounts that have no default.
    pub fn new_config(&self, decimals: u8) -> Result<Config, CliError> {
        let config = self.changed(DEFAULT, decimals)?;
        for (name, units) in
            [("min-operator-bond", config.min_operator_bond), ("min-attester-bond", config.min_attester_bond)]
        {
            if units == 0 {
                return Err(CliError::Usage(format!("a network needs --{name}, more than 0 tokens")));
            }
        }
        Ok(config)
    }

    /// `config` with what the file says, and what the options say on top of that.
    ///
    /// # Errors
    /// [`CliError::Read`] and [`CliError::File`] for the file; [`CliError::Usage`] for amounts the mint does not have.
    pub fn changed(&self, mut config: Config, decimals: u8) -> Result<Config, CliError> {
        if let Some(path) = &self.file {
            let text = std::fs::read_to_string(path).map_err(|error| CliError::Read { path: path.clone(), error })?;
            let wrong = |error: toml::de::Error| CliError::File { path: path.clone(), reason: error.to_string() };
            let settings: Settings = toml::from_str(&text).map_err(wrong)?;
            settings.apply(&mut config, decimals)?;
        }
        self.settings.apply(&mut config, decimals)?;
        Ok(config)
    }
}

impl Settings {
    fn apply(&self, config: &mut Config, decimals: u8) -> Result<(), CliError> {
        fn set<T>(field: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *field = value;
            }
        }
        let units = |tokens: &Option<Tokens>| tokens.as_ref().map(|tokens| tokens.units(decimals)).transpose();
        set(&mut config.epoch_seconds, self.epoch.map(|Seconds(seconds)| seconds));
        set(&mut config.grace_seconds, self.grace.map(|Seconds(seconds)| seconds));
        set(&mut config.challenge_seconds, self.challenge.map(|Seconds(seconds)| seconds));
        set(&mut config.delay_seconds, self.delay.map(|Seconds(seconds)| seconds));
        set(&mut config.emission, units(&self.emission)?);
        set(&mut config.min_operator_bond, units(&self.min_operator_bond)?);
        set(&mut config.min_attester_bond, units(&self.min_attester_bond)?);
        set(&mut config.z_milli, self.z_milli);
        set(&mut config.breach_bps, self.breach_bps);
        set(&mut config.slash_bps, self.slash_bps);
        set(&mut config.quorum_bps, self.quorum_bps);
        set(&mut config.carry_cap_epochs, self.carry_cap_epochs);
        set(&mut config.challenger_bps, self.challenger_bps);
        set(&mut config.rule, self.rule.map(|rule| Rule::from(rule) as u8));
        Ok(())
    }
}

/// What differs between two configurations, a row each: old and new.
pub fn difference(old: &Config, new: &Config, decimals: u8) -> Table {
    let (old, new) = (network_show::config(old, decimals), network_show::config(new, decimals));
    let changed = old.differences(&new).into_iter();
    changed.map(|(name, old, new)| Record::new().text("setting", name).text("old", old).text("new", new)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Arguments that name a file with this text, which is gone when the folder is dropped.
    fn file(text: &str) -> (tempfile::TempDir, ConfigArgs) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        (folder, ConfigArgs { file: Some(path), settings: Settings::default() })
    }

    #[test]
    fn options_override_the_file_and_the_file_the_network() {
        let (_folder, mut args) =
            file("epoch = \"1h\"\ngrace = 90\nemission = \"12.5\"\nmin_operator_bond = 3\nrule = \"last-in\"\n");
        args.settings.grace = Some(Seconds(60));
        let config = args.changed(DEFAULT, 6).unwrap();
        let expected = Config {
            epoch_seconds: 3_600,
            grace_seconds: 60,
            emission: 12_500_000,
            min_operator_bond: 3_000_000,
            rule: Rule::LastIn as u8,
            ..DEFAULT
        };
        assert_eq!(config, expected);
        let missing = args.new_config(6).unwrap_err().to_string();
        assert_eq!(missing, "a network needs --min-attester-bond, more than 0 tokens");
        let changes = difference(&DEFAULT, &Config { quorum_bps: 7_500, emission: 1, ..DEFAULT }, 6);
        assert_eq!(
            changes.to_string(),
            "setting   old      new\nemission  0        0.000001\nquorum    66.67 %  75 %\n"
        );
    }

    #[test]
    fn a_wrong_file_is_named_with_the_place_in_it() {
        let (_folder, args) = file("epoh = 1\n");
        let error = args.changed(DEFAULT, 6).unwrap_err().to_string();
        assert!(
            error.contains(".toml: TOML parse error at line 1") && error.contains("unknown field `epoh`"),
            "{error}"
        );
    }
}
