//! What may happen, as plain data: it can be run again, with others left out. Numbers that choose are taken modulo what there is.

use crate::hostile::Trick;
use crate::rng::Rng;

/// What makes a batch false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    None,
    /// One receipt is counted as of another outcome.
    Misplaced,
    /// One receipt is of another epoch.
    Foreign,
    /// One leaf is no receipt.
    Garbage,
    /// One receipt is there twice.
    Duplicate,
    /// One request has two outcomes.
    Twice,
    /// One receipt is of an earlier batch.
    Repeat,
    /// One leaf is not counted.
    Short,
}

/// What is held against a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// What proves it false, if anything does.
    Right,
    /// A leaf that is as it should be.
    Nothing,
    /// A leaf that is not in the batch.
    NoLeaf,
    /// No evidence at all.
    Noise,
    /// The right evidence with other entries.
    OtherEntries,
    /// The right evidence against the next batch.
    NextBatch,
}

/// One step of a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Wait {
        seconds: u8,
    },
    /// Until one of the next moments at which something becomes possible, a second early, or sharp.
    Await {
        moment: u8,
        early: bool,
    },
    CreateNetwork {
        id: u8,
        seed: u64,
    },
    ProposeAuthority {
        heir: bool,
    },
    AcceptAuthority {
        heir: bool,
    },
    SetGuardian {
        guardian: u8,
    },
    ProposeConfig {
        seed: u64,
    },
    Pause {
        phases: u8,
        seconds: u8,
    },
    Unpause,
    Seat {
        place: u8,
        key: u8,
        weight: u8,
    },
    AddAttesterBond {
        place: u8,
        units: u32,
    },
    UnbondAttester {
        place: u8,
        units: u32,
        authority: bool,
    },
    WithdrawAttesterBond {
        place: u8,
    },
    RegisterWorkload {
        id: u8,
        weight: u8,
    },
    SetWeight {
        workload: u8,
        weight: u8,
    },
    Fund {
        units: u32,
    },
    Sponsor {
        workload: u8,
        units: u32,
    },
    Donate {
        units: u16,
    },
    /// Lamports for an account that is there, or will be.
    Gift {
        to: u8,
        number: u8,
    },
    OpenEpoch {
        opener: u8,
    },
    CloseEpoch {
        epoch: u8,
        cells: u8,
    },
    Register {
        operator: u8,
        units: u32,
    },
    AddBond {
        operator: u8,
        units: u32,
    },
    Unbond {
        operator: u8,
        units: u32,
    },
    WithdrawBond {
        operator: u8,
    },
    Slash {
        workload: u8,
        slot: u8,
    },
    Retire {
        operator: u8,
    },
    Enroll {
        operator: u8,
        workload: u8,
        commit: bool,
    },
    Sync {
        workload: u8,
        slot: u8,
    },
    Leave {
        workload: u8,
        slot: u8,
    },
    Release {
        workload: u8,
        slot: u8,
    },
    Trim {
        workload: u8,
        slots: u8,
    },
    /// Uploads a batch in as many pieces as there are entries, or at once; endorses and applies it, or not.
    Batch {
        workload: u8,
        seed: u64,
        lie: Lie,
        signers: u8,
        pieces: bool,
        apply: bool,
    },
    Domain {
        operator: u8,
        domain: u8,
        signers: u8,
    },
    /// Endorses an attestation that is there.
    Endorse {
        attestation: u8,
        signers: u8,
    },
    Apply {
        attestation: u8,
    },
    CloseAttestation {
        attestation: u8,
    },
    Challenge {
        workload: u8,
        batch: u8,
        challenger: u8,
        proof: Proof,
    },
    Seal {
        workload: u8,
    },
    Settle {
        workload: u8,
        units: u16,
    },
    Claim {
        operator: u8,
    },
    Sweep {
        workload: u8,
    },
    CloseCell {
        workload: u8,
    },
    /// A transaction that succeeded before, once more.
    Replay {
        back: u8,
    },
    /// One of the transactions of an action, tampered with.
    Hostile {
        action: Box<Action>,
        transaction: u8,
        trick: Trick,
    },
}

/// A sequence of a seed: first some operators come, then anything happens.
pub fn sequence(seed: u64, length: usize) -> Vec<Action> {
    let mut rng = Rng::new(seed ^ 0x5e90);
    let mut actions = Vec::with_capacity(length);
    for operator in 0..rng.range(2, 6) as u8 {
        actions.push(Action::Register { operator, units: rng.range(10_000, 1_000_000) as u32 });
        actions.push(Action::Domain { operator, domain: rng.below(6) as u8, signers: u8::MAX });
        actions.push(Action::Enroll { operator, workload: rng.byte(), commit: true });
        actions.push(Action::Enroll { operator, workload: rng.byte(), commit: true });
    }
    while actions.len() < length {
        let action = any(&mut rng);
        actions.push(if rng.percent(12) { hostile(&mut rng, action) } else { action });
    }
    actions
}

fn hostile(rng: &mut Rng, action: Action) -> Action {
    let (account, with) = (rng.byte(), rng.next() as u16);
    let trick = match rng.below(10) {
        0 | 1 => Trick::Foreign { account },
        2 => Trick::Swap { account, with },
        3 => Trick::Duplicate { from: account, to: rng.byte() },
        4 => Trick::Unsigned { account },
        5 | 6 => Trick::Stranger { account },
        7 | 8 => Trick::Bits { at: with, flip: rng.byte() },
        _ if rng.percent(50) => Trick::Cut { bytes: account },
        _ => Trick::Fewer { accounts: account % 4 },
    };
    Action::Hostile { action: Box::new(action), transaction: rng.pick(&[0, 0, 1, 2, 3]), trick }
}

fn units(rng: &mut Rng) -> u32 {
    let digits = rng.below(7) as u32;
    rng.below(10u64.pow(digits)) as u32
}

fn any(rng: &mut Rng) -> Action {
    let (a, b, seed) = (rng.byte(), rng.byte(), rng.next());
    let amount = units(rng);
    match rng.below(100) {
        0 => Action::Wait { seconds: a / 8 },
        1..=7 => Action::Await { moment: a % 4, early: rng.percent(20) },
        8..=15 => Action::OpenEpoch { opener: a },
        16..=18 => Action::CloseEpoch { epoch: a, cells: b | a },
        19..=30 => batch(rng, a, seed),
        31..=35 => Action::Seal { workload: a },
        36..=44 => Action::Settle { workload: a, units: if rng.percent(70) { rng.below(20) as u16 } else { 1_390 } },
        45..=52 => challenge(rng, a, b),
        53..=57 => Action::Claim { operator: a },
        58..=60 => Action::Enroll { operator: a, workload: b, commit: rng.percent(90) },
        61..=62 => Action::Register { operator: a, units: amount.saturating_add(10_000) },
        63 => Action::AddBond { operator: a, units: amount },
        64 => Action::Unbond { operator: a, units: amount },
        65 => Action::WithdrawBond { operator: a },
        66 => Action::Retire { operator: a },
        67..=68 => Action::Sync { workload: a, slot: b },
        69..=70 => Action::Leave { workload: a, slot: b },
        71..=72 => Action::Release { workload: a, slot: b },
        73 => Action::Trim { workload: a, slots: b % 3 },
        74..=75 => Action::Slash { workload: a, slot: b },
        76..=77 => Action::Domain { operator: a, domain: b % 4, signers: majority(rng) },
        78 => Action::Endorse { attestation: a, signers: b },
        79 => Action::Apply { attestation: a },
        80..=81 => Action::CloseAttestation { attestation: a },
        82 => Action::Sweep { workload: a },
        83 => Action::CloseCell { workload: a },
        84 => Action::Sponsor { workload: a, units: amount },
        85 => Action::Fund { units: amount },
        86..=88 => Action::AddAttesterBond { place: a, units: if rng.percent(70) { 100_000 } else { amount } },
        _ => rare(rng, a, b, seed, amount),
    }
}

fn rare(rng: &mut Rng, a: u8, b: u8, seed: u64, amount: u32) -> Action {
    match rng.below(24) {
        0 => Action::CreateNetwork { id: a, seed },
        1 => Action::ProposeAuthority { heir: rng.percent(50) },
        2 | 3 => Action::AcceptAuthority { heir: rng.percent(50) },
        4 => Action::SetGuardian { guardian: a },
        5 => Action::ProposeConfig { seed },
        6 => Action::Pause { phases: a, seconds: b },
        7 => Action::Unpause,
        8 | 9 => Action::Seat { place: a, key: b, weight: rng.below(5) as u8 },
        10 => Action::UnbondAttester { place: a, units: amount, authority: rng.percent(30) },
        11 => Action::WithdrawAttesterBond { place: a },
        12 => Action::RegisterWorkload { id: a, weight: b },
        13 => Action::SetWeight { workload: a, weight: b },
        14 if rng.percent(30) => Action::SetWeight { workload: a, weight: 0 },
        15 if rng.percent(30) => Action::Donate { units: seed as u16 },
        16 if rng.percent(30) => Action::Gift { to: a, number: b },
        _ => Action::Replay { back: a },
    }
}

/// Mostly as many signers as there are.
fn majority(rng: &mut Rng) -> u8 {
    if rng.percent(85) { u8::MAX } else { rng.byte() }
}

fn batch(rng: &mut Rng, workload: u8, seed: u64) -> Action {
    let lies = [Lie::Misplaced, Lie::Foreign, Lie::Garbage, Lie::Duplicate, Lie::Twice, Lie::Repeat, Lie::Short];
    let lie = if rng.percent(60) { Lie::None } else { rng.pick(&lies) };
    Action::Batch { workload, seed, lie, signers: majority(rng), pieces: rng.percent(20), apply: rng.percent(90) }
}

fn challenge(rng: &mut Rng, workload: u8, batch: u8) -> Action {
    let wrong = [Proof::Nothing, Proof::NoLeaf, Proof::Noise, Proof::OtherEntries, Proof::NextBatch];
    let proof = if rng.percent(70) { Proof::Right } else { rng.pick(&wrong) };
    Action::Challenge { workload, batch, challenger: rng.byte(), proof }
}
