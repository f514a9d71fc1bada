//! Leaving: slots, operators, workloads, epochs. Everything that was paid for comes back to who paid, and what is closed stays
//! closed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

mod closing;

use coverage_client::batch::Statement;
use coverage_client::events::Event;
use coverage_client::{audit, instructions as ix, pda};
use coverage_math::cell::{Reason, Slot};
use coverage_settlement::state::{Network, Operator as OperatorAccount};
use coverage_tests::{CoverageError, Operator, World, entry};
use solana_program::pubkey::Pubkey;

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
