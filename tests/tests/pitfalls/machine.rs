//! Rent, time, addresses, tokens and locks.

use crate::{GOOD, world};
use coverage_client::{instructions as ix, pda};
use coverage_settlement::state::{Cell, Network};
use coverage_tests::{CoverageError, EPOCH, GENESIS, GRACE, World, config};
use solana_account::Account;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_program::rent::Rent;
use std::collections::BTreeSet;

#[test]
fn hard_coded_rent() {
    let mut world = World::new();
    let mut rent: Rent = world.cluster.svm.get_sysvar();
    rent.lamports_per_byte *= 3;
    world.cluster.svm.set_sysvar(&rent);
    let workload = world.workload(0, 1);
    world.enrolled(1, 2_000, 1, workload);
    world.open_epoch();
    for address in [workload, pda::cell(&workload), pda::log(&workload), pda::epoch(&world.net.address, 0)] {
        let account = world.account(&address);
        assert_eq!(account.lamports, rent.minimum_balance(account.data.len()));
    }
}

#[test]
fn hard_coded_slot_time() {
    let (mut world, workload, _) = world();
    // A thousand days' worth of slots in no time, and none at all in an epoch.
    world.cluster.svm.warp_to_slot(216_000_000);
    world.set_time(GENESIS + EPOCH + GRACE - 1);
    world.refuses(ix::seal_cell(world.net.address, workload, 0), CoverageError::EpochNotOver);
    world.set_time(GENESIS + EPOCH + GRACE);
    world.send(&[ix::seal_cell(world.net.address, workload, 0)]);
}

#[test]
fn a_prefunded_address() {
    let mut world = World::new();
    let (network, payer) = (world.net.address, world.payer);
    let workload = pda::workload(&network, 0);
    let epoch = pda::epoch(&network, 0);
    for (address, lamports) in
        [(workload, 1), (pda::cell(&workload), 1 << 40), (pda::log(&workload), 890_880), (epoch, 5)]
    {
        world.forge().lamports(&address, lamports);
    }
    world.workload(0, 1);
    world.set_time(GENESIS);
    world.send(&[ix::open_epoch(payer, network, 0)]);
    assert_eq!(world.get::<Cell>(&pda::cell(&workload)).workload, workload);
    assert_eq!(world.account(&pda::cell(&workload)).lamports, 1 << 40, "what was there stays there");
}

#[test]
fn hostile_token_2022_extensions() {
    let mut world = World::new();
    let mint = Pubkey::from([77; 32]);
    // An initialised mint of six decimals with one extension: type, length, value.
    let data = |kind: u16| {
        let mut data = vec![0; 165];
        (data[44], data[45]) = (6, 1);
        [data, vec![1], kind.to_le_bytes().to_vec(), vec![2, 0, 9, 9]].concat()
    };
    let token = pda::Token { mint, program: pda::TOKEN_2022_PROGRAM };
    let create = ix::create_network(world.net.authority, 5, &token, world.net.authority, GENESIS, config());
    let refused = [
        (1, CoverageError::MintHasTransferFee),
        (4, CoverageError::MintHasConfidentialTransfer),
        (6, CoverageError::MintHasDefaultAccountState),
        (9, CoverageError::MintIsNonTransferable),
        (12, CoverageError::MintHasPermanentDelegate),
        (14, CoverageError::MintHasTransferHook),
        (16, CoverageError::MintHasConfidentialTransferFee),
        (24, CoverageError::MintHasConfidentialMintBurn),
        (25, CoverageError::MintHasScaledUiAmount),
        (26, CoverageError::MintIsPausable),
        (28, CoverageError::MintHasPermissionedBurn),
        (29, CoverageError::MintHasUnknownExtension),
    ];
    for (kind, error) in refused {
        let account =
            Account { lamports: 1 << 30, data: data(kind), owner: pda::TOKEN_2022_PROGRAM, ..Account::default() };
        world.cluster.svm.set_account(mint, account).unwrap();
        world.refuses(create.clone(), error);
    }
}

#[test]
fn a_hot_account_that_every_transaction_writes() {
    // What two cells of one network write while they collect, seal, settle and are swept of nothing: no account in common.
    let network = pda::network(1);
    let writes = |workload: Pubkey, payer: Pubkey| -> BTreeSet<Pubkey> {
        let (attestation, operator) = (Pubkey::new_unique(), Pubkey::new_unique());
        let all: [Instruction; 6] = [
            ix::apply_batch(network, workload, 0, attestation, payer),
            ix::seal_cell(network, workload, 0),
            ix::settle_cell(network, workload, 0, 1),
            ix::sync_slot(network, operator, workload, 0),
            ix::leave_cell(payer, network, workload, 0),
            ix::release_slot(operator, workload, 0),
        ];
        let metas = all.iter().flat_map(|instruction| &instruction.accounts);
        metas.filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect()
    };
    let [first, second] = [0, 1].map(|id| writes(pda::workload(&network, id), Pubkey::new_unique()));
    assert!(first.is_disjoint(&second));
    // Paying out shares the vault, and nothing else.
    let token = pda::Token { mint: Pubkey::new_unique(), program: pda::TOKEN_PROGRAM };
    let claim = |id| {
        let payout = Pubkey::new_unique();
        let workload = pda::workload(&network, id);
        let claim = ix::claim_rewards(payout, network, &token, Pubkey::new_unique(), payout, &[(workload, 0)]);
        let written = claim.accounts.into_iter().filter(|meta| meta.is_writable);
        written.map(|meta| meta.pubkey).collect::<BTreeSet<_>>()
    };
    let shared: Vec<_> = claim(0).intersection(&claim(1)).copied().collect();
    assert_eq!(shared, [pda::vault(&network)]);
}

#[test]
fn a_frozen_or_failing_payout_leaves_what_is_earned_where_it_is() {
    let (mut world, workload, operator) = world();
    world.batch(workload, &[(0, GOOD)]);
    world.finish(workload);
    let vault = world.get::<Network>(&world.net.address).vault;
    // The vault's tokens are gone, by whatever means: the claim fails whole.
    let mut account = world.account(&vault);
    account.data[64..72].copy_from_slice(&0u64.to_le_bytes());
    world.cluster.svm.set_account(vault, account).unwrap();
    assert!(world.attempt(&[world.claim_instruction(&operator, &[(workload, 0)])]).is_err());
    assert_eq!(world.cell(workload).1[0].earned, 899_999);
}
