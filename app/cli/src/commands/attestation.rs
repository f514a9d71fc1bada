//! What the committee signs: signatures from its keys or from files, and the transactions that make a statement count.

use crate::execute::Plan;
use crate::record::{Record, Table};
use crate::solana_config::keypair;
use crate::{CliError, Context, ExitStatus};
use coverage_client::batch::{SIGNATURES_A_TRANSACTION, Signature, Statement, ed25519};
use coverage_client::math::attestation::Entry;
use coverage_client::program::state::{Attestation, Committee, Config};
use coverage_client::{accounts, instructions};
use ed25519_dalek::VerifyingKey;
use serde::Deserialize;
use solana_program::pubkey::Pubkey;
use solana_signer::Signer;
use std::path::{Path, PathBuf};

/// The most signatures that fit a transaction together with `endorse` and `apply_batch`.
const SIGNATURES_WITH_APPLICATION: usize = 5;

/// Who signs a statement.
#[derive(Clone, Debug, clap::Args)]
pub struct Endorsers {
    /// Keypair file of an attester; repeat it for several.
    #[arg(long = "attester", value_name = "FILE")]
    attesters: Vec<String>,
    /// File with signatures made elsewhere by --sign-only; repeat it for several.
    #[arg(long = "signature", value_name = "FILE")]
    signatures: Vec<PathBuf>,
    /// Print the attesters' signatures for somebody else to submit, and send nothing.
    #[arg(long, requires = "attesters")]
    sign_only: bool,
}

/// Signatures as `--sign-only --output json` prints them.
#[derive(Deserialize)]
struct Signed {
    digest: String,
    signatures: Vec<SignedBy>,
}

#[derive(Deserialize)]
struct SignedBy {
    attester: String,
    signature: String,
}

/// Signs a statement, or uploads, endorses and applies it; `plan` says in words what it is. What an earlier run uploaded is not
/// uploaded again. The attestation's rent is not shown: it comes back when the statement is applied.
///
/// # Errors
/// [`CliError::Keypair`] and [`CliError::File`] for keys and signatures; [`CliError::Usage`] if those are not enough.
pub async fn run(
    context: &Context,
    plan: Plan,
    statement: &Statement,
    (committee, config): (&Committee, &Config),
    endorsers: &Endorsers,
) -> Result<ExitStatus, CliError> {
    let signatures = endorsers.collect(statement)?;
    let plan = plan.fact("digest", hex::encode(statement.digest));
    if endorsers.sign_only {
        let row = |(key, signature): &Signature| {
            let signature = solana_signature::Signature::from(*signature);
            Record::new().text("attester", Pubkey::from(*key)).text("signature", signature)
        };
        context.emit(&plan.into_facts().list("signatures", signatures.iter().map(row).collect::<Table>()))?;
        return Ok(ExitStatus::Done);
    }
    let payer = context.signer()?.pubkey();
    let opened = Opened::read(context, statement, &payer).await?;
    let endorsed = enough(committee, config, opened.endorsers, &signatures)?;
    let facts = Record::new().text("attestation", statement.address(&payer)).number("endorsed_weight", endorsed);
    let plan = opened.plan(plan.facts(facts), statement, payer)?;
    let mut transactions: Vec<_> = signatures
        .chunks(SIGNATURES_A_TRANSACTION)
        .map(|chunk| {
            vec![
                ed25519(chunk, &statement.digest),
                instructions::endorse(statement.network, statement.address(&payer), 0),
            ]
        })
        .collect();
    // The last endorsement and the application share a transaction, if they fit one.
    let last = signatures.chunks(SIGNATURES_A_TRANSACTION).last().map_or(0, <[_]>::len);
    match transactions.last_mut() {
        Some(transaction) if last <= SIGNATURES_WITH_APPLICATION => transaction.push(statement.apply(payer)),
        _ => transactions.push(vec![statement.apply(payer)]),
    }
    context.execute(transactions.into_iter().fold(plan, Plan::then)).await
}

/// How far the upload of a statement is, from an earlier run.
struct Opened {
    /// Entries that are there; `None` if it was not opened yet.
    entries: Option<usize>,
    endorsers: u64,
}

impl Opened {
    async fn read(context: &Context, statement: &Statement, payer: &Pubkey) -> Result<Self, CliError> {
        let address = statement.address(payer);
        let Some(account) = context.rpc().account(&address).await? else {
            return Ok(Self { entries: None, endorsers: 0 });
        };
        let (attestation, entries): (Attestation, Vec<Entry>) = accounts::attestation(&address, &account.data)?;
        Ok(Self { entries: Some(entries.len()), endorsers: attestation.endorsers })
    }

    /// The uploads that are missing.
    fn plan(&self, plan: Plan, statement: &Statement, payer: Pubkey) -> Result<Plan, CliError> {
        let uploads = statement.upload(payer);
        let mut missing = uploads.len();
        if let Some(there) = self.entries {
            missing = 0;
            // From the last upload back, each of which says by its length how many entries it brings.
            let mut left = usize::from(statement.args.entries);
            for upload in uploads.iter().rev() {
                if left <= there {
                    break;
                }
                left = left.saturating_sub(upload.data.len() / size_of::<Entry>());
                missing += 1;
            }
            if left != there {
                let address = statement.address(&payer);
                let discard = format!("take it back with `covctl batch discard {address}` and try again");
                return Err(CliError::Usage(format!("an upload of these entries was begun in another way: {discard}")));
            }
        }
        let done = uploads.len().saturating_sub(missing);
        Ok(uploads.into_iter().skip(done).fold(plan, |plan, upload| plan.then(vec![upload])))
    }
}

/// The weight of everybody who signed; it must exceed the quorum.
fn enough(committee: &Committee, config: &Config, before: u64, signatures: &[Signature]) -> Result<u64, CliError> {
    let mut bits = before;
    for (key, _) in signatures {
        let key = Pubkey::from(*key);
        let stranger = || CliError::Usage(format!("{key} is not in the committee: see `covctl committee show`"));
        bits |= committee.find(&key).ok_or_else(stranger)?;
    }
    let places = (0u32..).zip(committee.places());
    let signed = places.filter(|(place, attester)| {
        bits.checked_shr(*place).is_some_and(|rest| rest & 1 == 1) && attester.bond.active() >= config.min_attester_bond
    });
    let weight = signed.fold(0u64, |sum, (_, attester)| sum.saturating_add(attester.weight));
    if committee.exceeds_quorum(bits, config.min_attester_bond, config.quorum_bps) {
        return Ok(weight);
    }
    let (total, quorum) = (committee.total_weight, crate::amounts::percent_bps(config.quorum_bps));
    let more = "more attesters with a bond must sign (--attester, --signature)";
    Err(CliError::Usage(format!("signed by a weight of {weight}, but it takes more than {quorum} of {total}: {more}")))
}

impl Endorsers {
    /// All signatures, made here and elsewhere, each key once.
    fn collect(&self, statement: &Statement) -> Result<Vec<Signature>, CliError> {
        let mut signatures: Vec<Signature> = Vec::new();
        for path in &self.attesters {
            let key = keypair(path)?;
            let signature = key.sign_message(&statement.digest);
            signatures.push((key.pubkey().to_bytes(), signature.into()));
        }
        for path in &self.signatures {
            signatures.extend(read(path, statement)?);
        }
        signatures.sort_unstable_by_key(|(key, _)| *key);
        signatures.dedup_by_key(|(key, _)| *key);
        Ok(signatures)
    }
}

/// The signatures in a file, each of which must be one of this statement.
fn read(path: &Path, statement: &Statement) -> Result<Vec<Signature>, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| CliError::Read { path: path.to_path_buf(), error })?;
    let wrong = |reason: String| CliError::File { path: path.to_path_buf(), reason };
    let expected = |error| wrong(format!("{error}; expected what --sign-only --output json prints"));
    let signed: Signed = serde_json::from_str(&text).map_err(expected)?;
    let digest = hex::encode(statement.digest);
    if signed.digest != digest {
        let made = format!("it signs {}, not {digest}", signed.digest);
        return Err(wrong(format!("{made}: receipts, sequence number or committee are others by now; sign anew")));
    }
    let parse = |by: &SignedBy| {
        let key: Pubkey = by.attester.parse().map_err(|_| wrong(format!("\"{}\" is no key", by.attester)))?;
        let signature: [u8; 64] = by.signature.parse::<solana_signature::Signature>().unwrap_or_default().into();
        let made = ed25519_dalek::Signature::from_bytes(&signature);
        let verifies = |by: VerifyingKey| by.verify_strict(&statement.digest, &made).is_ok();
        if !VerifyingKey::from_bytes(&key.to_bytes()).is_ok_and(verifies) {
            return Err(wrong(format!("the signature of {key} does not verify")));
        }
        Ok((key.to_bytes(), signature))
    };
    signed.signatures.iter().map(parse).collect()
}
