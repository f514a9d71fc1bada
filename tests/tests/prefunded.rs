//! Anyone can send lamports to an address that is not there yet. Every PDA still gets created, holds its rent at least, and is
//! byte for byte what it would have been without them.
#![allow(clippy::expect_used, clippy::indexing_slicing)] // a test fails by panicking

use coverage_client::batch::Statement;
use coverage_client::{instructions as ix, pda};
use coverage_settlement::ID;
use coverage_settlement::state::{Attestation, Committee, Operator as OperatorAccount};
use coverage_tests::{ATTESTER_BOND, GENESIS, World, config, entry, member, requirements};
use solana_account::Account;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Sends the instruction that creates the addresses twice, the second time after giving them lamports, and compares.
fn create(world: &mut World, lamports: u64, addresses: &[Pubkey], instruction: &Instruction) {
    let empty = world.cluster.svm.clone();
    world.send(std::slice::from_ref(instruction));
    let expected: Vec<Account> = addresses.iter().map(|address| world.account(address)).collect();
    world.cluster.svm = empty;
    for address in addresses {
        assert_eq!(world.cluster.svm.get_account(address).map_or(0, |account| account.lamports), 0);
        world.forge().lamports(address, lamports);
    }
    world.send(std::slice::from_ref(instruction));
    for (address, expected) in addresses.iter().zip(expected) {
        let rent = world.cluster.svm.minimum_balance_for_rent_exemption(expected.data.len());
        assert_eq!(expected.lamports, rent);
        assert!(expected.owner == ID || expected.owner == pda::TOKEN_PROGRAM);
        let Account { lamports: held, data, owner, .. } = world.account(address);
        assert_eq!((held, data, owner), (rent.max(lamports), expected.data, expected.owner));
    }
}

/// The life of a network in which every account was pre-funded with `lamports`.
fn live(lamports: u64) {
    let mut world = World::new();
    let net = world.net.clone();
    let (authority, network, payer) = (net.authority, net.address, world.payer);
    let second = pda::network(2);
    let founded = [second, pda::committee(&second), pda::vault(&second)];
    let found = ix::create_network(authority, 2, &net.token, net.guardian, GENESIS, config());
    create(&mut world, lamports, &founded, &found);

    let workload = pda::workload(&network, 0);
    let registered = [workload, pda::cell(&workload), pda::log(&workload)];
    create(&mut world, lamports, &registered, &ix::register_workload(authority, network, 0, 1, requirements()));
    world.fund(1_000_000);

    let operator = world.wallet(1);
    let registration = world.registration(&operator, 1_000);
    create(&mut world, lamports, &[operator.account], &registration);
    world.enroll(&operator, workload);

    world.set_time(GENESIS);
    create(&mut world, lamports, &[pda::epoch(&network, 0)], &ix::open_epoch(payer, network, 0));

    let statement: Statement = world.statement(workload, &[entry(0, [1, 1, 0, 0, 0, 0, 0])]);
    let attestation = statement.address(&payer);
    let [open] = statement.upload(payer).try_into().expect("one transaction");
    create(&mut world, lamports, &[attestation], &open);
    for pair in statement.endorse(payer, &net.attesters) {
        world.send(&pair);
    }
    world.send(&[statement.apply(payer)]);
    // Closed, pre-funded and made anew: it starts from nothing.
    create(&mut world, lamports, &[attestation], &open);
    let again: Attestation = world.get(&attestation);
    assert_eq!((again.endorsers, again.complete), (0, 1));

    world.finish(workload);
    let claim = world.claim_instruction(&operator, &[(workload, 0)]);
    create(&mut world, lamports, &[pda::token_account(&operator.payout, &net.token)], &claim);
    assert_eq!(world.paid_out(&operator), 499_999);
    let operator = world.wallet(2);
    leave(&mut world, lamports, operator);
}

/// An operator and an attester take their bonds out; the operator comes back.
fn leave(world: &mut World, lamports: u64, operator: coverage_tests::Operator) {
    let net = world.net.clone();
    let registration = world.registration(&operator, 5_000);
    create(world, lamports, &[operator.account], &registration);
    world.open_epoch();
    let dismiss = ix::update_committee(net.authority, net.address, vec![member(0, &net.attesters[0], 0)]);
    let unbond = ix::unbond(operator.wallet, net.address, 5_000);
    let unbond_attester = ix::unbond_attester(net.authority, net.address, 0, ATTESTER_BOND);
    world.send(&[dismiss, unbond, unbond_attester]);
    let attester = world.get::<Committee>(&pda::committee(&net.address)).attesters[0];
    world.set_time(attester.bond.withdrawable_ts);

    let withdraw = ix::withdraw_attester_bond(world.payer, net.address, &net.token, attester.key, 0);
    let account = pda::token_account(&attester.key, &net.token);
    create(world, lamports, &[account], &withdraw);
    assert_eq!(world.cluster.tokens(&account), ATTESTER_BOND);

    world.send(&[ix::withdraw_bond(world.payer, net.address, &net.token, operator.wallet)]);
    world.send(&[ix::retire_operator(operator.wallet, net.address)]);
    create(world, lamports, &[operator.account], &registration);
    let again: OperatorAccount = world.get(&operator.account);
    assert_eq!((again.bond.units, again.bond.withdrawable_ts, again.domain_version), (5_000, 0, 3 << 32));
}

#[test]
fn accounts_prefunded_with_one_lamport_are_created() {
    live(1);
}

#[test]
fn accounts_prefunded_with_the_rent_of_an_empty_account_are_created() {
    live(890_880);
}

#[test]
fn accounts_prefunded_with_more_than_their_rent_are_created() {
    live(1_000_000_000);
}
