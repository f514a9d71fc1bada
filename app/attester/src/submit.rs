//! Bringing an agreed batch on chain: each step is decided by what the chain shows, never by what was sent.
//!
//! A batch is on disk, with its signatures, before the first transaction. So it does not matter where this stops: whoever
//! goes on reads the chain and sees the next step. A transaction that lands late, twice or not at all changes the chain, or
//! does not, and that is what is looked at: an upload that is not a part of the entries any more is closed and begun anew, an
//! endorsement counts once however often it is sent, and a sequence number applies once. When the batch is in the log, or cannot
//! come there any more, what is left of the attestation is closed, and its rent is back.

mod flight;
mod step;

pub use flight::Flight;
pub use step::{Loss, Outcome, Seen, Step, decide};

use crate::directory::Directory;
use crate::store::{Store, StoreError};
use coverage_client::program::state::{Attestation, Cell, Committee, Epoch, KIND_OUTCOMES};
use coverage_client::rpc::Sender;
use coverage_client::{ClientError, accounts, instructions, pda};
use coverage_math::hash::{Sha256, Software};
use solana_program::pubkey::Pubkey;
use std::mem::offset_of;
use std::time::Duration;
use thiserror::Error;

/// Transactions refused in a row, after which a batch waits for the next attempt.
const REFUSALS: u32 = 4;
/// How long it waits after the first of them; twice as long after each.
const PATIENCE: Duration = Duration::from_millis(250);

/// Why a batch is not on chain yet. It stays on disk and is tried again.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// The cluster does not answer, or refuses.
    #[error(transparent)]
    Client(Box<ClientError>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service is stopping.
    #[error("the service is stopping")]
    Stopping,
}

impl From<ClientError> for SubmitError {
    fn from(error: ClientError) -> Self {
        Self::Client(Box::new(error))
    }
}

/// Submits batches.
pub struct Submitter {
    sender: Sender,
    store: Store,
}

impl Submitter {
    /// Submits with `sender`, who pays; what is in flight is recorded in `store`.
    #[must_use]
    pub const fn new(sender: Sender, store: Store) -> Self {
        Self { sender, store }
    }

    /// Records a batch that is to be submitted: from now on, it is tried until the chain has decided about it.
    ///
    /// # Errors
    /// [`SubmitError::Store`].
    pub async fn record(&self, flight: &Flight) -> Result<(), SubmitError> {
        let (store, name, bytes) = (self.store.clone(), note(&flight.batch().workload), flight.encode());
        Ok(blocking(move || store.set_note(&name, &bytes)).await??)
    }

    /// The batch of a cell that is to be submitted, if there is one.
    ///
    /// # Errors
    /// [`SubmitError::Store`].
    pub async fn in_flight(&self, workload: &Pubkey) -> Result<Option<Flight>, SubmitError> {
        let (store, name) = (self.store.clone(), note(workload));
        let bytes = blocking(move || store.note(&name)).await??;
        Ok(bytes.and_then(|bytes| Flight::decode(&bytes)))
    }

    /// Drops the record of a batch that the chain has decided about.
    ///
    /// # Errors
    /// [`SubmitError::Store`].
    pub async fn forget(&self, flight: &Flight) -> Result<(), SubmitError> {
        let (store, name) = (self.store.clone(), note(&flight.batch().workload));
        Ok(blocking(move || store.drop_note(&name)).await??)
    }

    /// Takes a batch as many steps further as it takes until the chain has decided about it, and closes what is left then.
    ///
    /// # Errors
    /// [`SubmitError::Client`] if the cluster does not answer or keeps refusing: call it again later.
    pub async fn carry(&self, flight: &Flight) -> Result<Outcome, SubmitError> {
        let (mut refusals, mut patience) = (0u32, PATIENCE);
        loop {
            let seen = self.look(flight).await?;
            let (action, instructions) = match decide(flight, &seen, &self.sender.payer()) {
                Step::Done(outcome) => return Ok(outcome),
                Step::Send(action, instructions) => (action, instructions),
            };
            match self.sender.send(action, &instructions).await {
                Ok(_) => refusals = 0,
                Err(error) => {
                    refusals = refusals.saturating_add(1);
                    tracing::info!(%error, refusals, "a transaction did not go through");
                    if refusals >= REFUSALS {
                        return Err(error.into());
                    }
                    tokio::time::sleep(patience).await;
                    patience = patience.saturating_mul(2);
                }
            }
        }
    }

    /// What the chain shows of a batch: everything at one moment.
    async fn look(&self, flight: &Flight) -> Result<Seen, ClientError> {
        let of = flight.batch();
        let [cell, log, committee, epoch] = [
            pda::cell(&of.workload),
            pda::log(&of.workload),
            pda::committee(&of.network),
            pda::epoch(&of.network, of.epoch),
        ];
        let attestation = flight.statement().address(&self.sender.payer());
        let addresses = [cell, log, committee, epoch, attestation];
        let found = self.sender.rpc().accounts(&addresses).await?;
        let data = |index: usize| found.get(index).and_then(Option::as_ref).map(|account| account.data.as_slice());
        Ok(Seen {
            cell: data(0).map(|data| accounts::header::<Cell>(&cell, data)).transpose()?,
            log: data(1).map(|data| accounts::log(&log, data)).transpose()?,
            committee: accounts::header::<Committee>(&committee, data(2).ok_or(ClientError::Missing(committee))?)?,
            epoch: data(3).map(|data| accounts::header::<Epoch>(&epoch, data)).transpose()?,
            attestation: data(4).map(|data| accounts::attestation(&attestation, data)).transpose()?,
        })
    }

    /// Closes attestations of batches that nobody here submits any more: of a number that the cell is past, or of an old
    /// committee. A transaction sent before a crash may open one when all is over.
    ///
    /// Everything that the payer has opened is looked at, so the payer must be this service's own.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn sweep(&self, directory: &Directory) -> Result<(), SubmitError> {
        let payer = self.sender.payer();
        // Who paid stands in it like the network does, and is as good to search by.
        let all = self.sender.rpc().all_of::<Attestation>(&payer, offset_of!(Attestation, payer)).await?;
        for (address, account) in all {
            let attestation = accounts::header::<Attestation>(&address, &account.data)?;
            let flight = self.in_flight(&Pubkey::new_from_array(attestation.subject.to_bytes())).await?;
            let wanted = flight.is_some_and(|flight| flight.statement().digest == attestation.digest);
            if !wanted && is_over(directory, &attestation) {
                tracing::info!(%address, "closing an attestation that was left over");
                let close = instructions::close_attestation(payer, address);
                self.sender.send("closing an attestation that was left over", &[close]).await?;
            }
        }
        Ok(())
    }
}

/// Whether an attestation is of a batch that can never be applied.
fn is_over(directory: &Directory, attestation: &Attestation) -> bool {
    let workload = Pubkey::new_from_array(attestation.subject.to_bytes());
    let passed = directory.workloads.get(&workload);
    let passed = passed.is_none_or(|cell| (attestation.epoch, attestation.sequence) < (cell.epoch, cell.batches));
    // Evidence of a fraud is uploaded under such a number, too: see `Statement::upload_only`.
    let upload_only = attestation.receipts_root == Software::hash(&[b"upload only"]);
    attestation.network.to_bytes() == directory.network.to_bytes()
        && attestation.kind == KIND_OUTCOMES
        && !upload_only
        && (passed || attestation.generation < directory.generation)
}

/// The name of the record of a cell's batch in flight.
fn note(workload: &Pubkey) -> String {
    format!("flight/{workload}")
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SubmitError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SubmitError::Stopping)
}
