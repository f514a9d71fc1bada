//! Accounts that no transaction could leave behind: how else to reach the checks against them?

use anchor_lang::Discriminator;
use bytemuck::{Pod, Zeroable, bytes_of, cast_slice, from_bytes_mut};
use coverage_client::accounts;
use coverage_client::embedded::Embedded;
use coverage_math::cell::{FREE, Slot};
use coverage_settlement::state::{Cell, items_for};
use solana_account::Account;
use solana_program::pubkey::Pubkey;

/// Writes accounts of the VM directly.
pub struct Forge<'a>(pub &'a mut Embedded);

impl Forge<'_> {
    fn write(&mut self, address: &Pubkey, edit: impl FnOnce(&mut Account)) {
        let mut account = self.0.svm.get_account(address).expect("an account to forge");
        edit(&mut account);
        let rent = self.0.svm.minimum_balance_for_rent_exemption(account.data.len());
        account.lamports = account.lamports.max(rent);
        self.0.svm.set_account(*address, account).unwrap();
    }

    /// Edits the header of an account.
    pub fn header<T: Pod + Discriminator>(&mut self, address: &Pubkey, edit: impl FnOnce(&mut T)) {
        self.write(address, |account| {
            let bytes = &mut account.data[8..8 + size_of::<T>()];
            edit(from_bytes_mut(bytes));
        });
    }

    /// Edits the raw bytes of an account.
    pub fn bytes(&mut self, address: &Pubkey, edit: impl FnOnce(&mut Vec<u8>)) {
        self.write(address, |account| edit(&mut account.data));
    }

    /// Gives an address lamports, as anybody could by a transfer.
    pub fn lamports(&mut self, address: &Pubkey, lamports: u64) {
        let mut account = self.0.svm.get_account(address).unwrap_or_default();
        account.lamports = lamports;
        self.0.svm.set_account(*address, account).unwrap();
    }

    /// Replaces header and items of an account with a tail.
    pub fn tail<H: Pod, T: Pod>(&mut self, address: &Pubkey, header: &H, items: &[T]) {
        self.write(address, |account| {
            account.data.truncate(8);
            account.data.extend(bytes_of(header));
            account.data.extend((items.len() as u32).to_le_bytes());
            account.data.extend([0; 4]);
            account.data.extend(cast_slice::<T, u8>(items));
        });
    }

    /// Replaces the slots of a cell, with room for its scratch, and edits its header.
    pub fn slots(&mut self, address: &Pubkey, slots: &[Slot], edit: impl FnOnce(&mut Cell)) {
        let data = self.0.svm.get_account(address).unwrap().data;
        let (mut cell, _) = accounts::cell(address, &data).unwrap();
        cell.slots = slots.len() as u16;
        cell.free = slots.iter().filter(|slot| slot.state == FREE).count() as u64;
        edit(&mut cell);
        let mut items = slots.to_vec();
        items.resize(items_for(slots.len()), Slot::zeroed());
        self.tail(address, &cell, &items);
    }
}
