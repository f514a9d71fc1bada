//! Starting and stopping solana-test-validator.

use coverage_client::rpc::Rpc;
use solana_program::pubkey::Pubkey;
use std::env;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use thiserror::Error;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

const PROGRAM: &str = "solana-test-validator";
/// Ports the validator takes besides that of its RPC: one for subscriptions behind it, its faucet's, its gossip's, and thirty
/// for what validators tell each other.
const PORTS: u16 = 34;
/// How long it may take until it answers, and to stop after it was asked.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(200);

/// Why there is no validator.
#[derive(Debug, Error)]
pub enum ValidatorError {
    /// It is not installed.
    #[error(
        "{PROGRAM} is neither on the PATH nor in ~/.cargo/bin: install it with `cargo xtask setup --validator` (half an \
         hour, once), or with Solana's own installer"
    )]
    NotInstalled,
    /// Its files or ports are not to be had.
    #[error("cannot start {PROGRAM}: {0}")]
    Start(io::Error),
    /// It ended, or did not answer.
    #[error("{PROGRAM} {what}; it says why in {}", log.display())]
    Silent {
        /// What it did.
        what: String,
        /// Its log.
        log: PathBuf,
    },
}

/// How a validator is started.
#[derive(Clone, Debug)]
pub struct ValidatorSettings {
    /// The folder of its ledger; what is there is resumed.
    pub ledger: PathBuf,
    /// Forget what is there.
    pub reset: bool,
    /// The port of its RPC; 0 for a free one. The thirty-four behind it must be free as well.
    pub rpc_port: u16,
    /// Programs it begins with: address, file, upgrade authority.
    pub programs: Vec<(Pubkey, PathBuf, Pubkey)>,
}

/// A running validator. It is killed when this is dropped.
pub struct Validator {
    child: Child,
    port: u16,
    log: PathBuf,
}

/// Where the validator is: on the PATH, or where cargo installs.
#[must_use]
pub fn find_validator() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let cargo = env::home_dir().unwrap_or_default().join(".cargo/bin");
    env::split_paths(&path).chain([cargo]).map(|folder| folder.join(PROGRAM)).find(|file| file.is_file())
}

impl Validator {
    /// Starts a validator and waits until it answers.
    ///
    /// # Errors
    /// [`ValidatorError`] if it is not installed, cannot start, or says nothing for a minute.
    pub async fn start(settings: &ValidatorSettings) -> Result<Self, ValidatorError> {
        let program = find_validator().ok_or(ValidatorError::NotInstalled)?;
        std::fs::create_dir_all(&settings.ledger).map_err(ValidatorError::Start)?;
        let port = if settings.rpc_port == 0 { free_ports()? } else { settings.rpc_port };
        let log = settings.ledger.join("covctl-validator.log");
        let output = File::create(&log).map_err(ValidatorError::Start)?;
        let errors = output.try_clone().map_err(ValidatorError::Start)?;
        let mut command = Command::new(program);
        command.arg("--ledger").arg(&settings.ledger).args(["--quiet", "--bind-address", "127.0.0.1"]);
        command.args(["--rpc-port", &port.to_string()]);
        command.args(["--faucet-port", &behind(port, 2).to_string(), "--gossip-port", &behind(port, 3).to_string()]);
        command.args(["--dynamic-port-range", &format!("{}-{}", behind(port, 4), behind(port, PORTS))]);
        if settings.reset {
            command.arg("--reset");
        }
        for (address, file, authority) in &settings.programs {
            command.arg("--upgradeable-program").arg(address.to_string()).arg(file).arg(authority.to_string());
        }
        // A group of its own: Ctrl-C is for whoever started it, who then stops it.
        command.stdin(Stdio::null()).stdout(output).stderr(errors).kill_on_drop(true).process_group(0);
        let child = command.spawn().map_err(ValidatorError::Start)?;
        let mut validator = Self { child, port, log };
        validator.wait_until_ready().await?;
        Ok(validator)
    }

    /// Its RPC's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of its RPC.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What it has printed.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// The system's, if it cannot be waited for.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it to end, so that its ledger can be resumed, and kills it if it does not.
    pub async fn stop(mut self) {
        if let Some(id) = self.child.id() {
            let asked = Command::new("kill").args(["-INT", &id.to_string()]).status().await;
            if asked.is_ok_and(|status| status.success()) && timeout(STOP, self.child.wait()).await.is_ok() {
                return;
            }
        }
        // It may have ended just now.
        let _ = self.child.kill().await;
    }

    async fn wait_until_ready(&mut self) -> Result<(), ValidatorError> {
        let rpc = Rpc::new(self.url());
        let until = Instant::now() + START;
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(ValidatorError::Silent { what: format!("ended with {status}"), log: self.log.clone() });
            }
            // A health that is good, and a block to prove it.
            let healthy = rpc.client().get_health().await.is_ok();
            if healthy && rpc.client().get_slot().await.is_ok_and(|slot| slot > 0) {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        Err(ValidatorError::Silent { what: format!("did not answer for {} s", START.as_secs()), log: self.log.clone() })
    }
}

/// A port with enough free ones behind it.
fn free_ports() -> Result<u16, ValidatorError> {
    let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    for _ in 0..32 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(ValidatorError::Start)?;
        let port = listener.local_addr().map_err(ValidatorError::Start)?.port();
        drop(listener);
        if port < u16::MAX - PORTS && (port..=behind(port, PORTS)).all(free) {
            return Ok(port);
        }
    }
    Err(ValidatorError::Start(io::Error::from(io::ErrorKind::AddrInUse)))
}

const fn behind(port: u16, by: u16) -> u16 {
    port.saturating_add(by)
}
