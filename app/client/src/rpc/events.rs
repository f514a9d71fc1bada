//! The events of a transaction.

use super::Rpc;
use crate::ClientError;
use crate::events::Event;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use coverage_settlement::ID;
use solana_commitment_config::CommitmentConfig;
use solana_program::pubkey::Pubkey;
use solana_rpc_client_api::config::RpcTransactionConfig;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::option_serializer::OptionSerializer;
use solana_transaction_status_client_types::{
    EncodedTransaction, EncodedTransactionWithStatusMeta, UiInstruction, UiTransactionEncoding,
};

impl Rpc {
    /// The program's events in a confirmed transaction, in their order; none if it failed. What is not an event that this
    /// version knows is left out.
    ///
    /// # Errors
    /// [`ClientError::Rpc`] if the cluster does not answer, does not know the transaction, or keeps no history.
    pub async fn events(&self, signature: &Signature) -> Result<Vec<Event>, ClientError> {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: Some(CommitmentConfig::confirmed()),
            max_supported_transaction_version: Some(1),
        };
        let found = self.client().get_transaction_with_config(signature, config).await;
        let found = found.map_err(|error| ClientError::rpc("reading a transaction", &error))?;
        let events = events(&found.transaction);
        events.ok_or_else(|| ClientError::rpc("reading a transaction", &"it does not decode"))
    }
}

/// The events of a transaction, `None` if it does not decode.
fn events(found: &EncodedTransactionWithStatusMeta) -> Option<Vec<Event>> {
    let EncodedTransaction::Binary(encoded, _) = &found.transaction else { return None };
    let transaction: VersionedTransaction = wincode::deserialize(&BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    let meta = found.meta.as_ref()?;
    if meta.err.is_some() {
        return Some(Vec::new()); // what it says happened did not
    }
    let mut keys = transaction.message.static_account_keys().to_vec();
    if let OptionSerializer::Some(loaded) = &meta.loaded_addresses {
        let loaded = loaded.writable.iter().chain(&loaded.readonly);
        keys.extend(loaded.map(|key| key.parse::<Pubkey>()).collect::<Result<Vec<_>, _>>().ok()?);
    }
    let OptionSerializer::Some(inner) = &meta.inner_instructions else { return Some(Vec::new()) };
    let called = inner.iter().flat_map(|inner| &inner.instructions).filter_map(|called| match called {
        UiInstruction::Compiled(called) => Some(called),
        UiInstruction::Parsed(_) => None,
    });
    let own = called.filter(|called| keys.get(usize::from(called.program_id_index)) == Some(&ID));
    Some(own.filter_map(|called| Event::decode(&bs58::decode(&called.data).into_vec().ok()?)).collect())
}
