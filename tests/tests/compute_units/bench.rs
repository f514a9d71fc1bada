//! A network whose instructions are measured one by one.

use crate::luck;
use coverage_client::batch::Statement;
use coverage_client::chain::Chain;
use coverage_client::embedded::compute_limit;
use coverage_client::instructions as ix;
use coverage_client::pda::{self, Token};
use coverage_client::token::create_mint;
use coverage_math::attestation::Entry;
use coverage_math::cell::Slot;
use coverage_settlement::ID;
use coverage_settlement::state::{Cell, Config};
use coverage_tests::{ATTESTER_BOND, Operator, World, attester, check, config, found_with, keypair, member};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;

/// The most bytes of a transaction that a cluster takes.
pub const PACKET_BYTES: usize = 1_232;

/// Bytes of a mint without extensions.
const MINT_BYTES: usize = 82;

/// Attesters that one transaction surely gives places.
const SEATS: u8 = 16;

/// Slots of a full cell.
pub const FULL: usize = coverage_math::cell::MAX_SLOTS;

/// One measurement.
#[derive(Clone)]
pub struct Row {
    /// The instruction, by its discriminator.
    pub name: &'static str,
    /// What makes it cheap or dear.
    pub case: String,
    /// Compute units of the instruction.
    pub units: u64,
    /// Bytes of the whole transaction.
    pub bytes: usize,
}

/// Bytes of a transaction with its compute limit.
pub fn bytes(payer: &Pubkey, instructions: &[Instruction]) -> usize {
    let all = [instructions, &[compute_limit()]].concat();
    let transaction = Transaction::new_with_payer(&all, Some(payer));
    let signatures = usize::from(transaction.message.header.num_required_signatures);
    transaction.message_data().len() + 64 * signatures + 1
}

/// The most for which `transaction` fits a packet.
pub fn most(payer: &Pubkey, limit: usize, transaction: impl Fn(usize) -> Vec<Instruction>) -> usize {
    let fits = |count: &usize| bytes(payer, &transaction(*count)) <= PACKET_BYTES;
    (0..=limit).take_while(fits).last().unwrap()
}

/// Compute units of each instruction of ours. The program calls itself to tell what it did: that is part of the caller's.
fn consumed(logs: &[String]) -> Vec<u64> {
    let prefix = format!("Program {ID} consumed ");
    let (mut depth, mut units) = (0, Vec::new());
    for line in logs.iter().filter(|line| line.starts_with("Program ")) {
        if line.contains(" invoke [") {
            depth += 1;
        } else if line.ends_with(" success") {
            depth -= 1;
        } else if let Some(rest) = line.strip_prefix(&prefix).filter(|_| depth == 1) {
            units.push(rest.split(' ').next().unwrap().parse().unwrap());
        }
    }
    units
}

/// The configuration of everything measured: with a Wilson bound to compute.
pub fn settings() -> Config {
    Config { z_milli: 1_645, emission: 1_000_000_000, ..config() }
}

/// A slot of an operator that is somebody else.
pub fn stranger(number: usize) -> Slot {
    Slot::new([number as u8; 32], 1_000 + number as u64, number as u32, 0)
}

pub struct Bench {
    pub world: World,
    pub rows: Vec<Row>,
}

impl Bench {
    /// A network of this many attesters that pays in a mint of SPL Token.
    pub fn new(attesters: u8, config: Config) -> Self {
        Self::paying_in(pda::TOKEN_PROGRAM, attesters, config)
    }

    /// A network that pays in a mint of a token program.
    pub fn paying_in(program: Pubkey, attesters: u8, config: Config) -> Self {
        let mut world = World::with(config, 0);
        let (cluster, payer) = (&mut world.cluster, world.payer);
        let id = luck::network(2);
        let first = Pubkey::from(attester(id, 0).verifying_key().to_bytes());
        let payers = |token: &Token| [payer, first].iter().all(|wallet| luck::token_account(wallet, token));
        let token = |number| Token { mint: keypair(b'm', number, 0).pubkey(), program };
        let number = (0..).find(|number| payers(&token(*number))).unwrap();
        let token = token(number);
        cluster.sign_with(keypair(b'm', number, 0));
        let rent = cluster.svm.minimum_balance_for_rent_exemption(MINT_BYTES);
        cluster.send("creating the mint", &create_mint(&payer, &token, rent, 6).unwrap()).unwrap();
        world.net = found_with(cluster, id, token, config, attesters.min(SEATS));
        let mut bench = Self { world, rows: Vec::new() };
        for place in SEATS..attesters {
            bench.seat(place);
        }
        bench
    }

    /// Gives the next place of the committee an attester with a bond.
    fn seat(&mut self, place: u8) {
        let net = &mut self.world.net;
        let key = attester(net.id, place);
        let seat = ix::update_committee(net.authority, net.address, vec![member(place, &key, 1)]);
        let bond = ix::add_attester_bond(net.authority, net.address, &net.token, net.treasurer, place, ATTESTER_BOND);
        net.attesters.push(key);
        self.world.send(&[seat, bond]);
    }

    /// Sends a transaction with one instruction of ours and writes down what that took.
    #[track_caller]
    pub fn add(&mut self, case: &str, instructions: &[Instruction]) {
        self.add_paid_by(self.world.payer, case, instructions);
    }

    /// As [`Self::add`], with the bytes that the transaction has if another wallet pays its fee.
    #[track_caller]
    pub fn add_paid_by(&mut self, payer: Pubkey, case: &str, instructions: &[Instruction]) {
        let units = self.units(instructions);
        let name = instructions.iter().find_map(check::name).unwrap();
        self.rows.push(Row { name, case: case.to_owned(), units, bytes: bytes(&payer, instructions) });
    }

    /// Sends a transaction with one instruction of ours; returns its compute units.
    #[track_caller]
    pub fn units(&mut self, instructions: &[Instruction]) -> u64 {
        let done = match self.world.attempt(instructions) {
            Ok(done) => done,
            Err(failed) => panic!("{:?}\n{}", failed.err, failed.meta.logs.join("\n")),
        };
        let [units] = consumed(&done.logs)[..] else {
            panic!("not one instruction of ours:\n{}", done.logs.join("\n"))
        };
        units
    }

    /// Registers a workload.
    pub fn workload(&mut self) -> Pubkey {
        let id = luck::workload(&self.world.net.address, 0);
        self.world.workload(id, 10)
    }

    /// A wallet with tokens, not yet an operator.
    pub fn wallet(&mut self) -> Operator {
        let net = &self.world.net;
        let all = |number: &u8| {
            let (wallet, payout) = (keypair(b'o', 0, *number).pubkey(), Pubkey::from([200 - number; 32]));
            luck::operator(&net.address, &wallet)
                && [wallet, payout].iter().all(|owner| luck::token_account(owner, &net.token))
        };
        let number = (0..200).find(all).unwrap();
        self.world.wallet(number)
    }

    /// Registers an operator.
    pub fn operator(&mut self) -> Operator {
        let operator = self.wallet();
        self.world.send(&[self.world.registration(&operator, 10_000)]);
        operator
    }

    /// Gives a cell these slots, as if as many operators had enrolled.
    pub fn slots(&mut self, workload: Pubkey, slots: &[Slot], edit: impl FnOnce(&mut Cell)) {
        self.world.forge().slots(&pda::cell(&workload), slots, edit);
    }

    /// A statement of the next batch.
    pub fn statement(&self, workload: Pubkey, entries: &[Entry]) -> Statement {
        let (batch, payer) = (self.world.batch_of(workload), self.world.payer);
        let roots = (1u8..).map(|root| Statement::counts(batch, [root; 32], entries));
        let mut lucky = roots.filter(|made| luck::attestation(&made.network, &payer, &made.digest));
        lucky.next().unwrap()
    }

    /// Gives the treasury tokens for as long as anything here takes.
    pub fn fund(&mut self) {
        self.world.fund(1 << 50);
    }

    /// The instruction that claims from as many cells.
    pub fn claim(&self, operator: &Operator, slots: &[(Pubkey, u16)]) -> Instruction {
        let net = &self.world.net;
        ix::claim_rewards(self.world.payer, net.address, &net.token, operator.account, operator.payout, slots)
    }
}
