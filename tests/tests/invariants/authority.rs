//! I8, I9: what goes on without any key, and what no stranger can do.

use coverage_client::{instructions as ix, pda};
use coverage_settlement::constants::MAX_PAUSE_SECONDS;
use coverage_settlement::state::{Config, Network, Operator};
use coverage_tests::{CoverageError, EPOCH, GENESIS, Refusal, World, config, keypair, member, requirements};
use solana_program::instruction::Instruction;

const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];

#[test]
fn i8_liveness() {
    // A long epoch, so that the longest pause fits into it.
    let seconds = u64::from(MAX_PAUSE_SECONDS) * 4;
    let mut world = World::with(Config { epoch_seconds: seconds, ..config() }, 5);
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 2_000, 1, workload);
    let net = world.net.clone();
    world.set_time(GENESIS);
    world.send(&[ix::open_epoch(world.payer, net.address, 0)]);
    world.batch(workload, &[(0, GOOD)]);
    // From here on only a stranger signs, after the guardian has done its worst.
    let end = GENESIS + seconds as i64 + 10;
    world.set_time(end);
    world.send(&[ix::pause(net.guardian, net.address, 7, MAX_PAUSE_SECONDS)]);
    let seal = ix::seal_cell(net.address, workload, 0);
    world.refuses(seal.clone(), CoverageError::Paused);
    world.set_time(end + i64::from(MAX_PAUSE_SECONDS));
    let again = ix::pause(net.guardian, net.address, 7, 1);
    world.refuses(again, CoverageError::PauseTooSoon);
    let stranger = world.cluster.add_signer(keypair(b's', 0, 0));
    world.send(&[seal]);
    world.set_time(end + i64::from(MAX_PAUSE_SECONDS) + 20);
    world.send(&[ix::settle_cell(net.address, workload, 0, ix::SETTLE_STEPS)]);
    world.send(&[ix::open_epoch(stranger, net.address, 1)]);
    let claim =
        ix::claim_rewards(stranger, net.address, &net.token, operator.account, operator.payout, &[(workload, 0)]);
    world.send(&[claim]);
    assert_eq!(world.paid_out(&operator), 899_999);
    // A workload nobody governs any more goes on paying.
    assert_eq!(world.epoch(1).unit, 0, "the treasury is empty, but the carry is in hand");
    assert_eq!(world.cell(workload).0.carry, 100_001);
}

#[test]
fn i9_no_strangers() {
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 2_000, 1, workload);
    let stranger = world.wallet(9);
    world.open_epoch();
    let (net, who) = (world.net.clone(), stranger.wallet);
    let mut refused = |instruction: Instruction, error: CoverageError| world.refuses(instruction, Refusal::from(error));
    let key = &net.attesters[0];
    use CoverageError::{NotAuthority, NotGuardian, NotPendingAuthority, WrongWallet};
    refused(ix::propose_authority(who, net.address, who), NotAuthority);
    refused(ix::accept_authority(who, net.address), NotPendingAuthority);
    refused(ix::set_guardian(who, net.address, who), NotAuthority);
    refused(ix::propose_config(who, net.address, config()), NotAuthority);
    refused(ix::update_committee(who, net.address, vec![member(0, key, 9)]), NotAuthority);
    refused(ix::register_workload(who, net.address, 5, 1, requirements()), NotAuthority);
    refused(ix::set_workload_weight(who, net.address, workload, 9), NotAuthority);
    refused(ix::pause(who, net.address, 1, 1), NotGuardian);
    refused(ix::pause(net.authority, net.address, 1, 1), NotGuardian);
    refused(ix::unpause(who, net.address), NotGuardian);
    refused(ix::unbond_attester(who, net.address, 0, 1), WrongWallet);
    refused(ix::unbond_attester(net.authority, net.address, 0, 1), WrongWallet);
    let as_stranger = |mut instruction: Instruction| {
        // The operator's account, the stranger's signature.
        instruction.accounts.iter_mut().filter(|meta| meta.is_signer).for_each(|meta| meta.pubkey = who);
        instruction
    };
    refused(as_stranger(ix::unbond(operator.wallet, net.address, 1)), WrongWallet);
    refused(as_stranger(ix::retire_operator(operator.wallet, net.address)), WrongWallet);
    refused(as_stranger(ix::leave_cell(operator.wallet, net.address, workload, 0)), WrongWallet);
    refused(as_stranger(ix::commit_capabilities(operator.wallet, net.address, [1; 32], 1)), WrongWallet);
    let add = ix::add_bond(operator.wallet, net.address, &net.token, stranger.source, 1);
    refused(as_stranger(add), WrongWallet);
    let [_, enroll] = world.enrolment(&operator, workload);
    world.refuses(as_stranger(enroll), WrongWallet);
}

#[test]
fn i9_nobody_chooses_where_anothers_money_goes() {
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 2_000, 1, workload);
    let thief = world.wallet(9);
    world.open_epoch();
    world.batch(workload, &[(0, GOOD)]);
    world.finish(workload);
    let (net, payer) = (world.net.clone(), world.payer);
    let (mine, theirs) =
        (pda::token_account(&thief.wallet, &net.token), pda::token_account(&operator.payout, &net.token));
    let mut claim = world.claim_instruction(&operator, &[(workload, 0)]);
    claim.accounts.iter_mut().filter(|meta| meta.pubkey == theirs).for_each(|meta| meta.pubkey = mine);
    world.refuses(claim.clone(), CoverageError::WrongPayoutAccount);
    claim.accounts.iter_mut().filter(|meta| meta.pubkey == operator.payout).for_each(|meta| meta.pubkey = thief.wallet);
    world.refuses(claim, CoverageError::WrongPayout);
    world.open_epoch();
    world.send(&[ix::leave_cell(operator.wallet, net.address, workload, 0)]);
    world.send(&[ix::unbond(operator.wallet, net.address, 1_000)]);
    let until = world.get::<Operator>(&operator.account).bond.withdrawable_ts;
    assert_eq!(until, world.get::<Network>(&net.address).slashable_until_ts + EPOCH);
    world.set_time(until);
    let mut withdraw = ix::withdraw_bond(payer, net.address, &net.token, operator.wallet);
    withdraw.accounts.iter_mut().filter(|meta| meta.pubkey == operator.source).for_each(|meta| meta.pubkey = mine);
    world.refuses(withdraw, CoverageError::WrongPayoutAccount);
}
