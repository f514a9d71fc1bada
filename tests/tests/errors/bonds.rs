//! Operators' bonds: adding, taking out, and losing them.

use crate::tokens::refuses_payments;
use crate::{broken_network, elsewhere, forged, swapped};
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::{Cell, Network, Operator as OperatorAccount};
use coverage_tests::{CoverageError, GENESIS, InstructionError, World};

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    add_bond_refuses_others_operators_and_too_much,
    unbond_refuses_what_is_not_there_or_needed,
    withdraw_bond_waits_and_pays_nobody_else,
    slash_operator_takes_once_for_each_breach,
    retire_operator_refuses_with_a_bond_or_a_slot,
];

#[test]
fn add_bond_refuses_others_operators_and_too_much() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (operator, other) = (world.operator(1, 1_000), world.operator(2, 1_000));
    let net = world.net.clone();
    let good = ix::add_bond(operator.wallet, net.address, &net.token, operator.source, 500);
    world.refuses(swapped(good.clone(), 0, other.wallet), CoverageError::WrongWallet);
    world.refuses(swapped(good.clone(), 2, other.account), CoverageError::WrongWallet);
    world.refuses(swapped(good.clone(), 2, foreign.operator.account), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 1, foreign.net.address), CoverageError::WrongNetwork);
    let edit = |network: &mut Network| network.operator_bonds = u64::MAX - 499;
    forged(&mut world, &good, net.address, edit, CoverageError::AmountOverflow);
    let edit = |operator: &mut OperatorAccount| operator.bond.units = u64::MAX;
    forged(&mut world, &good, operator.account, edit, CoverageError::InvalidBond);
    broken_network(&mut world, &good);
    world.send(&[good]);
}

#[test]
fn unbond_refuses_what_is_not_there_or_needed() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let workload = world.workload(0, 1);
    let (operator, other) = (world.enrolled(1, 3_000, 0, workload), world.operator(2, 1_000));
    let network = world.net.address;
    let unbond = |amount| ix::unbond(operator.wallet, network, amount);
    world.refuses(unbond(0), CoverageError::ZeroAmount);
    world.refuses(unbond(3_001), CoverageError::NotBonded);
    world.refuses(unbond(2_001), CoverageError::BondNeeded);
    world.refuses(swapped(unbond(1), 0, other.wallet), CoverageError::WrongWallet);
    world.refuses(swapped(unbond(1), 2, other.account), CoverageError::WrongWallet);
    world.refuses(swapped(unbond(1), 2, foreign.operator.account), CoverageError::WrongNetwork);
    world.refuses(swapped(unbond(1), 1, foreign.net.address), CoverageError::WrongNetwork);
    let endless: [fn(&mut Network); 2] =
        [|network| network.slashable_until_ts = i64::MAX, |network| network.config.epoch_seconds = u64::MAX];
    for edit in endless {
        forged(&mut world, &unbond(1), network, edit, CoverageError::AmountOverflow);
    }
    world.send(&[unbond(2_000)]);
    world.refuses(unbond(1), CoverageError::BondNeeded);
    // Without slots all of it may go, but what is on its way already goes once.
    world.send(&[ix::unbond(other.wallet, network, 600)]);
    world.refuses(ix::unbond(other.wallet, network, 401), CoverageError::NotBonded);
    world.set_time(GENESIS);
    world.refuses(ix::unbond(other.wallet, network, 400), CoverageError::EpochNotOpened);
    world.open_epoch();
    world.send(&[ix::unbond(other.wallet, network, 400)]);
}

#[test]
fn withdraw_bond_waits_and_pays_nobody_else() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (operator, other) = (world.operator(1, 3_000), world.operator(2, 1_000));
    let (net, payer) = (world.net.clone(), world.payer);
    let good = ix::withdraw_bond(payer, net.address, &net.token, operator.wallet);
    world.refuses(good.clone(), CoverageError::NotBonded);
    world.send(&[ix::unbond(operator.wallet, net.address, 1_200)]);
    let when = world.get::<OperatorAccount>(&operator.account).bond.withdrawable_ts;
    assert_eq!(when, GENESIS - 50 + 100); // now and an epoch: nothing can be slashed yet
    world.set_time(when - 1);
    world.refuses(good.clone(), CoverageError::StillBonded);
    world.set_time(when);
    world.refuses(swapped(good.clone(), 1, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 2, foreign.operator.account), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 2, other.account), CoverageError::WrongWallet);
    world.refuses(swapped(good.clone(), 3, other.wallet), CoverageError::WrongWallet);
    refuses_payments(&mut world, &good, 4, &foreign.net);
    let inconsistent = CoverageError::Inconsistent;
    let edit = |operator: &mut OperatorAccount| operator.bond.units = 1_199;
    forged(&mut world, &good, operator.account, edit, inconsistent);
    let edit = |network: &mut Network| network.operator_bonds = 1_199;
    forged(&mut world, &good, net.address, edit, inconsistent);
    broken_network(&mut world, &good);
    world.send(std::slice::from_ref(&good));
    world.refuses(good, CoverageError::NotBonded);
    assert_eq!(world.cluster.tokens(&operator.source), (1 << 53) - 3_000 + 1_200);
}

#[test]
fn slash_operator_takes_once_for_each_breach() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let workload = world.workload(0, 1);
    let (operator, other) = (world.enrolled(1, 3_000, 0, workload), world.operator(2, 1_000));
    let network = world.net.address;
    let slash = |slot| ix::slash_operator(network, operator.account, workload, slot);
    world.open_epoch();
    world.batch(workload, &[(0, [1, 0, 0, 0, 0, 0, 1])]);
    world.refuses(slash(0), CoverageError::NoBreach); // not settled
    world.finish(workload);
    world.refuses(slash(1), CoverageError::InvalidSlot);
    let swap = |position, account| swapped(slash(0), position, account);
    world.refuses(swap(0, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swap(1, foreign.operator.account), CoverageError::WrongNetwork);
    world.refuses(swap(2, pda::cell(&foreign.workload)), CoverageError::WrongNetwork);
    world.refuses(swap(1, other.account), CoverageError::NotYourSlot);
    let edit = |network: &mut Network| network.treasury_available = u64::MAX;
    forged(&mut world, &slash(0), network, edit, CoverageError::AmountOverflow);
    let inconsistent = CoverageError::Inconsistent;
    let edit = |network: &mut Network| network.operator_bonds = 299;
    forged(&mut world, &slash(0), network, edit, inconsistent);
    let edit = |cell: &mut Cell| cell.slots = 400;
    forged(&mut world, &slash(0), pda::cell(&workload), edit, inconsistent);
    broken_network(&mut world, &slash(0));
    world.send(&[slash(0)]);
    world.refuses(slash(0), CoverageError::NoBreach);
    assert_eq!(world.get::<OperatorAccount>(&operator.account).bond.units, 2_700);
}

#[test]
fn retire_operator_refuses_with_a_bond_or_a_slot() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let (operator, other) = (world.enrolled(1, 1_000, 0, workload), world.operator(2, 1_000));
    let in_use = CoverageError::OperatorInUse;
    let retire = ix::retire_operator(operator.wallet, world.net.address);
    world.refuses(swapped(retire.clone(), 0, other.wallet), CoverageError::WrongWallet);
    world.refuses(swapped(retire.clone(), 1, other.account), CoverageError::WrongWallet);
    world.refuses(retire.clone(), in_use);
    let edit = |operator: &mut OperatorAccount| operator.bond.units = 0;
    forged(&mut world, &retire, operator.account, edit, in_use);
    let edit = |operator: &mut OperatorAccount| operator.cells = 0;
    forged(&mut world, &retire, operator.account, edit, in_use);
    // On its way out is not out.
    let (net, payer) = (world.net.clone(), world.payer);
    let retire = ix::retire_operator(other.wallet, net.address);
    world.send(&[ix::unbond(other.wallet, net.address, 1_000)]);
    world.refuses(retire.clone(), in_use);
    world.set_time(GENESIS + 50);
    world.send(&[ix::withdraw_bond(payer, net.address, &net.token, other.wallet), retire.clone()]);
    world.refuses(retire, InstructionError::AccountDataTooSmall);
}
