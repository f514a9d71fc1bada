//! Actions become transactions, against the state there is.

use crate::action::Action;
use crate::arena::{Arena, Failure, ID, KEYS, random_config};
use crate::rng::Rng;
use crate::state::Row;
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::{Operator as OperatorAccount, Phase, Workload};
use coverage_tests::{Operator, attester, member, requirements};
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;

impl Arena {
    /// Does one action.
    pub fn play(&mut self, action: &Action) -> Result<(), Failure> {
        match action {
            Action::Wait { seconds } => self.set_time(self.now + i64::from(*seconds)),
            Action::Await { moment, early } => self.await_moment(*moment, *early),
            Action::Donate { units } => return self.donate(u64::from(*units)),
            Action::Gift { to, number } => return self.give(*to, *number),
            Action::Enroll { operator, workload, commit } => return self.enroll(*operator, *workload, *commit),
            Action::Batch { .. } | Action::Domain { .. } | Action::Endorse { .. } | Action::Challenge { .. } => {
                return self.attest(action);
            }
            Action::Replay { back } => {
                let at = usize::from(*back) % self.history.len().max(1);
                if let Some(again) = self.history.get(at).cloned() {
                    self.again = true;
                    let result = self.submit(&again);
                    self.again = false;
                    result?;
                }
            }
            Action::Hostile { action, transaction, trick } => {
                self.trick = Some((*transaction, trick.clone()));
                let result = self.play(action);
                self.trick = None;
                return result;
            }
            _ => {
                let transaction = self.governing(action).or_else(|| self.bonding(action));
                let transaction = transaction.or_else(|| self.serving(action)).or_else(|| self.settling(action));
                if let Some(instruction) = transaction {
                    self.submit(&[instruction])?;
                }
            }
        }
        Ok(())
    }

    pub fn authority(&self) -> Pubkey {
        self.state.network(&self.world.net).authority
    }

    /// The guardian, if it is one of ours: flipped bits may have made it nobody.
    fn guardian(&self) -> Pubkey {
        let guardian = self.state.network(&self.world.net).guardian;
        if self.others.contains(&guardian) { guardian } else { self.world.net.guardian }
    }

    fn governing(&self, action: &Action) -> Option<Instruction> {
        let (net, authority) = (&self.world.net, self.authority());
        let heir = |heir: bool| if heir { self.heir } else { net.authority };
        Some(match *action {
            Action::CreateNetwork { id, seed } => {
                let mut rng = Rng::new(seed);
                let mut config = random_config(&mut rng, 60);
                config.quorum_bps += if rng.percent(30) { 5_000 } else { 0 };
                let genesis = self.now + rng.range(0, 9) as i64 - 1;
                ix::create_network(self.heir, 100 + u64::from(id % 4), &net.token, net.guardian, genesis, config)
            }
            Action::ProposeAuthority { heir: to } => ix::propose_authority(authority, net.address, heir(to)),
            Action::AcceptAuthority { heir: to } => ix::accept_authority(heir(to), net.address),
            Action::SetGuardian { guardian } => {
                let guardian = if guardian < 128 { net.guardian } else { self.other(guardian) };
                ix::set_guardian(authority, net.address, guardian)
            }
            Action::ProposeConfig { seed } => {
                let mut rng = Rng::new(seed);
                let seconds = self.state.network(net).config.epoch_seconds;
                let seconds = seconds + u64::from(rng.percent(10));
                ix::propose_config(authority, net.address, random_config(&mut rng, seconds))
            }
            Action::Pause { phases, seconds } => {
                ix::pause(self.guardian(), net.address, phases % 9, u32::from(seconds / 4))
            }
            Action::Unpause => ix::unpause(self.guardian(), net.address),
            Action::Seat { place, key, weight } => {
                let key = attester(ID, key % KEYS);
                ix::update_committee(authority, net.address, vec![member(place % KEYS, &key, u64::from(weight))])
            }
            Action::RegisterWorkload { id, weight } => {
                ix::register_workload(authority, net.address, u64::from(id % 9), u64::from(weight), requirements())
            }
            Action::SetWeight { workload, weight } => {
                ix::set_workload_weight(authority, net.address, self.workload(workload)?.0, u64::from(weight))
            }
            Action::OpenEpoch { opener } => {
                ix::open_epoch(self.other(opener % 3), net.address, self.state.network(net).next_epoch)
            }
            Action::CloseEpoch { epoch, cells } => return self.close_epoch(epoch, cells),
            _ => return None,
        })
    }

    fn bonding(&self, action: &Action) -> Option<Instruction> {
        let (net, payer) = (&self.world.net, self.others[3]);
        let (address, token) = (net.address, &net.token);
        Some(match *action {
            Action::Fund { units } => ix::fund_treasury(net.authority, address, token, net.treasurer, units.into()),
            Action::Sponsor { workload, units } => {
                let (sponsor, workload) = (self.others[0], self.workload(workload)?.0);
                let source = pda::token_account(&sponsor, token);
                ix::sponsor_workload(sponsor, address, workload, token, source, units.into())
            }
            Action::AddAttesterBond { place, units } => {
                let place = self.place(place);
                ix::add_attester_bond(net.authority, address, token, net.treasurer, place, units.into())
            }
            Action::UnbondAttester { place, units, authority } => {
                let place = self.place(place);
                let key = self.key_of(place).filter(|_| !authority).unwrap_or_else(|| self.authority());
                ix::unbond_attester(key, address, place, units.into())
            }
            Action::WithdrawAttesterBond { place } => {
                let place = self.place(place);
                let key = self.state.committee(net).attesters[usize::from(place)].key;
                ix::withdraw_attester_bond(payer, address, token, key, place)
            }
            Action::Register { operator, units } => {
                let operator = self.operator(operator);
                let Operator { wallet, source, payout, .. } = operator;
                ix::register_operator(wallet, address, token, source, payout, units.into())
            }
            Action::AddBond { operator, units } => {
                let Operator { wallet, source, .. } = self.operator(operator);
                ix::add_bond(wallet, address, token, source, units.into())
            }
            Action::Unbond { operator, units } => ix::unbond(self.operator(operator).wallet, address, units.into()),
            Action::WithdrawBond { operator } => {
                ix::withdraw_bond(payer, address, token, self.operator(operator).wallet)
            }
            Action::Retire { operator } => ix::retire_operator(self.operator(operator).wallet, address),
            _ => return None,
        })
    }

    fn serving(&self, action: &Action) -> Option<Instruction> {
        let net = self.world.net.address;
        Some(match *action {
            Action::Slash { workload, slot } => {
                let (workload, slot, operator) = self.slot(workload, slot)?;
                ix::slash_operator(net, operator, workload, slot)
            }
            Action::Sync { workload, slot } => {
                let (workload, slot, operator) = self.slot(workload, slot)?;
                ix::sync_slot(net, operator, workload, slot)
            }
            Action::Leave { workload, slot } => {
                let (workload, slot, operator) = self.slot(workload, slot)?;
                let wallet = self.state.get::<OperatorAccount>(&operator)?.wallet;
                ix::leave_cell(wallet, net, workload, slot)
            }
            Action::Release { workload, slot } => {
                let (workload, slot, operator) = self.slot(workload, slot)?;
                ix::release_slot(operator, workload, slot)
            }
            Action::Trim { workload, slots } => {
                let (workload, cell) = self.workload(workload)?;
                let (_, all) = cell?;
                let payers = all.iter().rev().take(slots.into()).map(|slot| Pubkey::from(slot.operator));
                ix::trim_cell(workload, &payers.collect::<Vec<_>>())
            }
            Action::Claim { operator } => self.claim(self.earner(operator))?,
            _ => return None,
        })
    }

    fn settling(&self, action: &Action) -> Option<Instruction> {
        let net = self.world.net.address;
        Some(match *action {
            Action::Seal { workload } => {
                let (workload, cell) = self.workload_where(workload, |row| row.is_in(Phase::Collecting))?;
                ix::seal_cell(net, workload, cell?.0.epoch)
            }
            Action::Settle { workload, units } => {
                let (workload, cell) = self.workload_where(workload, |row| !row.is_in(Phase::Collecting))?;
                ix::settle_cell(net, workload, cell?.0.epoch, u32::from(units) * 1_000)
            }
            Action::Sweep { workload } => ix::sweep_cell(net, self.workload(workload)?.0),
            Action::CloseCell { workload } => {
                let workload = self.workload(workload)?.0;
                ix::close_cell(self.state.get::<Workload>(&workload)?.payer, workload)
            }
            Action::Apply { attestation } => {
                let (address, attestation) = self.attestation(attestation)?;
                let (subject, payer) = (attestation.subject, attestation.payer);
                if attestation.kind == coverage_settlement::state::KIND_OUTCOMES {
                    ix::apply_batch(net, subject, attestation.epoch, address, payer)
                } else {
                    ix::apply_failure_domain(net, subject, address, payer)
                }
            }
            Action::CloseAttestation { attestation } => {
                let (address, attestation) = self.attestation(attestation)?;
                ix::close_attestation(attestation.payer, address)
            }
            _ => return None,
        })
    }

    /// One of the places ever used.
    fn place(&self, place: u8) -> u8 {
        place % self.state.committee(&self.world.net).count.max(1)
    }

    /// The key of a place, if it is one of ours.
    fn key_of(&self, place: u8) -> Option<Pubkey> {
        let key = self.state.committee(&self.world.net).attesters[usize::from(place)].key;
        (0..KEYS).map(|number| Pubkey::from(attester(ID, number).verifying_key().to_bytes())).find(|own| *own == key)
    }

    /// One of the slots of a workload, with its operator (anybody's, if it is free).
    fn slot(&self, workload: u8, slot: u8) -> Option<(Pubkey, u16, Pubkey)> {
        let (workload, cell) = self.workload(workload)?;
        let (_, slots) = cell?;
        let at = usize::from(slot) % slots.len().max(1);
        let operator = slots.get(at).map(|slot| Pubkey::from(slot.operator));
        let operator = operator.filter(|address| self.state.get::<OperatorAccount>(address).is_some());
        Some((workload, at as u16, operator.unwrap_or(self.operator(slot).account)))
    }

    /// Tells of an epoch: by the cells that are done with it, or by all.
    fn close_epoch(&self, epoch: u8, cells: u8) -> Option<Instruction> {
        let epochs = self.state.epochs(&self.world.net);
        let at = if epoch.is_multiple_of(4) { usize::from(epoch / 4) % epochs.len().max(1) } else { 0 };
        let epoch = epochs.get(at)?;
        let rows = self.state.rows(&self.world.net);
        let done = |row: &&Row| {
            let cell = row.cell.as_ref().map(|(cell, _)| cell);
            cell.is_some_and(|cell| cells == 0 || (cell.reported_epoch == epoch.index && cell.epoch > epoch.index))
        };
        let done: Vec<_> = rows.iter().filter(done).map(|row| row.address).collect();
        Some(ix::close_epoch(epoch.payer, self.world.net.address, epoch.index, &done))
    }

    /// An operator, mostly one that has earned something.
    fn earner(&self, number: u8) -> Pubkey {
        let cells = self.state.rows(&self.world.net).into_iter().filter_map(|row| row.cell);
        let earned = cells.flat_map(|(_, slots)| slots).filter(|slot| slot.earned > 0);
        let earners: Vec<_> = earned.map(|slot| Pubkey::from(slot.operator)).collect();
        let earner = earners.get(usize::from(number) % earners.len().max(1)).filter(|_| number >= 32);
        earner.copied().unwrap_or(self.operator(number).account)
    }

    /// Claims all that an operator has.
    pub fn claim(&self, operator: Pubkey) -> Option<Instruction> {
        let payout = self.state.get::<OperatorAccount>(&operator)?.payout;
        let rows = self.state.rows(&self.world.net);
        let of = |row: &Row| {
            let (_, slots) = row.cell.as_ref()?;
            let at = slots.iter().position(|slot| slot.operator == operator.to_bytes())?;
            Some((row.address, at as u16))
        };
        let slots: Vec<_> = rows.iter().filter_map(of).collect();
        let net = &self.world.net;
        Some(ix::claim_rewards(self.others[3], net.address, &net.token, operator, payout, &slots))
    }

    fn enroll(&mut self, operator: u8, workload: u8, commit: bool) -> Result<(), Failure> {
        let operator = self.operator(operator);
        let Some((workload, Some(_))) = self.workload(workload) else {
            return Ok(());
        };
        let [first, second] = self.world.enrolment(&operator, workload);
        if commit {
            self.submit(&[first])?;
        }
        self.submit(&[second])?;
        Ok(())
    }

    fn donate(&mut self, units: u64) -> Result<(), Failure> {
        let (token, vault) = (self.world.net.token, pda::vault(&self.world.net.address));
        let donor = self.others[0];
        let mut data = vec![3]; // a transfer of both token programs
        data.extend(units.to_le_bytes());
        let source = pda::token_account(&donor, &token);
        let metas = vec![
            AccountMeta::new(source, false),
            AccountMeta::new(vault, false),
            AccountMeta::new_readonly(donor, true),
        ];
        let transfer = Instruction { program_id: token.program, accounts: metas, data };
        if self.state.tokens(&source) >= units {
            self.submit(&[transfer])?;
        }
        Ok(())
    }

    /// Sends lamports to an account, most of which are still to be made.
    fn give(&mut self, to: u8, number: u8) -> Result<(), Failure> {
        let net = self.world.net.address;
        let (workload, made) = (pda::workload(&net, u64::from(number % 9)), pda::network(100 + u64::from(number % 4)));
        let to = match to % 8 {
            0 => pda::epoch(&net, self.state.network(&self.world.net).next_epoch),
            1 => self.operator(number).account,
            2 => workload,
            3 => pda::cell(&workload),
            4 => pda::log(&workload),
            5 => made,
            6 => pda::committee(&made),
            _ => pda::vault(&made),
        };
        let mut data = vec![2, 0, 0, 0]; // a transfer of the system program
        data.extend(1_000_000u64.to_le_bytes());
        let metas = vec![AccountMeta::new(self.stranger, true), AccountMeta::new(to, false)];
        self.model.gifts = true;
        self.submit(&[Instruction { program_id: pda::SYSTEM_PROGRAM, accounts: metas, data }])?;
        Ok(())
    }

    /// Moments at which something becomes possible, in order.
    pub fn moments(&self) -> Vec<i64> {
        let (net, state) = (&self.world.net, &self.state);
        let network = state.network(net);
        let length = network.config.epoch_seconds as i64;
        let mut moments = vec![network.paused_until_ts, network.pause_free_ts, network.pending_ts];
        moments.push(network.genesis_ts + network.next_epoch as i64 * length);
        moments.extend(state.operators(net).iter().map(|(_, operator)| operator.bond.withdrawable_ts));
        moments.extend(state.committee(net).places().iter().map(|place| place.bond.withdrawable_ts));
        let epochs = state.epochs(net);
        for (cell, _) in state.rows(net).into_iter().filter_map(|row| row.cell) {
            let Some(epoch) = epochs.iter().find(|epoch| epoch.index == cell.epoch) else {
                continue;
            };
            let sealed = cell.phase != Phase::Collecting as u8;
            let (grace, window) = (epoch.config.grace_seconds as i64, epoch.config.challenge_seconds as i64);
            moments.push(if sealed { cell.sealed_ts + window } else { epoch.end_ts + grace });
        }
        // A pause that a flipped bit made long is not waited for.
        moments.retain(|moment| (self.now + 1..self.now + 4 * length).contains(moment));
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    fn await_moment(&mut self, moment: u8, early: bool) {
        let moments = self.moments();
        if let Some(moment) = moments.get(usize::from(moment) % moments.len().max(1)) {
            self.set_time(self.now.max(moment - i64::from(early)));
        }
    }
}
