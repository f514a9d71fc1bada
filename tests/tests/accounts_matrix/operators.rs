//! Instructions of operators, and what anyone does to their slots.

use crate::fixture::{Fixture, events, place, place2, system};
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::{LEFT, Slot};
use coverage_tests::GENESIS;
use solana_program::instruction::AccountMeta;

impl Fixture {
    /// Before the first epoch.
    pub fn operators(&mut self) {
        self.bonds();
        self.aside(Self::leaving);
        self.aside(Self::enrolling);
        self.slots();
    }

    fn bonds(&mut self) {
        let (one, two) = (self.one, self.two);
        let [first, second, _] = one.operators;
        let new = self.world.wallet(9);
        let register = self.world.registration(&new, 1_000);
        let operator = place2("operator", two.operators[0].account, first.account);
        let mut places = vec![place("wallet", second.wallet), self.network(), operator];
        places.extend(self.deposit(first.source));
        places.push(system());
        places.extend(events());
        self.add("register_operator", register, places);

        let add = ix::add_bond(first.wallet, one.network, &one.token, first.source, 5);
        let mut places = vec![place("wallet", second.wallet), self.network(), self.operator(0)];
        places.extend(self.deposit(second.source));
        places.extend(events());
        self.add("add_bond", add, places);

        let mut places = vec![place("wallet", second.wallet), self.network(), self.operator(0)];
        places.extend(events());
        self.add("unbond", ix::unbond(first.wallet, one.network, 500), places);

        self.aside(|fixture| {
            // What is on its way out reaches the slots of both networks.
            let unbond = [one.network, two.network].map(|network| ix::unbond(first.wallet, network, 500));
            fixture.world.send(&unbond);
            let sync = ix::sync_slot(one.network, first.account, one.workloads[0], 0);
            let mut places = vec![fixture.network(), fixture.operator(0), fixture.cell(0)];
            places.extend(events());
            fixture.add("sync_slot", sync, places);
        });
    }

    fn leaving(&mut self) {
        let (one, two) = (self.one, self.two);
        let [_, second, third] = one.operators;
        self.world.send(&[one.network, two.network].map(|network| ix::unbond(third.wallet, network, 2_000)));
        self.world.set_time(GENESIS + 50);
        let withdraw = |network, token| ix::withdraw_bond(self.opener, network, token, third.wallet);
        let [ours, theirs] = [withdraw(one.network, &one.token), withdraw(two.network, &two.token)];
        let mut places = vec![place("payer", self.other_opener), self.network(), self.operator(2)];
        places.push(place("wallet", second.wallet));
        places.extend(self.payment("wallet_account", &third.wallet, &second.wallet));
        places.extend(events());
        self.add("withdraw_bond", ours.clone(), places);

        self.world.send(&[ours, theirs]);
        let mut places = vec![place("wallet", second.wallet), self.operator(2)];
        places.extend(events());
        self.add("retire_operator", ix::retire_operator(third.wallet, one.network), places);
    }

    fn enrolling(&mut self) {
        let one = self.one;
        let [first, second, _] = one.operators;
        let payer = self.other_opener;
        self.forge_cells(|_, slots| slots.push(Slot::free(payer.to_bytes())));
        let [commit, enroll] = self.world.enrolment(&first, one.workloads[1]);
        let mut places = vec![place("wallet", second.wallet), self.network(), self.operator(0)];
        places.extend(events());
        self.add("commit_capabilities", commit.clone(), places);

        self.world.send(&[commit]);
        let mut places = vec![place("wallet", second.wallet), self.network(), self.workload(1), self.operator(0)];
        places.extend([self.cell(1), system()]);
        places.extend(events());
        places.push(place("refund", self.opener));
        assert_eq!(enroll.accounts.last(), Some(&AccountMeta::new(payer, false)));
        self.add("enroll", enroll, places);

        let mut places = vec![self.cell(0)];
        places.extend(events());
        places.push(place("payer", self.opener));
        // The twin of the other workload ends with a slot in use.
        let (_, slots) = self.world.cell(one.workloads[1]);
        self.world.forge().slots(&pda::cell(&one.workloads[1]), &slots[..1], |_| {});
        self.add("trim_cell", ix::trim_cell(one.workloads[0], &[payer]), places);
    }

    fn slots(&mut self) {
        let one = self.one;
        let [first, second, _] = one.operators;
        let workload = one.workloads[0];
        let leave = ix::leave_cell(first.wallet, one.network, workload, 0);
        let mut places = vec![place("wallet", second.wallet), self.network(), self.operator(0), self.cell(0)];
        places.extend(events());
        self.add("leave_cell", leave, places);

        self.aside(|fixture| {
            fixture.forge_cells(|cell, slots| {
                cell.epoch = 1;
                slots[0].state = LEFT;
            });
            let mut places = vec![fixture.workload(0), fixture.operator(0), fixture.cell(0)];
            places.extend(events());
            fixture.add("release_slot", ix::release_slot(first.account, workload, 0), places);
        });
        self.aside(|fixture| {
            fixture.forge_cells(|_, slots| slots[0].owed_slash_bps = 1_000);
            let slash = ix::slash_operator(one.network, first.account, workload, 0);
            let mut places = vec![fixture.network(), fixture.operator(0), fixture.cell(0)];
            places.extend(events());
            fixture.add("slash_operator", slash, places);
        });
        self.aside(|fixture| {
            fixture.forge_cells(|cell, _| cell.returned = 5);
            let mut places = vec![fixture.network(), fixture.workload(0), fixture.cell(0)];
            places.extend(events());
            fixture.add("sweep_cell", ix::sweep_cell(one.network, workload), places);
        });
    }
}
