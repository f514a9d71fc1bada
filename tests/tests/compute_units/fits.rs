//! What fits one transaction, beside what the client sends in one.

use crate::bench::{Bench, most, settings};
use crate::challenges;
use crate::settlement::cells_a_claim;
use coverage_client::batch::{BatchOf, SIGNATURES_A_TRANSACTION, Statement, ed25519, sign};
use coverage_client::{instructions as ix, pda};
use coverage_math::attestation::Entry;
use coverage_settlement::constants::MAX_ATTESTERS;
use coverage_tests::{Operator, entry, member};
use solana_program::instruction::Instruction;
use solana_program::pubkey::Pubkey;

/// One kind of transaction.
pub struct Fit {
    /// What it has many of.
    pub what: &'static str,
    /// The most that fit.
    pub most: usize,
    /// As many as the client sends, or the protocol allows; `None` if that is left to the caller.
    pub needed: Option<usize>,
}

impl Fit {
    const fn new(what: &'static str, most: usize, needed: Option<usize>) -> Self {
        Self { what, most, needed }
    }
}

pub fn all() -> Vec<Fit> {
    let bench = Bench::new(1, settings());
    let mut fits = committee(&bench);
    fits.extend(uploads(&bench));
    fits.extend(signatures(&bench));
    fits.extend(cells(&bench));
    fits.push(slashed());
    fits
}

fn committee(bench: &Bench) -> Vec<Fit> {
    let (net, payer) = (&bench.world.net, bench.world.payer);
    let seats = |count: usize| {
        let members = (0..count as u8).map(|place| member(place, &net.attesters[0], 1)).collect();
        vec![ix::update_committee(net.authority, net.address, members)]
    };
    let sent = Some(ix::MEMBERS_A_TRANSACTION);
    vec![
        Fit::new("places in `update_committee`", most(&payer, 64, seats), sent),
        Fit::new("the same, paid by the authority", most(&net.authority, 64, seats), sent),
    ]
}

fn uploads(bench: &Bench) -> Vec<Fit> {
    const RECORD: usize = size_of::<Entry>();
    let (network, payer) = (bench.world.net.address, bench.world.payer);
    let workload = pda::workload(&network, 0);
    let batch = BatchOf { network, workload, epoch: 0, sequence: 0, generation: 1 };
    let statement = Statement::counts(batch, [1; 32], &[entry(0, [1; 7]); 100]);
    let open = |count: usize| {
        vec![ix::open_attestation(payer, network, statement.digest, statement.args, vec![0; count * RECORD])]
    };
    let address = statement.address(&payer);
    let extend = |count: usize| vec![ix::extend_attestation(payer, address, vec![0; count * RECORD])];
    let uploads = statement.upload(payer);
    let sent =
        |number: usize, empty: Vec<Instruction>| Some((uploads[number].data.len() - empty[0].data.len()) / RECORD);
    vec![
        Fit::new("entries in `open_attestation`", most(&payer, 64, open), sent(0, open(0))),
        Fit::new("entries in `extend_attestation`", most(&payer, 64, extend), sent(1, extend(0))),
    ]
}

fn signatures(bench: &Bench) -> Vec<Fit> {
    let (net, payer) = (&bench.world.net, bench.world.payer);
    let workload = pda::workload(&net.address, 0);
    let batch = BatchOf { network: net.address, workload, epoch: 0, sequence: 0, generation: 1 };
    let statement = Statement::counts(batch, [1; 32], &[entry(0, [1; 7])]);
    let endorse = |count: usize| {
        let signatures = vec![sign(&net.attesters[0], &statement.digest); count];
        let endorse = ix::endorse(net.address, statement.address(&payer), 0);
        vec![ed25519(&signatures, &statement.digest), endorse]
    };
    let apply = |count| [endorse(count), vec![statement.apply(payer)]].concat();
    let all = |count| [apply(count), statement.upload(payer)].concat(); // the order does not matter for the size
    let sent = Some(SIGNATURES_A_TRANSACTION);
    vec![
        Fit::new("signatures with `endorse`", most(&payer, 64, endorse), sent),
        Fit::new("signatures with `endorse` and `apply_batch`", most(&payer, 64, apply), None),
        Fit::new(
            "signatures with `open_attestation` of 1 entry, `endorse` and `apply_batch`",
            most(&payer, 64, all),
            None,
        ),
    ]
}

fn cells(bench: &Bench) -> Vec<Fit> {
    let (net, payer) = (&bench.world.net, bench.world.payer);
    let [account, payout] = [[1; 32], [2; 32]].map(Pubkey::from);
    let operator = Operator { wallet: payer, account, source: payer, payout };
    let workloads = |count: usize| (0..count as u64).map(|id| pda::workload(&net.address, id)).collect::<Vec<_>>();
    let claim = |count| {
        let slots: Vec<_> = workloads(count).into_iter().map(|workload| (workload, 0)).collect();
        vec![bench.claim(&operator, &slots)]
    };
    let close = |count| vec![ix::close_epoch(payer, net.address, 0, &workloads(count))];
    let trim = |count| vec![ix::trim_cell(payer, &workloads(count))];
    vec![
        Fit::new("cells in `claim_rewards`", most(&payer, 64, claim), Some(cells_a_claim())),
        Fit::new("cells in `close_epoch`", most(&payer, 64, close), None),
        Fit::new("wallets in `trim_cell`", most(&payer, 64, trim), None),
    ]
}

/// More than its size limits what a challenge can do: a transaction has at most 64 instructions, events included.
fn slashed() -> Fit {
    Fit::new(
        "attesters slashed by `challenge_batch` (64 instructions)",
        challenges::most_slashed() as usize,
        Some(MAX_ATTESTERS),
    )
}
