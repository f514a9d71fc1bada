//! The audit: nothing is wrong with a network that the program made, and everything that is corrupted is found and named.

use crate::{named, snapshot};
use coverage_client::audit::{Finding, Invariant, MintReport, Report, check};
use coverage_client::batch::Statement;
use coverage_client::{instructions as ix, pda};
use coverage_math::cell::Slot;
use coverage_settlement::state::{BatchLog, BatchRecord, Cell, Committee, Network, Operator as OperatorAccount};
use coverage_tests::{Operator, World, entry};
use solana_program::pubkey::Pubkey;

/// A batch with a root of its own.
fn batch(world: &mut World, workload: Pubkey, root: u8, counts: &[(u16, [u32; 7])]) {
    let entries: Vec<_> = counts.iter().map(|(slot, counts)| entry(*slot, *counts)).collect();
    let statement = Statement::counts(world.batch_of(workload), [root; 32], &entries);
    world.apply(&statement);
}

/// A network with one epoch settled and another half counted.
struct Scene {
    world: World,
    workloads: [Pubkey; 2],
    operators: [Operator; 3],
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        world.fund(100_000_000);
        let workloads = [world.workload(0, 5), world.workload(1, 5)];
        let operators =
            [(1, 1), (2, 1), (3, 2)].map(|(number, domain)| world.enrolled(number, 1_000, domain, workloads[0]));
        world.enroll(&operators[2], workloads[1]);
        world.open_epoch();
        let mut scene = Self { world, workloads, operators };
        scene.attest(1);
        for workload in workloads {
            scene.world.finish(workload);
        }
        scene
    }

    /// Two batches for one cell, one for the other.
    fn attest(&mut self, root: u8) {
        let [first, second] = self.workloads;
        let world = &mut self.world;
        batch(world, first, root, &[(0, [90, 10, 0, 0, 0, 0, 0]), (1, [50, 0, 0, 50, 0, 0, 0])]);
        batch(world, first, root + 1, &[(0, [5, 0, 0, 0, 5, 0, 0]), (2, [70, 0, 0, 0, 0, 30, 0])]);
        batch(world, second, root + 2, &[(0, [40, 0, 0, 0, 0, 10, 0])]);
    }

    fn report(&mut self) -> Report {
        check(&snapshot(&mut self.world), None)
    }
}

fn findings(report: &Report) -> Vec<Finding> {
    report.checks.iter().flat_map(|check| check.findings.clone()).collect()
}

#[test]
fn a_network_that_the_program_made_has_nothing_wrong_at_any_moment() {
    let mut scene = Scene::new();
    let clean = |scene: &mut Scene, when: &str| {
        let report = scene.report();
        assert_eq!(findings(&report), [], "{when}");
        assert!(report.passed());
        report
    };
    clean(&mut scene, "between epochs");
    scene.world.open_epoch();
    clean(&mut scene, "an epoch is open");
    scene.attest(11);
    let report = clean(&mut scene, "batches are applied");
    assert_eq!((report.cells.len(), report.batches.len()), (2, 3));
    let (net, [first, second]) = (scene.world.net.clone(), scene.workloads);
    let sponsor = ix::sponsor_workload(net.authority, net.address, first, &net.token, net.treasurer, 1_234);
    scene.world.send(&[sponsor]);
    clean(&mut scene, "sponsored");
    scene.world.seal(first);
    clean(&mut scene, "one cell is sealed");
    scene.world.wait_until(scene.world.cell(first).0.sealed_ts + 20);
    let step = ix::settle_cell(net.address, first, 1, 9_000);
    scene.world.send(&[step]);
    let report = clean(&mut scene, "a settlement is half done");
    assert_eq!(report.notes, ["workload 0 is being settled for epoch 1: run the audit again"]);
    scene.world.settle_by(first, ix::SETTLE_STEPS);
    scene.world.finish(second);
    clean(&mut scene, "settled");
    let operator = scene.operators[2];
    assert!(scene.world.claim(&operator, &[(first, 2), (second, 0)]) > 0);
    clean(&mut scene, "claimed");
    scene.world.open_epoch();
    scene.world.send(&[ix::leave_cell(operator.wallet, net.address, second, 0)]);
    scene.world.send(&[ix::set_workload_weight(net.authority, net.address, second, 0)]);
    clean(&mut scene, "one leaves, one workload retires");
    scene.world.finish(first);
    scene.world.finish(second);
    clean(&mut scene, "the last epoch of a retired workload");
    scene.world.open_epoch();
    scene.world.send(&[ix::release_slot(operator.account, second, 0)]);
    clean(&mut scene, "its slot is released");
}

/// What one corruption must be found as: invariant, workload, slot, value, expected, actual.
type Named = (Invariant, Option<u64>, Option<u16>, &'static str, &'static str, &'static str);

fn assert_found(scene: &mut Scene, expected: &[Named], what: &str) {
    let report = scene.report();
    let found = findings(&report);
    let short: Vec<_> = found
        .iter()
        .map(|finding| {
            let words = (finding.what.as_str(), finding.expected.as_str(), finding.actual.as_str());
            (finding.invariant, finding.workload, finding.slot, words.0, words.1, words.2)
        })
        .collect();
    assert_eq!(short, expected, "{what}");
    assert!(!report.passed());
    assert!(report.verdict().starts_with("FAILED: "));
}

#[test]
fn every_corrupted_value_of_a_slot_is_named() {
    use Invariant::{Conservation, CoverageBound, Determinism, Quorum, Solvency};
    type Edit = fn(&mut Slot);
    let cases: [(&str, Edit, &[Named]); 9] = [
        ("p", |slot| slot.p_q32 += 1, &[(Determinism, Some(0), Some(0), "p", "3885922791", "3885922792")]),
        ("share", |slot| slot.share_q32 -= 7, &[(Determinism, Some(0), Some(0), "share", "", "")]),
        ("phi", |slot| slot.phi_q64 ^= 1, &[(Determinism, Some(0), Some(0), "phi", "", "")]),
        (
            "reward",
            |slot| slot.reward += 1,
            &[
                (Conservation, Some(0), None, "sum of rewards", "", ""),
                (Determinism, Some(0), Some(0), "reward", "", ""),
            ],
        ),
        ("reason", |slot| slot.reason = 2, &[(Determinism, Some(0), Some(0), "reason", "1", "2")]),
        ("earned", |slot| slot.earned += 5, &[(Solvency, Some(0), None, "sum of slots' earned", "", "")]),
        (
            "tally",
            |slot| slot.tally[3] = 9,
            &[(Quorum, Some(0), None, "receipts counted in the epoch in hand", "0", "9")],
        ),
        (
            "huge phi",
            |slot| slot.phi_q64 = u64::MAX,
            &[
                (CoverageBound, Some(0), None, "I3 coverage bound", "", ""),
                (Determinism, Some(0), Some(0), "phi", "", ""),
            ],
        ),
        ("bond", |slot| slot.settled_bond *= 3, &[]),
    ];
    for (what, edit, expected) in cases {
        let mut scene = Scene::new();
        let cell = pda::cell(&scene.workloads[0]);
        let (_, mut slots) = scene.world.cell(scene.workloads[0]);
        edit(&mut slots[0]);
        scene.world.forge().slots(&cell, &slots, |_| ());
        let found = findings(&scene.report());
        let operator = scene.operators[0].account.to_string();
        assert!(!found.is_empty(), "{what}");
        for finding in &found {
            assert_eq!(finding.operator.is_some(), finding.slot.is_some());
            assert!(finding.slot != Some(0) || finding.operator.as_ref() == Some(&operator));
        }
        if expected.is_empty() {
            // Another bond changes everybody's share in the domain, and what is paid for it.
            assert!(found.iter().all(|finding| finding.invariant == Determinism && finding.workload == Some(0)));
            assert!(found.iter().any(|finding| finding.slot == Some(1) && finding.what == "share"));
            continue;
        }
        let matches = found.iter().zip(expected).all(|(finding, expected)| {
            let (invariant, workload, slot, name, wanted, actual) = *expected;
            (finding.invariant, finding.workload, finding.slot, finding.what.as_str())
                == (invariant, workload, slot, name)
                && (wanted.is_empty() || (finding.expected == wanted && finding.actual == actual))
        });
        assert!(matches && found.len() == expected.len(), "{what}: {found:?}");
    }
}

#[test]
fn every_corrupted_value_of_a_cell_is_named() {
    use Invariant::{Conservation, CoverageBound, Determinism, Once, Quorum, Solvency};
    type Edit = fn(&mut Cell);
    type Case<'a> = (&'a str, Edit, Vec<(Invariant, &'a str)>);
    let cases: [Case<'_>; 15] = [
        ("settlements", |cell| cell.settlements += 1, vec![(Once, "settlements since its first epoch")]),
        (
            "last epoch",
            |cell| cell.last.epoch += 4,
            vec![(Once, "last settled epoch"), (Quorum, "receipts counted in the last settlement")],
        ),
        ("batches", |cell| cell.batches = 1, vec![(Once, "batches applied in the epoch in hand")]),
        ("removed", |cell| cell.removed = 1, vec![(Once, "batches removed in the epoch in hand")]),
        (
            "paid",
            |cell| cell.last.paid += 1,
            vec![(Conservation, "I2 conservation"), (Conservation, "sum of rewards"), (Determinism, "paid")],
        ),
        ("carry", |cell| cell.last.carry -= 1, vec![(Conservation, "I2 conservation"), (Determinism, "carry")]),
        (
            "returned",
            |cell| cell.last.returned += 1,
            vec![(Conservation, "I2 conservation"), (Determinism, "returned")],
        ),
        (
            "coverage",
            |cell| cell.last.coverage_q64 = 5,
            vec![(CoverageBound, "I3 coverage bound"), (Determinism, "coverage")],
        ),
        (
            "outcomes",
            |cell| cell.last.outcomes[2] += 1,
            vec![(Quorum, "receipts counted in the last settlement"), (Determinism, "outcomes")],
        ),
        ("batches settled", |cell| cell.last.batches += 1, vec![(Quorum, "batches counted in the last settlement")]),
        ("domains", |cell| cell.last.domains += 1, vec![(Determinism, "domains")]),
        ("contributing", |cell| cell.last.contributing += 1, vec![(Determinism, "contributing")]),
        ("rule", |cell| cell.last.rule = 9, vec![(Determinism, "rule")]),
        ("breach", |cell| cell.last.breach_bps += 1, vec![(Determinism, "breach limit")]),
        ("earned", |cell| cell.earned -= 1, vec![(Solvency, "sum of slots' earned")]),
    ];
    for (what, edit, expected) in cases {
        let mut scene = Scene::new();
        scene.world.forge().header::<Cell>(&pda::cell(&scene.workloads[0]), edit);
        let found = findings(&scene.report());
        let short: Vec<_> = found.iter().map(|finding| (finding.invariant, finding.what.as_str())).collect();
        assert_eq!(short, expected, "{what}: {found:?}");
        assert!(found.iter().all(|finding| finding.workload == Some(0) && finding.slot.is_none()));
    }
}

#[test]
fn another_z_or_pool_changes_what_is_recomputed() {
    let edits: [fn(&mut Cell); 2] = [|cell| cell.last.z_milli = 1_000, |cell| cell.last.pool += 1_000];
    for (number, edit) in edits.into_iter().enumerate() {
        let mut scene = Scene::new();
        scene.world.forge().header::<Cell>(&pda::cell(&scene.workloads[0]), edit);
        let found = findings(&scene.report());
        let name = ["z", "reward"][number];
        assert!(found.iter().any(|finding| finding.what == name), "{found:?}");
    }
}

#[test]
fn money_that_is_not_where_it_should_be_is_named() {
    use Invariant::Solvency;
    type Case<'a> = (fn(&mut Scene), &'a [Named]);
    let cases: [Case<'_>; 5] = [
        (
            |scene| {
                let vault = pda::vault(&scene.world.net.address);
                scene.world.forge().bytes(&vault, |data| data[64] -= 1);
            },
            &[(Solvency, None, None, "vault", "at least 100503000", "100502999")],
        ),
        (
            |scene| {
                let network = scene.world.net.address;
                scene.world.forge().header::<Network>(&network, |network| network.treasury_available += 3);
            },
            &[(Solvency, None, None, "vault", "at least 100503003", "100503000")],
        ),
        (
            |scene| {
                let operator = scene.operators[1].account;
                scene.world.forge().header::<OperatorAccount>(&operator, |operator| operator.bond.units += 2);
            },
            &[(Solvency, None, None, "sum of operators' bonds", "3000", "3002")],
        ),
        (
            |scene| {
                let committee = pda::committee(&scene.world.net.address);
                scene.world.forge().header::<Committee>(&committee, |committee| committee.attesters[4].bond.units -= 1);
            },
            &[(Solvency, None, None, "sum of attesters' bonds", "500000", "499999")],
        ),
        (
            |scene| {
                scene.world.open_epoch();
                let epoch = pda::epoch(&scene.world.net.address, 1);
                scene.world.forge().bytes(&epoch, |data| data[0] ^= 1);
            },
            &[
                (Solvency, Some(0), None, "account of epoch 1", "there", "missing"),
                (Solvency, Some(1), None, "account of epoch 1", "there", "missing"),
            ],
        ),
    ];
    for (number, (corrupt, expected)) in cases.into_iter().enumerate() {
        let mut scene = Scene::new();
        corrupt(&mut scene);
        assert_found(&mut scene, expected, &number.to_string());
    }
}

/// Rewrites the log of the first workload.
fn forge_log(scene: &mut Scene, edit: impl FnOnce(&mut BatchLog, &mut Vec<BatchRecord>)) {
    let at = pda::log(&scene.workloads[0]);
    let data = scene.world.account(&at).data;
    let (mut log, mut records) = coverage_client::accounts::log(&at, &data).unwrap();
    edit(&mut log, &mut records);
    scene.world.forge().tail(&at, &log, &records);
}

#[test]
fn batches_that_nobody_endorsed_or_that_count_twice_are_named() {
    use Invariant::{Once, Quorum};
    let mut scene = Scene::new();
    scene.world.open_epoch();
    scene.attest(11);
    let clean = scene.world.cluster.svm.clone();

    forge_log(&mut scene, |_, records| records[1].endorsers = 0b111);
    let endorsed = "weight that endorsed batch 1";
    let quorum = "more than 6667 ten-thousandths of 5";
    assert_found(&mut scene, &[(Quorum, Some(0), None, endorsed, quorum, "3")], "too few");

    scene.world.cluster.svm = clean.clone();
    forge_log(&mut scene, |_, records| records[1].receipts_root = records[0].receipts_root);
    let found = findings(&scene.report());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].invariant, found[0].what.as_str()), (Once, "receipts root of batch 1"));
    assert_eq!(found[0].actual, format!("{} as in batch 0", "0b".repeat(32)));

    scene.world.cluster.svm = clean.clone();
    forge_log(&mut scene, |_, records| {
        records.pop();
    });
    let batches = "batches applied in the epoch in hand";
    let receipts = "receipts counted in the epoch in hand";
    let expected = [(Once, Some(0), None, batches, "2", "1"), (Quorum, Some(0), None, receipts, "200", "310")];
    assert_found(&mut scene, &expected, "a record is missing");

    scene.world.cluster.svm = clean;
    forge_log(&mut scene, |_, records| records[0].flags = 1);
    let removed = "batches removed in the epoch in hand";
    let expected = [(Once, Some(0), None, removed, "0", "1"), (Quorum, Some(0), None, receipts, "110", "310")];
    assert_found(&mut scene, &expected, "a standing batch is flagged");
}

#[test]
fn one_epoch_and_what_the_chain_does_not_show_of_others() {
    let mut scene = Scene::new();
    scene.world.open_epoch();
    scene.attest(11);
    let of = |scene: &mut Scene, epoch| {
        let report = check(&snapshot(&mut scene.world), Some(epoch));
        (report.cells.len(), report.batches.len(), report.passed(), report.notes.clone(), report.verdict())
    };
    let passed = "PASSED: everything there is to see is as it should be".to_owned();
    assert_eq!(of(&mut scene, 0), (2, 0, true, vec![], passed.clone()));
    let pending = |id| format!("workload {id} has not settled epoch 1: epoch 1 is in hand");
    assert_eq!(of(&mut scene, 1), (0, 3, true, vec![pending(0), pending(1)], passed));
    for workload in scene.workloads {
        scene.world.finish(workload);
    }
    let (cells, batches, passed, notes, verdict) = of(&mut scene, 0);
    assert_eq!((cells, batches, passed), (0, 0, false));
    assert_eq!(notes[0], "workload 0 shows the settlement of epoch 1 only; epoch 0 is overwritten, its events remain");
    assert_eq!(verdict, "NOT CHECKED: the chain shows nothing of epoch 0");
    // A corrupted settlement of another epoch is not what was asked for.
    scene.world.forge().header::<Cell>(&pda::cell(&scene.workloads[0]), |cell| cell.last.paid += 1);
    assert_eq!(findings(&check(&snapshot(&mut scene.world), Some(0))), []);
    assert_eq!(findings(&check(&snapshot(&mut scene.world), Some(1))).len(), 3);
}

#[test]
fn endorsers_are_named_as_long_as_their_places_are_theirs() {
    let mut scene = Scene::new();
    let report = scene.report();
    let batch = &report.batches[0];
    assert_eq!((batch.workload, batch.epoch, batch.sequence, batch.receipts, batch.removed), (0, 0, 0, 200, false));
    let keys = scene.world.net.attesters.iter().map(|key| Pubkey::from(key.verifying_key().to_bytes()).to_string());
    let named: Vec<_> = batch.endorsers.iter().map(|endorser| endorser.key.clone().unwrap()).collect();
    assert_eq!(named, keys.collect::<Vec<_>>());
    let committee = pda::committee(&scene.world.net.address);
    scene.world.forge().header::<Committee>(&committee, |committee| {
        committee.attesters[2].since_generation = committee.generation + 1;
        committee.generation += 1;
    });
    let report = scene.report();
    assert_eq!(report.batches[0].endorsers[2].key, None);
    assert_eq!(findings(&report), [], "another generation's quorum cannot be computed any more");
}

#[test]
fn who_can_mint_and_freeze_is_shown() {
    let scene = Scene::new();
    let token = scene.world.net.token;
    let data = scene.world.account(&token.mint).data;
    let payer = scene.world.payer.to_string();
    let expected = MintReport { mint: token.mint.to_string(), mint_authority: Some(payer), freeze_authority: None };
    assert_eq!(MintReport::read(&token.mint, &data), Some(expected.clone()));
    let mut frozen = data.clone();
    frozen[46] = 1;
    frozen[50..82].copy_from_slice(&[7; 32]);
    let freezer = Some(Pubkey::from([7; 32]).to_string());
    assert_eq!(MintReport::read(&token.mint, &frozen), Some(MintReport { freeze_authority: freezer, ..expected }));
    assert_eq!(MintReport::read(&token.mint, &data[..80]), None);
}

const CLEAN: &str = "\
Network NETWORK at 1700000150 (unix seconds)

Invariants
  I1 solvency        holds   at least 100503000 units in the vault: 100503000 units
  I2 conservation    holds   1000000 units of 2 pools: 1000000 units paid, carried or returned
  I3 coverage bound  holds   sum of phi at most the coverage in 2 cells: so it is
  I4 once            holds   3 batches applied once, 2 settlements made once: so it is
  I5 quorum          holds   3 standing batches endorsed and counted as endorsed: so it is
  I7 determinism     holds   4 slots in 2 cells settle to the same bits again: so it is

Settlements, computed again (token units)
  workload  epoch  slots  coverage     pool     paid  carried  returned  differences
         0      0      3  0.971429  500,000  485,712   14,288         0            0
         1      0      1  0.800000  500,000  399,999  100,001         0            0

Batches
  workload  epoch  batch  receipts  root                                                              endorsed by places  state
         0      0      0       200  0101010101010101010101010101010101010101010101010101010101010101           0 1 2 3 4  counted
         0      0      1       110  0202020202020202020202020202020202020202020202020202020202020202           0 1 2 3 4  counted
         1      0      0        50  0303030303030303030303030303030303030303030303030303030303030303           0 1 2 3 4  counted

PASSED: everything there is to see is as it should be
";

#[test]
fn the_report_as_a_person_reads_it() {
    let mut scene = Scene::new();
    let names = [(scene.world.net.address, "NETWORK"), (scene.operators[0].account, "OPERATOR")];
    let report = scene.report();
    assert_eq!(named(&report, &names), CLEAN);
    let cell = pda::cell(&scene.workloads[0]);
    let (_, mut slots) = scene.world.cell(scene.workloads[0]);
    slots[0].reason = 2;
    scene.world.forge().slots(&cell, &slots, |_| ());
    let text = named(&scene.report(), &names);
    let line = "      workload 0, slot 0 (OPERATOR), reason: expected 1, on chain 2\n";
    assert!(text.contains(line) && text.ends_with("\nFAILED: 1 discrepancy\n"), "{text}");
}
