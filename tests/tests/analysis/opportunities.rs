//! Opportunities: what is forecast is what the program pays when it comes true.

use crate::snapshot;
use coverage_client::ClientError;
use coverage_client::explain::number::Q32;
use coverage_client::instructions as ix;
use coverage_client::opportunities::{Opportunities, Opportunity, opportunities};
use coverage_math::reliability::Evidence;
use coverage_settlement::state::Config;
use coverage_tests::{EPOCH, GENESIS, Operator, World, config};
use solana_program::pubkey::Pubkey;

type Counts = [u32; 7];

/// What the entrant serves, everywhere.
const ENTRANT: Counts = [95, 2, 0, 3, 0, 0, 0];

fn p_of(counts: &Counts, config: &Config) -> Q32 {
    Q32(Evidence::of(counts).unwrap().wilson_q32(config.z_milli))
}

/// A network of three workloads: one of two domains, one of a single poor operator, one that nobody serves.
struct Scene {
    world: World,
    workloads: [Pubkey; 3],
    counts: [Vec<(u16, Counts)>; 3],
}

impl Scene {
    fn new(config: Config) -> Self {
        let mut world = World::with(config, 5);
        world.fund(100_000_000);
        let workloads = [(0, 5), (1, 3), (2, 2)].map(|(id, weight)| world.workload(id, weight));
        for (number, domain) in [(1, 1), (2, 1), (3, 2)] {
            world.enrolled(number, 1_000 * u64::from(number), domain, workloads[0]);
        }
        world.enrolled(4, 5_000, 3, workloads[1]);
        let counts = [
            vec![(0, [90, 10, 0, 0, 0, 0, 0]), (1, [85, 0, 15, 0, 0, 0, 0]), (2, [60, 0, 0, 40, 9, 0, 0])],
            vec![(0, [30, 0, 0, 70, 0, 0, 0])],
            vec![],
        ];
        Self { world, workloads, counts }
    }

    /// Attests the same as in every epoch, to which `more` adds for one workload.
    fn attest(&mut self, more: Option<(usize, (u16, Counts))>) {
        for (number, workload) in self.workloads.into_iter().enumerate() {
            let mut counts = self.counts[number].clone();
            counts.extend(more.filter(|(of, _)| *of == number).map(|(_, entry)| entry));
            if !counts.is_empty() {
                self.world.batch(workload, &counts);
            }
        }
    }

    fn finish(&mut self) {
        for workload in self.workloads {
            self.world.finish(workload);
        }
    }

    /// An epoch from its opening to its settlement.
    fn epoch(&mut self, more: Option<(usize, (u16, Counts))>) -> u64 {
        let epoch = self.world.open_epoch();
        self.attest(more);
        self.finish();
        epoch
    }

    fn opportunities(&mut self, operator: Option<&Operator>) -> Vec<Opportunity> {
        let p = p_of(&ENTRANT, &self.world.get::<coverage_settlement::state::Network>(&self.world.net.address).config);
        opportunities(&snapshot(&mut self.world), p, operator.map(|operator| &operator.account)).unwrap()
    }
}

/// Enrols an entrant in workload `number`, and holds the forecast against what the program then pays.
fn comes_true(scene: &mut Scene, number: usize, operator: &Operator, forecast: &Opportunity) {
    let slot = scene.world.enroll(operator, scene.workloads[number]);
    is_paid(scene, number, slot, forecast);
}

/// Lets the forecast's epoch come, and holds it against what the program pays in it.
fn is_paid(scene: &mut Scene, number: usize, slot: u16, forecast: &Opportunity) {
    let workload = scene.workloads[number];
    assert_eq!(forecast.workload, number as u64);
    loop {
        let (cell, _) = scene.world.cell(workload);
        if cell.epoch > forecast.epoch {
            break;
        }
        let own = (number, (slot, ENTRANT));
        scene.epoch((cell.epoch == forecast.epoch).then_some(own));
    }
    let (cell, slots) = scene.world.cell(workload);
    assert_eq!(cell.last.epoch, forecast.epoch);
    let own = slots[usize::from(slot)];
    assert_eq!(own.reward, forecast.reward_units, "{forecast:?}");
    assert_eq!((own.phi_q64, own.p_q32), (forecast.phi.0, forecast.p.0));
    assert_eq!((own.settled_domain, own.settled_bond), (forecast.domain, forecast.bond_units));
    assert_eq!(cell.last.pool, forecast.pool.units());
    assert_eq!(cell.last.sponsored, forecast.pool.sponsored_units);
    assert_eq!(cell.last.coverage_q64, forecast.coverage_after.0);
    assert_eq!(cell.last.paid - own.reward, forecast.others_after_units);
}

/// The forecast for one workload.
fn of(forecasts: &[Opportunity], workload: u64) -> Opportunity {
    forecasts.iter().find(|opportunity| opportunity.workload == workload).unwrap().clone()
}

#[test]
fn an_entrant_in_a_new_domain_is_paid_what_was_forecast() {
    for z_milli in [0, 1_645] {
        for number in 0..3 {
            let mut scene = Scene::new(Config { z_milli, min_operator_bond: 700, ..config() });
            scene.epoch(None);
            scene.epoch(None);
            let forecasts = scene.opportunities(None);
            assert_eq!(forecasts.len(), 3);
            let forecast = of(&forecasts, number as u64);
            // Epoch 1 is settled while 2 is in progress, so 3 is the first that nobody knows anything of.
            assert_eq!((forecast.epoch, forecast.bond_units), (3, 700));
            let entrant = scene.world.operator(9, 700);
            scene.world.attest_domain(&entrant, forecast.domain);
            comes_true(&mut scene, number, &entrant, &forecast);
        }
    }
}

#[test]
fn best_first_and_a_neglected_pool_is_the_best() {
    let mut scene = Scene::new(config());
    scene.epoch(None);
    scene.epoch(None);
    let forecasts = scene.opportunities(None);
    let order: Vec<_> = forecasts.iter().map(|forecast| (forecast.workload, forecast.reward_units)).collect();
    // Workload 2 has 200,000 an epoch, of which epochs 0 to 2 carry all: 0.95 x 800,000.
    assert_eq!((order[0], forecasts[0].pool.units()), ((2, 759_999), 800_000));
    assert!(order[0].1 >= order[1].1 && order[1].1 >= order[2].1, "{order:?}");
    // Alone with p = 0.95, the carry comes to rest where as much is paid as comes in.
    assert_eq!(forecasts[0].lasting_units, 200_000);
    assert_eq!((forecasts[0].coverage_before.0, forecasts[0].others_before_units), (0, 0));
}

#[test]
fn what_lasts_is_what_is_paid_when_the_carry_is_at_rest() {
    let mut scene = Scene::new(config());
    scene.epoch(None);
    let forecast = of(&scene.opportunities(None), 1);
    let entrant = scene.world.operator(9, 1_000);
    scene.world.attest_domain(&entrant, forecast.domain);
    comes_true(&mut scene, 1, &entrant, &forecast);
    for _ in 0..12 {
        scene.epoch(Some((1, (1, ENTRANT))));
    }
    let (_, slots) = scene.world.cell(scene.workloads[1]);
    assert_eq!(slots[1].reward, forecast.lasting_units);
    assert_ne!(forecast.lasting_units, forecast.reward_units);
}

#[test]
fn an_operator_is_forecast_with_its_own_domain_and_bond() {
    for number in 1..3 {
        let mut scene = Scene::new(config());
        // Operator 3 (bond 3,000, domain 2) has a slot in workload 0; in workload 1 another of domain 2 is there already.
        scene.world.enrolled(5, 500_000, 2, scene.workloads[1]);
        scene.counts[1].push((1, [80, 20, 0, 0, 0, 0, 0]));
        scene.epoch(None);
        let operator = scene.world.wallet(3);
        let forecasts = scene.opportunities(Some(&operator));
        let workloads: Vec<u64> = forecasts.iter().map(|forecast| forecast.workload).collect();
        assert_eq!(workloads, [2, 1], "workload 0 has it already");
        let forecast = of(&forecasts, number as u64);
        assert_eq!((forecast.domain, forecast.bond_units), (2, 3_000));
        if number == 1 {
            assert!(forecast.others_after_units < forecast.others_before_units, "its domain's reach is shared");
        }
        let before = scene.world.cell(scene.workloads[0]).1[2].reward;
        comes_true(&mut scene, number, &operator, &forecast);
        // Its other slot has its own pool: only the carry of that workload moves it.
        let after = scene.world.cell(scene.workloads[0]).1[2];
        assert!(after.reward >= before && after.reason == 1);
    }
}

#[test]
fn an_operator_without_a_domain_shares_domain_0() {
    let mut scene = Scene::new(config());
    scene.world.enrolled(6, 1_000, 0, scene.workloads[2]);
    scene.counts[2].push((0, [95, 5, 0, 0, 0, 0, 0]));
    scene.epoch(None);
    let operator = scene.world.operator(9, 1_000);
    let forecast = of(&scene.opportunities(Some(&operator)), 2);
    assert_eq!((forecast.domain, forecast.coverage_before), (0, forecast.coverage_after));
    comes_true(&mut scene, 2, &operator, &forecast);
}

/// Sponsors' tokens, an epoch half counted, one sealed, a configuration that waits, bonds that are staged: all in the forecast.
#[test]
fn a_network_in_motion_is_forecast_as_well() {
    for sealed in [false, true] {
        let soon = Config { delay_seconds: 10, ..config() };
        let mut scene = Scene::new(soon);
        scene.epoch(None);
        scene.world.open_epoch();
        scene.attest(None);
        let (net, workloads) = (scene.world.net.clone(), scene.workloads);
        if sealed {
            for workload in workloads {
                scene.world.seal(workload);
            }
            scene.world.open_epoch();
        }
        let sponsor =
            |units| ix::sponsor_workload(net.authority, net.address, workloads[0], &net.token, net.treasurer, units);
        scene.world.send(&[sponsor(123_456)]);
        let first = scene.world.wallet(1);
        scene.world.send(&[ix::add_bond(first.wallet, net.address, &net.token, first.source, 90_000)]);
        scene.world.send(&[ix::sync_slot(net.address, first.account, workloads[0], 0)]);
        let change = Config { emission: 3_000_000, rule: 1, carry_cap_epochs: 1, ..soon };
        scene.world.send(&[ix::propose_config(net.authority, net.address, change)]);
        let forecast = of(&scene.opportunities(None), 0);
        // Sealing took until epoch 2, so the clock is one further.
        assert_eq!((forecast.epoch, forecast.pool.sponsored_units), (if sealed { 3 } else { 2 }, 0));
        let entrant = scene.world.operator(9, 1_000);
        scene.world.attest_domain(&entrant, forecast.domain);
        let slot = scene.world.enroll(&entrant, workloads[0]);
        for workload in workloads {
            if !sealed {
                scene.world.seal(workload);
            }
            scene.world.settle_by(workload, ix::SETTLE_STEPS);
        }
        is_paid(&mut scene, 0, slot, &forecast);
        let (cell, slots) = scene.world.cell(workloads[0]);
        assert_eq!(cell.last.rule, 1, "the configuration that waited");
        assert_eq!(slots[0].settled_bond, 91_000);
    }
}

#[test]
fn a_network_behind_its_clock_is_forecast_through_the_epochs_it_must_open() {
    let mut scene = Scene::new(Config { emission: 20_000_000, ..config() });
    scene.epoch(None);
    // Epochs 1 to 5 have begun, none is open: the treasury has 80,000,000, so four of them are paid for.
    scene.world.set_time(GENESIS + 5 * EPOCH + 50);
    let forecasts = scene.opportunities(None);
    let forecast = of(&forecasts, 2);
    assert_eq!((forecast.epoch, forecast.pool.allocated_units), (6, 0));
    assert_eq!(forecast.pool.carry_units, 0, "the cap is of what the epoch is given");
    let entrant = scene.world.operator(9, 1_000);
    scene.world.attest_domain(&entrant, forecast.domain);
    comes_true(&mut scene, 2, &entrant, &forecast);
}

#[test]
fn retired_workloads_and_strangers() {
    let mut scene = Scene::new(config());
    scene.epoch(None);
    scene.world.open_epoch();
    let net = scene.world.net.clone();
    scene.world.send(&[ix::set_workload_weight(net.authority, net.address, scene.workloads[1], 0)]);
    let workloads: Vec<u64> = scene.opportunities(None).iter().map(|forecast| forecast.workload).collect();
    assert_eq!(workloads, [2, 0]);
    let stranger = Pubkey::from([9; 32]);
    let refused = opportunities(&snapshot(&mut scene.world), Q32(1), Some(&stranger));
    assert_eq!(refused, Err(ClientError::Missing(stranger)));
}

const TEXT: &str = "\
An entrant in a new failure domain with p = 0.950000
Tokens for epoch 2, the first that it counts in, and for each epoch later

";

#[test]
fn the_list_as_a_person_reads_it() {
    let mut scene = Scene::new(config());
    scene.epoch(None);
    let found = scene.opportunities(None);
    let list = Opportunities { opportunities: found, decimals: 6, operator: None };
    let text = list.to_string().replace(&"07".repeat(32), "MODEL");
    assert_eq!(text, format!("{TEXT}{LIST}"));
    let none = Opportunities { opportunities: Vec::new(), ..list };
    let words = "No workload has a place for this entrant: all are retired, full, or have it already.\n";
    assert_eq!(none.to_string(), words);
}

const LIST: &str = "  workload     earns     later      pool  of it carried  coverage    then    others      then
         2  0.569999       0.2       0.6            0.4    0.0000  0.9500         0         0
         1  0.530528  0.251037  0.657001       0.357001    0.3000  0.9650    0.1971  0.103477
         0  0.212747   0.20466  0.520802       0.020802    0.9600  0.9980  0.499968  0.307012

It takes
  workload  hardware  verification  region  latency ms  capacity/1000  model
         2         2             4       3        1000            100  MODEL
         1         2             4       3        1000            100  MODEL
         0         2             4       3        1000            100  MODEL
";
