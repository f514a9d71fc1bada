//! The authority's, the guardian's and the committee's instructions.

use crate::bench::{Bench, Row, most, settings};
use crate::luck;
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::Config;
use coverage_tests::{EPOCH, GENESIS, member, requirements};
use solana_keypair::Keypair;
use solana_signer::Signer;

pub fn rows() -> Vec<Row> {
    let mut bench = Bench::new(64, settings());
    network(&mut bench);
    committee(&mut bench);
    workloads(&mut bench);
    bench.rows
}

fn network(bench: &mut Bench) {
    let net = bench.world.net.clone();
    let heir = bench.world.cluster.add_signer(Keypair::new_from_array([9; 32]));
    let config = Config { emission: 5, ..settings() };
    bench.add("", &[ix::propose_authority(net.authority, net.address, heir)]);
    bench.add("", &[ix::accept_authority(heir, net.address)]);
    bench.add("", &[ix::set_guardian(heir, net.address, net.guardian)]);
    bench.world.send(&[ix::propose_authority(heir, net.address, net.authority)]);
    bench.world.send(&[ix::accept_authority(net.authority, net.address)]);
    bench.add("", &[ix::pause(net.guardian, net.address, 7, 60)]);
    bench.add("", &[ix::unpause(net.guardian, net.address)]);
    bench.add("", &[ix::propose_config(net.authority, net.address, config)]);
    let payer = bench.world.payer;
    bench.fund();
    bench.workload();
    bench.world.set_time(GENESIS);
    bench.add("with a new configuration", &[ix::open_epoch(payer, net.address, 0)]);
    bench.world.set_time(GENESIS + EPOCH);
    bench.add("", &[ix::open_epoch(payer, net.address, 1)]);
}

fn committee(bench: &mut Bench) {
    let (net, payer) = (bench.world.net.clone(), bench.world.payer);
    let seats = |count: usize| {
        let places = (0u8..64).rev().take(count);
        let members = places.map(|place| member(place, &net.attesters[usize::from(place)], 2)).collect();
        ix::update_committee(net.authority, net.address, members)
    };
    let count = most(&payer, 64, |count| vec![seats(count)]);
    bench.add(&format!("{count} places of 64"), &[seats(count)]);
    let key = Keypair::new_from_array(net.attesters[63].to_bytes());
    let last = key.pubkey();
    bench.world.cluster.sign_with(key);
    bench.add("", &[ix::unbond_attester(last, net.address, 63, 1_000)]);

    let mut other = Bench::new(1, settings());
    let net = other.world.net.clone();
    let seat = ix::update_committee(net.authority, net.address, vec![member(0, &net.attesters[0], 2)]);
    other.add("1 place of 1", &[seat]);
    bench.rows.append(&mut other.rows);
}

fn workloads(bench: &mut Bench) {
    let net = bench.world.net.clone();
    let second = luck::workload(&net.address, luck::workload(&net.address, 0) + 1);
    bench.add("", &[ix::register_workload(net.authority, net.address, second, 10, requirements())]);
    let workload = pda::workload(&net.address, second);
    bench.add("another weight", &[ix::set_workload_weight(net.authority, net.address, workload, 20)]);
    bench.add("0: retired", &[ix::set_workload_weight(net.authority, net.address, workload, 0)]);
}
