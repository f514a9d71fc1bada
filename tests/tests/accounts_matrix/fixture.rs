//! A valid transaction for each instruction, and what to put in place of each of its accounts.

use coverage_client::batch::Statement;
use coverage_client::{instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_tests::{CHALLENGE, EPOCH, GENESIS, GRACE, Operator, World, config, keypair, requirements};
use litesvm::LiteSVM;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Token-2022: the right shape of a program, and the wrong one.
const TOKEN_2022: Pubkey = Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
const CLOCK: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");

/// An account of an instruction, and its substitutes.
pub struct Place {
    pub name: &'static str,
    /// The same thing of a second network; another program or sysvar.
    pub foreign: Option<Pubkey>,
    /// The same thing of another workload, operator, epoch or payer of the same network.
    pub sibling: Option<Pubkey>,
}

/// A valid transaction, the state it is valid in, and the places of its last instruction.
pub struct Case {
    pub name: &'static str,
    pub state: LiteSVM,
    pub before: Option<Instruction>,
    pub instruction: Instruction,
    pub places: Vec<Place>,
}

/// What one network has.
#[derive(Clone, Copy)]
struct Half {
    network: Pubkey,
    mint: Pubkey,
    workloads: [Pubkey; 2],
    operators: [Operator; 2],
    treasurer: Pubkey,
}

impl Half {
    fn committee(&self) -> Pubkey {
        pda::committee(&self.network)
    }

    fn vault(&self) -> Pubkey {
        pda::vault(&self.network)
    }

    /// A token account that the network owns as it owns its vault.
    fn false_vault(&self) -> Pubkey {
        pda::token_account(&self.network, &self.mint)
    }

    fn epoch(&self, index: u64) -> Pubkey {
        pda::epoch(&self.network, index)
    }
}

const BATCH: [Entry; 1] = [Entry { slot: 0, reserved: 0, counts: [1, 1, 0, 0, 0, 0, 0] }];

/// Two workloads with an operator each.
fn half(world: &mut World) -> Half {
    world.fund(1_000_000);
    let workloads = [world.workload(0, 1), world.workload(1, 1)];
    let operators = [1, 2].map(|number| world.operator(number, 1_000));
    for (operator, workload) in operators.iter().zip(workloads) {
        world.enroll(operator, workload);
    }
    let net = world.net.clone();
    world.cluster.mint_to(&net.mint, &net.address, 1_000_000).unwrap();
    Half { network: net.address, mint: net.mint, workloads, operators, treasurer: net.treasurer }
}

fn place(name: &'static str, foreign: Pubkey) -> Place {
    Place { name, foreign: Some(foreign), sibling: None }
}

fn place2(name: &'static str, foreign: Pubkey, sibling: Pubkey) -> Place {
    Place { name, foreign: Some(foreign), sibling: Some(sibling) }
}

fn system() -> Place {
    place("system_program", pda::TOKEN_PROGRAM)
}

fn token() -> Place {
    place("token_program", TOKEN_2022)
}

/// Everything there is in both networks, and who pays for attestations.
struct Fixture {
    world: World,
    one: Half,
    two: Half,
    opener: Pubkey,
    other_opener: Pubkey,
    cases: Vec<Case>,
}

/// What else to put in a place.
pub struct Others {
    /// A wallet that has nothing to do with any case.
    pub stranger: Pubkey,
    /// An account of the program, but of another kind: the committee of the second network.
    pub kind: Pubkey,
}

/// All cases, the world to run them in, and what fits no place in any of them.
pub fn cases() -> (World, Vec<Case>, Others) {
    let mut world = World::new();
    let stranger = world.cluster.add_signer(keypair(b'z', 0, 0));
    let mut second = world.another(2);
    let one = half(&mut world);
    std::mem::swap(&mut world.net, &mut second);
    let two = half(&mut world);
    std::mem::swap(&mut world.net, &mut second);
    let opener = world.cluster.add_signer(keypair(b'p', 0, 0));
    let other_opener = world.cluster.add_signer(keypair(b'p', 0, 1));
    let mut fixture = Fixture { world, one, two, opener, other_opener, cases: Vec::new() };
    fixture.governance();
    fixture.operators();
    fixture.world.open_epoch();
    fixture.attestations();
    fixture.settlement();
    (fixture.world, fixture.cases, Others { stranger, kind: two.committee() })
}

impl Fixture {
    fn add_after(
        &mut self,
        name: &'static str,
        before: Option<Instruction>,
        instruction: Instruction,
        places: Vec<Place>,
    ) {
        assert_eq!(instruction.accounts.len(), places.len(), "{name}");
        let state = self.world.cluster.svm.clone();
        self.cases.push(Case { name, state, before, instruction, places });
    }

    fn add(&mut self, name: &'static str, instruction: Instruction, places: Vec<Place>) {
        self.add_after(name, None, instruction, places);
    }

    fn governance(&mut self) {
        let (one, two) = (self.one, self.two);
        let (authority, stranger) = (self.world.net.authority, one.operators[1].wallet);
        let new = pda::network(10);
        let create = ix::create_network(authority, 9, one.mint, authority, GENESIS, config());
        let places = vec![
            place("authority", stranger),
            place2("network", two.network, new),
            place2("committee", two.committee(), pda::committee(&new)),
            place("mint", two.mint),
            place2("vault", two.vault(), pda::vault(&new)),
            token(),
            system(),
        ];
        self.add("create_network", create, places);

        let update = ix::update_committee(authority, one.network, 0, 4, vec![]);
        let places =
            vec![place("authority", stranger), place("network", two.network), place("committee", two.committee())];
        self.add("update_committee", update, places);

        let register = ix::register_workload(authority, one.network, 9, 1, requirements());
        let [theirs, ours] = [two.workloads[0], one.workloads[0]];
        let places = vec![
            place("authority", stranger),
            place("network", two.network),
            place2("workload", theirs, ours),
            place2("cell", pda::cell(&theirs), pda::cell(&ours)),
            place2("log", pda::log(&theirs), pda::log(&ours)),
            system(),
        ];
        self.add("register_workload", register, places);

        let fund = ix::fund_treasury(authority, one.network, one.mint, one.treasurer, 5);
        let places = vec![
            place("funder", stranger),
            place("network", two.network),
            place("mint", two.mint),
            place2("source", two.treasurer, one.operators[0].source),
            place2("vault", two.vault(), one.false_vault()),
            token(),
        ];
        self.add("fund_treasury", fund, places);
    }

    fn operators(&mut self) {
        let (one, two) = (self.one, self.two);
        let [first, second] = one.operators;
        let theirs = two.operators[0];
        let new = self.world.wallet(9);
        let register = self.world.registration(&new, 1_000);
        let places = vec![
            place("wallet", second.wallet),
            place("network", two.network),
            place2("operator", theirs.account, first.account),
            place("mint", two.mint),
            place2("source", two.treasurer, first.source),
            place2("vault", two.vault(), one.false_vault()),
            token(),
            system(),
        ];
        self.add("register_operator", register, places);

        let [commit, _] = self.world.enrolment(&first, one.workloads[1]);
        let operator = || place2("operator", theirs.account, second.account);
        let places = vec![place("wallet", second.wallet), place("network", two.network), operator()];
        self.add("commit_capabilities", commit.clone(), places);

        let [_, enroll] = self.world.enrolment(&first, one.workloads[1]);
        let (foreign, sibling) = (two.workloads[1], one.workloads[0]);
        let places = vec![
            place("wallet", second.wallet),
            place("network", two.network),
            place2("workload", foreign, sibling),
            operator(),
            place2("cell", pda::cell(&foreign), pda::cell(&sibling)),
            system(),
        ];
        self.world.send(&[commit]);
        self.add("enroll", enroll, places);

        self.world.set_time(GENESIS);
        self.world.send(&[ix::open_epoch(self.opener, two.network, 0)]);
        let open = ix::open_epoch(self.opener, one.network, 0);
        let places = vec![
            place("payer", second.wallet),
            place("network", two.network),
            place("committee", two.committee()),
            place2("epoch", two.epoch(0), one.epoch(1)),
            system(),
        ];
        self.add("open_epoch", open, places);
    }

    /// Uploads a statement at `opener`'s expense and has it endorsed.
    fn endorse(&mut self, statement: &Statement, opener: Pubkey) -> Pubkey {
        for instruction in statement.upload(opener) {
            self.world.send(&[instruction]);
        }
        for pair in statement.endorse(opener, &self.world.net.attesters.clone()) {
            self.world.send(&pair);
        }
        statement.address(&opener)
    }

    /// An endorsed batch and an endorsed failure domain of the second network, by the same opener.
    fn theirs(&mut self) -> [Pubkey; 2] {
        let net = self.world.net.clone();
        self.world.net.address = self.two.network;
        self.world.net.attesters = (0..5).map(|number| coverage_tests::attester(2, number)).collect();
        let batch = self.world.statement(self.two.workloads[0], &BATCH);
        let domain = Statement::failure_domain(self.two.network, self.two.operators[0].account, 7, 0, 1);
        let addresses = [batch, domain].map(|statement| self.endorse(&statement, self.opener));
        self.world.net = net;
        addresses
    }

    fn attestations(&mut self) {
        let (one, two, opener) = (self.one, self.two, self.opener);
        let [workload, sibling] = one.workloads;
        let [their_batch, their_domain] = self.theirs();
        let batch = self.world.statement(workload, &BATCH);
        let other = self.world.statement(sibling, &BATCH);
        let other_batch = self.endorse(&other, self.other_opener);
        let committee = || place("committee", two.committee());
        let network = || place("network", two.network);
        let other_opener = self.other_opener;
        let payer = || place("payer", other_opener);

        let places = vec![payer(), network(), committee(), place2("attestation", their_batch, other_batch), system()];
        let [open] = batch.upload(opener).try_into().unwrap();
        self.add("open_attestation", open.clone(), places);

        // Opened without its entry, which the next instruction brings.
        let empty = ix::open_attestation(opener, one.network, batch.digest, batch.args, Vec::new());
        let chunk = bytemuck::bytes_of(&BATCH[0]).to_vec();
        let extend = ix::extend_attestation(opener, batch.address(&opener), chunk);
        let places = vec![payer(), place2("attestation", their_batch, other_batch), system()];
        let unopened = self.world.cluster.svm.clone();
        self.world.send(&[empty]);
        self.add("extend_attestation", extend, places);
        self.world.cluster.svm = unopened;

        self.world.send(&[open]);
        let [[ed25519, endorse]] = batch.endorse(opener, &self.world.net.attesters.clone()).try_into().unwrap();
        let places = vec![place2("attestation", their_batch, other_batch), committee(), place("instructions", CLOCK)];
        self.add_after("endorse", Some(ed25519.clone()), endorse.clone(), places);

        self.world.send(&[ed25519, endorse]);
        let ended = GENESIS + EPOCH;
        self.world.set_time(ended);
        self.world.open_epoch();
        let places = vec![
            committee(),
            place2("epoch", two.epoch(0), one.epoch(1)),
            place2("cell", pda::cell(&two.workloads[0]), pda::cell(&sibling)),
            place2("log", pda::log(&two.workloads[0]), pda::log(&sibling)),
            place2("attestation", their_batch, other_batch),
            payer(),
        ];
        let apply = batch.apply(opener);
        self.add("apply_batch", apply.clone(), places);

        let [first, second] = one.operators.map(|operator| operator.account);
        let domains = [first, second].map(|operator| Statement::failure_domain(one.network, operator, 7, 0, 1));
        let [_, other_domain] = domains.each_ref().map(|statement| self.endorse(statement, opener));
        let places = vec![
            network(),
            committee(),
            place2("operator", two.operators[0].account, second),
            place2("attestation", their_domain, other_domain),
            payer(),
        ];
        self.add("apply_failure_domain", domains[0].apply(opener), places);
        self.world.send(&[apply]);
    }

    fn settlement(&mut self) {
        let (one, two) = (self.one, self.two);
        let [workload, sibling] = one.workloads;
        let theirs = two.workloads[0];
        let places = || {
            vec![
                place2("epoch", two.epoch(0), one.epoch(1)),
                place2("workload", theirs, sibling),
                place2("cell", pda::cell(&theirs), pda::cell(&sibling)),
            ]
        };
        self.world.wait_until(GENESIS + EPOCH + GRACE);
        let seal = ix::seal_cell(one.network, workload, 0);
        self.add("seal_cell", seal.clone(), places());
        let others = [ix::seal_cell(one.network, sibling, 0), ix::seal_cell(two.network, theirs, 0)];
        self.world.send(&[&[seal], others.as_slice()].concat());
        self.world.wait_until(GENESIS + EPOCH + GRACE + CHALLENGE);
        let settle = ix::settle_cell(one.network, workload, 0, ix::SETTLE_STEPS);
        self.add("settle_cell", settle.clone(), places());
        self.world.send(&[settle]);

        let [first, second] = one.operators;
        let claim =
            ix::claim_rewards(self.opener, one.network, one.mint, first.account, first.payout, &[(workload, 0)]);
        let account = |wallet: &Pubkey, mint: &Pubkey| pda::token_account(wallet, mint);
        let places = vec![
            place("payer", self.other_opener),
            place("network", two.network),
            place2("operator", two.operators[0].account, second.account),
            place("payout", second.payout),
            place2("payout_account", account(&first.payout, &two.mint), account(&second.payout, &one.mint)),
            place("mint", two.mint),
            place2("vault", two.vault(), one.false_vault()),
            token(),
            place("associated_token_program", pda::TOKEN_PROGRAM),
            system(),
            place2("cell", pda::cell(&theirs), pda::cell(&sibling)),
        ];
        self.add("claim_rewards", claim, places);
    }
}
