//! Anyone can send lamports to an address that is not there yet. Every PDA still gets created, and holds its rent at least.

#![allow(clippy::expect_used)] // a test fails by panicking

use coverage_client::batch::Statement;
use coverage_client::{instructions as ix, pda};
use coverage_settlement::ID;
use coverage_settlement::state::Attestation;
use coverage_tests::{GENESIS, World, config, entry, requirements};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Gives the addresses lamports, sends the instruction that creates them, and looks at what they are then.
fn create(world: &mut World, lamports: u64, addresses: &[Pubkey], instruction: Instruction) {
    for address in addresses {
        assert_eq!(world.cluster.svm.get_account(address), None);
        world.forge().lamports(address, lamports);
    }
    world.send(&[instruction]);
    for address in addresses {
        let account = world.account(address);
        let rent = world.cluster.svm.minimum_balance_for_rent_exemption(account.data.len());
        assert_eq!(account.lamports, rent.max(lamports));
        assert!(account.owner == ID || account.owner == pda::TOKEN_PROGRAM);
    }
}

/// The life of a network in which every account was pre-funded with `lamports`.
fn live(lamports: u64) {
    let mut world = World::new();
    let (authority, mint) = (world.net.authority, world.net.mint);
    let second = pda::network(2);
    let founded = [second, pda::committee(&second), pda::vault(&second)];
    create(&mut world, lamports, &founded, ix::create_network(authority, 2, mint, authority, GENESIS, config()));

    let (net, payer) = (world.net.address, world.payer);
    let workload = pda::workload(&net, 0);
    let registered = [workload, pda::cell(&workload), pda::log(&workload)];
    create(&mut world, lamports, &registered, ix::register_workload(authority, net, 0, 1, requirements()));
    world.fund(1_000_000);

    let operator = world.wallet(1);
    let registration = world.registration(&operator, 1_000);
    create(&mut world, lamports, &[operator.account], registration);
    world.enroll(&operator, workload);

    world.set_time(GENESIS);
    create(&mut world, lamports, &[pda::epoch(&net, 0)], ix::open_epoch(payer, net, 0));

    let statement: Statement = world.statement(workload, &[entry(0, [1, 1, 0, 0, 0, 0, 0])]);
    let [open] = statement.upload(payer).try_into().expect("one transaction");
    create(&mut world, lamports, &[statement.address(&payer)], open);
    for pair in statement.endorse(payer, &world.net.attesters.clone()) {
        world.send(&pair);
    }
    world.send(&[statement.apply(payer)]);
    // Closed, pre-funded and made anew: it starts from nothing.
    world.forge().lamports(&statement.address(&payer), lamports);
    world.upload(&statement);
    let again: Attestation = world.get(&statement.address(&payer));
    assert_eq!((again.endorsers, again.weight, again.complete), (0, 0, 1));

    world.finish(workload);
    let claim = world.claim_instruction(&operator, &[(workload, 0)]);
    create(&mut world, lamports, &[pda::token_account(&operator.payout, &mint)], claim);
    assert_eq!(world.paid_out(&operator), 499_999);
}

#[test]
fn accounts_prefunded_with_one_lamport_are_created() {
    live(1);
}

#[test]
fn accounts_prefunded_with_more_than_their_rent_are_created() {
    live(1_000_000_000);
}
