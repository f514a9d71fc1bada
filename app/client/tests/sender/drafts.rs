//! Transactions have the limits, fees and formats asked for.

use crate::cluster::{Cluster, LAMPORTS, PAYMENT, SIGNATURE_FEE};
use coverage_client::ClientError;
use coverage_client::rpc::features::V1_TRANSACTIONS;
use coverage_client::rpc::{Format, PriorityFee, Settings};
use solana_message::compiled_instruction::CompiledInstruction;
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;
use solana_system_interface::instruction::transfer;

const COMPUTE_BUDGET: Pubkey = Pubkey::from_str_const("ComputeBudget111111111111111111111111111111");

/// The compute limit and price a transaction asks for, which must be its last instructions.
fn asked(instructions: &[CompiledInstruction], keys: &[Pubkey]) -> (u32, Option<u64>) {
    let of_budget = |called: &&CompiledInstruction| keys[usize::from(called.program_id_index)] == COMPUTE_BUDGET;
    let budget: Vec<_> = instructions.iter().skip_while(|called| !of_budget(called)).collect();
    assert!(budget.iter().all(of_budget));
    assert_eq!(budget[0].data[0], 2);
    let price = budget.get(1).map(|price| {
        assert_eq!(price.data[0], 3);
        u64::from_le_bytes(price.data[1..].try_into().unwrap())
    });
    (u32::from_le_bytes(budget[0].data[1..].try_into().unwrap()), price)
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_what_was_simulated_and_a_fifth() {
    let cluster = Cluster::new();
    let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    assert_eq!(sent.compute_units, 300); // a transfer and the limit
    let landed = cluster.transaction(&sent.signature).await;
    let asked = asked(landed.message.instructions(), landed.message.static_account_keys());
    assert_eq!(asked, (360, None));
}

#[tokio::test(start_paused = true)]
async fn the_priority_fee_is_as_asked() {
    let settings = |priority_fee| Settings { priority_fee, ..Settings::default() };
    let percentile = |percent, cap| PriorityFee::Percentile { percent, cap };
    let cases = [
        (PriorityFee::Fixed(25_000_000), 25_000_000),
        (PriorityFee::Fixed(1), 1),
        (percentile(50, u64::MAX), 3_000),
        (percentile(100, u64::MAX), 9_000),
        (percentile(100, 4_000), 4_000),
    ];
    for (policy, price) in cases {
        let cluster = Cluster::new();
        cluster.endpoint.set_prioritization_fees(vec![9_000, 1_000, 3_000]);
        let sender = cluster.sender.clone().with_settings(settings(policy));
        let foreseen = sender.simulate("paying", &cluster.payment()).await.unwrap();
        let sent = sender.send("paying", &cluster.payment()).await.unwrap();
        let landed = cluster.transaction(&sent.signature).await;
        let (limit, asked) = asked(landed.message.instructions(), landed.message.static_account_keys());
        assert_eq!((limit, asked), (540, Some(price))); // 450 units: a transfer, the limit and the price
        let fee = SIGNATURE_FEE + (540 * price).div_ceil(1_000_000);
        assert_eq!(cluster.balance(&cluster.payer), LAMPORTS - PAYMENT - fee);
        assert_eq!((foreseen.fee_lamports, foreseen.compute_limit, foreseen.compute_units), (fee, 540, 450));
        assert_eq!(foreseen.bytes, wincode::serialize(&landed).unwrap().len());
    }
}

#[tokio::test(start_paused = true)]
async fn simulating_signs_and_sends_nothing() {
    let cluster = Cluster::new();
    let stranger = Pubkey::from([9; 32]);
    let steal = [transfer(&cluster.payer, &stranger, PAYMENT), transfer(&stranger, &cluster.payee, PAYMENT)];
    let simulation = cluster.sender.simulate("stealing", &steal).await.unwrap();
    assert_eq!((simulation.compute_units, simulation.fee_lamports), (450, 2 * SIGNATURE_FEE));
    assert_eq!(simulation.format, Format::Legacy);
    assert!(simulation.logs.contains(&"Program 11111111111111111111111111111111 success".to_owned()));
    let refused = cluster.sender.simulate("stealing", &steal[1..]).await.unwrap_err();
    assert!(matches!(refused, ClientError::InsufficientFunds { .. }), "{refused}");
    assert!(cluster.endpoint.received().is_empty());
    assert_eq!(cluster.payments(), 0);
}

/// A memo of so many bytes.
fn memo(bytes: usize) -> Instruction {
    let program_id = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");
    Instruction { program_id, accounts: Vec::<AccountMeta>::new(), data: vec![b'a'; bytes] }
}

#[tokio::test(start_paused = true)]
async fn version_1_is_for_what_needs_it_where_it_is_active() {
    let cluster = Cluster::new();
    let fits = cluster.sender.simulate("noting", &[memo(1_000)]).await.unwrap();
    let most = 1_000 + 1_232 - fits.bytes;
    assert_eq!(cluster.sender.simulate("noting", &[memo(most)]).await.unwrap().bytes, 1_232);
    let error = cluster.sender.send("noting", &[memo(most + 1)]).await.unwrap_err();
    assert_eq!(error, ClientError::TooLarge { action: "noting".to_owned(), bytes: 1_233, most: 1_232 });

    let cluster = Cluster::new();
    cluster.endpoint.chain().lock().unwrap().activate(V1_TRANSACTIONS);
    assert_eq!(cluster.sender.simulate("noting", &[memo(most)]).await.unwrap().format, Format::Legacy);
    let simulation = cluster.sender.simulate("noting", &[memo(most + 1)]).await.unwrap();
    assert_eq!(simulation.format, Format::V1);
    let most = most + 1 + 4_096 - simulation.bytes;
    let settings = Settings { priority_fee: PriorityFee::Fixed(2_000_000), ..Settings::default() };
    let sent = cluster.sender.send("noting", &[memo(most)]).await.unwrap();
    let landed = cluster.transaction(&sent.signature).await;
    assert_eq!(wincode::serialize(&landed).unwrap().len(), 4_096);
    let solana_message::VersionedMessage::V1(message) = &landed.message else { panic!("another version") };
    let limit = (sent.compute_units * 120).div_ceil(100);
    assert_eq!(message.config.compute_unit_limit, Some(u32::try_from(limit).unwrap()));
    assert_eq!(message.config.priority_fee, None);
    let before = cluster.balance(&cluster.payer);
    let priced = cluster.sender.clone().with_settings(settings);
    let error = priced.send("noting", &[memo(most)]).await.unwrap_err();
    assert_eq!(error, ClientError::TooLarge { action: "noting".to_owned(), bytes: 4_104, most: 4_096 });
    priced.send("noting", &[memo(most - 8)]).await.unwrap();
    let limit = cluster.sender.simulate("noting", &[memo(most - 8)]).await.unwrap().compute_limit;
    assert_eq!(cluster.balance(&cluster.payer), before - SIGNATURE_FEE - 2 * u64::from(limit));
}

#[tokio::test(start_paused = true)]
async fn a_node_that_refuses_version_1_after_all_is_done_without() {
    let cluster = Cluster::new();
    cluster.endpoint.chain().lock().unwrap().activate(V1_TRANSACTIONS);
    assert_eq!(cluster.sender.simulate("noting", &[memo(1_300)]).await.unwrap().format, Format::V1);
    let mut account = cluster.endpoint.chain().lock().unwrap().svm.get_account(&V1_TRANSACTIONS).unwrap();
    account.data = vec![0; account.data.len()]; // as on a node that has it still pending
    cluster.endpoint.chain().lock().unwrap().svm.set_account(V1_TRANSACTIONS, account).unwrap();
    let error = cluster.sender.send("noting", &[memo(1_300)]).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { most: 1_232, .. }), "{error}");
    assert!(cluster.endpoint.received().is_empty());
}
