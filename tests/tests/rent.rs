//! What accounts cost in rent, who pays it and who gets it back, measured on the compiled program and compared with
//! `tests/rent.md`. `COVERAGE_BLESS=1` writes that anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use coverage_client::batch::Statement;
use coverage_client::chain::Chain;
use coverage_client::evidence::{Evidence, Opening};
use coverage_client::instructions as ix;
use coverage_client::pda::{self, Token};
use coverage_client::token::create_mint;
use coverage_math::cell::{MAX_SLOTS, Slot};
use coverage_math::receipt::RECEIPT_BYTES;
use coverage_settlement::state::{BatchLog, Cell, Operator as OperatorAccount};
use coverage_tests::{EPOCH, GENESIS, Operator, World, config, entry, found_with, keypair};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::fmt::Write as _;

const COUNTS: [u32; 7] = [1, 0, 0, 0, 0, 0, 0];

/// The wallet of a number. It pays no fees: what it has less than at first is rent.
fn wallet(world: &mut World, number: u64) -> Pubkey {
    world.cluster.sign_with(keypair(b'r', number, 0));
    world.forge().lamports(&wallet_of(number), 100_000_000_000);
    wallet_of(number)
}

fn wallet_of(number: u64) -> Pubkey {
    keypair(b'r', number, 0).pubkey()
}

fn lamports(world: &World, address: &Pubkey) -> u64 {
    world.account(address).lamports
}

/// Sends a transaction; returns the lamports that it cost a wallet, fewer than none if it got some.
fn cost(world: &mut World, wallet: Pubkey, instructions: &[Instruction]) -> i64 {
    let before = lamports(world, &wallet);
    world.send(instructions);
    before as i64 - lamports(world, &wallet) as i64
}

/// What stays where it is.
const NEVER: &str = "never";

/// The table.
#[derive(Default)]
struct Table(String);

impl Table {
    fn section(&mut self, title: &str) {
        let head = "| what | bytes | lamports | paid by | comes back |\n|---|---:|---:|---|---|";
        writeln!(self.0, "\n## {title}\n\n{head}").unwrap();
    }

    fn row(&mut self, what: &str, (bytes, lamports): (usize, u64), payer: &str, back: &str) {
        writeln!(self.0, "| {what} | {bytes} | {lamports} | {payer} | {back} |").unwrap();
    }

    fn note(&mut self, text: &str) {
        writeln!(self.0, "\n{text}").unwrap();
    }
}

/// Bytes and lamports of an account.
fn size(world: &World, address: &Pubkey) -> (usize, u64) {
    let account = world.account(address);
    (account.data.len(), account.lamports)
}

fn network(table: &mut Table) {
    let mut world = World::with(config(), 1);
    let net = world.net.clone();
    let create = ix::create_network(net.authority, 2, &net.token, net.guardian, GENESIS, config());
    let paid = cost(&mut world, net.authority, &[create]);
    let network = pda::network(2);
    let parts = [
        ("network", network),
        ("committee, with all 64 places", pda::committee(&network)),
        ("vault", pda::vault(&network)),
    ];
    table.section("A network");
    let mut sum = (0, 0);
    for (what, address) in parts {
        let size = size(&world, &address);
        sum = (sum.0 + size.0, sum.1 + size.1);
        table.row(what, size, "the authority", NEVER);
    }
    assert_eq!(sum.1 as i64, paid, "the authority pays for all of it");
    table.row("all of it", sum, "the authority", NEVER);
}

/// Registers an operator of which nothing but its number is known; returns it and the lamports that cost.
fn register(world: &mut World, number: u64) -> (Operator, u64) {
    let wallet = wallet(world, number);
    let source = world.cluster.mint_to(&world.net.token, &wallet, 10_000).unwrap();
    let account = pda::operator(&world.net.address, &wallet);
    let operator = Operator { wallet, account, source, payout: wallet };
    let registration = world.registration(&operator, 1_000);
    let paid = cost(world, wallet, &[registration]);
    (operator, paid as u64)
}

/// Enrols an operator; returns the lamports that cost.
fn enroll(world: &mut World, operator: &Operator, workload: Pubkey) -> u64 {
    let instructions = world.enrolment(operator, workload);
    cost(world, operator.wallet, &instructions) as u64
}

/// Fills a cell with as many operators as it takes: cells of some numbers of slots, and what each slot cost.
fn fill(world: &mut World, workload: Pubkey) -> (Vec<(usize, u64)>, Vec<u64>) {
    let cell = pda::cell(&workload);
    let (mut sizes, mut paid) = (vec![size(world, &cell)], Vec::new());
    for number in 0..MAX_SLOTS as u64 {
        let (operator, _) = register(world, number);
        paid.push(enroll(world, &operator, workload));
        sizes.push(size(world, &cell));
    }
    (sizes, paid)
}

fn operator_and_workload(table: &mut Table) {
    let mut world = World::with(config(), 1);
    let workload = world.workload(0, 10);
    let (operator, paid) = register(&mut world, 9_999);
    let account = size(&world, &operator.account);
    assert_eq!(paid, account.1, "an operator pays for its account");
    let (cells, slots) = fill(&mut world, workload);
    let grown = |number: usize| (cells[number + 1].0 - cells[number].0, cells[number + 1].1 - cells[number].1);
    assert!((0..MAX_SLOTS).all(|number| slots[number] == grown(number).1), "an operator pays for its slot");
    let page = 96;
    let share = ((cells[page].0 - cells[0].0) / page, (cells[page].1 - cells[0].1) / page as u64);
    let payout = payout(pda::TOKEN_PROGRAM);

    table.section("An operator");
    let back = "`retire_operator`, to its wallet";
    table.row("operator", account, "its wallet", back);
    let back = "`trim_cell` or the next operator's `enroll` after `release_slot`, to its wallet";
    table.row("slot", grown(1), "its wallet", back);
    table.row("slot that begins a scratch page: each 96th", grown(page), "its wallet", back);
    table.row("slot with its share of a scratch page", share, "its wallet", back);
    table.row("payout account, SPL Token", payout, "who first claims for it", "when its owner closes it, to its owner");
    let other = self::payout(pda::TOKEN_2022_PROGRAM);
    table.row("payout account, Token-2022", other, "who first claims for it", "when its owner closes it, to its owner");
    let sum = (account.0 + share.0 + payout.0, account.1 + share.1 + payout.1);
    table.row("operator with one slot, SPL Token", sum, "", "");

    table.section("A workload");
    table.row("workload", size(&world, &workload), "the authority", NEVER);
    let back = "`close_cell`, to the authority that registered the workload";
    table.row("cell without slots", cells[0], "the authority", back);
    for (count, what) in [(1, "cell with 1 slot"), (100, "cell with 100 slots"), (MAX_SLOTS, "cell with 1,024 slots")] {
        table.row(what, cells[count], "the authority, and each operator for its slot", "as above, each its part");
    }
    logs(table);
}

/// Bytes and lamports of the token account that a first claim creates.
fn payout(program: Pubkey) -> (usize, u64) {
    let mut world = World::with(config(), 0);
    let token = Token { mint: keypair(b'm', 77, 0).pubkey(), program };
    world.cluster.sign_with(keypair(b'm', 77, 0));
    let rent = world.cluster.svm.minimum_balance_for_rent_exemption(82);
    world.cluster.send("creating the mint", &create_mint(&world.payer, &token, rent, 6).unwrap()).unwrap();
    world.net = found_with(&mut world.cluster, 2, token, config(), 1);
    world.fund(1_000);
    let workload = world.workload(0, 10);
    let operator = world.operator(1, 1_000);
    let slot = Slot { earned: 500, ..Slot::new(operator.account.to_bytes(), 1_000, 0, 0) };
    world.forge().slots(&pda::cell(&workload), &[slot], |cell| cell.earned = 500);
    let claimer = wallet(&mut world, 1);
    let net = world.net.address;
    let claim = ix::claim_rewards(claimer, net, &token, operator.account, operator.payout, &[(workload, 0)]);
    let paid = cost(&mut world, claimer, &[claim]);
    let size = size(&world, &pda::token_account(&operator.payout, &token));
    assert_eq!(paid, size.1 as i64, "who claims pays for the account");
    size
}

/// Applies a batch of one entry whose attestation another wallet pays for; returns the lamports that this cost it for good.
fn apply(world: &mut World, workload: Pubkey, payer: Pubkey) -> i64 {
    let before = lamports(world, &payer);
    let statement = world.statement(workload, &[entry(0, COUNTS)]);
    let uploads = statement.upload(payer);
    let pairs = statement.endorse(payer, &world.net.attesters);
    let all = [uploads, pairs.concat(), vec![statement.apply(payer)]].concat();
    // The Ed25519 instruction comes first: `endorse` names it by its number.
    let all = [&all[1..2], &all[..1], &all[2..]].concat();
    world.send(&all);
    before as i64 - lamports(world, &payer) as i64
}

/// A workload with one operator, in epoch 0.
fn collecting() -> (World, Pubkey) {
    let mut world = World::with(config(), 1);
    let workload = world.workload(0, 10);
    let (operator, _) = register(&mut world, 1);
    enroll(&mut world, &operator, workload);
    world.open_epoch();
    (world, workload)
}

fn logs(table: &mut Table) {
    let (mut world, workload) = collecting();
    let payer = wallet(&mut world, 2);
    let log = pda::log(&workload);
    let back = "`close_cell`, to the authority that registered the workload";
    table.row("log of no batches", size(&world, &log), "the authority", back);
    for number in 1..=1_024 {
        let before = size(&world, &log);
        let paid = apply(&mut world, workload, payer);
        let after = size(&world, &log);
        assert_eq!(paid, (after.1 - before.1) as i64, "who uploads a batch pays for its record");
        let what = match number {
            1 => "log of 1 batch",
            100 => "log of 100 batches",
            1_024 => "log of 1,024 batches",
            _ => continue,
        };
        table.row(what, after, "the authority, and who uploaded each batch for its record", back);
    }
    world.finish(workload);
    world.open_epoch();
    assert_eq!(apply(&mut world, workload, payer), 0, "a log is as long as its longest epoch: no rent in later ones");
    table.note(
        "Settling costs no rent. A log keeps its length: a batch costs its record (88 bytes) only if no epoch before had as\n\
         many batches. What uploaders paid for records goes to the authority with the rest of the log. A slot is 192 bytes,\n\
         and every 96 of them need a page of scratch as large, paid by whoever takes the first of these.",
    );
}

/// Uploads a statement; returns bytes and lamports of the attestation, all of which come back when it is closed.
fn deposit(world: &mut World, statement: &Statement) -> (usize, u64) {
    let payer = wallet(world, 3);
    let before = lamports(world, &payer);
    for upload in statement.upload(payer) {
        world.send(&[upload]);
    }
    let size = size(world, &statement.address(&payer));
    assert_eq!(before - lamports(world, &payer), size.1, "who uploads pays");
    world.send(&[ix::close_attestation(payer, statement.address(&payer))]);
    assert_eq!(before, lamports(world, &payer), "and gets it back");
    size
}

fn epoch(table: &mut Table) {
    let (mut world, workload) = collecting();
    let net = world.net.clone();
    let opener = wallet(&mut world, 4);
    world.wait_until(GENESIS + EPOCH);
    let paid = cost(&mut world, opener, &[ix::open_epoch(opener, net.address, 1)]);
    let epoch = size(&world, &pda::epoch(&net.address, 1));
    assert_eq!(paid, epoch.1 as i64, "who opens an epoch pays");
    table.section("An epoch");
    table.row("epoch", epoch, "who opens it", "`close_epoch`, when all cells have settled it, to who opened it");

    let back = "`apply_batch`, less the log's new record, or `close_attestation`, to who uploaded it";
    for (count, what) in [(1, "1 entry"), (100, "100 entries"), (1_024, "1,024 entries")] {
        let entries: Vec<_> = (0..count).map(|slot| entry(slot, COUNTS)).collect();
        let statement = world.statement(workload, &entries);
        let size = deposit(&mut world, &statement);
        table.row(&format!("deposit for a batch of {what}"), size, "who uploads it", back);
    }
    let domain = Statement::failure_domain(net.address, workload, 1, 0, world.generation());
    let size = deposit(&mut world, &domain);
    let back = "`apply_failure_domain` or `close_attestation`, to who uploaded it";
    table.row("deposit for a failure domain", size, "who uploads it", back);
    let opening = Opening { index: 0, leaf: vec![0; RECEIPT_BYTES], proof: vec![[0; 32]; 20] };
    let batch = world.batch_of(workload);
    for (what, evidence) in [
        ("one leaf", Evidence::Misplaced(opening.clone())),
        ("two leaves", Evidence::DuplicateInBatch(opening.clone(), opening)),
    ] {
        let size = deposit(&mut world, &evidence.statement(batch));
        let what = format!("deposit for evidence: {what} of 2^20");
        table.row(&what, size, "the challenger", "`close_attestation`, to the challenger");
    }
}

const HEAD: &str = "\
# Rent

Measured on the compiled program with a cluster's rent by `cargo xtask bench`; CI fails when a number changes. A SOL is 10^9
lamports. Bytes are those of the account's data. Fees (5,000 lamports a signature) come besides and never come back; bonds
are tokens, not rent.
";

#[test]
fn rent_is_that_of_the_table() {
    let mut table = Table(HEAD.to_owned());
    operator_and_workload(&mut table);
    epoch(&mut table);
    network(&mut table);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/rent.md");
    if std::env::var_os("COVERAGE_BLESS").is_some() {
        std::fs::write(path, &table.0).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(table.0 == checked_in, "the rents have changed: look at why, then run `cargo xtask bench`");
}

/// Seals and settles the epoch in hand, which is open, and opens the next.
fn pass(world: &mut World, workload: Pubkey) {
    world.finish(workload);
    world.open_epoch();
}

#[test]
fn an_operator_gets_all_its_rent_back() {
    let mut world = World::with(config(), 1);
    let (net, workload) = (world.net.address, world.workload(0, 10));
    let before = [1, 2].map(|number| wallet(&mut world, number)).map(|wallet| lamports(&world, &wallet));
    let [first, second] = [1, 2].map(|number| register(&mut world, number).0);
    let paid = [&first, &second].map(|operator| enroll(&mut world, operator, workload));
    world.open_epoch();
    for (slot, operator) in [(0, &first), (1, &second)] {
        world.send(&[ix::leave_cell(operator.wallet, net, workload, slot)]);
    }
    pass(&mut world, workload);
    pass(&mut world, workload);
    for (slot, operator) in [(0, &first), (1, &second)] {
        let unbond = ix::unbond(operator.wallet, net, 1_000);
        world.send(&[ix::release_slot(operator.account, workload, slot), unbond]);
    }
    let (third, _) = register(&mut world, 3);
    assert_eq!(enroll(&mut world, &third, workload), paid[0], "the next pays as much for a slot that is there");
    world.send(&[ix::trim_cell(workload, &[second.wallet])]);
    let bond = world.get::<OperatorAccount>(&second.account).bond;
    world.wait_until(bond.withdrawable_ts);
    for operator in [&first, &second] {
        let withdraw = ix::withdraw_bond(world.payer, net, &world.net.token, operator.wallet);
        world.send(&[withdraw, ix::retire_operator(operator.wallet, net)]);
    }
    assert_eq!([&first, &second].map(|operator| lamports(&world, &operator.wallet)), before);
}

#[test]
fn who_opens_an_epoch_and_who_registers_a_workload_get_their_rent_back() {
    let (mut world, workload) = collecting();
    let net = world.net.clone();
    let (opener, uploader) = (wallet(&mut world, 4), wallet(&mut world, 5));
    let before = lamports(&world, &opener);
    let record = apply(&mut world, workload, uploader);
    let operator = pda::operator(&net.address, &wallet_of(1));
    world.finish(workload);
    world.wait_until(GENESIS + EPOCH);
    world.send(&[ix::open_epoch(opener, net.address, 1)]);
    world.send(&[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
    world.finish(workload);
    world.send(&[ix::close_epoch(world.payer, net.address, 0, &[workload])]);
    world.send(&[ix::close_epoch(opener, net.address, 1, &[workload])]);
    assert_eq!(lamports(&world, &opener), before);
    world.send(&[ix::release_slot(operator, workload, 0)]);
    world.send(&[ix::trim_cell(workload, &[wallet_of(1)]), ix::sweep_cell(net.address, workload)]);
    let held = [pda::cell(&workload), pda::log(&workload)].map(|address| lamports(&world, &address));
    let back = -cost(&mut world, net.authority, &[ix::close_cell(net.authority, workload)]);
    assert_eq!(back as u64, held.iter().sum::<u64>());
    let rent = |bytes| world.cluster.svm.minimum_balance_for_rent_exemption(bytes) as i64;
    let (cell, log) = (size_of::<Cell>(), size_of::<BatchLog>());
    assert_eq!(back, rent(8 + cell + 8) + rent(8 + log + 8) + record, "cell, log, and the record another paid for");
}
