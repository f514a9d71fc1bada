//! The end of a network: everything is settled, paid, released and closed, and every token is accounted for.

use crate::arena::{Arena, Failure, Sent};
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::FREE;
use coverage_settlement::state::{Attestation, Member};
use coverage_settlement::state::{BatchLog, Cell, Epoch, Operator, Phase, WORKLOAD_ACTIVE, Workload};
use coverage_tests::check::name;
use coverage_tests::{CoverageError, Refusal};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Rounds in which a network must have come to its end.
const ROUNDS: usize = 5_000;

impl Arena {
    /// Drives the network to its end and checks what is left.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.trick = None;
        let network = self.world.net.address;
        self.must(ix::unpause(self.authority(), network))?;
        for _ in 0..ROUNDS {
            self.open_epochs()?;
            if self.retire_workloads()? {
                self.pay_out()?;
                self.close_cells()?;
                self.return_bonds()?;
                return self.check_end();
            }
            let next = self.moments().first().copied();
            self.set_time(next.ok_or_else(|| Failure::new("the end: nothing to wait for", ""))?);
        }
        Err(Failure::new("the end: too many rounds", ""))
    }

    /// Sends an instruction that nothing must be in the way of.
    fn must(&mut self, instruction: Instruction) -> Result<(), Failure> {
        match self.submit(std::slice::from_ref(&instruction))? {
            Sent::Done => Ok(()),
            Sent::Refused(error) => {
                let kind = format!("the end: {} refused", name(&instruction).unwrap_or_default());
                Err(Failure::new(kind, crate::table::in_words(&error)))
            }
        }
    }

    fn open_epochs(&mut self) -> Result<(), Failure> {
        let net = self.world.net.address;
        loop {
            let network = self.state.network(&self.world.net);
            let start = network.next_epoch as i64 * network.config.epoch_seconds as i64 + network.genesis_ts;
            if self.now < start {
                return Ok(());
            }
            self.must(ix::open_epoch(self.others[0], net, network.next_epoch))?;
        }
    }

    /// Retires what still has weight and moves every cell one step on; true when none has an epoch left.
    fn retire_workloads(&mut self) -> Result<bool, Failure> {
        let (net, epochs) = (self.world.net.address, self.state.epochs(&self.world.net));
        let mut over = true;
        for row in self.state.rows(&self.world.net) {
            if row.workload.status == WORKLOAD_ACTIVE {
                let retire = ix::set_workload_weight(self.authority(), net, row.address, 0);
                let pending = Refusal::from(CoverageError::WeightPending).0;
                if !matches!(self.submit(&[retire])?, Sent::Refused(error) if error == pending) {
                    over = false;
                }
            }
            let Some((cell, _)) = row.cell else {
                continue;
            };
            let workload: Workload = self.state.get(&row.address).unwrap();
            if workload.is_over(cell.epoch) {
                continue;
            }
            over = false;
            let Some(epoch) = epochs.iter().find(|epoch| epoch.index == cell.epoch) else {
                continue;
            };
            let (grace, window) = (epoch.config.grace_seconds as i64, epoch.config.challenge_seconds as i64);
            if cell.phase == Phase::Collecting as u8 && self.now >= epoch.end_ts + grace {
                self.must(ix::seal_cell(net, row.address, cell.epoch))?;
            } else if cell.phase != Phase::Collecting as u8 && self.now >= cell.sealed_ts + window {
                self.must(ix::settle_cell(net, row.address, cell.epoch, ix::SETTLE_STEPS))?;
            }
        }
        Ok(over)
    }

    /// Slashes what was not slashed, pays what was earned, frees every slot and sweeps every cell.
    fn pay_out(&mut self) -> Result<(), Failure> {
        let net = self.world.net.address;
        for row in self.state.rows(&self.world.net) {
            let Some((_, slots)) = &row.cell else {
                continue;
            };
            for (number, slot) in (0..).zip(slots).filter(|(_, slot)| slot.state != FREE) {
                if slot.owed_slash_bps > 0 {
                    self.must(ix::slash_operator(net, slot.operator.into(), row.address, number))?;
                }
                let claim = self.claim(slot.operator.into());
                self.must(claim.ok_or_else(|| Failure::new("the end: a slot without an operator", ""))?)?;
                self.must(ix::release_slot(slot.operator.into(), row.address, number))?;
            }
            let (_, slots) = self.state.cell(&row.address).unwrap();
            for slot in slots.iter().rev() {
                self.must(ix::trim_cell(row.address, &[slot.operator.into()]))?;
            }
            self.must(ix::sweep_cell(net, row.address))?;
        }
        Ok(())
    }

    /// Closes every epoch, then every cell, and every attestation.
    fn close_cells(&mut self) -> Result<(), Failure> {
        let net = self.world.net.address;
        for epoch in self.state.epochs(&self.world.net) {
            let rows = self.state.rows(&self.world.net);
            let cells = rows.iter().filter_map(|row| Some((row.address, row.cell.as_ref()?.0)));
            let done = cells.filter(|(_, cell)| cell.reported_epoch == epoch.index && cell.epoch > epoch.index);
            let done: Vec<Pubkey> = done.map(|(address, _)| address).collect();
            self.must(ix::close_epoch(epoch.payer, net, epoch.index, &done))?;
        }
        for row in self.state.rows(&self.world.net).iter().filter(|row| row.cell.is_some()) {
            self.must(ix::close_cell(row.workload.payer, row.address))?;
        }
        for (address, attestation) in self.state.attestations(&self.world.net) {
            self.must(ix::close_attestation(attestation.payer, address))?;
        }
        Ok(())
    }

    /// Gives every bond back, and closes every operator.
    fn return_bonds(&mut self) -> Result<(), Failure> {
        let (net, token, payer) = (self.world.net.address, self.world.net.token, self.others[3]);
        let operators = self.state.operators(&self.world.net);
        for (_, operator) in operators.iter().filter(|(_, operator)| operator.bond.active() > 0) {
            self.must(ix::unbond(operator.wallet, net, operator.bond.active()))?;
        }
        let places: Vec<_> = (0..).zip(self.state.committee(&self.world.net).places().to_vec()).collect();
        for (place, attester) in places.iter().filter(|(_, attester)| attester.weight > 0) {
            let member = Member { place: *place, key: attester.key, weight: 0 };
            self.must(ix::update_committee(self.authority(), net, vec![member]))?;
        }
        for (place, attester) in places.iter().filter(|(_, attester)| attester.bond.active() > 0) {
            self.must(ix::unbond_attester(self.authority(), net, *place, attester.bond.active()))?;
        }
        let bonds = self.state.operators(&self.world.net).into_iter().map(|(_, operator)| operator.bond);
        let bonds: Vec<_> =
            bonds.chain(self.state.committee(&self.world.net).places().iter().map(|at| at.bond)).collect();
        let last = bonds.iter().map(|bond| bond.withdrawable_ts).max().unwrap_or(0);
        self.set_time(self.now.max(last));
        for (_, operator) in &operators {
            if operator.bond.units > 0 {
                self.must(ix::withdraw_bond(payer, net, &token, operator.wallet))?;
            }
            self.must(ix::retire_operator(operator.wallet, net))?;
        }
        for (place, attester) in places.iter().filter(|(_, attester)| attester.bond.units > 0) {
            self.must(ix::withdraw_attester_bond(payer, net, &token, attester.key, *place))?;
        }
        Ok(())
    }

    /// What is left: the treasury in the vault, and rent nowhere but in what outlives a network's workloads.
    fn check_end(&self) -> Result<(), Failure> {
        let (net, all) = (&self.world.net, self.everything());
        let mine = |address: &Pubkey| self.state.0.get(address) == all.0.get(address);
        let strayed = all.0.keys().chain(self.state.0.keys()).find(|address| !mine(address));
        let fail = |kind: &str, what: String| Err(Failure::new(format!("the end: {kind}"), what));
        if let Some(address) = strayed.filter(|address| **address != self.world.payer) {
            return fail("an account changed that no transaction named", address.to_string());
        }
        let network = all.network(net);
        let vault = all.tokens(&pda::vault(&net.address));
        if vault != network.treasury_available + self.model.donated {
            return fail("tokens not accounted for", format!("{vault} {}", network.treasury_available));
        }
        if (network.operator_bonds, network.attester_bonds, network.total_weight, network.workloads) != (0, 0, 0, 0) {
            return fail("bonds or weights left", String::new());
        }
        let twin = |network: Pubkey| network == self.twin.address;
        let left = all.all::<Cell>().into_iter().map(|(address, cell)| (address, cell.network));
        let left = left.chain(all.all::<Epoch>().into_iter().map(|(address, epoch)| (address, epoch.network)));
        let left = left.chain(all.all::<Operator>().into_iter().map(|(address, operator)| (address, operator.network)));
        let mut left = left.chain(all.all::<Attestation>().into_iter().map(|(address, open)| (address, open.network)));
        if let Some((address, _)) = left.find(|(_, network)| !twin(*network)) {
            return fail("an account left open", address.to_string());
        }
        if all.all::<BatchLog>().len() != 1 {
            return fail("a log left open", String::new());
        }
        for (address, account) in all.0.iter().filter(|(_, account)| account.owner == coverage_settlement::ID) {
            let rent = self.world.cluster.svm.minimum_balance_for_rent_exemption(account.data.len());
            // What somebody sent there besides stays, or goes to whoever gets the rent.
            if account.lamports < rent || (account.lamports > rent && !self.model.gifts) {
                return fail("rent kept", format!("{address}: {} for {rent}", account.lamports));
            }
        }
        self.check_wallets()
    }

    /// Operators have every lamport of rent back.
    fn check_wallets(&self) -> Result<(), Failure> {
        let lamports =
            |state: &crate::state::State, wallet: &Pubkey| state.0.get(wallet).map_or(0, |account| account.lamports);
        let own = self.operators.iter().map(|operator| operator.wallet);
        for wallet in own.filter(|wallet| !self.model.tainted.contains(wallet)) {
            let (before, after) = (lamports(&self.start, &wallet), lamports(&self.state, &wallet));
            if after < before || (after > before && !self.model.gifts) {
                return Err(Failure::new("the end: an operator's rent", format!("{wallet}: {before} {after}")));
            }
        }
        Ok(())
    }
}
