//! What a transaction would do: its instructions and accounts in words, and its cost by simulation.

use crate::amounts::sol;
use coverage_client::ClientError;
use coverage_client::program::ID;
use coverage_client::rpc::Sender;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;
use std::fmt;
use std::sync::LazyLock;

/// What a cluster takes for each signature.
const LAMPORTS_A_SIGNATURE: u64 = 5_000;

/// Names of the program's instructions, by what their data begins with.
static NAMES: LazyLock<Vec<Named>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Idl {
        instructions: Vec<Named>,
    }
    let idl = serde_json::from_str(include_str!("../../../idl/coverage_settlement.json"));
    idl.map_or_else(|_| Vec::new(), |idl: Idl| idl.instructions) // a test reads all of it
});

#[derive(Deserialize)]
struct Named {
    name: String,
    discriminator: [u8; 8],
}

/// What a transaction costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Compute units it takes, if it could be simulated.
    pub compute_units: Option<u64>,
    /// Lamports of the fee.
    pub fee_lamports: u64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fee {}", sol(self.fee_lamports))?;
        match self.compute_units {
            Some(units) => write!(f, ", {units} compute units"),
            None => f.write_str("; needs the transactions before it, so it is not simulated"),
        }
    }
}

/// The instructions of a transaction, with who pays for it.
pub struct InWords<'a> {
    instructions: &'a [Instruction],
    payer: Pubkey,
}

/// An account of a transaction.
struct Used {
    address: Pubkey,
    signer: bool,
    writable: bool,
}

impl<'a> InWords<'a> {
    /// Of a transaction that `payer` pays for.
    #[must_use]
    pub const fn new(instructions: &'a [Instruction], payer: &Pubkey) -> Self {
        Self { instructions, payer: *payer }
    }

    /// The names of its instructions.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.instructions.iter().map(name).collect()
    }

    /// Its accounts, the fee payer first, without programs.
    fn accounts(&self) -> Vec<Used> {
        let mut all = vec![Used { address: self.payer, signer: true, writable: true }];
        for meta in self.instructions.iter().flat_map(|instruction| &instruction.accounts) {
            match all.iter_mut().find(|used| used.address == meta.pubkey) {
                Some(used) => {
                    used.signer |= meta.is_signer;
                    used.writable |= meta.is_writable;
                }
                None => all.push(Used { address: meta.pubkey, signer: meta.is_signer, writable: meta.is_writable }),
            }
        }
        all
    }

    /// Its accounts, for programs.
    #[must_use]
    pub fn accounts_json(&self) -> Value {
        let account =
            |used: Used| json!({"address": used.address.to_string(), "signer": used.signer, "writable": used.writable});
        self.accounts().into_iter().map(account).collect()
    }

    /// What it costs if it cannot be simulated: the fee of its signatures.
    #[must_use]
    pub fn estimate(&self) -> Cost {
        let signers = self.accounts().iter().filter(|used| used.signer).count() as u64;
        let verified: u64 = self.instructions.iter().map(verified_signatures).sum();
        let fee_lamports = signers.saturating_add(verified).saturating_mul(LAMPORTS_A_SIGNATURE);
        Cost { compute_units: None, fee_lamports }
    }

    /// What it costs, as the cluster simulates it.
    ///
    /// # Errors
    /// [`ClientError`] if it would fail, or the cluster does not answer.
    pub async fn simulate(&self, sender: &Sender, action: &str) -> Result<Cost, ClientError> {
        let simulation = sender.simulate(action, self.instructions).await?;
        for line in &simulation.logs {
            tracing::debug!("{line}");
        }
        Ok(Cost { compute_units: Some(simulation.compute_units), fee_lamports: simulation.fee_lamports })
    }
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))?;
        let accounts = self.accounts();
        let mut line = |label, wanted: &dyn Fn(&Used) -> bool| {
            let addresses: Vec<String> =
                accounts.iter().filter(|used| wanted(used)).map(|used| used.address.to_string()).collect();
            if addresses.is_empty() { Ok(()) } else { write!(f, "\n  {label}  {}", addresses.join(", ")) }
        };
        line("signs ", &|used| used.signer)?;
        line("writes", &|used| used.writable && !used.signer)?;
        line("reads ", &|used| !used.writable && !used.signer)
    }
}

/// An instruction's name, as in the IDL.
fn name(instruction: &Instruction) -> String {
    if instruction.program_id == ED25519_PROGRAM {
        return format!("verify {} Ed25519 signatures", verified_signatures(instruction));
    }
    let named = NAMES.iter().filter(|_| instruction.program_id == ID);
    let named = named.into_iter().find(|named| instruction.data.starts_with(&named.discriminator));
    named.map_or_else(|| format!("an instruction of {}", instruction.program_id), |named| named.name.clone())
}

/// The Ed25519 signature verification program.
const ED25519_PROGRAM: Pubkey = Pubkey::from_str_const("Ed25519SigVerify111111111111111111111111111");

/// How many signatures an instruction has verified, each of which costs what a transaction's own does.
fn verified_signatures(instruction: &Instruction) -> u64 {
    let count = instruction.data.first().filter(|_| instruction.program_id == ED25519_PROGRAM);
    count.copied().map_or(0, u64::from)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use coverage_client::instructions;

    #[test]
    fn a_transaction_in_words() {
        assert_eq!(NAMES.len(), 41);
        let [payer, authority, network] = [[1; 32], [2; 32], [3; 32]].map(Pubkey::new_from_array);
        let steps = [instructions::accept_authority(authority, network)];
        let words = InWords::new(&steps, &payer);
        let text = words.to_string();
        assert!(
            text.starts_with(&format!(
                "accept_authority\n  signs   {payer}, {authority}\n  writes  {network}\n  reads   "
            )),
            "{text}"
        );
        assert_eq!(words.estimate(), Cost { compute_units: None, fee_lamports: 10_000 });
        assert_eq!(
            words.estimate().to_string(),
            "fee 0.00001 SOL; needs the transactions before it, so it is not simulated"
        );
        let cost = Cost { compute_units: Some(7), fee_lamports: 5_000 };
        assert_eq!(cost.to_string(), "fee 0.000005 SOL, 7 compute units");
        assert_eq!(
            name(&coverage_client::batch::ed25519(&[([0; 32], [0; 64])], &[0; 32])),
            "verify 1 Ed25519 signatures"
        );
    }
}
