//! Whose bond a false batch costs.

use crate::*;
use coverage_settlement::state::Committee;
use coverage_tests::{CoverageError, EPOCH, attester, member};
use solana_keypair::Keypair;

const WHOLE: Bond = Bond { units: ATTESTER_BOND, unbonding: 0, withdrawable_ts: 0 };
const SLASHED_BOND: Bond = Bond { units: 90_000, unbonding: 0, withdrawable_ts: 0 };

/// Failures counted as served, signed by as many of the first attesters.
fn lie(case: &mut Case, signers: usize) -> (Applied, Evidence) {
    let (leaves, entries) = (vec![payload(&case.receipt(0, FAILED, 1))], vec![entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    let of = case.world.batch_of(case.workload);
    let root = Published::new(&of.network, of.epoch, &leaves).root().unwrap();
    let statement = Statement::counts(of, root, &entries);
    case.world.upload(&statement);
    let keys = case.world.net.attesters[..signers].to_vec();
    for pair in statement.endorse(case.world.payer, &keys) {
        case.world.send(&pair);
    }
    case.world.send(&[statement.apply(case.world.payer)]);
    let batch = Applied { of, leaves, entries };
    let evidence = batch.examine().unwrap();
    (batch, evidence)
}

/// Has an attester sign transactions for itself; returns its key.
fn signer(case: &mut Case, place: u8) -> Pubkey {
    case.world.cluster.add_signer(Keypair::new_from_array(attester(case.world.net.id, place).to_bytes()))
}

#[test]
fn only_who_signed_is_slashed() {
    let mut case = Case::new();
    let (batch, evidence) = lie(&mut case, 4); // 4 of 5 is more than two thirds
    let events = case.prove(&batch, &evidence);
    let [Event::BatchRemoved(event)] = events[..] else { panic!() };
    assert_eq!((event.slashed_places, event.slashed_units, event.reward_units), (0b1111, 40_000, 10_000));
    assert_eq!(case.bonds(), [SLASHED_BOND, SLASHED_BOND, SLASHED_BOND, SLASHED_BOND, WHOLE]);
    assert_eq!((case.reward(), case.network().attester_bonds), (10_000, 460_000));
    assert_eq!(case.network().treasury_available, 9_000_000 + 30_000);
    case.world.assert_solvent(&[case.workload]);
}

#[test]
fn who_is_unbonding_is_slashed_too() {
    let mut case = Case::new();
    let (batch, evidence) = lie(&mut case, 5);
    let network = case.world.net.address;
    for (place, amount) in [(0, ATTESTER_BOND), (1, 30_000), (2, 95_000)] {
        let key = signer(&mut case, place);
        case.world.send(&[ix::unbond_attester(key, network, place, amount)]);
    }
    let until = GENESIS + EPOCH + 30 + EPOCH;
    let leaving = |units, unbonding| Bond { units, unbonding, withdrawable_ts: until };
    case.prove(&batch, &evidence);
    // The tenth is of all of it; what is on its way out shrinks only when there is not as much left.
    let expected =
        [leaving(90_000, 90_000), leaving(90_000, 30_000), leaving(90_000, 90_000), SLASHED_BOND, SLASHED_BOND];
    assert_eq!(case.bonds(), expected);
    assert_eq!(case.reward(), REWARD);
    case.world.set_time(until);
    let token = case.world.net.token;
    for (place, units) in [(0, 90_000), (1, 30_000), (2, 90_000)] {
        let key = Pubkey::from(attester(1, place).verifying_key().to_bytes());
        case.world.send(&[ix::withdraw_attester_bond(case.world.payer, network, &token, key, place)]);
        assert_eq!(case.world.cluster.tokens(&pda::token_account(&key, &token)), units);
    }
    assert_eq!(case.network().attester_bonds, 60_000 + 2 * 90_000);
    case.world.assert_solvent(&[case.workload]);
}

#[test]
fn who_took_an_endorsers_place_later_is_not_slashed() {
    let mut case = Case::new();
    let (batch, evidence) = lie(&mut case, 5);
    let net = case.world.net.clone();
    let (old, new) = (signer(&mut case, 4), attester(net.id, 9));
    case.world.send(&[ix::unbond_attester(old, net.address, 4, ATTESTER_BOND)]);
    let dismiss = ix::update_committee(net.authority, net.address, vec![member(4, &net.attesters[4], 0)]);
    let seat = ix::update_committee(net.authority, net.address, vec![member(4, &new, 1)]);
    case.world.send(&[dismiss]);
    // As long as the old bond is there the place is taken, so nobody else can be slashed in its stead.
    case.world.refuses(seat.clone(), CoverageError::PlaceTaken);
    case.world.set_time(GENESIS + 2 * EPOCH + 30);
    let withdraw = ix::withdraw_attester_bond(case.world.payer, net.address, &net.token, old, 4);
    let add = ix::add_attester_bond(net.authority, net.address, &net.token, net.treasurer, 4, ATTESTER_BOND);
    case.world.send(&[withdraw]);
    case.world.send(&[seat]);
    case.world.send(&[add]);
    let committee: Committee = case.world.get(&pda::committee(&net.address));
    assert_eq!((committee.generation, committee.attesters[4].since_generation), (3, 3));
    // Nobody has sealed the cell for two epochs: the batch can still be challenged.
    let events = case.prove(&batch, &evidence);
    let [Event::BatchRemoved(event)] = events[..] else { panic!() };
    assert_eq!((event.slashed_places, event.slashed_units, event.reward_units), (0b1111, 40_000, 10_000));
    assert_eq!(case.bonds(), [SLASHED_BOND, SLASHED_BOND, SLASHED_BOND, SLASHED_BOND, WHOLE]);
    assert_eq!((case.reward(), case.network().attester_bonds), (10_000, 460_000));
    case.world.assert_solvent(&[case.workload]);
}

#[test]
fn who_was_dismissed_and_came_back_to_its_place_is_slashed() {
    let mut case = Case::new();
    let (batch, evidence) = lie(&mut case, 5);
    let net = case.world.net.clone();
    for weight in [0, 3] {
        let member = vec![member(0, &net.attesters[0], weight)];
        case.world.send(&[ix::update_committee(net.authority, net.address, member)]);
    }
    // And one that was dismissed and has not come back.
    case.world.send(&[ix::update_committee(net.authority, net.address, vec![member(1, &net.attesters[1], 0)])]);
    case.prove(&batch, &evidence);
    assert_eq!(case.bonds(), [SLASHED_BOND; 5]);
    assert_eq!(case.reward(), REWARD);
}

#[test]
fn where_fraud_costs_nothing_the_batch_falls_all_the_same() {
    let mut case = Case::with(Config { slash_bps: 0, ..config() });
    let (batch, evidence) = lie(&mut case, 5);
    case.prove(&batch, &evidence);
    assert_eq!((case.bonds(), case.reward()), (vec![WHOLE; 5], 0));
    assert_eq!(case.world.cell(case.workload).1[0].tally, [0; 7]);
    let account = pda::token_account(&case.challenger, &case.world.net.token);
    assert!(case.world.cluster.svm.get_account(&account).is_none(), "nobody pays rent to be paid nothing");
}

#[test]
fn the_largest_slash_and_share_take_everything() {
    let mut case = Case::with(Config { slash_bps: 10_000, challenger_bps: 5_000, ..config() });
    let (batch, evidence) = lie(&mut case, 5);
    case.prove(&batch, &evidence);
    assert_eq!((case.bonds(), case.reward()), (vec![Bond::default(); 5], 250_000));
    assert_eq!(case.network().attester_bonds, 0);
    assert_eq!(case.network().treasury_available, 9_000_000 + 250_000);
    case.world.assert_solvent(&[case.workload]);
    // A committee without bonds decides nothing any more.
    let statement = case.world.statement(case.workload, &[entry(0, [1, 0, 0, 0, 0, 0, 0])]);
    case.world.endorse(&statement);
    case.world.refuses(statement.apply(case.world.payer), CoverageError::NoQuorum);
}

#[test]
fn an_epoch_slashes_by_the_configuration_it_opened_with() {
    let mut case = Case::new();
    let (batch, evidence) = lie(&mut case, 5);
    let net = case.world.net.clone();
    let harsher = Config { slash_bps: 5_000, challenger_bps: 0, ..config() };
    case.world.send(&[ix::propose_config(net.authority, net.address, harsher)]);
    case.world.open_epoch();
    assert_eq!((case.network().config.slash_bps, case.world.epoch(0).config.slash_bps), (5_000, 1_000));
    case.prove(&batch, &evidence);
    assert_eq!((case.bonds(), case.reward()), (vec![SLASHED_BOND; 5], REWARD));
}

#[test]
fn a_batch_that_a_full_committee_signed_falls_like_any_other() {
    let mut case = Case::with_attesters(config(), 64);
    let (batch, evidence) = lie(&mut case, 64);
    let events = case.prove(&batch, &evidence);
    let [Event::BatchRemoved(event)] = events[..] else { panic!() };
    assert_eq!((event.slashed_places, event.slashed_units), (u64::MAX, 640_000));
    assert_eq!((case.bonds(), case.reward()), (vec![SLASHED_BOND; 64], 160_000));
    assert_eq!(case.network().treasury_available, 9_000_000 + 480_000);
    case.world.assert_solvent(&[case.workload]);
}
