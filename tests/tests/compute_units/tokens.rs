//! Every instruction that moves tokens, in each kind of mint.

use crate::bench::{Bench, FULL, Row, settings, stranger};
use crate::luck;
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_settlement::state::Operator as OperatorAccount;
use coverage_tests::{GENESIS, Operator};
use solana_keypair::Keypair;
use solana_program::pubkey::Pubkey;

const KINDS: [(&str, Pubkey, bool); 3] = [
    ("SPL Token", pda::TOKEN_PROGRAM, false),
    ("Token-2022", pda::TOKEN_2022_PROGRAM, false),
    ("Token-2022 with every extension", pda::TOKEN_2022_PROGRAM, true),
];

/// Every extension a mint may have, with its bytes.
const EXTENSIONS: [(u16, u16); 8] = [(3, 32), (10, 52), (18, 64), (19, 400), (20, 64), (21, 80), (22, 64), (23, 72)];

pub fn rows() -> Vec<Row> {
    KINDS.into_iter().flat_map(|(kind, program, extended)| rows_in(kind, program, extended)).collect()
}

fn rows_in(kind: &str, program: Pubkey, extended: bool) -> Vec<Row> {
    let mut bench = Bench::paying_in(program, 1, settings());
    if extended {
        extend(&mut bench);
    }
    let net = bench.world.net.clone();
    let other = luck::network(net.id + 1);
    let create = ix::create_network(net.authority, other, &net.token, net.guardian, GENESIS, settings());
    bench.add(kind, &[create]);
    bench.add(kind, &[ix::fund_treasury(net.authority, net.address, &net.token, net.treasurer, 1 << 40)]);
    let workload = bench.workload();
    let sponsor = ix::sponsor_workload(net.authority, net.address, workload, &net.token, net.treasurer, 1_000);
    bench.add(kind, &[sponsor]);
    let operator = bench.wallet();
    bench.add(kind, &[bench.world.registration(&operator, 10_000)]);
    let add = ix::add_bond(operator.wallet, net.address, &net.token, operator.source, 10_000);
    bench.add(kind, &[add]);
    bench.add(kind, &[ix::add_attester_bond(net.authority, net.address, &net.token, net.treasurer, 0, 1_000)]);
    withdraw(&mut bench, kind, &operator);
    claim(&mut bench, kind, &operator, workload);
    bench.rows
}

/// Gives the mint every extension that is allowed.
fn extend(bench: &mut Bench) {
    let mint = bench.world.net.token.mint;
    bench.world.forge().bytes(&mint, |data| {
        data.resize(165, 0);
        data.push(1); // a mint
        for (kind, length) in EXTENSIONS {
            data.extend(kind.to_le_bytes());
            data.extend(length.to_le_bytes());
            data.extend(vec![0; usize::from(length)]);
        }
    });
}

fn withdraw(bench: &mut Bench, kind: &str, operator: &Operator) {
    let (net, payer) = (bench.world.net.clone(), bench.world.payer);
    let seed = net.attesters[0].to_bytes();
    bench.world.cluster.sign_with(Keypair::new_from_array(seed));
    let attester = Pubkey::from(net.attesters[0].verifying_key().to_bytes());
    for (case, known) in [("account created", false), ("", true)] {
        let case = [kind, case].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        bench.world.send(&[
            ix::unbond(operator.wallet, net.address, 1_000),
            ix::unbond_attester(attester, net.address, 0, 1_000),
        ]);
        let bond = bench.world.get::<OperatorAccount>(&operator.account).bond;
        bench.world.set_time(bond.withdrawable_ts);
        if !known {
            let account = pda::token_account(&operator.wallet, &net.token);
            bench.world.cluster.svm.set_account(account, Default::default()).unwrap();
        }
        bench.add(&case, &[ix::withdraw_bond(payer, net.address, &net.token, operator.wallet)]);
        bench.add(&case, &[ix::withdraw_attester_bond(payer, net.address, &net.token, attester, 0)]);
        bench.world.open_epoch();
    }
}

fn claim(bench: &mut Bench, kind: &str, operator: &Operator, workload: Pubkey) {
    let last = (FULL - 1) as u16;
    for case in ["1 cell, account created", "1 cell"] {
        let mut slots: Vec<_> = (0..FULL).map(stranger).collect();
        slots[FULL - 1] = Slot { earned: 500, ..Slot::new(operator.account.to_bytes(), 10_000, 0, 0) };
        bench.slots(workload, &slots, |cell| cell.earned = 500);
        bench.add(&format!("{kind}, {case}"), &[bench.claim(operator, &[(workload, last)])]);
    }
    bench.add(&format!("{kind}, nothing earned"), &[bench.claim(operator, &[(workload, last)])]);
    assert_eq!(bench.world.paid_out(operator), 1_000, "what was measured paid");
}
