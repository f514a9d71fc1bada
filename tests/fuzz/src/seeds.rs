//! What the fuzzer starts from: a few inputs for each target, built by the client where it builds them.

use crate::{accounts, ed25519, events, fraud, instructions, merkle, mint, receipts};

/// A target's name, its check and its seeds.
pub type Target = (&'static str, fn(&[u8]), Vec<Vec<u8>>);

/// All targets.
pub fn all() -> Vec<Target> {
    vec![
        ("accounts", accounts::check, accounts::seeds()),
        ("ed25519", ed25519::check, ed25519::seeds()),
        ("events", events::check, events::seeds()),
        ("fraud", fraud::check, fraud::seeds()),
        ("instructions", instructions::check, instructions::seeds()),
        ("merkle", merkle::check, merkle::seeds()),
        ("mint", mint::check, mint::seeds()),
        ("receipts", receipts::check, receipts::seeds()),
    ]
}
