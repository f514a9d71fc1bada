//! Reproducible draws: every "random" choice of a replay is a hash of what it is about.
//!
//! A draw depends on a seed, on its [`Purpose`] and on three keys (an operator, a workload, a request…), never on how
//! many draws were made before it. So adding a probe does not change the fate of a request, and two machines agree to
//! the bit. The hash is the finaliser of splitmix64 (Steele, Lea, Flood 2014), chained once per input. It is not
//! cryptographic: nobody gains from guessing the weather of a simulation.

/// What a draw decides; keeps draws about the same keys independent of one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Which two operators an attempt looks at.
    Candidate = 1,
    /// Whether the network loses an attempt on its way.
    Route = 2,
    /// Whether the model is not loaded when an attempt arrives.
    Availability = 3,
    /// Whether, when and how long a model is under maintenance in an epoch.
    Maintenance = 4,
    /// Whether, when and how long a whole failure domain is down in an epoch.
    DomainOutage = 5,
    /// Whether an execution fails its verification.
    Verification = 6,
    /// Where in its interval a probe falls.
    ProbePhase = 7,
    /// Which operators of a capability table are worse than the rest.
    OperatorFaults = 8,
    /// Which workload of several suitable ones a request asks for.
    WorkloadChoice = 9,
    /// How many copies of a request a demand scale makes, and when each arrives.
    DemandScale = 10,
    /// Sizes and times of the bundled scenario's invented requests.
    Invented = 11,
}

/// A uniform 64-bit value that depends on every argument and on nothing else.
#[must_use]
pub fn draw(seed: u64, purpose: Purpose, keys: [u64; 3]) -> u64 {
    keys.iter().fold(finalise(seed ^ (purpose as u64)), |hash, key| finalise(hash ^ finalise(*key)))
}

/// A key for a name, so that a draw about someone does not depend on their place in a list.
#[must_use]
pub fn key_of(name: &str) -> u64 {
    name.bytes().fold(name.len() as u64, |hash, byte| finalise(hash ^ u64::from(byte)))
}

/// Maps a draw to `0..bound` without bias worth mentioning; 0 when `bound` is 0.
#[must_use]
pub fn below(draw: u64, bound: u64) -> u64 {
    // The high half of a 64×64-bit product is smaller than either factor.
    u64::try_from((u128::from(draw) * u128::from(bound)) >> 64).unwrap_or(0)
}

/// Whether an event of probability `ppm` parts per million happens; always for 1,000,000 and more, never for 0.
#[must_use]
pub fn happens(draw: u64, ppm: u32) -> bool {
    below(draw, 1_000_000) < u64::from(ppm)
}

/// One step of splitmix64: add the golden gamma, then mix.
fn finalise(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn finaliser_is_splitmix64() {
        // The first three outputs of the reference implementation seeded with 0.
        assert_eq!(finalise(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(finalise(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(finalise(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(2)), 0x06c4_5d18_8009_454f);
    }

    #[test]
    fn every_key_and_the_purpose_matter() {
        let base = draw(1, Purpose::Route, [2, 3, 4]);
        let others = [
            draw(2, Purpose::Route, [2, 3, 4]),
            draw(1, Purpose::Verification, [2, 3, 4]),
            draw(1, Purpose::Route, [3, 2, 4]),
            draw(1, Purpose::Route, [2, 3, 5]),
        ];
        assert!(others.iter().all(|other| *other != base));
    }

    #[test]
    fn rates_are_met_and_bounds_are_kept() {
        let draws = (0..100_000).map(|key| draw(7, Purpose::Route, [key, 0, 0]));
        let hits = draws.clone().filter(|value| happens(*value, 30_000)).count();
        assert!((2_800..3_200).contains(&hits), "{hits} of 100,000 at 3 %");
        assert!(draws.clone().all(|value| below(value, 7) < 7));
        assert_eq!(below(u64::MAX, 0), 0);
        assert!(draws.clone().all(|value| happens(value, 1_000_000)));
        assert!(!draws.into_iter().any(|value| happens(value, 0)));
    }
}
