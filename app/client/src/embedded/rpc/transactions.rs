//! Methods about transactions and blocks.

use super::ledger::{Landed, Status};
use super::{API_VERSION, Call, Failure, PREFLIGHT_FAILURE, count_down, to_json};
use crate::rpc::features::{V1_TRANSACTIONS, is_active};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use litesvm::types::{FailedTransactionMetadata, TransactionMetadata};
use serde_json::{Value, json};
use solana_message::VersionedMessage;
use solana_message::inner_instruction::InnerInstructionsList;
use solana_message::v1::MAX_TRANSACTION_SIZE;
use solana_program::pubkey::Pubkey;
use solana_rpc_client_api::config::{
    RpcSendTransactionConfig, RpcSignaturesForAddressConfig, RpcSimulateTransactionConfig,
};
use solana_rpc_client_api::response::{
    RpcBlockhash, RpcConfirmedTransactionStatusWithSignature, RpcPrioritizationFee, RpcSimulateTransactionResult,
};
use solana_signature::Signature;
use solana_transaction::versioned::{TransactionVersion, VersionedTransaction};
use solana_transaction_error::TransactionError;
use solana_transaction_status_client_types::{
    EncodedConfirmedTransactionWithStatusMeta, EncodedTransaction, EncodedTransactionWithStatusMeta, InnerInstruction,
    InnerInstructions, TransactionBinaryEncoding, TransactionConfirmationStatus, TransactionStatus,
    TransactionStatusMeta, UiTransactionEncoding,
};

/// The most bytes of a transaction that is not of version 1.
const PACKET_BYTES: usize = 1_232;
/// Slots of one of the cluster's epochs.
const SLOTS_AN_EPOCH: u64 = 432_000;
/// How far a node is behind that does not know of transactions: see [`super::Faults::hidden_statuses`].
const SLOTS_BEHIND: u64 = 200;
/// The most `getSignaturesForAddress` returns.
const SIGNATURES_A_REQUEST: usize = 1_000;

/// What a transaction would do, or why it would not.
type Simulated = Result<TransactionMetadata, Box<FailedTransactionMetadata>>;

impl Call<'_> {
    pub(super) fn latest_blockhash(&self) -> Result<Value, Failure> {
        let (blockhash, last_valid_block_height) = self.ledger.latest();
        Ok(self.with_context(to_json(&RpcBlockhash { blockhash: blockhash.to_string(), last_valid_block_height })?))
    }

    pub(super) fn epoch_info(&self) -> Value {
        let slot = self.ledger.slot();
        json!({
            "absoluteSlot": slot,
            "blockHeight": self.ledger.height(),
            "epoch": slot.checked_div(SLOTS_AN_EPOCH).unwrap_or(0),
            "slotIndex": slot.checked_rem(SLOTS_AN_EPOCH).unwrap_or(0),
            "slotsInEpoch": SLOTS_AN_EPOCH,
            "transactionCount": null,
        })
    }

    pub(super) fn is_blockhash_valid(&self) -> Result<Value, Failure> {
        Ok(self.with_context(json!(self.ledger.is_valid(&self.parsed(0)?))))
    }

    pub(super) fn prioritization_fees(&self) -> Value {
        let newest = self.ledger.slot();
        let fees = (0u64..)
            .zip(self.ledger.prioritization_fees.iter().rev())
            .map(|(back, fee)| RpcPrioritizationFee { slot: newest.saturating_sub(back), prioritization_fee: *fee });
        json!(fees.collect::<Vec<_>>())
    }

    pub(super) fn request_airdrop(self) -> Result<Value, Failure> {
        let (address, lamports) = (self.parsed::<Pubkey>(0)?, self.param(1)?);
        self.chain.svm.expire_blockhash(); // the same airdrop again is another transaction
        let result = self.chain.svm.airdrop(&address, lamports);
        let Ok(meta) = &result else {
            let message = "Internal error: the faucet is dry".to_owned();
            return Err(Failure::Error { code: -32_603, message, data: Value::Null });
        };
        let signature = meta.signature;
        let transaction = VersionedTransaction { signatures: vec![signature], ..VersionedTransaction::default() };
        self.ledger.record(self.chain, transaction, result);
        Ok(json!(signature.to_string()))
    }

    pub(super) fn fee_for_message(self) -> Result<Value, Failure> {
        let bytes = decode_bytes(&self.param::<String>(0)?, TransactionBinaryEncoding::Base64)?;
        let message: VersionedMessage =
            wincode::deserialize(&bytes).map_err(|error| Failure::invalid(format!("failed to deserialize {error}")))?;
        if !self.ledger.is_valid(message.recent_blockhash()) {
            return Ok(self.with_context(Value::Null));
        }
        let signatures = usize::from(message.header().num_required_signatures);
        let unsigned = VersionedTransaction { signatures: vec![Signature::default(); signatures], message };
        let fee = match simulate(self.chain, unsigned, false) {
            Ok(meta) => meta.fee,
            Err(failed) => failed.meta.fee,
        };
        Ok(self.with_context(json!(fee)))
    }

    pub(super) fn send_transaction(mut self) -> Result<Value, Failure> {
        let config = self.param::<Option<RpcSendTransactionConfig>>(1)?.unwrap_or_default();
        let transaction = decode(&self.param::<String>(0)?, config.encoding)?;
        let signature = *transaction.signatures.first().ok_or(Failure::invalid("it has no signature"))?;
        self.ledger.receive(signature);
        if !config.skip_preflight {
            self.ledger.tell_programs(self.chain);
            if let Err(failed) = self.try_out(&transaction, true) {
                return Err(preflight_failure(&failed));
            }
        }
        let answer = Ok(json!(signature.to_string()));
        if count_down(&mut self.ledger.faults.dropped_sends) {
            return answer;
        }
        if count_down(&mut self.ledger.faults.held_sends) {
            self.ledger.hold(transaction);
            return answer;
        }
        if self.takes(&transaction) {
            self.ledger.land(self.chain, &transaction);
        }
        if count_down(&mut self.ledger.faults.lost_answers) { Err(Failure::Lost) } else { answer }
    }

    pub(super) fn simulate_transaction(mut self) -> Result<Value, Failure> {
        let config = self.param::<Option<RpcSimulateTransactionConfig>>(1)?.unwrap_or_default();
        let mut transaction = decode(&self.param::<String>(0)?, config.encoding)?;
        if config.sig_verify && config.replace_recent_blockhash {
            return Err(Failure::invalid("sigVerify may not be used with replaceRecentBlockhash"));
        }
        let mut replacement = None;
        if config.replace_recent_blockhash {
            let (blockhash, last_valid_block_height) = self.ledger.latest();
            transaction.message.set_recent_blockhash(blockhash);
            replacement = Some(RpcBlockhash { blockhash: blockhash.to_string(), last_valid_block_height });
        }
        self.ledger.tell_programs(self.chain);
        let (err, meta) = match self.try_out(&transaction, config.sig_verify) {
            Ok(meta) => (None, meta),
            Err(failed) => (Some(failed.err), failed.meta),
        };
        let inner = config.inner_instructions.then(|| inner_instructions(&meta.inner_instructions));
        let result = RpcSimulateTransactionResult {
            err: err.map(Into::into),
            units_consumed: Some(meta.compute_units_consumed),
            fee: Some(meta.fee),
            inner_instructions: inner.map(|inner| inner.into_iter().map(Into::into).collect()),
            replacement_blockhash: replacement,
            logs: Some(meta.logs),
            ..nothing_simulated()
        };
        Ok(self.with_context(to_json(&result)?))
    }

    pub(super) fn signature_statuses(self) -> Result<Value, Failure> {
        let signatures: Vec<String> = self.param(0)?;
        if count_down(&mut self.ledger.faults.hidden_statuses) {
            let context = json!({ "slot": self.ledger.slot().saturating_sub(SLOTS_BEHIND), "apiVersion": API_VERSION });
            return Ok(json!({ "context": context, "value": vec![Value::Null; signatures.len()] }));
        }
        let status = |signature: &String| {
            let signature = signature.parse().map_err(|_| Failure::invalid(format!("Invalid param: {signature}")))?;
            Ok(self.ledger.status(&signature).map(finalized))
        };
        let statuses = signatures.iter().map(status).collect::<Result<Vec<_>, _>>()?;
        Ok(self.with_context(to_json(&statuses)?))
    }

    pub(super) fn signatures_for_address(&self) -> Result<Value, Failure> {
        let address: Pubkey = self.parsed(0)?;
        let config = self.param::<Option<RpcSignaturesForAddressConfig>>(1)?.unwrap_or_default();
        let signature = |landed: &Landed| landed.transaction.signatures.first().map(Signature::to_string);
        let mut found: Vec<_> = self.ledger.newest().collect();
        if let Some(before) = &config.before {
            let at = found.iter().position(|landed| signature(landed).as_ref() == Some(before));
            found = found.split_off(at.map_or(found.len(), |at| at.saturating_add(1)));
        }
        let found = found
            .into_iter()
            .take_while(|landed| config.until.is_none() || signature(landed) != config.until)
            .filter(|landed| landed.transaction.message.static_account_keys().contains(&address))
            .take(config.limit.unwrap_or(SIGNATURES_A_REQUEST).min(SIGNATURES_A_REQUEST));
        let listed = found.map(|landed| RpcConfirmedTransactionStatusWithSignature {
            signature: signature(landed).unwrap_or_default(),
            slot: landed.slot,
            err: landed.result.as_ref().err().map(|failed| failed.err.clone().into()),
            memo: None,
            block_time: Some(landed.block_time),
            confirmation_status: Some(TransactionConfirmationStatus::Finalized),
            transaction_index: None,
        });
        to_json(&listed.collect::<Vec<_>>())
    }

    pub(super) fn transaction(&self) -> Result<Value, Failure> {
        let signature: Signature = self.parsed(0)?;
        let found = self.ledger.newest().find(|landed| landed.transaction.signatures.first() == Some(&signature));
        let encoded = found.map(|landed| {
            let bytes = wincode::serialize(&landed.transaction).unwrap_or_default(); // it came off the wire
            let meta = landed.meta();
            EncodedConfirmedTransactionWithStatusMeta {
                slot: landed.slot,
                block_time: Some(landed.block_time),
                transaction_index: None,
                transaction: EncodedTransactionWithStatusMeta {
                    transaction: EncodedTransaction::Binary(
                        BASE64_STANDARD.encode(bytes),
                        TransactionBinaryEncoding::Base64,
                    ),
                    version: Some(landed.transaction.version()),
                    meta: Some(
                        TransactionStatusMeta {
                            status: landed.result.as_ref().map(|_| ()).map_err(|failed| failed.err.clone()),
                            fee: meta.fee,
                            inner_instructions: Some(inner_instructions(&meta.inner_instructions)),
                            log_messages: Some(meta.logs.clone()),
                            compute_units_consumed: Some(meta.compute_units_consumed),
                            ..TransactionStatusMeta::default()
                        }
                        .into(),
                    ),
                },
            }
        });
        to_json(&encoded)
    }

    /// Whether the cluster takes transactions of this version: version 1 only where its feature is active.
    fn takes(&self, transaction: &VersionedTransaction) -> bool {
        transaction.version() != TransactionVersion::Number(1)
            || is_active(self.chain.svm.get_account(&V1_TRANSACTIONS).as_ref().map(|feature| feature.data.as_slice()))
    }

    /// What a transaction would do if it were sent now.
    fn try_out(&mut self, transaction: &VersionedTransaction, verify: bool) -> Simulated {
        let refuse = |err| Err(Box::new(FailedTransactionMetadata { err, meta: TransactionMetadata::default() }));
        if !self.takes(transaction) {
            return refuse(TransactionError::UnsupportedVersion);
        }
        if !self.ledger.is_valid(transaction.message.recent_blockhash()) {
            return refuse(TransactionError::BlockhashNotFound);
        }
        let known = transaction.signatures.first().and_then(|signature| self.ledger.status(signature));
        if known.is_some() {
            return refuse(TransactionError::AlreadyProcessed);
        }
        simulate(self.chain, transaction.clone(), verify)
    }
}

/// Simulates a transaction whose blockhash has been looked at.
fn simulate(chain: &mut crate::embedded::Embedded, transaction: VersionedTransaction, verify: bool) -> Simulated {
    chain.svm = std::mem::take(&mut chain.svm).with_blockhash_check(false).with_sigverify(verify);
    let result = chain.svm.simulate_transaction(transaction);
    chain.svm = std::mem::take(&mut chain.svm).with_blockhash_check(true).with_sigverify(true);
    result.map(|done| done.meta).map_err(Box::new)
}

fn finalized(status: &Status) -> TransactionStatus {
    TransactionStatus {
        slot: status.slot,
        confirmations: None,
        status: status.result.clone(),
        err: status.result.clone().err(),
        confirmation_status: Some(TransactionConfirmationStatus::Finalized),
    }
}

fn nothing_simulated() -> RpcSimulateTransactionResult {
    RpcSimulateTransactionResult {
        err: None,
        logs: None,
        accounts: None,
        units_consumed: None,
        loaded_accounts_data_size: None,
        return_data: None,
        inner_instructions: None,
        replacement_blockhash: None,
        fee: None,
        pre_balances: None,
        post_balances: None,
        pre_token_balances: None,
        post_token_balances: None,
        loaded_addresses: None,
    }
}

fn preflight_failure(failed: &FailedTransactionMetadata) -> Failure {
    let result = RpcSimulateTransactionResult {
        err: Some(failed.err.clone().into()),
        logs: Some(failed.meta.logs.clone()),
        units_consumed: Some(failed.meta.compute_units_consumed),
        fee: Some(failed.meta.fee),
        ..nothing_simulated()
    };
    Failure::Error {
        code: PREFLIGHT_FAILURE,
        message: format!("Transaction simulation failed: {}", failed.err),
        data: json!(result),
    }
}

/// The instructions that programs called, for those of the transaction's that called any.
fn inner_instructions(list: &InnerInstructionsList) -> Vec<InnerInstructions> {
    let numbered = (0u8..).zip(list).filter(|(_, inner)| !inner.is_empty());
    let called = numbered.map(|(index, inner)| InnerInstructions {
        index,
        instructions: inner
            .iter()
            .map(|inner| InnerInstruction {
                instruction: inner.instruction.clone(),
                stack_height: Some(u32::from(inner.stack_height)),
            })
            .collect(),
    });
    called.collect()
}

fn decode_bytes(encoded: &str, encoding: TransactionBinaryEncoding) -> Result<Vec<u8>, Failure> {
    match encoding {
        TransactionBinaryEncoding::Base58 => bs58::decode(encoded)
            .into_vec()
            .map_err(|error| Failure::invalid(format!("invalid base58 encoding: {error:?}"))),
        TransactionBinaryEncoding::Base64 => BASE64_STANDARD
            .decode(encoded)
            .map_err(|error| Failure::invalid(format!("invalid base64 encoding: {error:?}"))),
    }
}

fn decode(encoded: &str, encoding: Option<UiTransactionEncoding>) -> Result<VersionedTransaction, Failure> {
    let encoding = encoding.unwrap_or(UiTransactionEncoding::Base58);
    let unsupported =
        || Failure::invalid(format!("unsupported encoding: {encoding}. Supported encodings: base58, base64"));
    let bytes = decode_bytes(encoded, encoding.into_binary_encoding().ok_or_else(unsupported)?)?;
    // A transaction of version 1 begins with its message; one before, with the number of its signatures, at most 127.
    let most = if bytes.first().is_some_and(|first| *first > 0x80) { MAX_TRANSACTION_SIZE } else { PACKET_BYTES };
    if bytes.len() > most {
        return Err(Failure::invalid(format!(
            "decoded VersionedTransaction too large: {} bytes (max: {most} bytes)",
            bytes.len()
        )));
    }
    wincode::deserialize(&bytes)
        .map_err(|error| Failure::invalid(format!("failed to deserialize VersionedTransaction: {error}")))
}
