//! Account bytes, as the client and the auditor read them.

use anchor_lang::Discriminator;
use bytemuck::{Pod, bytes_of, cast_slice};
use coverage_client::{accounts, audit};
use coverage_math::attestation::Entry;
use coverage_math::cell::Slot;
use coverage_settlement::constants::VERSION;
use coverage_settlement::state::{
    Attestation, AttestationAccount, BatchLog, BatchLogAccount, BatchRecord, Cell, CellAccount, Committee, Epoch,
    Network, Operator, Workload,
};
use solana_program::pubkey::Pubkey;

const ADDRESS: Pubkey = Pubkey::new_from_array([1; 32]);

/// A header is read from what has its number, the one version, and its length; and it is these bytes.
fn header<T: Pod + Discriminator>(data: &[u8]) {
    let length = 8 + size_of::<T>();
    let valid = data.starts_with(T::DISCRIMINATOR) && data.len() >= length && data[8] == VERSION;
    let read = accounts::header::<T>(&ADDRESS, data);
    assert_eq!(read.is_ok(), valid);
    if let Ok(read) = read {
        assert_eq!(bytes_of(&read), &data[8..length]);
    }
}

/// As many items are read as the account says, from where the program puts them; none if they are not all there.
fn items<H: Pod + Discriminator, T: Pod>(data: &[u8], read: Option<&[T]>, space: impl Fn(u32) -> Option<usize>) {
    let Ok(_) = accounts::header::<H>(&ADDRESS, data) else {
        assert!(read.is_none());
        return;
    };
    let length = data.get(8 + size_of::<H>()..).and_then(|rest| rest.first_chunk());
    let length = length.map(|bytes| u32::from_le_bytes(*bytes));
    let end = length.and_then(space).filter(|end| *end <= data.len());
    assert_eq!(read.is_some(), end.is_some());
    if let (Some(read), Some(end)) = (read, end) {
        assert_eq!(read.len(), length.unwrap_or_default() as usize);
        assert_eq!(cast_slice::<T, u8>(read), &data[end - size_of_val(read)..end]);
    }
}

fn compare(data: &[u8]) {
    header::<Network>(data);
    header::<Committee>(data);
    header::<Epoch>(data);
    header::<Workload>(data);
    header::<Operator>(data);
    header::<Cell>(data);
    header::<Attestation>(data);
    header::<BatchLog>(data);
    let log = accounts::log(&ADDRESS, data).ok();
    let records = log.as_ref().map(|(_, records)| records.as_slice());
    items::<BatchLog, BatchRecord>(data, records, |items| BatchLogAccount::try_space_for(items).ok());
    let attestation = accounts::attestation(&ADDRESS, data).ok();
    let entries = attestation.as_ref().map(|(_, entries)| entries.as_slice());
    items::<Attestation, Entry>(data, entries, |items| AttestationAccount::try_space_for(items).ok());
    if let Ok((cell, slots)) = accounts::cell(&ADDRESS, data) {
        audit_cell(data, &cell, &slots);
    }
}

/// A cell's slots are its first items; the auditor finds words for whatever is in them.
fn audit_cell(data: &[u8], cell: &Cell, slots: &[Slot]) {
    assert!(slots.len() <= usize::from(cell.slots));
    let first = CellAccount::try_space_for(0).unwrap_or(usize::MAX);
    assert!(data[first..].starts_with(cast_slice(slots)));
    let (settled, differences) = audit::settlement(cell, slots);
    assert!(settled <= slots.len());
    for difference in differences {
        assert!(!difference.to_string().is_empty());
    }
    if let Some(payer) = accounts::free_slot(slots) {
        assert!(slots.iter().any(|slot| slot.operator == payer.to_bytes()));
    }
}

/// What is read of an account is what its bytes say, and the auditor survives any of it.
pub fn check(data: &[u8]) {
    compare(data);
    // The number and the version are hard to guess: the first byte stands for them.
    if let Some((kind, rest)) = data.split_first() {
        let kinds = [Cell::DISCRIMINATOR, Attestation::DISCRIMINATOR, BatchLog::DISCRIMINATOR, Network::DISCRIMINATOR];
        compare(&[kinds[usize::from(*kind) % kinds.len()], &[VERSION], rest].concat());
    }
}

fn seed<H: Pod + Discriminator>(kind: u8, header: H, items: &[u8], count: u32, space: usize) -> [Vec<u8>; 2] {
    let mut header = bytes_of(&header).to_vec();
    header[0] = VERSION;
    let head = [H::DISCRIMINATOR, &header, &count.to_le_bytes()].concat();
    let gap = vec![0; space - head.len() - items.len()];
    let whole = [head, gap, items.to_vec()].concat();
    let short = [&[kind], &whole[9..]].concat();
    [whole, short]
}

/// A settled cell of three slots, an attestation and a log.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut slots = [Slot::new([7; 32], 5, 1, 0), Slot::new([8; 32], 5, 1, 0), Slot::free([9; 32])];
    let mut cell: Cell = bytemuck::Zeroable::zeroed();
    (cell.slots, cell.last.slots, cell.settlements) = (3, 3, 1);
    (cell.last.pool, cell.last.z_milli, cell.last.breach_bps) = (1_000, 1_645, 10_000);
    for slot in &mut slots {
        (slot.settled_tally, slot.settled_bond, slot.settled_domain, slot.reason) = ([9, 1, 0, 0, 0, 0, 0], 5, 1, 1);
    }
    let space = |items| CellAccount::try_space_for(items).unwrap_or_default();
    let cell = seed(0, cell, cast_slice(&slots), 3, space(3));
    assert!(accounts::cell(&ADDRESS, &cell[0]).is_ok_and(|(cell, slots)| audit::settlement(&cell, &slots).0 == 3));
    let attestation: Attestation = bytemuck::Zeroable::zeroed();
    let attestation = seed(1, attestation, &[1; 64], 2, AttestationAccount::try_space_for(2).unwrap_or_default());
    assert!(accounts::attestation(&ADDRESS, &attestation[0]).is_ok_and(|(_, entries)| entries.len() == 2));
    let log: BatchLog = bytemuck::Zeroable::zeroed();
    let records = vec![1; 2 * size_of::<BatchRecord>()];
    let log = seed(2, log, &records, 2, BatchLogAccount::try_space_for(2).unwrap_or_default());
    assert!(accounts::log(&ADDRESS, &log[0]).is_ok_and(|(_, records)| records.len() == 2));
    [cell, attestation, log].concat()
}
