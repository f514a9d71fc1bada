//! Signing: by whom, with which blockhash, and what is written down before anything is sent.

use super::draft::Budget;
use super::{Draft, Sender, Signed, lock};
use crate::ClientError;
use solana_message::{Hash, VersionedMessage};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use std::time::Duration;

/// So many signatures are remembered: more than are sent while one blockhash is the latest.
const REMEMBERED: usize = 1_000;
/// How long to wait for another blockhash.
const BLOCK: Duration = Duration::from_millis(400);

impl Sender {
    /// Signs a transaction and writes it down.
    pub(super) async fn sign(
        &self,
        action: &str,
        draft: &Draft<'_>,
        budget: &Budget,
    ) -> Result<(VersionedTransaction, Signed), ClientError> {
        loop {
            let (blockhash, last_valid_block_height) = self.blockhash().await?;
            let message = draft.message(budget, blockhash).ok_or_else(|| draft.too_large(action))?;
            let transaction = self.with_signatures(action, message)?;
            let signature = *transaction.signatures.first().unwrap_or(&Signature::default());
            if !self.is_new(signature) {
                tokio::time::sleep(BLOCK).await; // the same again would be the same transaction: it takes another blockhash
                continue;
            }
            let signed = Signed { action: action.to_owned(), signature, last_valid_block_height };
            if let Some(journal) = &self.journal {
                let recorded = journal(&signed);
                recorded.map_err(|reason| ClientError::NotRecorded { action: action.to_owned(), reason })?;
            }
            return Ok((transaction, signed));
        }
    }

    async fn blockhash(&self) -> Result<(Hash, u64), ClientError> {
        let client = self.rpc.client();
        let answer = self.patiently(|| client.get_latest_blockhash_with_commitment(client.commitment())).await;
        answer.map_err(|error| ClientError::rpc("reading the latest blockhash", &error))
    }

    /// Whether the signature has not been used; from now on it has.
    fn is_new(&self, signature: Signature) -> bool {
        let mut used = lock(&self.memory.used);
        if used.contains(&signature) {
            return false;
        }
        used.push_back(signature);
        if used.len() > REMEMBERED {
            used.pop_front();
        }
        true
    }

    fn with_signatures(&self, action: &str, message: VersionedMessage) -> Result<VersionedTransaction, ClientError> {
        let bytes = message.serialize();
        let count = usize::from(message.header().num_required_signatures);
        let keys = message.static_account_keys().iter().take(count);
        let signatures = keys.map(|key| {
            let mut all = std::iter::once(&self.payer).chain(&self.signers);
            let signer = all.find(|signer| signer.pubkey() == *key);
            let action = || action.to_owned();
            let signer = signer.ok_or_else(|| ClientError::MissingSigner { action: action(), key: *key })?;
            let not_signed = |reason: String| ClientError::NotSigned { action: action(), key: *key, reason };
            Signer::try_sign_message(&**signer, &bytes).map_err(|error| not_signed(error.to_string()))
        });
        let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
        Ok(VersionedTransaction { signatures, message })
    }
}
