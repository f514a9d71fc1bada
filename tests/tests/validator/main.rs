//! The whole system against a real validator: migrations deploy and create, five attester processes agree on batches, a keeper
//! process opens, seals, settles and pays; one attester is killed, and everybody's line to the validator cut. Then the audit
//! is clean and every token is accounted for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod attesters;
mod documents;
mod processes;
mod proxy;

use attesters::Attesters;
use covctl::localnet::{Demo, Validator, ValidatorSettings, find_validator, write_demo};
use coverage_client::pda;
use coverage_client::rpc::{Rpc, Snapshot};
use ed25519_dalek::SigningKey;
use proxy::Proxy;
use solana_keypair::{Keypair, Signer, read_keypair_file};
use solana_program::pubkey::Pubkey;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Child;
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

/// The suite fails rather than hangs.
const DEADLINE: Duration = Duration::from_secs(400);
const READING: Duration = Duration::from_secs(480);
const EPOCHS: u64 = 3;
const DEMO: Demo = Demo { epoch_seconds: 30, attesters: 5, operators: 3, genesis_in_seconds: 40 };
/// The epoch in which an attester is killed, and that in which the line to the validator is cut.
const KILLED: u64 = 1;
const CUT: u64 = 2;
const LOOK: Duration = Duration::from_millis(300);

/// What of each cell was settled: by workload and epoch, the outcomes counted and what was paid.
type Settled = BTreeMap<(u64, u64), ([u64; 7], u64)>;

/// Everything that runs.
struct Scene {
    folder: PathBuf,
    validator: Validator,
    proxy: Proxy,
    network: Pubkey,
    rpc: Rpc,
}

/// Whether there is a validator to test against; says so loudly if not. Builds what the suite runs.
async fn prepared() -> bool {
    if find_validator().is_none() {
        eprintln!(
            "\n*** SKIPPED: solana-test-validator is not installed, so nothing was tested against a real validator.\n\
             *** Install it with `cargo xtask setup --validator` (half an hour, once), and run this again.\n"
        );
        return false;
    }
    processes::build().await;
    true
}

/// A validator takes most of a core: one test at a time.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn a_network_lives_through_kills_and_cuts_on_a_real_validator() {
    let _alone = ALONE.lock().await;
    if prepared().await {
        within(DEADLINE, live).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_documents_works() {
    let _alone = ALONE.lock().await;
    if prepared().await {
        within(READING, documents::follow).await;
    }
}

/// Runs a test in a folder, which is kept if it takes too long.
async fn within(deadline: Duration, test: impl AsyncFnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    if timeout(deadline, test(folder.path())).await.is_err() {
        let kept = folder.keep();
        panic!("not done after {} s; logs are in {}", deadline.as_secs(), kept.display());
    }
}

async fn live(folder: &Path) {
    let scene = Scene::set(folder).await;
    let mut attesters = Attesters::start(&scene).await;
    let mut keeper = scene.keeper();
    let reporter = SigningKey::from_bytes(scene.keypair("reporter").secret_bytes());
    let mut settled = Settled::new();
    let mut expected: BTreeMap<(u64, u64), [u64; 7]> = BTreeMap::new();
    for epoch in 0..EPOCHS {
        scene.wait(&mut settled, |snapshot| snapshot.epochs.contains_key(&epoch)).await;
        let snapshot = scene.snapshot().await;
        if epoch == KILLED {
            attesters.kill(2).await;
        }
        for (id, state) in &snapshot.workloads {
            let receipts = attesters::receipts(&snapshot, state, epoch, &reporter);
            expected.insert((*id, epoch), attesters::counts(&receipts));
            attesters.post(&receipts).await;
        }
        if epoch == CUT {
            sleep(Duration::from_secs(1)).await;
            scene.proxy.cut();
            sleep(Duration::from_secs(4)).await;
            scene.proxy.mend();
            assert!(scene.proxy.broken() > 0, "somebody was talking to the validator");
        }
        if epoch == KILLED {
            sleep(Duration::from_secs(3)).await;
            attesters.restart(2, &scene).await;
        }
    }
    let last = EPOCHS - 1;
    scene.wait(&mut settled, |snapshot| cells(snapshot).all(|cell| cell.epoch > last)).await;
    let owed = |snapshot: &Snapshot| cells(snapshot).map(|cell| cell.earned).sum::<u64>();
    scene.wait(&mut settled, |snapshot| owed(snapshot) == 0).await;
    attesters.stop().await;
    processes::signal(&keeper, "TERM").await;
    assert!(keeper.wait().await.unwrap().success(), "the keeper ends well when it is told to");
    scene.check(&settled, &expected).await;
    scene.validator.stop().await;
}

fn cells(snapshot: &Snapshot) -> impl Iterator<Item = &coverage_settlement::state::Cell> {
    snapshot.workloads.values().filter_map(|state| state.cell.as_ref())
}

impl Scene {
    /// A validator, the program deployed to it by the migrations, and the network.
    async fn set(folder: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let so = coverage_client::embedded::program_file();
        let key = root.join("programs/coverage-settlement/localnet-keypair.json");
        let plan = write_demo(folder, DEMO, Some((so.as_path(), key.as_path()))).unwrap();
        let settings =
            ValidatorSettings { ledger: folder.join("ledger"), reset: true, rpc_port: 0, programs: Vec::new() };
        let validator = Validator::start(&settings).await.unwrap();
        let migrate = || {
            let mut command = processes::command("coverage-migrate");
            command.arg("localnet").arg(&plan).args(["--url", &validator.url(), "--keypair"]);
            command.arg(folder.join("authority.json"));
            command
        };
        let (code, said) = processes::run(&mut migrate()).await;
        assert_eq!(code, 0, "{said}");
        let deployed = coverage_migrations::m0000_deploy::transactions(&std::fs::read(&so).unwrap());
        assert!(said.contains(&format!("0000 deploy the program: done in {deployed} transactions\n")), "{said}");
        let (code, again) = processes::run(&mut migrate()).await;
        assert_eq!(code, 0, "{again}");
        assert_eq!(again.matches(": nothing to do\n").count(), 11, "a second run finds nothing missing:\n{again}");
        let proxy = Proxy::to(validator.port()).await;
        let rpc = Rpc::new(validator.url());
        Self { folder: folder.to_path_buf(), validator, proxy, network: pda::network(1), rpc }
    }

    fn key(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn keypair(&self, name: &str) -> Keypair {
        read_keypair_file(self.key(name)).unwrap()
    }

    async fn snapshot(&self) -> Snapshot {
        Snapshot::fetch(&self.rpc, &self.network).await.unwrap()
    }

    fn keeper(&self) -> Child {
        let mut command = processes::command("covctl");
        command.args(["--url", &self.proxy.url(), "--network", "1", "--keypair"]).arg(self.key("authority"));
        command.args(["keeper", "--stagger", "300", "--poll", "3"]);
        processes::start(&mut command, &self.folder.join("keeper.log"))
    }

    /// Waits until the network is as wanted; what cells settle meanwhile is noted.
    async fn wait(&self, settled: &mut Settled, wanted: impl Fn(&Snapshot) -> bool) {
        loop {
            let snapshot = self.snapshot().await;
            for (id, state) in &snapshot.workloads {
                let cell = state.cell.as_ref().unwrap();
                if cell.settlements > 0 {
                    settled.insert((*id, cell.last.epoch), (cell.last.outcomes, cell.last.paid));
                }
            }
            if wanted(&snapshot) {
                return;
            }
            sleep(LOOK).await;
        }
    }

    /// Every receipt counted once, every unit paid or kept, and an audit that finds nothing.
    async fn check(&self, settled: &Settled, expected: &BTreeMap<(u64, u64), [u64; 7]>) {
        let counted: BTreeMap<_, _> = settled.iter().map(|(key, (outcomes, _))| (*key, *outcomes)).collect();
        assert_eq!(&counted, expected, "every receipt counts in its epoch, once");
        let snapshot = self.snapshot().await;
        let paid: u64 = settled.values().map(|(_, paid)| paid).sum();
        assert!(paid > 0);
        let token = pda::Token::from(&snapshot.network);
        let (mut got, mut claimed) = (0u64, 0u64);
        for state in snapshot.operators.values() {
            let account = pda::token_account(&state.operator.payout, &token);
            let balance = self.rpc.client().get_token_account_balance(&account).await.unwrap();
            got += balance.amount.parse::<u64>().unwrap();
            claimed += state.operator.claimed;
        }
        assert_eq!(
            (got, claimed),
            (paid, paid),
            "operators have what was settled: their bonds took all they had before"
        );
        let network = &snapshot.network;
        let kept: u64 =
            cells(&snapshot).map(|cell| cell.pool + cell.carry + cell.sponsored + cell.returned + cell.earned).sum();
        // What is set aside for epochs that cells have not sealed.
        let aside: u64 = snapshot
            .epochs
            .values()
            .map(|epoch| {
                let unsealed = snapshot.workloads.values().filter(|state| {
                    let cell = state.cell.as_ref().unwrap();
                    epoch.index > cell.epoch || (epoch.index == cell.epoch && cell.phase == 0)
                });
                unsealed.map(|state| epoch.unit * state.workload.weight_in(epoch.index)).sum::<u64>()
            })
            .sum();
        let bonds = network.operator_bonds + network.attester_bonds;
        assert_eq!(snapshot.vault_units, network.treasury_available + kept + aside + bonds, "every unit of the vault");
        assert_eq!(bonds, 3 * 5_000_000 + 5 * 1_000_000, "nobody was slashed");
        let mut audit = processes::command("covctl");
        let (code, report) =
            processes::run(audit.args(["--url", &self.validator.url(), "--network", "1", "audit"])).await;
        assert_eq!(code, 0, "{report}");
    }
}

impl Scene {
    /// Gives an address lamports.
    async fn fund(&self, name: &str) {
        let address = self.keypair(name).pubkey();
        self.rpc.client().request_airdrop(&address, 10_000_000_000).await.unwrap();
        while self.rpc.account(&address).await.unwrap().is_none() {
            sleep(LOOK).await;
        }
    }
}
