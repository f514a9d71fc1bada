//! Epochs, what the committee signs, disputes, settling and claims.

use crate::fixture::{Fixture, events, place, place2, system};
use coverage_client::batch::Statement;
use coverage_client::evidence::{Evidence, Published};
use coverage_client::instructions as ix;
use coverage_client::instructions::Challenge;
use coverage_math::attestation::Entry;
use coverage_settlement::state::Operator;
use coverage_tests::{CHALLENGE, EPOCH, GENESIS, GRACE, entry};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

const CLOCK: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");
const BATCH: [Entry; 1] = [Entry { slot: 0, reserved: 0, counts: [1, 1, 0, 0, 0, 0, 0] }];

/// Leaves that are no receipts.
fn leaves() -> Vec<Vec<u8>> {
    vec![vec![1], vec![2]]
}

impl Fixture {
    /// From the opening of the first epoch to the last claim.
    pub fn settlement(&mut self) {
        self.opening();
        self.attestations();
        self.domains();
        self.disputes();
        self.settling();
        self.closing();
    }

    fn open(&self, network: Pubkey, index: u64) -> Instruction {
        ix::open_epoch(self.opener, network, index)
    }

    fn opening(&mut self) {
        let (one, two) = (self.one, self.two);
        self.world.set_time(GENESIS);
        self.world.send(&[self.open(two.network, 0)]);
        let open = self.open(one.network, 0);
        let mut places =
            vec![place("payer", self.other_opener), self.network(), self.committee(), self.epoch(), system()];
        places.extend(events());
        self.add("open_epoch", open.clone(), places);
        self.world.send(&[open]);
    }

    /// The next batch of a workload of the network in hand: false, but signed.
    fn batch(&self, workload: Pubkey) -> Statement {
        let leaves = leaves();
        let root = Published::new(&self.world.net.address, 0, &leaves).root().unwrap();
        Statement::counts(self.world.batch_of(workload), root, &BATCH)
    }

    /// The next failure domain of an operator of the network in hand.
    fn domain(&self, operator: Pubkey) -> Statement {
        let version = self.world.get::<Operator>(&operator).domain_version;
        Statement::failure_domain(self.world.net.address, operator, 7, version, self.world.generation())
    }

    /// Uploads a statement at `opener`'s expense.
    fn upload(&mut self, statement: &Statement, opener: Pubkey) -> Pubkey {
        for instruction in statement.upload(opener) {
            self.world.send(&[instruction]);
        }
        statement.address(&opener)
    }

    /// Uploads a statement at `opener`'s expense and has it endorsed.
    fn endorse(&mut self, statement: &Statement, opener: Pubkey) -> Pubkey {
        let address = self.upload(statement, opener);
        for pair in statement.endorse(opener, &self.world.net.attesters) {
            self.world.send(&pair);
        }
        address
    }

    fn attestations(&mut self) {
        let (one, two, opener, other) = (self.one, self.two, self.opener, self.other_opener);
        let [workload, twin, ..] = one.workloads;
        let batch = self.batch(workload);
        let statement = self.batch(twin);
        let sibling = self.endorse(&statement, other);
        let foreign = self.in_second(|fixture| {
            let statement = fixture.batch(two.workloads[0]);
            fixture.endorse(&statement, opener)
        });
        let (payer, attestation) = (|| place("payer", other), || place2("attestation", foreign, sibling));
        let [open] = batch.upload(opener).try_into().unwrap();
        let places = vec![payer(), self.network(), self.committee(), attestation(), system()];
        self.add("open_attestation", Instruction::clone(&open), places);

        self.aside(|fixture| {
            // Opened without its entry, which the next instruction brings.
            let empty = ix::open_attestation(opener, one.network, batch.digest, batch.args, Vec::new());
            fixture.world.send(&[empty]);
            let chunk = bytemuck::bytes_of(&BATCH[0]).to_vec();
            let extend = ix::extend_attestation(opener, batch.address(&opener), chunk);
            fixture.add("extend_attestation", extend, vec![payer(), attestation(), system()]);
        });

        self.world.send(&[open]);
        let close = ix::close_attestation(opener, batch.address(&opener));
        self.add("close_attestation", close, vec![payer(), attestation()]);
        let [[ed25519, endorse]] = batch.endorse(opener, &self.world.net.attesters).try_into().unwrap();
        let places = vec![attestation(), self.committee(), place("instructions", CLOCK)];
        self.add_after("endorse", Some(Instruction::clone(&ed25519)), Instruction::clone(&endorse), places);

        self.world.send(&[ed25519, endorse]);
        self.world.set_time(GENESIS + EPOCH);
        self.world.send(&[self.open(one.network, 1)]);
        let mut places =
            vec![self.network(), self.committee(), self.epoch(), self.workload(0), self.cell(0), self.log(0)];
        places.extend([attestation(), payer()]);
        places.extend(events());
        self.add("apply_batch", batch.apply(opener), places);
        let theirs = ix::apply_batch(two.network, two.workloads[0], 0, foreign, opener);
        self.world.send(&[batch.apply(opener), statement.apply(other), theirs]);
    }

    fn domains(&mut self) {
        let (one, two, opener) = (self.one, self.two, self.opener);
        let statements = [0, 1].map(|number: usize| self.domain(one.operators[number].account));
        let [_, sibling] = statements.each_ref().map(|statement| self.endorse(statement, opener));
        let foreign = self.in_second(|fixture| {
            let statement = fixture.domain(two.operators[0].account);
            fixture.endorse(&statement, opener)
        });
        let attestation = place2("attestation", foreign, sibling);
        let mut places = vec![self.network(), self.committee(), self.operator(0), attestation];
        places.push(place("payer", self.other_opener));
        places.extend(events());
        self.add("apply_failure_domain", statements[0].apply(opener), places);
    }

    fn disputes(&mut self) {
        let (one, two, opener, other) = (self.one, self.two, self.opener, self.other_opener);
        let upload = |fixture: &mut Self, workload, bytes: &[u8]| {
            let statement = Statement::upload_only(fixture.world.batch_of(workload), bytes.to_vec());
            fixture.upload(&statement, opener)
        };
        let leaves = leaves();
        let evidence = |network: Pubkey| {
            let opening = Published::new(&network, 0, &leaves).open(0).unwrap();
            Evidence::Misplaced(opening).encode()
        };
        let entries = bytemuck::bytes_of(&BATCH[0]);
        let more = [entries, bytemuck::bytes_of(&entry(1, [1; 7]))].concat();
        let ours = [entries, &evidence(one.network)].map(|bytes| upload(self, one.workloads[0], bytes));
        let false_ones = [&more, &evidence(two.network)].map(|bytes| upload(self, one.workloads[0], bytes));
        // In the second network, but the same bytes: these are what counts.
        let theirs = self.in_second(|fixture| {
            [entries, &evidence(one.network)].map(|bytes| upload(fixture, two.workloads[0], bytes))
        });
        let challenge =
            Challenge { workload: one.workloads[0], epoch: 0, sequence: 0, entries: ours[0], evidence: ours[1] };
        let mut places = vec![place("challenger", other), self.network(), self.committee(), self.epoch()];
        places.extend([self.cell(0), self.log(0)]);
        places.extend([0, 1].map(|at| place2(["entries", "evidence"][at], theirs[at], false_ones[at])));
        places.extend(self.payment("challenger_account", &opener, &other));
        places.extend(events());
        let challenge = ix::challenge_batch(opener, one.network, &one.token, &challenge);
        self.add("challenge_batch", challenge, places);
    }

    fn settling(&mut self) {
        let (one, two) = (self.one, self.two);
        let all = [(one.network, one.workloads[0]), (one.network, one.workloads[1]), (two.network, two.workloads[0])];
        let places = |fixture: &Self| {
            let all = [fixture.network(), fixture.epoch(), fixture.workload(0), fixture.cell(0)];
            all.into_iter().chain(events()).collect()
        };
        self.world.set_time(GENESIS + EPOCH + GRACE);
        let seal = all.map(|(network, workload)| ix::seal_cell(network, workload, 0));
        let seal_places = places(self);
        self.add("seal_cell", seal[0].clone(), seal_places);
        self.world.send(&seal);
        self.world.set_time(GENESIS + EPOCH + GRACE + CHALLENGE);
        let settle = all.map(|(network, workload)| ix::settle_cell(network, workload, 0, 100_000));
        let settle_places = places(self);
        self.add("settle_cell", settle[0].clone(), settle_places);
        self.world.send(&settle);
    }

    fn closing(&mut self) {
        let (one, opener) = (self.one, self.opener);
        let [first, second, _] = one.operators;
        let [workload, twin, ..] = one.workloads;
        let claim = ix::claim_rewards(opener, one.network, &one.token, first.account, first.payout, &[(workload, 0)]);
        let mut places = vec![place("payer", self.other_opener), self.network(), self.operator(0)];
        places.push(place("payout", second.payout));
        places.extend(self.payment("payout_account", &first.payout, &second.payout));
        places.extend(events());
        places.push(self.cell(0));
        self.add("claim_rewards", claim, places);

        self.world.send(&[ix::close_epoch(opener, one.network, 0, &[twin])]);
        let close = ix::close_epoch(opener, one.network, 0, &[workload]);
        let mut places = vec![self.epoch(), place("payer", self.other_opener)];
        places.extend(events());
        places.push(self.cell(0));
        self.add("close_epoch", close, places);
    }
}
