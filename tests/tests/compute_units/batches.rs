//! What the committee signs, from its upload to its application.

use crate::bench::{Bench, FULL, Row, settings, stranger};
use bytemuck::Zeroable;
use coverage_client::batch::Statement;
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::{BatchLog, BatchRecord, Cell};
use coverage_tests::entry;
use solana_program::pubkey::Pubkey;

/// Records of a log that takes one more.
const RECORDS: usize = 1_023;

pub fn rows() -> Vec<Row> {
    let (mut bench, workload) = full(64);
    small(&mut bench, workload);
    large(&mut bench, workload);
    let (mut one, workload) = full(1);
    let statement = one.statement(workload, &[entry(0, COUNTS)]);
    one.world.upload(&statement);
    let [pair] = &statement.endorse(one.world.payer, &one.world.net.attesters)[..] else { unreachable!() };
    one.add("1 signature of 1 attester", pair);
    bench.rows.append(&mut one.rows);
    bench.rows
}

const COUNTS: [u32; 7] = [2, 0, 0, 0, 0, 0, 0];

/// A network with a full cell that collects for epoch 0.
pub fn full(attesters: u8) -> (Bench, Pubkey) {
    let mut bench = Bench::new(attesters, settings());
    let workload = bench.workload();
    bench.fund();
    bench.world.open_epoch();
    let slots: Vec<_> = (0..FULL).map(stranger).collect();
    bench.slots(workload, &slots, |_| ());
    (bench, workload)
}

/// Gives the log this many records, of the epoch in hand or of another.
fn log(bench: &mut Bench, workload: Pubkey, records: usize, epoch: u64) {
    let address = pda::log(&workload);
    let mut header: BatchLog = bench.world.get(&address);
    header.epoch = epoch;
    bench.world.forge().tail(&address, &header, &vec![BatchRecord::zeroed(); records]);
}

fn small(bench: &mut Bench, workload: Pubkey) {
    let payer = bench.world.payer;
    log(bench, workload, 1, u64::MAX);
    let statement = bench.statement(workload, &[entry(FULL as u16 - 1, COUNTS)]);
    bench.add("1 entry", &statement.upload(payer));
    // From the end of the committee: the dearest to find.
    let mut signers = bench.world.net.attesters.clone();
    signers.reverse();
    signers.truncate(43); // six sevens and one: just more than two thirds of 64
    let pairs = statement.endorse(payer, &signers);
    bench.add("7 signatures of 64 attesters", &pairs[0]);
    for pair in &pairs[1..6] {
        bench.world.send(pair);
    }
    bench.add("1 signature of 64 attesters", &pairs[6]);
    bench.add("1 entry, room in the log", &[statement.apply(payer)]);
}

fn large(bench: &mut Bench, workload: Pubkey) {
    let payer = bench.world.payer;
    log(bench, workload, RECORDS, 0);
    bench.world.forge().header(&pda::cell(&workload), |cell: &mut Cell| {
        cell.batches = RECORDS as u64;
    });
    let entries: Vec<_> = (0..FULL as u16).map(|slot| entry(slot, [90, 3, 1, 2, 5, 4, 0])).collect();
    let statement = bench.statement(workload, &entries);
    let uploads = statement.upload(payer);
    let last = uploads.len() - 1;
    for (number, upload) in uploads.iter().enumerate() {
        let upload = std::slice::from_ref(upload);
        match number {
            0 => bench.add("18 entries of 1,024", upload),
            1 => bench.add("28 entries of 1,024", upload),
            _ if number == last => bench.add("the last 26 of 1,024 entries", upload),
            _ => bench.world.send(upload),
        }
    }
    for pair in statement.endorse(payer, &bench.world.net.attesters) {
        bench.world.send(&pair);
    }
    bench.add("1,024 entries, the last record", &[statement.apply(payer)]);
    log(bench, workload, 0, 0);
    bench.world.forge().header(&pda::cell(&workload), |cell: &mut Cell| cell.batches = 0);
    let statement = bench.statement(workload, &entries);
    bench.world.upload(&statement);
    bench.add("1,024 entries", &[ix::close_attestation(payer, statement.address(&payer))]);
    let statement = Statement::failure_domain(bench.world.net.address, workload, 7, 0, bench.world.generation());
    bench.world.upload(&statement);
    bench.add("no entries", &[ix::close_attestation(payer, statement.address(&payer))]);
}
