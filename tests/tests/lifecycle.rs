//! Networks from their founding to the last claim, on the compiled program. Numbers are written out where they can be read off
//! the model, and computed again by `coverage_math` where they cannot.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

use bytemuck::Zeroable;
use coverage_client::{accounts, audit, instructions as ix, pda};
use coverage_math::cell::{self, Progress, Reason, Settled, Slot, Terms};
use coverage_math::hash::{Sha256, Software};
use coverage_settlement::state::{Cell, Config, Network, Operator as OperatorAccount, Phase, Workload};
use coverage_tests::{CHALLENGE, CoverageError, EPOCH, GENESIS, GRACE, World, config, keypair};
use solana_program::pubkey::Pubkey;

/// What the kernel makes of a sealed cell off-chain, `budget` at a time, and how many calls it takes.
fn kernel(world: &World, workload: Pubkey, budget: u64) -> (Vec<Slot>, Settled, usize) {
    let (cell, mut slots) = world.cell(workload);
    let config = world.epoch(cell.epoch).config;
    let terms = Terms {
        epoch: cell.epoch,
        rule: config.rule().ok().unwrap(),
        z_milli: config.z_milli,
        breach_bps: config.breach_bps,
        slash_bps: config.slash_bps,
        pool: cell.pool,
    };
    let (mut order, mut progress) = (vec![0; slots.len()], Progress::zeroed());
    for calls in 1.. {
        if let Some(settled) = cell::settle(&mut slots, &mut order, &mut progress, &terms, budget).unwrap() {
            return (slots, settled, calls);
        }
    }
    unreachable!("the loop has no end")
}

/// Seals and settles a cell; asserts that it holds what the kernel computes off-chain, and that the audit agrees.
fn finish(world: &mut World, workload: Pubkey) -> (Cell, Vec<Slot>) {
    world.seal(workload);
    let (expected, settled, _) = kernel(world, workload, u64::MAX);
    assert_eq!(world.settle_by(workload, ix::SETTLE_STEPS), 1);
    let (cell, slots) = world.cell(workload);
    assert_eq!(slots, expected);
    assert_eq!((cell.last.coverage_q64, cell.last.paid), (settled.coverage_q64, settled.paid));
    let summary = &cell.last;
    assert_eq!(summary.paid + summary.carry + summary.returned, summary.pool, "I2");
    assert!(slots.iter().map(|slot| u128::from(slot.phi_q64)).sum::<u128>() <= u128::from(summary.coverage_q64), "I3");
    assert_eq!(audit::settlement(&cell, &slots), (slots.len(), vec![]));
    (cell, slots)
}

/// I1, exactly: the vault holds what is owed, and here nobody sends it tokens besides.
fn assert_solvent(world: &World, workloads: &[Pubkey]) {
    let network: Network = world.get(&world.net.address);
    let cells = workloads.iter().map(|workload| world.cell(*workload));
    let owed = cells.map(|(cell, slots)| {
        assert_eq!(slots.iter().map(|slot| slot.earned).sum::<u64>(), cell.earned);
        cell.pool + cell.carry + cell.sponsored + cell.returned + cell.earned
    });
    // The pool of the epoch in hand left the treasury when the epoch opened and is in no cell before it is sealed.
    let reserved = workloads.iter().map(|workload| {
        let (cell, _) = world.cell(*workload);
        let open = (cell.epoch..network.next_epoch).skip(usize::from(cell.phase != Phase::Collecting as u8));
        let weight = |epoch| world.get::<Workload>(workload).weight_in(epoch);
        open.map(|epoch| world.epoch(epoch).unit * weight(epoch)).sum::<u64>()
    });
    let bonds = network.operator_bonds + network.attester_bonds;
    let total = network.treasury_available + bonds + owed.sum::<u64>() + reserved.sum::<u64>();
    assert_eq!(world.cluster.tokens(&network.vault), total, "I1");
}

#[test]
fn the_worked_example_of_the_model_pays_what_it_says() {
    let mut world = World::new();
    world.fund(1_000_000);
    let workload = world.workload(0, 10);
    world.enrolled(1, 1_000, 1, workload);
    world.enrolled(2, 1_000, 1, workload);
    let third = world.enrolled(3, 1_000, 2, workload);
    assert_eq!(world.open_epoch(), 0);
    world.batch(workload, &[(0, [90, 10, 0, 0, 3, 0, 0]), (1, [900, 0, 50, 0, 0, 50, 0]), (2, [1, 0, 0, 1, 7, 0, 0])]);
    let (cell, slots) = finish(&mut world, workload);
    // p is rounded down to Q32 and rewards to units, so each is at most one unit below the model's number.
    let rewards: Vec<_> = slots.iter().map(|slot| slot.reward).collect();
    assert_eq!(rewards, [337_499, 337_499, 274_999]);
    assert_eq!((cell.last.pool, cell.last.paid, cell.last.carry), (1_000_000, 949_997, 50_003));
    assert_eq!((cell.last.slots, cell.last.contributing, cell.last.domains, cell.last.batches), (3, 3, 2, 1));
    assert_eq!(cell.last.outcomes, [991, 10, 50, 1, 10, 50, 0]);
    assert!(cell.last.coverage_q64.abs_diff((0.95 * 2f64.powi(64)) as u64) < 1 << 33);
    assert_eq!(world.claim(&third, &[(workload, 2)]), 274_999);
    assert_solvent(&world, &[workload]);
}

#[test]
fn an_epochs_seed_is_drawn_from_the_newest_slot_hash_when_it_opens() {
    const SLOT_HASHES: Pubkey = Pubkey::from_str_const("SysvarS1otHashes111111111111111111111111111");
    let mut world = World::new();
    let mut seeds = Vec::new();
    for (index, newest) in [(0u64, [3; 32]), (1, [3; 32]), (2, [4; 32])] {
        let mut hashes = world.account(&SLOT_HASHES);
        hashes.data[16..48].copy_from_slice(&newest); // behind the number of hashes and the newest one's slot
        world.cluster.svm.set_account(SLOT_HASHES, hashes).unwrap();
        world.set_time(GENESIS + EPOCH * index as i64);
        assert_eq!(world.open_epoch(), index);
        seeds.push(world.epoch(index).seed);
        assert_eq!(seeds[index as usize], Software::hash(&[&newest, world.net.address.as_ref(), &index.to_le_bytes()]));
    }
    // Epochs that open in one slot differ as well.
    assert_ne!(seeds[0], seeds[1]);
}

#[test]
fn several_operators_domains_workloads_and_epochs() {
    let mut world = World::with(Config { z_milli: 1_645, emission: 10_000_000, ..config() }, 9);
    world.fund(100_000_000);
    let workloads = [world.workload(0, 3), world.workload(7, 1)];
    let operators: Vec<_> = [(1, 4_000, 11), (2, 2_000, 11), (3, 5_000, 12), (4, 1_500, 0), (5, 1_000, 0)]
        .into_iter()
        .map(|(number, bond, domain)| world.enrolled(number, bond, domain, workloads[0]))
        .collect();
    for operator in &operators[2..] {
        world.enroll(operator, workloads[1]);
    }
    let mut paid = [0; 2];
    for epoch in 0..3u32 {
        assert_eq!(world.open_epoch(), u64::from(epoch));
        assert_solvent(&world, &workloads);
        let more = epoch * 40;
        world.batch(workloads[0], &[(0, [500 + more, 3, 0, 9, 0, 4, 1]), (1, [300, 0, 0, 0, 5, 10 + more, 0])]);
        // A second batch of the epoch adds up with the first.
        world.batch(
            workloads[0],
            &[(1, [100, 0, 0, 0, 0, 0, 0]), (2, [80, 0, 1, 0, 0, 0, 0]), (3, [50, 0, 0, 0, 0, 1, 9])],
        );
        world.batch(
            workloads[1],
            &[(0, [60, 1, 1, 1, 1, 1, 0]), (1, [70, 0, 0, 2, 0, 0, 0]), (2, [75, 0, 0, 2, 0, 0, 0])],
        );
        for (workload, paid) in workloads.iter().zip(&mut paid) {
            let (cell, slots) = finish(&mut world, *workload);
            assert_eq!((cell.epoch, cell.settlements), (u64::from(epoch) + 1, u64::from(epoch) + 1));
            *paid += cell.last.paid;
            assert_eq!(*paid, cell.earned);
            assert_solvent(&world, &workloads);
            if *workload == workloads[0] {
                let reasons: Vec<_> = slots.iter().map(|slot| Reason::from_index(slot.reason).unwrap()).collect();
                // 9 of 60 failed verification where 2 % are allowed; the last had no batch.
                assert_eq!(
                    reasons,
                    [Reason::Paid, Reason::Paid, Reason::Paid, Reason::VerificationBreach, Reason::NoEvidence]
                );
            }
        }
    }
    // The log holds the last epoch's batches only, and room for no more than an epoch ever needed.
    let address = pda::log(&workloads[0]);
    let (log, records) = accounts::log(&address, &world.account(&address).data).unwrap();
    assert_eq!((log.epoch, records.len(), world.account(&address).data.len()), (2, 2, 96 + 2 * 88));
    let network: Network = world.get(&world.net.address);
    assert_eq!((network.next_epoch, network.treasury_available), (3, 70_000_000));
    assert_eq!((network.operators, network.workloads, network.operator_bonds), (5, 2, 13_500));
    assert_eq!([0, 4].map(|number: usize| world.get::<OperatorAccount>(&operators[number].account).cells), [1, 2]);
    let mut claimed = 0;
    for (number, operator) in operators.iter().enumerate() {
        let mut cells = vec![(workloads[0], number as u16)];
        if number >= 2 {
            cells.push((workloads[1], number as u16 - 2));
        }
        claimed += world.claim(operator, &cells);
        assert_solvent(&world, &workloads);
    }
    assert_eq!(claimed, paid[0] + paid[1]);
    assert_eq!(workloads.map(|workload| world.cell(workload).0.earned), [0, 0]);
}

#[test]
fn what_nobody_covers_waits_and_what_exceeds_the_cap_returns() {
    let mut world = World::new(); // 1,000,000 an epoch, at most three epochs' worth of carry
    world.fund(5_000_000);
    let workload = world.workload(0, 10);
    let expected = [
        (1_000_000, 1_000_000, 0),
        (2_000_000, 2_000_000, 0),
        (3_000_000, 3_000_000, 0),
        (4_000_000, 3_000_000, 1_000_000),
    ];
    for (epoch, expected) in expected.into_iter().enumerate() {
        assert_eq!(world.open_epoch(), epoch as u64);
        let (cell, _) = finish(&mut world, workload);
        assert_eq!((cell.last.pool, cell.carry, cell.last.returned), expected);
        assert_eq!((cell.last.paid, cell.last.coverage_q64), (0, 0));
        assert_solvent(&world, &[workload]);
    }
    let operator = world.enrolled(1, 1_000, 5, workload);
    assert_eq!(world.cell(workload).1[0].joined_epoch, 5, "it enrols after the start of epoch 4");
    world.open_epoch();
    let (cell, slots) = finish(&mut world, workload);
    assert_eq!((cell.carry, cell.returned, slots[0].reason), (3_000_000, 2_000_000, Reason::NotYetEffective as u8));
    // The treasury is empty: the next pool is the carry alone, and a perfect operator gets all of it but the dust.
    world.open_epoch();
    world.batch(workload, &[(0, [10, 0, 0, 0, 0, 0, 0])]);
    let (cell, _) = finish(&mut world, workload);
    assert_eq!((cell.last.pool, cell.last.paid, cell.carry, cell.returned), (3_000_000, 2_999_999, 0, 2_000_001));
    assert_eq!(world.claim(&operator, &[(workload, 0)]), 2_999_999);
    assert_solvent(&world, &[workload]);
}

#[test]
fn a_late_joiner_counts_from_the_next_epoch() {
    let mut world = World::new();
    world.fund(10_000_000);
    let workload = world.workload(0, 10);
    world.enrolled(1, 1_000, 1, workload);
    world.open_epoch();
    let late = world.enrolled(2, 1_000, 2, workload);
    let (_, slots) = world.cell(workload);
    assert_eq!((slots[0].joined_epoch, slots[1].joined_epoch), (0, 1));
    let early = world.statement(workload, &[coverage_tests::entry(1, [9, 0, 0, 0, 0, 0, 0])]);
    world.endorse(&early);
    world.refuses(early.apply(world.payer), CoverageError::SlotNotEffective);
    world.batch(workload, &[(0, [9, 1, 0, 0, 0, 0, 0])]);
    let (_, slots) = finish(&mut world, workload);
    assert_eq!([slots[0].reward, slots[1].reward], [899_999, 0]);
    assert_eq!(slots[1].reason, Reason::NotYetEffective as u8);
    world.open_epoch();
    world.batch(workload, &[(0, [9, 1, 0, 0, 0, 0, 0]), (1, [9, 1, 0, 0, 0, 0, 0])]);
    let (cell, slots) = finish(&mut world, workload);
    // Pool 1,000,000 + 100,001 of carry; two domains of reach 0.9: 0.9 · (1 − 0.45) each.
    assert_eq!((cell.last.pool, slots[0].reward, slots[1].reward), (1_100_001, 544_500, 544_500));
    assert_eq!(world.claim(&late, &[(workload, 1)]), 544_500);
}

#[test]
fn batches_count_until_the_cell_is_sealed_and_those_of_the_next_epoch_wait() {
    let mut world = World::new();
    world.fund(2_000_000);
    let workload = world.workload(0, 1);
    world.enrolled(1, 1_000, 1, workload);
    world.open_epoch();
    world.set_time(GENESIS + EPOCH + GRACE - 1);
    world.refuses(ix::seal_cell(world.net.address, workload, 0), CoverageError::EpochNotOver);
    world.batch(workload, &[(0, [6, 0, 0, 0, 0, 0, 0])]);
    world.open_epoch();
    world.set_time(GENESIS + EPOCH + GRACE + 7); // nobody has sealed yet: the receipts are still good
    world.batch(workload, &[(0, [0, 4, 0, 0, 0, 0, 0])]);
    let mut next = world.batch_of(workload);
    (next.epoch, next.sequence) = (1, 0);
    let next =
        coverage_client::batch::Statement::counts(next, [6; 32], &[coverage_tests::entry(0, [5, 0, 0, 0, 0, 0, 0])]);
    world.endorse(&next);
    world.refuses(next.apply(world.payer), CoverageError::WrongEpoch);
    let (cell, slots) = finish(&mut world, workload);
    assert_eq!((slots[0].settled_tally, cell.last.batches, slots[0].reward), ([6, 4, 0, 0, 0, 0, 0], 2, 599_999));
    world.send(&[next.apply(world.payer)]);
    assert_eq!(world.cell(workload).1[0].tally, [5, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn a_batch_of_many_entries_takes_many_transactions_and_several_endorsements() {
    let mut world = World::with(config(), 10);
    world.fund(1_000_000);
    let workload = world.workload(0, 1);
    world.open_epoch();
    let slots: Vec<_> = (0..200u8).map(|number| Slot::new([number; 32], 1_000, u32::from(number), 0)).collect();
    world.forge().slots(&pda::cell(&workload), &slots, |_| {});
    let counts: Vec<_> = (0..200).map(|slot| (slot, [u32::from(slot), 1, 2, 3, 4, 5, 0])).collect();
    let entries: Vec<_> = counts.iter().map(|(slot, counts)| coverage_tests::entry(*slot, *counts)).collect();
    let statement = world.statement(workload, &entries);
    assert_eq!(
        (statement.upload(world.payer).len(), statement.endorse(world.payer, &world.net.attesters).len()),
        (8, 2)
    );
    let (before, log_before) = (world.account(&world.payer).lamports, world.account(&pda::log(&workload)));
    world.apply(&statement);
    let (cell, slots) = world.cell(workload);
    assert_eq!(cell.batches, 1);
    for (slot, (_, counts)) in slots.iter().zip(&counts) {
        assert_eq!(slot.tally, *counts);
    }
    let attestation = world.cluster.svm.get_account(&statement.address(&world.payer));
    assert_eq!(attestation.map_or(0, |account| account.lamports), 0, "the attestation is closed");
    // Its rent came back but for the record of 88 bytes in the log; the fees were for 11 signatures of transactions and 10 of
    // attesters.
    let log = world.account(&pda::log(&workload));
    assert_eq!((log.data.len(), log.lamports - log_before.lamports), (log_before.data.len() + 88, 88 * 6_960));
    assert_eq!(before - world.account(&world.payer).lamports, 88 * 6_960 + 21 * 5_000);
}

#[test]
fn i7_settling_in_one_transaction_or_many_leaves_the_same_bytes() {
    let mut world = World::with(Config { z_milli: 1_645, ..config() }, 3);
    world.fund(1_000_000_007);
    let workload = world.workload(0, 1);
    world.open_epoch();
    // 100 slots need two pages of scratch, and 23 domains the table of 12 nodes.
    let slots: Vec<_> = (0..100u32)
        .map(|number| {
            let mut slot = Slot::new([number as u8; 32], 1_000 + u64::from(number * 37 % 11), number * 7 % 23, 0);
            slot.add(&[40 + number * 2_654_435 % 97, number % 5, 1, 0, 3, number % 3, 0]).unwrap();
            slot
        })
        .collect();
    let address = pda::cell(&workload);
    world.forge().slots(&address, &slots, |_| {});
    world.seal(workload);
    let sealed = world.cluster.svm.clone();
    assert_eq!(world.settle_by(workload, ix::SETTLE_STEPS), 1);
    let whole = world.account(&address);
    for step_units in [5_000, 7_777, 40_000] {
        world.cluster.svm = sealed.clone();
        let (_, _, transactions) = kernel(&world, workload, u64::from(step_units));
        assert!(transactions > 5);
        assert_eq!(world.settle_by(workload, step_units), transactions, "{step_units}");
        assert!(world.account(&address) == whole, "different bytes with {step_units}");
    }
    // Strangers taking turns with budgets of their own.
    world.cluster.svm = sealed;
    world.wait_until(world.cell(workload).0.sealed_ts + CHALLENGE);
    for step_units in (5_000..).step_by(997) {
        world.send(&[ix::settle_cell(world.net.address, workload, 0, step_units)]);
        if world.cell(workload).0.epoch == 1 {
            break;
        }
        assert_eq!(world.cell(workload).0.phase, Phase::Settling as u8);
    }
    assert!(world.account(&address) == whole, "different bytes with growing budgets");
}

#[test]
fn claims_pay_once_whoever_pushes_them_and_create_the_payout_account() {
    let mut world = World::new();
    world.fund(3_000_000);
    let workloads = [world.workload(0, 1), world.workload(1, 2)];
    let operator = world.operator(1, 1_000);
    for workload in workloads {
        world.enroll(&operator, workload);
    }
    world.open_epoch();
    for workload in workloads {
        world.batch(workload, &[(0, [1, 1, 0, 0, 0, 0, 0])]);
        finish(&mut world, workload);
    }
    let cells = workloads.map(|workload| (workload, 0));
    let account = pda::token_account(&operator.payout, &world.net.token);
    assert_eq!(world.cluster.svm.get_account(&account), None);
    let stranger = world.cluster.add_signer(keypair(b's', 1, 0));
    let net = world.net.clone();
    let push = ix::claim_rewards(stranger, net.address, &net.token, operator.account, operator.payout, &cells);
    let before = world.account(&stranger).lamports;
    world.send(std::slice::from_ref(&push));
    // Half of 333,333 and of 666,666 (emission 1,000,000, weights 1 and 2), each with a φ a little below one half.
    assert_eq!(world.paid_out(&operator), 166_666 + 333_332);
    assert_eq!(
        before - world.account(&stranger).lamports,
        world.account(&account).lamports,
        "the stranger paid its rent"
    );
    assert_eq!(world.get::<OperatorAccount>(&operator.account).claimed, 499_998);
    assert_solvent(&world, &workloads);

    // Claimed already: a clean no-op that does not change a byte, also with a cell named twice or none at all.
    let watched =
        [account, operator.account, pda::cell(&workloads[0]), pda::cell(&workloads[1]), pda::vault(&net.address)];
    let before = watched.map(|address| world.account(&address));
    world.send(&[push]);
    assert_eq!(world.claim(&operator, &[cells[0], cells[0]]), 0);
    assert_eq!(world.claim(&operator, &[]), 0);
    assert_eq!(watched.map(|address| world.account(&address)), before);

    // A cell named twice pays once.
    world.open_epoch();
    world.batch(workloads[0], &[(0, [1, 1, 0, 0, 0, 0, 0])]);
    finish(&mut world, workloads[0]);
    let earned = world.cell(workloads[0]).0.earned;
    assert_eq!(world.claim(&operator, &[cells[0], cells[0], cells[1]]), earned);
    assert_eq!(earned, 249_999); // half of 333,333 + 166,667 of carry
    assert_solvent(&world, &workloads);
}
