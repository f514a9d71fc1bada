//! Sending transactions: simulated, priced, packed, rebroadcast until they land or never can, and paid for once.
//!
//! **Never twice.** A transaction is signed again only when no block can hold the one before: the height of the finalized
//! chain is beyond the last block its blockhash is good for, and a node that has seen that height does not know its
//! signature. Lost answers, dropped transactions, late statuses and nodes behind or away only make it wait. If the cluster
//! stays away for longer than [`Settings::patience`], the answer is [`ClientError::Unknown`], not another try; what a
//! [`Journal`] wrote down lets a later process ask [`Sender::outcome_of`].
//!
//! **Version 1** ([`Format::V1`], SIMD-0385, 4,096 bytes) is used for what needs it, and for packs that get longer by it, where the
//! account of the cluster's feature ([`V1_TRANSACTIONS`](super::features::V1_TRANSACTIONS)) says it is active; Agave 4.2 refuses it elsewhere with
//! `UnsupportedVersion`. That is looked up once per sender; a node that refuses all the same (one too old to parse it) makes
//! the sender do without. The tests run against the embedded chain, whose endpoint keeps to the same rule; on
//! `solana-test-validator` 4.2.2, where the feature is active from genesis, transactions of version 1 were seen to land.
//! No cluster that has it pending has been tried.

mod deliver;
mod draft;
mod fee;
mod pack;
mod refusal;
mod sign;

pub use deliver::Outcome;
pub use draft::{Format, LEGACY_BYTES};
pub use fee::PriorityFee;
pub use pack::Incomplete;

use super::Rpc;
use super::features::{V1_TRANSACTIONS, is_active};
use crate::ClientError;
use draft::{Budget, Draft};
use refusal::{INVALID_PARAMS, Rejected, code, is_transient, over_limits};
use solana_message::{AddressLookupTableAccount, Hash};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_rpc_client_api::client_error::Error as RpcError;
use solana_rpc_client_api::config::RpcSimulateTransactionConfig;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction_error::TransactionError;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The compute limit of a transaction, in percent of what it took when it was simulated: others may have changed the accounts
/// by the time it lands, and a longer search for an address or a longer list takes more.
pub const MARGIN_PERCENT: u64 = 120;

/// How a sender goes about it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is paid for being taken sooner.
    pub priority_fee: PriorityFee,
    /// Address lookup tables on chain, to make transactions shorter.
    pub tables: Vec<AddressLookupTableAccount>,
    /// How many times a transaction is signed at most, each time after the one before has expired.
    pub attempts: u32,
    /// For how long a cluster may not answer before it is given up.
    pub patience: Duration,
}

impl Default for Settings {
    /// No priority fee, no tables, three attempts, two minutes of patience.
    fn default() -> Self {
        Self { priority_fee: PriorityFee::None, tables: Vec::new(), attempts: 3, patience: Duration::from_secs(120) }
    }
}

/// A signed transaction, about to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What it does, in words.
    pub action: String,
    /// Its signature: what to look for.
    pub signature: Signature,
    /// The height of the last block it can land in.
    pub last_valid_block_height: u64,
}

/// Writes down what is about to be sent, before it is. If it returns an error, nothing is sent.
pub type Journal = Arc<dyn Fn(&Signed) -> Result<(), String> + Send + Sync>;

/// A confirmed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its signature.
    pub signature: Signature,
    /// Compute units it took, as simulated.
    pub compute_units: u64,
    /// The slot it landed in.
    pub slot: u64,
}

/// What a transaction would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// Compute units it would take.
    pub compute_units: u64,
    /// The limit it would be sent with.
    pub compute_limit: u32,
    /// What it would cost, in lamports, rent apart.
    pub fee_lamports: u64,
    /// Its size in bytes, signatures included.
    pub bytes: usize,
    /// Its format.
    pub format: Format,
    /// What programs would log.
    pub logs: Vec<String>,
}

/// Sends transactions of a payer and other signers. Clones share the signers and the connection.
#[derive(Clone)]
pub struct Sender {
    rpc: Rpc,
    payer: Arc<dyn Signer + Send + Sync>,
    signers: Vec<Arc<dyn Signer + Send + Sync>>,
    settings: Arc<Settings>,
    journal: Option<Journal>,
    memory: Arc<Memory>,
}

/// What the clones of a sender remember together.
#[derive(Default)]
struct Memory {
    /// Whether the cluster takes version 1, once that is known.
    v1: Mutex<Option<bool>>,
    /// The newest signatures. The same instructions with the same blockhash are the same transaction, which lands once.
    used: Mutex<VecDeque<Signature>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner) // neither value is ever half written
}

/// A transaction as simulated.
struct Simulated {
    error: Option<TransactionError>,
    units: u64,
    logs: Vec<String>,
}

/// A transaction ready to be signed.
struct Prepared<'a> {
    draft: Draft<'a>,
    budget: Budget,
    units: u64,
}

impl Sender {
    /// A sender whose `payer` pays fees and rent.
    #[must_use]
    pub fn new(rpc: Rpc, payer: Arc<dyn Signer + Send + Sync>) -> Self {
        let (settings, memory) = (Arc::default(), Arc::default());
        Self { rpc, payer, signers: Vec::new(), settings, journal: None, memory }
    }

    /// Adds somebody who signs where an instruction names it.
    #[must_use]
    pub fn with_signer(mut self, signer: Arc<dyn Signer + Send + Sync>) -> Self {
        self.signers.push(signer);
        self
    }

    /// Goes about it in another way.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = Arc::new(settings);
        self
    }

    /// Writes down every transaction before it is sent. The journal of a clone is its own.
    #[must_use]
    pub fn with_journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The cluster.
    #[must_use]
    pub const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Who pays fees and rent.
    #[must_use]
    pub fn payer(&self) -> Pubkey {
        self.payer.pubkey()
    }

    /// How it goes about it.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends one transaction and waits until it is confirmed; `action` says in words what it does. The instructions that ask for
    /// compute units come behind `instructions`, which may name each other by index.
    ///
    /// # Errors
    /// [`ClientError::Refused`] or [`ClientError::InsufficientFunds`] with the cluster's reason, [`ClientError::MissingSigner`],
    /// [`ClientError::NotSigned`], [`ClientError::TooLarge`], [`ClientError::NotRecorded`], [`ClientError::Expired`] and
    /// [`ClientError::Rpc`]: it has not happened. Only after [`ClientError::Unknown`] it may have.
    pub async fn send(&self, action: &str, instructions: &[Instruction]) -> Result<Sent, ClientError> {
        loop {
            let draft = self.draft(action, instructions).await?;
            match self.prepare(action, draft).await {
                Err(Rejected { unsupported: true, .. }) => self.do_without_v1(),
                Err(rejected) => return Err(*rejected.error),
                Ok(prepared) => return self.deliver(action, prepared).await,
            }
        }
    }

    /// What one transaction would do. Nothing is signed or sent.
    ///
    /// # Errors
    /// [`ClientError::Refused`] or [`ClientError::InsufficientFunds`] if it would be, [`ClientError::TooLarge`],
    /// [`ClientError::Rpc`].
    pub async fn simulate(&self, action: &str, instructions: &[Instruction]) -> Result<Simulation, ClientError> {
        loop {
            let draft = self.draft(action, instructions).await?;
            let simulated = self.try_out(action, &draft, &draft.widest()).await?;
            match self.judge(action, &draft, &simulated) {
                Err(Rejected { unsupported: true, .. }) => {
                    self.do_without_v1();
                    continue;
                }
                Err(rejected) => return Err(*rejected.error),
                Ok(()) => {}
            }
            let budget = self.budget(&draft, simulated.units).await?;
            return Ok(Simulation {
                compute_units: simulated.units,
                compute_limit: budget.limit,
                fee_lamports: self.fee(action, &draft, &budget).await?,
                bytes: draft.bytes().unwrap_or(usize::MAX),
                format: draft.format,
                logs: simulated.logs,
            });
        }
    }

    /// Instructions in the first format in which they fit a transaction.
    async fn draft<'a>(&'a self, action: &str, instructions: &'a [Instruction]) -> Result<Draft<'a>, ClientError> {
        let (mut bytes, mut most) = (0, LEGACY_BYTES);
        for format in [Format::Legacy, Format::V0, Format::V1] {
            let draft = self.in_format(format, instructions);
            match format {
                Format::V0 if self.settings.tables.is_empty() => continue,
                Format::V1 if !self.takes_v1().await? => continue,
                _ => {}
            }
            if draft.fits() {
                return Ok(draft);
            }
            (bytes, most) = (draft.bytes().unwrap_or(usize::MAX), format.most_bytes());
        }
        Err(ClientError::TooLarge { action: action.to_owned(), bytes, most })
    }

    fn in_format<'a>(&'a self, format: Format, instructions: &'a [Instruction]) -> Draft<'a> {
        let priced = self.settings.priority_fee != PriorityFee::None;
        Draft { format, payer: self.payer(), tables: &self.settings.tables, instructions, priced }
    }

    /// Whether the cluster takes version 1.
    async fn takes_v1(&self) -> Result<bool, ClientError> {
        let known = *lock(&self.memory.v1);
        if let Some(known) = known {
            return Ok(known);
        }
        let client = self.rpc.client();
        let answer = self.patiently(|| client.get_account_with_commitment(&V1_TRANSACTIONS, client.commitment())).await;
        let feature =
            answer.map_err(|error| ClientError::rpc("reading which transactions the cluster takes", &error))?;
        let active = is_active(feature.value.as_ref().map(|feature| feature.data.as_slice()));
        *lock(&self.memory.v1) = Some(active);
        Ok(active)
    }

    fn do_without_v1(&self) {
        *lock(&self.memory.v1) = Some(false);
    }

    /// Simulates, and sets the limit and the price by it.
    async fn prepare<'a>(&self, action: &str, draft: Draft<'a>) -> Result<Prepared<'a>, Rejected> {
        let simulated = self.try_out(action, &draft, &draft.widest()).await?;
        self.judge(action, &draft, &simulated)?;
        let budget = self.budget(&draft, simulated.units).await?;
        Ok(Prepared { draft, budget, units: simulated.units })
    }

    async fn budget(&self, draft: &Draft<'_>, units: u64) -> Result<Budget, ClientError> {
        let price = self.price(&draft.writable()).await?;
        Ok(Budget::of(units, price))
    }

    async fn try_out(&self, action: &str, draft: &Draft<'_>, budget: &Budget) -> Result<Simulated, ClientError> {
        let transaction = draft.unsigned(budget, Hash::default()).ok_or_else(|| draft.too_large(action))?;
        let client = self.rpc.client();
        let config = RpcSimulateTransactionConfig {
            replace_recent_blockhash: true,
            commitment: Some(client.commitment()),
            ..RpcSimulateTransactionConfig::default()
        };
        let call = || client.simulate_transaction_with_config(&transaction, config.clone());
        let result = match self.patiently(call).await {
            Ok(answer) => answer.value,
            // A node too old for version 1 does not even parse it.
            Err(error) if draft.format == Format::V1 && code(&error) == Some(INVALID_PARAMS) => {
                let error = Some(TransactionError::UnsupportedVersion);
                return Ok(Simulated { error, units: 0, logs: Vec::new() });
            }
            Err(error) => return Err(ClientError::rpc("simulating a transaction", &error)),
        };
        Ok(Simulated {
            error: result.err.map(Into::into),
            units: result.units_consumed.unwrap_or(0),
            logs: result.logs.unwrap_or_default(),
        })
    }

    /// Whether what was simulated may be sent.
    fn judge(&self, action: &str, draft: &Draft<'_>, simulated: &Simulated) -> Result<(), Rejected> {
        let Some(error) = &simulated.error else { return Ok(()) };
        let instruction = match error {
            TransactionError::InstructionError(index, _) => Some(usize::from(*index)),
            _ => None,
        };
        Err(Rejected {
            error: Box::new(ClientError::transaction(action, &draft.keys(), error, simulated.logs.clone())),
            unsupported: draft.format == Format::V1 && *error == TransactionError::UnsupportedVersion,
            over_limits: over_limits(error, &simulated.logs),
            instruction,
        })
    }

    /// Asks again, ever less often, while the cluster does not answer.
    async fn patiently<T, F: Future<Output = Result<T, RpcError>>>(
        &self,
        mut call: impl FnMut() -> F,
    ) -> Result<T, RpcError> {
        let started = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(250);
        loop {
            match call().await {
                Err(error) if is_transient(&error) && started.elapsed() < self.settings.patience => {
                    tracing::warn!(%error, "the cluster does not answer; asking again");
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2).min(Duration::from_secs(8));
                }
                answer => return answer,
            }
        }
    }
}
