//! What is sent lands once and is paid once, whatever goes wrong on the way; and with the limits and fees asked for. Tokio's
//! clock is wound on, so minutes of waiting take no time.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod cluster;

use cluster::{Cluster, LAMPORTS, PAYMENT, SIGNATURE_FEE};
use coverage_client::embedded::rpc::Faults;
use coverage_client::rpc::{Format, Outcome, PriorityFee, Settings, Signed};
use coverage_client::{ClientError, instructions};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_message::compiled_instruction::CompiledInstruction;
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::{create_account, transfer};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A journal that can be read.
fn journal() -> (Arc<Mutex<Vec<Signed>>>, coverage_client::rpc::Journal) {
    let written = Arc::new(Mutex::new(Vec::new()));
    let copy = Arc::clone(&written);
    let journal = move |signed: &Signed| {
        copy.lock().unwrap().push(signed.clone());
        Ok(())
    };
    (written, Arc::new(journal))
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_lands_once() {
    let cluster = Cluster::new();
    let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    assert_eq!(cluster.payments(), 1);
    assert_eq!(cluster.endpoint.received(), [sent.signature]);
    assert_eq!(cluster.balance(&cluster.payer), LAMPORTS - PAYMENT - SIGNATURE_FEE);
    let outcome = cluster.sender.outcome_of(&sent.signature, 0).await.unwrap();
    assert_eq!(outcome, Outcome::Landed { slot: sent.slot });
}

#[tokio::test(start_paused = true)]
async fn one_fault_at_a_time_is_paid_once_and_sends_the_same_bytes() {
    let faults = [
        (Faults { dropped_sends: 1, ..Faults::default() }, 2, 2),
        (Faults { dropped_sends: 5, ..Faults::default() }, 6, 10),
        (Faults { lost_answers: 1, ..Faults::default() }, 1, 0),
        (Faults { hidden_statuses: 9, ..Faults::default() }, 3, 4),
        (Faults { refused_connections: 6, ..Faults::default() }, 1, 15),
        (Faults { lost_answers: 1, hidden_statuses: 3, ..Faults::default() }, 1, 1),
    ];
    for (faults, broadcasts, seconds) in faults {
        let cluster = Cluster::new();
        cluster.endpoint.set_faults(|now| *now = faults);
        let started = Instant::now();
        let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
        assert_eq!(cluster.payments(), 1, "{faults:?}");
        assert_eq!(cluster.endpoint.received(), vec![sent.signature; broadcasts], "{faults:?}");
        assert_eq!(started.elapsed().as_secs(), seconds, "{faults:?}");
        assert_eq!(cluster.endpoint.faults(), Faults::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_while_waiting_is_waited_for() {
    let cluster = Cluster::new();
    let endpoint = cluster.endpoint.clone();
    endpoint.set_faults(|faults| faults.held_sends = 1);
    let trouble = tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await; // it is out, and held
        endpoint.set_faults(|faults| faults.refused_connections = 40);
        assert_eq!(endpoint.land_held(), 1);
    });
    let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    trouble.await.unwrap();
    assert_eq!(cluster.payments(), 1);
    assert_eq!(cluster.endpoint.received(), [sent.signature]);
}

#[tokio::test(start_paused = true)]
async fn the_same_again_is_another_transaction() {
    let cluster = Cluster::new();
    let first = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    let second = cluster.sender.clone().send("paying", &cluster.payment()).await.unwrap();
    assert_ne!(first.signature, second.signature);
    assert_eq!(cluster.payments(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_expired_transaction_is_signed_again_and_paid_once() {
    let cluster = Cluster::new();
    let (written, journal) = journal();
    let sender = cluster.sender.clone().with_journal(journal);
    let endpoint = cluster.endpoint.clone();
    endpoint.set_faults(|faults| faults.dropped_sends = u32::MAX);
    let started = Instant::now();
    let recovery = tokio::spawn(async move {
        sleep(Duration::from_secs(61)).await; // behind the last of its 150 blocks of 0.4 s
        endpoint.set_faults(|faults| faults.dropped_sends = 0);
    });
    let sent = sender.send("paying", &cluster.payment()).await.unwrap();
    recovery.await.unwrap();
    assert!((60..64).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let written = written.lock().unwrap().clone();
    assert_eq!(written.len(), 2);
    assert_eq!(written[1].signature, sent.signature);
    assert_ne!(written[0].signature, sent.signature);
    assert!(written[1].last_valid_block_height > written[0].last_valid_block_height + 150);
    // Each was written down before it was first sent, and none is sent once it is over.
    let received = cluster.endpoint.received();
    let firsts = received.iter().filter(|signature| **signature == written[0].signature).count();
    assert_eq!(received[..firsts], vec![written[0].signature; firsts]);
    assert_eq!(firsts, 31); // at 0, 2, … 60 seconds
    assert_eq!(received[firsts..], vec![sent.signature; received.len() - firsts]);
    assert_eq!(cluster.payments(), 1);
    let first = sender.outcome_of(&written[0].signature, written[0].last_valid_block_height).await.unwrap();
    assert_eq!(first, Outcome::NeverLanded);
}

#[tokio::test(start_paused = true)]
async fn what_lands_in_the_last_block_unseen_is_not_signed_again() {
    let cluster = Cluster::new();
    let endpoint = cluster.endpoint.clone();
    endpoint.set_faults(|faults| (faults.held_sends, faults.dropped_sends) = (1, 0));
    let late = tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await;
        // From here on nothing else lands, and the node that knows statuses is far behind.
        endpoint.set_faults(|faults| (faults.dropped_sends, faults.hidden_statuses) = (u32::MAX, 400));
        sleep(Duration::from_millis(59_500)).await;
        assert_eq!(endpoint.land_held(), 1);
    });
    let started = Instant::now();
    let sent = cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    late.await.unwrap();
    assert!(started.elapsed() > Duration::from_secs(70), "{:?}", started.elapsed());
    assert!(cluster.endpoint.received().iter().all(|signature| *signature == sent.signature));
    assert_eq!(cluster.payments(), 1);
}

#[tokio::test(start_paused = true)]
async fn attempts_end() {
    let cluster = Cluster::new();
    let (written, journal) = journal();
    cluster.endpoint.set_faults(|faults| faults.dropped_sends = u32::MAX);
    let sender = cluster.sender.clone().with_journal(journal);
    let sender = sender.with_settings(Settings { attempts: 2, ..Settings::default() });
    let error = sender.send("paying", &cluster.payment()).await.unwrap_err();
    assert_eq!(error, ClientError::Expired { action: "paying".to_owned(), attempts: 2 });
    assert_eq!(written.lock().unwrap().len(), 2);
    assert_eq!(cluster.payments(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_stays_away_leaves_it_unknown_until_it_is_looked_up() {
    for lands in [true, false] {
        let cluster = Cluster::new();
        let (written, journal) = journal();
        let sender = cluster.sender.clone().with_journal(journal);
        let endpoint = cluster.endpoint.clone();
        endpoint.set_faults(|faults| faults.held_sends = 1);
        let outage = tokio::spawn(async move {
            sleep(Duration::from_millis(100)).await;
            assert_eq!(endpoint.land_held(), 1 - usize::from(!lands));
            endpoint.set_faults(|faults| faults.refused_connections = u32::MAX);
        });
        if !lands {
            cluster.endpoint.set_faults(|faults| (faults.held_sends, faults.dropped_sends) = (0, u32::MAX));
        }
        let error = sender.send("paying", &cluster.payment()).await.unwrap_err();
        outage.await.unwrap();
        let signed = written.lock().unwrap()[0].clone();
        assert_eq!(written.lock().unwrap().len(), 1);
        let ClientError::Unknown { signature, last_valid_block_height, reason, .. } = error else { panic!("{error}") };
        assert_eq!((signature, last_valid_block_height), (signed.signature, signed.last_valid_block_height));
        assert_eq!(reason, "connection refused");
        // Another process, when the cluster is back.
        let asking = cluster.sender.outcome_of(&signature, last_valid_block_height).await.unwrap_err();
        assert!(matches!(asking, ClientError::Rpc { .. }), "{asking}");
        cluster.endpoint.set_faults(|faults| *faults = Faults::default());
        let outcome = cluster.sender.outcome_of(&signature, last_valid_block_height).await.unwrap();
        assert_eq!(matches!(outcome, Outcome::Landed { .. }), lands, "{outcome:?}");
        assert_eq!(outcome == Outcome::NeverLanded, !lands, "{outcome:?}");
        assert_eq!(cluster.payments(), u64::from(lands));
    }
}

#[tokio::test(start_paused = true)]
async fn before_it_expires_an_unseen_transaction_is_pending() {
    let cluster = Cluster::new();
    let (written, journal) = journal();
    cluster.endpoint.set_faults(|faults| faults.dropped_sends = u32::MAX);
    let sender = cluster.sender.clone().with_journal(journal);
    let sending = tokio::spawn({
        let (sender, payment) = (sender.clone(), cluster.payment());
        async move { sender.send("paying", &payment).await }
    });
    sleep(Duration::from_millis(100)).await;
    sending.abort(); // as though the process had been killed
    let signed = written.lock().unwrap()[0].clone();
    let look = || sender.outcome_of(&signed.signature, signed.last_valid_block_height);
    assert_eq!(look().await.unwrap(), Outcome::Pending);
    cluster.endpoint.pass_blocks(150);
    assert_eq!(look().await.unwrap(), Outcome::Pending); // the last block it may be in
    cluster.endpoint.pass_blocks(1);
    assert_eq!(look().await.unwrap(), Outcome::NeverLanded);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_program_has_its_name_and_nothing_is_sent() {
    let cluster = Cluster::new();
    let network = cluster.network().await;
    let before = (cluster.endpoint.received().len(), cluster.balance(&cluster.payer));
    let stranger = Keypair::new_from_array([9; 32]);
    let sender = cluster.sender.clone().with_signer(Arc::new(stranger.insecure_clone()));
    let guardian = instructions::set_guardian(stranger.pubkey(), network, stranger.pubkey());
    let error = sender.send("naming a guardian", &[guardian]).await.unwrap_err();
    let known = error.program_error().unwrap();
    assert_eq!((known.code, known.name), (6_000, "NotAuthority"));
    let ClientError::Refused { action, reason, logs, .. } = &error else { panic!("{error}") };
    assert_eq!(action, "naming a guardian");
    assert_eq!(
        reason,
        &format!("Error processing Instruction 0: custom program error: 0x1770 (NotAuthority: {})", known.message)
    );
    assert!(logs.iter().any(|log| log.ends_with("failed: custom program error: 0x1770")), "{logs:?}");
    assert_eq!(before, (cluster.endpoint.received().len(), cluster.balance(&cluster.payer)));
}

#[tokio::test(start_paused = true)]
async fn what_changes_between_simulating_and_sending_is_refused_before_a_fee_is_paid() {
    let cluster = Cluster::new();
    let taken = Keypair::new_from_array([11; 32]);
    let create = create_account(&cluster.payer, &taken.pubkey(), PAYMENT, 0, &Pubkey::default());
    let endpoint = cluster.endpoint.clone();
    let address = taken.pubkey();
    let journal = move |_: &Signed| {
        endpoint.chain().lock().unwrap().svm.airdrop(&address, PAYMENT).unwrap();
        Ok(())
    };
    let sender = cluster.sender.clone().with_signer(Arc::new(taken)).with_journal(Arc::new(journal));
    let error = sender.send("creating", &[create]).await.unwrap_err();
    let ClientError::Refused { reason, error, .. } = error else { panic!("{error}") };
    assert_eq!((reason.as_str(), error), ("Error processing Instruction 0: custom program error: 0x0", None));
    assert_eq!(cluster.balance(&cluster.payer), LAMPORTS);
}

#[tokio::test(start_paused = true)]
async fn what_fails_in_a_block_is_not_tried_again() {
    let cluster = Cluster::new();
    let taken = Keypair::new_from_array([11; 32]);
    let create = create_account(&cluster.payer, &taken.pubkey(), PAYMENT, 0, &Pubkey::default());
    let (endpoint, address) = (cluster.endpoint.clone(), taken.pubkey());
    endpoint.set_faults(|faults| faults.dropped_sends = 1);
    let meanwhile = tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await;
        endpoint.chain().lock().unwrap().svm.airdrop(&address, PAYMENT).unwrap();
    });
    let sender = cluster.sender.clone().with_signer(Arc::new(taken));
    let error = sender.send("creating", &[create]).await.unwrap_err();
    meanwhile.await.unwrap();
    let ClientError::Refused { logs, .. } = error else { panic!("{error}") };
    assert!(logs.iter().any(|log| log.contains("already in use")), "{logs:?}");
    assert_eq!(cluster.endpoint.received().len(), 2);
    assert_eq!(cluster.balance(&cluster.payer), LAMPORTS - 2 * SIGNATURE_FEE);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_without_all_signatures_or_unrecorded() {
    let cluster = Cluster::new();
    let stranger = Pubkey::from([9; 32]);
    let funded = transfer(&cluster.payer, &stranger, PAYMENT);
    cluster.sender.send("funding", &[funded]).await.unwrap();
    let steal = transfer(&stranger, &cluster.payee, PAYMENT);
    let error = cluster.sender.send("stealing", &[steal]).await.unwrap_err();
    assert_eq!(error, ClientError::MissingSigner { action: "stealing".to_owned(), key: stranger });
    let full = |_: &Signed| Err("the disk is full".to_owned());
    let sender = cluster.sender.clone().with_journal(Arc::new(full));
    let error = sender.send("paying", &cluster.payment()).await.unwrap_err();
    let (action, reason) = ("paying".to_owned(), "the disk is full".to_owned());
    assert_eq!(error, ClientError::NotRecorded { action, reason });
    assert_eq!(cluster.endpoint.received().len(), 1);
    assert_eq!(cluster.payments(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_lacks_lamports_is_told() {
    let cluster = Cluster::new();
    let too_much = transfer(&cluster.payer, &cluster.payee, LAMPORTS);
    let error = cluster.sender.send("paying", &[too_much]).await.unwrap_err();
    let reason = format!("Transfer: insufficient lamports {}, need {LAMPORTS}", LAMPORTS - SIGNATURE_FEE);
    assert_eq!(error, ClientError::InsufficientFunds { action: "paying".to_owned(), reason });
    let beggar = Keypair::new_from_array([10; 32]);
    let reason = format!("{} cannot pay the fee", beggar.pubkey());
    let nothing = transfer(&beggar.pubkey(), &cluster.payee, 0);
    let sender = coverage_client::rpc::Sender::new(cluster.sender.rpc().clone(), Arc::new(beggar));
    let error = sender.send("paying", &[nothing]).await.unwrap_err();
    assert_eq!(error, ClientError::InsufficientFunds { action: "paying".to_owned(), reason });
}

#[tokio::test(start_paused = true)]
async fn whose_rent_is_lacking_is_told() {
    let cluster = Cluster::new();
    let (payer, payee, action) = (cluster.payer, cluster.payee, || "paying".to_owned());
    let error = cluster.sender.send("paying", &[transfer(&payer, &payee, 1)]).await.unwrap_err();
    let reason = format!("{payee} would be left with less than its rent");
    assert_eq!(error, ClientError::InsufficientFunds { action: action(), reason });
    let expected = format!(
        "paying failed for lack of SOL: {payee} would be left with less than its rent; send it some and try again"
    );
    assert_eq!(error.to_string(), expected);
    // All that the payer has, but for the fee and one lamport.
    let rest = transfer(&payer, &payee, LAMPORTS - SIGNATURE_FEE - 1);
    let error = cluster.sender.simulate("paying", &[rest]).await.unwrap_err();
    let reason = format!("{payer} would be left with less than its rent");
    assert_eq!(error, ClientError::InsufficientFunds { action: action(), reason });
    assert!(cluster.endpoint.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whose_rent_comes_to_lack_is_told_before_a_fee_is_paid() {
    let cluster = Cluster::new();
    cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    let (endpoint, payee) = (cluster.endpoint.clone(), cluster.payee);
    let journal = move |_: &Signed| {
        endpoint.chain().lock().unwrap().svm.set_account(payee, Account::default()).unwrap();
        Ok(())
    };
    let sender = cluster.sender.clone().with_journal(Arc::new(journal));
    let error = sender.send("paying", &[transfer(&cluster.payer, &payee, 1)]).await.unwrap_err();
    let reason = format!("{payee} would be left with less than its rent");
    assert_eq!(error, ClientError::InsufficientFunds { action: "paying".to_owned(), reason });
    assert_eq!(cluster.balance(&cluster.payer), LAMPORTS - PAYMENT - SIGNATURE_FEE);
}

#[tokio::test(start_paused = true)]
async fn whose_rent_lacked_in_a_block_is_told() {
    let cluster = Cluster::new();
    cluster.sender.send("paying", &cluster.payment()).await.unwrap();
    let (endpoint, payee) = (cluster.endpoint.clone(), cluster.payee);
    endpoint.set_faults(|faults| faults.dropped_sends = 1);
    let meanwhile = tokio::spawn(async move {
        sleep(Duration::from_millis(100)).await;
        endpoint.chain().lock().unwrap().svm.set_account(payee, Account::default()).unwrap();
    });
    let error = cluster.sender.send("paying", &[transfer(&cluster.payer, &payee, 1)]).await.unwrap_err();
    meanwhile.await.unwrap();
    let reason = format!("{payee} would be left with less than its rent");
    assert_eq!(error, ClientError::InsufficientFunds { action: "paying".to_owned(), reason });
    assert_eq!(cluster.balance(&cluster.payer), LAMPORTS - PAYMENT - 2 * SIGNATURE_FEE);
}

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
    cluster.endpoint.chain().lock().unwrap().activate_v1();
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
    cluster.endpoint.chain().lock().unwrap().activate_v1();
    assert_eq!(cluster.sender.simulate("noting", &[memo(1_300)]).await.unwrap().format, Format::V1);
    let feature = coverage_client::rpc::V1_FEATURE;
    let mut account = cluster.endpoint.chain().lock().unwrap().svm.get_account(&feature).unwrap();
    account.data = vec![0; account.data.len()]; // as on a node that has it still pending
    cluster.endpoint.chain().lock().unwrap().svm.set_account(feature, account).unwrap();
    let error = cluster.sender.send("noting", &[memo(1_300)]).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { most: 1_232, .. }), "{error}");
    assert!(cluster.endpoint.received().is_empty());
}
