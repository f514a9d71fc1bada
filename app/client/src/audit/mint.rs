//! Who else has power over what a network pays in.

use serde::Serialize;
use solana_program::pubkey::Pubkey;

/// Where the authority over the supply stands in a mint, and where that over accounts: each behind a tag of four bytes.
const MINT_AUTHORITY: usize = 0;
const FREEZE_AUTHORITY: usize = 46;

/// What the network pays in. Both token programs begin their mints alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MintReport {
    /// The mint.
    pub mint: String,
    /// Who can make more of it; `None` if nobody can.
    pub mint_authority: Option<String>,
    /// Who can freeze accounts, the vault's included; `None` if nobody can.
    pub freeze_authority: Option<String>,
}

impl MintReport {
    /// Reads a mint's account; `None` if it is too short for one.
    #[must_use]
    pub fn read(mint: &Pubkey, data: &[u8]) -> Option<Self> {
        Some(Self {
            mint: mint.to_string(),
            mint_authority: authority(data.get(MINT_AUTHORITY..)?)?,
            freeze_authority: authority(data.get(FREEZE_AUTHORITY..)?)?,
        })
    }
}

/// An authority that may be nobody.
fn authority(data: &[u8]) -> Option<Option<String>> {
    let (tag, rest) = data.split_first_chunk::<4>()?;
    let key = rest.first_chunk::<32>()?;
    Some((*tag != [0; 4]).then(|| Pubkey::from(*key).to_string()))
}
