//! A network whose every instruction is measured.

use bytemuck::{Zeroable, bytes_of};
use coverage_client::batch::{BatchOf, Statement};
use coverage_client::capabilities::CapabilityTree;
use coverage_client::chain::Chain;
use coverage_client::embedded::Embedded;
use coverage_client::{accounts, instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_math::cell::Slot;
use coverage_math::receipt::Capability;
use coverage_settlement::ID;
use coverage_settlement::state::{Cell, Config, Member, Requirements, items_for};
use ed25519_dalek::SigningKey;
use solana_keypair::Keypair;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;

const GENESIS: i64 = 1_700_000_000;
const EPOCH: i64 = 100;

fn config(rule: u8) -> Config {
    Config {
        epoch_seconds: EPOCH as u64,
        grace_seconds: 10,
        challenge_seconds: 10,
        emission: 1_000_000_000,
        min_operator_bond: 1_000,
        min_attester_bond: 1_000,
        z_milli: 1_645,
        breach_bps: 200,
        slash_bps: 1_000,
        quorum_bps: 6_667,
        carry_cap_epochs: 4,
        rule,
        ..Config::default()
    }
}

fn requirements() -> Requirements {
    Requirements {
        model: [7; 32],
        descriptor_hash: [8; 32],
        min_capacity_milli: 1,
        latency_ms: 1_000,
        size_class: 1,
        hardware_class: 1,
        region: 0,
        verification_mode: 1,
    }
}

/// The table: what was measured, in the order it was.
#[derive(Default)]
pub struct Table(pub Vec<(String, u64)>);

impl Table {
    pub fn add(&mut self, name: &str, units: u64) -> u64 {
        self.0.push((name.to_owned(), units));
        units
    }
}

/// Compute units of each of our instructions in a transaction, by the VM's own log.
pub fn consumed(cluster: &mut Embedded, instructions: &[Instruction]) -> Vec<u64> {
    let limit = coverage_client::embedded::compute_limit();
    let all = [instructions, &[limit]].concat();
    let done =
        cluster.try_send(&all).unwrap_or_else(|failed| panic!("{:?}\n{}", failed.err, failed.meta.logs.join("\n")));
    let prefix = format!("Program {ID} consumed ");
    let ours = done.logs.iter().filter_map(|line| line.strip_prefix(&prefix));
    ours.map(|rest| rest.split(' ').next().unwrap().parse().unwrap()).collect()
}

pub fn one(cluster: &mut Embedded, instruction: Instruction) -> u64 {
    consumed(cluster, &[instruction])[0]
}

pub struct Bench {
    pub cluster: Embedded,
    pub network: Pubkey,
    pub mint: Pubkey,
    pub attesters: Vec<SigningKey>,
    pub table: Table,
}

impl Bench {
    /// A network of 64 attesters, measured while it is made.
    pub fn new(id: u64, rule: u8) -> Self {
        let mut cluster = Embedded::new(GENESIS - 50).unwrap();
        let mut table = Table::default();
        let payer = cluster.payer();
        let mint = cluster.create_mint(Keypair::new_from_array([2; 32]), 6).unwrap();
        let source = cluster.mint_to(&mint, &payer, 1 << 50).unwrap();
        let network = pda::network(id);
        table.add(
            "create_network",
            one(&mut cluster, ix::create_network(payer, id, mint, payer, GENESIS, config(rule))),
        );
        let attesters: Vec<_> = (0..64u8).map(|seed| SigningKey::from_bytes(&[seed + 100; 32])).collect();
        let members: Vec<_> =
            attesters.iter().map(|key| Member { key: key.verifying_key().to_bytes().into(), weight: 1 }).collect();
        for (chunk, start) in members.chunks(16).zip((0u8..).step_by(16)) {
            let units = one(&mut cluster, ix::update_committee(payer, network, start, start + 16, chunk.to_vec()));
            if start == 48 {
                table.add("update_committee, the last 16 of 64", units);
            }
        }
        table.add("register_workload", one(&mut cluster, ix::register_workload(payer, network, 0, 10, requirements())));
        table.add("fund_treasury", one(&mut cluster, ix::fund_treasury(payer, network, mint, source, 1 << 40)));
        Self { cluster, network, mint, attesters, table }
    }

    pub fn workload(&self) -> Pubkey {
        pda::workload(&self.network, 0)
    }

    /// Registers an operator with 1,024 capabilities, of which the last is for the workload, and enrols it.
    pub fn operator(&mut self, seed: u8, names: Option<[&str; 3]>) -> Pubkey {
        let wallet = self.cluster.add_signer(Keypair::new_from_array([seed; 32]));
        let source = self.cluster.mint_to(&self.mint, &wallet, 1_000_000).unwrap();
        let leaf = |workload: Pubkey| Capability {
            workload: workload.to_bytes(),
            model: [7; 32],
            hardware_class: 1,
            verification_mode: 1,
            region: 3,
            latency_ms: 900,
            capacity_milli: 5,
            salt: [9; 32],
        };
        let mut leaves: Vec<_> =
            (1..1024).map(|id| leaf(pda::token_account(&wallet, &Pubkey::from([(id % 251) as u8; 32])))).collect();
        leaves.push(leaf(self.workload()));
        let tree = CapabilityTree::new(&self.network, leaves).unwrap();
        let (args, proof) = tree.open(1023).unwrap();
        let workload = self.workload();
        assert_eq!(proof.len(), 10);
        let register =
            one(&mut self.cluster, ix::register_operator(wallet, self.network, self.mint, source, wallet, 10_000));
        let commit = one(&mut self.cluster, ix::commit_capabilities(wallet, self.network, tree.root(), tree.count()));
        let enroll = one(&mut self.cluster, ix::enroll(wallet, self.network, workload, args, 1023, proof));
        if let Some(names) = names {
            for (name, units) in names.into_iter().zip([register, commit, enroll]) {
                if !name.is_empty() {
                    self.table.add(name, units);
                }
            }
        }
        pda::operator(&self.network, &wallet)
    }

    /// Writes `slots` behind the ones the cell has, as if as many operators had enrolled.
    pub fn forge_slots(&mut self, slots: &[Slot]) {
        let address = pda::cell(&self.workload());
        let mut account = self.cluster.svm.get_account(&address).unwrap();
        let (mut cell, mut all) = accounts::cell(&address, &account.data).unwrap();
        all.extend_from_slice(slots);
        let items = items_for(all.len());
        cell.slots = all.len() as u16;
        let mut data = account.data[..8].to_vec();
        data.extend(bytes_of(&cell));
        data.extend((items as u32).to_le_bytes());
        data.extend([0; 4]);
        all.resize(items, Slot::zeroed());
        data.extend(bytemuck::cast_slice(&all));
        account.lamports = self.cluster.svm.minimum_balance_for_rent_exemption(data.len());
        account.data = data;
        self.cluster.svm.set_account(address, account).unwrap();
    }

    pub fn cell(&self) -> (Cell, Vec<Slot>) {
        let address = pda::cell(&self.workload());
        accounts::cell(&address, &self.cluster.svm.get_account(&address).unwrap().data).unwrap()
    }

    /// Uploads, endorses and applies a batch; returns the units of (open, last extend, endorse of 7, endorse of 1, apply).
    pub fn batch(&mut self, entries: &[Entry]) -> [u64; 5] {
        let payer = self.cluster.payer();
        let batch = BatchOf {
            network: self.network,
            workload: self.workload(),
            epoch: self.cell().0.epoch,
            sequence: self.cell().0.batches,
            generation: 4,
        };
        let statement = Statement::counts(batch, [5; 32], entries);
        let uploads = statement.upload(payer);
        let mut units: Vec<u64> = uploads.into_iter().map(|upload| one(&mut self.cluster, upload)).collect();
        let open = units[0];
        let extend = units.pop().unwrap();
        // From the end of the list: the most expensive to find.
        let mut signers = self.attesters.clone();
        signers.reverse();
        signers.truncate(43); // six sevens and one: just more than two thirds of 64
        let pairs = statement.endorse(payer, &signers);
        let endorsements: Vec<u64> = pairs.iter().map(|pair| consumed(&mut self.cluster, pair)[0]).collect();
        let apply = one(&mut self.cluster, statement.apply(payer));
        [open, extend, endorsements[0], endorsements[endorsements.len() - 1], apply]
    }

    /// Seals and settles the epoch in hand; returns the units of (seal, settle in all, transactions).
    pub fn settle(&mut self) -> [u64; 3] {
        let epoch = self.cell().0.epoch;
        self.cluster.set_time(GENESIS + EPOCH * (epoch as i64 + 1) + 10);
        let (network, workload) = (self.network, self.workload());
        let seal = one(&mut self.cluster, ix::seal_cell(network, workload, epoch));
        self.cluster.set_time(GENESIS + EPOCH * (epoch as i64 + 1) + 20);
        let (mut units, mut transactions) = (0, 0);
        while self.cell().0.epoch == epoch {
            units += one(&mut self.cluster, ix::settle_cell(network, workload, epoch, ix::SETTLE_STEPS));
            transactions += 1;
        }
        [seal, units, transactions]
    }

    pub fn open_epoch(&mut self, index: u64) -> u64 {
        self.cluster.set_time(GENESIS + EPOCH * index as i64 + 1);
        let payer = self.cluster.payer();
        one(&mut self.cluster, ix::open_epoch(payer, self.network, index))
    }

    pub fn claim(&mut self, operator: Pubkey, seed: u8) -> u64 {
        let wallet = Keypair::new_from_array([seed; 32]).pubkey();
        let payer = self.cluster.payer();
        let slot = (self.workload(), if seed == 3 { 0 } else { 1023 });
        one(&mut self.cluster, ix::claim_rewards(payer, self.network, self.mint, operator, wallet, &[slot]))
    }
}
