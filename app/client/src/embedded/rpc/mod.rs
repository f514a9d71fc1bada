//! The embedded cluster behind Solana's JSON-RPC: in the process ([`EmbeddedRpc::client`]) or over HTTP ([`serve`]).
//!
//! It answers as Agave does, down to the codes and data of errors, so what works against it is the real client. What is not
//! like a cluster: a transaction lands while it is sent, and counts as finalized at once. Blocks come every
//! [`BLOCK_MS`] milliseconds of tokio's clock, which a test may pause; the time that programs see stands still until whoever
//! holds the [`Embedded`] sets it. [`Faults`] make it misbehave.

mod accounts;
mod ledger;
mod server;
mod transactions;

pub use ledger::BLOCK_MS;
pub use server::{Server, serve};

use super::Embedded;
use async_trait::async_trait;
use ledger::Ledger;
use serde_json::{Value, json};
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client::rpc_client::RpcClientConfig;
use solana_rpc_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_rpc_client_api::client_error::{ErrorKind, Result as ClientResult};
use solana_rpc_client_api::custom_error::JSON_RPC_SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE as PREFLIGHT_FAILURE;
use solana_rpc_client_api::request::{RpcError, RpcRequest, RpcResponseErrorData};
use solana_signature::Signature;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// JSON-RPC's code for a method that does not exist.
const METHOD_NOT_FOUND: i64 = -32_601;
/// JSON-RPC's code for parameters that cannot be read or make no sense.
const INVALID_PARAMS: i64 = -32_602;

/// What goes wrong next. Each number counts down by one whenever it has its effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Requests, of whatever method, that find nobody listening.
    pub refused_connections: u32,
    /// Transactions that are taken, their signature answered, and lost. Sent again, they may land.
    pub dropped_sends: u32,
    /// Transactions that are taken, their signature answered, and land only with [`EmbeddedRpc::land_held`].
    pub held_sends: u32,
    /// Transactions that land, while the answer to `sendTransaction` is lost on its way.
    pub lost_answers: u32,
    /// Answers of `getSignatureStatuses` that know of no transaction, as of a node that is behind.
    pub hidden_statuses: u32,
}

/// The embedded cluster as an RPC endpoint. Clones are the same endpoint; endpoints made separately of one cluster share its
/// accounts, but do not know each other's transactions.
#[derive(Clone)]
pub struct EmbeddedRpc {
    chain: Arc<Mutex<Embedded>>,
    ledger: Arc<Mutex<Ledger>>,
}

/// Why there is no result.
enum Failure {
    /// Nobody was listening.
    Refused,
    /// The request was served, its answer lost.
    Lost,
    /// An error of JSON-RPC.
    Error { code: i64, message: String, data: Value },
}

impl Failure {
    fn invalid(message: impl Into<String>) -> Self {
        Self::Error { code: INVALID_PARAMS, message: message.into(), data: Value::Null }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked with it has failed its test already.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EmbeddedRpc {
    /// An endpoint of a cluster.
    #[must_use]
    pub fn new(chain: Arc<Mutex<Embedded>>) -> Self {
        Self { chain, ledger: Arc::new(Mutex::new(Ledger::new())) }
    }

    /// A client of this endpoint within the process; what it reads is confirmed.
    #[must_use]
    pub fn client(&self) -> RpcClient {
        RpcClient::new_sender(self.clone(), RpcClientConfig::with_commitment(CommitmentConfig::confirmed()))
    }

    /// The cluster, for what is not done over RPC: setting its clock, minting.
    #[must_use]
    pub const fn chain(&self) -> &Arc<Mutex<Embedded>> {
        &self.chain
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut lock(&self.ledger).faults);
    }

    /// What is still to go wrong.
    #[must_use]
    pub fn faults(&self) -> Faults {
        lock(&self.ledger).faults
    }

    /// Lets so many blocks pass at once. A blockhash is good for 150.
    pub fn pass_blocks(&self, blocks: u64) {
        lock(&self.ledger).pass(blocks);
    }

    /// Lands what [`Faults::held_sends`] held back, as far as the blockhashes are still good; returns how many landed.
    pub fn land_held(&self) -> usize {
        let (mut chain, mut ledger) = (lock(&self.chain), lock(&self.ledger));
        let held = ledger.take_held();
        held.into_iter().filter(|transaction| ledger.land(&mut chain, transaction)).count()
    }

    /// What `getRecentPrioritizationFees` answers, in micro-lamports per compute unit, one per block.
    pub fn set_prioritization_fees(&self, fees: Vec<u64>) {
        lock(&self.ledger).prioritization_fees = fees;
    }

    /// The signatures of the transactions that `sendTransaction` was given, in order, repeated ones and refused ones included;
    /// only the last ten thousand.
    #[must_use]
    pub fn received(&self) -> Vec<Signature> {
        lock(&self.ledger).received.iter().copied().collect()
    }

    /// Serves one request.
    fn answer(&self, method: &str, params: &Value) -> Result<Value, Failure> {
        let (mut chain, mut ledger) = (lock(&self.chain), lock(&self.ledger));
        if count_down(&mut ledger.faults.refused_connections) {
            return Err(Failure::Refused);
        }
        let call = Call { chain: &mut chain, ledger: &mut ledger, params };
        match method {
            "getAccountInfo" => call.account_info(),
            "getBalance" => call.balance(),
            "getBlockHeight" => Ok(json!(call.ledger.height())),
            "getEpochInfo" => Ok(call.epoch_info()),
            "getFeeForMessage" => call.fee_for_message(),
            "getGenesisHash" => Ok(json!(ledger::hash(0).to_string())),
            "getHealth" => Ok(json!("ok")),
            "getLatestBlockhash" => call.latest_blockhash(),
            "getMinimumBalanceForRentExemption" => call.minimum_balance(),
            "getMultipleAccounts" => call.multiple_accounts(),
            "getProgramAccounts" => call.program_accounts(),
            "getRecentPrioritizationFees" => Ok(call.prioritization_fees()),
            "getSignatureStatuses" => call.signature_statuses(),
            "getSignaturesForAddress" => call.signatures_for_address(),
            "getSlot" => Ok(json!(call.ledger.slot())),
            "getTokenAccountBalance" => call.token_account_balance(),
            "getTransaction" => call.transaction(),
            "getVersion" => Ok(json!({ "solana-core": API_VERSION, "feature-set": null })),
            "isBlockhashValid" => call.is_blockhash_valid(),
            "requestAirdrop" => call.request_airdrop(),
            "sendTransaction" => call.send_transaction(),
            "simulateTransaction" => call.simulate_transaction(),
            _ => Err(Failure::Error {
                code: METHOD_NOT_FOUND,
                message: "Method not found".to_owned(),
                data: Value::Null,
            }),
        }
    }
}

/// The version that answers give: of the validator whose answers these imitate.
const API_VERSION: &str = "4.2.2";

/// A request being served.
struct Call<'a> {
    chain: &'a mut Embedded,
    ledger: &'a mut Ledger,
    params: &'a Value,
}

impl Call<'_> {
    /// Parameter `index`.
    fn param<T: serde::de::DeserializeOwned>(&self, index: usize) -> Result<T, Failure> {
        let value = self.params.get(index).cloned().unwrap_or_default();
        serde_json::from_value(value).map_err(|error| Failure::invalid(format!("Invalid params: {error}.")))
    }

    /// Parameter `index`, in base 58.
    fn parsed<T: std::str::FromStr>(&self, index: usize) -> Result<T, Failure> {
        let text: String = self.param(index)?;
        text.parse().map_err(|_| Failure::invalid(format!("Invalid param: {text}")))
    }

    /// A result together with where the chain stands.
    fn with_context(&self, value: Value) -> Value {
        json!({ "context": { "slot": self.ledger.slot(), "apiVersion": API_VERSION }, "value": value })
    }
}

/// A result as JSON.
fn to_json(value: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::invalid(error.to_string()))
}

/// Takes one off a counter; whether there was any.
fn count_down(counter: &mut u32) -> bool {
    let left = counter.checked_sub(1);
    *counter = left.unwrap_or(0);
    left.is_some()
}

#[async_trait]
impl RpcSender for EmbeddedRpc {
    async fn send(&self, request: RpcRequest, params: Value) -> ClientResult<Value> {
        self.answer(request.as_str(), &params).map_err(|failure| match failure {
            Failure::Refused => io::Error::from(io::ErrorKind::ConnectionRefused).into(),
            Failure::Lost => io::Error::from(io::ErrorKind::ConnectionReset).into(),
            Failure::Error { code, message, data } => {
                let data = match code {
                    PREFLIGHT_FAILURE => serde_json::from_value(data)
                        .map_or(RpcResponseErrorData::Empty, RpcResponseErrorData::SendTransactionPreflightFailure),
                    _ => RpcResponseErrorData::Empty,
                };
                ErrorKind::from(RpcError::RpcResponseError { code, message, data }).into()
            }
        })
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        "embedded".to_owned()
    }
}
