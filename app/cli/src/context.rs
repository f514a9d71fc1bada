//! What a command works with, resolved once: the cluster, the network, the signer, and where results go.

use crate::args::{Cluster, Output};
use crate::output;
use crate::reference::Reference;
use crate::solana_config::{self, SolanaConfig};
use crate::{CliError, Progress};
use coverage_client::pda::{self, Token};
use coverage_client::program::state::Network;
use coverage_client::rpc::{PriorityFee, Rpc, Sender, Settings, Snapshot};
use ed25519_dalek::SigningKey;
use serde::Serialize;
use solana_commitment_config::CommitmentConfig;
use solana_program::pubkey::Pubkey;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_signer::Signer;
use std::fmt;
use std::sync::Arc;

/// Somebody who signs: a keypair file today.
pub type AnySigner = Arc<dyn Signer + Send + Sync>;

/// A command's surroundings. Nothing is read from the cluster, and no key from its file, before a command asks for it.
pub struct Context {
    rpc: Rpc,
    url: String,
    network: Option<Reference>,
    keypair: String,
    fee_payer: Option<String>,
    priority_fee: Option<u64>,
    output: Output,
    dry_run: bool,
    yes: bool,
    verbose: u8,
}

/// A network with its account, as the cluster has it.
#[derive(Clone, Copy)]
pub struct NetworkAccount {
    /// Its address.
    pub address: Pubkey,
    /// Its account.
    pub account: Network,
    /// What it pays in.
    pub token: Token,
}

impl Context {
    /// Puts options, environment and Solana's configuration file together, in this order of precedence.
    ///
    /// # Errors
    /// [`CliError::Usage`] for a URL or commitment that is none; [`CliError::Read`] and [`CliError::SolanaConfig`] for a
    /// configuration file that cannot be read.
    pub fn resolve(options: &Cluster, output: Output) -> Result<Self, CliError> {
        let file = SolanaConfig::load(options.config.as_deref())?;
        let url = solana_config::url(options.url.as_deref().unwrap_or(&file.json_rpc_url))?;
        let commitment = match options.commitment {
            Some(commitment) => commitment.into(),
            None => file.commitment()?,
        };
        let client = RpcClient::new_with_commitment(url.clone(), CommitmentConfig { commitment });
        Ok(Self {
            rpc: Rpc::over(client),
            url,
            network: options.network,
            keypair: options.keypair.clone().unwrap_or(file.keypair_path),
            fee_payer: options.fee_payer.clone(),
            priority_fee: options.priority_fee,
            output,
            dry_run: options.dry_run,
            yes: options.yes,
            verbose: options.verbose,
        })
    }

    /// The cluster.
    #[must_use]
    pub const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// The cluster's URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How results are printed.
    #[must_use]
    pub const fn output(&self) -> Output {
        self.output
    }

    /// Whether nothing is to be sent, only simulated.
    #[must_use]
    pub const fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// Whether to send without asking.
    #[must_use]
    pub const fn yes(&self) -> bool {
        self.yes
    }

    /// How often `-v` was given.
    #[must_use]
    pub const fn verbose(&self) -> u8 {
        self.verbose
    }

    /// Talk on standard error.
    #[must_use]
    pub fn progress(&self) -> Progress {
        Progress::stderr()
    }

    /// Who acts.
    ///
    /// # Errors
    /// [`CliError::Keypair`] if its file is not there or holds no keypair.
    pub fn signer(&self) -> Result<AnySigner, CliError> {
        solana_config::signer(&self.keypair)
    }

    /// The key of who acts, for what is signed beside transactions.
    ///
    /// # Errors
    /// As [`Self::signer`].
    pub fn signing_key(&self) -> Result<SigningKey, CliError> {
        Ok(SigningKey::from_bytes(solana_config::keypair(&self.keypair)?.secret_bytes()))
    }

    /// Who pays fees: the signer, unless `--fee-payer` names another.
    ///
    /// # Errors
    /// As [`Self::signer`].
    pub fn fee_payer(&self) -> Result<AnySigner, CliError> {
        solana_config::signer(self.fee_payer.as_ref().unwrap_or(&self.keypair))
    }

    /// Sends what the signer signs, and the fee payer pays for.
    ///
    /// # Errors
    /// As [`Self::signer`].
    pub fn sender(&self) -> Result<Sender, CliError> {
        let priority_fee = self.priority_fee.map_or(PriorityFee::None, PriorityFee::Fixed);
        let sender = Sender::new(self.rpc.clone(), self.fee_payer()?).with_signer(self.signer()?);
        Ok(sender.with_settings(Settings { priority_fee, ..Settings::default() }))
    }

    /// The address of the network asked for.
    ///
    /// # Errors
    /// [`CliError::NoNetwork`] if none was.
    pub fn network_address(&self) -> Result<Pubkey, CliError> {
        self.network.map(|network| network.resolve(pda::network)).ok_or(CliError::NoNetwork)
    }

    /// The network asked for.
    ///
    /// # Errors
    /// As [`Self::network_address`]; [`CliError::Client`] if it is not there or no network.
    pub async fn network(&self) -> Result<NetworkAccount, CliError> {
        let address = self.network_address()?;
        let account = self.rpc.header::<Network>(&address).await?;
        Ok(NetworkAccount { address, account, token: Token::from(&account) })
    }

    /// The network asked for with all its accounts.
    ///
    /// # Errors
    /// As [`Self::network`].
    pub async fn snapshot(&self) -> Result<Snapshot, CliError> {
        Ok(Snapshot::fetch(&self.rpc, &self.network_address()?).await?)
    }

    /// Prints the result of a command on standard output: as its text, or as one JSON document.
    ///
    /// # Errors
    /// [`CliError::Stdout`] and [`CliError::Encode`].
    pub fn emit(&self, result: &(impl Serialize + fmt::Display)) -> Result<(), CliError> {
        match self.output {
            Output::Text => output::print(&result.to_string()),
            Output::Json => output::print(&output::json(result)?),
        }
    }
}

impl NetworkAccount {
    /// The token account that tokens come from: the one named, or the wallet's associated one.
    #[must_use]
    pub fn source(&self, named: Option<Pubkey>, wallet: &Pubkey) -> Pubkey {
        named.unwrap_or_else(|| pda::token_account(wallet, &self.token))
    }

    /// The workload of a number or address.
    #[must_use]
    pub fn workload(&self, workload: Reference) -> Pubkey {
        workload.resolve(|id| pda::workload(&self.address, id))
    }
}
