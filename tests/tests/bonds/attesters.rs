//! Bonds of attesters.

use crate::{GOOD, OUT_OF_EPOCH_0, add_seat, changed, network, world_network};
use coverage_client::{instructions as ix, pda};
use coverage_settlement::events::BondCause;
use coverage_settlement::state::{Bond, Committee};
use coverage_tests::{ATTESTER_BOND, CoverageError, World, attester, entry, member};
use solana_keypair::Keypair;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

fn seats(world: &World) -> Vec<Bond> {
    let committee: Committee = world.get(&pda::committee(&world.net.address));
    committee.places().iter().map(|attester| attester.bond).collect()
}

fn withdraw_seat(world: &World, key: Pubkey, place: u8) -> Instruction {
    ix::withdraw_attester_bond(world.payer, world.net.address, &world.net.token, key, place)
}

/// Has an attester sign transactions for itself; returns its key.
fn signer(world: &mut World, place: u8) -> Pubkey {
    world.cluster.add_signer(Keypair::new_from_array(attester(world.net.id, place).to_bytes()))
}

#[test]
fn an_attesters_bond_goes_in_and_out_to_the_second() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let key = signer(&mut world, 2);
    let whole = |units| Bond { units, ..Bond::default() };
    let added = add_seat(&world, 2, 7);
    let expected = (key, BondCause::Added as u64, 7, whole(ATTESTER_BOND), whole(100_007));
    assert_eq!(changed(&mut world, added), expected);
    assert_eq!(network(&world).attester_bonds, 5 * ATTESTER_BOND + 7);
    world.open_epoch();
    let unbond = |signer, place, amount| ix::unbond_attester(signer, world_network(), place, amount);
    let stranger = world.net.authority;
    world.refuses(unbond(stranger, 2, 7), CoverageError::WrongWallet);
    world.refuses(unbond(key, 1, 7), CoverageError::WrongWallet);
    world.refuses(unbond(key, 5, 7), CoverageError::UnknownAttester);
    world.refuses(unbond(key, 2, 100_008), CoverageError::NotBonded);
    let going = Bond { units: 100_007, unbonding: 60_007, withdrawable_ts: OUT_OF_EPOCH_0 };
    let expected = (key, BondCause::Unbonding as u64, 60_007, whole(100_007), going);
    assert_eq!(changed(&mut world, unbond(key, 2, 60_007)), expected);
    world.set_time(OUT_OF_EPOCH_0 - 1);
    world.refuses(withdraw_seat(&world, key, 2), CoverageError::StillBonded);
    world.set_time(OUT_OF_EPOCH_0);
    let other = Pubkey::from(attester(1, 1).verifying_key().to_bytes());
    world.refuses(withdraw_seat(&world, other, 2), CoverageError::WrongWallet);
    let out = withdraw_seat(&world, key, 2);
    let expected = (key, BondCause::Withdrawn as u64, 60_007, going, whole(40_000));
    assert_eq!(changed(&mut world, out), expected);
    assert_eq!(world.cluster.tokens(&pda::token_account(&key, &world.net.token)), 60_007);
    assert_eq!(network(&world).attester_bonds, 4 * ATTESTER_BOND + 40_000);
    world.refuses(withdraw_seat(&world, key, 2), CoverageError::NotBonded);
    world.assert_solvent(&[workload]);
}

#[test]
fn signatures_count_only_while_a_bond_answers_for_them() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.enrolled(1, 1_000, 1, workload);
    world.open_epoch();
    let statement = world.statement(workload, &[entry(0, GOOD)]);
    world.endorse(&statement);
    let apply = statement.apply(world.payer);
    // All five signed. With 99,001 on its way out a bond of 999 is one below the minimum.
    for place in 0..2 {
        let key = signer(&mut world, place);
        world.send(&[ix::unbond_attester(key, world_network(), place, 99_001)]);
    }
    world.refuses(apply.clone(), CoverageError::NoQuorum);
    // One unit more, and four of five count again.
    world.send(&[add_seat(&world, 1, 1)]);
    assert_eq!(seats(&world).iter().map(Bond::active).collect::<Vec<_>>(), [999, 1_000, 100_000, 100_000, 100_000]);
    world.send(&[apply]);
    assert_eq!(world.cell(workload).1[0].tally, GOOD);
}

#[test]
fn an_attester_without_a_bond_has_weight_against_the_quorum_only() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.enrolled(1, 1_000, 1, workload);
    world.open_epoch();
    let net = world.net.clone();
    // A sixth of weight 3 without a bond: 5 of 8 are not more than two thirds, 8 of 8 would be.
    let sixth = attester(net.id, 5);
    world.send(&[ix::update_committee(net.authority, net.address, vec![member(5, &sixth, 3)])]);
    world.net.attesters.push(sixth);
    let statement = world.statement(workload, &[entry(0, GOOD)]);
    world.endorse(&statement);
    world.refuses(statement.apply(world.payer), CoverageError::NoQuorum);
    world.send(&[add_seat(&world, 5, 999)]);
    world.refuses(statement.apply(world.payer), CoverageError::NoQuorum);
    world.send(&[add_seat(&world, 5, 1)]);
    world.send(&[statement.apply(world.payer)]);
    assert_eq!(seats(&world)[5].units, 1_000);
}

#[test]
fn the_authority_clears_the_place_of_who_was_dismissed() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.open_epoch();
    let net = world.net.clone();
    let old = net.attesters[3].clone();
    let key = Pubkey::from(old.verifying_key().to_bytes());
    let unbond = ix::unbond_attester(net.authority, net.address, 3, ATTESTER_BOND);
    world.refuses(unbond.clone(), CoverageError::WrongWallet);
    world.send(&[ix::update_committee(net.authority, net.address, vec![member(3, &old, 0)])]);
    // A unit at the right time would keep the place taken.
    world.refuses(add_seat(&world, 3, 1), CoverageError::UnknownAttester);
    world.send(&[unbond]);
    let seat = ix::update_committee(net.authority, net.address, vec![member(3, &attester(net.id, 7), 1)]);
    world.refuses(seat.clone(), CoverageError::PlaceTaken);
    world.set_time(OUT_OF_EPOCH_0);
    world.send(&[withdraw_seat(&world, key, 3)]);
    assert_eq!(world.cluster.tokens(&pda::token_account(&key, &net.token)), ATTESTER_BOND, "its own, to the unit");
    world.send(&[seat]);
    assert_eq!(seats(&world)[3], Bond::default());
    assert_eq!(network(&world).attester_bonds, 4 * ATTESTER_BOND);
    world.assert_solvent(&[workload]);
}
