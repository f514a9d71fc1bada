//! From sealing a cell to what is left of it.

use crate::bench::{Bench, FULL, Row, most, settings, stranger};
use bytemuck::Zeroable;
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_settlement::state::{BatchLog, BatchRecord, Cell, Config, WORKLOAD_RETIRED, Workload};
use coverage_tests::{CHALLENGE, EPOCH, GENESIS, GRACE, Operator};
use solana_program::pubkey::Pubkey;

/// Cells that the command line claims from at once, read off its source.
pub fn cells_a_claim() -> usize {
    let source = include_str!("../../../app/cli/src/network/settle.rs");
    let (_, rest) = source.split_once("const CELLS_A_CLAIM: usize = ").unwrap();
    rest.split(';').next().unwrap().parse().unwrap()
}

/// A cell settled in as many transactions as it takes.
pub struct Settling {
    /// The rule, the domains.
    pub case: String,
    /// Compute units of all transactions.
    pub units: u64,
    /// How many these are.
    pub transactions: u64,
}

pub fn rows() -> (Vec<Row>, Vec<Settling>) {
    let (mut rows, shapley) = full(0, "1,024 domains", |number| number);
    let (more, last_in) = full(2, "1,024 domains", |number| number);
    rows.extend(more);
    let (more, one) = full(0, "one domain", |_| 7);
    rows.extend(more);
    rows.extend(cells());
    (rows, vec![shapley, last_in, one])
}

/// Settles a full cell, each slot of `domain_of` its number, under `rule`.
fn full(rule: u8, domains: &str, domain_of: impl Fn(u32) -> u32) -> (Vec<Row>, Settling) {
    let mut bench = Bench::new(1, Config { rule, ..settings() });
    let workload = bench.workload();
    bench.fund();
    bench.world.open_epoch();
    let slots: Vec<_> = (0..FULL as u32)
        .map(|number| {
            let mut slot = stranger(number as usize);
            (slot.domain, slot.staged_domain) = (domain_of(number), domain_of(number));
            // Scattered, so that insertion into the order is not the best case.
            slot.add(&[900 + number.wrapping_mul(2_654_435_761) % 500, 3, 1, 2, 5, 4, 0]).unwrap();
            slot
        })
        .collect();
    bench.slots(workload, &slots, |_| ());
    bench.world.seal(workload);
    let network = bench.world.net.address;
    bench.world.set_time(GENESIS + EPOCH + GRACE + CHALLENGE);
    let settle = [ix::settle_cell(network, workload, 0, ix::SETTLE_STEPS)];
    let name = if rule == 0 { "Shapley" } else { "LastIn" };
    let case = format!("1,024 slots in {domains}, {name}");
    while bench.world.cell(workload).0.epoch == 0 {
        let number = bench.rows.len() + 1;
        bench.add(&format!("{case}, transaction {number}"), &settle);
    }
    let units = bench.rows.iter().map(|row| row.units).sum();
    let transactions = bench.rows.len() as u64;
    (bench.rows, Settling { case, units, transactions })
}

/// What has as many cells as fit, or an empty one.
fn cells() -> Vec<Row> {
    let mut bench = Bench::new(1, settings());
    let (payer, network) = (bench.world.payer, bench.world.net.address);
    let operator = bench.operator();
    let of = |count: usize| (0..count as u64).map(|id| pda::workload(&network, id)).collect::<Vec<_>>();
    let close = |workloads: &[Pubkey]| vec![ix::close_epoch(payer, network, 0, workloads)];
    let reported = most(&payer, 64, |count| close(&of(count)));
    let all = of(reported + 1);
    for id in 0..all.len() as u64 {
        bench.world.workload(id, 10);
    }
    bench.fund();
    bench.world.open_epoch();
    bench.world.set_time(GENESIS + EPOCH + GRACE + CHALLENGE);
    for (number, workload) in all.iter().enumerate() {
        let seal = [ix::seal_cell(network, *workload, 0)];
        if number == 0 { bench.add("", &seal) } else { bench.world.send(&seal) }
    }
    bench.world.set_time(GENESIS + EPOCH + GRACE + 2 * CHALLENGE);
    for (number, workload) in all.iter().enumerate() {
        let settle = [ix::settle_cell(network, *workload, 0, ix::SETTLE_STEPS)];
        if number == 0 { bench.add("no slots", &settle) } else { bench.world.send(&settle) }
    }
    bench.add("1 cell of more", &close(&all[..1]));
    bench.add(&format!("the last {reported} cells, epoch closed"), &close(&all[1..]));
    claim(&mut bench, &operator, &all);
    end(&mut bench, all[0]);
    bench.rows
}

/// Claims from as many full cells as fit.
fn claim(bench: &mut Bench, operator: &Operator, workloads: &[Pubkey]) {
    let slots: Vec<_> = workloads.iter().map(|workload| (*workload, FULL as u16 - 1)).collect();
    let fit = most(&bench.world.payer, workloads.len(), |count| vec![bench.claim(operator, &slots[..count])]);
    for count in [cells_a_claim(), fit] {
        let mut full: Vec<_> = (0..FULL).map(stranger).collect();
        full[FULL - 1] = Slot { earned: 500, ..Slot::new(operator.account.to_bytes(), 10_000, 0, 0) };
        for workload in &workloads[..count] {
            bench.slots(*workload, &full, |cell| cell.earned = 500);
        }
        bench.add(&format!("{count} cells of 1,024 slots, account created"), &[bench.claim(operator, &slots[..count])]);
        let account = pda::token_account(&operator.payout, &bench.world.net.token);
        assert_eq!(bench.world.paid_out(operator), 500 * count as u64, "what was measured paid");
        bench.world.cluster.svm.set_account(account, Default::default()).unwrap();
    }
}

/// Sweeps a cell and closes it.
fn end(bench: &mut Bench, workload: Pubkey) {
    let (network, authority) = (bench.world.net.address, bench.world.net.authority);
    let (cell, log) = (pda::cell(&workload), pda::log(&workload));
    bench.slots(workload, &[], |cell| {
        (cell.carry, cell.sponsored, cell.returned, cell.earned) = (0, 0, 0, 0);
    });
    let sweep = [ix::sweep_cell(network, workload)];
    bench.add("nothing", &sweep);
    bench.world.forge().header(&workload, |workload: &mut Workload| {
        workload.status = WORKLOAD_RETIRED;
        workload.weight_epoch = 1;
    });
    bench.world.forge().header(&cell, |cell: &mut Cell| {
        (cell.carry, cell.sponsored, cell.returned) = (1, 2, 3);
    });
    bench.add("of a retired workload, three amounts", &sweep);
    let kept = [cell, log].map(|address| (address, bench.world.account(&address)));
    bench.add("empty log", &[ix::close_cell(authority, workload)]);
    for (address, account) in kept {
        bench.world.cluster.svm.set_account(address, account).unwrap();
    }
    let header: BatchLog = bench.world.get(&log);
    bench.world.forge().tail(&log, &header, &[BatchRecord::zeroed(); 1_024]);
    bench.add("log of 1,024 batches", &[ix::close_cell(authority, workload)]);
}
