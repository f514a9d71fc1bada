//! Event data, as the client reads it off inner instructions.

use anchor_lang::event::EVENT_IX_TAG_LE;
use anchor_lang::{Discriminator, Event as _};
use coverage_client::events::{Event, NAMES};
use coverage_settlement::events;

macro_rules! events {
    ($($name:ident)*) => {
        const KINDS: &[(&str, &[u8], usize)] =
            &[$((stringify!($name), events::$name::DISCRIMINATOR, size_of::<events::$name>())),*];

        /// What the program emits for an event.
        fn written(event: &Event) -> Vec<u8> {
            match event {
                $(Event::$name(event) => [EVENT_IX_TAG_LE, &event.data()].concat()),*
            }
        }
    };
}

events! {
    NetworkCreated AuthorityProposed AuthorityAccepted GuardianSet ConfigProposed Paused AttesterSet WorkloadRegistered
    WorkloadWeightSet TreasuryFunded PoolSponsored EpochOpened EpochClosed OperatorRegistered OperatorRetired BondChanged
    CapabilitiesCommitted Enrolled SlotSynced CellLeft SlotReleased BatchApplied BatchRemoved FailureDomainApplied CellSealed
    CellSettled CellSwept CellClosed RewardsClaimed
}

/// What is read as an event is what the program writes for it, to the byte; what has the length and the number of one is read.
pub fn check(data: &[u8]) {
    decode(data);
    // The tag and a number are hard to guess: the first byte stands for them.
    if let Some((kind, fields)) = data.split_first() {
        let (name, discriminator, size) = KINDS[usize::from(*kind) % KINDS.len()];
        let event = decode(&[EVENT_IX_TAG_LE, discriminator, fields].concat());
        assert_eq!(event.map(|event| event.name()), (fields.len() == size).then_some(name));
    }
}

fn decode(data: &[u8]) -> Option<Event> {
    let event = Event::decode(data)?;
    assert_eq!(written(&event), data, "{}", event.name());
    assert!(NAMES.contains(&event.name()));
    Some(event)
}

/// One of each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    assert_eq!(KINDS.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), NAMES);
    let fields = |size: usize| (0..size).map(|at| at as u8).collect::<Vec<_>>();
    let seeds = (0u8..).zip(KINDS).flat_map(|(number, (_, discriminator, size))| {
        let whole = [EVENT_IX_TAG_LE, discriminator, &fields(*size)].concat();
        assert!(decode(&whole).is_some());
        [whole, [vec![number], fields(*size)].concat()]
    });
    seeds.collect()
}
