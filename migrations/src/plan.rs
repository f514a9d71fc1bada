use coverage_client::capabilities::CapabilityTree;
use coverage_client::math::receipt::Capability;
use coverage_client::pda::Token;
use coverage_client::{ClientError, pda};
use coverage_settlement::state::{Config, Requirements};
use ed25519_dalek::SigningKey;
use solana_program::pubkey::Pubkey;

/// The network that should exist.
pub struct Plan {
    /// Its id.
    pub network_id: u64,
    /// What it pays in.
    pub token: Token,
    /// May pause phases.
    pub guardian: Pubkey,
    /// Start of epoch 0, in unix seconds.
    pub genesis_ts: i64,
    /// Its configuration.
    pub config: Config,
    /// Its attesters, with their weights. They also sign the failure domains.
    pub attesters: Vec<(SigningKey, u64)>,
    /// Its workloads; the id is the place in the list.
    pub workloads: Vec<WorkloadPlan>,
    /// Token units the treasury should have at the start; they come from the payer's associated token account, and so do the
    /// attesters' bonds.
    pub treasury_units: u64,
    /// Its operators.
    pub operators: Vec<OperatorPlan>,
}

/// A workload that should exist.
pub struct WorkloadPlan {
    /// Its weight.
    pub weight: u64,
    /// What it needs.
    pub requirements: Requirements,
}

/// An operator that should exist. The chain must be able to sign for its wallet.
pub struct OperatorPlan {
    /// Signs for it; its bond comes from this wallet's associated token account.
    pub wallet: Pubkey,
    /// Owner of the account it is paid to.
    pub payout: Pubkey,
    /// Its bond in token units.
    pub bond_units: u64,
    /// Its failure domain; 0 for none.
    pub domain: u32,
    /// What it commits to. At least one.
    pub capabilities: Vec<Capability>,
    /// Which of them it opens now: places in the list above.
    pub enrol: Vec<usize>,
}

impl Plan {
    /// The network's address.
    #[must_use]
    pub fn network(&self) -> Pubkey {
        pda::network(self.network_id)
    }

    /// The address of workload number `index`.
    #[must_use]
    pub fn workload(&self, index: usize) -> Pubkey {
        pda::workload(&self.network(), index as u64)
    }

    /// The address of an operator.
    #[must_use]
    pub fn operator(&self, operator: &OperatorPlan) -> Pubkey {
        pda::operator(&self.network(), &operator.wallet)
    }

    /// An operator's capability tree.
    ///
    /// # Errors
    /// [`ClientError::BadCapabilities`] if it has none.
    pub fn capability_tree(&self, operator: &OperatorPlan) -> Result<CapabilityTree, ClientError> {
        CapabilityTree::new(&self.network(), operator.capabilities.clone())
    }
}
