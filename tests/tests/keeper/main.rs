//! The keeper: what it holds for due, two of them at once, a cluster that fails, and that nobody is paid twice.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod stage;

use covctl::keeper::{Agenda, Claims, Duty, Policy};
use coverage_client::{instructions as ix, pda};
use coverage_tests::EPOCH;
use stage::{EPOCHS, Stage, TREASURY, crowded, work};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_keepers_keep_a_network_to_the_same_bytes_as_one_hand() {
    let expected = Stage::new();
    expected.by_hand().await;
    let stage = Stage::new();
    stage.by_keepers(vec![stage.keeper(0, Policy::default()), stage.keeper(1, Policy::default())], |_| ()).await;
    let (mut cells, treasury, paid, vault) = stage.outcome().await;
    let (hand_cells, hand_treasury, hand_paid, hand_vault) = expected.outcome().await;
    assert!(paid.iter().all(|units| *units > 0), "{paid:?}");
    assert_eq!((treasury, &paid, vault), (hand_treasury, &hand_paid, hand_vault));
    assert_eq!(cells, hand_cells, "I7");
    // All that was set aside is somewhere: paid, in a cell, or back.
    let bonds = stage.snapshot().await.network;
    let kept: u64 = stage.snapshot().await.workloads.values().map(|state| state.cell.unwrap().carry).sum();
    let last = stage.snapshot().await.epochs[&(EPOCHS as u64)];
    let aside = last.unit * last.total_weight;
    assert_eq!(paid.iter().sum::<u64>() + treasury + kept + aside, TREASURY);
    assert_eq!(vault, treasury + kept + aside + bonds.operator_bonds + bonds.attester_bonds);
    assert_eq!(stage.snapshot().await.epochs.len(), 1, "all epochs but the one in hand are closed");
    // Working again does nothing.
    let keepers = vec![stage.keeper(0, Policy::default()), stage.keeper(1, Policy::default())];
    for mut keeper in work(keepers).await {
        let (round, left) = keeper.run_once(&CancellationToken::new()).await.unwrap();
        assert_eq!((round.done, round.refused, left.len()), (0, 0, 0));
    }
    let (again, ..) = stage.outcome().await;
    assert_eq!(again, std::mem::take(&mut cells));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_that_fails_delays_a_keeper_and_changes_nothing() {
    let expected = Stage::new();
    expected.by_hand().await;
    let stage = Stage::new();
    stage
        .by_keepers(vec![stage.keeper(0, Policy::default()), stage.keeper(1, Policy::default())], |rpc| {
            rpc.set_faults(|faults| {
                faults.refused_connections = 1;
                faults.lost_answers = 2;
                faults.hidden_statuses = 2;
            });
        })
        .await;
    assert_eq!(stage.rpc.faults().refused_connections, 0, "the faults happened");
    assert_eq!(stage.outcome().await, expected.outcome().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_keepers_settle_a_cell_that_takes_several_transactions_as_one_hand_does() {
    let expected = crowded().await;
    let network = expected.net.address;
    for (id, workload, transactions) in [(0, expected.workloads[0], 3), (1, expected.workloads[1], 1)] {
        for _ in 0..transactions {
            assert_eq!(expected.snapshot().await.workloads[&id].cell.unwrap().epoch, 0);
            expected.send(&[ix::settle_cell(network, workload, 0, ix::SETTLE_STEPS)]);
        }
        assert_eq!(expected.snapshot().await.workloads[&id].cell.unwrap().epoch, 1);
        expected.send(&[ix::sweep_cell(network, workload)]);
    }
    expected.send(&[ix::close_epoch(expected.payer, network, 0, &expected.workloads)]);
    for _ in 0..5 {
        let stage = crowded().await;
        let policy = Policy { claims: Claims::None, min_claim_units: 0 };
        work(vec![stage.keeper(0, policy.clone()), stage.keeper(1, policy)]).await;
        let cell =
            |stage: &Stage| stage.chain.lock().unwrap().svm.get_account(&pda::cell(&stage.workloads[0])).unwrap().data;
        assert!(cell(&stage) == cell(&expected), "I7");
    }
}

#[tokio::test]
async fn what_is_due_follows_the_clock() {
    let stage = Stage::new();
    let policy = Policy::default();
    let [start, seal, settle] = Stage::moments(0);
    let [first, second] = stage.workloads;
    stage.at(start - 1);
    assert_eq!(stage.due(&policy).await, Agenda { duties: vec![], next_ts: Some(start) });
    stage.at(start);
    let open = |epoch| Duty::OpenEpoch { epoch };
    assert_eq!(stage.due(&policy).await, Agenda { duties: vec![open(0)], next_ts: Some(start + EPOCH) });
    // Nobody came for two epochs and a half: all three are due, in order.
    stage.at(start + 2 * EPOCH + EPOCH / 2);
    assert_eq!(stage.due(&policy).await.duties, [open(0), open(1), open(2)]);
    stage.at(start);
    let mut keeper = stage.keeper(0, policy.clone());
    let stop = CancellationToken::new();
    assert_eq!(keeper.round(&stop).await.unwrap().done, 1);
    stage.attest(0).await;
    assert_eq!(stage.due(&policy).await, Agenda { duties: vec![], next_ts: Some(start + EPOCH) });
    stage.at(seal - 1);
    assert_eq!(stage.due(&policy).await, Agenda { duties: vec![open(1)], next_ts: Some(seal) });
    stage.at(seal);
    let mut seals = vec![Duty::Seal { workload: first, epoch: 0 }, Duty::Seal { workload: second, epoch: 0 }];
    seals.sort();
    assert_eq!(stage.due(&policy).await.duties, [vec![open(1)], seals].concat());
    assert_eq!(keeper.round(&stop).await.unwrap().done, 3);
    assert_eq!(stage.due(&policy).await, Agenda { duties: vec![], next_ts: Some(settle) });
    stage.at(settle);
    let due = stage.due(&policy).await.duties;
    assert_eq!(due.iter().map(Duty::kind).collect::<Vec<_>>(), ["settle_cell", "settle_cell"]);
    assert_eq!(keeper.round(&stop).await.unwrap().done, 2);
    let kinds: Vec<_> = stage.due(&policy).await.duties.iter().map(Duty::kind).collect();
    assert_eq!(kinds, ["claim_rewards", "claim_rewards", "claim_rewards", "close_epoch"]);
}

#[tokio::test]
async fn claims_go_by_the_policy() {
    let stage = Stage::new();
    let mut keeper = stage.keeper(0, Policy { claims: Claims::None, min_claim_units: 0 });
    let stop = CancellationToken::new();
    let moments = Stage::moments(0);
    stage.at(moments[0]);
    keeper.run_once(&stop).await.unwrap();
    stage.attest(0).await;
    for now in &moments[1..] {
        stage.at(*now);
        keeper.run_once(&stop).await.unwrap();
    }
    let claims = |agenda: Agenda| {
        let units = |duty| if let Duty::Claim { operator, units, .. } = duty { Some((operator, units)) } else { None };
        agenda.duties.into_iter().filter_map(units).collect::<Vec<_>>()
    };
    let all = claims(stage.due(&Policy::default()).await);
    assert_eq!(all.len(), 3);
    assert_eq!(claims(stage.due(&Policy { claims: Claims::None, min_claim_units: 0 }).await), []);
    let (wallet, account) = (stage.operators[0].wallet, stage.operators[1].account);
    let some = Policy { claims: Claims::Of([wallet, account].into()), min_claim_units: 0 };
    let mut of: Vec<_> = claims(stage.due(&some).await).into_iter().map(|(operator, _)| operator).collect();
    of.sort();
    let mut wanted = [stage.operators[0].account, account];
    wanted.sort();
    assert_eq!(of, wanted);
    let most = all.iter().map(|(_, units)| *units).max().unwrap();
    let rich = Policy { claims: Claims::All, min_claim_units: most };
    assert_eq!(claims(stage.due(&rich).await).iter().map(|(_, units)| *units).collect::<Vec<_>>(), [most]);
}

#[tokio::test]
async fn a_pause_delays_what_it_pauses() {
    let stage = Stage::new();
    let [start, seal, _] = Stage::moments(0);
    stage.at(start);
    let stop = CancellationToken::new();
    stage.keeper(0, Policy::default()).run_once(&stop).await.unwrap();
    stage.at(start + EPOCH);
    stage.keeper(0, Policy::default()).run_once(&stop).await.unwrap();
    let pause = 60;
    stage.send(&[ix::pause(
        stage.net.guardian,
        stage.net.address,
        coverage_settlement::constants::PAUSE_ATTEST,
        pause,
    )]);
    let until = start + EPOCH + i64::from(pause);
    stage.at(seal);
    assert_eq!(stage.due(&Policy::default()).await, Agenda { duties: vec![], next_ts: Some(until) });
    stage.at(until);
    assert_eq!(stage.due(&Policy::default()).await.duties.len(), 2);
}

#[tokio::test]
async fn a_retired_workload_is_wound_up_to_its_last_lamport() {
    let stage = Stage::new();
    let policy = Policy::default();
    let stop = CancellationToken::new();
    let mut keeper = stage.keeper(0, policy.clone());
    stage.at(Stage::moments(0)[0]);
    keeper.run_once(&stop).await.unwrap();
    stage.attest(0).await;
    let retired = stage.workloads[1];
    stage.send(&[ix::set_workload_weight(stage.net.authority, stage.net.address, retired, 0)]);
    for now in [Stage::moments(0)[1], Stage::moments(0)[2]] {
        stage.at(now);
        let (_, left) = keeper.run_once(&stop).await.unwrap();
        assert_eq!(left, []);
    }
    let snapshot = stage.snapshot().await;
    assert!(snapshot.workloads[&1].cell.is_none(), "closed");
    let chain = stage.chain.lock().unwrap();
    assert!(chain.svm.get_account(&pda::log(&retired)).is_none_or(|log| log.lamports == 0));
    assert_eq!(snapshot.operators[&stage.operators[0].account].operator.cells, 1, "its slot there is released");
}

#[tokio::test]
async fn a_slot_is_synced_when_its_operators_bond_changes() {
    let stage = Stage::new();
    let stop = CancellationToken::new();
    stage.at(Stage::moments(0)[0]);
    let mut keeper = stage.keeper(0, Policy::default());
    keeper.run_once(&stop).await.unwrap();
    let operator = &stage.operators[2];
    let add = ix::add_bond(operator.wallet, stage.net.address, &stage.net.token, operator.source, 77);
    stage.send(&[add]);
    let duties = stage.due(&Policy::default()).await.duties;
    assert_eq!(duties, [Duty::Sync { workload: stage.workloads[0], operator: operator.account, slot: 2 }]);
    assert_eq!(keeper.round(&stop).await.unwrap().done, 1);
    assert_eq!(stage.snapshot().await.workloads[&0].slots[2].staged_bond, 3_077);
    assert_eq!(stage.due(&Policy::default()).await.duties, []);
}
