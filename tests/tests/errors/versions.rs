//! No instruction reads an account of a version it does not know.

use crate::applying::{ONE, three_slots};
use crate::stranger;
use coverage_client::batch::Statement;
use coverage_client::instructions::{self as ix, Challenge};
use coverage_settlement::ID;
use coverage_settlement::state::Operator as OperatorAccount;
use coverage_tests::check::{INSTRUCTIONS, name};
use coverage_tests::{CoverageError, Net, World, config, entry, requirements};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[every_account_of_every_instruction_has_its_version_checked];

/// Two batches and a failure domain, uploaded.
fn statements(world: &mut World, workload: Pubkey, operator: Pubkey) -> [Statement; 3] {
    let version = world.get::<OperatorAccount>(&operator).domain_version;
    let domain = Statement::failure_domain(world.net.address, operator, 7, version, 1);
    let [first, second] = [0, 1].map(|slot| world.statement(workload, &[entry(slot, ONE)]));
    let all = [first, second, domain];
    for statement in &all {
        world.upload(statement);
    }
    all
}

/// Every instruction but the first with as many accounts as it reads, in a world where all of them are there.
fn instructions() -> (World, Vec<(Instruction, usize)>) {
    let (mut world, workload) = three_slots(World::new());
    let next = stranger(&mut world);
    let Net { authority, address: net, token, treasurer, guardian, .. } = world.net.clone();
    let (payer, operator, other) = (world.payer, world.wallet(1), world.wallet(9));
    let (wallet, account) = (operator.wallet, operator.account);
    world.send(&[ix::propose_authority(authority, net, next)]);
    let [batch, second, domain] = statements(&mut world, workload, account);
    let (entries, evidence) = (batch.address(&payer), second.address(&payer));
    let challenge = Challenge { workload, epoch: 0, sequence: 0, entries, evidence };
    let fresh = world.statement(workload, &[entry(2, ONE)]);
    let [_, enroll] = world.enrolment(&operator, workload);
    let member = coverage_tests::member(0, &world.net.attesters[0], 1);
    let all = vec![
        (ix::propose_authority(authority, net, next), 1),
        (ix::accept_authority(next, net), 1),
        (ix::set_guardian(authority, net, next), 1),
        (ix::propose_config(authority, net, config()), 1),
        (ix::pause(guardian, net, 1, 1), 1),
        (ix::unpause(guardian, net), 1),
        (ix::update_committee(authority, net, vec![member]), 2),
        (ix::add_attester_bond(authority, net, &token, treasurer, 0, 1), 2),
        (ix::unbond_attester(authority, net, 0, 1), 2),
        (ix::withdraw_attester_bond(payer, net, &token, next, 0), 2),
        (ix::register_workload(authority, net, 1, 1, requirements()), 1),
        (ix::set_workload_weight(authority, net, workload, 1), 3),
        (ix::fund_treasury(authority, net, &token, treasurer, 1), 1),
        (ix::sponsor_workload(authority, net, workload, &token, treasurer, 1), 3),
        (ix::open_epoch(payer, net, 1), 2),
        (ix::close_epoch(payer, net, 0, &[workload]), 2),
        (world.registration(&other, 1_000), 1),
        (ix::add_bond(wallet, net, &token, operator.source, 1), 2),
        (ix::unbond(wallet, net, 1), 2),
        (ix::withdraw_bond(payer, net, &token, wallet), 2),
        (ix::slash_operator(net, account, workload, 0), 3),
        (ix::retire_operator(wallet, net), 1),
        (ix::commit_capabilities(wallet, net, [1; 32], 1), 2),
        (enroll, 4),
        (ix::sync_slot(net, account, workload, 0), 3),
        (ix::leave_cell(wallet, net, workload, 0), 3),
        (ix::release_slot(account, workload, 0), 3),
        (ix::trim_cell(workload, &[wallet]), 1),
        (fresh.upload(payer).remove(0), 2),
        (ix::extend_attestation(payer, entries, vec![0; 32]), 1),
        (ix::endorse(net, entries, 0), 2),
        (ix::close_attestation(payer, entries), 1),
        (batch.apply(payer), 7),
        (ix::challenge_batch(payer, net, &token, &challenge), 7),
        (domain.apply(payer), 4),
        (ix::seal_cell(net, workload, 0), 4),
        (ix::settle_cell(net, workload, 0, ix::SETTLE_STEPS), 4),
        (world.claim_instruction(&operator, &[(workload, 0)]), 3),
        (ix::sweep_cell(net, workload), 3),
        (ix::close_cell(authority, workload), 3),
    ];
    (world, all)
}

#[test]
fn every_account_of_every_instruction_has_its_version_checked() {
    let (mut world, all) = instructions();
    let names: Vec<_> = all.iter().map(|(instruction, _)| name(instruction).unwrap()).collect();
    let expected: Vec<_> = INSTRUCTIONS.iter().skip(1).map(|(name, _)| *name).collect();
    assert_eq!(names, expected); // creating a network reads no account of the program
    for (instruction, read) in all {
        let ours = |world: &World, address| {
            let account = world.cluster.svm.get_account(address);
            account.filter(|account| account.owner == ID)
        };
        let mut count = 0;
        for meta in &instruction.accounts {
            let Some(account) = ours(&world, &meta.pubkey) else { continue };
            for version in [0, 2] {
                world.forge().bytes(&meta.pubkey, |data| data[8] = version);
                world.refuses(instruction.clone(), CoverageError::UnknownVersion);
            }
            world.cluster.svm.set_account(meta.pubkey, account).unwrap();
            count += 1;
        }
        assert_eq!(count, read, "{:?}", name(&instruction));
    }
}
