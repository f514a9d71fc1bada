//! Deploying through the upgradeable loader: once, again, after being cut short, and other bytes over it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use coverage_client::embedded::rpc::EmbeddedRpc;
use coverage_client::embedded::{Embedded, program_file};
use coverage_client::rpc::features::{NO_OLD_SBPF, SBPF_V3};
use coverage_client::rpc::{Rpc, Sender};
use coverage_migrations::m0000_deploy::{is_deployed, run, transactions};
use solana_keypair::{Keypair, Signer};
use solana_program::pubkey::Pubkey;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A cluster, whose blocks go by, and a sender with the key of a program that is not there.
struct Stage {
    rpc: EmbeddedRpc,
    sender: Sender,
    program: Pubkey,
    bytes: Vec<u8>,
}

impl Stage {
    fn new() -> Self {
        let mut chain = Embedded::new(1_700_000_000).unwrap();
        let payer = Keypair::new_from_array([61; 32]);
        chain.add_signer(payer.insecure_clone());
        Self::of(EmbeddedRpc::new(Arc::new(Mutex::new(chain))), payer)
    }

    /// The same cluster with another payer.
    fn paid_by(&self, payer: Keypair) -> Self {
        Self::of(self.rpc.clone(), payer)
    }

    fn of(rpc: EmbeddedRpc, payer: Keypair) -> Self {
        let key = Keypair::new_from_array([62; 32]);
        let program = key.pubkey();
        let sender = Sender::new(Rpc::over(rpc.client()), Arc::new(payer)).with_signer(Arc::new(key));
        Self { rpc, sender, program, bytes: std::fs::read(program_file()).unwrap() }
    }

    /// Runs the step while blocks go by: the loader changes a program once a block.
    async fn run(&self, bytes: &[u8]) -> Result<usize, String> {
        let blocks = async {
            for slot in 1_000.. {
                self.rpc.chain().lock().unwrap().svm.warp_to_slot(slot);
                self.rpc.pass_blocks(1);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        // What getSlot says must be ahead of what the loader wrote down.
        self.rpc.pass_blocks(10_000);
        tokio::select! {
            done = run(&self.sender, &self.program, bytes) => done.map_err(|error| error.to_string()),
            () = blocks => panic!("blocks end"),
        }
    }

    async fn has(&self, bytes: &[u8]) -> bool {
        is_deployed(self.sender.rpc(), &self.program, bytes).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_is_deployed_once() {
    let stage = Stage::new();
    assert!(!stage.has(&stage.bytes).await);
    assert_eq!(stage.run(&stage.bytes).await, Ok(transactions(&stage.bytes)));
    assert!(stage.has(&stage.bytes).await);
    assert_eq!(stage.run(&stage.bytes).await, Ok(0));
    let account = stage.rpc.chain().lock().unwrap().svm.get_account(&stage.program).unwrap();
    assert!(account.executable);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_was_cut_short_goes_on_where_it_was() {
    let rich = Stage::new();
    // A payer that can afford the buffer and some hundred fees runs dry in the middle.
    let poor = Keypair::new_from_array([64; 32]);
    let address = poor.pubkey();
    let fund = |lamports| {
        let mut chain = rich.rpc.chain().lock().unwrap();
        chain.svm.airdrop(&address, lamports).unwrap();
    };
    let rent = rich.rpc.chain().lock().unwrap().svm.minimum_balance_for_rent_exemption(rich.bytes.len() + 37);
    fund(rent + 890_880 + 150 * 5_000);
    let stage = rich.paid_by(poor);
    let error = stage.run(&stage.bytes).await.unwrap_err();
    let dry = format!(
        "writing the program's bytes failed for lack of SOL: {address} would be left with less than its rent; send it some \
         and try again"
    );
    assert_eq!(error, dry);
    let sent = stage.rpc.received().len();
    assert!((100..=150).contains(&sent), "{sent}");
    fund(100_000_000_000);
    assert_eq!(
        stage.run(&stage.bytes).await,
        Ok(transactions(&stage.bytes) - sent),
        "what had landed is not sent again"
    );
    assert!(stage.has(&stage.bytes).await);
}

#[tokio::test(start_paused = true)]
async fn other_bytes_replace_a_program_and_may_be_longer() {
    let stage = Stage::new();
    stage.run(&stage.bytes).await.unwrap();
    // Zeros behind an ELF file change nothing; the first is the loader's own padding, so end with something else.
    let longer = [stage.bytes.as_slice(), &[0; 3_000], &[1]].concat();
    assert!(!stage.has(&longer).await);
    // All pieces, the buffer, room for the program, and the upgrade.
    assert_eq!(stage.run(&longer).await, Ok(transactions(&longer) + 1));
    assert!(stage.has(&longer).await);
    // The way back needs no room.
    assert_eq!(stage.run(&stage.bytes).await, Ok(transactions(&stage.bytes)));
    assert!(stage.has(&stage.bytes).await);
}

#[tokio::test(start_paused = true)]
async fn only_the_upgrade_authority_upgrades() {
    let stage = Stage::new();
    stage.run(&stage.bytes).await.unwrap();
    let other = Keypair::new_from_array([63; 32]);
    stage.rpc.chain().lock().unwrap().add_signer(other.insecure_clone());
    let stranger = Sender::new(stage.sender.rpc().clone(), Arc::new(other));
    let changed = [stage.bytes.as_slice(), &[1]].concat();
    let error = run(&stranger, &stage.program, &changed).await.unwrap_err().to_string();
    let (owner, payer) = (stage.sender.payer(), stranger.payer());
    assert_eq!(error, format!("deploying the program failed: its upgrade authority is {owner}, not the payer {payer}"));
}

/// The bytes of a program that says it is of another SBPF version.
fn of_version(version: u8, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[48..52].copy_from_slice(&u32::from(version).to_le_bytes());
    bytes
}

#[tokio::test(start_paused = true)]
async fn programs_of_old_sbpf_versions_are_refused_where_the_cluster_would() {
    let stage = Stage::new();
    stage.rpc.chain().lock().unwrap().activate(NO_OLD_SBPF);
    for version in 0..3 {
        let expected = format!(
            "deploying the program failed: the cluster takes no programs of SBPF version {version}, as its feature \
             {NO_OLD_SBPF} is active; build another with `cargo xtask build-sbf`"
        );
        assert_eq!(stage.run(&of_version(version, &stage.bytes)).await, Err(expected));
    }
    assert_eq!(stage.rpc.received().len(), 0, "nothing is spent on it");
    assert_eq!(stage.run(&stage.bytes).await, Ok(transactions(&stage.bytes)));
}

#[tokio::test(start_paused = true)]
async fn a_program_of_sbpf_version_3_is_refused_where_the_cluster_does_not_run_it() {
    let stage = Stage::new();
    let expected = format!(
        "deploying the program failed: the cluster takes no programs of SBPF version 3, as its feature {SBPF_V3} is not \
         active; build another with `cargo xtask build-sbf --sbpf-version v0`"
    );
    for pending in [true, false] {
        let mut account = stage.rpc.chain().lock().unwrap().svm.get_account(&SBPF_V3).unwrap();
        account.data = if pending { vec![0; 9] } else { Vec::new() };
        stage.rpc.chain().lock().unwrap().svm.set_account(SBPF_V3, account).unwrap();
        assert_eq!(stage.run(&stage.bytes).await, Err(expected.clone()));
    }
    assert_eq!(stage.rpc.received().len(), 0, "nothing is spent on it");
}
