//! Two networks alike, and a third that is another's; what there is to put in place of an account.

use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_settlement::events::EVENT_AUTHORITY_SEED;
use coverage_settlement::state::Cell;
use coverage_tests::{ATTESTER_BOND, GENESIS, Net, Operator, World, attester, config, keypair, member};
use ed25519_dalek::SigningKey;
use litesvm::LiteSVM;
use solana_keypair::Keypair;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// A program that owns copies of accounts.
pub const ELSEWHERE: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// An account of an instruction, and its substitutes.
#[derive(Clone, Copy)]
pub struct Place {
    pub name: &'static str,
    /// The same thing of a second network; another program or sysvar.
    pub foreign: Option<Pubkey>,
    /// The same thing of another workload, operator, epoch, payer or authority.
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

/// What else to put in a place.
pub struct Others {
    /// A wallet that has nothing to do with any case.
    pub stranger: Pubkey,
    /// An account of the program, but of another kind: the committee of the second network.
    pub kind: Pubkey,
    /// In place of committees: a cell of the second network that is no shorter.
    pub cell: Pubkey,
}

/// What one network has.
#[derive(Clone, Copy)]
pub struct Half {
    pub network: Pubkey,
    pub token: pda::Token,
    /// Two with a slot each, two that are retired and empty.
    pub workloads: [Pubkey; 4],
    /// One in each of the first two workloads, and one in none.
    pub operators: [Operator; 3],
    pub treasurer: Pubkey,
}

impl Half {
    /// A token account that the network owns as it owns its vault.
    pub fn false_vault(&self) -> Pubkey {
        pda::token_account(&self.network, &self.token)
    }

    pub fn vault(&self) -> Pubkey {
        pda::vault(&self.network)
    }
}

pub fn place(name: &'static str, foreign: Pubkey) -> Place {
    Place { name, foreign: Some(foreign), sibling: None }
}

pub fn place2(name: &'static str, foreign: Pubkey, sibling: Pubkey) -> Place {
    Place { name, foreign: Some(foreign), sibling: Some(sibling) }
}

pub fn system() -> Place {
    place("system_program", pda::TOKEN_PROGRAM)
}

pub fn token_program() -> Place {
    place("token_program", pda::TOKEN_2022_PROGRAM)
}

/// What every instruction that emits events ends with. The sibling is another address that the program could sign for.
pub fn events() -> [Place; 2] {
    let (foreign, _) = Pubkey::find_program_address(&[EVENT_AUTHORITY_SEED], &ELSEWHERE);
    [place2("event_authority", foreign, pda::network(3)), place2("program", pda::TOKEN_PROGRAM, pda::network(3))]
}

/// Everything there is in the networks, who pays, and the cases so far.
pub struct Fixture {
    pub world: World,
    /// The second network, while the first is in hand.
    pub second: Net,
    /// A network of another authority, without anything in it.
    pub third: Pubkey,
    pub one: Half,
    pub two: Half,
    /// In the committees of both networks, in this place.
    pub attester: SigningKey,
    pub opener: Pubkey,
    pub other_opener: Pubkey,
    pub cases: Vec<Case>,
}

/// The place of [`Fixture::attester`].
pub const PLACE: u8 = 5;

impl Fixture {
    pub fn new() -> (Self, Others) {
        let mut world = World::new();
        let stranger = world.cluster.add_signer(keypair(b'z', 0, 0));
        let mut second = world.another(2);
        let attester = attester(9, 0);
        let one = half(&mut world, &attester);
        std::mem::swap(&mut world.net, &mut second);
        let two = half(&mut world, &attester);
        std::mem::swap(&mut world.net, &mut second);
        let opener = world.cluster.add_signer(keypair(b'p', 0, 0));
        let other_opener = world.cluster.add_signer(keypair(b'p', 0, 1));
        let third = pda::network(3);
        world.send(&[ix::create_network(opener, 3, &one.token, opener, GENESIS, config())]);
        let cases = Vec::new();
        let cell = pda::cell(&two.workloads[3]);
        world.forge().slots(&cell, &[Slot::free([0; 32]); 30], |_| {});
        let others = Others { stranger, kind: pda::committee(&two.network), cell };
        (Self { world, second, third, one, two, attester, opener, other_opener, cases }, others)
    }

    pub fn add_after(
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

    pub fn add(&mut self, name: &'static str, instruction: Instruction, places: Vec<Place>) {
        self.add_after(name, None, instruction, places);
    }

    /// Does something, and undoes what it did to the accounts and the clock.
    pub fn aside(&mut self, act: impl FnOnce(&mut Self)) {
        let state = self.world.cluster.svm.clone();
        act(self);
        self.world.cluster.svm = state;
    }

    /// Acts with the second network in hand.
    pub fn in_second<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        std::mem::swap(&mut self.world.net, &mut self.second);
        let done = act(self);
        std::mem::swap(&mut self.world.net, &mut self.second);
        done
    }

    /// Edits the cells of the first two workloads of both networks.
    pub fn forge_cells(&mut self, edit: impl Fn(&mut Cell, &mut Vec<Slot>)) {
        for workload in [self.one, self.two].iter().flat_map(|half| half.workloads[..2].to_vec()) {
            let (mut cell, mut slots) = self.world.cell(workload);
            edit(&mut cell, &mut slots);
            self.world.forge().slots(&pda::cell(&workload), &slots, |header| {
                *header = Cell { slots: header.slots, free: header.free, ..cell };
            });
        }
    }

    pub fn network(&self) -> Place {
        place2("network", self.two.network, self.third)
    }

    pub fn committee(&self) -> Place {
        place2("committee", pda::committee(&self.two.network), pda::committee(&self.third))
    }

    pub fn epoch(&self) -> Place {
        place2("epoch", pda::epoch(&self.two.network, 0), pda::epoch(&self.one.network, 1))
    }

    /// Of workload `number` and its twin: 0 and 1, 2 and 3.
    pub fn workload(&self, number: usize) -> Place {
        place2("workload", self.two.workloads[number], self.one.workloads[number ^ 1])
    }

    pub fn cell(&self, number: usize) -> Place {
        place2("cell", pda::cell(&self.two.workloads[number]), pda::cell(&self.one.workloads[number ^ 1]))
    }

    pub fn log(&self, number: usize) -> Place {
        place2("log", pda::log(&self.two.workloads[number]), pda::log(&self.one.workloads[number ^ 1]))
    }

    pub fn operator(&self, number: usize) -> Place {
        let sibling = self.one.operators[usize::from(number == 0)].account;
        place2("operator", self.two.operators[number].account, sibling)
    }

    fn mint(&self) -> Place {
        place("mint", self.two.token.mint)
    }

    fn vault(&self) -> Place {
        place2("vault", self.two.vault(), self.one.false_vault())
    }

    /// What a deposit takes; `sibling` is somebody else's token account.
    pub fn deposit(&self, sibling: Pubkey) -> [Place; 4] {
        [self.mint(), place2("source", self.two.treasurer, sibling), self.vault(), token_program()]
    }

    /// What a payment to `owner` takes; `other` is somebody else.
    pub fn payment(&self, name: &'static str, owner: &Pubkey, other: &Pubkey) -> [Place; 6] {
        let [foreign, sibling] =
            [pda::token_account(owner, &self.two.token), pda::token_account(other, &self.one.token)];
        [
            place2(name, foreign, sibling),
            self.mint(),
            self.vault(),
            token_program(),
            place("associated_token_program", pda::TOKEN_PROGRAM),
            system(),
        ]
    }
}

fn half(world: &mut World, attester: &SigningKey) -> Half {
    let net = world.net.clone();
    world.cluster.add_signer(Keypair::new_from_array(attester.to_bytes()));
    let seat = ix::update_committee(net.authority, net.address, vec![member(PLACE, attester, 1)]);
    let bond = ix::add_attester_bond(net.authority, net.address, &net.token, net.treasurer, PLACE, ATTESTER_BOND);
    world.send(&[seat, bond]);
    world.fund(1_000_000);
    let workloads = [0, 1, 2, 3].map(|id| world.workload(id, 1));
    for workload in &workloads[2..] {
        world.send(&[ix::set_workload_weight(net.authority, net.address, *workload, 0)]);
    }
    let operators = [1, 2, 3].map(|number| world.operator(number, 2_000));
    for (operator, workload) in operators.iter().zip(&workloads[..2]) {
        world.enroll(operator, *workload);
    }
    world.cluster.mint_to(&net.token, &net.address, 1_000_000).unwrap();
    // Everybody in a case has token accounts, so that only what is checked tells them apart.
    for wallet in [b'p', b'z'].map(|kind| keypair(kind, 0, 0)) {
        let wallet = world.cluster.add_signer(wallet);
        world.cluster.mint_to(&net.token, &wallet, 1_000).unwrap();
    }
    Half { network: net.address, token: net.token, workloads, operators, treasurer: net.treasurer }
}
