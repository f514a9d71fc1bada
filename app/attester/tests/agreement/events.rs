//! What happens on chain meanwhile: other batches, batches proven false, another committee; and attesters that come and go.

use crate::crash::{Cut, Fate, one_proposes};
use crate::network::{ATTESTERS, Network, payer};
use crate::peer::Manner;
use coverage_attester::agreement::Outside;
use coverage_attester::agreement::messages::{Answer, Objection};
use coverage_attester::directory::Directory;
use coverage_attester::store::AppliedBatch;
use coverage_attester::submit::Submitter;
use coverage_client::batch::{self, BatchOf, Statement};
use coverage_client::chain::Chain;
use coverage_client::program::state::{BATCH_REMOVED, BatchLog, BatchRecord};
use coverage_client::rpc::{Rpc, Sender};
use coverage_client::{accounts, evidence, instructions, pda};
use coverage_math::hash::{Sha256, Software};
use coverage_math::receipt::Receipt;
use coverage_tests::{Forge, entry, member};
use solana_signer::Signer;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attester_that_was_down_catches_up_and_signs_no_duplicate() {
    let mut network = Network::new([Manner::Honest; ATTESTERS]).await;
    let old = network.receipts(0, 50);
    // The one that goes down has them all before, and one nobody else has.
    let own = network.receipts(700, 1);
    network.give(&old, 0..ATTESTERS);
    network.give(&own, [6]);
    network.nodes[6].manner = Manner::Down;
    network.start().await;
    network.until_counted(50).await;
    assert_eq!(network.nodes[6].store.waiting().unwrap()[0].receipts, 51);
    for node in &mut network.nodes {
        node.kill().await;
        node.manner = Manner::Scripted;
    }

    network.start().await;
    let again = network.proposal(&[old[7], own[0]]);
    let (slot, request_id) = (old[7].attempt.slot, old[7].attempt.request_id);
    let Answer::Objects(Objection::AlreadyApplied { sequence, .. }) = network.propose(0, 6, &again).await.unwrap()
    else {
        panic!("a duplicate was signed");
    };
    let stored = network.nodes[6].store.get(&network.workload, 0, &[(slot, request_id)]).unwrap();
    assert_eq!(stored[0].unwrap().sequence, Some(sequence));
    assert_eq!(network.nodes[6].store.waiting().unwrap()[0].receipts, 1);

    for number in 0..ATTESTERS {
        network.nodes[number].kill().await;
        network.nodes[number].manner = Manner::Honest;
        network.start_one(number).await;
    }
    network.until_counted(51).await;
    network.assert_exactly(&[old, own].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_signed_while_an_applied_batch_is_missing() {
    let mut network = Network::new([Manner::Scripted; ATTESTERS]).await;
    network.start().await;
    let (hidden, new) = (network.receipts(0, 5), network.receipts(10, 5));
    apply(&network, &hidden);
    network.give(&new, 0..ATTESTERS);
    let proposal = network.proposal(&new);
    let answer = network.propose(0, 1, &proposal).await.unwrap();
    assert_eq!(answer, Answer::Objects(Objection::Behind { sequence: 0 }));
    // Somebody publishes it.
    publish(&network, 4, &hidden);
    assert!(matches!(network.propose(0, 1, &proposal).await.unwrap(), Answer::Signed(_)));
    assert_eq!(network.nodes[1].store.batches(&network.workload, 0).unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_one_request_converge_whatever_came_first() {
    let mut network = Network::new([Manner::Honest; ATTESTERS]).await;
    let (mut winners, mut losers) = (Vec::new(), Vec::new());
    for request in 0..20 {
        let slot = u16::try_from(request % 3).unwrap();
        let two = [network.receipt_with(request, slot, 0, 10), network.receipt_with(request, slot, 5, 0)];
        let hash = |receipt: &Receipt| Software::hash(&[&evidence::payload(receipt)]);
        let [one, other] = two;
        let (winner, loser) = if hash(&one) < hash(&other) { (one, other) } else { (other, one) };
        winners.push(winner);
        losers.push(loser);
        let has_loser = |number: usize| (number + request as usize).is_multiple_of(2);
        for number in 0..ATTESTERS {
            network.give(&[if has_loser(number) { loser } else { winner }], [number]);
        }
    }
    network.start().await;
    network.until_counted(20).await;
    // Three or four of seven had the loser: too few to have it signed.
    network.assert_exactly(&winners);
    for node in &network.nodes {
        let keys: Vec<_> = winners.iter().map(|it| (it.attempt.slot, it.attempt.request_id)).collect();
        let stored = node.store.get(&network.workload, 0, &keys).unwrap();
        let stored: Vec<_> = stored.into_iter().map(|stored| stored.unwrap().receipt).collect();
        assert_eq!(stored, winners);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_a_removed_batch_are_proposed_again() {
    let mut network = Network::new([Manner::Honest; ATTESTERS]).await;
    let receipts = network.receipts(0, 30);
    network.give(&receipts, 0..ATTESTERS);
    network.start().await;
    network.until_counted(30).await;
    let applied = network.log().len();
    remove_all(&network);
    network.until("the receipts to count again", || network.counted() == 30).await;
    let standing =
        || network.log().iter().filter(|record| record.flags == 0).map(|record| record.receipts).sum::<u32>();
    network.until("all to have them", || network.honest().all(|node| node.store.waiting().unwrap().is_empty())).await;
    assert_eq!(standing(), 30);
    assert!(network.log().len() > applied);
    network.assert_exactly(&receipts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_the_old_committee_is_taken_back_and_proposed_to_the_new_one() {
    let mut network = one_proposes().await;
    let receipts = network.receipts(0, 10);
    network.give(&receipts, [0]);
    let cut = Cut::new(network.chain.clone(), 1, Fate::Unsent);
    network.start_over(0, cut.rpc()).await;
    // Signed by a quorum, opened, and about to be endorsed.
    cut.dead.notified().await;
    network.nodes[0].kill().await;
    assert_eq!((network.left_over(), network.counted()), (1, 0));
    let before = network.next_batch().generation;
    let (authority, address) = (network.net.authority, network.net.address);
    let seat = instructions::update_committee(authority, address, vec![member(6, &network.net.attesters[6], 1)]);
    network.on_chain(|chain| chain.send("changing the committee", &[seat])).unwrap();
    assert_eq!(network.next_batch().generation, before + 1);
    network.start_one(0).await;
    network.until_counted(10).await;
    network.until("the rent to be back", || network.left_over() == 0).await;
    assert_eq!(network.log().len(), 1);
    assert_eq!(network.log()[0].generation, before + 1);
    network.assert_exactly(&receipts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_another_overtook_is_taken_back() {
    let mut network = one_proposes().await;
    let (ours, others) = (network.receipts(0, 10), network.receipts(50, 10));
    network.give(&ours, [0]);
    let cut = Cut::new(network.chain.clone(), 1, Fate::Unsent);
    network.start_over(0, cut.rpc()).await;
    cut.dead.notified().await;
    network.nodes[0].kill().await;
    assert_eq!(network.left_over(), 1);
    // One receipt is in both batches.
    let theirs = [others, vec![ours[0]]].concat();
    apply(&network, &theirs);
    publish(&network, 3, &theirs);
    network.start_one(0).await;
    network.until_counted(20).await;
    network.until("the rent to be back", || network.left_over() == 0).await;
    assert_eq!(network.log().iter().map(|record| record.receipts).collect::<Vec<_>>(), [11, 9]);
    network.assert_exactly(&[ours, theirs[..10].to_vec()].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_left_over_is_swept() {
    let network = Network::new([Manner::Down; ATTESTERS]).await;
    apply(&network, &network.receipts(0, 3));
    let next = network.next_batch();
    let passed = BatchOf { sequence: 0, ..next };
    let entries = [entry(0, [1; 7])];
    let statements = [
        ("of a number that is taken", Statement::counts(passed, [5; 32], &entries)),
        ("of the next number", Statement::counts(next, [5; 32], &entries)),
        ("evidence of a fraud", Statement::upload_only(passed, vec![0; 32])),
        ("a failure domain", Statement::failure_domain(next.network, next.workload, 7, 0, next.generation)),
    ];
    let payer = payer(0).pubkey();
    for (what, statement) in &statements {
        network.on_chain(|chain| chain.send(what, &statement.upload(payer))).unwrap();
    }
    let rpc = Rpc::over(network.chain.client());
    let directory = Directory::fetch(&rpc, &network.net.address).await.unwrap();
    let sender = Sender::new(rpc, Arc::new(crate::network::payer(0)));
    Submitter::new(sender, network.nodes[0].store.clone()).sweep(&directory).await.unwrap();
    let there = |statement: &Statement| network.on_chain(|chain| chain.account(&statement.address(&payer)).unwrap());
    let left = statements.iter().filter(|(_, statement)| there(statement).is_some()).map(|(what, _)| *what);
    assert_eq!(left.collect::<Vec<_>>(), ["of the next number", "evidence of a fraud", "a failure domain"]);
}

/// Applies a batch that the whole committee signs, behind the attesters' backs.
fn apply(network: &Network, receipts: &[Receipt]) {
    let mut receipts = receipts.to_vec();
    batch::sort(&mut receipts);
    let statement = Statement::outcomes(network.next_batch(), &receipts).unwrap();
    network.on_chain(|chain| {
        let payer = chain.payer();
        for upload in statement.upload(payer) {
            chain.send("uploading", &[upload]).unwrap();
        }
        for pair in statement.endorse(payer, &network.net.attesters) {
            chain.send("endorsing", &pair).unwrap();
        }
        chain.send("applying", &[statement.apply(payer)]).unwrap();
    });
}

/// Has an attester publish the first batch, as if it had always had it.
fn publish(network: &Network, number: usize, receipts: &[Receipt]) {
    let mut receipts = receipts.to_vec();
    batch::sort(&mut receipts);
    let record = network.log()[0];
    let (workload, receipts_root) = (network.workload, record.receipts_root);
    let batch = AppliedBatch { workload, epoch: 0, sequence: 0, receipts_root, receipts: record.receipts };
    network.nodes[number].rest.publish(&batch, &receipts).unwrap();
}

/// Marks all batches of the log as proven false and takes their counts back, as a challenge does.
fn remove_all(network: &Network) {
    let (cell_at, log_at) = (pda::cell(&network.workload), pda::log(&network.workload));
    network.on_chain(|chain| {
        let data = chain.svm.get_account(&log_at).unwrap().data;
        let (header, mut records) = accounts::log(&log_at, &data).unwrap();
        records.iter_mut().for_each(|record| record.flags |= BATCH_REMOVED);
        let removed = u16::try_from(records.len()).unwrap();
        Forge(chain).tail::<BatchLog, BatchRecord>(&log_at, &header, &records);
        let data = chain.svm.get_account(&cell_at).unwrap().data;
        let (_, mut slots) = accounts::cell(&cell_at, &data).unwrap();
        slots.iter_mut().for_each(|slot| slot.tally = [0; 7]);
        Forge(chain).slots(&cell_at, &slots, |cell| cell.removed = removed);
    });
}
