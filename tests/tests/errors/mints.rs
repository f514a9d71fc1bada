//! Mints: which a network takes, and that one made anew is asked again.

use crate::tokens::deposits;
use coverage_client::instructions as ix;
use coverage_client::pda::{self, SYSTEM_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM, Token};
use coverage_tests::CoverageError::{self, *};
use coverage_tests::{GENESIS, World, config, found_with};
use solana_account::Account;
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;

/// Every extension of mints that Token-2022 has, by number, with its bytes and what refuses it.
const EXTENSIONS: [(u16, usize, Option<CoverageError>); 20] = [
    (1, 108, Some(MintHasTransferFee)),
    (3, 32, None), // close authority
    (4, 65, Some(MintHasConfidentialTransfer)),
    (6, 1, Some(MintHasDefaultAccountState)),
    (9, 0, Some(MintIsNonTransferable)),
    (10, 52, None), // interest-bearing
    (12, 32, Some(MintHasPermanentDelegate)),
    (14, 64, Some(MintHasTransferHook)),
    (16, 129, Some(MintHasConfidentialTransferFee)),
    (18, 64, None), // metadata pointer
    (19, 90, None), // metadata
    (20, 64, None), // group pointer
    (21, 80, None), // group
    (22, 64, None), // member pointer
    (23, 72, None), // member
    (24, 196, Some(MintHasConfidentialMintBurn)),
    (25, 56, Some(MintHasScaledUiAmount)),
    (26, 33, Some(MintIsPausable)),
    (28, 32, Some(MintHasPermissionedBurn)),
    (29, 8, Some(MintHasUnknownExtension)),
];

/// The bytes of an initialised mint of six decimals with these extensions (type and bytes of each).
fn mint_bytes(extensions: &[(u16, usize)]) -> Vec<u8> {
    let mut data = vec![0; 82];
    (data[44], data[45]) = (6, 1);
    if !extensions.is_empty() {
        data.resize(165, 0);
        data.push(1);
    }
    for (kind, length) in extensions {
        data.extend(kind.to_le_bytes());
        data.extend((*length as u16).to_le_bytes());
        data.extend(vec![0; *length]);
    }
    data
}

/// Writes an account.
fn put(world: &mut World, address: Pubkey, owner: Pubkey, data: Vec<u8>) {
    let lamports = world.cluster.svm.minimum_balance_for_rent_exemption(data.len());
    let account = Account { lamports, data, owner, executable: false, rent_epoch: 0 };
    world.cluster.svm.set_account(address, account).unwrap();
}

fn create(world: &World, token: &Token) -> Instruction {
    ix::create_network(world.net.authority, 9, token, world.net.guardian, GENESIS, config())
}

/// Tries to found a network on a mint.
fn tries(world: &mut World, token: &Token, refused: Option<CoverageError>) {
    let create = create(world, token);
    match refused {
        Some(error) => world.refuses(create, error),
        None => {
            let saved = world.cluster.svm.clone();
            world.send(&[create]);
            world.cluster.svm = saved;
        }
    }
}

/// Tries to found a network on a mint of these bytes.
fn founds(world: &mut World, owner: Pubkey, data: Vec<u8>, refused: Option<CoverageError>) {
    let token = Token { mint: Pubkey::from([77; 32]), program: owner };
    put(world, token.mint, owner, data);
    tries(world, &token, refused);
}

/// Has Token-2022 initialise a mint of six decimals whose authority is the payer, with one extension: its bytes and the
/// instruction that initialises it.
fn make(world: &mut World, mint: Pubkey, extension: Option<(usize, Vec<u8>)>) -> Token {
    let initialise = [[20, 6].as_slice(), world.payer.as_ref(), &[0]].concat(); // no freeze authority
    let length = extension.as_ref().map_or(82, |(length, _)| 166 + 4 + length);
    put(world, mint, TOKEN_2022_PROGRAM, vec![0; length]);
    let accounts = vec![AccountMeta::new(mint, false)];
    let send = |data| Instruction { program_id: TOKEN_2022_PROGRAM, accounts: accounts.clone(), data };
    let data = extension.map(|(_, data)| data).into_iter().chain([initialise]);
    world.send(&data.map(send).collect::<Vec<_>>());
    Token { mint, program: TOKEN_2022_PROGRAM }
}

/// A world whose network in hand pays in a mint of Token-2022.
fn extended_world() -> World {
    let mut world = World::new();
    let token = make(&mut world, Pubkey::from([76; 32]), None);
    world.net = found_with(&mut world.cluster, 3, token, config(), 1);
    world
}

/// All of this file, for the check that nothing was forgotten.
pub const CASES: &[fn()] = &[
    every_extension_is_taken_or_refused_by_its_name,
    extensions_that_token_2022_makes_are_the_numbers_refused,
    what_is_no_mint_is_refused,
    every_deposit_asks_a_mint_made_anew,
    a_mint_that_its_authority_closes_and_makes_anew_is_refused,
];

#[test]
fn every_extension_is_taken_or_refused_by_its_name() {
    let mut world = World::new();
    for (kind, length, refused) in EXTENSIONS {
        founds(&mut world, TOKEN_2022_PROGRAM, mint_bytes(&[(kind, length)]), refused);
        // Behind one that is taken, and before one that is not: the first bad one is named.
        founds(&mut world, TOKEN_2022_PROGRAM, mint_bytes(&[(18, 64), (kind, length)]), refused);
        let first = refused.unwrap_or(MintHasTransferHook);
        founds(&mut world, TOKEN_2022_PROGRAM, mint_bytes(&[(kind, length), (14, 64)]), Some(first));
    }
    // Extensions of token accounts, and numbers nobody has given out.
    for kind in [2, 5, 7, 8, 11, 13, 15, 17, 27, 30, 255, 256, 65_535] {
        founds(&mut world, TOKEN_2022_PROGRAM, mint_bytes(&[(kind, 0)]), Some(MintHasUnknownExtension));
    }
    // What follows the end of the list is no extension.
    founds(&mut world, TOKEN_2022_PROGRAM, mint_bytes(&[(0, 0), (14, 64)]), None);
    founds(&mut world, TOKEN_2022_PROGRAM, [mint_bytes(&[(18, 64)]), vec![0]].concat(), None);
}

#[test]
fn extensions_that_token_2022_makes_are_the_numbers_refused() {
    let mut world = World::new();
    let (mint, key) = (Pubkey::from([78; 32]), [3u8; 32]);
    let two = [key, key].concat();
    // The number of the extension, and the instruction that initialises it.
    let made: [(u16, Vec<u8>); 12] = [
        (1, [[26, 0, 0, 0].as_slice(), &[0; 10]].concat()),
        (3, [[25, 1].as_slice(), &key].concat()),
        (4, [[27, 0].as_slice(), &key, &[0], &[0; 32]].concat()),
        (6, vec![28, 0, 1]),
        (9, vec![32]),
        (10, [[33, 0].as_slice(), &key, &[5, 0]].concat()),
        (12, [[35].as_slice(), &key].concat()),
        (14, [[36, 0].as_slice(), &two].concat()),
        (18, [[39, 0].as_slice(), &two].concat()),
        (20, [[40, 0].as_slice(), &two].concat()),
        (25, [[43, 0].as_slice(), &key, &1f64.to_le_bytes()].concat()),
        (26, [[44, 0].as_slice(), &key].concat()),
    ];
    for (kind, data) in made {
        let (_, length, refused) = *EXTENSIONS.iter().find(|(number, ..)| *number == kind).unwrap();
        let token = make(&mut world, mint, Some((length, data)));
        tries(&mut world, &token, refused);
    }
}

#[test]
fn what_is_no_mint_is_refused() {
    let mut world = World::new();
    let (plain, extended) = (mint_bytes(&[]), mint_bytes(&[(18, 64)]));
    for owner in [TOKEN_PROGRAM, TOKEN_2022_PROGRAM] {
        founds(&mut world, owner, plain.clone(), None);
    }
    let mut uninitialised = plain.clone();
    uninitialised[45] = 0;
    let mut account = extended.clone();
    account[165] = 2; // the byte of a token account
    let mut past = extended.clone();
    past[168..170].copy_from_slice(&65u16.to_le_bytes());
    let mut token_account = vec![0; 165];
    token_account[32..64].fill(1); // its owner, where a mint says that it is initialised
    let mut multisig = vec![1; 355]; // the keys of its signers are whatever they are
    multisig[166..].fill(0);
    let cases = [
        (TOKEN_2022_PROGRAM, multisig),
        (TOKEN_PROGRAM, vec![]),
        (TOKEN_PROGRAM, uninitialised.clone()),
        (TOKEN_2022_PROGRAM, uninitialised),
        (TOKEN_PROGRAM, plain[..45].to_vec()),
        (TOKEN_PROGRAM, [plain.as_slice(), &[0]].concat()),
        (TOKEN_PROGRAM, token_account.clone()),
        (TOKEN_2022_PROGRAM, token_account),
        (TOKEN_PROGRAM, extended.clone()), // SPL Token has no extensions
        (TOKEN_2022_PROGRAM, account),
        (TOKEN_2022_PROGRAM, past),
        (TOKEN_2022_PROGRAM, extended[..169].to_vec()), // no whole length
        (TOKEN_2022_PROGRAM, extended[..extended.len() - 1].to_vec()),
        (SYSTEM_PROGRAM, plain.clone()), // nobody's
        (coverage_settlement::ID, plain.clone()),
    ];
    for (owner, data) in cases {
        founds(&mut world, owner, data, Some(InvalidMint));
    }
    // One token program's mint, with the other.
    let token = Token { mint: Pubkey::from([77; 32]), program: TOKEN_2022_PROGRAM };
    put(&mut world, token.mint, TOKEN_PROGRAM, plain);
    world.refuses(create(&world, &token), WrongTokenProgram);
}

#[test]
fn every_deposit_asks_a_mint_made_anew() {
    let mut world = extended_world();
    let mint = world.net.token.mint;
    for (good, _) in deposits(&mut world, 1_000) {
        let saved = world.account(&mint);
        for (kind, length, refused) in EXTENSIONS {
            let Some(error) = refused else { continue };
            put(&mut world, mint, TOKEN_2022_PROGRAM, mint_bytes(&[(kind, length)]));
            world.refuses(good.clone(), error);
        }
        let uninitialised = vec![0; 82];
        for (owner, data) in [(TOKEN_2022_PROGRAM, uninitialised), (TOKEN_PROGRAM, mint_bytes(&[]))] {
            put(&mut world, mint, owner, data);
            world.refuses(good.clone(), InvalidMint);
        }
        world.cluster.svm.set_account(mint, saved).unwrap();
        world.send(&[good]);
    }
}

#[test]
fn a_mint_that_its_authority_closes_and_makes_anew_is_refused() {
    let mut world = World::new();
    let (mint, payer) = (Pubkey::from([79; 32]), world.payer);
    let close_authority = [[25, 1].as_slice(), payer.as_ref()].concat();
    let token = make(&mut world, mint, Some((32, close_authority)));
    world.send(&[create(&world, &token)]);
    // Without supply it may be closed, and the network's address has another mint then.
    let accounts = [(mint, false), (payer, true), (payer, true)].map(|(key, signs)| AccountMeta::new(key, signs));
    let close = Instruction { program_id: TOKEN_2022_PROGRAM, accounts: accounts.to_vec(), data: vec![9] };
    world.send(&[close]);
    assert_eq!(world.cluster.svm.get_account(&mint).map_or(0, |account| account.data.len()), 0);
    let delegate = [[35].as_slice(), &[3; 32]].concat();
    make(&mut world, mint, Some((32, delegate)));
    let authority = world.net.authority;
    let source = world.cluster.mint_to(&token, &authority, 1_000).unwrap();
    let fund = ix::fund_treasury(authority, pda::network(9), &token, source, 1_000);
    world.refuses(fund, MintHasPermanentDelegate);
}
