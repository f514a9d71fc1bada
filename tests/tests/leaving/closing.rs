//! What is closed when nobody needs it any more: epochs, attestations, and in the end everything.

use crate::{FEE, GOOD, first_lamports, lamports, rent_of};
use coverage_client::batch::Statement;
use coverage_client::events::Event;
use coverage_client::{audit, instructions as ix, pda};
use coverage_math::cell::FREE;
use coverage_settlement::ID;
use coverage_settlement::state::{Attestation, Network, Operator as OperatorAccount};
use coverage_tests::{
    ATTESTER_BOND, CoverageError, EPOCH, GENESIS, InstructionError, Operator, World, attester, entry, keypair, member,
    requirements,
};
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;

#[test]
fn an_epoch_closes_when_its_last_cell_has_told() {
    let mut world = World::new();
    let net = world.net.clone();
    let workloads = [0, 1, 2].map(|id| world.workload(id, 1));
    world.open_epoch();
    world.open_epoch();
    assert_eq!([world.epoch(0).cells_left, world.epoch(1).cells_left], [3, 3]);
    let close = |epoch, cells: &[Pubkey]| ix::close_epoch(world_payer(), net.address, epoch, cells);
    world.refuses(close(0, &workloads[..1]), CoverageError::EpochInUse);
    for workload in workloads {
        world.finish(workload);
    }
    world.finish(workloads[0]);
    world.refuses(close(1, &workloads[..1]), CoverageError::EpochInUse); // epoch 0 first
    world.refuses(close(0, &[workloads[0], workloads[0]]), CoverageError::EpochInUse);
    let stranger = ix::close_epoch(net.authority, net.address, 0, &workloads);
    world.refuses(stranger, CoverageError::WrongPayer);
    assert_eq!(world.events(&[close(0, &workloads[..2])]).len(), 0);
    assert_eq!((world.epoch(0).cells_left, world.cell(workloads[0]).0.reported_epoch), (1, 1));
    world.refuses(close(0, &workloads[..1]), CoverageError::EpochInUse);
    assert_eq!(world.events(&[close(0, &[])]).len(), 0, "nobody told anything");
    let (before, rent) = (lamports(&world, &world.payer), rent_of(&world, &pda::epoch(&net.address, 0)));
    let events = world.events(&[close(0, &workloads[2..])]);
    let [Event::EpochClosed(closed)] = events[..] else { panic!() };
    assert_eq!((closed.network, closed.epoch), (net.address, 0));
    assert_eq!(lamports(&world, &world.payer), before + rent - FEE);
    assert_eq!(lamports(&world, &pda::epoch(&net.address, 0)), 0);
    world.refuses(close(1, &workloads), CoverageError::EpochInUse); // two have not settled it
    world.send(&[close(1, &workloads[..1])]);
    assert_eq!(world.epoch(1).cells_left, 2);
}

/// Who pays the fees of every world.
fn world_payer() -> Pubkey {
    Keypair::new_from_array([1; 32]).pubkey()
}

#[test]
fn an_epoch_without_workloads_closes_at_once() {
    let mut world = World::new();
    world.open_epoch();
    let events = world.events(&[ix::close_epoch(world.payer, world.net.address, 0, &[])]);
    assert!(matches!(events[..], [Event::EpochClosed(_)]));
}

#[test]
fn a_workload_retired_before_its_first_epoch_closes_at_once() {
    let mut world = World::new();
    let net = world.net.clone();
    let before = lamports(&world, &net.authority);
    let workload = world.workload(0, 1);
    world.send(&[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
    world.send(&[ix::close_cell(net.authority, workload)]);
    assert_eq!(before - lamports(&world, &net.authority), rent_of(&world, &workload));
    world.open_epoch();
    assert_eq!((world.epoch(0).cells_left, world.epoch(0).total_weight), (0, 0));
}

#[test]
fn an_attestation_is_closed_by_who_opened_it_and_what_was_signed_counts_once_all_the_same() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    world.enrolled(1, 1_000, 1, workload);
    world.open_epoch();
    let statement = world.statement(workload, &[entry(0, GOOD)]);
    let before = lamports(&world, &world.payer);
    world.endorse(&statement);
    let address = statement.address(&world.payer);
    assert_eq!(world.get::<Attestation>(&address).endorsers, 0b1_1111);
    world.refuses(ix::close_attestation(world.net.authority, address), CoverageError::WrongPayer);
    world.send(&[ix::close_attestation(world.payer, address)]);
    assert_eq!(lamports(&world, &address), 0);
    // Uploading, endorsing with five signatures more, what was refused to two signers, closing.
    assert_eq!(before - lamports(&world, &world.payer), (1 + 6 + 2 + 1) * FEE);
    // Uploaded again it has no endorsements until they are given again, and applies once.
    world.upload(&statement);
    world.refuses(statement.apply(world.payer), CoverageError::NoQuorum);
    for pair in statement.endorse(world.payer, &world.net.attesters) {
        world.send(&pair);
    }
    world.send(&[statement.apply(world.payer)]);
    world.endorse(&statement);
    world.refuses(statement.apply(world.payer), CoverageError::WrongSequence);
    assert_eq!(world.cell(workload).1[0].tally, GOOD);
}

/// Retires the only workload, settles what it is paid for, and closes everything but network, committee and workload.
#[test]
fn at_the_end_everything_is_closed_and_every_lamport_and_unit_is_where_it_belongs() {
    let mut world = World::new();
    let net = world.net.clone();
    let authority = lamports(&world, &net.authority);
    world.fund(2_500_000);
    let workload = world.workload(0, 1);
    let operators = [1, 2].map(|number| world.enrolled(number, 1_000, u32::from(number), workload));
    world.open_epoch();
    let applied = world.statement(workload, &[entry(0, GOOD), entry(1, GOOD)]);
    world.apply(&applied);
    world.finish(workload);
    world.open_epoch();
    world.batch(workload, &[(0, GOOD)]);
    world.batch(workload, &[(1, GOOD)]);
    world.send(&[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
    let close = ix::close_cell(net.authority, workload);
    world.refuses(close.clone(), CoverageError::CellInUse);
    world.finish(workload);
    world.refuses(close.clone(), CoverageError::CellInUse); // slots
    for (slot, operator) in operators.iter().enumerate() {
        let slot = slot as u16;
        // Nobody has to leave a workload that is over.
        world.refuses(ix::release_slot(operator.account, workload, slot), CoverageError::SlotInUse); // unclaimed
        // 0.495 of 1,000,000 and then of 1,010,002, both rounded down.
        assert_eq!(world.claim(operator, &[(workload, slot)]), 494_999 + 499_950);
        world.send(&[ix::release_slot(operator.account, workload, slot)]);
        // What the last settlement was computed from goes, and its summary with it: the audit has nothing to object to.
        let (cell, slots) = world.cell(workload);
        assert_eq!(audit::settlement(&cell, &slots), (0, Vec::new()));
    }
    assert!(world.cell(workload).1.iter().all(|slot| slot.state == FREE));
    world.refuses(close.clone(), CoverageError::CellInUse); // not trimmed
    world.send(&[ix::trim_cell(workload, &[operators[1].wallet, operators[0].wallet])]);
    world.refuses(close.clone(), CoverageError::CellInUse); // carry
    world.send(&[ix::sweep_cell(net.address, workload)]);
    world.refuses(close.clone(), CoverageError::CellInUse); // not told
    for epoch in 0..2 {
        world.send(&[ix::close_epoch(world.payer, net.address, epoch, &[workload])]);
    }
    world.refuses(ix::close_cell(world.payer, workload), CoverageError::WrongPayer);
    let events = world.events(std::slice::from_ref(&close));
    let [Event::CellClosed(closed)] = events[..] else { panic!() };
    assert_eq!((closed.workload, closed.epoch), (workload, 2));
    leave_with_bonds(&mut world, &operators);
    owes_nothing(&world, workload, &operators, authority);
    replays_fail(&mut world, workload, &applied);
}

/// Nothing is left but network, committee and workload, and what was paid for anything else is back with who paid.
/// `authority` is what the authority had before the workload.
fn owes_nothing(world: &World, workload: Pubkey, operators: &[Operator; 2], authority: u64) {
    let net = &world.net;
    let owned = world.cluster.svm.get_program_accounts(&ID);
    let mut left: Vec<_> =
        owned.iter().filter(|(_, account)| account.lamports > 0).map(|(address, _)| *address).collect();
    let mut expected = vec![net.address, pda::committee(&net.address), workload];
    left.sort_unstable();
    expected.sort_unstable();
    assert_eq!(left, expected);
    for address in &expected {
        assert_eq!(lamports(world, address), rent_of(world, address));
    }
    assert_eq!(operators.each_ref().map(|operator| lamports(world, &operator.wallet)), [first_lamports(world); 2]);
    // The authority has its rent back, and that of two records of the log, which came out of what attestations had paid.
    let records = 2 * 88 * 6_960;
    assert_eq!(lamports(world, &net.authority), authority - rent_of(world, &workload) + records);
    // Five bonds of attesters and the treasury are all there is in the vault.
    let network: Network = world.get(&net.address);
    assert_eq!((network.operator_bonds, network.attester_bonds), (0, 5 * ATTESTER_BOND));
    assert_eq!(network.treasury_available, 2_500_000 - 2 * 994_949);
    assert_eq!(world.cluster.tokens(&network.vault), network.treasury_available + network.attester_bonds);
    assert_eq!((network.next_epoch, network.workloads, network.total_weight), (2, 0, 0));
}

/// Takes all bonds out and retires the operators.
fn leave_with_bonds(world: &mut World, operators: &[Operator; 2]) {
    let net = world.net.clone();
    // No epoch is in progress that is not open: the third begins when its second comes.
    let now = GENESIS + 2 * EPOCH - 1;
    world.set_time(now);
    for operator in operators {
        world.send(&[ix::unbond(operator.wallet, net.address, 1_000)]);
        let until = world.get::<OperatorAccount>(&operator.account).bond.withdrawable_ts;
        assert_eq!(until, GENESIS + 2 * EPOCH + 30 + EPOCH);
    }
    world.set_time(GENESIS + 2 * EPOCH + 30 + EPOCH);
    for operator in operators {
        world.send(&[ix::withdraw_bond(world.payer, net.address, &net.token, operator.wallet)]);
        world.send(&[ix::retire_operator(operator.wallet, net.address)]);
        assert_eq!(world.cluster.tokens(&operator.source), 1 << 53);
    }
}

/// Nothing that was closed is made again.
fn replays_fail(world: &mut World, workload: Pubkey, applied: &Statement) {
    let net = world.net.clone();
    for epoch in 0..2 {
        let open = ix::open_epoch(world.payer, net.address, epoch);
        world.refuses(open, InstructionError::InvalidSeeds);
    }
    // An attestation may be uploaded again, but there is no cell it could be applied to, and no epoch.
    world.endorse(applied);
    world.refuses(applied.apply(world.payer), InstructionError::UninitializedAccount);
    let again = ix::register_workload(net.authority, net.address, 0, 1, requirements());
    world.refuses(again, InstructionError::Custom(0)); // the workload's account is there for good
    world.refuses(ix::close_cell(net.authority, workload), InstructionError::AccountDataTooSmall);
    world.refuses(ix::sweep_cell(net.address, workload), InstructionError::AccountDataTooSmall);
    let close = ix::close_epoch(world.payer, net.address, 0, &[]);
    world.refuses(close, InstructionError::AccountDataTooSmall);
    let operator = keypair(b'o', 0, 1).pubkey();
    let retire = ix::retire_operator(operator, net.address);
    world.refuses(retire, InstructionError::AccountDataTooSmall);
    // The committee goes on: a place is given away only when its bond is out.
    let seat = ix::update_committee(net.authority, net.address, vec![member(0, &attester(net.id, 9), 1)]);
    world.refuses(seat, CoverageError::PlaceTaken);
}
