//! Groups of instructions fill transactions up to the byte, the compute unit and the instruction, and no further.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cluster;

use cluster::{Cluster, PAYMENT};
use coverage_client::ClientError;
use coverage_client::instructions::propose_authority;
use coverage_client::pda::{self, ASSOCIATED_TOKEN_PROGRAM, SYSTEM_PROGRAM, TOKEN_PROGRAM, Token};
use coverage_client::rpc::features::V1_TRANSACTIONS;
use coverage_client::rpc::{Sent, Settings};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, VersionedMessage};
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;
use solana_system_interface::instruction::transfer;

/// A payment of one to each of so many.
fn payments(payer: &Pubkey, count: u8) -> Vec<Vec<Instruction>> {
    (0..count).map(|payee| vec![transfer(payer, &Pubkey::from([payee; 32].map(|byte| byte ^ 0x55)), PAYMENT)]).collect()
}

fn memo(bytes: usize) -> Instruction {
    let program_id = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
    Instruction { program_id, accounts: Vec::new(), data: vec![b'a'; bytes] }
}

/// The size of each transaction and the number of its instructions, those that ask for compute units included.
async fn shape(cluster: &Cluster, sent: &[Sent]) -> Vec<(usize, usize)> {
    let mut shapes = Vec::new();
    for sent in sent {
        let landed = cluster.transaction(&sent.signature).await;
        shapes.push((wincode::serialize(&landed).unwrap().len(), landed.message.instructions().len()));
    }
    shapes
}

#[tokio::test(start_paused = true)]
async fn transactions_are_filled_to_the_byte() {
    // One signature (65), header (3), payer, system program, compute budget and blockhash (128), two counts (2), the limit (8):
    // 206 bytes and a payee's 32 + 17 for each payment: 20 fill 1,186 bytes, 21 would be 1,235.
    let cluster = Cluster::new();
    let sent = cluster.sender.send_packed("paying", &payments(&cluster.payer, 45)).await.unwrap();
    assert_eq!(shape(&cluster, &sent).await, [(1_186, 21), (1_186, 21), (451, 6)]);
    for payee in 0..45 {
        assert_eq!(cluster.balance(&Pubkey::from([payee ^ 0x55; 32])), PAYMENT);
    }
    // To the last byte: two memos that fill a packet, and two with one byte more.
    let one = cluster.sender.simulate("noting", &[memo(500), memo(500)]).await.unwrap();
    let rest = 500 + 1_232 - one.bytes;
    let fits = cluster.sender.send_packed("noting", &[vec![memo(500)], vec![memo(rest)]]).await.unwrap();
    assert_eq!(shape(&cluster, &fits).await, [(1_232, 3)]);
    let over = cluster.sender.send_packed("noting", &[vec![memo(500)], vec![memo(rest + 1)]]).await.unwrap();
    assert_eq!(shape(&cluster, &over).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn groups_stay_whole_and_in_order() {
    let cluster = Cluster::new();
    // Each pays on what the one before brought it: out of order they would fail.
    let groups: Vec<Vec<Instruction>> = payments(&cluster.payer, 24).chunks(8).map(<[_]>::concat).collect();
    let sent = cluster.sender.send_packed("paying", &groups).await.unwrap();
    assert_eq!(shape(&cluster, &sent).await, [(206 + 16 * 49, 17), (206 + 8 * 49, 9)]);
    assert_eq!(cluster.sender.send_packed("nothing", &[]).await.unwrap(), []);
    assert_eq!(cluster.sender.send_packed("nothing", &[vec![], vec![]]).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn programs_that_call_take_more_of_the_64_instructions() {
    let cluster = Cluster::new();
    let groups: Vec<_> = (0..100).map(|_| vec![memo(1)]).collect();
    let sent = cluster.sender.send_packed("noting", &groups).await.unwrap();
    let counts: Vec<usize> = shape(&cluster, &sent).await.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [64, 38]); // the limit is one of them, each time
    // The program's event is an instruction it calls: in version 1, without a limit's, 32 of these are 64.
    let cluster = Cluster::new();
    cluster.endpoint.chain().lock().unwrap().activate(V1_TRANSACTIONS);
    let network = cluster.network().await;
    let groups: Vec<_> =
        (0..40).map(|number| vec![propose_authority(cluster.payer, network, Pubkey::from([number; 32]))]).collect();
    let sent = cluster.sender.send_packed("proposing", &groups).await.unwrap();
    let counts: Vec<usize> = shape(&cluster, &sent).await.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [32, 8 + 1]); // the rest fits the oldest format, with a limit
}

/// Creates a token account that is there: it takes as much compute as finding its address does.
fn costly(payer: &Pubkey, wallet: &Pubkey, token: &Token) -> Instruction {
    let accounts = vec![
        AccountMeta::new(*payer, true),
        AccountMeta::new(pda::token_account(wallet, token), false),
        AccountMeta::new_readonly(*wallet, false),
        AccountMeta::new_readonly(token.mint, false),
        AccountMeta::new_readonly(SYSTEM_PROGRAM, false),
        AccountMeta::new_readonly(TOKEN_PROGRAM, false),
    ];
    Instruction { program_id: ASSOCIATED_TOKEN_PROGRAM, accounts, data: vec![1] }
}

#[tokio::test(start_paused = true)]
async fn transactions_are_filled_to_the_compute_unit() {
    let cluster = Cluster::new();
    let token = {
        let mut chain = cluster.endpoint.chain().lock().unwrap();
        chain.create_mint(Keypair::new_from_array([6; 32]), 6).unwrap()
    };
    // A wallet whose token account's address takes fifteen tries.
    let tries = |wallet: &Pubkey| {
        let seeds = [wallet.as_ref(), token.program.as_ref(), token.mint.as_ref()];
        256 - u32::from(Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).1)
    };
    let wallets = (0u32..).map(|number| {
        let mut bytes = [1; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        Pubkey::from(bytes)
    });
    let wallet = wallets.into_iter().find(|wallet| tries(wallet) >= 14).unwrap();
    cluster.endpoint.chain().lock().unwrap().mint_to(&token, &wallet, 1).unwrap();
    let create = costly(&cluster.payer, &wallet, &token);
    let units = |count: usize| {
        let (sender, instructions) = (&cluster.sender, vec![create.clone(); count]);
        async move { sender.simulate("creating", &instructions).await.unwrap().compute_units }
    };
    let (one, two) = (units(1).await, units(2).await);
    let (each, fixed) = (two - one, 2 * one - two);
    let most = usize::try_from((1_400_000 * 100 / 120 - fixed) / each).unwrap();
    assert!((20..63).contains(&most), "{most} of {each} units");
    let groups = vec![vec![create.clone()]; most + 3];
    let sent = cluster.sender.send_packed("creating", &groups).await.unwrap();
    let counts: Vec<usize> = shape(&cluster, &sent).await.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [most + 1, 3 + 1]);
    assert_eq!(sent[0].compute_units, fixed + each * most as u64);
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_a_refused_group_is_done() {
    let cluster = Cluster::new();
    let mut groups = payments(&cluster.payer, 10);
    groups[6][0].data[4..].copy_from_slice(&u64::MAX.to_le_bytes());
    let incomplete = cluster.sender.send_packed("paying", &groups).await.unwrap_err();
    assert_eq!((incomplete.groups, incomplete.sent.len()), (6, 1));
    assert!(matches!(incomplete.error, ClientError::InsufficientFunds { .. }), "{}", incomplete.error);
    let paid = |payee: u8| cluster.balance(&Pubkey::from([payee ^ 0x55; 32]));
    assert_eq!((0..10).map(paid).collect::<Vec<_>>(), [[PAYMENT; 6].as_slice(), &[0; 4]].concat());
    // A group that fits no transaction is named as such, too.
    let error = cluster.sender.send_packed("noting", &[vec![memo(1)], vec![memo(1_200)]]).await.unwrap_err();
    assert_eq!((error.groups, error.sent.len()), (1, 1));
    assert!(matches!(error.error, ClientError::TooLarge { most: 1_232, .. }), "{}", error.error);
}

#[tokio::test(start_paused = true)]
async fn version_1_takes_three_times_as_many() {
    let cluster = Cluster::new();
    cluster.endpoint.chain().lock().unwrap().activate(V1_TRANSACTIONS);
    // Signature (64), version, header, configuration mask, blockhash, two counts (42), payer and system program (64), limits
    // (8): 178 bytes and 32 + 4 + 2 + 12 for each payment. 62 payees fill the 64 addresses.
    let sent = cluster.sender.send_packed("paying", &payments(&cluster.payer, 70)).await.unwrap();
    assert_eq!(shape(&cluster, &sent).await, [(178 + 62 * 50, 62), (206 + 8 * 49, 9)]);
    let landed = cluster.transaction(&sent[0].signature).await;
    assert!(matches!(landed.message, VersionedMessage::V1(_)));
    // The rest fits the oldest format, which is then used.
    let landed = cluster.transaction(&sent[1].signature).await;
    assert!(matches!(landed.message, VersionedMessage::Legacy(_)));
}

/// An address lookup table as it stands on chain: 56 bytes of header, then the addresses.
fn lookup_table(addresses: &[Pubkey]) -> Account {
    let mut data = [1u32.to_le_bytes().as_slice(), &u64::MAX.to_le_bytes()].concat(); // a table, not deactivated
    data.resize(56, 0);
    data.extend(addresses.iter().flat_map(|address| address.to_bytes()));
    let owner = Pubkey::from_str_const("AddressLookupTab1e1111111111111111111111111");
    Account { lamports: 1_000_000_000, data, owner, ..Account::default() }
}

#[tokio::test(start_paused = true)]
async fn lookup_tables_make_transactions_shorter() {
    let cluster = Cluster::new();
    let groups = payments(&cluster.payer, 45);
    let addresses: Vec<_> = groups.iter().map(|group| group[0].accounts[1].pubkey).collect();
    let key = Pubkey::from([4; 32]);
    let table = lookup_table(&addresses);
    cluster.endpoint.chain().lock().unwrap().svm.set_account(key, table).unwrap();
    let tables = vec![AddressLookupTableAccount { key, addresses }];
    let sender = cluster.sender.clone().with_settings(Settings { tables, ..Settings::default() });
    let sent = sender.send_packed("paying", &groups).await.unwrap();
    // 206 bytes, the version (1), the table's address and three counts (35), and 17 + 1 for each.
    assert_eq!(shape(&cluster, &sent).await, [(206 + 1 + 35 + 45 * 18, 46)]);
    let landed = cluster.transaction(&sent[0].signature).await;
    assert!(matches!(landed.message, VersionedMessage::V0(_)));
    assert_eq!(cluster.balance(&Pubkey::from([44 ^ 0x55; 32])), PAYMENT);
}
