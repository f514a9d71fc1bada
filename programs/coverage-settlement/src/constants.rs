//! Seeds and limits, each with its reason.

/// The version byte that every account of this program carries: [`Checked`](crate::state::Checked) refuses another one
/// wherever an account is loaded, and so does the client.
pub const VERSION: u8 = 1;

/// Most attesters of a committee: what an endorsement bitmap of 64 bits can tell apart.
pub const MAX_ATTESTERS: usize = 64;

/// Most batches of one workload in one epoch: what keeps its log below 100 kB.
pub const MAX_BATCHES: u32 = 1_024;

/// Most Ed25519 signatures that one `endorse` reads: what fits a transaction.
pub const MAX_SIGNATURES: u8 = 8;

/// The longest epoch, window or delay in seconds: a year. Beyond it a network would be stuck, not slow.
pub const MAX_SECONDS: u64 = 366 * 24 * 60 * 60;

/// The smallest quorum in ten-thousandths of the committee's weight. Endorsed weight must be *more* than the quorum, so two
/// attesters of a committee of two are always needed.
pub const MIN_QUORUM_BPS: u16 = 5_000;

/// One, in ten-thousandths.
pub const BPS: u16 = 10_000;

/// Most of what is slashed that goes to whoever proved the fraud, in ten-thousandths: with more than half of it, attesters
/// could as well take their bond out by accusing themselves.
pub const MAX_CHALLENGER_BPS: u16 = 5_000;

/// The longest pause in seconds: a week. When it is over, the next must wait as long again.
pub const MAX_PAUSE_SECONDS: u32 = 7 * 24 * 60 * 60;

/// [`Network::paused`](crate::state::Network::paused): registering and enrolling.
pub const PAUSE_ENROL: u8 = 1;
/// [`Network::paused`](crate::state::Network::paused): applying what the committee signed.
pub const PAUSE_ATTEST: u8 = 2;
/// [`Network::paused`](crate::state::Network::paused): sealing and settling.
pub const PAUSE_SETTLE: u8 = 4;

/// Compute units of `settle_cell` besides its steps, at most: what a caller keeps back from the limit of a transaction.
pub const SETTLE_OVERHEAD: u32 = 10_000;
