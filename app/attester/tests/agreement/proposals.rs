//! Proposals as a test makes them, true or false.

use crate::network::Network;
use axum::body::Bytes;
use coverage_attester::agreement::messages::{Answer, Leaf, Proposal, count};
use coverage_attester::agreement::peers::{PeerError, Peers};
use coverage_client::accounts;
use coverage_client::batch::{self, BatchOf, sign};
use coverage_client::pda;
use coverage_client::program::state::Committee;
use coverage_math::hash::{Hash, Sha256, Software};
use coverage_math::merkle;
use coverage_math::receipt::Receipt;
use ed25519_dalek::SigningKey;
use std::time::Duration;

impl Network {
    /// What the cell's next batch is of.
    pub fn next_batch(&self) -> BatchOf {
        let (cell, _) = self.cell();
        let at = pda::committee(&self.net.address);
        let data = self.on_chain(|chain| chain.svm.get_account(&at).unwrap().data);
        let generation = accounts::header::<Committee>(&at, &data).unwrap().generation;
        BatchOf {
            network: self.net.address,
            workload: self.workload,
            epoch: cell.epoch,
            sequence: cell.batches,
            generation,
        }
    }

    /// A true proposal of these receipts, to be signed.
    pub fn proposal(&self, receipts: &[Receipt]) -> Proposal {
        let mut receipts = receipts.to_vec();
        batch::sort(&mut receipts);
        let of = self.next_batch();
        let tag = batch::receipts_tag(&of.network, of.epoch);
        let leaf = |receipt: &Receipt| {
            let (slot, outcome, request_id) = receipt.attempt.key();
            Leaf { slot, outcome, request_id, hash: receipt.leaf::<Software>(&tag).unwrap() }
        };
        let leaves: Vec<Leaf> = receipts.iter().map(leaf).collect();
        Proposal {
            network: of.network.to_bytes(),
            workload: of.workload.to_bytes(),
            epoch: of.epoch,
            sequence: of.sequence,
            generation: of.generation,
            receipts_root: root(&leaves),
            entries: count(&leaves).unwrap(),
            leaves,
            signature: [0; 64],
        }
    }

    /// The questions an attester can ask.
    pub fn peers_of(&self, number: usize) -> Peers {
        let others = (0..self.nodes.len()).filter(|other| *other != number);
        let urls = others.map(|other| (self.nodes[other].public(), self.url(other)));
        Peers::new(self.net.address, self.nodes[number].key.clone(), urls.collect()).unwrap()
    }

    /// Has attester `from` sign a proposal and show it to attester `to`.
    pub async fn propose(&self, from: usize, to: usize, proposal: &Proposal) -> Result<Answer, PeerError> {
        let signed = signed(&self.nodes[from].key, proposal.clone());
        let body = Bytes::from(borsh::to_vec(&signed).unwrap());
        let hash = Software::hash(&[&body]);
        let peers = self.peers_of(from);
        peers.propose(&self.nodes[to].public(), body, &hash, Duration::from_secs(5)).await
    }
}

/// The root over leaves.
pub fn root(leaves: &[Leaf]) -> Hash {
    let mut hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf.hash).collect();
    merkle::root::<Software>(&mut hashes).unwrap()
}

/// A proposal signed by its proposer, whatever it says.
pub fn signed(key: &SigningKey, proposal: Proposal) -> Proposal {
    let (_, signature) = sign(key, &proposal.statement().digest);
    Proposal { signature, ..proposal }
}
