//! The embedded cluster's RPC answers as Agave's does, in the process and over HTTP.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cluster;

use cluster::{Cluster, LAMPORTS, PAYMENT};
use coverage_client::ClientError;
use coverage_client::chain::Chain;
use coverage_client::embedded::rpc::serve;
use coverage_client::events::Event;
use coverage_client::instructions::{propose_authority, set_guardian};
use coverage_client::program::state::{Committee, Network};
use coverage_client::rpc::{Blocking, Rpc, Sender};
use coverage_client::{pda, program};
use serde_json::{Value, json};
use solana_account_decoder_client_types::UiAccountEncoding;
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;
use solana_rpc_client_api::client_error::{Error, ErrorKind};
use solana_rpc_client_api::config::{RpcAccountInfoConfig, RpcProgramAccountsConfig, RpcSendTransactionConfig};
use solana_rpc_client_api::filter::{Memcmp, RpcFilterType};
use solana_rpc_client_api::request::{RpcError, RpcRequest, RpcResponseErrorData};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_system_interface::instruction::transfer;
use solana_transaction::Transaction;
use solana_transaction::versioned::VersionedTransaction;
use std::mem::offset_of;
use std::sync::Arc;

/// The code and message of an error of JSON-RPC.
fn code(error: &Error) -> (i64, &str) {
    match error.kind() {
        ErrorKind::RpcError(RpcError::RpcResponseError { code, message, .. }) => (*code, message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reads_what_is_there_by_every_method_and_encoding() {
    let cluster = Cluster::new();
    let network = cluster.network().await;
    let client = cluster.sender.rpc().client();
    let raw = cluster.endpoint.chain().lock().unwrap().svm.get_account(&network).unwrap();
    for encoding in [UiAccountEncoding::Base64, UiAccountEncoding::Base64Zstd, UiAccountEncoding::Base58] {
        let config = RpcAccountInfoConfig { encoding: Some(encoding), ..RpcAccountInfoConfig::default() };
        let answer = client.get_ui_account_with_config(&network, config).await;
        if encoding == UiAccountEncoding::Base58 {
            let error = answer.unwrap_err().to_string(); // it has more than 128 bytes
            assert!(error.contains("RPC response error -32602: Encoded binary (base 58)"), "{error}");
        } else {
            assert_eq!(answer.unwrap().value.unwrap().to_account().unwrap(), raw, "{encoding:?}");
        }
    }
    let nobody = Pubkey::from([77; 32]);
    let found = cluster.sender.rpc().accounts(&[network, nobody, pda::vault(&network)]).await.unwrap();
    assert_eq!(found[0].as_ref().unwrap().data, raw.data);
    assert!(found[1].is_none());
    assert_eq!(found[2].as_ref().unwrap().owner, pda::TOKEN_PROGRAM);
    assert_eq!(cluster.sender.rpc().account(&nobody).await.unwrap(), None);
    assert_eq!(cluster.sender.rpc().require(&nobody).await.unwrap_err(), ClientError::Missing(nobody));
    let header: Network = cluster.sender.rpc().header(&network).await.unwrap();
    assert_eq!(header.authority, cluster.payer);
    assert_eq!(cluster.sender.rpc().now().await.unwrap(), 1_700_000_000);
    assert_eq!(client.get_balance(&nobody).await.unwrap(), 0);
    assert_eq!(client.get_minimum_balance_for_rent_exemption(165).await.unwrap(), 2_039_280);
    let balance = client.get_token_account_balance(&pda::vault(&network)).await.unwrap();
    assert_eq!((balance.amount.as_str(), balance.decimals), ("0", 6));
    assert_eq!(client.get_version().await.unwrap().solana_core, "4.2.2");
    client.get_health().await.unwrap();
    assert_eq!(client.get_slot().await.unwrap(), client.get_block_height().await.unwrap() + 7);
}

#[tokio::test]
async fn lists_the_programs_accounts_by_size_and_bytes() {
    let cluster = Cluster::new();
    let network = cluster.network().await;
    let rpc = cluster.sender.rpc();
    let committees = rpc.all_of::<Committee>(&network, offset_of!(Committee, network)).await.unwrap();
    assert_eq!(committees.iter().map(|(address, _)| *address).collect::<Vec<_>>(), [pda::committee(&network)]);
    let none = rpc.all_of::<Committee>(&pda::network(2), offset_of!(Committee, network)).await.unwrap();
    assert!(none.is_empty());
    let bytes = committees[0].1.data.len() as u64;
    let count = |filter: RpcFilterType| async move {
        let config = RpcProgramAccountsConfig { filters: Some(vec![filter]), ..RpcProgramAccountsConfig::default() };
        let config = RpcProgramAccountsConfig {
            account_config: RpcAccountInfoConfig { encoding: Some(UiAccountEncoding::Base64), ..config.account_config },
            ..config
        };
        rpc.client().get_program_ui_accounts_with_config(&program::ID, config).await.map(|found| found.len())
    };
    assert_eq!(count(RpcFilterType::DataSize(bytes)).await.unwrap(), 1);
    assert_eq!(count(RpcFilterType::DataSize(bytes + 1)).await.unwrap(), 0);
    assert_eq!(count(RpcFilterType::Memcmp(Memcmp::new_raw_bytes(0, vec![]))).await.unwrap(), 2);
    let too_long = RpcFilterType::Memcmp(Memcmp::new_raw_bytes(0, vec![0; 129]));
    assert_eq!(code(&count(too_long).await.unwrap_err()).0, -32_602);
}

#[tokio::test]
async fn refuses_as_a_cluster_does() {
    let cluster = Cluster::new();
    let client = cluster.sender.rpc().client();
    let error = client.send::<Value>(RpcRequest::GetSupply, json!([])).await.unwrap_err();
    assert_eq!(code(&error), (-32_601, "Method not found"));
    let error = client.send::<Value>(RpcRequest::GetBalance, json!(["not an address"])).await.unwrap_err();
    assert_eq!(code(&error), (-32_602, "Invalid param: not an address"));
    let error = client.send::<Value>(RpcRequest::SendTransaction, json!(["!"])).await.unwrap_err();
    assert_eq!(code(&error).0, -32_602);
    // A refused simulation comes with its error, log and units.
    let payer = Keypair::new_from_array([3; 32]);
    let too_much = transfer(&cluster.payer, &cluster.payee, LAMPORTS);
    let blockhash = client.get_latest_blockhash().await.unwrap();
    let signed = Transaction::new_signed_with_payer(&[too_much], Some(&cluster.payer), &[&payer], blockhash);
    let error = client.send_transaction(&signed).await.unwrap_err();
    assert_eq!(
        code(&error),
        (-32_002, "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1")
    );
    let ErrorKind::RpcError(RpcError::RpcResponseError { data, .. }) = error.kind() else { panic!() };
    let RpcResponseErrorData::SendTransactionPreflightFailure(simulated) = data else { panic!("{data:?}") };
    assert_eq!(simulated.units_consumed, Some(150));
    assert_eq!(simulated.logs.as_ref().unwrap().len(), 3);
    // Old blockhashes, forged signatures, and the same transaction twice.
    let pay = transfer(&cluster.payer, &cluster.payee, PAYMENT);
    let sign = |blockhash| {
        Transaction::new_signed_with_payer(std::slice::from_ref(&pay), Some(&cluster.payer), &[&payer], blockhash)
    };
    let message = |error: Error| code(&error).1.to_owned();
    let never = sign(solana_hash::Hash::new_from_array([1; 32]));
    let refused = message(client.send_transaction(&never).await.unwrap_err());
    assert_eq!(refused, "Transaction simulation failed: Blockhash not found");
    let mut forged = sign(blockhash);
    forged.signatures[0] = signed.signatures[0];
    let refused = message(client.send_transaction(&forged).await.unwrap_err());
    assert_eq!(refused, "Transaction simulation failed: Transaction did not pass signature verification");
    client.send_transaction(&sign(blockhash)).await.unwrap();
    let refused = message(client.send_transaction(&sign(blockhash)).await.unwrap_err());
    assert_eq!(refused, "Transaction simulation failed: This transaction has already been processed");
    let unchecked = RpcSendTransactionConfig { skip_preflight: true, ..RpcSendTransactionConfig::default() };
    client.send_transaction_with_config(&sign(blockhash), unchecked).await.unwrap();
    assert_eq!(cluster.payments(), 1);
    // A packet's size.
    let long = transfer(&cluster.payer, &cluster.payee, 1);
    let long = solana_program::instruction::Instruction { data: vec![0; 1_300], ..long };
    let long = Transaction::new_signed_with_payer(&[long], Some(&cluster.payer), &[&payer], blockhash);
    let bytes = wincode::serialize(&VersionedTransaction::from(long.clone())).unwrap().len();
    let refused = message(client.send_transaction(&long).await.unwrap_err());
    assert_eq!(refused, format!("decoded VersionedTransaction too large: {bytes} bytes (max: 1232 bytes)"));
}

#[tokio::test(start_paused = true)]
async fn blockhashes_are_good_for_150_blocks() {
    let cluster = Cluster::new();
    let client = cluster.sender.rpc().client();
    let (blockhash, last) = client.get_latest_blockhash_with_commitment(client.commitment()).await.unwrap();
    assert_eq!(last, client.get_block_height().await.unwrap() + 150);
    cluster.endpoint.pass_blocks(149);
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert!(client.is_blockhash_valid(&blockhash, client.commitment()).await.unwrap());
    assert_eq!(client.get_block_height().await.unwrap(), last);
    cluster.endpoint.pass_blocks(1);
    assert!(!client.is_blockhash_valid(&blockhash, client.commitment()).await.unwrap());
}

#[tokio::test]
async fn tells_of_transactions_and_their_events() {
    let cluster = Cluster::new();
    let network = cluster.network().await;
    let heir = Pubkey::from([21; 32]);
    let propose = propose_authority(cluster.payer, network, heir);
    let guardian = set_guardian(cluster.payer, network, heir);
    let sent = cluster.sender.send("naming people", &[propose, guardian]).await.unwrap();
    let events = cluster.sender.rpc().events(&sent.signature).await.unwrap();
    let [Event::AuthorityProposed(proposed), Event::GuardianSet(set)] = events.as_slice() else {
        panic!("{:?}", events.iter().map(Event::name).collect::<Vec<_>>())
    };
    assert_eq!((proposed.network, proposed.pending), (network, heir));
    assert_eq!(set.network, network);
    let client = cluster.sender.rpc().client();
    let listed = client.get_signatures_for_address(&network).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].signature, sent.signature.to_string());
    assert_eq!((listed[0].slot, listed[0].block_time), (sent.slot, Some(1_700_000_000)));
    let missing = cluster.sender.rpc().events(&Signature::default()).await.err().unwrap();
    assert!(matches!(missing, ClientError::Rpc { .. }), "{missing}");
}

#[tokio::test]
async fn the_same_over_http() {
    let cluster = Cluster::new();
    let server = serve(cluster.endpoint.clone(), 0).unwrap();
    let url = server.url();
    let sender = Sender::new(Rpc::new(url.clone()), Arc::new(Keypair::new_from_array([3; 32])));
    sender.send("paying", &cluster.payment()).await.unwrap();
    assert_eq!(cluster.payments(), 1);
    let network = cluster.network().await;
    let stranger = Keypair::new_from_array([9; 32]);
    let guardian = set_guardian(stranger.pubkey(), network, stranger.pubkey());
    let error = sender.clone().with_signer(Arc::new(stranger)).send("naming", &[guardian]).await.unwrap_err();
    assert_eq!(error.program_error().unwrap().name, "NotAuthority");
    let client = sender.rpc().client();
    let airdrop = client.request_airdrop(&cluster.payee, PAYMENT).await.unwrap();
    assert!(client.confirm_transaction(&airdrop).await.unwrap());
    assert_eq!(cluster.payments(), 2);
    // A batch, and what is no request.
    let post = |body: &str| reqwest::Client::new().post(&url).body(body.to_owned()).send();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"getHealth"},{"id":"b","method":"what"},7]"#;
    let answer: Value = post(batch).await.unwrap().json().await.unwrap();
    let error = |id: Value, code: i64, message: &str| json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
    assert_eq!(
        answer,
        json!([
            { "jsonrpc": "2.0", "id": 1, "result": "ok" },
            error(json!("b"), -32_601, "Method not found"),
            error(Value::Null, -32_600, "Invalid request"),
        ])
    );
    let answer: Value = post("{").await.unwrap().json().await.unwrap();
    assert_eq!(answer, error(Value::Null, -32_700, "Parse error"));
    let answer: Value = post("[]").await.unwrap().json().await.unwrap();
    assert_eq!(answer, error(Value::Null, -32_600, "Invalid request"));
    // Gone when dropped, and the port is free.
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    drop((server, sender));
    assert!(post("{}").await.unwrap_err().is_connect());
    drop(serve(cluster.endpoint.clone(), port).unwrap());
}

#[tokio::test]
async fn a_lost_answer_over_http_is_paid_once() {
    let cluster = Cluster::new();
    let server = serve(cluster.endpoint.clone(), 0).unwrap();
    let sender = Sender::new(Rpc::new(server.url()), Arc::new(Keypair::new_from_array([3; 32])));
    cluster.endpoint.set_faults(|faults| (faults.refused_connections, faults.lost_answers) = (1, 1));
    sender.send("paying", &cluster.payment()).await.unwrap();
    assert_eq!((cluster.payments(), cluster.endpoint.received().len()), (1, 1));
}

#[test]
fn code_that_is_not_asynchronous_blocks() {
    let cluster = Cluster::new();
    let server = serve(cluster.endpoint.clone(), 0).unwrap();
    let mut chain =
        Blocking::new(Sender::new(Rpc::new(server.url()), Arc::new(Keypair::new_from_array([3; 32])))).unwrap();
    assert_eq!(chain.send("paying", &cluster.payment()).unwrap(), 300);
    assert_eq!((cluster.payments(), chain.payer(), chain.now().unwrap()), (1, cluster.payer, 1_700_000_000));
    assert_eq!(chain.account(&cluster.payee).unwrap().unwrap().lamports, PAYMENT);
    assert_eq!(chain.require(&Pubkey::from([77; 32])).unwrap_err(), ClientError::Missing(Pubkey::from([77; 32])));
    let slot = chain.wait(chain.sender().rpc().client().get_slot()).unwrap();
    assert!(slot > 1_000);
}
