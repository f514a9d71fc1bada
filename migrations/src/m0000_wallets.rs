//! Sees that those who pay have what they will pay with: creates the mint, and mints what is missing for the treasury and the
//! bonds. Only for a mint whose authority is the payer, as on a local or test network; any other is left alone.

use crate::file::Prepared;
use coverage_client::chain::Chain;
use coverage_client::token::{create_mint, mint_to};
use coverage_client::{ClientError, accounts, pda};
use coverage_settlement::state::{Committee, Network};
use solana_program::pubkey::Pubkey;

/// Bytes of a mint, where its authority stands in it (behind a tag of four), and where an account's amount does.
const MINT_BYTES: u64 = 82;
const MINT_AUTHORITY: usize = 4;
const ACCOUNT_AMOUNT: usize = 64;

/// Does the step; returns how many transactions it took. `mint_rent` is the rent of a mint, in lamports.
///
/// # Errors
/// Whatever the cluster refuses.
pub fn run(chain: &mut dyn Chain, prepared: &Prepared, mint_rent: u64) -> Result<usize, ClientError> {
    let (plan, payer) = (&prepared.plan, chain.payer());
    let mut sent = 0usize;
    match chain.account(&plan.token.mint)? {
        Some(mint) => {
            let authority = mint.data.get(MINT_AUTHORITY..).and_then(<[u8]>::first_chunk::<32>);
            if authority != Some(payer.as_array()) {
                return Ok(0);
            }
        }
        None => {
            chain.send("creating the mint", &create_mint(&payer, &plan.token, mint_rent, prepared.decimals)?)?;
            sent = 1;
        }
    }
    let mut wanted = vec![(payer, needed(chain, prepared)?)];
    for operator in &plan.operators {
        if chain.account(&plan.operator(operator))?.is_none() {
            wanted.push((operator.wallet, operator.bond_units));
        }
    }
    for (wallet, units) in wanted {
        let missing = units.saturating_sub(held(chain, &pda::token_account(&wallet, &plan.token))?);
        if missing > 0 {
            chain.send("minting", &mint_to(&payer, &plan.token, &wallet, missing)?)?;
            sent = sent.saturating_add(1);
        }
    }
    Ok(sent)
}

/// Rent of this many bytes is that of a mint.
pub const RENT_BYTES: usize = MINT_BYTES as usize;

/// What the payer will need for the treasury and the attesters' bonds.
fn needed(chain: &mut dyn Chain, prepared: &Prepared) -> Result<u64, ClientError> {
    let plan = &prepared.plan;
    let bond = plan.config.min_attester_bond;
    let mut treasury = plan.treasury_units;
    let mut bonds = bond.saturating_mul(plan.attesters.len() as u64);
    let (network, committee) = (plan.network(), pda::committee(&plan.network()));
    if let Some(account) = chain.account(&network)? {
        let network: Network = accounts::header(&network, &account.data)?;
        let opened = network.next_epoch > 0;
        treasury = if opened { 0 } else { treasury.saturating_sub(network.treasury_available) };
        let seated: Committee = accounts::header(&committee, &chain.require(&committee)?.data)?;
        let active = seated.places().iter().map(|attester| attester.bond.active().min(bond)).sum::<u64>();
        bonds = bonds.saturating_sub(active);
    }
    Ok(treasury.saturating_add(bonds))
}

fn held(chain: &mut dyn Chain, account: &Pubkey) -> Result<u64, ClientError> {
    let account = chain.account(account)?;
    let amount = account.as_ref().and_then(|account| account.data.get(ACCOUNT_AMOUNT..));
    Ok(amount.and_then(<[u8]>::first_chunk).map_or(0, |units| u64::from_le_bytes(*units)))
}
