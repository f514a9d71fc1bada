//! Running the steps on a real cluster, and seeing beforehand what they would do.

use crate::file::Prepared;
use crate::{STEPS, m0000_deploy, m0000_wallets};
use coverage_client::ClientError;
use coverage_client::chain::{AccountData, Chain};
use coverage_client::program::ID;
use coverage_client::rpc::{Blocking, Rpc, Sender};
use solana_keypair::{Keypair, Signer};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_system_interface::instruction::transfer;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// The address whose keypair is in this repository, for everybody to read.
pub const PUBLIC_ID: Pubkey = Pubkey::from_str_const("FaPWMyTf9zNMGNC9bH2SeTDfQvXqUiTEr3xzdB6r7S4x");

/// What the payer should have on a local cluster, and what it gives every operator's wallet, in lamports.
const PAYER_LAMPORTS: u64 = 500_000_000_000;
const WALLET_LAMPORTS: u64 = 1_000_000_000;
/// How long an airdrop may take.
const AIRDROP_LOOKS: u32 = 100;
const LOOK: Duration = Duration::from_millis(200);

/// Which kind of cluster the steps run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One's own: lamports are for the asking, and a program's key may be public.
    Local,
    /// One that others use as well.
    Shared,
}

/// Why the steps cannot run.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// The cluster, or what goes to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// The program's keypair is of another address than the program was compiled for.
    #[error(
        "the program's keypair is of {given}, but the program was compiled for {ID}: put {given} into declare_id! in \
         programs/coverage-settlement/src/lib.rs and into Anchor.toml, and build it again with `cargo xtask build-sbf`"
    )]
    WrongProgramKey {
        /// The keypair's address.
        given: Pubkey,
    },
    /// The program is not there, and nobody has the key of its address.
    #[error(
        "the program is not deployed at {ID}: give the plan the keypair of that address ([program] keypair = \"…\")"
    )]
    NoProgramKey,
    /// Whoever reads the repository could have deployed there first.
    #[error(
        "the keypair of {ID} is public: make your own with `solana-keygen new -o program.json`, put its address into \
         declare_id! in programs/coverage-settlement/src/lib.rs and into Anchor.toml, build with `cargo xtask build-sbf`, \
         and name the file in the plan ([program] keypair = \"program.json\")"
    )]
    PublicProgramKey,
}

/// What a step did, or would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Sent so many transactions.
    Sent(usize),
    /// Would send so many transactions.
    Missing(usize),
    /// Cannot tell before the steps above are done.
    Waits,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: &usize| if *count == 1 { "transaction" } else { "transactions" };
        match self {
            Self::Sent(0) => f.write_str("nothing to do"),
            Self::Sent(count) => write!(f, "done in {count} {}", plural(count)),
            Self::Missing(0) => f.write_str("nothing to do"),
            Self::Missing(count) => write!(f, "{count} {} to send", plural(count)),
            Self::Waits => f.write_str("waits for the steps above"),
        }
    }
}

/// Who sends a plan's transactions: the payer, with all who must sign.
#[must_use]
pub fn sender(rpc: Rpc, payer: Arc<Keypair>, prepared: &Prepared) -> Sender {
    let sender = Sender::new(rpc, payer).with_signer(prepared.mint.clone());
    let keys = prepared.wallets.iter().chain(&prepared.program_key);
    keys.fold(sender, |sender, key| sender.with_signer(key.clone()))
}

/// Runs all steps on a cluster, or with `dry_run` only looks; `progress` is told of each.
///
/// # Errors
/// The first step that fails, with everything before it done: run it again when the reason is gone.
pub fn migrate(
    sender: Sender,
    prepared: &mut Prepared,
    kind: Kind,
    dry_run: bool,
    mut progress: impl FnMut(&str, Done),
) -> Result<(), MigrateError> {
    let mut chain = Blocking::new(sender).map_err(MigrateError::Thread)?;
    if kind == Kind::Local && !dry_run {
        let funded = fund(&mut chain, prepared)?;
        progress("0000 fund the payer and the wallets", Done::Sent(funded));
    }
    if let Some(bytes) = &prepared.program {
        let done = deploy(&chain, prepared, bytes, kind, dry_run)?;
        progress("0000 deploy the program", done);
    }
    // Only now: deploying took its time.
    prepared.plan.genesis_ts = chain.now()?.saturating_add(i64::from(prepared.genesis_in_seconds));
    let prepared = &*prepared;
    let rent =
        chain.wait(chain.sender().rpc().client().get_minimum_balance_for_rent_exemption(m0000_wallets::RENT_BYTES));
    let rent = rent.map_err(|error| unanswered(&error))?;
    let mut run = |name: &str, step: &dyn Fn(&mut dyn Chain) -> Result<usize, ClientError>| {
        let done = if dry_run { preview(&mut chain, step)? } else { Done::Sent(step(&mut chain)?) };
        progress(name, done);
        Ok::<(), MigrateError>(())
    };
    run("0000 create the mint and what is paid from it", &|chain| m0000_wallets::run(chain, prepared, rent))?;
    for (name, step) in STEPS {
        run(name, &|chain| step(chain, &prepared.plan))?;
    }
    Ok(())
}

fn deploy(
    chain: &Blocking,
    prepared: &Prepared,
    bytes: &[u8],
    kind: Kind,
    dry_run: bool,
) -> Result<Done, MigrateError> {
    // What is there already may be somebody else's to upgrade.
    if kind == Kind::Shared && ID == PUBLIC_ID {
        return Err(MigrateError::PublicProgramKey);
    }
    let rpc = chain.sender().rpc();
    if chain.wait(m0000_deploy::is_deployed(rpc, &ID, bytes))? {
        return Ok(Done::Sent(0));
    }
    if chain.wait(rpc.account(&ID))?.is_none() {
        let key = prepared.program_key.as_ref().ok_or(MigrateError::NoProgramKey)?;
        let given = key.pubkey();
        if given != ID {
            return Err(MigrateError::WrongProgramKey { given });
        }
    }
    if dry_run {
        return Ok(Done::Missing(m0000_deploy::transactions(bytes)));
    }
    Ok(Done::Sent(chain.wait(m0000_deploy::run(chain.sender(), &ID, bytes))?))
}

/// Gives the payer and the operators' wallets lamports to spend; returns how many transactions that took.
fn fund(chain: &mut Blocking, prepared: &Prepared) -> Result<usize, MigrateError> {
    let payer = chain.payer();
    let mut sent = 0usize;
    if lamports(chain, &payer)? < PAYER_LAMPORTS / 2 {
        let client = chain.sender().rpc().client();
        let asked = chain.wait(client.request_airdrop(&payer, PAYER_LAMPORTS));
        asked.map_err(|error| unanswered(&error))?;
        sent = 1;
        let mut looks = 0;
        while lamports(chain, &payer)? < PAYER_LAMPORTS / 2 {
            looks += 1;
            if looks == AIRDROP_LOOKS {
                return Err(unanswered(&"the airdrop has not come").into());
            }
            std::thread::sleep(LOOK);
        }
    }
    for wallet in &prepared.wallets {
        let missing = WALLET_LAMPORTS.saturating_sub(lamports(chain, &wallet.pubkey())?);
        if missing > WALLET_LAMPORTS / 2 {
            chain.send("funding a wallet", &[transfer(&payer, &wallet.pubkey(), missing)])?;
            sent = sent.saturating_add(1);
        }
    }
    Ok(sent)
}

fn lamports(chain: &mut Blocking, address: &Pubkey) -> Result<u64, ClientError> {
    Ok(chain.account(address)?.map_or(0, |account| account.lamports))
}

fn unanswered(reason: &impl fmt::Display) -> ClientError {
    ClientError::Rpc { action: "preparing the migrations", reason: reason.to_string() }
}

/// What a step would do to the chain as it is.
fn preview(
    chain: &mut dyn Chain,
    step: &dyn Fn(&mut dyn Chain) -> Result<usize, ClientError>,
) -> Result<Done, ClientError> {
    let mut preview = Preview { chain };
    match step(&mut preview) {
        Ok(transactions) => Ok(Done::Missing(transactions)),
        // It looks at what an earlier step has yet to make.
        Err(ClientError::Missing(_)) => Ok(Done::Waits),
        Err(error) => Err(error),
    }
}

/// A chain that is only looked at.
struct Preview<'a> {
    chain: &'a mut dyn Chain,
}

impl Chain for Preview<'_> {
    fn payer(&self) -> Pubkey {
        self.chain.payer()
    }

    fn account(&mut self, address: &Pubkey) -> Result<Option<AccountData>, ClientError> {
        self.chain.account(address)
    }

    fn now(&mut self) -> Result<i64, ClientError> {
        self.chain.now()
    }

    fn send(&mut self, _action: &str, _instructions: &[Instruction]) -> Result<u64, ClientError> {
        Ok(0)
    }
}
