//! The program's events, read off the inner instructions of a transaction.

use anchor_lang::Discriminator;
use anchor_lang::event::EVENT_IX_TAG_LE;
use coverage_settlement::events;

macro_rules! events {
    ($($name:ident),* $(,)?) => {
        /// One event.
        #[derive(Clone, Copy)]
        pub enum Event {
            $(
                #[doc = concat!("See [`events::", stringify!($name), "`].")]
                $name(events::$name),
            )*
        }

        impl Event {
            /// The event in the data of an inner instruction of the program, `None` if it is none (or of another version).
            #[must_use]
            pub fn decode(data: &[u8]) -> Option<Self> {
                let event = data.strip_prefix(EVENT_IX_TAG_LE)?;
                $(
                    if let Some(fields) = event.strip_prefix(events::$name::DISCRIMINATOR) {
                        return bytemuck::try_pod_read_unaligned(fields).ok().map(Self::$name);
                    }
                )*
                None
            }

            /// Its name, as in the IDL.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }
        }

        /// The names of all events.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

events! {
    NetworkCreated,
    AuthorityProposed,
    AuthorityAccepted,
    GuardianSet,
    ConfigProposed,
    Paused,
    AttesterSet,
    WorkloadRegistered,
    WorkloadWeightSet,
    TreasuryFunded,
    PoolSponsored,
    EpochOpened,
    EpochClosed,
    OperatorRegistered,
    OperatorRetired,
    BondChanged,
    CapabilitiesCommitted,
    Enrolled,
    SlotSynced,
    CellLeft,
    SlotReleased,
    BatchApplied,
    BatchRemoved,
    FailureDomainApplied,
    CellSealed,
    CellSettled,
    CellSwept,
    CellClosed,
    RewardsClaimed,
}
