//! An embedded cluster behind its RPC, with a sender and somebody to pay.
#![allow(dead_code, reason = "each test uses a part of it")]

use coverage_client::embedded::Embedded;
use coverage_client::embedded::rpc::EmbeddedRpc;
use coverage_client::pda::Token;
use coverage_client::program::state::Config;
use coverage_client::rpc::{Rpc, Sender};
use coverage_client::{instructions, pda};
use solana_keypair::Keypair;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_rpc_client_api::config::RpcTransactionConfig;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_status_client_types::{EncodedTransaction, UiTransactionEncoding};
use std::sync::{Arc, Mutex};

/// Start of the network's first epoch.
pub const GENESIS: i64 = 1_700_000_100;
/// What the payer begins with.
pub const LAMPORTS: u64 = 10_000_000_000;
/// What a payment moves: enough for an account to exist.
pub const PAYMENT: u64 = 1_000_000;
/// What a signature costs.
pub const SIGNATURE_FEE: u64 = 5_000;

pub struct Cluster {
    pub endpoint: EmbeddedRpc,
    pub sender: Sender,
    pub payer: Pubkey,
    pub payee: Pubkey,
}

impl Cluster {
    pub fn new() -> Self {
        let endpoint = EmbeddedRpc::new(Arc::new(Mutex::new(Embedded::new(1_700_000_000).unwrap())));
        let payer = Keypair::new_from_array([3; 32]);
        let address = payer.pubkey();
        endpoint.chain().lock().unwrap().svm.airdrop(&address, LAMPORTS).unwrap();
        let sender = Sender::new(Rpc::over(endpoint.client()), Arc::new(payer));
        Self { endpoint, sender, payer: address, payee: Pubkey::from([8; 32]) }
    }

    /// Pays the payee once.
    pub fn payment(&self) -> [Instruction; 1] {
        [transfer(&self.payer, &self.payee, PAYMENT)]
    }

    /// How many times the payee has been paid.
    pub fn payments(&self) -> u64 {
        let balance = self.balance(&self.payee);
        assert_eq!(balance % PAYMENT, 0);
        balance / PAYMENT
    }

    pub fn balance(&self, address: &Pubkey) -> u64 {
        self.endpoint.chain().lock().unwrap().svm.get_balance(address).unwrap_or(0)
    }

    /// A transaction that landed, off the wire.
    pub async fn transaction(&self, signature: &Signature) -> VersionedTransaction {
        let config = RpcTransactionConfig {
            encoding: Some(UiTransactionEncoding::Base64),
            commitment: None,
            max_supported_transaction_version: Some(1),
        };
        let client = self.sender.rpc().client();
        let found = client.get_transaction_with_config(signature, config).await.unwrap();
        let EncodedTransaction::Binary(bytes, _) = found.transaction.transaction else { panic!("not in base 64") };
        use base64::Engine;
        wincode::deserialize(&base64::prelude::BASE64_STANDARD.decode(bytes).unwrap()).unwrap()
    }

    /// What the network pays in.
    pub fn token(&self) -> Token {
        Token { mint: Keypair::new_from_array([5; 32]).pubkey(), program: pda::TOKEN_PROGRAM }
    }

    /// Creates a network whose authority is the payer; returns its address.
    pub async fn network(&self) -> Pubkey {
        let mint = Keypair::new_from_array([5; 32]);
        let token = self.endpoint.chain().lock().unwrap().create_mint(mint, 6).unwrap();
        assert_eq!(token, self.token());
        let config = Config {
            epoch_seconds: 3_600,
            grace_seconds: 60,
            challenge_seconds: 600,
            delay_seconds: 3_600,
            emission: 1_000_000,
            min_operator_bond: 1_000,
            min_attester_bond: 1_000,
            z_milli: 1_645,
            breach_bps: 100,
            slash_bps: 1_000,
            quorum_bps: 6_667,
            carry_cap_epochs: 10,
            challenger_bps: 5_000,
            rule: 0,
            reserved: 0,
        };
        let create = instructions::create_network(self.payer, 1, &token, self.payer, GENESIS, config);
        self.sender.send("creating the network", &[create]).await.unwrap();
        pda::network(1)
    }
}
