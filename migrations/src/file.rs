//! A plan as a file: what network there should be, in TOML, and the keypair files beside it.
//!
//! Paths are relative to the file. Where something is named by its text (a model, a description), its SHA-256 goes on-chain.

use crate::{OperatorPlan, Plan, WorkloadPlan};
use coverage_client::math::hash::{Hash, Sha256, Software};
use coverage_client::math::receipt::Capability;
use coverage_client::math::semivalue::Rule;
use coverage_client::pda::{self, Token};
use coverage_settlement::state::{Config, Requirements};
use ed25519_dalek::SigningKey;
use serde::Deserialize;
use solana_keypair::{Keypair, Signer, read_keypair_file};
use solana_program::pubkey::Pubkey;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// Why a plan cannot be used.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The file is not a plan.
    #[error("{}: {reason}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A value makes no sense.
    #[error("the plan's {what} is \"{value}\", which is {problem}")]
    Value {
        /// Where it stands.
        what: &'static str,
        /// What stands there.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// What a plan file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// The network's id.
    pub network: u64,
    /// Who may pause phases; the payer, if nobody is named.
    pub guardian: Option<String>,
    /// How long after the network's creation its first epoch begins, in seconds.
    #[serde(default = "a_minute")]
    pub genesis_in_seconds: u32,
    /// Token units the treasury should have at the start.
    pub treasury_units: u64,
    /// The program.
    #[serde(default)]
    pub program: ProgramFile,
    /// What the network pays in.
    pub token: TokenFile,
    /// The network's configuration.
    pub config: ConfigFile,
    /// Its attesters.
    pub attesters: Vec<AttesterFile>,
    /// Its workloads; the id is the place in the list, from 0.
    pub workloads: Vec<WorkloadFile>,
    /// Operators to register.
    #[serde(default)]
    pub operators: Vec<OperatorFile>,
}

/// The program to deploy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramFile {
    /// The compiled program; without it, none is deployed.
    pub so: Option<PathBuf>,
    /// The keypair of the address that `declare_id!` names: needed where the program is not there yet.
    pub keypair: Option<PathBuf>,
}

/// What a network pays in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// The keypair of the mint, which is created if missing, with the payer as its authority.
    pub keypair: PathBuf,
    /// Its decimals, if it is to be created.
    #[serde(default = "six")]
    pub decimals: u8,
}

/// See [`Config`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each field is that of `Config`, which says what it means")]
pub struct ConfigFile {
    pub epoch_seconds: u64,
    pub grace_seconds: u64,
    pub challenge_seconds: u64,
    pub delay_seconds: u64,
    pub emission: u64,
    pub min_operator_bond: u64,
    pub min_attester_bond: u64,
    #[serde(default = "z_milli")]
    pub z_milli: u32,
    #[serde(default = "breach_bps")]
    pub breach_bps: u16,
    #[serde(default = "half_bps")]
    pub slash_bps: u16,
    #[serde(default = "two_thirds_bps")]
    pub quorum_bps: u16,
    #[serde(default = "carry_cap_epochs")]
    pub carry_cap_epochs: u16,
    #[serde(default = "quarter_bps")]
    pub challenger_bps: u16,
    /// `shapley`, `banzhaf` or `last-in`.
    #[serde(default = "shapley")]
    pub rule: String,
}

/// An attester.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttesterFile {
    /// Its keypair: it signs the operators' failure domains.
    pub keypair: PathBuf,
    /// Its weight.
    #[serde(default = "one")]
    pub weight: u64,
}

/// A workload.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkloadFile {
    /// The model's name.
    pub model: String,
    /// The public description of the class.
    pub description: String,
    /// Its weight.
    #[serde(default = "one")]
    pub weight: u64,
    /// Latency objective in milliseconds.
    pub latency_ms: u32,
    /// Smallest capacity worth enrolling, in thousandths.
    #[serde(default = "one")]
    pub min_capacity_milli: u64,
    /// Size class, as the network numbers them.
    #[serde(default)]
    pub size_class: u16,
    /// Hardware class, as the network numbers them.
    #[serde(default)]
    pub hardware_class: u16,
    /// Region, as the network numbers them; 0 for anywhere.
    #[serde(default)]
    pub region: u16,
    /// Verification mode, as the network numbers them.
    #[serde(default)]
    pub verification_mode: u8,
}

/// An operator.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorFile {
    /// Its wallet's keypair.
    pub keypair: PathBuf,
    /// Owner of the account it is paid to; the wallet, if nobody is named.
    pub payout: Option<String>,
    /// Its bond in token units.
    pub bond_units: u64,
    /// Its failure domain; 0 for none.
    #[serde(default)]
    pub domain: u32,
    /// The workloads it commits to and enrols in.
    pub workloads: Vec<usize>,
    /// The capacity it commits to in each, in thousandths.
    #[serde(default = "one")]
    pub capacity_milli: u64,
}

fn a_minute() -> u32 {
    60
}
fn one() -> u64 {
    1
}
fn six() -> u8 {
    6
}
fn z_milli() -> u32 {
    1_645
}
fn breach_bps() -> u16 {
    200
}
fn half_bps() -> u16 {
    5_000
}
fn quarter_bps() -> u16 {
    2_500
}
fn two_thirds_bps() -> u16 {
    6_667
}
fn carry_cap_epochs() -> u16 {
    4
}
fn shapley() -> String {
    "shapley".to_owned()
}

/// A plan with everything its file named.
pub struct Prepared {
    /// What there should be. Its genesis is set when the network is about to be created.
    pub plan: Plan,
    /// How long after its creation the network's first epoch begins, in seconds.
    pub genesis_in_seconds: u32,
    /// The mint's keypair.
    pub mint: Arc<Keypair>,
    /// The mint's decimals.
    pub decimals: u8,
    /// The operators' wallets.
    pub wallets: Vec<Arc<Keypair>>,
    /// The program's bytes, if it is to be deployed.
    pub program: Option<Vec<u8>>,
    /// The program's own keypair, if there is one.
    pub program_key: Option<Arc<Keypair>>,
}

impl PlanFile {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`PlanError`] if it cannot be read, or says something there is no field for.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let path = path.to_path_buf();
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).map_err(|error| PlanError::Parse { path, reason: error.to_string() }),
            Err(error) => Err(PlanError::Read { path, reason: error.to_string() }),
        }
    }

    /// Reads the files it names, which are relative to `folder`; `payer` stands in for whom it does not name.
    ///
    /// # Errors
    /// [`PlanError`] if one of them cannot be read, or a value makes no sense.
    pub fn prepare(&self, folder: &Path, payer: Pubkey) -> Result<Prepared, PlanError> {
        let mint = keypair(folder, &self.token.keypair)?;
        let program = self.program.so.as_ref().map(|so| bytes(&folder.join(so))).transpose()?;
        let program_key = self.program.keypair.as_ref().map(|path| keypair(folder, path)).transpose()?;
        let mut plan = Plan {
            network_id: self.network,
            token: Token { mint: mint.pubkey(), program: pda::TOKEN_PROGRAM },
            guardian: self.guardian.as_deref().map_or(Ok(payer), |guardian| address("guardian", guardian))?,
            genesis_ts: 0,
            config: self.config.config()?,
            attesters: Vec::new(),
            workloads: self.workloads.iter().map(WorkloadFile::plan).collect(),
            treasury_units: self.treasury_units,
            operators: Vec::new(),
        };
        for attester in &self.attesters {
            let key = keypair(folder, &attester.keypair)?;
            plan.attesters.push((SigningKey::from_bytes(key.secret_bytes()), attester.weight));
        }
        let mut wallets = Vec::new();
        for operator in &self.operators {
            let wallet = keypair(folder, &operator.keypair)?;
            let planned = self.operator(operator, &wallet, &plan)?;
            plan.operators.push(planned);
            wallets.push(wallet);
        }
        Ok(Prepared {
            plan,
            genesis_in_seconds: self.genesis_in_seconds,
            mint,
            decimals: self.token.decimals,
            wallets,
            program,
            program_key,
        })
    }

    fn operator(&self, file: &OperatorFile, wallet: &Keypair, plan: &Plan) -> Result<OperatorPlan, PlanError> {
        let capability = |number: &usize| {
            let bad = || value("operator's workload", number, "not the place of a workload in the list, from 0");
            let workload = self.workloads.get(*number).ok_or_else(bad)?;
            let at = plan.workload(*number).to_bytes();
            Ok(Capability {
                workload: at,
                model: hash(&workload.model),
                hardware_class: workload.hardware_class,
                verification_mode: workload.verification_mode,
                region: workload.region,
                latency_ms: workload.latency_ms,
                capacity_milli: file.capacity_milli.max(workload.min_capacity_milli),
                // Known to the operator alone, and the same in every run.
                salt: Software::hash(&[b"coverage capability salt", wallet.secret_bytes(), &at]),
            })
        };
        let capabilities = file.workloads.iter().map(capability).collect::<Result<Vec<_>, PlanError>>()?;
        let payout =
            file.payout.as_deref().map_or(Ok(wallet.pubkey()), |payout| address("operator's payout", payout))?;
        Ok(OperatorPlan {
            wallet: wallet.pubkey(),
            payout,
            bond_units: file.bond_units,
            domain: file.domain,
            enrol: (0..capabilities.len()).collect(),
            capabilities,
        })
    }
}

impl ConfigFile {
    fn config(&self) -> Result<Config, PlanError> {
        let rule = match self.rule.as_str() {
            "shapley" => Rule::Shapley,
            "banzhaf" => Rule::Banzhaf,
            "last-in" => Rule::LastIn,
            other => return Err(value("rule", &other, "neither shapley, nor banzhaf, nor last-in")),
        };
        Ok(Config {
            epoch_seconds: self.epoch_seconds,
            grace_seconds: self.grace_seconds,
            challenge_seconds: self.challenge_seconds,
            delay_seconds: self.delay_seconds,
            emission: self.emission,
            min_operator_bond: self.min_operator_bond,
            min_attester_bond: self.min_attester_bond,
            z_milli: self.z_milli,
            breach_bps: self.breach_bps,
            slash_bps: self.slash_bps,
            quorum_bps: self.quorum_bps,
            carry_cap_epochs: self.carry_cap_epochs,
            challenger_bps: self.challenger_bps,
            rule: rule as u8,
            reserved: 0,
        })
    }
}

impl WorkloadFile {
    fn plan(&self) -> WorkloadPlan {
        WorkloadPlan {
            weight: self.weight,
            requirements: Requirements {
                model: hash(&self.model),
                descriptor_hash: hash(&self.description),
                min_capacity_milli: self.min_capacity_milli,
                latency_ms: self.latency_ms,
                size_class: self.size_class,
                hardware_class: self.hardware_class,
                region: self.region,
                verification_mode: self.verification_mode,
            },
        }
    }
}

fn hash(text: &str) -> Hash {
    Software::hash(&[text.as_bytes()])
}

fn value(what: &'static str, value: &impl ToString, problem: &'static str) -> PlanError {
    PlanError::Value { what, value: value.to_string(), problem }
}

fn address(what: &'static str, text: &str) -> Result<Pubkey, PlanError> {
    text.parse().map_err(|_| value(what, &text, "not an address in base58"))
}

fn bytes(path: &Path) -> Result<Vec<u8>, PlanError> {
    std::fs::read(path).map_err(|error| PlanError::Read { path: path.to_path_buf(), reason: error.to_string() })
}

fn keypair(folder: &Path, path: &Path) -> Result<Arc<Keypair>, PlanError> {
    let path = folder.join(path);
    let key = read_keypair_file(&path).map_err(|error| error.to_string());
    key.map(Arc::new).map_err(|reason| PlanError::Read { path, reason })
}
