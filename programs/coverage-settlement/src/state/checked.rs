use crate::ID;
use crate::constants::VERSION;
use crate::errors::CoverageError;
use anchor_lang::AccountView;
use anchor_lang::accounts::{HeaderOnly, Slab, SlabInit, SlabSchema};
use anchor_lang::prelude::*;
use bytemuck::{Pod, Zeroable};
use core::ops::{Deref, DerefMut};

/// Length of a discriminator.
const DISCRIMINATOR: usize = 8;

/// The header of an account of this program, in the one version it knows.
///
/// Anchor's own loading compares owner and discriminator, in line for every account of every instruction. This one checks
/// the version byte behind them as well, and is a function: the program would be a third larger otherwise.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Checked<T>(T);

// SAFETY: transparent over a type that is.
unsafe impl<T: Pod> Pod for Checked<T> {}
// SAFETY: as above.
unsafe impl<T: Zeroable> Zeroable for Checked<T> {}

/// An account of this program.
pub type Account<T> = Slab<Checked<T>, HeaderOnly>;

impl<T> Deref for Checked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Checked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Discriminator> Discriminator for Checked<T> {
    const DISCRIMINATOR: &'static [u8] = T::DISCRIMINATOR;
}

impl<T: Discriminator> SlabSchema for Checked<T> {
    const DATA_OFFSET: usize = DISCRIMINATOR;
    const MIN_DATA_LEN: usize = DISCRIMINATOR.saturating_add(size_of::<T>());

    #[inline(always)]
    fn validate(view: &AccountView, _data: &[u8]) -> Result<()> {
        check(view, kind(T::DISCRIMINATOR), Self::MIN_DATA_LEN)
    }
}

impl<T: Discriminator> SlabInit for Checked<T> {
    type Params<'a> = ();

    #[inline(always)]
    fn create_and_initialize<'a>(
        payer: &AccountView,
        account: &AccountView,
        space: usize,
        _params: &(),
        signer_seeds: Option<&[&[u8]]>,
        _payer_signer_seeds: Option<&[&[u8]]>,
    ) -> Result<()> {
        create(&New { payer, account, space, kind: kind(T::DISCRIMINATOR), seeds: signer_seeds })
    }
}

/// The first bytes of an account, as a number.
#[inline(always)]
fn kind(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[inline(never)]
fn check(view: &AccountView, expected: u64, least: usize) -> Result<()> {
    if !view.owned_by(&ID) {
        // What is not there belongs to the system program.
        let missing = view.lamports() == 0;
        return Err(if missing { Error::UninitializedAccount } else { Error::IllegalOwner });
    }
    // SAFETY: whoever loads the account asks before it takes a reference, and this one ends here.
    let data = unsafe { view.borrow_unchecked() };
    if data.len() < least {
        return Err(Error::AccountDataTooSmall);
    }
    if kind(data) != expected {
        return Err(Error::InvalidAccountData);
    }
    if data.get(DISCRIMINATOR) != Some(&VERSION) {
        return Err(CoverageError::UnknownVersion.into());
    }
    Ok(())
}

/// An account to be created. In one piece, because SBF passes five arguments at most.
struct New<'a> {
    payer: &'a AccountView,
    account: &'a AccountView,
    space: usize,
    kind: u64,
    seeds: Option<&'a [&'a [u8]]>,
}

/// Creates an account of [`VERSION`], whether or not somebody sent lamports to its address before.
#[inline(never)]
fn create(new: &New<'_>) -> Result<()> {
    anchor_lang::create_account_with_signers(new.payer, new.account, new.space, &ID, new.seeds, None)?;
    let mut view = *new.account;
    // SAFETY: the account was created just now: nothing else has a reference to its data.
    let data = unsafe { view.borrow_unchecked_mut() };
    let (kind, rest) = data.split_first_chunk_mut().ok_or(Error::AccountDataTooSmall)?;
    *kind = new.kind.to_le_bytes();
    *rest.first_mut().ok_or(Error::AccountDataTooSmall)? = VERSION;
    Ok(())
}

#[cfg(feature = "idl-build")]
#[doc(hidden)]
impl<T: anchor_lang::IdlAccountType> anchor_lang::IdlAccountType for Checked<T> {
    const __IDL_ACCOUNT_ENTRY: Option<&'static str> = T::__IDL_ACCOUNT_ENTRY;

    fn __idl_type_def() -> Option<&'static str> {
        T::__idl_type_def()
    }

    fn __register_idl_deps(accounts: &mut alloc::vec::Vec<&'static str>, types: &mut alloc::vec::Vec<&'static str>) {
        T::__register_idl_deps(accounts, types);
    }
}
