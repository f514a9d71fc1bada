//! Mints, as `create_network` and every deposit read them, against the token program's own reading.

use anchor_lang::prelude::Address;
use coverage_settlement::token::{TOKEN_2022_PROGRAM, TOKEN_PROGRAM, check_mint};
use solana_program::program_pack::Pack;
use solana_program::pubkey::Pubkey;
use spl_token_2022_interface::extension::{BaseStateWithExtensions, ExtensionType, StateWithExtensions};
use spl_token_2022_interface::state::{Account, Mint, Multisig};

/// What stands between nobody and its tokens.
const HARMLESS: [ExtensionType; 8] = [
    ExtensionType::MintCloseAuthority,
    ExtensionType::InterestBearingConfig,
    ExtensionType::MetadataPointer,
    ExtensionType::TokenMetadata,
    ExtensionType::GroupPointer,
    ExtensionType::TokenGroup,
    ExtensionType::GroupMemberPointer,
    ExtensionType::TokenGroupMember,
];

/// The decimals of what the token program takes for a mint, and whether all its extensions are harmless.
fn theirs(data: &[u8]) -> Option<(u8, bool)> {
    let mint = StateWithExtensions::<Mint>::unpack(data).ok()?;
    let known = mint.get_extension_types();
    let harmless = known.is_ok_and(|kinds| kinds.iter().all(|kind| HARMLESS.contains(kind)));
    Some((mint.base.decimals, harmless))
}

/// Whether the token program may have written this as a mint: all other bytes are a multisig's or nobody's.
fn is_written(data: &[u8]) -> bool {
    let (base, rest) = data.split_at(data.len().min(Mint::LEN));
    let padding = &rest[..rest.len().min(Account::LEN - Mint::LEN)];
    Mint::unpack(base).is_ok() && data.len() != Multisig::LEN && padding.iter().all(|byte| *byte == 0)
}

fn ours(owner: &Address, data: &[u8]) -> Option<u8> {
    check_mint(owner, data).ok()
}

/// A mint is accepted if, and of what the token program accepts only if, its extensions are harmless; with its decimals.
pub fn check(data: &[u8]) {
    compare(data);
    // The base of a mint and its account type are hard to guess: the bytes stand for its extensions.
    compare(&[plain(true), vec![0; 83], vec![1], data.to_vec()].concat());
}

fn compare(data: &[u8]) {
    let extended = ours(&TOKEN_2022_PROGRAM, data);
    match theirs(data) {
        Some((decimals, harmless)) => assert_eq!(extended, harmless.then_some(decimals)),
        None => assert!(extended.is_none() || !is_written(data)),
    }
    let legacy = ours(&TOKEN_PROGRAM, data);
    assert_eq!(legacy, extended.filter(|_| data.len() == 82), "extensions are for Token-2022");
    assert_eq!(ours(&Pubkey::new_from_array([9; 32]), data), None, "another owner");
}

/// The 82 bytes of a mint without extensions.
fn plain(initialized: bool) -> Vec<u8> {
    let mut mint = vec![0; 82];
    mint[44] = 6;
    mint[45] = u8::from(initialized);
    mint
}

/// A plain mint, and one with each extension alone and behind another.
pub fn seeds() -> Vec<Vec<u8>> {
    let extension =
        |kind: u16, length: u16| [&kind.to_le_bytes(), &length.to_le_bytes(), &vec![0; length.into()][..]].concat();
    let harmless = extension(3, 32);
    let bases = [plain(true), plain(false)];
    let each = (0..32u16).flat_map(|kind| [1, 32, 64, 108].map(|length| extension(kind, length)));
    let behind = each.clone().map(|last| [harmless.clone(), last].concat());
    let whole = [plain(true), vec![0; 83], vec![1], harmless.clone()].concat();
    assert_eq!((theirs(&whole), ours(&TOKEN_2022_PROGRAM, &whole)), (Some((6, true)), Some(6)));
    let mut multisig = vec![1; 355];
    multisig[166..].fill(0);
    assert_eq!(theirs(&multisig), None);
    bases.into_iter().chain([multisig]).chain([whole]).chain(each).chain(behind).collect()
}
