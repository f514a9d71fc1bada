//! The schedule of probes: the same for all, even, and hard to invent a probe for.

use coverage_attester::probe::schedule::{MAX_PROBES, Probe, Schedule};
use coverage_client::math::receipt::Attempt;
use solana_program::pubkey::Pubkey;
use std::collections::BTreeSet;

const START_TS: i64 = 1_700_000_000;
const WORKLOAD: Pubkey = Pubkey::new_from_array([1; 32]);
const OPERATOR: Pubkey = Pubkey::new_from_array([2; 32]);
const ATTESTER: [u8; 32] = [3; 32];

fn schedule(probes: u32) -> Schedule {
    let seed = std::array::from_fn(|index| u8::try_from(index).unwrap());
    Schedule { seed, start_ts: START_TS, end_ts: START_TS + 3_600, probes }
}

fn attempt(probe: &Probe) -> Attempt {
    Attempt {
        request_id: probe.request_id,
        workload: WORKLOAD.to_bytes(),
        epoch: 5,
        slot: 0,
        outcome: 0,
        latency_ms: 80,
        observed_at: probe.send_at_ms / 1_000,
        evidence: [0; 32],
        reporter: ATTESTER,
    }
}

#[test]
fn golden_values() {
    // Computed by another implementation of the module's text.
    let expected = [
        (1_700_000_337_352, 1_700_000_337_681, "39a5f0a4e80f2b2a14c5bccdfff8d2e715aa1b36d9472fcf8612b6b93f3c07df"),
        (1_700_000_725_232, 1_700_000_725_460, "8f2ee3efab753a1deae0ffe2a1fa2b8494168da06064aa3e74a6be37047bc5a1"),
        (1_700_001_782_835, 1_700_001_784_628, "5883bde48f6184e59d342e547e0ad49f2382434189528cc46cba8589b1f068b2"),
        (1_700_002_040_387, 1_700_002_041_572, "06ec40528c32ca9752ec0f361c7f6f5a7bccc24470d6bf5238e312c8d5798341"),
        (1_700_002_708_840, 1_700_002_709_932, "f64bc14c5087d58bf4818e52f876bd9ddf14f9e5a9c81ac3918c575498f08eee"),
        (1_700_003_227_181, 1_700_003_227_301, "576af465d919600fe8c11d64b4c22859984930a1bd36f3db7585a4b49a88049d"),
    ];
    let schedule = schedule(6);
    let moment = |number| schedule.moment_ms(&WORKLOAD, &OPERATOR, number).unwrap();
    let probes = schedule.probes(&WORKLOAD, &OPERATOR, &ATTESTER);
    let found: Vec<_> =
        probes.map(|probe| (moment(probe.number), probe.send_at_ms, hex::encode(probe.request_id))).collect();
    let expected = expected.map(|(moment, sent, id)| (moment, sent, id.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn one_probe_in_every_part_whatever_the_part() {
    for (seconds, probes) in [(3_600, 24), (86_400, 1_440), (60, 7), (20, 20), (1, 3)] {
        let schedule = Schedule { end_ts: START_TS + seconds, ..schedule(probes) };
        let all: Vec<_> = schedule.probes(&WORKLOAD, &OPERATOR, &ATTESTER).collect();
        assert_eq!(all.len(), probes as usize);
        for probe in all {
            let edge = |number: i64| START_TS * 1_000 + number * seconds * 1_000 / i64::from(probes);
            let part = edge(probe.number.into())..edge(i64::from(probe.number) + 1);
            let moment = schedule.moment_ms(&WORKLOAD, &OPERATOR, probe.number).unwrap();
            assert!(part.contains(&moment) && part.contains(&probe.send_at_ms), "{probe:?} of {probes} in {seconds} s");
        }
    }
}

#[test]
fn an_empty_epoch_and_none_or_too_many_probes() {
    let none = |schedule: Schedule| schedule.probes(&WORKLOAD, &OPERATOR, &ATTESTER).count() == 0;
    assert!(none(schedule(0)));
    assert!(none(Schedule { end_ts: START_TS, ..schedule(6) }));
    assert!(none(Schedule { end_ts: START_TS - 1, ..schedule(6) }));
    assert!(none(Schedule { start_ts: i64::MIN, end_ts: i64::MAX, ..schedule(6) }));
    assert!(none(Schedule { start_ts: i64::MAX - 9, end_ts: i64::MAX, ..schedule(6) }));
    let most = Schedule { end_ts: START_TS + 86_400, ..schedule(u32::MAX) };
    assert_eq!(most.probes(&WORKLOAD, &OPERATOR, &ATTESTER).count(), MAX_PROBES as usize);
    assert_eq!(schedule(6).moment_ms(&WORKLOAD, &OPERATOR, 6), None);
}

/// Chi-square of counts that should be equal.
fn chi_square(counts: &[u32]) -> f64 {
    let mean = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
    counts.iter().map(|count| (f64::from(*count) - mean).powi(2) / mean).sum()
}

#[test]
fn moments_are_uniform_in_their_part_and_offsets_in_their_spread() {
    const BINS: usize = 16;
    const WIDTH_MS: i64 = 150_000;
    let schedule = schedule(24);
    let (mut moments, mut offsets) = ([0; BINS], [0; BINS]);
    for operator in 0..500_u16 {
        let operator = Pubkey::new_from_array(std::array::from_fn(|at| operator.to_le_bytes()[at % 2]));
        for probe in schedule.probes(&WORKLOAD, &operator, &ATTESTER) {
            let moment = schedule.moment_ms(&WORKLOAD, &operator, probe.number).unwrap();
            let within = moment - START_TS * 1_000 - i64::from(probe.number) * WIDTH_MS;
            moments[usize::try_from(within * BINS as i64 / (WIDTH_MS - 2_000)).unwrap()] += 1;
            offsets[usize::try_from((probe.send_at_ms - moment) * BINS as i64 / 2_000).unwrap()] += 1;
        }
    }
    // 12,000 draws; chi-square with 15 degrees of freedom is above 37.7 once in a thousand seeds, and this is one seed.
    assert!(chi_square(&moments) < 37.7, "{} {moments:?}", chi_square(&moments));
    assert!(chi_square(&offsets) < 37.7, "{} {offsets:?}", chi_square(&offsets));
}

#[test]
fn moments_are_everyones_and_ids_and_offsets_each_attesters_own() {
    let schedule = schedule(24);
    let mut ids = BTreeSet::new();
    for attester in 0..64 {
        for probe in schedule.probes(&WORKLOAD, &OPERATOR, &[attester; 32]) {
            let moment = schedule.moment_ms(&WORKLOAD, &OPERATOR, probe.number).unwrap();
            assert!((0..2_000).contains(&(probe.send_at_ms - moment)));
            assert!(ids.insert(probe.request_id));
        }
    }
    assert_eq!(ids.len(), 64 * 24);
}

#[test]
fn seed_workload_operator_and_number_each_move_the_moment() {
    let base = schedule(24);
    let next = Schedule { seed: [9; 32], ..base };
    let other = Pubkey::new_from_array([8; 32]);
    let within = |schedule: &Schedule, workload: &Pubkey, operator: &Pubkey, number: u32| {
        schedule.moment_ms(workload, operator, number).unwrap() - START_TS * 1_000 - i64::from(number) * 150_000
    };
    for number in 0..23 {
        let here = within(&base, &WORKLOAD, &OPERATOR, number);
        let elsewhere = [
            within(&next, &WORKLOAD, &OPERATOR, number),
            within(&base, &other, &OPERATOR, number),
            within(&base, &WORKLOAD, &other, number),
            within(&base, &WORKLOAD, &OPERATOR, number + 1),
            within(&base, &OPERATOR, &WORKLOAD, number),
        ];
        assert!(elsewhere.iter().all(|there| *there != here), "{number}: {here} {elsewhere:?}");
    }
}

#[test]
fn only_what_is_on_the_reporters_schedule_is_scheduled() {
    let schedule = schedule(24);
    for probe in schedule.probes(&WORKLOAD, &OPERATOR, &ATTESTER) {
        let genuine = attempt(&probe);
        assert!(schedule.is_scheduled(&OPERATOR, &genuine));
        assert!(schedule.is_scheduled(&OPERATOR, &Attempt { observed_at: genuine.observed_at + 90, ..genuine }));
        let false_ones = [
            Attempt { observed_at: genuine.observed_at - 1, ..genuine },
            Attempt { reporter: [4; 32], ..genuine },
            Attempt { workload: [4; 32], ..genuine },
            Attempt { request_id: [4; 32], ..genuine },
        ];
        assert!(false_ones.iter().all(|attempt| !schedule.is_scheduled(&OPERATOR, attempt)));
        assert!(!schedule.is_scheduled(&Pubkey::new_from_array([4; 32]), &genuine));
        assert!(!Schedule { seed: [4; 32], ..schedule }.is_scheduled(&OPERATOR, &genuine));
        assert!(!Schedule { probes: 0, ..schedule }.is_scheduled(&OPERATOR, &genuine));
    }
}
