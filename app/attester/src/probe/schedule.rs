//! When whom is probed: the same for every attester, from the epoch's seed alone.
//!
//! An epoch of `L` milliseconds is cut into `k` equal parts, and every slot is probed once in each: nobody can relax once its
//! probe is over. With `‖` for concatenation, integers little-endian and every key its 32 bytes,
//!
//! ```text
//! draw(i)    = SHA-256("coverage-settlement:probe:v1" ‖ seed ‖ workload ‖ operator ‖ i as u32)
//! request id = SHA-256("coverage-settlement:probe-request:v1" ‖ seed ‖ workload ‖ operator ‖ i as u32 ‖ attester)
//!
//! part i     = [ floor(i·L / k), floor((i+1)·L / k) )             width its length in ms
//! spread     = min(2000, floor(width / 4))
//! moment     = start of part i + floor( first 8 bytes of draw(i)    · (width − spread) / 2^64 )
//! sent at    = moment          + floor( first 8 bytes of request id · spread           / 2^64 )
//! ```
//!
//! The moment is everyone's; each attester adds an offset of its own below two seconds, so that a committee does not hit an
//! endpoint all at once. The offset comes from the attester's key and not from its place in the committee, which may change
//! while an epoch runs. Both stay in the part.
//!
//! A receipt of a probe carries the request id above, which anyone can compute: a member of the committee cannot invent a
//! probe, nor count one twice. The operator can compute all of it as well, from the moment the epoch is opened. So probes show
//! how an operator does at moments it knows; only users' requests show the rest.

use coverage_client::math::hash::{Hash, Sha256, Software};
use coverage_client::math::receipt::Attempt;
use solana_program::pubkey::Pubkey;

/// Separates the hash that places a probe from all others.
const MOMENT_TAG: &[u8] = b"coverage-settlement:probe:v1";
/// Separates request ids of probes from all other hashes.
const REQUEST_TAG: &[u8] = b"coverage-settlement:probe-request:v1";
/// The attesters' probes of one moment are spread over at most so long, in milliseconds.
const SPREAD_MS: u64 = 2_000;
/// The attesters' probes of one moment are spread over at most one such part of the stretch they fall in.
const SPREAD_PART: u64 = 4;

/// The most probes of one slot in an epoch: one a minute for a day.
pub const MAX_PROBES: u32 = 1_440;

/// What fixes the probes of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The epoch's seed, from its account.
    pub seed: [u8; 32],
    /// First second of the epoch, in unix seconds.
    pub start_ts: i64,
    /// First second after it.
    pub end_ts: i64,
    /// Probes of each slot, by each attester; all attesters of a network must use the same. More than [`MAX_PROBES`] count as
    /// that.
    pub probes: u32,
}

/// One probe of one attester.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The request id its receipt must have.
    pub request_id: Hash,
    /// Its number among the slot's probes in the epoch.
    pub number: u32,
    /// When it is sent, in unix milliseconds of the chain's clock.
    pub send_at_ms: i64,
}

impl Schedule {
    /// When all attesters probe `operator` in `workload` for the `number`-th time, in unix milliseconds, before the attester's
    /// own offset. `None` if there are not so many probes, or the epoch is empty.
    #[must_use]
    pub fn moment_ms(&self, workload: &Pubkey, operator: &Pubkey, number: u32) -> Option<i64> {
        let (start_ms, width_ms) = self.part(number)?;
        let draw =
            Software::hash(&[MOMENT_TAG, &self.seed, workload.as_ref(), operator.as_ref(), &number.to_le_bytes()]);
        // The spread is a quarter of the width at most.
        start_ms.checked_add_unsigned(below(&draw, width_ms.saturating_sub(spread_ms(width_ms))))
    }

    /// The `number`-th probe of `operator` in `workload` by the attester of Ed25519 key `attester`; `None` as in
    /// [`Self::moment_ms`].
    #[must_use]
    pub fn probe(&self, workload: &Pubkey, operator: &Pubkey, attester: &[u8; 32], number: u32) -> Option<Probe> {
        let (_, width_ms) = self.part(number)?;
        let request_id = self.request_id(workload, operator, attester, number);
        let offset_ms = below(&request_id, spread_ms(width_ms));
        let send_at_ms = self.moment_ms(workload, operator, number)?.checked_add_unsigned(offset_ms)?;
        Some(Probe { request_id, number, send_at_ms })
    }

    /// All probes of `operator` in `workload` by `attester`, in the order they are sent.
    pub fn probes(&self, workload: &Pubkey, operator: &Pubkey, attester: &[u8; 32]) -> impl Iterator<Item = Probe> {
        (0..self.count()).filter_map(move |number| self.probe(workload, operator, attester, number))
    }

    /// Whether an attempt at `operator` is one of the probes of its reporter, and did not end before it was due. What
    /// committee members report and this denies is not to be counted.
    #[must_use]
    pub fn is_scheduled(&self, operator: &Pubkey, attempt: &Attempt) -> bool {
        let workload = Pubkey::from(attempt.workload);
        let id_of = |number| self.request_id(&workload, operator, &attempt.reporter, number);
        let number = (0..self.count()).find(|number| id_of(*number) == attempt.request_id);
        let probe = number.and_then(|number| self.probe(&workload, operator, &attempt.reporter, number));
        probe.is_some_and(|probe| attempt.observed_at >= probe.send_at_ms.div_euclid(1_000))
    }

    fn count(&self) -> u32 {
        self.probes.min(MAX_PROBES)
    }

    fn request_id(&self, workload: &Pubkey, operator: &Pubkey, attester: &[u8; 32], number: u32) -> Hash {
        let number = number.to_le_bytes();
        Software::hash(&[REQUEST_TAG, &self.seed, workload.as_ref(), operator.as_ref(), &number, attester])
    }

    /// Start, in unix milliseconds, and width of the `number`-th part.
    fn part(&self, number: u32) -> Option<(i64, u64)> {
        let count = self.count();
        let length_ms = u64::try_from(self.end_ts.checked_sub(self.start_ts)?).ok()?.checked_mul(1_000)?;
        let edge = |number: u32| {
            let scaled = u128::from(length_ms).checked_mul(u128::from(number))?;
            u64::try_from(scaled.checked_div(u128::from(count))?).ok()
        };
        let (from, to) = (edge(number)?, edge(number.checked_add(1)?)?);
        let start_ms = self.start_ts.checked_mul(1_000)?.checked_add_unsigned(from)?;
        (number < count && to > from).then_some((start_ms, to.saturating_sub(from)))
    }
}

/// What the attesters' probes of one moment are spread over.
fn spread_ms(width_ms: u64) -> u64 {
    SPREAD_MS.min(width_ms / SPREAD_PART)
}

/// Maps the first eight bytes of a hash to `0..bound`; 0 when `bound` is 0. The bias is below `bound / 2^64`.
fn below(hash: &Hash, bound: u64) -> u64 {
    let draw = hash.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    // The high half of a 64×64-bit product is smaller than either factor.
    u64::try_from((u128::from(draw) * u128::from(bound)) >> 64).unwrap_or(0)
}
