//! From a signed transaction to its fate.

use super::draft::keys;
use super::refusal::{code, is_transient, preflight};
use super::{Prepared, Sender, Sent, Signed};
use crate::ClientError;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client_api::client_error::Error as RpcError;
use solana_rpc_client_api::config::{RpcSendTransactionConfig, RpcTransactionConfig};
use solana_rpc_client_api::custom_error::JSON_RPC_SERVER_ERROR_TRANSACTION_HISTORY_NOT_AVAILABLE as NO_HISTORY;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use solana_transaction_status_client_types::option_serializer::OptionSerializer;
use solana_transaction_status_client_types::{TransactionStatus, UiTransactionEncoding};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two looks at the status.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Between two broadcasts of the same bytes.
const SEND_EVERY: Duration = Duration::from_secs(2);
/// For so many blocks beyond a blockhash's last a node without history still knows what landed with it: Agave's status
/// cache goes 300 blocks back, of which 150 are those of the blockhash.
const STATUS_CACHE_BLOCKS: u64 = 100;

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is confirmed.
    Landed {
        /// The slot it landed in.
        slot: u64,
    },
    /// It is confirmed that it failed: nothing of it happened, its fee is paid.
    Failed {
        /// Why.
        error: ClientError,
    },
    /// It may still land.
    Pending,
    /// It has not landed and never will.
    NeverLanded,
}

/// What is known of a signature.
enum Fate {
    Landed(u64),
    Failed(TransactionError),
    Pending,
    Never,
    /// It may have landed so long ago that the node has forgotten it.
    Forgotten,
}

impl Sender {
    /// What became of a transaction that this or an earlier process signed: see [`Signed`]. One look, no waiting.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] if the cluster does not answer; [`ClientError::Unknown`] if it expired too long ago for this node,
    /// which keeps no history: ask another.
    pub async fn outcome_of(
        &self,
        signature: &Signature,
        last_valid_block_height: u64,
    ) -> Result<Outcome, ClientError> {
        let fate = self.fate(signature, last_valid_block_height).await;
        Ok(match fate.map_err(|error| ClientError::rpc("looking a transaction up", &error))? {
            Fate::Landed(slot) => Outcome::Landed { slot },
            Fate::Failed(error) => Outcome::Failed { error: self.failed("the transaction", signature, &error).await },
            Fate::Pending => Outcome::Pending,
            Fate::Never => Outcome::NeverLanded,
            Fate::Forgotten => {
                let action = "looking a transaction up".to_owned();
                return Err(ClientError::Unknown {
                    action,
                    signature: *signature,
                    last_valid_block_height,
                    reason: FORGOTTEN.to_owned(),
                });
            }
        })
    }

    /// Signs and sends until it has landed, or as often as the settings allow.
    pub(super) async fn deliver(&self, action: &str, mut prepared: Prepared<'_>) -> Result<Sent, ClientError> {
        let attempts = self.settings.attempts.max(1);
        for attempt in 1..=attempts {
            if attempt > 1 {
                // What has become of the accounts meanwhile may have made it needless, or dearer.
                prepared = self.prepare(action, prepared.draft).await.map_err(|rejected| *rejected.error)?;
            }
            let (transaction, signed) = self.sign(action, &prepared.draft, &prepared.budget).await?;
            let signature = signed.signature;
            tracing::debug!(%signature, attempt, action, "sending");
            match self.see_through(&signed, &transaction).await? {
                Fate::Landed(slot) => return Ok(Sent { signature, compute_units: prepared.units, slot }),
                Fate::Failed(error) => return Err(self.failed(action, &signature, &error).await),
                _ => tracing::warn!(%signature, attempt, action, "expired; signing again"),
            }
        }
        Err(ClientError::Expired { action: action.to_owned(), attempts })
    }

    /// Broadcasts a signed transaction until it has landed or never can.
    async fn see_through(&self, signed: &Signed, transaction: &VersionedTransaction) -> Result<Fate, ClientError> {
        let mut heard = Instant::now();
        let mut send_at = heard;
        // Whether a node may have it. Until one may, a refusal is final; from then on, only the chain says what became of it.
        let mut is_out = false;
        loop {
            let mut trouble = None;
            if Instant::now() >= send_at {
                send_at = Instant::now().checked_add(SEND_EVERY).unwrap_or(send_at);
                match self.submit(transaction, is_out).await {
                    Ok(()) => heard = Instant::now(),
                    Err(error) => {
                        if let Some(refused) = self.refusal(&signed.action, transaction, &error).filter(|_| !is_out) {
                            return Err(refused);
                        }
                        trouble = Some(error.to_string());
                    }
                }
                is_out = true;
            }
            match self.fate(&signed.signature, signed.last_valid_block_height).await {
                Ok(Fate::Pending) => heard = Instant::now(),
                Ok(Fate::Forgotten) => return Err(unknown(signed, FORGOTTEN)),
                Ok(fate) => return Ok(fate),
                Err(error) => trouble = Some(error.to_string()),
            }
            if heard.elapsed() > self.settings.patience {
                return Err(unknown(signed, trouble.as_deref().unwrap_or("no answer")));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn submit(&self, transaction: &VersionedTransaction, is_out: bool) -> Result<(), RpcError> {
        let client = self.rpc.client();
        let config = RpcSendTransactionConfig {
            // Simulated again, what has landed would look refused.
            skip_preflight: is_out,
            preflight_commitment: Some(client.commitment().commitment),
            max_retries: Some(0), // it is rebroadcast from here
            ..RpcSendTransactionConfig::default()
        };
        client.send_transaction_with_config(transaction, config).await.map(|_| ())
    }

    /// The error of a transaction that no node has taken, or `None` if one may take it yet.
    fn refusal(&self, action: &str, transaction: &VersionedTransaction, error: &RpcError) -> Option<ClientError> {
        match preflight(error) {
            // The node is behind the one that gave the blockhash, or another one has already landed it.
            Some((TransactionError::BlockhashNotFound | TransactionError::AlreadyProcessed, _)) => None,
            Some((error, logs)) => {
                let keys = keys(&transaction.message, &self.settings.tables);
                Some(ClientError::transaction(action, &keys, &error, logs))
            }
            None if is_transient(error) => None,
            None => Some(ClientError::refused(action, error)),
        }
    }

    async fn fate(&self, signature: &Signature, last_valid_block_height: u64) -> Result<Fate, RpcError> {
        let client = self.rpc.client();
        let found = client.get_signature_statuses(&[*signature]).await?;
        if let Some(status) = found.value.into_iter().next().flatten() {
            return Ok(self.settled(status));
        }
        let finalized = client.get_epoch_info_with_commitment(CommitmentConfig::finalized()).await?;
        if finalized.block_height <= last_valid_block_height {
            return Ok(Fate::Pending);
        }
        let (found, has_history) = match client.get_signature_statuses_with_history(&[*signature]).await {
            Err(error) if code(&error) == Some(NO_HISTORY) => {
                (client.get_signature_statuses(&[*signature]).await?, false)
            }
            answer => (answer?, true),
        };
        // Behind a balancer, this may be a node that has not seen the blocks the other one has.
        if found.context.slot < finalized.absolute_slot {
            return Ok(Fate::Pending);
        }
        let remembered = last_valid_block_height.saturating_add(STATUS_CACHE_BLOCKS);
        Ok(match found.value.into_iter().next().flatten() {
            Some(status) => self.settled(status),
            None if has_history || finalized.block_height <= remembered => Fate::Never,
            None => Fate::Forgotten,
        })
    }

    fn settled(&self, status: TransactionStatus) -> Fate {
        if !status.satisfies_commitment(self.rpc.client().commitment()) {
            return Fate::Pending;
        }
        status.err.map_or(Fate::Landed(status.slot), Fate::Failed)
    }

    /// The error of a transaction that failed in a block, with its log if the node still has it.
    async fn failed(&self, action: &str, signature: &Signature, error: &TransactionError) -> ClientError {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(CommitmentConfig::confirmed()),
            max_supported_transaction_version: Some(1),
        };
        let found = self.rpc.client().get_transaction_with_config(signature, config).await;
        let found = found.ok().map(|found| found.transaction);
        let transaction = found.as_ref().and_then(|found| found.transaction.decode());
        let keys = transaction.map_or_else(|| vec![self.payer()], |transaction| keys(&transaction.message, &[]));
        let logs = match found.and_then(|found| found.meta).map(|meta| meta.log_messages) {
            Some(OptionSerializer::Some(logs)) => logs,
            _ => Vec::new(),
        };
        ClientError::transaction(action, &keys, error, logs)
    }
}

const FORGOTTEN: &str = "this node keeps no history and may have forgotten it";

fn unknown(signed: &Signed, reason: &str) -> ClientError {
    ClientError::Unknown {
        action: signed.action.clone(),
        signature: signed.signature,
        last_valid_block_height: signed.last_valid_block_height,
        reason: reason.to_owned(),
    }
}
