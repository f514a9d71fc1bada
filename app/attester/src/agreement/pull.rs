//! The side of a proposer: what waits elsewhere is fetched before a batch is cut, so that a receipt handed to one attester is
//! in the next batch, whoever proposes it.
//!
//! Each peer is told what waits here, by the beginnings of the receipts' hashes, and answers with receipts that are not among
//! it; they are examined like anybody's. All peers are asked at once, and nobody is waited for longer than a quarter of a
//! round. Who answers nothing, too late, or without end is of no help and of no other harm; who sends what is not new is not
//! asked a second time.

use super::messages::{MAX_FETCH, MAX_RECEIPTS, Prefix, Pull};
use super::{Agreement, AgreementError, blocking};
use crate::directory::Directory;
use crate::store::{Store, StoreError};
use coverage_client::batch::receipts_tag;
use coverage_math::hash::Software;
use coverage_math::receipt::Receipt;
use futures_util::future::join_all;
use solana_program::pubkey::Pubkey;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

impl Agreement {
    /// How long others are waited for; they are not asked again within twice that.
    pub(super) fn patience(&self) -> Duration {
        self.terms.round.checked_div(4).unwrap_or_default()
    }

    /// Stores what waits with others for a cell's next batch, as far as it comes in time.
    pub(super) async fn pull(&self, directory: &Arc<Directory>, workload: Pubkey, epoch: u64) {
        let peers = directory.members.iter().map(|member| member.key).filter(|key| *key != self.public);
        let pulls = peers.map(|peer| async move {
            if let Err(error) = self.pull_from(directory, &peer, workload, epoch).await {
                tracing::info!(peer = hex::encode(peer), %workload, epoch, %error, "what waits there is not known");
            }
        });
        if tokio::time::timeout(self.patience(), join_all(pulls)).await.is_err() {
            tracing::info!(%workload, epoch, "not all peers have said in time what waits there");
        }
    }

    /// Asks one peer until it has nothing more that is new.
    async fn pull_from(
        &self,
        directory: &Arc<Directory>,
        peer: &[u8; 32],
        workload: Pubkey,
        epoch: u64,
    ) -> Result<(), AgreementError> {
        // It answers as many at once, and turns others away.
        let _permit = self.semaphore(&self.pulls, peer).acquire_owned().await;
        loop {
            let (store, network) = (self.store.clone(), directory.network);
            let waiting = blocking(move || waiting(&store, &network, &workload, epoch)).await??;
            let known: Vec<_> = waiting.into_iter().map(|(prefix, _)| prefix).collect();
            if known.len() >= MAX_RECEIPTS {
                return Ok(());
            }
            let pull = Pull { workload: workload.to_bytes(), epoch, known };
            let found = self.peers.pull(peer, &pull, self.patience()).await?;
            let full = found.len() == MAX_FETCH;
            if !self.heed(directory, workload, epoch, found).await? || !full {
                return Ok(());
            }
        }
    }
}

/// Up to [`MAX_FETCH`] receipts that wait here and not with the one who asks.
pub(super) fn answer(store: &Store, network: &Pubkey, pull: &Pull) -> Result<Vec<Receipt>, StoreError> {
    let known: HashSet<&Prefix> = pull.known.iter().collect();
    let waiting = waiting(store, network, &Pubkey::new_from_array(pull.workload), pull.epoch)?;
    let unknown = waiting.into_iter().filter(|(prefix, _)| !known.contains(prefix));
    Ok(unknown.map(|(_, receipt)| receipt).take(MAX_FETCH).collect())
}

/// What waits, as much as a batch may have, each with the beginning of its hash.
fn waiting(
    store: &Store,
    network: &Pubkey,
    workload: &Pubkey,
    epoch: u64,
) -> Result<Vec<(Prefix, Receipt)>, StoreError> {
    let tag = receipts_tag(network, epoch);
    let receipts = store.pending(workload, epoch, MAX_RECEIPTS)?;
    let prefixed = |receipt: Receipt| {
        let hash = receipt.leaf::<Software>(&tag).ok()?;
        Some((*hash.first_chunk()?, receipt))
    };
    Ok(receipts.into_iter().filter_map(prefixed).collect())
}
