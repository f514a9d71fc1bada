//! Attesters' bonds.

use crate::tokens::refuses_payments;
use crate::{broken_network, elsewhere, forged, stranger, swapped};
use coverage_client::{instructions as ix, pda};
use coverage_math::domains::MAX_BOND;
use coverage_settlement::state::{Committee, Network};
use coverage_tests::{ATTESTER_BOND, CoverageError, GENESIS, World, attester, member};
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;

/// The wallet of an attester's key.
fn wallet(world: &mut World, number: u8) -> Pubkey {
    world.cluster.add_signer(Keypair::new_from_array(attester(1, number).to_bytes()))
}

/// Takes an attester's weight.
fn dismiss(world: &mut World, number: u8) {
    let net = &world.net;
    let dismissal = ix::update_committee(net.authority, net.address, vec![member(number, &attester(1, number), 0)]);
    world.send(&[dismissal]);
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    add_attester_bond_refuses_who_is_not_in_the_committee,
    unbond_attester_refuses_others_and_what_is_not_there,
    withdraw_attester_bond_waits_and_pays_nobody_else,
];

#[test]
fn add_attester_bond_refuses_who_is_not_in_the_committee() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (net, committee) = (world.net.clone(), pda::committee(&world.net.address));
    let add = |place| ix::add_attester_bond(net.authority, net.address, &net.token, net.treasurer, place, 500);
    let unknown = CoverageError::UnknownAttester;
    for place in [5, 63, 64, 255] {
        world.refuses(add(place), unknown);
    }
    dismiss(&mut world, 1);
    world.refuses(add(1), unknown);
    world.refuses(swapped(add(0), 1, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swapped(add(0), 2, pda::committee(&foreign.net.address)), CoverageError::WrongNetwork);
    let edit = |committee: &mut Committee| committee.attesters[0].bond.units = MAX_BOND - 499;
    forged(&mut world, &add(0), committee, edit, CoverageError::InvalidBond);
    let edit = |network: &mut Network| network.attester_bonds = u64::MAX - 499;
    forged(&mut world, &add(0), net.address, edit, CoverageError::AmountOverflow);
    broken_network(&mut world, &add(0));
    world.send(&[add(0)]);
}

#[test]
fn unbond_attester_refuses_others_and_what_is_not_there() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (net, nobody) = (world.net.clone(), stranger(&mut world));
    let keys = [wallet(&mut world, 0), wallet(&mut world, 1)];
    let unbond = |signer, place, amount| ix::unbond_attester(signer, net.address, place, amount);
    let wrong = CoverageError::WrongWallet;
    for signer in [nobody, keys[1], net.guardian, net.authority] {
        world.refuses(unbond(signer, 0, 1), wrong);
    }
    for place in [5, 64, 255] {
        world.refuses(unbond(keys[0], place, 1), CoverageError::UnknownAttester);
    }
    world.refuses(unbond(keys[0], 0, 0), CoverageError::ZeroAmount);
    world.refuses(unbond(keys[0], 0, ATTESTER_BOND + 1), CoverageError::NotBonded);
    let good = unbond(keys[0], 0, ATTESTER_BOND);
    world.refuses(swapped(good.clone(), 1, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 2, pda::committee(&foreign.net.address)), CoverageError::WrongNetwork);
    let edit = |network: &mut Network| network.slashable_until_ts = i64::MAX;
    forged(&mut world, &good, net.address, edit, CoverageError::AmountOverflow);
    world.send(&[good]);
    world.refuses(unbond(keys[0], 0, 1), CoverageError::NotBonded);
    // The authority acts for one without weight only, nobody else does even then.
    dismiss(&mut world, 1);
    for signer in [nobody, keys[0], net.guardian] {
        world.refuses(unbond(signer, 1, 1), wrong);
    }
    world.send(&[unbond(net.authority, 1, 1), unbond(keys[1], 1, 1)]);
    world.set_time(GENESIS);
    world.refuses(unbond(keys[1], 1, 1), CoverageError::EpochNotOpened);
}

#[test]
fn withdraw_attester_bond_waits_and_pays_nobody_else() {
    let mut world = World::new();
    let foreign = elsewhere(&mut world);
    let (net, payer, committee) = (world.net.clone(), world.payer, pda::committee(&world.net.address));
    let (key, other) = (wallet(&mut world, 0), wallet(&mut world, 1));
    let withdraw = |key, place| ix::withdraw_attester_bond(payer, net.address, &net.token, key, place);
    let good = withdraw(key, 0);
    world.refuses(good.clone(), CoverageError::NotBonded);
    world.send(&[ix::unbond_attester(key, net.address, 0, 700)]);
    let when = world.get::<Committee>(&committee).attesters[0].bond.withdrawable_ts;
    assert_eq!(when, GENESIS - 50 + 100);
    world.set_time(when - 1);
    world.refuses(good.clone(), CoverageError::StillBonded);
    world.set_time(when);
    for place in [5, 64, 255] {
        world.refuses(withdraw(key, place), CoverageError::UnknownAttester);
    }
    world.refuses(withdraw(other, 0), CoverageError::WrongWallet);
    world.refuses(withdraw(key, 1), CoverageError::WrongWallet);
    world.refuses(swapped(good.clone(), 1, foreign.net.address), CoverageError::WrongNetwork);
    world.refuses(swapped(good.clone(), 2, pda::committee(&foreign.net.address)), CoverageError::WrongNetwork);
    refuses_payments(&mut world, &good, 4, &foreign.net);
    let inconsistent = CoverageError::Inconsistent;
    let edit = |committee: &mut Committee| committee.attesters[0].bond.units = 699;
    forged(&mut world, &good, committee, edit, inconsistent);
    let edit = |network: &mut Network| network.attester_bonds = 699;
    forged(&mut world, &good, net.address, edit, inconsistent);
    broken_network(&mut world, &good);
    world.send(std::slice::from_ref(&good));
    world.refuses(good, CoverageError::NotBonded);
    assert_eq!(world.cluster.tokens(&pda::token_account(&key, &net.token)), 700);
}
