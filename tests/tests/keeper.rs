//! The keeper: what it holds for due, two of them at once, a cluster that fails, and that nobody is paid twice.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use covctl::keeper::{Agenda, Claims, Duty, Keeper, Metrics, Pace, Policy, due};
use coverage_client::batch::{BatchOf, Statement};
use coverage_client::embedded::Embedded;
use coverage_client::embedded::rpc::EmbeddedRpc;
use coverage_client::rpc::{Rpc, Sender, Snapshot};
use coverage_client::{instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_math::cell::{MAX_SLOTS, Slot};
use coverage_tests::{CHALLENGE, EPOCH, Forge, GENESIS, GRACE, Net, Operator, World, entry, keypair};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const EPOCHS: i64 = 3;
const TREASURY: u64 = 10_000_000;

/// A network of two workloads and three operators, before its genesis, on a cluster behind RPC.
struct Stage {
    chain: Arc<Mutex<Embedded>>,
    rpc: EmbeddedRpc,
    net: Net,
    payer: Pubkey,
    workloads: [Pubkey; 2],
    operators: [Operator; 3],
}

impl Stage {
    fn new() -> Self {
        let mut world = World::new();
        let workloads = [world.workload(0, 3), world.workload(1, 1)];
        world.fund(TREASURY);
        let operators = [(1, 1), (2, 1), (3, 2)].map(|(number, domain)| {
            let operator = world.operator(number, 1_000 * u64::from(number));
            world.attest_domain(&operator, domain);
            operator
        });
        for (operator, served) in operators.iter().zip([2, 1, 1]) {
            for workload in &workloads[..served] {
                world.enroll(operator, *workload);
            }
        }
        for number in 0..2 {
            world.cluster.add_signer(keypair(b'q', 0, number));
        }
        let World { cluster, net, payer, .. } = world;
        let chain = Arc::new(Mutex::new(cluster));
        Self { rpc: EmbeddedRpc::new(chain.clone()), chain, net, payer, workloads, operators }
    }

    fn keeper(&self, number: u8, policy: Policy) -> Keeper {
        let sender = Sender::new(Rpc::over(self.rpc.client()), Arc::new(keypair(b'q', 0, number)));
        let instant = Duration::from_millis(1);
        let pace = Pace { poll: instant, stagger: instant, retry: instant, retry_most: instant };
        Keeper::new(sender, self.net.address, policy, pace, Arc::new(Metrics::default()))
    }

    async fn snapshot(&self) -> Snapshot {
        Snapshot::fetch(&Rpc::over(self.rpc.client()), &self.net.address).await.unwrap()
    }

    async fn due(&self, policy: &Policy) -> Agenda {
        due(&self.snapshot().await, policy)
    }

    fn at(&self, now: i64) {
        self.chain.lock().unwrap().set_time(now);
    }

    fn send(&self, instructions: &[Instruction]) {
        let sent = self
            .chain
            .lock()
            .unwrap()
            .try_send(&[instructions, &[coverage_client::embedded::compute_limit()]].concat());
        sent.unwrap_or_else(|failed| panic!("{:?}\n{}", failed.err, failed.meta.logs.join("\n")));
    }

    /// Applies the outcomes of an epoch: not the same in any two.
    async fn attest(&self, epoch: i64) {
        let snapshot = self.snapshot().await;
        for (id, workload) in (0u64..).zip(self.workloads) {
            let state = &snapshot.workloads[&id];
            let entries: Vec<Entry> = (0..state.slots.len() as u16)
                .map(|slot| entry(slot, [40 + 7 * epoch as u32 + u32::from(slot), 3, 0, 2, 1, 0, 0]))
                .collect();
            let batch = BatchOf {
                network: self.net.address,
                workload,
                epoch: epoch as u64,
                sequence: state.cell.unwrap().batches,
                generation: snapshot.committee.generation,
            };
            let statement = Statement::counts(batch, [5; 32], &entries);
            for upload in statement.upload(self.payer) {
                self.send(&[upload]);
            }
            for pair in statement.endorse(self.payer, &self.net.attesters) {
                self.send(&pair);
            }
            self.send(&[statement.apply(self.payer)]);
        }
    }

    /// When something becomes due in an epoch: its start, the end of its grace period, the end of its challenge window.
    fn moments(epoch: i64) -> [i64; 3] {
        let end = GENESIS + EPOCH * (epoch + 1);
        [GENESIS + EPOCH * epoch, end + GRACE, end + GRACE + CHALLENGE]
    }

    /// The whole life without any keeper, in order, as the program's own tests drive it.
    async fn by_hand(&self) {
        let (net, payer) = (&self.net, self.payer);
        for epoch in 0..=EPOCHS {
            self.at(Self::moments(epoch)[0]);
            self.send(&[ix::open_epoch(payer, net.address, epoch as u64)]);
            if epoch > 0 {
                let [_, seal, settle] = Self::moments(epoch - 1);
                for workload in self.workloads {
                    self.at(seal);
                    self.send(&[ix::seal_cell(net.address, workload, epoch as u64 - 1)]);
                    self.at(settle);
                    self.send(&[ix::settle_cell(net.address, workload, epoch as u64 - 1, ix::SETTLE_STEPS)]);
                    self.send(&[ix::sweep_cell(net.address, workload)]);
                }
                self.send(&[ix::close_epoch(payer, net.address, epoch as u64 - 1, &self.workloads)]);
            }
            if epoch < EPOCHS {
                self.attest(epoch).await;
            }
        }
        for operator in &self.operators {
            let slots = self.slots_of(operator).await;
            let claim = ix::claim_rewards(payer, net.address, &net.token, operator.account, operator.payout, &slots);
            self.send(&[claim]);
        }
    }

    async fn slots_of(&self, operator: &Operator) -> Vec<(Pubkey, u16)> {
        let snapshot = self.snapshot().await;
        let of = |slots: &[Slot]| {
            slots.iter().position(|slot| slot.operator == operator.account.to_bytes()).map(|slot| slot as u16)
        };
        snapshot.workloads.values().filter_map(|state| Some((state.address, of(&state.slots)?))).collect()
    }

    /// The whole life, driven by keepers only, which all go to work at every moment; `trouble` comes before each.
    async fn by_keepers(&self, mut keepers: Vec<Keeper>, trouble: impl Fn(&EmbeddedRpc)) {
        for epoch in 0..=EPOCHS {
            let [open, _, _] = Self::moments(epoch);
            let mut moments = vec![open];
            if epoch > 0 {
                moments.extend(&Self::moments(epoch - 1)[1..]);
            }
            for now in moments {
                self.at(now);
                trouble(&self.rpc);
                keepers = work(keepers).await;
            }
            if epoch < EPOCHS {
                self.attest(epoch).await;
            }
        }
    }

    /// Everything that must be the same whoever kept the network: the cells to the byte, the treasury, and what was paid.
    async fn outcome(&self) -> (Vec<Vec<u8>>, u64, Vec<u64>, u64) {
        let snapshot = self.snapshot().await;
        let chain = self.chain.lock().unwrap();
        let cells = self.workloads.iter().map(|workload| chain.svm.get_account(&pda::cell(workload)).unwrap().data);
        let tokens = |wallet: &Pubkey| chain.tokens(&pda::token_account(wallet, &self.net.token));
        let paid = self.operators.iter().map(|operator| tokens(&operator.payout)).collect();
        (cells.collect(), snapshot.network.treasury_available, paid, snapshot.vault_units)
    }
}

/// Has all keepers do what is due at the same time, until none of them finds anything.
async fn work(keepers: Vec<Keeper>) -> Vec<Keeper> {
    let tasks = keepers.into_iter().map(|mut keeper| {
        tokio::spawn(async move {
            let (_, left) = keeper.run_once(&CancellationToken::new()).await.unwrap();
            assert_eq!(left, []);
            keeper
        })
    });
    let mut back = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        back.push(task.await.unwrap());
    }
    back
}

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

/// A sealed cell of 1,024 slots in as many domains, ready to be settled.
async fn crowded() -> Stage {
    let stage = Stage::new();
    let [start, seal, settle] = Stage::moments(0);
    stage.at(start);
    stage.send(&[ix::open_epoch(stage.payer, stage.net.address, 0)]);
    let slots: Vec<Slot> = (0..MAX_SLOTS as u32)
        .map(|number| {
            let mut operator = [9; 32];
            operator[..4].copy_from_slice(&number.to_le_bytes());
            let mut slot = Slot::new(operator, 10_000 + u64::from(number), number, 0);
            slot.add(&[900 + number.wrapping_mul(2_654_435_761) % 500, 3, 1, 2, 5, 4, 0]).unwrap();
            slot
        })
        .collect();
    Forge(&mut stage.chain.lock().unwrap()).slots(&pda::cell(&stage.workloads[0]), &slots, |_| ());
    stage.at(seal);
    stage.send(&[ix::open_epoch(stage.payer, stage.net.address, 1)]);
    for workload in stage.workloads {
        stage.send(&[ix::seal_cell(stage.net.address, workload, 0)]);
    }
    stage.at(settle);
    stage
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
