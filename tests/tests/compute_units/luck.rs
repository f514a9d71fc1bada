//! Names whose addresses take one try to derive.
//!
//! Each further try costs 1,500 compute units, and half of all addresses need one. Luck of that kind would drown what is
//! measured here, so it is the same everywhere.

use coverage_client::pda::{self, ASSOCIATED_TOKEN_PROGRAM, Token};
use coverage_settlement::ID;
use coverage_settlement::state::{
    ATTESTATION_SEED, CELL_SEED, COMMITTEE_SEED, EPOCH_SEED, LOG_SEED, NETWORK_SEED, OPERATOR_SEED, VAULT_SEED,
    WORKLOAD_SEED,
};
use solana_program::pubkey::Pubkey;

fn lucky(seeds: &[&[u8]], program: &Pubkey) -> bool {
    Pubkey::find_program_address(seeds, program).1 == u8::MAX
}

/// The first network id from `from` on.
pub fn network(from: u64) -> u64 {
    let all = |id: &u64| {
        let network = pda::network(*id);
        lucky(&[NETWORK_SEED, &id.to_le_bytes()], &ID)
            && [COMMITTEE_SEED, VAULT_SEED].iter().all(|seed| lucky(&[seed, network.as_ref()], &ID))
            && [0u64, 1].iter().all(|index| lucky(&[EPOCH_SEED, network.as_ref(), &index.to_le_bytes()], &ID))
    };
    (from..).find(all).unwrap()
}

/// The first workload id of a network from `from` on.
pub fn workload(network: &Pubkey, from: u64) -> u64 {
    let all = |id: &u64| {
        let workload = pda::workload(network, *id);
        lucky(&[WORKLOAD_SEED, network.as_ref(), &id.to_le_bytes()], &ID)
            && [CELL_SEED, LOG_SEED].iter().all(|seed| lucky(&[seed, workload.as_ref()], &ID))
    };
    (from..).find(all).unwrap()
}

/// Whether a wallet's operator account takes one try.
pub fn operator(network: &Pubkey, wallet: &Pubkey) -> bool {
    lucky(&[OPERATOR_SEED, network.as_ref(), wallet.as_ref()], &ID)
}

/// Whether a wallet's token account takes one try.
pub fn token_account(wallet: &Pubkey, token: &Token) -> bool {
    let seeds = [wallet.as_ref(), token.program.as_ref(), token.mint.as_ref()];
    lucky(&seeds, &ASSOCIATED_TOKEN_PROGRAM)
}

/// Whether an attestation takes one try.
pub fn attestation(network: &Pubkey, payer: &Pubkey, digest: &[u8; 32]) -> bool {
    lucky(&[ATTESTATION_SEED, network.as_ref(), payer.as_ref(), digest], &ID)
}
