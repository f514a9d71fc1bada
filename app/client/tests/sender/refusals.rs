//! What is refused costs as little as it can, and says why.

use crate::cluster::{Cluster, LAMPORTS, PAYMENT, SIGNATURE_FEE};
use coverage_client::rpc::Signed;
use coverage_client::{ClientError, instructions};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use solana_system_interface::instruction::{create_account, transfer};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

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
