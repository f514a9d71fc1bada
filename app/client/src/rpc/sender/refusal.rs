//! What errors mean for a transaction.

use crate::ClientError;
use solana_program::instruction::InstructionError;
use solana_rpc_client_api::client_error::{Error as RpcError, ErrorKind};
use solana_rpc_client_api::custom_error::{
    JSON_RPC_SERVER_ERROR_NODE_UNHEALTHY, JSON_RPC_SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
};
use solana_rpc_client_api::request::RpcError as Answered;
use solana_transaction_error::TransactionError;

/// JSON-RPC's code for parameters that a node cannot make sense of: what one too old for a format says.
pub(super) const INVALID_PARAMS: i64 = -32_602;
/// HTTP's status for a request that took too long to arrive.
const REQUEST_TIMEOUT: u16 = 408;
/// HTTP's status for whoever asks too often.
const TOO_MANY_REQUESTS: u16 = 429;

/// Why a transaction is not sent.
pub(super) struct Rejected {
    pub(super) error: Box<ClientError>,
    /// The cluster does not take its format.
    pub(super) unsupported: bool,
    /// A shorter one might do.
    pub(super) over_limits: bool,
    /// The instruction that failed.
    pub(super) instruction: Option<usize>,
}

impl From<ClientError> for Rejected {
    fn from(error: ClientError) -> Self {
        Self { error: Box::new(error), unsupported: false, over_limits: false, instruction: None }
    }
}

/// Whether a transaction failed for what it has too much of.
pub(super) fn over_limits(error: &TransactionError, logs: &[String]) -> bool {
    match error {
        TransactionError::InstructionError(_, error) => match error {
            InstructionError::ComputationalBudgetExceeded | InstructionError::MaxInstructionTraceLengthExceeded => true,
            InstructionError::ProgramFailedToComplete => logs.iter().any(|log| log.contains("exceeded CUs meter")),
            _ => false,
        },
        TransactionError::TooManyAccountLocks | TransactionError::MaxLoadedAccountsDataSizeExceeded => true,
        _ => false,
    }
}

/// The code of an error of JSON-RPC.
pub(super) fn code(error: &RpcError) -> Option<i64> {
    match error.kind() {
        ErrorKind::RpcError(Answered::RpcResponseError { code, .. }) => Some(*code),
        _ => None,
    }
}

/// Whether the same request may be answered another time.
pub(super) fn is_transient(error: &RpcError) -> bool {
    match error.kind() {
        ErrorKind::RpcError(Answered::RpcResponseError { code, .. }) => *code == JSON_RPC_SERVER_ERROR_NODE_UNHEALTHY,
        // A wrong URL or a missing key to it stays wrong; too many requests are fewer later.
        ErrorKind::Reqwest(error) => error.status().is_none_or(|status| {
            !status.is_client_error() || matches!(status.as_u16(), REQUEST_TIMEOUT | TOO_MANY_REQUESTS)
        }),
        ErrorKind::TransactionError(_) | ErrorKind::SigningError(_) => false,
        _ => true,
    }
}

/// What the simulation before the sending said: the transaction has not been sent.
pub(super) fn preflight(error: &RpcError) -> Option<(TransactionError, Vec<String>)> {
    use solana_rpc_client_api::request::RpcResponseErrorData::SendTransactionPreflightFailure as Preflight;
    match error.kind() {
        ErrorKind::RpcError(Answered::RpcResponseError { code, data: Preflight(result), .. })
            if *code == JSON_RPC_SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE =>
        {
            let error = result.err.clone().map(TransactionError::from)?;
            Some((error, result.logs.clone().unwrap_or_default()))
        }
        _ => None,
    }
}
