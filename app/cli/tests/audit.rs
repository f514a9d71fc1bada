//! The audit finds what is not as the program left it, and names it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use covctl::commands::{ExitStatus, files};
use covctl::network::Network;
use covctl::report::text;
use covctl::router::{RouterConfig, simulate};
use covctl::scenario::bundled;
use covctl::{Progress, network};
use coverage_client::pda;
use solana_account::Account;
use solana_program::pubkey::Pubkey;

/// Where φ is in a slot: behind the operator and five 64-bit numbers.
const PHI: usize = 32 + 5 * 8;

/// Changes an account behind the program's back.
fn tamper(network: &mut Network, address: &Pubkey, change: impl FnOnce(&mut Account)) {
    let svm = &mut network.cluster.embedded.svm;
    let mut account = svm.get_account(address).unwrap();
    change(&mut account);
    svm.set_account(*address, account).unwrap();
}

fn settled<'a>(
    scenario: &'a covctl::scenario::Scenario,
    simulation: &'a covctl::router::Simulation,
    progress: &'a Progress,
) -> Network<'a> {
    let mut network = Network::create(scenario, simulation, progress).unwrap();
    for epoch in 0..scenario.epochs {
        network.run_epoch(epoch).unwrap();
    }
    assert!(network.report().audit.passed());
    network
}

#[test]
fn one_corrupted_byte_of_a_slot_is_named_and_fails_the_run() {
    let scenario = bundled::scenario();
    let simulation = simulate(&scenario, &RouterConfig::default()).unwrap();
    let progress = Progress::silent();
    let mut network = settled(&scenario, &simulation, &progress);

    // Cobalt Grid's mill is alone in quill-30b: the first slot of its cell.
    let workload = network.workload(3).unwrap();
    let operator = network.operator(6).unwrap();
    tamper(&mut network, &pda::cell(&workload), |account| {
        let slot = account.data.windows(32).position(|bytes| bytes == operator.to_bytes()).unwrap();
        account.data[slot + PHI] ^= 1;
    });
    network.audit(2).unwrap();

    let report = network.finish().unwrap();
    assert_eq!(report.audit.mismatches.len(), 1, "{:?}", report.audit.mismatches);
    let mismatch = &report.audit.mismatches[0];
    let named = (mismatch.workload.as_str(), mismatch.epoch, mismatch.operator.as_str(), mismatch.field.as_str());
    assert_eq!(named, ("quill-30b / Server", 2, "Cobalt Grid/mill", "phi"));
    let (expected, actual): (u64, u64) = (mismatch.expected.parse().unwrap(), mismatch.actual.parse().unwrap());
    assert_eq!(expected ^ actual, 1);
    let text = text::render(&report, 3);
    assert!(
        text.contains("audit: DIFFERENT; 75 slots in 20 cells recomputed, 1 differences from the chain\n"),
        "{text}"
    );
    assert!(
        text.contains(&format!(
            "quill-30b / Server epoch 2 Cobalt Grid/mill phi: recomputed {expected}, on chain {actual}\n"
        )),
        "{text}"
    );
    assert_eq!(files::status(&report), ExitStatus::CheckFailed, "exit code 1");
}

#[test]
fn a_vault_with_a_unit_too_few_is_insolvent() {
    let scenario = bundled::scenario();
    let simulation = simulate(&scenario, &RouterConfig::default()).unwrap();
    let progress = Progress::silent();
    let mut network = settled(&scenario, &simulation, &progress);

    let vault = pda::vault(&network.address());
    let held = network.cluster.embedded.tokens(&vault);
    // An SPL token account: mint, owner, amount.
    tamper(&mut network, &vault, |account| account.data[64..72].copy_from_slice(&(held - 1).to_le_bytes()));
    network.audit(2).unwrap();
    let mismatches = &network.report().audit.mismatches;
    assert_eq!(mismatches.len(), 1, "{mismatches:?}");
    assert_eq!(mismatches[0].field, "I1 solvency (vault)");
    assert_eq!(
        (mismatches[0].expected.as_str(), mismatches[0].actual.as_str()),
        (format!("at least {held}").as_str(), (held - 1).to_string().as_str())
    );
}

#[test]
fn attempts_of_another_scenario_are_refused() {
    let mut scenario = bundled::scenario();
    let simulation = simulate(&scenario, &RouterConfig::default()).unwrap();
    scenario.capabilities.retain(|capability| capability.workload != 3);
    scenario.capabilities.push(covctl::scenario::Capability {
        operator: 6,
        workload: 3,
        from_epoch: 2,
        ..scenario.capabilities[0]
    });
    let error = network::run(&scenario, &simulation, &Progress::silent()).unwrap_err();
    assert!(
        error.to_string().starts_with("operator 6 was asked to serve workload 3 in epoch 0, but has no slot"),
        "{error}"
    );
}
