//! Instructions of the authority and the guardian, and deposits.

use crate::fixture::{Fixture, PLACE, events, place, place2, system, token_program};
use coverage_client::{instructions as ix, pda};
use coverage_tests::{GENESIS, attester, config, member, requirements};
use solana_program::pubkey::Pubkey;

impl Fixture {
    /// Before the first epoch.
    pub fn governance(&mut self) {
        self.founding();
        self.authority();
        self.guardian();
        self.committee_cases();
        self.workloads();
    }

    fn founding(&mut self) {
        let (one, two) = (self.one, self.two);
        let (authority, new) = (self.world.net.authority, pda::network(10));
        let create = ix::create_network(authority, 9, &one.token, authority, GENESIS, config());
        let mut places = vec![
            place("authority", one.operators[1].wallet),
            place2("network", two.network, new),
            place2("committee", pda::committee(&two.network), pda::committee(&new)),
            place("mint", two.token.mint),
            place2("vault", two.vault(), pda::vault(&new)),
            token_program(),
            system(),
        ];
        places.extend(events());
        self.add("create_network", create, places);
    }

    fn authority(&mut self) {
        let (one, two) = (self.one, self.two);
        let [authority, other] = [self.world.net.authority, one.operators[1].wallet];
        let places = |fixture: &Self, name| [vec![place(name, other), fixture.network()], events().to_vec()].concat();
        let propose = |network| ix::propose_authority(authority, network, other);
        let named = places(self, "authority");
        self.add("propose_authority", propose(one.network), named);
        self.aside(|fixture| {
            fixture.world.send(&[propose(one.network), propose(two.network)]);
            let mut places = places(fixture, "pending");
            places[0] = place("pending", authority);
            fixture.add("accept_authority", ix::accept_authority(other, one.network), places);
        });
        let named = places(self, "authority");
        self.add("set_guardian", ix::set_guardian(authority, one.network, other), named);
        let named = places(self, "authority");
        self.add("propose_config", ix::propose_config(authority, one.network, config()), named);
    }

    fn guardian(&mut self) {
        let (one, two) = (self.one, self.two);
        let (authority, guardian) = (self.world.net.authority, self.world.net.guardian);
        let places = |fixture: &Self, name, sibling| {
            let signer = place2(name, one.operators[1].wallet, sibling);
            [vec![signer, fixture.network()], events().to_vec()].concat()
        };
        let pause = |network| ix::pause(guardian, network, 7, 60);
        let paused = places(self, "guardian", authority);
        self.add("pause", pause(one.network), paused);
        self.aside(|fixture| {
            fixture.world.send(&[pause(one.network), pause(two.network)]);
            let places = places(fixture, "signer", authority);
            fixture.add("unpause", ix::unpause(guardian, one.network), places);
        });
    }

    fn committee_cases(&mut self) {
        let (one, two) = (self.one, self.two);
        let [authority, other] = [self.world.net.authority, one.operators[1].wallet];
        let key = Pubkey::from(self.attester.verifying_key().to_bytes());
        let others = [(2, 0), (1, 0)].map(|(network, number)| attester(network, number));
        let [theirs, ours] = others.map(|key| Pubkey::from(key.verifying_key().to_bytes()));
        let update = ix::update_committee(authority, one.network, vec![member(PLACE, &self.attester, 2)]);
        let mut places = vec![place("authority", other), self.network(), self.committee()];
        places.extend(events());
        self.add("update_committee", update, places);

        let bond = ix::add_attester_bond(authority, one.network, &one.token, one.treasurer, PLACE, 5);
        let mut places = vec![place("funder", other), self.network(), self.committee()];
        places.extend(self.deposit(one.operators[0].source));
        places.extend(events());
        self.add("add_attester_bond", bond, places);

        let unbond = |network| ix::unbond_attester(key, network, PLACE, 500);
        let mut places = vec![place2("signer", other, authority), self.network(), self.committee()];
        places.extend(events());
        self.add("unbond_attester", unbond(one.network), places);

        self.aside(|fixture| {
            fixture.world.send(&[unbond(one.network), unbond(two.network)]);
            fixture.world.set_time(GENESIS + 50);
            let withdraw = ix::withdraw_attester_bond(fixture.opener, one.network, &one.token, key, PLACE);
            let mut places = vec![place("payer", fixture.other_opener), fixture.network(), fixture.committee()];
            places.push(place2("attester", theirs, ours));
            places.extend(fixture.payment("attester_account", &key, &ours));
            places.extend(events());
            fixture.add("withdraw_attester_bond", withdraw, places);
        });
    }

    fn workloads(&mut self) {
        let (one, two) = (self.one, self.two);
        let [authority, other] = [self.world.net.authority, one.operators[1].wallet];
        let [theirs, ours] = [two.workloads[0], one.workloads[0]];
        let register = ix::register_workload(authority, one.network, 9, 1, requirements());
        let mut places = vec![
            place("authority", other),
            self.network(),
            place2("workload", theirs, ours),
            place2("cell", pda::cell(&theirs), pda::cell(&ours)),
            place2("log", pda::log(&theirs), pda::log(&ours)),
            system(),
        ];
        places.extend(events());
        self.add("register_workload", register, places);

        let weigh = ix::set_workload_weight(authority, one.network, ours, 7);
        let mut places = vec![place("authority", other), self.network(), self.workload(0), self.cell(0)];
        places.extend(events());
        self.add("set_workload_weight", weigh, places);

        let fund = ix::fund_treasury(authority, one.network, &one.token, one.treasurer, 5);
        let mut places = vec![place("funder", other), self.network()];
        places.extend(self.deposit(one.operators[0].source));
        places.extend(events());
        self.add("fund_treasury", fund, places);

        let sponsor = ix::sponsor_workload(authority, one.network, ours, &one.token, one.treasurer, 5);
        let mut places = vec![place("sponsor", other), self.network(), self.workload(0), self.cell(0)];
        places.extend(self.deposit(one.operators[0].source));
        places.extend(events());
        self.add("sponsor_workload", sponsor, places);

        let close = ix::close_cell(authority, one.workloads[2]);
        let mut places = vec![self.workload(2), self.cell(2), self.log(2), place("payer", other)];
        places.extend(events());
        self.add("close_cell", close, places);
    }
}
