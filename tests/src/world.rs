//! A network on an embedded cluster, and everything that moves it.

use crate::check::{self, Refusal};
use crate::{Forge, attester, keypair};
use anchor_lang::Discriminator;
use bytemuck::AnyBitPattern;
use coverage_client::capabilities::CapabilityTree;
use coverage_client::chain::Chain;
use coverage_client::embedded::{Embedded, compute_limit};
use coverage_client::events::Event;
use coverage_client::pda::Token;
use coverage_client::{accounts, audit, instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_math::cell::{Slot, find};
use coverage_math::receipt::Capability;
use coverage_math::reliability::OUTCOMES;
use coverage_settlement::ID;
use coverage_settlement::state::{Cell, Config, Epoch, Member, Network, Requirements};
use ed25519_dalek::SigningKey;
use litesvm::types::TransactionResult;
use solana_account::Account;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;

/// Start of epoch 0 of every network here.
pub const GENESIS: i64 = 1_700_000_000;
/// Seconds of an epoch.
pub const EPOCH: i64 = 100;
/// Seconds of grace after it.
pub const GRACE: i64 = 10;
/// Seconds of the challenge window.
pub const CHALLENGE: i64 = 20;

/// A configuration with `z = 0`, so that reliability is plainly served ÷ attempts.
#[must_use]
pub fn config() -> Config {
    Config {
        epoch_seconds: EPOCH as u64,
        grace_seconds: GRACE as u64,
        challenge_seconds: CHALLENGE as u64,
        delay_seconds: 50,
        emission: 1_000_000,
        min_operator_bond: 1_000,
        min_attester_bond: 1_000,
        z_milli: 0,
        breach_bps: 200,
        slash_bps: 1_000,
        challenger_bps: 2_500,
        quorum_bps: 6_667,
        carry_cap_epochs: 3,
        rule: 0,
        ..Config::default()
    }
}

/// What every workload here needs.
#[must_use]
pub fn requirements() -> Requirements {
    Requirements {
        model: [7; 32],
        descriptor_hash: [8; 32],
        min_capacity_milli: 100,
        latency_ms: 1_000,
        size_class: 1,
        hardware_class: 2,
        region: 3,
        verification_mode: 4,
    }
}

/// Bond of every attester here.
pub const ATTESTER_BOND: u64 = 100_000;

/// A place of the committee for an attester.
#[must_use]
pub fn member(place: u8, key: &SigningKey, weight: u64) -> Member {
    Member { place, key: key.verifying_key().to_bytes().into(), weight }
}

/// An entry of a batch.
#[must_use]
pub fn entry(slot: u16, counts: [u32; OUTCOMES]) -> Entry {
    Entry { slot, reserved: 0, counts }
}

/// One network.
#[derive(Clone)]
pub struct Net {
    /// Its id.
    pub id: u64,
    /// Its account.
    pub address: Pubkey,
    /// What it pays in.
    pub token: Token,
    /// Its authority, with tokens; the same for every network here.
    pub authority: Pubkey,
    /// Its guardian; the same for every network here.
    pub guardian: Pubkey,
    /// The authority's token account.
    pub treasurer: Pubkey,
    /// The committee's keys.
    pub attesters: Vec<SigningKey>,
}

/// One operator.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    /// Signs for it.
    pub wallet: Pubkey,
    /// Its account.
    pub account: Pubkey,
    /// Where its bond comes from.
    pub source: Pubkey,
    /// Owns its payout account; has neither lamports nor tokens at first.
    pub payout: Pubkey,
}

/// A cluster with a network in hand.
pub struct World {
    /// The cluster.
    pub cluster: Embedded,
    /// Who pays fees: no authority of anything, but for the mints.
    pub payer: Pubkey,
    /// The network in hand.
    pub net: Net,
    /// The events of every transaction sent since the network was founded, in order.
    pub emitted: Vec<Event>,
}

impl World {
    /// A network with [`config`] and five attesters, half an epoch before genesis.
    #[must_use]
    pub fn new() -> Self {
        Self::with(config(), 5)
    }

    /// A network with this configuration and as many attesters.
    #[must_use]
    pub fn with(config: Config, attesters: u8) -> Self {
        let mut cluster = Embedded::new(GENESIS - 50).unwrap();
        let payer = cluster.payer();
        let net = found(&mut cluster, 1, config, attesters);
        Self { cluster, payer, net, emitted: Vec::new() }
    }

    /// Makes another network and takes it in hand; returns the one before.
    pub fn found(&mut self, id: u64, config: Config, attesters: u8) -> Net {
        let net = found(&mut self.cluster, id, config, attesters);
        std::mem::replace(&mut self.net, net)
    }

    /// Makes another network like this, which stays in hand; swap [`Self::net`] to act in the other.
    pub fn another(&mut self, id: u64) -> Net {
        let attesters = self.net.attesters.len() as u8;
        found(&mut self.cluster, id, config(), attesters)
    }

    /// Registers workload `id`.
    pub fn workload(&mut self, id: u64, weight: u64) -> Pubkey {
        let net = &self.net;
        let instruction = ix::register_workload(net.authority, net.address, id, weight, requirements());
        let workload = pda::workload(&net.address, id);
        self.send(&[instruction]);
        workload
    }

    /// Adds tokens to the treasury.
    pub fn fund(&mut self, amount_units: u64) {
        let net = &self.net;
        let instruction = ix::fund_treasury(net.authority, net.address, &net.token, net.treasurer, amount_units);
        self.send(&[instruction]);
    }

    /// A wallet with tokens that is not an operator yet; the same wallet in every network.
    pub fn wallet(&mut self, number: u8) -> Operator {
        let key = keypair(b'o', 0, number);
        let wallet = self.cluster.add_signer(key);
        let source = self.cluster.mint_to(&self.net.token, &wallet, 1 << 53).unwrap();
        let payout = Pubkey::from([200 - number; 32]);
        let account = pda::operator(&self.net.address, &wallet);
        Operator { wallet, account, source, payout }
    }

    /// Registers operator `number`.
    pub fn operator(&mut self, number: u8, bond_units: u64) -> Operator {
        let operator = self.wallet(number);
        self.send(&[self.registration(&operator, bond_units)]);
        operator
    }

    /// The instruction that registers an operator.
    #[must_use]
    pub fn registration(&self, operator: &Operator, bond_units: u64) -> Instruction {
        let net = &self.net;
        ix::register_operator(operator.wallet, net.address, &net.token, operator.source, operator.payout, bond_units)
    }

    /// A capability that meets the requirements of `workload`.
    #[must_use]
    pub fn capability(&self, workload: Pubkey) -> Capability {
        Capability {
            workload: workload.to_bytes(),
            model: [7; 32],
            hardware_class: 2,
            verification_mode: 4,
            region: 3,
            latency_ms: 1_000,
            capacity_milli: 100,
            salt: [9; 32],
        }
    }

    /// The tree of one such capability, and the instructions that commit it and enrol with it.
    #[must_use]
    pub fn enrolment(&self, operator: &Operator, workload: Pubkey) -> [Instruction; 2] {
        let net = self.net.address;
        let tree = CapabilityTree::new(&net, vec![self.capability(workload)]).unwrap();
        let (args, proof) = tree.open(0).unwrap();
        let commit = ix::commit_capabilities(operator.wallet, net, tree.root(), tree.count());
        let refund = accounts::free_slot(&self.cell(workload).1);
        [commit, ix::enroll(operator.wallet, net, workload, (args, 0, proof), refund)]
    }

    /// Commits a capability and enrols with it; returns the slot.
    pub fn enroll(&mut self, operator: &Operator, workload: Pubkey) -> u16 {
        let instructions = self.enrolment(operator, workload);
        self.send(&instructions);
        let (_, slots) = self.cell(workload);
        find(&slots, &operator.account.to_bytes()).unwrap() as u16
    }

    /// Registers an operator in a failure domain and enrols it.
    pub fn enrolled(&mut self, number: u8, bond_units: u64, domain: u32, workload: Pubkey) -> Operator {
        let operator = self.operator(number, bond_units);
        if domain != 0 {
            self.attest_domain(&operator, domain);
        }
        self.enroll(&operator, workload);
        operator
    }

    /// The account at an address.
    #[must_use]
    pub fn account(&self, address: &Pubkey) -> Account {
        self.cluster.svm.get_account(address).expect("an account")
    }

    /// The header of an account.
    #[must_use]
    pub fn get<T: AnyBitPattern + Discriminator>(&self, address: &Pubkey) -> T {
        accounts::header(address, &self.account(address).data).unwrap()
    }

    /// A workload's cell with its slots.
    #[must_use]
    pub fn cell(&self, workload: Pubkey) -> (Cell, Vec<Slot>) {
        let address = pda::cell(&workload);
        accounts::cell(&address, &self.account(&address).data).unwrap()
    }

    /// An epoch.
    #[must_use]
    pub fn epoch(&self, index: u64) -> Epoch {
        self.get(&pda::epoch(&self.net.address, index))
    }

    /// I1, exactly: nothing in the vault is nobody's, and nothing is missing. `workloads` are all that there are.
    ///
    /// # Panics
    /// If the invariant does not hold.
    #[track_caller]
    pub fn assert_solvent(&self, workloads: &[Pubkey]) {
        let network: Network = self.get(&self.net.address);
        let epochs: Vec<_> = (0..network.next_epoch).map(|index| self.epoch(index)).collect();
        let cells: Vec<_> = workloads.iter().map(|workload| (self.cell(*workload).0, self.get(workload))).collect();
        let vault = self.cluster.tokens(&network.vault);
        let solvent = |units| audit::solvency(&network, &cells, &epochs, units).is_none();
        assert_eq!((solvent(vault), solvent(vault - 1)), (true, false), "I1");
    }

    /// Writes accounts no transaction could.
    pub fn forge(&mut self) -> Forge<'_> {
        Forge(&mut self.cluster)
    }

    /// Sends a transaction that may fail.
    ///
    /// # Errors
    /// The VM's, with its logs.
    #[expect(clippy::result_large_err, reason = "the VM's own error type")]
    pub fn attempt(&mut self, instructions: &[Instruction]) -> TransactionResult {
        let all = [instructions, &[compute_limit()]].concat();
        let result = self.cluster.try_send(&all);
        if let Ok(done) = &result {
            let inner = done.inner_instructions.iter().flatten();
            self.emitted.extend(inner.filter_map(|inner| Event::decode(&inner.instruction.data)));
        }
        result
    }

    /// Sends a transaction that must succeed.
    #[track_caller]
    pub fn send(&mut self, instructions: &[Instruction]) {
        if let Err(failed) = self.attempt(instructions) {
            panic!("{:?}\n{}", failed.err, failed.meta.logs.join("\n"));
        }
    }

    /// Sends a transaction that must succeed; returns the events it emitted, in order.
    #[track_caller]
    pub fn events(&mut self, instructions: &[Instruction]) -> Vec<Event> {
        let before = self.emitted.len();
        self.send(instructions);
        self.emitted[before..].to_vec()
    }

    /// Asserts that instruction `index` of the transaction is refused with exactly this error, and that every account of the
    /// program, of the token program and of the instructions is as it was.
    #[track_caller]
    pub fn refuses_at(&mut self, index: u8, instructions: &[Instruction], error: impl Into<Refusal>) {
        let error = error.into();
        let before = self.snapshot(instructions);
        let result = self.attempt(instructions);
        check::expect_program_error(&result, index, error.0.clone());
        assert_eq!(before, self.snapshot(instructions), "a refused transaction changed an account");
        check::remember(&instructions[usize::from(index)], &error);
    }

    /// Asserts that the one instruction is refused: see [`Self::refuses_at`].
    #[track_caller]
    pub fn refuses(&mut self, instruction: Instruction, error: impl Into<Refusal>) {
        self.refuses_at(0, &[instruction], error);
    }

    /// Every account that could matter, but for the fee payer.
    fn snapshot(&self, instructions: &[Instruction]) -> BTreeMap<Pubkey, Account> {
        let svm = &self.cluster.svm;
        let owners = [ID, pda::TOKEN_PROGRAM, pda::TOKEN_2022_PROGRAM];
        let mut accounts: BTreeMap<_, _> = owners.iter().flat_map(|owner| svm.get_program_accounts(owner)).collect();
        let named = instructions.iter().flat_map(|instruction| &instruction.accounts);
        for meta in named.filter(|meta| meta.pubkey != self.payer) {
            accounts.insert(meta.pubkey, svm.get_account(&meta.pubkey).unwrap_or_default());
        }
        accounts
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn found(cluster: &mut Embedded, id: u64, config: Config, attesters: u8) -> Net {
    let token = cluster.create_mint(keypair(b'm', id, 0), 6).unwrap();
    found_with(cluster, id, token, config, attesters)
}

/// A network that pays in a mint that is there, with a bonded committee.
///
/// # Panics
/// If the program refuses it.
#[must_use]
pub fn found_with(cluster: &mut Embedded, id: u64, token: Token, config: Config, attesters: u8) -> Net {
    // One authority for all networks, so that only the network tells their accounts apart.
    let authority = cluster.add_signer(keypair(b'a', 0, 0));
    let treasurer = cluster.mint_to(&token, &authority, 1 << 60).unwrap();
    let guardian = cluster.add_signer(keypair(b'g', 0, 0));
    let address = pda::network(id);
    let attesters: Vec<_> = (0..attesters).map(|number| attester(id, number)).collect();
    let members: Vec<_> = (0..).zip(&attesters).map(|(place, key)| member(place, key, 1)).collect();
    let create = ix::create_network(authority, id, &token, guardian, GENESIS, config);
    cluster.send("founding a network", &[create]).unwrap();
    for members in members.chunks(ix::MEMBERS_A_TRANSACTION) {
        let seat = ix::update_committee(authority, address, members.to_vec());
        cluster.send("seating a committee", &[seat]).unwrap();
    }
    for place in 0..attesters.len() as u8 {
        let bond = ix::add_attester_bond(authority, address, &token, treasurer, place, ATTESTER_BOND);
        cluster.send("bonding an attester", &[bond]).unwrap();
    }
    Net { id, address, token, authority, guardian, treasurer, attesters }
}
