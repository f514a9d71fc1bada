//! From a scenario to the network that should exist: the plan that the migrations carry out.

use super::cluster::transactions;
use super::keys::{derive, keypair, signing_keys};
use super::{Cluster, NetworkError};
use crate::Progress;
use crate::scenario::{Scenario, WorkloadSpec};
use coverage_client::chain::Chain;
use coverage_client::embedded::Embedded;
use coverage_client::math::receipt::Capability;
use coverage_client::math::semivalue::Rule;
use coverage_client::program::state::{ANY_REGION, Config, Requirements};
use coverage_migrations::{OperatorPlan, Plan, WorkloadPlan};
use solana_keypair::Keypair;

/// Start of epoch 0, in unix seconds: 2026-01-01 00:00 UTC. Fixed, so that every run is the same.
const GENESIS_TS: i64 = 1_767_225_600;
/// How long before it the network is created.
const PREPARATION_SECONDS: i64 = 3_600;
/// Decimals of the reward mint.
pub(super) const MINT_DECIMALS: u8 = 6;
/// A million tokens an epoch.
const EMISSION_UNITS: u64 = 1_000_000_000_000;
/// Every operator of a scenario has this much or more.
const MIN_BOND_UNITS: u64 = 1_000_000_000;
pub(super) const ATTESTERS: u64 = 5;
const NETWORK_ID: u64 = 1;
/// Verification modes are the network's to number; this one has one.
const VERIFICATION_MODE: u8 = 1;

/// The settings of the network: one-sided 95 % confidence, a tenth of an epoch each for late evidence and for challenges.
pub(super) fn config(scenario: &Scenario) -> Config {
    let epoch_seconds = scenario.epoch_us.div_ceil(1_000_000);
    Config {
        epoch_seconds,
        grace_seconds: epoch_seconds.div_ceil(10),
        challenge_seconds: epoch_seconds.div_ceil(10),
        delay_seconds: epoch_seconds,
        emission: EMISSION_UNITS,
        min_operator_bond: MIN_BOND_UNITS,
        min_attester_bond: MIN_BOND_UNITS,
        z_milli: 1_645,
        breach_bps: 200,
        slash_bps: 5_000,
        quorum_bps: 6_667,
        carry_cap_epochs: 4,
        rule: Rule::Shapley as u8,
        challenger_bps: 2_500,
        reserved: 0,
    }
}

/// An embedded chain with a mint, funded wallets and the whole network of a scenario, just before its first epoch.
pub(super) fn create(scenario: &Scenario, progress: &Progress) -> Result<(Cluster, Plan), NetworkError> {
    let mut cluster = Cluster {
        embedded: Embedded::new(GENESIS_TS.saturating_sub(PREPARATION_SECONDS))?,
        costs: super::Costs::default(),
    };
    let plan = plan(scenario, &mut cluster.embedded)?;
    progress.begin("creating the network".to_owned(), coverage_migrations::STEPS.len());
    let mut done = Vec::new();
    coverage_migrations::run(&mut cluster, &plan, |step, sent| {
        progress.step();
        done.push(format!("{step}: {}", transactions(sent as u64)));
    })?;
    progress.say(&done.join("\n"));
    Ok((cluster, plan))
}

/// Creates the mint, gives everyone what they need, and says what network there should be.
fn plan(scenario: &Scenario, chain: &mut Embedded) -> Result<Plan, NetworkError> {
    let config = config(scenario);
    let token = chain.create_mint(keypair("mint", 0), MINT_DECIMALS)?;
    let treasury_units = config.emission.saturating_mul(u64::from(scenario.epochs));
    let payer = chain.payer();
    let bonds = config.min_attester_bond.saturating_mul(ATTESTERS);
    chain.mint_to(&token, &payer, treasury_units.saturating_add(bonds))?;
    let mut plan = Plan {
        network_id: NETWORK_ID,
        token,
        guardian: address(&keypair("guardian", 0)),
        genesis_ts: GENESIS_TS,
        config,
        attesters: signing_keys("attester", ATTESTERS).into_iter().map(|key| (key, 1)).collect(),
        workloads: scenario.workloads.iter().map(workload).collect(),
        treasury_units,
        operators: Vec::new(),
    };
    for (index, operator) in scenario.operators.iter().enumerate() {
        let wallet = chain.add_signer(keypair("operator", index));
        chain.mint_to(&token, &wallet, operator.bond)?;
        let capabilities = capabilities(scenario, index, &plan)?;
        plan.operators.push(OperatorPlan {
            wallet,
            payout: address(&keypair("payout", index)),
            bond_units: operator.bond,
            domain: operator.domain,
            capabilities,
            enrol: Vec::new(),
        });
    }
    enrol(scenario, &mut plan, 0);
    Ok(plan)
}

/// Has every operator open the capabilities it serves from `epoch` on.
pub(super) fn enrol(scenario: &Scenario, plan: &mut Plan, epoch: u32) -> bool {
    let mut any = false;
    for (index, operator) in plan.operators.iter_mut().enumerate() {
        let own = scenario.capabilities.iter().filter(|capability| capability.operator == index);
        let places = own.enumerate().filter(|(_, capability)| capability.from_epoch == epoch).map(|(place, _)| place);
        let before = operator.enrol.len();
        operator.enrol.extend(places);
        any |= operator.enrol.len() > before;
    }
    any
}

fn address(key: &Keypair) -> solana_program::pubkey::Pubkey {
    solana_keypair::Signer::pubkey(key)
}

fn workload(spec: &WorkloadSpec) -> WorkloadPlan {
    WorkloadPlan {
        weight: spec.weight,
        requirements: Requirements {
            model: model(spec),
            descriptor_hash: derive("descriptor", &[format!("{spec:?}").as_bytes()]),
            min_capacity_milli: 1,
            latency_ms: spec.latency_objective_ms,
            size_class: spec.size_class as u16,
            hardware_class: spec.hardware_class,
            region: ANY_REGION,
            verification_mode: VERIFICATION_MODE,
        },
    }
}

fn model(spec: &WorkloadSpec) -> [u8; 32] {
    derive("model", &[spec.model.as_bytes()])
}

/// The leaves an operator commits to, in the order of the scenario.
fn capabilities(scenario: &Scenario, operator: usize, plan: &Plan) -> Result<Vec<Capability>, NetworkError> {
    let own = scenario.capabilities.iter().filter(|capability| capability.operator == operator);
    own.map(|capability| {
        let spec = scenario.workloads.get(capability.workload).ok_or(NetworkError::Scenario)?;
        Ok(Capability {
            workload: plan.workload(capability.workload).to_bytes(),
            model: model(spec),
            hardware_class: spec.hardware_class,
            verification_mode: VERIFICATION_MODE,
            region: ANY_REGION,
            latency_ms: spec.latency_objective_ms,
            capacity_milli: capability.throughput_milli,
            salt: derive("salt", &[&(operator as u64).to_le_bytes(), &(capability.workload as u64).to_le_bytes()]),
        })
    })
    .collect()
}
