//! Leaving: slots, operators, workloads, epochs. Everything that was paid for comes back to who paid, and what is closed stays
//! closed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

use coverage_client::batch::Statement;
use coverage_client::events::Event;
use coverage_client::{audit, instructions as ix, pda};
use coverage_math::cell::{FREE, Reason, Slot};
use coverage_settlement::ID;
use coverage_settlement::state::{Attestation, Network, Operator as OperatorAccount};
use coverage_tests::{
    ATTESTER_BOND, CoverageError, EPOCH, GENESIS, InstructionError, Operator, World, attester, entry, keypair, member,
    requirements,
};
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;

/// Lamports of a fee.
const FEE: u64 = 5_000;
/// 90 of 100 served.
const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];
/// Lamports of 192 bytes: a slot, or a page of scratch.
const ITEM: u64 = 192 * 6_960;

/// What every signer of a world begins with: the guardian has spent nothing.
fn first_lamports(world: &World) -> u64 {
    lamports(world, &world.net.guardian)
}

fn lamports(world: &World, address: &Pubkey) -> u64 {
    world.cluster.svm.get_account(address).map_or(0, |account| account.lamports)
}

fn rent_of(world: &World, address: &Pubkey) -> u64 {
    world.cluster.svm.minimum_balance_for_rent_exemption(world.account(address).data.len())
}

fn leave(world: &mut World, operator: &Operator, workload: Pubkey, slot: u16) -> Vec<Event> {
    world.events(&[ix::leave_cell(operator.wallet, world.net.address, workload, slot)])
}

/// Opens the next epoch and settles the cell for it, with nothing served.
fn pass(world: &mut World, workload: Pubkey) {
    world.open_epoch();
    world.finish(workload);
}

#[test]
fn an_operator_that_leaves_is_paid_for_the_epoch_in_hand_and_its_slot_goes_to_another() {
    let mut world = World::new();
    world.fund(5_000_000);
    let workload = world.workload(0, 1);
    let (first, second) = (world.enrolled(1, 1_000, 1, workload), world.enrolled(2, 1_000, 2, workload));
    // A slot, and for the first of a page the page.
    assert_eq!(
        [first, second].map(|it| first_lamports(&world) - lamports(&world, &it.wallet) - rent_of(&world, &it.account)),
        [2 * ITEM, ITEM]
    );
    world.open_epoch();
    let events = leave(&mut world, &first, workload, 0);
    let [Event::CellLeft(left)] = events[..] else { panic!() };
    assert_eq!((left.workload, left.operator, left.slot, left.left_epoch), (workload, first.account, 0, 1));
    let again = ix::leave_cell(first.wallet, world.net.address, workload, 0);
    world.refuses(again, CoverageError::AlreadyLeft);
    let sync = ix::sync_slot(world.net.address, first.account, workload, 0);
    world.refuses(sync, CoverageError::AlreadyLeft);
    world.batch(workload, &[(0, GOOD), (1, GOOD)]);
    let (_, slots) = world.finish(workload);
    assert_eq!([slots[0].reward, slots[1].reward], [494_999, 494_999], "0.9 · (1 − 0.45) each, rounded down");

    world.open_epoch();
    let late = world.statement(workload, &[entry(0, GOOD)]);
    world.endorse(&late);
    world.refuses(late.apply(world.payer), CoverageError::SlotNotEffective);
    let release = ix::release_slot(first.account, workload, 0);
    world.refuses(release.clone(), CoverageError::SlotInUse); // the last settlement is still to be audited
    world.batch(workload, &[(1, GOOD)]);
    let (cell, slots) = world.finish(workload);
    assert_eq!((slots[0].reason, slots[1].reason), (Reason::Retired as u8, Reason::Paid as u8));
    assert_eq!(slots[1].reward, cell.last.pool * 9 / 10);
    world.refuses(release.clone(), CoverageError::SlotInUse); // its reward is unclaimed
    assert_eq!(world.claim(&first, &[(workload, 0)]), 494_999);
    let events = world.events(&[release]);
    let [Event::SlotReleased(freed)] = events[..] else { panic!() };
    assert_eq!((freed.workload, freed.slot, freed.slots, freed.payer), (workload, 0, 2, first.wallet));
    let (_, slots) = world.cell(workload);
    assert_eq!((slots[0], slots[1].state), (Slot::free(first.wallet.to_bytes()), 0));
    assert_eq!(world.get::<OperatorAccount>(&first.account).cells, 0);

    hands_over(&mut world, workload, [first, second]);
}

/// Enrols a third operator in the free slot of the first of two.
fn hands_over(world: &mut World, workload: Pubkey, [first, second]: [Operator; 2]) {
    let third = world.operator(3, 1_000);
    let before = [first, third].map(|it| lamports(world, &it.wallet));
    let size = world.account(&pda::cell(&workload)).data.len();
    let [commit, mut enroll] = world.enrolment(&third, workload);
    world.send(&[commit]);
    let refund = enroll.accounts.pop().unwrap();
    assert_eq!(refund.pubkey, first.wallet);
    world.refuses(enroll.clone(), CoverageError::WrongRefund); // nobody to pay back
    enroll.accounts.push(refund.clone());
    enroll.accounts.last_mut().unwrap().pubkey = second.wallet;
    world.refuses(enroll.clone(), CoverageError::WrongRefund);
    enroll.accounts.last_mut().unwrap().pubkey = first.wallet;
    world.send(&[enroll]);
    let after = [first, third].map(|it| lamports(world, &it.wallet));
    assert_eq!((after[0] - before[0], before[1] - after[1]), (2 * ITEM, 2 * ITEM));
    assert_eq!(world.account(&pda::cell(&workload)).data.len(), size);
    let (cell, slots) = world.cell(workload);
    assert_eq!((slots[0].operator, slots[0].joined_epoch, slots[0].earned), (third.account.to_bytes(), 3, 0));
    assert_eq!(audit::settlement(&cell, &slots), (2, vec![]));
    pass(world, workload);
    assert_eq!(world.cell(workload).1[0].reason, Reason::NotYetEffective as u8);
    world.open_epoch();
    world.batch(workload, &[(0, GOOD)]);
    let (cell, slots) = world.finish(workload);
    assert_eq!((slots[0].reason, slots[0].reward), (Reason::Paid as u8, cell.last.pool * 9 / 10));
    assert_eq!(audit::settlement(&cell, &slots), (2, vec![]));
    assert_eq!(world.claim(&third, &[(workload, 0)]), cell.last.pool * 9 / 10);
}

#[test]
fn a_breach_keeps_the_slot_until_it_is_slashed() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 2_000, 1, workload);
    world.open_epoch();
    world.batch(workload, &[(0, [9, 0, 0, 0, 0, 0, 1])]);
    leave(&mut world, &operator, workload, 0);
    world.finish(workload);
    pass(&mut world, workload);
    let release = ix::release_slot(operator.account, workload, 0);
    world.refuses(release.clone(), CoverageError::SlotInUse);
    world.send(&[ix::slash_operator(world.net.address, operator.account, workload, 0)]);
    world.send(&[release]);
    assert_eq!(
        (
            world.get::<OperatorAccount>(&operator.account).bond.units,
            world.get::<Network>(&world.net.address).treasury_available
        ),
        (1_800, 200)
    );
}

#[test]
fn an_operator_may_come_back_to_the_slot_it_left() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 1_000, 1, workload);
    leave(&mut world, &operator, workload, 0); // before the first epoch: it never counts
    assert_eq!(world.cell(workload).1[0].left_epoch, 0);
    pass(&mut world, workload);
    world.send(&[ix::release_slot(operator.account, workload, 0)]);
    let before = lamports(&world, &operator.wallet);
    assert_eq!(world.enroll(&operator, workload), 0);
    assert_eq!(lamports(&world, &operator.wallet), before, "it paid itself back");
    assert_eq!(world.cell(workload).1[0].joined_epoch, 2, "epoch 1 has begun");
}

#[test]
fn free_slots_at_the_end_are_trimmed_and_their_rent_returned_page_by_page() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let [first, second] = [1, 2].map(|number| world.enrolled(number, 1_000, 1, workload));
    let trim = |payers: &[Pubkey]| ix::trim_cell(workload, payers);
    world.refuses(trim(&[second.wallet]), CoverageError::SlotInUse);
    // 98 slots that others had and left: two pages of scratch.
    let mut slots = world.cell(workload).1;
    slots.resize(98, Slot::free(first.wallet.to_bytes()));
    slots[97] = Slot::free(second.wallet.to_bytes());
    let address = pda::cell(&workload);
    world.forge().slots(&address, &slots, |cell| cell.free = 96);
    world.refuses(trim(&[first.wallet]), CoverageError::WrongRefund);
    world.refuses(trim(&[second.wallet, second.wallet]), CoverageError::WrongRefund);
    let wallets = [first, second].map(|it| it.wallet);
    let before = wallets.map(|wallet| lamports(&world, &wallet));
    let empty = world.account(&address);
    let events = world.events(&[trim(&[second.wallet, first.wallet])]);
    let [Event::SlotReleased(last), Event::SlotReleased(one_more)] = events[..] else { panic!() };
    assert_eq!((last.slot, last.slots, last.payer), (97, 97, second.wallet));
    assert_eq!((one_more.slot, one_more.slots, one_more.payer), (96, 96, first.wallet));
    // The 97th slot takes the second page with it.
    let got = [0, 1].map(|at| lamports(&world, &wallets[at]) - before[at]);
    assert_eq!(got, [2 * ITEM, ITEM]);
    let trimmed = world.account(&address);
    assert_eq!((empty.data.len() - trimmed.data.len(), empty.lamports - trimmed.lamports), (3 * 192, 3 * ITEM));
    world.send(&[trim(&[first.wallet; 60])]);
    world.send(&[trim(&[first.wallet; 34])]);
    assert_eq!(lamports(&world, &first.wallet) - before[0], (2 + 94) * ITEM);
    world.refuses(trim(&[first.wallet]), CoverageError::SlotInUse);
    assert_eq!(world.cell(workload).0.slots, 2);
    assert_eq!(lamports(&world, &address), rent_of(&world, &address));
    world.send(&[trim(&[])]);
}

#[test]
fn a_retired_operator_registers_anew_and_nothing_signed_before_counts() {
    let mut world = World::new();
    let workload = world.workload(0, 1);
    let operator = world.enrolled(1, 1_000, 7, workload);
    let network = world.net.address;
    // The committee signs the next failure domain, and nobody applies it.
    let next = (1 << 32) + 1;
    assert_eq!(world.get::<OperatorAccount>(&operator.account).domain_version, next);
    let signed = Statement::failure_domain(network, operator.account, 8, next, world.generation());
    world.endorse(&signed);
    let retire = ix::retire_operator(operator.wallet, network);
    world.open_epoch();
    leave(&mut world, &operator, workload, 0);
    world.refuses(retire.clone(), CoverageError::OperatorInUse);
    world.finish(workload);
    pass(&mut world, workload);
    world.send(&[ix::release_slot(operator.account, workload, 0)]);
    world.refuses(retire.clone(), CoverageError::OperatorInUse); // its bond is there
    world.open_epoch();
    world.send(&[ix::unbond(operator.wallet, network, 1_000)]);
    world.refuses(retire.clone(), CoverageError::OperatorInUse);
    let until = world.get::<OperatorAccount>(&operator.account).bond.withdrawable_ts;
    world.set_time(until);
    world.send(&[ix::withdraw_bond(world.payer, network, &world.net.token, operator.wallet)]);
    let (before, rent) = (lamports(&world, &operator.wallet), rent_of(&world, &operator.account));
    let events = world.events(&[retire]);
    let [Event::OperatorRetired(retired)] = events[..] else { panic!() };
    assert_eq!((retired.network, retired.operator, retired.claimed_units), (network, operator.account, 0));
    assert_eq!(lamports(&world, &operator.wallet) - before, rent);
    assert_eq!(lamports(&world, &operator.account), 0);

    world.send(&[world.registration(&operator, 5_000)]);
    let anew: OperatorAccount = world.get(&operator.account);
    assert_eq!((anew.domain_version, anew.domain, anew.cells), (2 << 32, 0, 0));
    assert_eq!(anew.capability_root, [0; 32]);
    world.refuses(signed.apply(world.payer), CoverageError::WrongSequence);
    world.attest_domain(&operator, 9);
    assert_eq!(world.get::<OperatorAccount>(&operator.account).domain, 9);
    world.refuses(signed.apply(world.payer), CoverageError::WrongSequence);
}

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
