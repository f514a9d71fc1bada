//! A whole cluster in the process: the compiled `.so`, real signatures, real token programs, a clock one can set.
//!
//! [`Embedded`] is the cluster itself, for those who hold it; [`rpc`] is the same behind Solana's JSON-RPC, for those who talk
//! to it as to any other.

pub mod rpc;

use crate::chain::{AccountData, Chain};
use crate::pda::Token;
use crate::rpc::features;
use crate::{ClientError, pda, token};
use coverage_settlement::ID;
use litesvm::LiteSVM;
use litesvm::types::TransactionMetadata;
use solana_account::Account;
use solana_clock::Clock;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_keypair::Keypair;
use solana_program::instruction::Instruction;
use solana_program::program_pack::Pack;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use solana_transaction::Transaction;
use solana_transaction::versioned::VersionedTransaction;
use spl_token_interface::state::{Account as TokenAccount, Mint};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The instruction that asks for [`COMPUTE_LIMIT`](crate::instructions::COMPUTE_LIMIT), the most a cluster gives.
#[must_use]
pub fn compute_limit() -> Instruction {
    ComputeBudgetInstruction::set_compute_unit_limit(crate::instructions::COMPUTE_LIMIT)
}

/// Where the compiled program is: `COVERAGE_SO`, or `deploy/coverage_settlement.so` in the target folder.
#[must_use]
pub fn program_file() -> PathBuf {
    if let Some(path) = std::env::var_os("COVERAGE_SO") {
        return path.into();
    }
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target")), PathBuf::from);
    target.join("deploy/coverage_settlement.so")
}

/// What every signer gets: a hundred SOL, enough for any account there is.
const LAMPORTS: u64 = 100_000_000_000;

/// The most bytes of a transaction that a cluster takes.
const PACKET_BYTES: usize = 1_232;

/// Owns the accounts that say which features are active.
const FEATURE_PROGRAM: Pubkey = Pubkey::from_str_const("Feature111111111111111111111111111111111111");

/// The embedded cluster, with its signers.
pub struct Embedded {
    /// The VM.
    pub svm: LiteSVM,
    payer: Pubkey,
    signers: BTreeMap<Pubkey, Keypair>,
}

impl Embedded {
    /// A cluster with the compiled program, a payer with plenty of lamports, and the clock at `now` (unix seconds).
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the program has not been built.
    pub fn new(now: i64) -> Result<Self, ClientError> {
        let path = program_file();
        let mut svm = LiteSVM::new().with_transaction_history(0).with_log_bytes_limit(Some(100_000));
        svm.add_program_from_file(ID, &path).map_err(|error| {
            let reason = format!("{error}; build it with `cargo xtask build-sbf`");
            ClientError::refused(format!("loading {}", path.display()), reason)
        })?;
        let mut cluster = Self { svm, payer: Pubkey::default(), signers: BTreeMap::new() };
        cluster.payer = cluster.add_signer(Keypair::new_from_array([1; 32]));
        cluster.set_time(now);
        cluster.activate(features::SBPF_V3);
        Ok(cluster)
    }

    /// Adds a signer, with lamports to spend; returns its address.
    pub fn add_signer(&mut self, key: Keypair) -> Pubkey {
        let address = key.pubkey();
        // The VM's faucet runs dry after some ten thousand of these; who got nothing shows in the next transaction.
        let _ = self.svm.airdrop(&address, LAMPORTS);
        self.signers.insert(address, key);
        address
    }

    /// Has the cluster say that one of its [`features`] is active. The VM has all of them; what reads the cluster goes by this.
    pub fn activate(&mut self, feature: Pubkey) {
        let data = [[1].as_slice(), &self.svm.get_sysvar::<Clock>().slot.to_le_bytes()].concat();
        let lamports = self.svm.minimum_balance_for_rent_exemption(data.len());
        let account = Account { lamports, data, owner: FEATURE_PROGRAM, ..Account::default() };
        // The VM refuses only sysvars it cannot read.
        let _ = self.svm.set_account(feature, account);
    }

    /// Sets the clock, in unix seconds.
    pub fn set_time(&mut self, now: i64) {
        let mut clock: Clock = self.svm.get_sysvar();
        clock.unix_timestamp = now;
        self.svm.set_sysvar(&clock);
    }

    /// Sends instructions as they are, paid and signed by whoever they name (and the payer); returns what the VM says.
    ///
    /// # Errors
    /// The VM's error, with its logs.
    #[expect(clippy::result_large_err, reason = "the VM's own error type")]
    pub fn try_send(
        &mut self,
        instructions: &[Instruction],
    ) -> Result<TransactionMetadata, litesvm::types::FailedTransactionMetadata> {
        self.svm.expire_blockhash();
        let mut transaction = Transaction::new_with_payer(instructions, Some(&self.payer));
        let count = usize::from(transaction.message.header.num_required_signatures);
        let needed = transaction.message.account_keys.iter().take(count);
        let keys: Vec<&Keypair> = needed.filter_map(|address| self.signers.get(address)).collect();
        transaction.partial_sign(&keys, self.svm.latest_blockhash());
        self.svm.send_transaction(VersionedTransaction::from(transaction))
    }

    /// Creates a mint of SPL Token with `decimals`, with the payer as its authority.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the cluster's reason.
    pub fn create_mint(&mut self, key: Keypair, decimals: u8) -> Result<Token, ClientError> {
        let token = Token { mint: key.pubkey(), program: pda::TOKEN_PROGRAM };
        self.sign_with(key); // without lamports: the mint is created from nothing
        let rent = self.svm.minimum_balance_for_rent_exemption(Mint::LEN);
        self.send("creating the mint", &token::create_mint(&self.payer, &token, rent, decimals)?)?;
        Ok(token)
    }

    /// Adds a signer without lamports.
    pub fn sign_with(&mut self, key: Keypair) {
        self.signers.insert(key.pubkey(), key);
    }

    /// Mints tokens to a wallet's associated token account, which is created if missing; returns that account.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the cluster's reason.
    pub fn mint_to(&mut self, token: &Token, wallet: &Pubkey, amount_units: u64) -> Result<Pubkey, ClientError> {
        self.send("minting", &token::mint_to(&self.payer, token, wallet, amount_units)?)?;
        Ok(pda::token_account(wallet, token))
    }

    /// Tokens of an account, in units; 0 if there is none.
    #[must_use]
    pub fn tokens(&self, account: &Pubkey) -> u64 {
        let account = self.svm.get_account(account);
        // Extensions of Token-2022 come behind what both programs have.
        let base = account.as_ref().and_then(|account| account.data.get(..TokenAccount::LEN));
        base.and_then(|base| TokenAccount::unpack(base).ok()).map_or(0, |account| account.amount)
    }
}

impl Chain for Embedded {
    fn payer(&self) -> Pubkey {
        self.payer
    }

    fn account(&mut self, address: &Pubkey) -> Result<Option<AccountData>, ClientError> {
        let account = self.svm.get_account(address).filter(|account| account.lamports > 0);
        Ok(account.map(|account| AccountData { lamports: account.lamports, owner: account.owner, data: account.data }))
    }

    fn now(&mut self) -> Result<i64, ClientError> {
        Ok(self.svm.get_sysvar::<Clock>().unix_timestamp)
    }

    fn send(&mut self, action: &str, instructions: &[Instruction]) -> Result<u64, ClientError> {
        // The limit goes to the end: `endorse` names its Ed25519 instruction by index.
        let all = [instructions, &[compute_limit()]].concat();
        // The VM would take a transaction of any size, a cluster would not.
        let transaction = Transaction::new_with_payer(&all, Some(&self.payer));
        let signatures = usize::from(transaction.message.header.num_required_signatures).saturating_mul(64);
        let bytes = transaction.message_data().len().saturating_add(signatures).saturating_add(1);
        if bytes > PACKET_BYTES {
            return Err(ClientError::TooLarge { action: action.to_owned(), bytes, most: PACKET_BYTES });
        }
        match self.try_send(&all) {
            Ok(done) => Ok(done.compute_units_consumed),
            Err(failed) => {
                let keys = &transaction.message.account_keys;
                Err(ClientError::transaction(action, keys, &failed.err, failed.meta.logs))
            }
        }
    }
}
