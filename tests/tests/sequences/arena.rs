//! A random network, and every transaction sent to it: what it may be refused with, and what it must leave true.

use crate::hostile::Trick;
use crate::model::Model;
use crate::rng::Rng;
use crate::state::{Row, State};
use crate::table;
use coverage_client::chain::Chain;
use coverage_client::embedded::{Embedded, compute_limit};
use coverage_client::instructions as ix;
use coverage_client::pda::{self, Token};
use coverage_client::token::create_mint;
use coverage_math::cell::Slot;
use coverage_settlement::state::{Cell, Config};
use coverage_tests::check::name;
use coverage_tests::{GENESIS, Net, Operator, World, attester, config, found_with, keypair, requirements};
use solana_keypair::Keypair;
use solana_program::instruction::{Instruction, InstructionError};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction_error::TransactionError;
use std::collections::BTreeMap;

/// The network's id.
pub const ID: u64 = 2;
/// Wallets that may become operators.
pub const WALLETS: u8 = 8;
/// Attester keys that may take places.
pub const KEYS: u8 = 12;
/// Successful transactions kept for replays.
const HISTORY: usize = 64;

/// Something that must not be. Two of one kind are taken for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: String,
    pub what: String,
}

impl Failure {
    pub fn new(kind: impl Into<String>, what: impl Into<String>) -> Self {
        Self { kind: kind.into(), what: what.into() }
    }
}

/// What a transaction came to, if that may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Done,
    Refused(InstructionError),
}

/// Successes and refusals by instruction; refusals also by error.
#[derive(Clone, Default)]
pub struct Stats {
    pub sequences: usize,
    pub actions: usize,
    pub done: BTreeMap<&'static str, u64>,
    pub refused: BTreeMap<&'static str, u64>,
    pub errors: BTreeMap<(&'static str, String), u64>,
}

impl Stats {
    pub fn add(&mut self, other: &Self) {
        self.sequences += other.sequences;
        self.actions += other.actions;
        for (name, count) in &other.done {
            *self.done.entry(name).or_default() += count;
        }
        for (name, count) in &other.refused {
            *self.refused.entry(name).or_default() += count;
        }
        for (key, count) in &other.errors {
            *self.errors.entry(key.clone()).or_default() += count;
        }
    }
}

/// Defects planted into the checks, to see that they are found.
#[derive(Clone, Copy, Default)]
pub struct Planted {
    /// An error of an instruction that the table is made to forget.
    pub forgotten: Option<(&'static str, &'static str)>,
    /// Has the vault counted a unit short once somebody sponsored a workload.
    pub short: bool,
}

/// Cell and slots of a workload, until they are closed.
pub type CellOf = Option<(Cell, Vec<Slot>)>;

/// A world with everybody who acts in it.
pub struct Arena {
    pub world: World,
    /// A network of the same shape, which nothing may touch.
    pub twin: Net,
    pub operators: Vec<Operator>,
    /// Wallets that open epochs and attestations, challenge and crank.
    pub others: Vec<Pubkey>,
    /// Who has no right to anything.
    pub stranger: Pubkey,
    /// Who may be made the authority.
    pub heir: Pubkey,
    pub now: i64,
    pub state: State,
    pub start: State,
    pub model: Model,
    pub stats: Stats,
    pub history: Vec<Vec<Instruction>>,
    /// Done to one of the next transactions: how many from now, and what.
    pub trick: Option<(u8, Trick)>,
    /// Whether the next transactions were sent before.
    pub again: bool,
    pub planted: Planted,
}

/// A configuration that a network can live with.
pub fn random_config(rng: &mut Rng, epoch_seconds: u64) -> Config {
    Config {
        epoch_seconds,
        grace_seconds: rng.range(0, 30),
        challenge_seconds: rng.range(1, 40),
        delay_seconds: rng.range(0, 2 * epoch_seconds),
        emission: rng.range(0, 10_000_000),
        min_operator_bond: rng.range(1, 10_000),
        min_attester_bond: rng.range(1, 20_000),
        z_milli: rng.pick(&[0, 0, 500, 1_645]),
        breach_bps: rng.pick(&[0, 200, 2_000, 10_000]),
        slash_bps: rng.pick(&[0, 1, 500, 3_333, 10_000]),
        challenger_bps: rng.range(0, 5_000) as u16,
        quorum_bps: rng.range(5_000, 8_000) as u16,
        carry_cap_epochs: rng.range(0, 4) as u16,
        rule: rng.below(3) as u8,
        reserved: 0,
    }
}

fn mint(cluster: &mut Embedded, program: Pubkey) -> Token {
    let key = keypair(b'm', ID, 0);
    let token = Token { mint: key.pubkey(), program };
    cluster.sign_with(key);
    let (payer, rent) = (cluster.payer(), cluster.svm.minimum_balance_for_rent_exemption(82));
    cluster.send("creating a mint", &create_mint(&payer, &token, rent, 6).unwrap()).unwrap();
    token
}

impl Arena {
    /// The network of a seed, at its genesis, with its workloads and a funded treasury.
    pub fn new(seed: u64, planted: Planted) -> Self {
        let mut rng = Rng::new(seed);
        let mut world = World::with(config(), 3);
        populate_twin(&mut world);
        let (payer, cluster) = (world.payer, &mut world.cluster);
        let token = mint(cluster, rng.pick(&[pda::TOKEN_PROGRAM, pda::TOKEN_2022_PROGRAM]));
        let seconds = rng.range(40, 200);
        let attesters = rng.range(2, 7) as u8;
        let net = found_with(cluster, ID, token, random_config(&mut rng, seconds), attesters);
        let others: Vec<_> = (0..4).map(|number| cluster.add_signer(keypair(b'u', 0, number))).collect();
        cluster.mint_to(&net.token, &others[0], 1_000_000).unwrap();
        let stranger = cluster.add_signer(keypair(b'h', 0, 0));
        let heir = cluster.add_signer(keypair(b'a', 0, 1));
        for number in 0..KEYS {
            cluster.add_signer(Keypair::new_from_array(attester(ID, number).to_bytes()));
        }
        let twin = std::mem::replace(&mut world.net, net);
        let operators: Vec<_> = (1..=WALLETS).map(|number| world.wallet(number)).collect();
        let mut arena = Self {
            world,
            twin,
            operators,
            others,
            stranger,
            heir,
            now: GENESIS,
            state: State::default(),
            start: State::default(),
            model: Model::default(),
            stats: Stats::default(),
            history: Vec::new(),
            trick: None,
            again: false,
            planted,
        };
        arena.state = arena.everything();
        let mut workloads = rng.range(1, 5);
        let (authority, network) = (arena.world.net.authority, arena.world.net.address);
        while workloads > 0 {
            workloads -= 1;
            let weight = rng.range(1, 100);
            arena.world.send(&[ix::register_workload(authority, network, workloads, weight, requirements())]);
        }
        arena.world.fund(1 << rng.below(40));
        arena.world.set_time(GENESIS);
        arena.world.send(&[ix::open_epoch(payer, arena.twin.address, 0)]);
        arena.state = arena.everything();
        arena.start = arena.everything();
        arena.model.watch(&arena.state, &arena.twin);
        arena
    }

    /// Every account of the VM that is not a program or a sysvar.
    pub fn everything(&self) -> State {
        let svm = &self.world.cluster.svm;
        let owners = [coverage_settlement::ID, pda::TOKEN_PROGRAM, pda::TOKEN_2022_PROGRAM, pda::SYSTEM_PROGRAM];
        State(owners.iter().flat_map(|owner| svm.get_program_accounts(owner)).collect())
    }

    pub fn set_time(&mut self, now: i64) {
        self.now = now;
        self.world.set_time(now);
    }

    /// One of the workloads.
    pub fn workload(&self, number: u8) -> Option<(Pubkey, CellOf)> {
        self.workload_where(number, |_| true)
    }

    /// One of the workloads; mostly one of those that something may come of.
    pub fn workload_where(&self, number: u8, promising: impl Fn(&Row) -> bool) -> Option<(Pubkey, CellOf)> {
        let mut rows = self.state.rows(&self.world.net);
        if number >= 32 && rows.iter().any(&promising) {
            rows.retain(promising);
        }
        let at = usize::from(number) % rows.len().max(1);
        (at < rows.len()).then(|| rows.swap_remove(at)).map(|row| (row.address, row.cell))
    }

    pub fn operator(&self, number: u8) -> Operator {
        self.operators[usize::from(number) % self.operators.len()]
    }

    pub fn other(&self, number: u8) -> Pubkey {
        self.others[usize::from(number) % self.others.len()]
    }

    /// Sends a transaction, with the trick that is due, and checks everything.
    pub fn submit(&mut self, instructions: &[Instruction]) -> Result<Sent, Failure> {
        let mut all = instructions.to_vec();
        let trick = self.due().filter(|trick| trick.apply(self, &mut all));
        let foul = trick.is_some() || self.again;
        let result = self.world.cluster.try_send(&[all.as_slice(), &[compute_limit()]].concat());
        match result {
            Ok(done) => {
                if let Some(what) = trick.as_ref().and_then(|trick| trick.must_fail(&all)) {
                    return Err(Failure::new(format!("I9 {what}"), format!("{trick:?} succeeded: {all:?}")));
                }
                if trick.is_some() {
                    let signers =
                        all.iter().flat_map(|instruction| &instruction.accounts).filter(|meta| meta.is_signer);
                    self.model.tainted.extend(signers.map(|meta| meta.pubkey));
                }
                for instruction in &all {
                    *self.stats.done.entry(name(instruction).unwrap_or("other programs")).or_default() += 1;
                }
                if !foul {
                    self.history.truncate(HISTORY - 1);
                    self.history.insert(0, all.clone());
                }
                self.accept(&all, &done)?;
                Ok(Sent::Done)
            }
            Err(failed) => {
                self.unchanged(&all)?;
                let TransactionError::InstructionError(index, error) = failed.err else {
                    let known = foul && table::MALFORMED.contains(&failed.err);
                    let failure = || Failure::new(format!("{:?}", failed.err), format!("of {all:?}"));
                    return if known { Ok(Sent::Refused(InstructionError::GenericError)) } else { Err(failure()) };
                };
                let name = all.get(usize::from(index)).and_then(name).unwrap_or("other programs");
                *self.stats.refused.entry(name).or_default() += 1;
                *self.stats.errors.entry((name, table::in_words(&error))).or_default() += 1;
                // Flipped bits may be a length that the heap has no room for.
                let heap = error == InstructionError::ProgramFailedToComplete;
                let heap = heap && matches!(trick, Some(Trick::Bits { .. }));
                if !heap && !table::allows(name, &error, foul, &self.planted) {
                    let kind = format!("{name} refused with {}", table::in_words(&error));
                    return Err(Failure::new(kind, failed.meta.logs.join("\n")));
                }
                Ok(Sent::Refused(error))
            }
        }
    }

    /// The trick for this transaction.
    fn due(&mut self) -> Option<Trick> {
        match self.trick.take()? {
            (0, trick) => Some(trick),
            (left, trick) => {
                self.trick = Some((left - 1, trick));
                None
            }
        }
    }

    /// Asserts that a failed transaction changed none of its accounts but the fee payer's.
    fn unchanged(&self, instructions: &[Instruction]) -> Result<(), Failure> {
        for meta in instructions.iter().flat_map(|instruction| &instruction.accounts) {
            let now = self.world.cluster.svm.get_account(&meta.pubkey).filter(|account| account.lamports > 0);
            let known = self.state.0.get(&meta.pubkey);
            let ours = known.is_some() || now.as_ref().is_some_and(|now| now.owner == coverage_settlement::ID);
            if meta.pubkey != self.world.payer && ours && now.as_ref() != known {
                return Err(Failure::new("a failed transaction changed an account", meta.pubkey.to_string()));
            }
        }
        Ok(())
    }

    /// Takes over what a transaction changed.
    pub fn refresh(&mut self, instructions: &[Instruction]) {
        let metas = instructions.iter().flat_map(|instruction| &instruction.accounts);
        for meta in metas.chain([&solana_program::instruction::AccountMeta::new(self.world.payer, true)]) {
            match self.world.cluster.svm.get_account(&meta.pubkey).filter(|account| account.lamports > 0) {
                Some(account) if !account.executable => self.state.0.insert(meta.pubkey, account),
                Some(_) => None,
                None => self.state.0.remove(&meta.pubkey),
            };
        }
    }
}

/// Gives the twin an account of every kind; [`GENESIS`] is still to come.
fn populate_twin(world: &mut World) {
    let workload = world.workload(0, 1);
    world.fund(1_000_000);
    for number in 1..=2 {
        let operator = world.operator(number, 5_000);
        let [commit, enroll] = world.enrolment(&operator, workload);
        world.send(&[commit]);
        world.send(&[enroll]);
    }
    // Its authority is nobody who acts here.
    let (network, authority) = (world.net.address, world.net.authority);
    let owner = world.cluster.add_signer(keypair(b'a', 0, 2));
    world.send(&[ix::set_guardian(authority, network, owner)]);
    world.send(&[ix::propose_authority(authority, network, owner)]);
    world.send(&[ix::accept_authority(owner, network)]);
    let statement = world.statement(workload, &[coverage_tests::entry(0, [1; 7])]);
    world.upload(&statement);
}
