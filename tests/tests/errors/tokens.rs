//! What goes into the vault and comes out of it.

use crate::{broken_network, elsewhere, forged, swapped};
use coverage_client::instructions as ix;
use coverage_client::pda::{self, TOKEN_2022_PROGRAM, TOKEN_PROGRAM};
use coverage_math::domains::MAX_BOND;
use coverage_settlement::state::{Network, Operator as OperatorAccount};
use coverage_tests::{CoverageError, InstructionError, Net, World};
use solana_program::instruction::Instruction;

/// Every instruction that takes tokens, with the position of the mint; behind it come source, vault and token program.
pub fn deposits(world: &mut World, amount: u64) -> [(Instruction, usize); 5] {
    let address = pda::workload(&world.net.address, 0);
    if world.cluster.svm.get_account(&address).is_none() {
        world.workload(0, 1);
        world.operator(1, 1_000);
    }
    let (operator, next) = (world.wallet(1), world.wallet(2));
    let Net { authority, address: network, token, treasurer, .. } = world.net.clone();
    [
        (ix::fund_treasury(authority, network, &token, treasurer, amount), 2),
        (ix::sponsor_workload(authority, network, address, &token, treasurer, amount), 4),
        (ix::add_attester_bond(authority, network, &token, treasurer, 0, amount), 3),
        (world.registration(&next, amount), 3),
        (ix::add_bond(operator.wallet, network, &token, operator.source, amount), 3),
    ]
}

/// What every payment refuses; at `first` is the token account that is paid, and behind it mint, vault and programs.
pub fn refuses_payments(world: &mut World, good: &Instruction, first: usize, elsewhere: &Net) {
    let mut refuses = |offset, account, error| world.refuses(swapped(good.clone(), first + offset, account), error);
    let vault = pda::vault(&elsewhere.address);
    refuses(0, vault, CoverageError::WrongPayoutAccount);
    refuses(0, elsewhere.treasurer, CoverageError::WrongPayoutAccount);
    refuses(1, elsewhere.token.mint, CoverageError::WrongMint);
    refuses(2, vault, CoverageError::WrongVault);
    refuses(2, elsewhere.treasurer, CoverageError::WrongVault);
    refuses(3, TOKEN_2022_PROGRAM, CoverageError::WrongTokenProgram);
    refuses(4, TOKEN_PROGRAM, CoverageError::WrongTokenProgram);
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    every_deposit_refuses_others_accounts,
    every_deposit_refuses_nothing_and_more_than_there_is,
    fund_treasury_refuses_forged_networks,
    register_operator_refuses_bad_bonds_and_no_payout,
];

#[test]
fn every_deposit_refuses_others_accounts() {
    let mut world = World::new();
    let elsewhere = elsewhere(&mut world).net;
    for (good, mint) in deposits(&mut world, 1_000) {
        world.refuses(swapped(good.clone(), mint, elsewhere.token.mint), CoverageError::WrongMint);
        world.refuses(swapped(good.clone(), mint + 2, pda::vault(&elsewhere.address)), CoverageError::WrongVault);
        world.refuses(swapped(good.clone(), mint + 2, elsewhere.treasurer), CoverageError::WrongVault);
        world.refuses(swapped(good.clone(), mint + 3, TOKEN_2022_PROGRAM), CoverageError::WrongTokenProgram);
        // Another mint's tokens: the token program's "mint mismatch".
        world.refuses(swapped(good.clone(), mint + 1, elsewhere.treasurer), InstructionError::Custom(3));
        world.send(&[good]);
    }
}

#[test]
fn every_deposit_refuses_nothing_and_more_than_there_is() {
    let mut world = World::new();
    // Below the least bond even a network that asks for none does not take an operator without any.
    let no_minimum = |network: &mut Network| network.config.min_operator_bond = 0;
    let network = world.net.address;
    for (nothing, _) in deposits(&mut world, 0) {
        forged(&mut world, &nothing, network, no_minimum, CoverageError::ZeroAmount);
    }
    let [fund, sponsor, ..] = deposits(&mut world, (1 << 60) + 1);
    for (more, _) in [fund, sponsor] {
        world.refuses(more, InstructionError::Custom(1)); // the token program's "insufficient funds"
    }
    let [_, _, bonds @ ..] = deposits(&mut world, MAX_BOND + 1);
    for (more, _) in bonds {
        world.refuses(more, CoverageError::InvalidBond);
    }
}

#[test]
fn fund_treasury_refuses_forged_networks() {
    let mut world = World::new();
    let net = world.net.clone();
    let fund = ix::fund_treasury(net.authority, net.address, &net.token, net.treasurer, 5);
    let edit = |network: &mut Network| network.treasury_available = u64::MAX - 4;
    forged(&mut world, &fund, net.address, edit, CoverageError::AmountOverflow);
    broken_network(&mut world, &fund);
    world.send(&[fund]);
}

#[test]
fn register_operator_refuses_bad_bonds_and_no_payout() {
    let mut world = World::new();
    let (operator, network) = (world.wallet(1), world.net.address);
    let good = world.registration(&operator, MAX_BOND);
    for bond in [999, MAX_BOND + 1] {
        world.refuses(world.registration(&operator, bond), CoverageError::InvalidBond);
    }
    let nowhere = coverage_tests::Operator { payout: Default::default(), ..operator };
    world.refuses(world.registration(&nowhere, 1_000), CoverageError::InvalidPayout);
    let full: [fn(&mut Network); 3] = [
        |network| network.operator_bonds = u64::MAX,
        |network| network.operators = u64::MAX,
        |network| network.operators = (1 << 32) - 1, // no room for its failure domains
    ];
    for edit in full {
        forged(&mut world, &good, network, edit, CoverageError::AmountOverflow);
    }
    broken_network(&mut world, &good);
    world.send(std::slice::from_ref(&good));
    world.refuses(good, InstructionError::Custom(0)); // account already in use
    assert_eq!(world.get::<OperatorAccount>(&operator.account).domain_version, 1 << 32);
    // Another's tokens: the token program's "owner does not match".
    let thief = coverage_tests::Operator { source: operator.source, ..world.wallet(2) };
    world.refuses(world.registration(&thief, 1_000), InstructionError::Custom(4));
}
