//! Networks that pay in a mint of Token-2022, the real program: with nothing to it, with the extensions a network can live
//! with, and with one it cannot, smuggled in later.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)] // a test fails by panicking

use coverage_client::batch::Statement;
use coverage_client::evidence::{self, Evidence, Opening};
use coverage_client::pda::Token;
use coverage_client::{instructions as ix, pda};
use coverage_math::hash::Software;
use coverage_math::merkle;
use coverage_settlement::state::{Cell, Network, Operator as OperatorAccount};
use coverage_tests::{
    ATTESTER_BOND, CoverageError, GENESIS, InstructionError, World, config, entry, found_with, keypair,
};
use solana_keypair::Keypair;
use solana_program::instruction::{AccountMeta, Instruction};
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;

/// 90 of 100 served.
const GOOD: [u32; 7] = [90, 10, 0, 0, 0, 0, 0];
/// Nine in ten, and the rest failed verification.
const BREACH: [u32; 7] = [90, 0, 0, 0, 0, 0, 10];

/// An extension of a mint: bytes of its value, and the data of the instruction that initialises it.
type Extension = (usize, Vec<u8>);

fn close_authority(authority: &Pubkey) -> Extension {
    (32, [&[25, 1], authority.as_ref()].concat())
}

fn interest_bearing(authority: &Pubkey) -> Extension {
    let rate = 500i16.to_le_bytes(); // 5 % a year, for display only
    (52, [&[33, 0], authority.as_ref(), &rate].concat())
}

fn metadata_pointer(authority: &Pubkey, metadata: &Pubkey) -> Extension {
    (64, [&[39, 0], authority.as_ref(), metadata.as_ref()].concat())
}

fn permanent_delegate(delegate: &Pubkey) -> Extension {
    (32, [&[35], delegate.as_ref()].concat())
}

/// Creates a mint of Token-2022 at the address of `key`, with these extensions.
fn create_mint(world: &mut World, key: &Keypair, decimals: u8, extensions: &[Extension]) -> Token {
    let (payer, mint) = (world.payer, key.pubkey());
    world.cluster.sign_with(key.insecure_clone());
    // A mint with extensions is as long as an account, then a byte for its kind; each comes behind its type and length.
    let tail: usize = extensions.iter().map(|(bytes, _)| 4 + bytes).sum();
    let space = if extensions.is_empty() { 82 } else { 166 + tail };
    let rent = world.cluster.svm.minimum_balance_for_rent_exemption(space);
    let data = [&[0; 4], &rent.to_le_bytes()[..], &space.to_le_bytes(), pda::TOKEN_2022_PROGRAM.as_ref()].concat();
    let accounts = vec![AccountMeta::new(payer, true), AccountMeta::new(mint, true)];
    let create = Instruction { program_id: pda::SYSTEM_PROGRAM, accounts, data };
    let token_2022 =
        |data| Instruction { program_id: pda::TOKEN_2022_PROGRAM, accounts: vec![AccountMeta::new(mint, false)], data };
    let initialise = token_2022([&[20, decimals], payer.as_ref(), &[0]].concat());
    let extend = extensions.iter().map(|(_, data)| token_2022(data.clone()));
    let all: Vec<_> = std::iter::once(create).chain(extend).chain([initialise]).collect();
    world.send(&all);
    Token { mint, program: pda::TOKEN_2022_PROGRAM }
}

/// Closes a mint without supply.
fn close_mint(world: &mut World, token: &Token, authority: Pubkey) {
    let accounts = vec![
        AccountMeta::new(token.mint, false),
        AccountMeta::new(world.payer, false),
        AccountMeta::new_readonly(authority, true),
    ];
    world.send(&[Instruction { program_id: token.program, accounts, data: vec![9] }]);
    assert!(world.cluster.svm.get_account(&token.mint).is_none_or(|account| account.lamports == 0));
}

/// A world whose network in hand pays in this token.
fn in_token(world: &mut World, token: Token) {
    world.net = found_with(&mut world.cluster, 2, token, config(), 5);
}

fn network(world: &World) -> Network {
    world.get(&world.net.address)
}

/// Applies a batch whose one leaf is no receipt, and has it challenged by somebody without a token account; returns what that
/// one was paid, and the lamports it spent.
fn challenge(world: &mut World, workload: Pubkey) -> (u64, u64) {
    let net = world.net.clone();
    let challenger = world.cluster.add_signer(keypair(b'c', 0, 1));
    let of = world.batch_of(workload);
    let tag = coverage_client::batch::receipts_tag(&net.address, of.epoch);
    let entries = [entry(0, [1, 0, 0, 0, 0, 0, 0])];
    world.apply(&Statement::counts(of, merkle::leaf::<Software>(&tag, b"trust me"), &entries));
    let lie = Evidence::Misplaced(Opening { index: 0, leaf: b"trust me".to_vec(), proof: vec![] });
    let before = world.account(&challenger).lamports;
    for step in evidence::challenge(challenger, &net.token, of, &entries, &lie) {
        world.send(&[step]);
    }
    let paid = world.cluster.tokens(&pda::token_account(&challenger, &net.token));
    (paid, before - world.account(&challenger).lamports)
}

/// Everything a network does with tokens, with every amount: they are the same in every mint.
fn life(world: &mut World) {
    let net = world.net.clone();
    let workload = world.workload(0, 1);
    world.fund(3_000_000);
    let first = world.enrolled(1, 2_000, 1, workload);
    let second = world.enrolled(2, 4_000, 2, workload);
    world.send(&[ix::add_bond(first.wallet, net.address, &net.token, first.source, 1_000)]);
    let sponsor = ix::sponsor_workload(net.authority, net.address, workload, &net.token, net.treasurer, 500_000);
    world.send(&[sponsor]);
    assert_eq!(world.cluster.tokens(&net.treasurer), (1 << 60) - 3_500_000 - 5 * ATTESTER_BOND);
    assert_eq!(world.cluster.tokens(&first.source), (1 << 53) - 3_000);
    world.assert_solvent(&[workload]);
    world.open_epoch();
    world.batch(workload, &[(0, GOOD), (1, BREACH)]);
    let account = if net.token.program == pda::TOKEN_PROGRAM { 165 } else { 170 }; // its owner is immutable
    let rent = world.cluster.svm.minimum_balance_for_rent_exemption(account);
    assert_eq!(challenge(world, workload), (12_500, rent));
    world.assert_solvent(&[workload]);
    let (cell, slots) = world.finish(workload);
    assert_eq!((cell.last.pool, cell.last.sponsored, cell.carry), (1_500_000, 500_000, 150_001));
    assert_eq!([slots[0].reward, slots[1].reward], [1_349_999, 0]);
    assert!(world.cluster.svm.get_account(&pda::token_account(&first.payout, &net.token)).is_none());
    assert_eq!(world.claim(&first, &[(workload, 0)]), 1_349_999);
    assert_eq!(world.claim(&first, &[(workload, 0)]), 0);
    world.send(&[ix::slash_operator(net.address, second.account, workload, 1)]);
    assert_eq!((network(world).operator_bonds, network(world).treasury_available), (6_600, 2_000_000 + 37_500 + 400));
    world.assert_solvent(&[workload]);

    world.open_epoch();
    world.send(&[ix::unbond(second.wallet, net.address, 2_600)]);
    let key = world.cluster.add_signer(Keypair::new_from_array(net.attesters[0].to_bytes()));
    world.send(&[ix::unbond_attester(key, net.address, 0, 89_999)]);
    world.set_time(world.get::<OperatorAccount>(&second.account).bond.withdrawable_ts);
    world.send(&[ix::withdraw_bond(world.payer, net.address, &net.token, second.wallet)]);
    world.send(&[ix::withdraw_attester_bond(world.payer, net.address, &net.token, key, 0)]);
    assert_eq!(world.cluster.tokens(&second.source), (1 << 53) - 4_000 + 2_600);
    assert_eq!(world.cluster.tokens(&pda::token_account(&key, &net.token)), 89_999);
    assert_eq!((network(world).operator_bonds, network(world).attester_bonds), (4_000, 4 * 90_000 + 1));
    world.assert_solvent(&[workload]);
    // Treasury 1,037,900; bonds 4,000 and 360,001; the pool of epoch 1 and the carry before it.
    let vault = world.account(&network(world).vault);
    assert_eq!((vault.owner, vault.data.len()), (net.token.program, 165));
    assert_eq!(world.cluster.tokens(&network(world).vault), 1_037_900 + 364_001 + 1_000_000 + 150_001);
}

#[test]
fn a_life_in_spl_token() {
    life(&mut World::new());
}

#[test]
fn a_life_in_a_plain_mint_of_token_2022() {
    let mut world = World::new();
    let token = create_mint(&mut world, &keypair(b'M', 0, 0), 9, &[]);
    in_token(&mut world, token);
    assert_eq!((network(&world).token_program, network(&world).decimals), (pda::TOKEN_2022_PROGRAM, 9));
    life(&mut world);
}

#[test]
fn a_life_in_a_mint_with_extensions_a_network_can_live_with() {
    let mut world = World::new();
    let someone = world.wallet(9).wallet;
    let key = keypair(b'M', 0, 1);
    let extensions = [metadata_pointer(&someone, &key.pubkey()), interest_bearing(&someone), close_authority(&someone)];
    let token = create_mint(&mut world, &key, 6, &extensions);
    assert_eq!(world.account(&token.mint).data.len(), 166 + 68 + 56 + 36);
    in_token(&mut world, token);
    life(&mut world);
}

#[test]
fn a_mint_with_a_permanent_delegate_founds_no_network() {
    let mut world = World::new();
    let (authority, guardian) = (world.net.authority, world.net.guardian);
    let extensions = [close_authority(&authority), permanent_delegate(&authority)];
    let token = create_mint(&mut world, &keypair(b'M', 0, 2), 6, &extensions);
    let create = ix::create_network(authority, 2, &token, guardian, GENESIS, config());
    world.refuses(create, CoverageError::MintHasPermanentDelegate);
}

/// A network in a mint with a close authority and no supply, with a committee and a workload; returns the mint's key.
fn founded_without_supply(world: &mut World) -> (Keypair, Token, Pubkey) {
    let (authority, guardian, key) = (world.net.authority, world.net.guardian, keypair(b'M', 0, 3));
    let token = create_mint(world, &key, 6, &[close_authority(&authority)]);
    let address = pda::network(2);
    let attesters = world.net.attesters.clone();
    let members = (0..).zip(&attesters).map(|(place, key)| coverage_tests::member(place, key, 1)).collect();
    world.send(&[ix::create_network(authority, 2, &token, guardian, GENESIS, config())]);
    world.send(&[ix::update_committee(authority, address, members)]);
    world.net.id = 2;
    world.net.address = address;
    world.net.token = token;
    world.net.treasurer = pda::token_account(&authority, &token);
    let workload = world.workload(0, 1);
    (key, token, workload)
}

/// Asserts that whatever brings tokens into the vault is refused with this error.
#[track_caller]
fn refuses_deposits(world: &mut World, workload: Pubkey, error: impl Into<coverage_tests::Refusal> + Clone) {
    let net = world.net.clone();
    let (authority, treasurer) = (net.authority, world.cluster.mint_to(&net.token, &net.authority, 1 << 40).unwrap());
    assert_eq!(treasurer, net.treasurer);
    let newcomer = world.wallet(1);
    let deposits = [
        ix::fund_treasury(authority, net.address, &net.token, treasurer, 1_000),
        ix::sponsor_workload(authority, net.address, workload, &net.token, treasurer, 1_000),
        ix::add_attester_bond(authority, net.address, &net.token, treasurer, 0, 1_000),
        world.registration(&newcomer, 1_000),
    ];
    for deposit in deposits {
        world.refuses(deposit, error.clone());
    }
    assert_eq!((world.cluster.tokens(&pda::vault(&net.address)), network(world).treasury_available), (0, 0));
    assert_eq!(world.get::<Cell>(&pda::cell(&workload)).sponsored, 0);
}

#[test]
fn a_mint_made_anew_with_a_permanent_delegate_is_refused_at_the_next_deposit() {
    let mut world = World::new();
    let (key, token, workload) = founded_without_supply(&mut world);
    let authority = world.net.authority;
    close_mint(&mut world, &token, authority);
    assert_eq!(create_mint(&mut world, &key, 6, &[permanent_delegate(&authority)]), token);
    refuses_deposits(&mut world, workload, CoverageError::MintHasPermanentDelegate);
}

#[test]
fn a_mint_made_anew_as_it_was_goes_on() {
    let mut world = World::new();
    let (key, token, workload) = founded_without_supply(&mut world);
    let authority = world.net.authority;
    close_mint(&mut world, &token, authority);
    // In between nothing comes in.
    let net = world.net.clone();
    let fund = ix::fund_treasury(authority, net.address, &token, net.treasurer, 1_000);
    world.refuses(fund.clone(), CoverageError::InvalidMint);
    assert_eq!(create_mint(&mut world, &key, 6, &[close_authority(&authority)]), token);
    world.cluster.mint_to(&token, &authority, 5_000).unwrap();
    world.send(&[fund]);
    assert_eq!(network(&world).treasury_available, 1_000);
    world.assert_solvent(&[workload]);
}

#[test]
fn a_mint_made_anew_with_other_decimals_or_by_the_other_token_program_is_refused() {
    for decimals in [0, 5, 7, 255] {
        let mut world = World::new();
        let (key, token, workload) = founded_without_supply(&mut world);
        let authority = world.net.authority;
        close_mint(&mut world, &token, authority);
        create_mint(&mut world, &key, decimals, &[]);
        refuses_deposits(&mut world, workload, InstructionError::Custom(18)); // MintDecimalsMismatch of the token program
    }
    let mut world = World::new();
    let (key, token, _) = founded_without_supply(&mut world);
    let net = world.net.clone();
    close_mint(&mut world, &token, net.authority);
    let spl = world.cluster.create_mint(key, 6).unwrap();
    assert_eq!(spl.mint, token.mint);
    let source = world.cluster.mint_to(&spl, &net.authority, 5_000).unwrap();
    let fund = |token: &Token| ix::fund_treasury(net.authority, net.address, token, source, 1_000);
    world.refuses(fund(&token), CoverageError::InvalidMint);
    world.refuses(fund(&spl), CoverageError::WrongTokenProgram);
}
