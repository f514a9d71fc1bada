//! Slots and pools: what is counted is taken back exactly, and a staged change never touches an epoch begun.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, clippy::indexing_slicing)]

use bytemuck::Zeroable;
use coverage_math::attestation::Entry;
use coverage_math::cell::{
    ACTIVE, CellError, FREE, LEFT, Progress, Reason, Slot, Terms, add_entries, find, remove_entries, settle,
};
use coverage_math::pool::{self, Remainder};
use coverage_math::reliability::OUTCOMES;
use coverage_math::semivalue::Rule;
use proptest::prelude::*;

type Counts = [u32; OUTCOMES];

/// The outcome that is no attempt.
const ROUTING_FAILED: usize = 4;

fn counts() -> impl Strategy<Value = Counts> {
    prop_oneof![
        4 => prop::array::uniform7(0u32..5),
        1 => prop::array::uniform7(0u32..1 << 31),
        1 => prop::array::uniform7(any::<u32>()),
    ]
}

fn entry(slot: u16, counts: Counts) -> Entry {
    Entry { slot, reserved: 0, counts }
}

fn settle_epoch(slots: &mut [Slot], epoch: u64) {
    let terms = Terms { epoch, rule: Rule::Shapley, z_milli: 0, breach_bps: 10_000, slash_bps: 1_000, pool: 1_000 };
    let mut order = vec![0; slots.len()];
    settle(slots, &mut order, &mut Progress::zeroed(), &terms, u64::MAX).unwrap().unwrap();
}

/// What bond and failure domain a slot has in each of a few epochs, by the book.
#[derive(Clone)]
struct Book {
    terms: [(u64, u32); 10],
    in_hand: u64,
    first_free: u64,
    /// The epoch of the last change.
    changed: u64,
}

impl Book {
    fn check(&self, slot: &Slot) {
        for epoch in self.in_hand..self.terms.len() as u64 {
            let staged = epoch >= slot.staged_epoch;
            let seen = if staged { (slot.staged_bond, slot.staged_domain) } else { (slot.bond, slot.domain) };
            assert_eq!(seen, self.terms[epoch as usize], "epoch {epoch} of {slot:?}");
        }
    }

    /// Has the slot's terms be `wanted` from the first free epoch on, if no other change waits before it.
    fn stage(&mut self, slot: &mut Slot, wanted: (u64, u32)) {
        let before = *slot;
        let staged = slot.stage(wanted.0, wanted.1, self.first_free, self.in_hand);
        if self.terms[9] == wanted {
            assert_eq!((staged, *slot), (Ok(false), before), "nothing is new");
        } else if self.changed > self.in_hand && self.changed != self.first_free {
            assert_eq!((staged, *slot), (Err(CellError::StagedBefore), before), "an earlier change waits");
        } else {
            assert_eq!(staged, Ok(true));
            assert_eq!(slot.staged_epoch, self.first_free);
            self.changed = self.first_free;
            self.terms[self.first_free as usize..].fill(wanted);
        }
    }

    fn settle(&mut self, slot: &mut Slot) {
        settle_epoch(core::slice::from_mut(slot), self.in_hand);
        let used = (slot.settled_bond, slot.settled_domain);
        assert_eq!(used, self.terms[self.in_hand as usize], "epoch {}", self.in_hand);
        self.in_hand += 1;
    }
}

/// Plays every sequence of so many moves: changes, a new epoch by the clock, a settlement of the epoch in hand.
fn play(slot: Slot, book: &Book, moves: u32) -> u64 {
    book.check(&slot);
    if moves == 0 {
        return 1;
    }
    let mut games = 0;
    for wanted in [(1, 1), (1, 2), (2, 1)] {
        let (mut slot, mut book) = (slot, book.clone());
        book.stage(&mut slot, wanted);
        games += play(slot, &book, moves - 1);
    }
    games += play(slot, &Book { first_free: book.first_free + 1, ..book.clone() }, moves - 1);
    if book.in_hand + 1 < book.first_free {
        let (mut slot, mut book) = (slot, book.clone());
        book.settle(&mut slot);
        games += play(slot, &book, moves - 1);
    }
    games
}

#[test]
fn i6_no_sequence_of_changes_and_settlements_changes_an_epoch_begun() {
    // The cell of a new workload has the first free epoch in hand; an older one lags behind.
    let mut games = 0;
    for (in_hand, first_free) in [(1, 1), (0, 1), (0, 2)] {
        let slot = Slot::new([7; 32], 1, 1, first_free);
        let book = Book { terms: [(1, 1); 10], in_hand, first_free, changed: first_free };
        games += play(slot, &book, 7);
    }
    assert_eq!(games, 115_025);
}

#[test]
fn a_slot_counts_from_its_first_epoch_until_it_has_left() {
    for joined in 0..5u64 {
        for left in 0..5u64 {
            for epoch in 0..6u64 {
                for (state, gone) in [(ACTIVE, false), (LEFT, epoch >= left), (FREE, epoch >= left)] {
                    let slot = Slot { state, left_epoch: left, ..Slot::new([7; 32], 1, 1, joined) };
                    assert_eq!(slot.counts_in(epoch), epoch >= joined && !gone, "{joined} {left} {epoch} {state}");
                    let mut slots = [slot];
                    let served = entry(0, [9, 0, 0, 0, 0, 0, 0]);
                    let added = add_entries(&mut slots, &[served], epoch);
                    assert_eq!(added, if slot.counts_in(epoch) { Ok(9) } else { Err(CellError::NotEffective) });
                    settle_epoch(&mut slots, epoch);
                    let expected = match (gone, epoch >= joined) {
                        (true, _) => Reason::Retired,
                        (false, false) => Reason::NotYetEffective,
                        (false, true) => Reason::Paid,
                    };
                    assert_eq!(slots[0].reason, expected as u8, "{joined} {left} {epoch} {state}");
                }
            }
        }
    }
}

#[test]
fn a_new_slot_has_one_bond_and_domain_and_a_free_one_nothing_but_its_payer() {
    let slot = Slot::new([7; 32], 5, 6, 8);
    let expected = Slot {
        operator: [7; 32],
        bond: 5,
        staged_bond: 5,
        staged_epoch: 8,
        joined_epoch: 8,
        domain: 6,
        staged_domain: 6,
        ..Slot::zeroed()
    };
    assert_eq!(slot, expected);
    let free = Slot::free([9; 32]);
    assert_eq!(free, Slot { operator: [9; 32], state: FREE, joined_epoch: u64::MAX, ..Slot::zeroed() });
    for epoch in [0, 1, u64::MAX - 1, u64::MAX] {
        assert!(!free.counts_in(epoch), "{epoch}");
        let mut slots = [free];
        settle_epoch(&mut slots, epoch);
        assert_eq!((slots[0].reason, slots[0].earned), (Reason::Retired as u8, 0));
    }
}

#[test]
fn entries_must_be_for_increasing_slots_of_the_cell() {
    let cell = [Slot::new([7; 32], 1, 1, 0); 3];
    let one = |slot| entry(slot, [1, 0, 0, 0, 0, 0, 2]);
    let refused = |entries: &[Entry]| add_entries(&mut cell.clone(), entries, 0);
    assert_eq!(refused(&[one(0), one(2)]), Ok(6));
    assert_eq!(refused(&[]), Ok(0));
    assert_eq!(refused(&[one(0), one(0)]), Err(CellError::BadSlot), "twice");
    assert_eq!(refused(&[one(1), one(0)]), Err(CellError::BadSlot), "backwards");
    assert_eq!(refused(&[one(3)]), Err(CellError::BadSlot), "past the last");
    assert_eq!(refused(&[one(u16::MAX)]), Err(CellError::BadSlot));
    for reserved in [1, 256, u16::MAX] {
        assert_eq!(refused(&[Entry { reserved, ..one(0) }]), Err(CellError::BadSlot), "{reserved}");
    }
    assert_eq!(remove_entries(&mut cell.clone(), &[one(3)]), Err(CellError::BadSlot));
    assert_eq!(remove_entries(&mut cell.clone(), &[one(0)]), Err(CellError::NotCounted));
}

#[test]
fn attempts_and_routing_failures_fill_32_bits_each() {
    for outcome in 0..OUTCOMES {
        let mut slot = Slot::new([7; 32], 1, 1, 0);
        let only = |count: u32| core::array::from_fn(|index| if index == outcome { count } else { 0 });
        assert_eq!(slot.add(&only(u32::MAX - 1)), Ok(()));
        assert_eq!(slot.add(&only(2)), Err(CellError::TooManyAttempts), "{outcome}");
        assert_eq!(slot.add(&only(1)), Ok(()), "{outcome}");
        assert_eq!(slot.tally, only(u32::MAX));
        assert_eq!(slot.add(&only(1)), Err(CellError::TooManyAttempts), "{outcome}");
    }
}

#[test]
fn an_operator_is_found_by_all_bytes_of_its_address() {
    let mut near = [7; 32];
    near[31] = 8;
    let slots = [near, [7; 32], [7; 32]].map(|operator| Slot::new(operator, 1, 1, 0));
    assert_eq!(find(&slots, &[7; 32]), Some(1), "the first of two");
    assert_eq!(find(&slots, &near), Some(0));
    assert_eq!(find(&slots, &[8; 32]), None);
    assert_eq!(find(&[], &[7; 32]), None);
}

#[test]
fn i2_pools_and_what_they_leave_are_exact_or_refused() {
    assert_eq!(pool::pool(3, 5, 7, 11), Some(33));
    assert_eq!(pool::pool(0, 5, 0, 0), Some(0));
    assert_eq!(pool::pool(1, u64::MAX - 3, 1, 2), Some(u64::MAX));
    for (unit, weight, carry, sponsored) in [(2, 1 << 63, 0, 0), (1, u64::MAX, 1, 0), (1, u64::MAX - 1, 1, 1)] {
        assert_eq!(pool::pool(unit, weight, carry, sponsored), None, "{unit} {weight} {carry} {sponsored}");
    }
    assert_eq!([pool::unit(100, 70, 8), pool::unit(70, 100, 8), pool::unit(100, 70, 0)], [8, 8, 0]);
    assert_eq!(
        [pool::carry_cap(3, 5, 7), pool::carry_cap(0, 5, 7), pool::carry_cap(2, u64::MAX, 1)],
        [105, 0, u64::MAX]
    );
    assert_eq!([pool::reward(1_000, 1 << 63), pool::reward(1_000, u64::MAX), pool::reward(0, u64::MAX)], [500, 999, 0]);
    assert_eq!(pool::remainder(100, 40, 25), Some(Remainder { carry: 25, returned: 35 }));
    assert_eq!(pool::remainder(100, 40, 60), Some(Remainder { carry: 60, returned: 0 }));
    assert_eq!(pool::remainder(100, 100, 9), Some(Remainder { carry: 0, returned: 0 }));
    assert_eq!(pool::remainder(100, 101, 9), None);
}

#[test]
fn reasons_have_numbers_and_errors_words() {
    let reasons = [
        Reason::None,
        Reason::Paid,
        Reason::NoEvidence,
        Reason::NotYetEffective,
        Reason::VerificationBreach,
        Reason::Dominated,
        Reason::Retired,
    ];
    for (number, reason) in (0u8..).zip(reasons) {
        assert_eq!((Reason::from_index(number), reason as u8), (Some(reason), number));
    }
    assert!((7..=u8::MAX).all(|number| Reason::from_index(number).is_none()));
    assert_eq!(CellError::NotCounted.to_string(), "counts to take back were never added");
    assert_eq!(CellError::BadSlot.to_string(), "entries must be for strictly increasing slots of the cell");
}

proptest! {
    #[test]
    fn adding_refuses_what_32_bits_do_not_hold_and_removing_undoes_the_rest(first in counts(), second in counts()) {
        let mut slot = Slot::new([7; 32], 1, 1, 0);
        let mut tally = [0u64; OUTCOMES];
        let mut added = Vec::new();
        for counts in [first, second, first] {
            let before = slot;
            let next: [u64; OUTCOMES] = core::array::from_fn(|index| tally[index] + u64::from(counts[index]));
            let routing = next[ROUTING_FAILED];
            let attempts = next.iter().sum::<u64>() - routing;
            if attempts <= u64::from(u32::MAX) && routing <= u64::from(u32::MAX) {
                prop_assert_eq!(slot.add(&counts), Ok(()));
                prop_assert_eq!(slot.tally.map(u64::from), next);
                tally = next;
                added.push((before, counts));
            } else {
                prop_assert_eq!(slot.add(&counts), Err(CellError::TooManyAttempts));
                prop_assert_eq!(slot, before);
            }
        }
        for (before, counts) in added.into_iter().rev() {
            prop_assert_eq!(slot.remove(&counts), Ok(()));
            prop_assert_eq!(slot, before);
        }
    }

    #[test]
    fn removing_what_was_not_added_changes_nothing(added in counts(), removed in counts()) {
        let mut slot = Slot { tally: added, ..Slot::new([7; 32], 1, 1, 0) };
        let before = slot;
        let possible = added.iter().zip(&removed).all(|(have, take)| have >= take);
        prop_assert_eq!(slot.remove(&removed), if possible { Ok(()) } else { Err(CellError::NotCounted) });
        let rest = core::array::from_fn(|index| if possible { added[index] - removed[index] } else { added[index] });
        prop_assert_eq!(slot, Slot { tally: rest, ..before });
    }

    #[test]
    fn a_batch_adds_to_its_slots_alone_and_comes_out_of_any_pile_of_batches(
        batches in prop::collection::vec(prop::collection::btree_map(0u16..9, prop::array::uniform7(0u32..9), 0..9), 1..6),
        number in any::<prop::sample::Index>(),
    ) {
        let entries: Vec<Vec<Entry>> =
            batches.iter().map(|batch| batch.iter().map(|(slot, counts)| entry(*slot, *counts)).collect()).collect();
        let add = |slots: &mut [Slot], entries: &[Entry]| {
            let receipts = entries.iter().flat_map(|entry| entry.counts).map(u64::from).sum();
            assert_eq!(add_entries(slots, entries, 3), Ok(receipts));
        };
        let mut all = [Slot::new([7; 32], 1, 1, 3); 9];
        entries.iter().for_each(|batch| add(&mut all, batch));
        for (number, slot) in all.iter().enumerate() {
            let expected = |outcome: usize| -> u32 {
                batches.iter().filter_map(|batch| batch.get(&(number as u16))).map(|counts| counts[outcome]).sum()
            };
            prop_assert_eq!(slot.tally, core::array::from_fn(expected));
        }
        let removed = number.index(entries.len());
        let mut others = [Slot::new([7; 32], 1, 1, 3); 9];
        entries.iter().enumerate().filter(|(number, _)| *number != removed).for_each(|(_, batch)| add(&mut others, batch));
        prop_assert_eq!(remove_entries(&mut all, &entries[removed]), Ok(()));
        prop_assert_eq!(all, others);
    }
}
