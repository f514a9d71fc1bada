//! A network on a cluster behind RPC, driven by hand or by keepers.

use covctl::keeper::{Agenda, Keeper, Metrics, Pace, Policy, due};
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

pub const EPOCHS: i64 = 3;
pub const TREASURY: u64 = 10_000_000;

/// A network of two workloads and three operators, before its genesis, on a cluster behind RPC.
pub struct Stage {
    pub chain: Arc<Mutex<Embedded>>,
    pub rpc: EmbeddedRpc,
    pub net: Net,
    pub payer: Pubkey,
    pub workloads: [Pubkey; 2],
    pub operators: [Operator; 3],
}

impl Stage {
    pub fn new() -> Self {
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

    pub fn keeper(&self, number: u8, policy: Policy) -> Keeper {
        let sender = Sender::new(Rpc::over(self.rpc.client()), Arc::new(keypair(b'q', 0, number)));
        let instant = Duration::from_millis(1);
        let pace = Pace { poll: instant, stagger: instant, retry: instant, retry_most: instant };
        Keeper::new(sender, self.net.address, policy, pace, Arc::new(Metrics::default()))
    }

    pub async fn snapshot(&self) -> Snapshot {
        Snapshot::fetch(&Rpc::over(self.rpc.client()), &self.net.address).await.unwrap()
    }

    pub async fn due(&self, policy: &Policy) -> Agenda {
        due(&self.snapshot().await, policy)
    }

    pub fn at(&self, now: i64) {
        self.chain.lock().unwrap().set_time(now);
    }

    pub fn send(&self, instructions: &[Instruction]) {
        let sent = self
            .chain
            .lock()
            .unwrap()
            .try_send(&[instructions, &[coverage_client::embedded::compute_limit()]].concat());
        sent.unwrap_or_else(|failed| panic!("{:?}\n{}", failed.err, failed.meta.logs.join("\n")));
    }

    /// Applies the outcomes of an epoch: not the same in any two.
    pub async fn attest(&self, epoch: i64) {
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
    pub fn moments(epoch: i64) -> [i64; 3] {
        let end = GENESIS + EPOCH * (epoch + 1);
        [GENESIS + EPOCH * epoch, end + GRACE, end + GRACE + CHALLENGE]
    }

    /// The whole life without any keeper, in order, as the program's own tests drive it.
    pub async fn by_hand(&self) {
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

    pub async fn slots_of(&self, operator: &Operator) -> Vec<(Pubkey, u16)> {
        let snapshot = self.snapshot().await;
        let of = |slots: &[Slot]| {
            slots.iter().position(|slot| slot.operator == operator.account.to_bytes()).map(|slot| slot as u16)
        };
        snapshot.workloads.values().filter_map(|state| Some((state.address, of(&state.slots)?))).collect()
    }

    /// The whole life, driven by keepers only, which all go to work at every moment; `trouble` comes before each.
    pub async fn by_keepers(&self, mut keepers: Vec<Keeper>, trouble: impl Fn(&EmbeddedRpc)) {
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
    pub async fn outcome(&self) -> (Vec<Vec<u8>>, u64, Vec<u64>, u64) {
        let snapshot = self.snapshot().await;
        let chain = self.chain.lock().unwrap();
        let cells = self.workloads.iter().map(|workload| chain.svm.get_account(&pda::cell(workload)).unwrap().data);
        let tokens = |wallet: &Pubkey| chain.tokens(&pda::token_account(wallet, &self.net.token));
        let paid = self.operators.iter().map(|operator| tokens(&operator.payout)).collect();
        (cells.collect(), snapshot.network.treasury_available, paid, snapshot.vault_units)
    }
}

/// Has all keepers do what is due at the same time, until none of them finds anything.
pub async fn work(keepers: Vec<Keeper>) -> Vec<Keeper> {
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

/// A sealed cell of 1,024 slots in as many domains, ready to be settled.
pub async fn crowded() -> Stage {
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
