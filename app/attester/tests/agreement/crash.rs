//! The submitter dies at every step, before or after the chain has heard of it, and goes on where it was.

use crate::network::{ATTESTERS, Network, payer};
use crate::peer::Manner;
use async_trait::async_trait;
use coverage_client::embedded::rpc::EmbeddedRpc;
use coverage_client::math::cell::Slot;
use coverage_client::program::state::Attestation;
use coverage_client::rpc::Rpc;
use coverage_client::{accounts, pda, program};
use coverage_math::receipt::Receipt;
use coverage_tests::Forge;
use serde_json::Value;
use solana_commitment_config::CommitmentConfig;
use solana_program::pubkey::Pubkey;
use solana_rpc_client::nonblocking::rpc_client::RpcClient;
use solana_rpc_client::rpc_client::RpcClientConfig;
use solana_rpc_client::rpc_sender::{RpcSender, RpcTransportStats};
use solana_rpc_client_api::client_error::Result as ClientResult;
use solana_rpc_client_api::request::RpcRequest;
use solana_signer::Signer;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// What becomes of the transaction at which the submitter dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never left.
    Unsent,
    /// It landed, and nobody knows.
    Landed,
    /// It is on its way, and lands when everything else is over.
    Late,
}

/// A connection on which the process dies at transaction `at`.
#[derive(Clone)]
pub struct Cut {
    inner: EmbeddedRpc,
    at: usize,
    fate: Fate,
    sent: Arc<AtomicUsize>,
    /// Told when the moment has come.
    pub dead: Arc<Notify>,
    late: Arc<Mutex<Option<Value>>>,
}

impl Cut {
    pub fn new(inner: EmbeddedRpc, at: usize, fate: Fate) -> Self {
        Self { inner, at, fate, sent: Arc::default(), dead: Arc::default(), late: Arc::default() }
    }

    pub fn rpc(&self) -> Rpc {
        let config = RpcClientConfig::with_commitment(CommitmentConfig::confirmed());
        Rpc::over(RpcClient::new_sender(self.clone(), config))
    }

    /// Lands what was on its way.
    async fn land_late(&self) {
        let late = self.late.lock().unwrap().take();
        if let Some(params) = late {
            let _ = self.inner.send(RpcRequest::SendTransaction, params).await; // may be refused: it is late
        }
    }
}

#[async_trait]
impl RpcSender for Cut {
    async fn send(&self, request: RpcRequest, params: Value) -> ClientResult<Value> {
        if request == RpcRequest::SendTransaction && self.sent.fetch_add(1, Ordering::SeqCst) == self.at {
            match self.fate {
                Fate::Unsent => {}
                Fate::Landed => drop(self.inner.send(request, params).await),
                Fate::Late => *self.late.lock().unwrap() = Some(params),
            }
            self.dead.notify_one();
            std::future::pending::<()>().await;
            unreachable!("dead")
        }
        self.inner.send(request, params).await
    }

    fn get_transport_stats(&self) -> RpcTransportStats {
        RpcTransportStats::default()
    }

    fn url(&self) -> String {
        "cut".to_owned()
    }
}

/// Slots enough for an upload of three transactions.
const MANY: u16 = 60;

/// A network in which attester 0 alone proposes and the others sign, with many slots.
pub async fn one_proposes() -> Network {
    let mut manners = [Manner::Scripted; ATTESTERS];
    manners[0] = Manner::Honest;
    let mut network = Network::new(manners).await;
    network.terms.round = Duration::from_millis(40);
    let (_, slots) = network.cell();
    let slots: Vec<Slot> = (0..MANY).map(|number| Slot { operator: [number as u8; 32], ..slots[0] }).collect();
    let cell = pda::cell(&network.workload);
    network.on_chain(|chain| Forge(chain).slots(&cell, &slots, |_| ()));
    for number in 1..ATTESTERS {
        network.start_one(number).await;
    }
    network
}

/// A receipt for every slot.
fn one_each(network: &Network, from: u32) -> Vec<Receipt> {
    (0..MANY).map(|slot| network.receipt(from + u32::from(slot), slot, (slot % 7) as u8)).collect()
}

impl Network {
    /// Attestations that attester 0 has paid for.
    pub fn left_over(&self) -> usize {
        let payer = payer(0).pubkey().to_bytes();
        let all = self.on_chain(|chain| chain.svm.get_program_accounts(&program::ID));
        let attestation = |(at, account): &(Pubkey, _)| {
            let data: &solana_account::Account = account;
            accounts::header::<Attestation>(at, &data.data).is_ok_and(|it| it.payer.to_bytes() == payer)
        };
        all.iter().filter(|account| attestation(account)).count()
    }

    fn log_lamports(&self) -> u64 {
        let at = pda::log(&self.workload);
        self.on_chain(|chain| chain.svm.get_account(&at).unwrap().lamports)
    }
}

/// One batch, with attester 0 dying at transaction `at`; whether it came that far.
async fn die_at(network: &mut Network, at: usize, fate: Fate) -> bool {
    let batches = network.log().len();
    let receipts = one_each(network, 1_000 * (1 + batches as u32));
    network.give(&receipts, 0..ATTESTERS);
    let (counted, lamports, log) = (network.counted(), network.lamports(0), network.log_lamports());
    let cut = Cut::new(network.chain.clone(), at, fate);
    network.start_over(0, cut.rpc()).await;
    let died = tokio::select! {
        () = cut.dead.notified() => true,
        () = network.until_counted(counted + u64::from(MANY)) => false,
    };
    network.nodes[0].kill().await;
    if died {
        network.start_one(0).await;
        network.until_counted(counted + u64::from(MANY)).await;
        network.until("the record of the batch to go", || !has_flight(network)).await;
        network.nodes[0].kill().await;
        cut.land_late().await;
        if network.left_over() > 0 {
            assert_eq!(fate, Fate::Late, "an attestation was left over");
            network.start_one(0).await;
            network.until("the attestation to be closed", || network.left_over() == 0).await;
            network.nodes[0].kill().await;
        }
    }
    let seen = format!("died at {at}, {fate:?}");
    assert_eq!(network.log().len(), batches + 1, "{seen}: applied once");
    assert_eq!(network.counted(), counted + u64::from(MANY), "{seen}: counted once");
    assert_eq!(network.left_over(), 0, "{seen}: rent is back");
    // An attestation of so many entries has 16 million lamports of rent; what is gone are fees and the log's new record.
    let gone = lamports - network.lamports(0) - (network.log_lamports() - log);
    assert!(gone < 400_000, "{seen}: {gone} lamports are gone");
    died
}

fn has_flight(network: &Network) -> bool {
    network.nodes[0].store.note(&format!("flight/{}", network.workload)).unwrap().is_some()
}

/// Dies at each transaction in turn, until there are no more; there must be as many as a batch takes.
async fn die_everywhere(fate: Fate) {
    let mut network = one_proposes().await;
    let mut steps = 0;
    while die_at(&mut network, steps, fate).await {
        steps += 1;
    }
    // Opening, two extensions, endorsing with applying.
    assert_eq!(steps, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_before_any_transaction_loses_nothing() {
    die_everywhere(Fate::Unsent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dying_between_submit_and_confirm_doubles_nothing() {
    die_everywhere(Fate::Landed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_that_land_late_do_no_harm() {
    die_everywhere(Fate::Late).await;
}
