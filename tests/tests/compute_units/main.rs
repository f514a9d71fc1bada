//! What every instruction costs, measured on the compiled program and compared with `tests/compute_units.md`.
//!
//! Compute units are exact, so any change fails the test; `cargo xtask bench` writes the table anew. The budgets of the
//! protocol are asserted whatever the table says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod bench;

use bench::{Bench, Table};
use coverage_client::pda;
use coverage_math::attestation::Entry;
use coverage_math::cell::Slot;
use solana_keypair::Keypair;
use solana_signer::Signer;
use std::fmt::Write as _;

fn served(slot: u16, served: u32) -> Entry {
    Entry { slot, reserved: 0, counts: [served, 3, 1, 2, 5, 4, 0] }
}

/// Settles 1,024 slots, each of `domain_of` its number, under `rule`.
fn settle_full(rule: u8, domain_of: impl Fn(u32) -> u32) -> [u64; 3] {
    let mut bench = Bench::new(u64::from(rule) + 50, rule);
    bench.open_epoch(0);
    let slots: Vec<_> = (0..1024u32)
        .map(|number| {
            let mut slot = Slot::new([number as u8; 32], 1_000 + u64::from(number), domain_of(number), 0);
            // Scattered, so that insertion into the order is not the best case.
            slot.add(&[900 + number.wrapping_mul(2_654_435_761) % 500, 3, 1, 2, 5, 4, 0]).unwrap();
            slot
        })
        .collect();
    bench.forge_slots(&slots);
    bench.settle()
}

fn measure() -> Table {
    let mut bench = Bench::new(1, 0);
    let first =
        bench.operator(3, Some(["register_operator", "commit_capabilities", "enroll in an empty cell, proof of 10"]));
    let filler: Vec<_> = (1..1023u32).map(|number| Slot::new([number as u8; 32], 1_000, number, 0)).collect();
    bench.forge_slots(&filler);
    let last = bench.operator(4, Some(["", "", "enroll as slot 1,024, proof of 10"]));
    let units = bench.open_epoch(0);
    bench.table.add("open_epoch", units);
    let small = bench.batch(&[served(0, 90)]);
    bench.table.add("open_attestation, 1 entry", small[0]);
    bench.table.add("endorse, 7 signatures of 64 attesters", small[2]);
    bench.table.add("endorse, 1 signature of 64 attesters", small[3]);
    bench.table.add("apply_batch, 1 entry", small[4]);
    let entries: Vec<_> = (0..1024).map(|slot| served(slot, 90)).collect();
    let full = bench.batch(&entries);
    bench.table.add("open_attestation, 18 entries", full[0]);
    bench.table.add("extend_attestation, the last of 1,024 entries", full[1]);
    bench.table.add("apply_batch, 1,024 entries", full[4]);
    let [seal, _, _] = bench.settle();
    bench.table.add("seal_cell", seal);
    let units = bench.claim(first, 3);
    bench.table.add("claim_rewards, 1 cell", units);
    let wallet = Keypair::new_from_array([4; 32]).pubkey();
    let account = pda::token_account(&wallet, &bench.mint);
    bench.cluster.svm.set_account(account, Default::default()).unwrap();
    let units = bench.claim(last, 4);
    bench.table.add("claim_rewards, 1 cell, payout account created", units);
    let units = bench.claim(last, 4);
    bench.table.add("claim_rewards, nothing earned", units);

    let mut table = bench.table;
    let [_, shapley, calls] = settle_full(0, |number| number);
    let [_, last_in, _] = settle_full(2, |number| number);
    let [_, one_domain, one_calls] = settle_full(0, |_| 7);
    table.add("settle_cell, 1,024 slots in 1,024 domains, Shapley", shapley);
    table.add("- transactions it took", calls);
    table.add("settle_cell, 1,024 slots in 1,024 domains, LastIn", last_in);
    table.add("settle_cell, 1,024 slots in one domain, Shapley", one_domain);
    table.add("- transactions it took", one_calls);
    let pairs = 1024 * 19; // 20 nodes against one
    let node = (shapley - last_in).div_ceil(pairs);
    table.add("settle_cell, each node and domain", node);
    table.add("settle_cell, each slot besides", (last_in - 1024 * node).div_ceil(1024).max(one_domain.div_ceil(1024)));
    table
}

#[test]
fn compute_units_are_those_of_the_table() {
    let table = measure();
    let mut text = String::from(
        "# Compute units\n\nMeasured on the compiled program by `cargo xtask bench`; CI fails when a number changes.\nWhat a transaction pays besides: 150 for setting its compute limit.\n\n| what | compute units |\n|---|---:|\n",
    );
    for (name, units) in &table.0 {
        writeln!(text, "| {name} | {units} |").unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/compute_units.md");
    if std::env::var_os("COVERAGE_BLESS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let find = |name: &str| table.0.iter().find(|(row, _)| row == name).unwrap().1;
    assert!(find("claim_rewards, 1 cell") <= 8_000);
    assert!(find("apply_batch, 1,024 entries") <= 200 * 1_024);
    assert!(find("endorse, 1 signature of 64 attesters") <= 4_000 + 800);
    assert!(find("endorse, 7 signatures of 64 attesters") <= 4_000 + 7 * 800);
    assert!(find("enroll as slot 1,024, proof of 10") <= 15_000);
    assert!(find("settle_cell, each node and domain") <= 35);
    assert!(find("settle_cell, each slot besides") <= 1_500);
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, checked_in, "the numbers have changed: look at why, then run `cargo xtask bench`");
}
