//! Reading a cluster and sending to it: any Solana RPC endpoint, or the embedded chain through the same [`RpcClient`].

mod blocking;
mod events;
pub mod features;
mod sender;
mod snapshot;

pub use blocking::Blocking;
pub use sender::{
    Format, Incomplete, Journal, LEGACY_BYTES, MARGIN_PERCENT, Outcome, PriorityFee, Sender, Sent, Settings, Signed,
    Simulation,
};
pub use snapshot::{OperatorState, Snapshot, WorkloadState};

use crate::chain::AccountData;
use crate::{ClientError, accounts};
use anchor_lang::Discriminator;
use bytemuck::AnyBitPattern;
use coverage_math::cell::Slot;
use coverage_settlement::ID;
use coverage_settlement::state::Cell;
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_commitment_config::CommitmentConfig;
use solana_program::pubkey::Pubkey;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client_api::config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use solana_rpc_client_api::filter::{Memcmp, RpcFilterType};
use std::sync::Arc;

/// The sysvar with the cluster's time.
const CLOCK_SYSVAR: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");
/// Where the unix time stands in it: behind slot, start of the epoch, epoch and leader schedule's epoch.
const CLOCK_UNIX_TIMESTAMP: usize = 32;
/// The most accounts one request may ask for.
const ACCOUNTS_A_REQUEST: usize = 100;

/// A cluster to read from. Clones share one connection.
#[derive(Clone)]
pub struct Rpc {
    client: Arc<RpcClient>,
}

impl Rpc {
    /// A cluster at a URL; what it says counts once it is confirmed.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self::over(RpcClient::new_with_commitment(url.into(), CommitmentConfig::confirmed()))
    }

    /// A cluster behind a client of any transport and commitment.
    #[must_use]
    pub fn over(client: RpcClient) -> Self {
        Self { client: Arc::new(client) }
    }

    /// The client, for what this type does not offer.
    #[must_use]
    pub fn client(&self) -> &RpcClient {
        &self.client
    }

    /// An account, or `None` if there is none.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] if the cluster does not answer.
    pub async fn account(&self, address: &Pubkey) -> Result<Option<AccountData>, ClientError> {
        let answer = self.client.get_account_with_commitment(address, self.client.commitment()).await;
        Ok(answer.map_err(|error| ClientError::rpc("reading an account", &error))?.value.map(AccountData::from))
    }

    /// An account that must be there.
    ///
    /// # Errors
    /// [`ClientError::Missing`] if there is none, [`ClientError::Rpc`] if the cluster does not answer.
    pub async fn require(&self, address: &Pubkey) -> Result<AccountData, ClientError> {
        self.account(address).await?.ok_or(ClientError::Missing(*address))
    }

    /// Accounts, in the order asked for, `None` where there is none.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] if the cluster does not answer.
    pub async fn accounts(&self, addresses: &[Pubkey]) -> Result<Vec<Option<AccountData>>, ClientError> {
        let mut found = Vec::with_capacity(addresses.len());
        for chunk in addresses.chunks(ACCOUNTS_A_REQUEST) {
            let answer = self.client.get_multiple_accounts_with_commitment(chunk, self.client.commitment()).await;
            let answer = answer.map_err(|error| ClientError::rpc("reading accounts", &error))?;
            found.extend(answer.value.into_iter().map(|account| account.map(AccountData::from)));
        }
        Ok(found)
    }

    /// The header of an account of the program that must be there.
    ///
    /// # Errors
    /// As [`Self::require`]; [`ClientError::NotA`] if it is of another kind.
    pub async fn header<T: AnyBitPattern + Discriminator>(&self, address: &Pubkey) -> Result<T, ClientError> {
        accounts::header(address, &self.require(address).await?.data)
    }

    /// A cell with its slots, which must be there.
    ///
    /// # Errors
    /// As [`Self::header`].
    pub async fn cell(&self, address: &Pubkey) -> Result<(Cell, Vec<Slot>), ClientError> {
        accounts::cell(address, &self.require(address).await?.data)
    }

    /// All accounts of the program that are of kind `T` and belong to `network`, which must stand `network_at` bytes behind
    /// the discriminator.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] if the cluster does not answer, or does not serve such requests.
    pub async fn all_of<T: Discriminator>(
        &self,
        network: &Pubkey,
        network_at: usize,
    ) -> Result<Vec<(Pubkey, AccountData)>, ClientError> {
        let behind = T::DISCRIMINATOR.len().saturating_add(network_at);
        let filters = vec![
            RpcFilterType::Memcmp(Memcmp::new_raw_bytes(0, T::DISCRIMINATOR.to_vec())),
            RpcFilterType::Memcmp(Memcmp::new_raw_bytes(behind, network.to_bytes().to_vec())),
        ];
        let config = RpcProgramAccountsConfig {
            filters: Some(filters),
            account_config: RpcAccountInfoConfig {
                encoding: Some(UiAccountEncoding::Base64Zstd),
                commitment: Some(self.client.commitment()),
                ..RpcAccountInfoConfig::default()
            },
            ..RpcProgramAccountsConfig::default()
        };
        let answer = self.client.get_program_ui_accounts_with_config(&ID, config).await;
        let answer = answer.map_err(|error| ClientError::rpc("listing the program's accounts", &error))?;
        let decoded = answer.into_iter().map(|(address, account)| {
            let account = account.to_account().ok_or(ClientError::NotA {
                address,
                expected: "account",
                reason: "its bytes do not decode",
            })?;
            Ok((address, AccountData::from(account)))
        });
        decoded.collect()
    }

    /// The cluster's time, in unix seconds: what the program goes by.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] if the cluster does not answer.
    pub async fn now(&self) -> Result<i64, ClientError> {
        let clock = self.require(&CLOCK_SYSVAR).await?;
        let time = clock.data.get(CLOCK_UNIX_TIMESTAMP..).and_then(<[u8]>::first_chunk);
        time.map(|bytes| i64::from_le_bytes(*bytes)).ok_or(ClientError::NotA {
            address: CLOCK_SYSVAR,
            expected: "clock",
            reason: "too short",
        })
    }
}
