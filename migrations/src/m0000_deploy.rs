//! Deploys the program through the upgradeable loader, or upgrades it where its bytes differ.
//!
//! The bytes go into a buffer first, in some three hundred transactions. Its address follows from the payer and the bytes, so
//! a run that was cut short finds it again and sends only the pieces that are missing.

use coverage_client::ClientError;
use coverage_client::math::hash::{Sha256, Software};
use coverage_client::rpc::features::{NO_OLD_SBPF, SBPF_V3, is_active};
use coverage_client::rpc::{Rpc, Sender};
use futures_util::{StreamExt, TryStreamExt, stream};
use solana_loader_v3_interface::get_program_data_address;
use solana_loader_v3_interface::instruction::{
    MINIMUM_EXTEND_PROGRAM_BYTES, create_buffer, deploy_with_max_program_len, extend_program, upgrade, write,
};
use solana_loader_v3_interface::state::UpgradeableLoaderState;
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use solana_system_interface::instruction::{allocate_with_seed, transfer};
use std::fmt::Display;
use std::time::Duration;

/// The upgradeable loader.
pub const LOADER: Pubkey = Pubkey::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");

/// Where an ELF file says its SBPF version.
const ELF_FLAGS: usize = 48;
/// The SBPF version that clusters come to take as the first, and in the end as the only one.
const NEW_SBPF: u32 = 3;

/// Bytes of the program that one transaction carries: what a packet has room for beside three keys, a signature and the
/// compute budget's two instructions.
const PIECE: usize = 940;
/// Transactions in flight at once: they all write to the buffer, but a cluster's queue is longer than one.
const IN_FLIGHT: usize = 24;
/// Where an account of a program's bytes says which kind it is, and, behind its slot, who may upgrade it.
const PROGRAM_DATA: [u8; 4] = [3, 0, 0, 0];
const BUFFER: [u8; 4] = [1, 0, 0, 0];
/// How often, and how many times, to look whether a new block has come.
const LOOK: Duration = Duration::from_millis(200);
const LOOKS: u32 = 150;

/// What there is at the program's address.
enum Installed {
    Nothing,
    Bytes { bytes: Vec<u8>, authority: Option<Pubkey>, slot: u64 },
}

/// Does the step; returns how many transactions it took. The payer becomes, or must be, the upgrade authority; a program that
/// is not there yet needs its own key among the signers.
///
/// # Errors
/// Whatever the cluster refuses; [`ClientError::Refused`] if another may upgrade the program, or nobody.
pub async fn run(sender: &Sender, program: &Pubkey, bytes: &[u8]) -> Result<usize, ClientError> {
    let payer = sender.payer();
    let installed = installed(sender.rpc(), program).await?;
    if let Installed::Bytes { bytes: present, authority, .. } = &installed {
        if is_padded(present, bytes) {
            return Ok(0);
        }
        if *authority != Some(payer) {
            let owner = authority.map_or("nobody".to_owned(), |authority| authority.to_string());
            return Err(refused(&format!("its upgrade authority is {owner}, not the payer {payer}")));
        }
    }
    require_taken(sender.rpc(), bytes).await?;
    let (buffer, written) = fill_buffer(sender, bytes).await?;
    let sent = match installed {
        Installed::Nothing => {
            let rent = rent(sender.rpc(), UpgradeableLoaderState::size_of_program()).await?;
            let deploy = deploy_with_max_program_len(&payer, program, &buffer, &payer, rent, bytes.len());
            sender.send("deploying the program", &deploy.map_err(|error| refused(&error))?).await?;
            1
        }
        Installed::Bytes { bytes: present, slot, .. } => {
            let extended = extend(sender, program, present.len(), bytes.len(), slot).await?;
            sender.send("upgrading the program", &[upgrade(program, &buffer, &payer, &payer)]).await?;
            extended.saturating_add(1)
        }
    };
    Ok(written.saturating_add(sent))
}

/// Whether the bytes of a program are on the cluster already.
///
/// # Errors
/// [`ClientError`] if the cluster cannot be read.
pub async fn is_deployed(rpc: &Rpc, program: &Pubkey, bytes: &[u8]) -> Result<bool, ClientError> {
    Ok(matches!(installed(rpc, program).await?, Installed::Bytes { bytes: present, .. } if is_padded(&present, bytes)))
}

/// How many transactions a first deployment of these bytes takes.
#[must_use]
pub fn transactions(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(PIECE).saturating_add(2)
}

async fn installed(rpc: &Rpc, program: &Pubkey) -> Result<Installed, ClientError> {
    let at = get_program_data_address(program);
    let Some(account) = rpc.account(&at).await?.filter(|account| account.owner == LOADER) else {
        return Ok(Installed::Nothing);
    };
    let bad = |reason| ClientError::NotA { address: at, expected: "program's data", reason };
    let metadata = UpgradeableLoaderState::size_of_programdata_metadata();
    let (head, bytes) = account.data.split_at_checked(metadata).ok_or(bad("too short"))?;
    let rest = head.strip_prefix(&PROGRAM_DATA).ok_or(bad("another kind of account"))?;
    let (slot, rest) = rest.split_first_chunk().ok_or(bad("too short"))?;
    let authority = rest.strip_prefix(&[1]).and_then(|key| key.first_chunk::<32>());
    let authority = authority.map(|key| Pubkey::new_from_array(*key));
    Ok(Installed::Bytes { bytes: bytes.to_vec(), authority, slot: u64::from_le_bytes(*slot) })
}

/// Refuses a program that the cluster would refuse after its three hundred transactions, without saying why.
async fn require_taken(rpc: &Rpc, bytes: &[u8]) -> Result<(), ClientError> {
    let version = bytes.get(ELF_FLAGS..).and_then(<[u8]>::first_chunk).map_or(0, |flags| u32::from_le_bytes(*flags));
    let (feature, taken) = if version < NEW_SBPF { (NO_OLD_SBPF, false) } else { (SBPF_V3, true) };
    let account = rpc.account(&feature).await?;
    if is_active(account.as_ref().map(|account| account.data.as_slice())) == taken {
        return Ok(());
    }
    let (state, build) = if taken { ("is not active", " --sbpf-version v0") } else { ("is active", "") };
    Err(refused(&format!(
        "the cluster takes no programs of SBPF version {version}, as its feature {feature} {state}; build another with \
         `cargo xtask build-sbf{build}`"
    )))
}

/// Whether `present` is `bytes` with nothing but zeros behind: what the loader leaves where a program was longer before.
fn is_padded(present: &[u8], bytes: &[u8]) -> bool {
    present.strip_prefix(bytes).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}

/// Brings the bytes into the buffer; returns its address and how many transactions that took.
async fn fill_buffer(sender: &Sender, bytes: &[u8]) -> Result<(Pubkey, usize), ClientError> {
    let payer = sender.payer();
    let seed = seed(bytes);
    let buffer = Pubkey::create_with_seed(&payer, &seed, &LOADER).map_err(|error| refused(&error))?;
    let account = sender.rpc().account(&buffer).await?;
    let lamports = account.as_ref().map_or(0, |account| account.lamports);
    let present = account.filter(|account| account.data.starts_with(&BUFFER)).map(|account| account.data);
    let mut sent = 0usize;
    if present.is_none() {
        let open = open_buffer(sender, &buffer, &seed, bytes.len(), lamports).await?;
        sender.send("opening the program's buffer", &open).await?;
        sent = 1;
    }
    let held = present.unwrap_or_default();
    let held = held.get(UpgradeableLoaderState::size_of_buffer_metadata()..).unwrap_or_default();
    let pieces = bytes.chunks(PIECE).enumerate().map(|(number, piece)| (number.saturating_mul(PIECE), piece));
    let missing = pieces.filter(|(offset, piece)| held.get(*offset..).is_none_or(|held| !held.starts_with(piece)));
    let writes = missing.map(|(offset, piece)| async move {
        // A program has at most ten million bytes.
        let instruction = write(&buffer, &payer, offset as u32, piece.to_vec());
        sender.send("writing the program's bytes", &[instruction]).await
    });
    let written: Vec<_> = stream::iter(writes.collect::<Vec<_>>()).buffer_unordered(IN_FLIGHT).try_collect().await?;
    sent = sent.saturating_add(written.len());
    Ok((buffer, sent))
}

/// The instructions that make the buffer, whatever lamports somebody may have sent to its address.
async fn open_buffer(
    sender: &Sender,
    buffer: &Pubkey,
    seed: &str,
    length: usize,
    lamports: u64,
) -> Result<Vec<Instruction>, ClientError> {
    let payer = sender.payer();
    let space = UpgradeableLoaderState::size_of_buffer(length);
    let missing = rent(sender.rpc(), space).await?.saturating_sub(lamports);
    let mut instructions =
        vec![transfer(&payer, buffer, missing), allocate_with_seed(buffer, &payer, seed, space as u64, &LOADER)];
    // The first of these would create the account, and fail where it has lamports.
    let create = create_buffer(&payer, buffer, &payer, 0, length).map_err(|error| refused(&error))?;
    instructions.extend(create.into_iter().skip(1));
    Ok(instructions)
}

/// A name for the bytes, of the 32 characters that a seed may have.
fn seed(bytes: &[u8]) -> String {
    hex::encode(Software::hash(&[bytes])).chars().take(32).collect()
}

/// Makes room for a program that has grown; returns how many transactions that took. Returns in a block after the one that
/// changed the program last: the loader changes it once a block.
async fn extend(
    sender: &Sender,
    program: &Pubkey,
    room: usize,
    wanted: usize,
    slot: u64,
) -> Result<usize, ClientError> {
    wait_past(sender.rpc(), slot).await?;
    let Some(missing) = wanted.checked_sub(room).filter(|missing| *missing > 0) else { return Ok(0) };
    let missing = u32::try_from(missing).unwrap_or(u32::MAX).max(MINIMUM_EXTEND_PROGRAM_BYTES);
    let payer = sender.payer();
    sender.send("making room for the program", &[extend_program(program, Some(&payer), missing)]).await?;
    if let Installed::Bytes { slot, .. } = installed(sender.rpc(), program).await? {
        wait_past(sender.rpc(), slot).await?;
    }
    Ok(1)
}

async fn wait_past(rpc: &Rpc, slot: u64) -> Result<(), ClientError> {
    for _ in 0..LOOKS {
        if rpc.client().get_slot().await.map_err(|error| unanswered(&error))? > slot {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(refused(&format!("no block has come after slot {slot} for half a minute")))
}

async fn rent(rpc: &Rpc, bytes: usize) -> Result<u64, ClientError> {
    let rent = rpc.client().get_minimum_balance_for_rent_exemption(bytes).await;
    rent.map_err(|error| unanswered(&error))
}

fn unanswered(reason: &impl Display) -> ClientError {
    ClientError::Rpc { action: "deploying the program", reason: reason.to_string() }
}

fn refused(reason: &impl Display) -> ClientError {
    ClientError::refused("deploying the program", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zeros_may_follow_a_program() {
        assert!(is_padded(&[1, 2], &[1, 2]));
        assert!(is_padded(&[1, 2, 0, 0], &[1, 2]));
        assert!(!is_padded(&[1, 2, 0, 3], &[1, 2]));
        assert!(!is_padded(&[1], &[1, 2]));
    }

    #[test]
    fn a_seed_is_as_long_as_it_may_be_and_follows_the_bytes() {
        assert_eq!(seed(&[1]).len(), 32);
        assert_ne!(seed(&[1]), seed(&[2]));
    }
}
