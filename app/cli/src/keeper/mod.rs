//! The keeper: does for a network what anyone may do when it is due, so that epochs open, cells settle and operators are paid.
//!
//! ```text
//! snapshot ──▶ due(): what may be done, in order ──▶ send ──▶ snapshot ──▶ … until nothing is due ──▶ sleep
//! ```
//!
//! Several may run at once, on machines that know nothing of each other. Whether something was done, and by whom, is never
//! read off an error's text: the next snapshot shows whether it is still due. What is still due although it was tried is
//! tried again later and later.

mod due;
mod duty;
mod metrics;
mod rounds;
mod serve;

pub use due::{Agenda, Claims, Policy, due};
pub use duty::Duty;
pub use metrics::Metrics;
pub use rounds::{Keeper, Pace, Round};
pub use serve::serve;
