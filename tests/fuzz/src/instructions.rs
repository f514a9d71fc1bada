//! Instruction data: arguments read as the program reads them, written as the client writes them.

use anchor_lang::wincode::config::deserialize;
use anchor_lang::{BORSH_CONFIG, Discriminator, InstructionData};
use borsh::BorshDeserialize;
use coverage_settlement::CapabilityArgs;
use coverage_settlement::instruction as ix;
use coverage_settlement::state::{Config, Member, Requirements, StatementArgs};
use solana_program::pubkey::Pubkey as Address;
use std::collections::BTreeSet;

type Hash = [u8; 32];

/// The documented layouts, for Borsh: field after field.
mod borsh_types {
    pub type Address = [u8; 32];
    pub type Config = ([u64; 7], u32, [u16; 5], u8, u8);
    pub type Requirements = ([u8; 32], [u8; 32], u64, u32, [u16; 3], u8);
    pub type CapabilityArgs = (u16, u8, u16, u32, u64, [u8; 32]);
    pub type StatementArgs = (u8, u64, [u8; 32], u64, [u8; 32], u32, [u8; 32], u16);
    pub type Members = Vec<(u8, [u8; 32], u64)>;
}

/// Reads `bytes` as the arguments `$args`, in a tuple, and writes them again; `None` if they are not.
macro_rules! instructions {
    ($($name:ident { $($arg:ident: $type:ty as $borsh:ty),* })*) => {
        /// How many instructions there are.
        pub const COUNT: usize = [$(stringify!($name)),*].len();

        /// Whether the arguments of instruction `number` are read from `bytes`: then, the instruction data a client writes
        /// for them.
        fn read(number: usize, bytes: &[u8]) -> Option<Vec<u8>> {
            let readers: [fn(&[u8]) -> Option<Vec<u8>>; COUNT] = [$(|bytes| {
                // The program derives a struct of them; a tuple is read alike, but there are none of fewer than two.
                let ($($arg,)* (), ()): ($($type,)* (), ()) = deserialize(bytes, BORSH_CONFIG).ok()?;
                Some(ix::$name { $($arg),* }.data())
            }),*];
            readers[number](bytes)
        }

        /// How many bytes Borsh takes for the same arguments.
        fn borsh_length(number: usize, bytes: &[u8]) -> Option<usize> {
            let readers: [fn(&mut &[u8]) -> Option<()>; COUNT] = [$(|_bytes| {
                $(<$borsh>::deserialize(_bytes).ok()?;)*
                Some(())
            }),*];
            let mut rest = bytes;
            readers[number](&mut rest)?;
            Some(bytes.len() - rest.len())
        }

        /// The discriminator of instruction `number`.
        pub fn discriminator(number: usize) -> &'static [u8] {
            [$(ix::$name::DISCRIMINATOR),*][number]
        }
    };
}

instructions! {
    CreateNetwork { id: u64 as u64, guardian: Address as borsh_types::Address, genesis_ts: i64 as i64,
        config: Config as borsh_types::Config }
    ProposeAuthority { pending: Address as borsh_types::Address }
    AcceptAuthority {}
    SetGuardian { guardian: Address as borsh_types::Address }
    ProposeConfig { config: Config as borsh_types::Config }
    Pause { phases: u8 as u8, seconds: u32 as u32 }
    Unpause {}
    UpdateCommittee { members: Vec<Member> as borsh_types::Members }
    AddAttesterBond { place: u8 as u8, amount_units: u64 as u64 }
    UnbondAttester { place: u8 as u8, amount_units: u64 as u64 }
    WithdrawAttesterBond { place: u8 as u8 }
    RegisterWorkload { id: u64 as u64, weight: u64 as u64, requirements: Requirements as borsh_types::Requirements }
    SetWorkloadWeight { weight: u64 as u64 }
    FundTreasury { amount_units: u64 as u64 }
    SponsorWorkload { amount_units: u64 as u64 }
    OpenEpoch {}
    CloseEpoch {}
    RegisterOperator { payout: Address as borsh_types::Address, bond_units: u64 as u64 }
    AddBond { amount_units: u64 as u64 }
    Unbond { amount_units: u64 as u64 }
    WithdrawBond {}
    SlashOperator { slot: u16 as u16 }
    RetireOperator {}
    CommitCapabilities { root: Hash as Hash, count: u32 as u32 }
    Enroll { capability: CapabilityArgs as borsh_types::CapabilityArgs, index: u32 as u32,
        proof: Vec<Hash> as Vec<Hash> }
    SyncSlot { slot: u16 as u16 }
    LeaveCell { slot: u16 as u16 }
    ReleaseSlot { slot: u16 as u16 }
    TrimCell {}
    OpenAttestation { digest: Hash as Hash, statement: StatementArgs as borsh_types::StatementArgs,
        chunk: Vec<u8> as Vec<u8> }
    ExtendAttestation { chunk: Vec<u8> as Vec<u8> }
    Endorse { ed25519_index: u8 as u8 }
    CloseAttestation {}
    ApplyBatch {}
    ChallengeBatch { sequence: u32 as u32 }
    ApplyFailureDomain {}
    SealCell {}
    SettleCell { step_units: u32 as u32 }
    ClaimRewards { slots: Vec<u16> as Vec<u16> }
    SweepCell {}
    CloseCell {}
}

/// What the program reads, Borsh reads, from the same bytes; and the client writes these bytes for it and no others.
///
/// The first byte says which instruction.
pub fn check(data: &[u8]) {
    let Some((number, bytes)) = data.split_first() else { return };
    let number = usize::from(*number) % COUNT;
    let written = read(number, bytes);
    let length = borsh_length(number, bytes);
    assert_eq!(written.is_some(), length.is_some(), "instruction {number}");
    let (Some(written), Some(length)) = (written, length) else { return };
    assert_eq!(written, [discriminator(number), &bytes[..length]].concat(), "instruction {number}");
    if let Some(last) = length.checked_sub(1) {
        assert_eq!(read(number, &bytes[..last]), None, "instruction {number}, a byte short");
    }
}

/// Plain arguments for every instruction, and lists that promise more than there is.
pub fn seeds() -> Vec<Vec<u8>> {
    let kinds: BTreeSet<_> = (0..COUNT).map(discriminator).collect();
    assert_eq!(kinds.len(), COUNT, "each has its own discriminator");
    let seeds = |number: usize| {
        let zeros = vec![0; 256];
        assert!(read(number, &zeros).is_some(), "instruction {number}");
        let seed = |bytes: &[u8]| [&[number as u8], bytes].concat();
        [zeros, vec![2; 10], [1, 0, 0, 0].repeat(64), vec![255; 200]].map(|bytes| seed(&bytes))
    };
    (0..COUNT).flat_map(seeds).collect()
}
