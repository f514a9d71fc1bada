//! Addresses of all accounts. The seeds are the program's own.

pub use coverage_settlement::token::{ASSOCIATED_TOKEN_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM};

use coverage_settlement::events::EVENT_AUTHORITY_SEED;
use coverage_settlement::state::Network;
use coverage_settlement::{ID, state};
use solana_program::pubkey::Pubkey;

/// The system program.
pub const SYSTEM_PROGRAM: Pubkey = Pubkey::from_str_const("11111111111111111111111111111111");
/// The instructions sysvar.
pub const INSTRUCTIONS_SYSVAR: Pubkey = Pubkey::from_str_const("Sysvar1nstructions1111111111111111111111111");

fn find(seeds: &[&[u8]]) -> Pubkey {
    Pubkey::find_program_address(seeds, &ID).0
}

/// The network of an id.
#[must_use]
pub fn network(id: u64) -> Pubkey {
    find(&[state::NETWORK_SEED, &id.to_le_bytes()])
}

/// A network's committee.
#[must_use]
pub fn committee(network: &Pubkey) -> Pubkey {
    find(&[state::COMMITTEE_SEED, network.as_ref()])
}

/// A network's vault.
#[must_use]
pub fn vault(network: &Pubkey) -> Pubkey {
    find(&[state::VAULT_SEED, network.as_ref()])
}

/// An epoch of a network.
#[must_use]
pub fn epoch(network: &Pubkey, index: u64) -> Pubkey {
    find(&[state::EPOCH_SEED, network.as_ref(), &index.to_le_bytes()])
}

/// A workload of a network.
#[must_use]
pub fn workload(network: &Pubkey, id: u64) -> Pubkey {
    find(&[state::WORKLOAD_SEED, network.as_ref(), &id.to_le_bytes()])
}

/// A workload's cell.
#[must_use]
pub fn cell(workload: &Pubkey) -> Pubkey {
    find(&[state::CELL_SEED, workload.as_ref()])
}

/// A workload's log of batches.
#[must_use]
pub fn log(workload: &Pubkey) -> Pubkey {
    find(&[state::LOG_SEED, workload.as_ref()])
}

/// The operator of a wallet in a network.
#[must_use]
pub fn operator(network: &Pubkey, wallet: &Pubkey) -> Pubkey {
    find(&[state::OPERATOR_SEED, network.as_ref(), wallet.as_ref()])
}

/// The attestation that `payer` opens for a digest.
#[must_use]
pub fn attestation(network: &Pubkey, payer: &Pubkey, digest: &[u8; 32]) -> Pubkey {
    find(&[state::ATTESTATION_SEED, network.as_ref(), payer.as_ref(), digest])
}

/// Signs the program's events.
#[must_use]
pub fn event_authority() -> Pubkey {
    find(&[EVENT_AUTHORITY_SEED])
}

/// What a network pays in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The mint.
    pub mint: Pubkey,
    /// The token program that owns it: [`TOKEN_PROGRAM`] or [`TOKEN_2022_PROGRAM`].
    pub program: Pubkey,
}

impl From<&Network> for Token {
    fn from(network: &Network) -> Self {
        Self { mint: network.mint, program: network.token_program }
    }
}

/// The associated token account of a wallet.
#[must_use]
pub fn token_account(wallet: &Pubkey, token: &Token) -> Pubkey {
    let seeds = [wallet.as_ref(), token.program.as_ref(), token.mint.as_ref()];
    Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).0
}
