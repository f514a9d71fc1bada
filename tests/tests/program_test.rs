//! The life of a network end to end in `solana-program-test`: the compiled program in the validator's own bank.
//!
//! Four operators in three failure domains, two workloads, three epochs: evidence in time and late, settlement in one
//! transaction and in many, a workload nobody covers at first, claims by strangers, and at the end every token accounted
//! for. The rewards are those the kernel computes off-chain, and some are worked out by hand.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use coverage_client::batch::{BatchOf, Statement};
use coverage_client::chain::{AccountData, Chain};
use coverage_client::embedded::{compute_limit, program_file};
use coverage_client::instructions::{self as ix, SETTLE_STEPS};
use coverage_client::pda::Token;
use coverage_client::token::{create_mint, mint_to};
use coverage_client::{ClientError, accounts, audit, pda};
use coverage_math::attestation::Entry;
use coverage_math::cell::{Reason, Slot};
use coverage_math::receipt::Capability;
use coverage_migrations::{OperatorPlan, Plan, WorkloadPlan, m0006_failure_domains::attest};
use coverage_settlement::ID;
use coverage_settlement::state::{Cell, Config, Network, Requirements};
use ed25519_dalek::SigningKey;
use solana_account::Account;
use solana_keypair::Keypair;
use solana_program::clock::Clock;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_program_test::{ProgramTest, ProgramTestContext};
use solana_signer::Signer;
use solana_transaction::Transaction;
use std::collections::BTreeMap;
use tokio::runtime::Runtime;

const GENESIS: i64 = 2_000_000_000;
const EPOCH_SECONDS: i64 = 1_000;
const EMISSION: u64 = 3_000_000;
/// Five attesters with the smallest bond there can be.
const ATTESTER_BONDS: u64 = 5;

/// The bank of `solana-program-test` as a [`Chain`].
struct Bank {
    runtime: Runtime,
    context: ProgramTestContext,
    signers: BTreeMap<Pubkey, Keypair>,
}

impl Bank {
    fn new() -> Self {
        let elf =
            std::fs::read(program_file()).unwrap_or_else(|error| panic!("{error}: run `cargo xtask build-sbf` first"));
        let mut test = ProgramTest::default();
        let program = Account {
            lamports: 10_000_000_000,
            data: elf,
            owner: Pubkey::from_str_const("BPFLoader2111111111111111111111111111111111"),
            executable: true,
            rent_epoch: u64::MAX,
        };
        test.add_account(ID, program);
        let runtime = Runtime::new().unwrap();
        let context = runtime.block_on(test.start_with_context());
        Self { runtime, context, signers: BTreeMap::new() }
    }

    fn add_signer(&mut self, seed: u8) -> Pubkey {
        let key = Keypair::new_from_array([seed; 32]);
        let address = key.pubkey();
        let funded = Account { lamports: 1_000_000_000_000, ..Account::default() };
        self.context.set_account(&address, &funded.into());
        self.signers.insert(address, key);
        address
    }

    fn set_time(&mut self, now: i64) {
        let clock =
            Clock { unix_timestamp: now, ..self.runtime.block_on(self.context.banks_client.get_sysvar()).unwrap() };
        self.context.set_sysvar(&clock);
    }

    fn tokens(&mut self, account: &Pubkey) -> u64 {
        // The amount of a token account is at byte 64.
        let data = self.account(account).unwrap().map_or(vec![0; 72], |account| account.data);
        u64::from_le_bytes(data[64..72].try_into().unwrap())
    }
}

impl Chain for Bank {
    fn payer(&self) -> Pubkey {
        self.context.payer.pubkey()
    }

    fn account(&mut self, address: &Pubkey) -> Result<Option<AccountData>, ClientError> {
        let account = self.runtime.block_on(self.context.banks_client.get_account(*address)).unwrap();
        Ok(account.map(|account| AccountData { lamports: account.lamports, owner: account.owner, data: account.data }))
    }

    fn now(&mut self) -> Result<i64, ClientError> {
        Ok(self.runtime.block_on(self.context.banks_client.get_sysvar::<Clock>()).unwrap().unix_timestamp)
    }

    fn send(&mut self, action: &str, instructions: &[Instruction]) -> Result<u64, ClientError> {
        let blockhash = self.runtime.block_on(self.context.get_new_latest_blockhash()).unwrap();
        let all = [instructions, &[compute_limit()]].concat();
        let mut transaction = Transaction::new_with_payer(&all, Some(&self.payer()));
        let count = usize::from(transaction.message.header.num_required_signatures);
        let needed = transaction.message.account_keys[1..count].iter();
        let mut keys = vec![&self.context.payer];
        keys.extend(needed.map(|address| &self.signers[address]));
        transaction.sign(&keys, blockhash);
        let result =
            self.runtime.block_on(self.context.banks_client.process_transaction_with_metadata(transaction)).unwrap();
        match result.result {
            Ok(()) => Ok(result.metadata.unwrap().compute_units_consumed),
            Err(error) => Err(ClientError::refused(action, error)),
        }
    }
}

fn requirements(model: u8) -> Requirements {
    Requirements {
        model: [model; 32],
        descriptor_hash: [9; 32],
        min_capacity_milli: 10,
        latency_ms: 500,
        size_class: 1,
        hardware_class: 2,
        region: 0,
        verification_mode: 1,
    }
}

/// Two workloads; operators A and B in domain 1, C in domain 2, D in domain 3. All are capable of both; D opens the second
/// only later.
fn plan(bank: &mut Bank, token: Token) -> Plan {
    let network = pda::network(7);
    let workloads = [pda::workload(&network, 0), pda::workload(&network, 1)];
    let operators = [(1u32, vec![0]), (1, vec![0]), (2, vec![0]), (3, vec![0])];
    let operators = operators.into_iter().zip(10u8..).map(|((domain, enrol), seed)| {
        let capability = |(workload, model): (&Pubkey, u8)| Capability {
            workload: workload.to_bytes(),
            model: [model; 32],
            hardware_class: 2,
            verification_mode: 1,
            region: 4,
            latency_ms: 400,
            capacity_milli: 20,
            salt: [seed; 32],
        };
        OperatorPlan {
            wallet: bank.add_signer(seed),
            payout: Pubkey::from([seed + 100; 32]),
            bond_units: 1_000,
            domain,
            capabilities: workloads.iter().zip([1, 2]).map(capability).collect(),
            enrol,
        }
    });
    Plan {
        network_id: 7,
        token,
        guardian: Pubkey::default(),
        genesis_ts: GENESIS,
        config: Config {
            epoch_seconds: EPOCH_SECONDS as u64,
            grace_seconds: 100,
            challenge_seconds: 50,
            emission: EMISSION,
            min_operator_bond: 1_000,
            min_attester_bond: 1,
            z_milli: 0, // so that p = served / attempts, and rewards can be worked out by hand
            breach_bps: 500,
            slash_bps: 100,
            quorum_bps: 6_667,
            carry_cap_epochs: 1,
            ..Config::default()
        },
        attesters: (1..=5).map(|seed| (SigningKey::from_bytes(&[seed; 32]), 1)).collect(),
        workloads: vec![
            WorkloadPlan { weight: 2, requirements: requirements(1) },
            WorkloadPlan { weight: 1, requirements: requirements(2) },
        ],
        treasury_units: 100_000_000,
        operators: operators.collect(),
    }
}

struct World {
    bank: Bank,
    plan: Plan,
}

impl World {
    fn cell(&mut self, workload: usize) -> (Cell, Vec<Slot>) {
        let address = pda::cell(&self.plan.workload(workload));
        accounts::cell(&address, &self.bank.require(&address).unwrap().data).unwrap()
    }

    fn open_epoch(&mut self, index: u64) {
        self.bank.set_time(GENESIS + EPOCH_SECONDS * index as i64);
        let open = ix::open_epoch(self.bank.payer(), self.plan.network(), index);
        self.bank.send("opening an epoch", &[open]).unwrap();
    }

    /// Attests `counts` of (slot, served, failed) for a workload; returns what the cluster says.
    fn attest(&mut self, workload: usize, epoch: u64, counts: &[(u16, u32, u32)]) -> Result<usize, ClientError> {
        let (cell, _) = self.cell(workload);
        let entries: Vec<_> = counts
            .iter()
            .map(|(slot, served, failed)| Entry { slot: *slot, reserved: 0, counts: [*served, 0, 0, *failed, 0, 0, 0] })
            .collect();
        let batch = BatchOf {
            network: self.plan.network(),
            workload: self.plan.workload(workload),
            epoch,
            sequence: cell.batches,
            generation: 1,
        };
        attest(&mut self.bank, &self.plan, &Statement::counts(batch, [3; 32], &entries))
    }

    /// Seals and settles a cell in steps of `step_units`; returns how many transactions settling took.
    fn settle(&mut self, workload: usize, epoch: u64, step_units: u32) -> usize {
        let (network, address) = (self.plan.network(), self.plan.workload(workload));
        self.bank.set_time(GENESIS + EPOCH_SECONDS * (epoch as i64 + 1) + 100);
        self.bank.send("sealing", &[ix::seal_cell(network, address, epoch)]).unwrap();
        self.bank.set_time(GENESIS + EPOCH_SECONDS * (epoch as i64 + 1) + 150);
        let mut transactions = 0;
        while self.cell(workload).0.epoch == epoch {
            self.bank.send("settling", &[ix::settle_cell(network, address, epoch, step_units)]).unwrap();
            transactions += 1;
        }
        self.audit(workload);
        transactions
    }

    fn audit(&mut self, workload: usize) {
        let (cell, slots) = self.cell(workload);
        let (checked, differences) = audit::settlement(&cell, &slots);
        assert_eq!((checked, differences), (usize::from(cell.last.slots), vec![]));
    }

    fn rewards(&mut self, workload: usize) -> Vec<u64> {
        self.cell(workload).1.iter().map(|slot| slot.reward).collect()
    }

    fn claim(&mut self, operator: usize, slots: &[(usize, u16)]) -> u64 {
        let plan = &self.plan.operators[operator];
        let account = pda::token_account(&plan.payout, &self.plan.token);
        let cells: Vec<_> = slots.iter().map(|(workload, slot)| (self.plan.workload(*workload), *slot)).collect();
        let (address, payout) = (self.plan.operator(plan), plan.payout);
        let claim =
            ix::claim_rewards(self.bank.payer(), self.plan.network(), &self.plan.token, address, payout, &cells);
        let before = self.bank.tokens(&account);
        self.bank.send("claiming", &[claim]).unwrap();
        self.bank.tokens(&account) - before
    }
}

#[test]
fn a_network_lives_through_three_epochs() {
    let mut bank = Bank::new();
    bank.set_time(GENESIS - 100);
    let (payer, mint_key) = (bank.payer(), Keypair::new_from_array([99; 32]));
    let token = Token { mint: mint_key.pubkey(), program: pda::TOKEN_PROGRAM };
    bank.signers.insert(token.mint, mint_key);
    bank.send("creating the mint", &create_mint(&payer, &token, 10_000_000, 6).unwrap()).unwrap();
    let plan = plan(&mut bank, token);
    bank.send("minting", &mint_to(&payer, &token, &payer, 100_000_000 + ATTESTER_BONDS).unwrap()).unwrap();
    for operator in &plan.operators {
        bank.send("minting", &mint_to(&payer, &token, &operator.wallet, 5_000).unwrap()).unwrap();
    }
    coverage_migrations::run(&mut bank, &plan, |_, _| {}).unwrap();
    let mut again = 0;
    coverage_migrations::run(&mut bank, &plan, |_, sent| again += sent).unwrap();
    assert_eq!(again, 0, "every step is idempotent");
    let mut world = World { bank, plan };

    // Epoch 0: the pool of workload 0 is 2,000,000 and its operators are the worked example of the model. D was seen
    // by nobody, workload 1 has nobody: all of its pool is carried.
    world.open_epoch(0);
    world.attest(0, 0, &[(0, 900, 100), (1, 900, 100)]).unwrap();
    world.bank.set_time(GENESIS + EPOCH_SECONDS + 99); // late evidence, in the last second of the grace period
    world.attest(0, 0, &[(2, 500, 500)]).unwrap();
    assert_eq!(world.settle(0, 0, SETTLE_STEPS), 1);
    assert_eq!(world.rewards(0), [674_999, 674_999, 549_999, 0]);
    let (cell, slots) = world.cell(0);
    assert_eq!(
        (cell.last.pool, cell.last.paid, cell.last.carry, cell.last.returned),
        (2_000_000, 1_899_997, 100_003, 0)
    );
    assert_eq!(slots[3].reason, Reason::NoEvidence as u8);
    assert_eq!(world.settle(1, 0, SETTLE_STEPS), 1);
    let (cell, _) = world.cell(1);
    assert_eq!((cell.last.pool, cell.last.paid, cell.last.carry, cell.last.returned), (1_000_000, 0, 1_000_000, 0));

    // Evidence for epoch 0 is too late now.
    let error = world.attest(0, 0, &[(3, 1, 0)]).unwrap_err();
    assert!(error.to_string().contains("custom program error: 0x17d6"), "{error}"); // WrongEpoch, 6102

    // Epoch 1: D enrols for workload 1 while it runs, so it counts from epoch 2, and workload 1's carry is capped at one
    // epoch. A is seen by nobody.
    world.open_epoch(1);
    world.plan.operators[3].enrol = vec![0, 1];
    coverage_migrations::m0008_enrolments::run(&mut world.bank, &world.plan).unwrap();
    let error = world.attest(1, 1, &[(0, 5, 0)]).unwrap_err();
    assert!(error.to_string().contains("custom program error: 0x196e"), "{error}"); // SlotNotEffective, 6510
    world.attest(0, 1, &[(1, 500, 500), (2, 500, 500), (3, 500, 500)]).unwrap();
    assert!(world.settle(0, 1, 2_000) > 5, "settled in many small steps");
    // Three domains at one half each: C = 7/8, φ = 7/24 for each; pool 2,100,003.
    assert_eq!(world.rewards(0), [0, 612_500, 612_500, 612_500]);
    world.settle(1, 1, SETTLE_STEPS);
    let (cell, slots) = world.cell(1);
    assert_eq!((cell.last.pool, cell.last.carry, cell.last.returned), (2_000_000, 1_000_000, 1_000_000));
    assert_eq!(slots[0].reason, Reason::NotYetEffective as u8);

    // Epoch 2: D alone covers workload 1, whose pool has waited for it.
    world.open_epoch(2);
    world.attest(1, 2, &[(0, 1, 1)]).unwrap();
    world.settle(0, 2, SETTLE_STEPS);
    world.settle(1, 2, SETTLE_STEPS);
    assert_eq!(world.rewards(1), [999_999]); // half of 2,000,000, rounded down

    // Claims, pushed by a stranger: two cells at once, and a second time for nothing.
    assert_eq!(world.claim(0, &[(0, 0)]), 674_999);
    assert_eq!(world.claim(1, &[(0, 1)]), 674_999 + 612_500);
    assert_eq!(world.claim(2, &[(0, 2)]), 549_999 + 612_500);
    assert_eq!(world.claim(3, &[(0, 3), (1, 0)]), 612_500 + 999_999);
    assert_eq!(world.claim(3, &[(0, 3), (1, 0)]), 0);

    // Every token: what was put in is in the vault, in the cells' books, or claimed.
    let address = world.plan.network();
    let network: Network = accounts::header(&address, &world.bank.require(&address).unwrap().data).unwrap();
    let claimed: u64 = 674_999 + 674_999 + 612_500 + 549_999 + 612_500 + 612_500 + 999_999;
    let vault = world.bank.tokens(&pda::vault(&address));
    assert_eq!(vault, 100_000_000 + 4 * 1_000 + ATTESTER_BONDS - claimed);
    let books =
        [0, 1].map(|workload| world.cell(workload).0).map(|cell| cell.pool + cell.carry + cell.returned + cell.earned);
    assert_eq!(network.treasury_available, 100_000_000 - 3 * EMISSION);
    let bonds = network.operator_bonds + network.attester_bonds;
    assert_eq!((vault, bonds), (network.treasury_available + books[0] + books[1] + bonds, 4 * 1_000 + ATTESTER_BONDS));
}
