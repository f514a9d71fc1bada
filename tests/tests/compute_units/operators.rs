//! An operator's instructions, and those about its slots.

use crate::bench::{Bench, FULL, Row, most, settings, stranger};
use coverage_client::batch::Statement;
use coverage_client::instructions as ix;
use coverage_math::cell::{LEFT, Slot};
use coverage_math::hash::{Hash, NO_EPOCH, Purpose, Software, Tag};
use coverage_math::merkle;
use coverage_settlement::state::{Bond, Operator as OperatorAccount};
use coverage_settlement::{CapabilityArgs, ID};
use coverage_tests::Operator;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// Number of the last slot of a full cell.
const LAST: u16 = FULL as u16 - 1;

pub fn rows() -> Vec<Row> {
    let mut bench = Bench::new(64, settings());
    let workload = bench.workload();
    let operator = bench.operator();
    enroll(&mut bench, &operator, workload);
    domain(&mut bench, &operator, "64 endorsers");
    slots(&mut bench, &operator, workload);
    leave(&mut bench, &operator, workload);
    let mut small = Bench::new(1, settings());
    let operator = small.operator();
    domain(&mut small, &operator, "1 endorser");
    bench.rows.append(&mut small.rows);
    bench.rows
}

/// The commitment to a tree of 2^`levels` capabilities, and what opens its last leaf. Only that leaf's path is real.
fn opening(bench: &Bench, workload: Pubkey, levels: usize) -> ([u8; 32], u32, (CapabilityArgs, u32, Vec<Hash>)) {
    let leaf = bench.world.capability(workload);
    let network = bench.world.net.address;
    let tag = Tag::new::<Software>(&ID.to_bytes(), &network.to_bytes(), Purpose::Capabilities, NO_EPOCH);
    let proof: Vec<Hash> = (0..levels).map(|level| [level as u8; 32]).collect();
    let count = 1u32 << levels;
    let root = merkle::climb::<Software>(leaf.leaf::<Software>(&tag).unwrap(), count - 1, &proof).unwrap();
    let args = CapabilityArgs {
        hardware_class: leaf.hardware_class,
        verification_mode: leaf.verification_mode,
        region: leaf.region,
        latency_ms: leaf.latency_ms,
        capacity_milli: leaf.capacity_milli,
        salt: leaf.salt,
    };
    (root, count, (args, count - 1, proof))
}

fn instructions(
    bench: &Bench,
    wallet: Pubkey,
    workload: Pubkey,
    levels: usize,
    refund: Option<Pubkey>,
) -> [Instruction; 2] {
    let network = bench.world.net.address;
    let (root, count, open) = opening(bench, workload, levels);
    let commit = ix::commit_capabilities(wallet, network, root, count);
    [commit, ix::enroll(wallet, network, workload, open, refund)]
}

fn enroll(bench: &mut Bench, operator: &Operator, workload: Pubkey) {
    let others: Vec<_> = (0..FULL).map(stranger).collect();
    let mut free = others.clone();
    free[FULL - 1] = Slot::free(Pubkey::from([77; 32]).to_bytes());
    let refund = Some(Pubkey::from([77; 32]));
    let (few, many) = (&others[..0], &others[..FULL - 1]);
    let wallet = operator.wallet;
    // Paid by the operator itself, as it is outside of tests: another payer's signature takes the room of three hashes.
    let deepest = |refund| {
        most(&wallet, 31, |levels| {
            let [_, enroll] = instructions(bench, wallet, workload, levels, refund);
            vec![enroll]
        })
    };
    let cases = [
        (few, 0, None, "an empty cell"),
        (few, 10, None, "an empty cell"),
        (many, 10, None, "slot 1,024"),
        (many, deepest(None), None, "slot 1,024, deepest that fits"),
        (&free[..], deepest(refund), refund, "slot 1,024 from who left it, deepest that fits"),
    ];
    for (number, (slots, levels, refund, case)) in cases.into_iter().enumerate() {
        bench.slots(workload, slots, |_| ());
        let [commit, enroll] = instructions(bench, wallet, workload, levels, refund);
        if number == 0 {
            bench.add("", &[commit]);
        } else {
            bench.world.send(&[commit]);
        }
        bench.add_paid_by(wallet, &format!("{case}, proof of {levels}"), &[enroll]);
    }
}

/// A full cell whose last slot is the operator's, after an edit.
fn full(bench: &mut Bench, operator: &Operator, workload: Pubkey, edit: impl FnOnce(&mut Slot)) {
    let mut slots: Vec<_> = (0..FULL).map(stranger).collect();
    slots[FULL - 1] = Slot::new(operator.account.to_bytes(), 10_000, 0, 0);
    edit(&mut slots[FULL - 1]);
    bench.slots(workload, &slots, |cell| cell.epoch = 1);
}

fn domain(bench: &mut Bench, operator: &Operator, case: &str) {
    let network = bench.world.net.address;
    let version = bench.world.get::<OperatorAccount>(&operator.account).domain_version;
    let statement = Statement::failure_domain(network, operator.account, 7, version, bench.world.generation());
    bench.world.endorse(&statement);
    bench.add(case, &[statement.apply(bench.world.payer)]);
}

fn slots(bench: &mut Bench, operator: &Operator, workload: Pubkey) {
    let net = bench.world.net.clone();
    full(bench, operator, workload, |_| ());
    let sync = ix::sync_slot(net.address, operator.account, workload, LAST);
    bench.add("a new domain, slot 1,024", std::slice::from_ref(&sync));
    bench.add("nothing new, slot 1,024", &[sync]);
    full(bench, operator, workload, |slot| slot.owed_slash_bps = 1_000);
    bench.add("slot 1,024", &[ix::slash_operator(net.address, operator.account, workload, LAST)]);
    bench.add("slot 1,024", &[ix::leave_cell(operator.wallet, net.address, workload, LAST)]);
    full(bench, operator, workload, |slot| slot.state = LEFT);
    bench.add("slot 1,024", &[ix::release_slot(operator.account, workload, LAST)]);
    bench.add("", &[ix::unbond(operator.wallet, net.address, 100)]);
}

fn leave(bench: &mut Bench, operator: &Operator, workload: Pubkey) {
    let payer = bench.world.payer;
    let wallets = |count: usize| (0..count as u64).map(wallet_of).collect::<Vec<_>>();
    let trim = |count| vec![ix::trim_cell(workload, &wallets(count))];
    for count in [1, most(&payer, 64, trim)] {
        let mut slots: Vec<_> = (0..FULL).map(stranger).collect();
        for (slot, wallet) in slots.iter_mut().rev().zip(wallets(count)) {
            *slot = Slot::free(wallet.to_bytes());
        }
        bench.slots(workload, &slots, |_| ());
        bench.add(&format!("{count} of 1,024 slots"), &trim(count));
    }
    bench.world.forge().header::<OperatorAccount>(&operator.account, |operator| {
        operator.bond = Bond::default();
        operator.cells = 0;
    });
    bench.add("", &[ix::retire_operator(operator.wallet, bench.world.net.address)]);
}

/// One of the wallets that paid for slots.
fn wallet_of(number: u64) -> Pubkey {
    let mut key = [250; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key.into()
}
