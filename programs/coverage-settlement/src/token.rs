//! Tokens in and out of the vault.
//!
//! Handlers pass the accounts and say how many; which accounts they must be is checked here, in one place each for what comes
//! in and what goes out. Calls are built on the stack: Anchor's builders take their way over vectors, for thousands of
//! compute units and 20 kB more.

use crate::errors::CoverageError;
use crate::state::{Account, NETWORK_SEED, Network};
use anchor_lang::cpi::InstructionAccount;
use anchor_lang::prelude::*;
use anchor_lang::{AccountView, address_eq, unchecked_invoke_signed_fixed};

/// SPL Token.
pub const TOKEN_PROGRAM: Address = anchor_lang::address!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Token-2022.
pub const TOKEN_2022_PROGRAM: Address = anchor_lang::address!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
/// The associated token account program.
pub const ASSOCIATED_TOKEN_PROGRAM: Address = anchor_lang::address!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// Bytes of a mint without extensions; where its decimals are, and whether it is initialised.
const MINT_BYTES: usize = 82;
const DECIMALS_AT: usize = 44;
const INITIALIZED_AT: usize = 45;
/// Bytes of a token account. A mint with extensions is as long before they begin, behind a byte that says that it is a mint.
pub const TOKEN_ACCOUNT_BYTES: usize = 165;
const ACCOUNT_TYPE_MINT: u8 = 1;
/// Bytes of a multisig of either program; no mint has as many.
const MULTISIG_BYTES: usize = 355;

/// The decimals of a mint that a network can live with.
///
/// Every extension of Token-2022 must be known not to stand between the vault and those it pays; all others are refused, each
/// by its name. Extensions are fixed when a mint is initialised, but a mint without supply and with a close authority may be
/// closed and made anew: that is why every deposit asks again.
pub fn check_mint(owner: &Address, data: &[u8]) -> Result<u8> {
    let extended = address_eq(owner, &TOKEN_2022_PROGRAM);
    require!(extended || address_eq(owner, &TOKEN_PROGRAM), CoverageError::InvalidMint);
    let (decimals, initialized) = (data.get(DECIMALS_AT), data.get(INITIALIZED_AT));
    let decimals = *decimals.filter(|_| initialized == Some(&1)).ok_or(CoverageError::InvalidMint)?;
    if data.len() == MINT_BYTES {
        return Ok(decimals);
    }
    // The bytes of a multisig are whatever its signers' keys are: only its length tells it from a mint.
    require!(data.len() != MULTISIG_BYTES, CoverageError::InvalidMint);
    // A token account is as long as this, or longer, but has another byte here.
    let extensions = data.get(TOKEN_ACCOUNT_BYTES..).and_then(<[u8]>::split_first);
    let (account_type, mut rest) = extensions.ok_or(CoverageError::InvalidMint)?;
    require!(extended && *account_type == ACCOUNT_TYPE_MINT, CoverageError::InvalidMint);
    // Type, length and value of each; a type of zero ends the list.
    while let Some(([low, high], tail)) = rest.split_first_chunk().filter(|(kind, _)| **kind != [0, 0]) {
        check_extension(u16::from_le_bytes([*low, *high]))?;
        let (length, tail) = tail.split_first_chunk().ok_or(CoverageError::InvalidMint)?;
        rest = tail.get(usize::from(u16::from_le_bytes(*length))..).ok_or(CoverageError::InvalidMint)?;
    }
    Ok(decimals)
}

/// Numbers are those of Token-2022's `ExtensionType`.
fn check_extension(kind: u16) -> Result<()> {
    Err(match kind {
        // Close authority, interest-bearing amounts (for display), and pointers to metadata and groups or these themselves.
        3 | 10 | 18..=23 => return Ok(()),
        1 => CoverageError::MintHasTransferFee,
        4 => CoverageError::MintHasConfidentialTransfer,
        6 => CoverageError::MintHasDefaultAccountState,
        9 => CoverageError::MintIsNonTransferable,
        12 => CoverageError::MintHasPermanentDelegate,
        14 => CoverageError::MintHasTransferHook,
        16 => CoverageError::MintHasConfidentialTransferFee,
        24 => CoverageError::MintHasConfidentialMintBurn,
        25 => CoverageError::MintHasScaledUiAmount,
        26 => CoverageError::MintIsPausable,
        28 => CoverageError::MintHasPermissionedBurn,
        _ => CoverageError::MintHasUnknownExtension,
    }
    .into())
}

/// Initialises the vault, an account of [`TOKEN_ACCOUNT_BYTES`] bytes.
pub fn initialize_vault(program: &Address, vault: CpiHandleMut<'_>, mint: CpiHandle<'_>, owner: &Address) {
    /// `InitializeAccount3` of both token programs.
    const INITIALIZE_ACCOUNT_3: u8 = 18;
    let mut data = [INITIALIZE_ACCOUNT_3; 33];
    for (byte, owner) in data.iter_mut().skip(1).zip(owner.as_array()) {
        *byte = *owner;
    }
    let metas = [InstructionAccount::writable(vault.address()), InstructionAccount::readonly(mint.address())];
    unchecked_invoke_signed_fixed(program, &data, &metas, &[vault.into(), mint], &[]);
}

/// What a deposit takes.
pub struct Deposit<'a> {
    /// The network.
    pub network: &'a Account<Network>,
    /// The network's mint.
    pub mint: &'a UncheckedAccount,
    /// The network's vault.
    pub vault: &'a mut UncheckedAccount,
    /// The network's token program.
    pub token_program: &'a UncheckedAccount,
    /// Where the tokens come from.
    pub source: &'a mut UncheckedAccount,
    /// Signs for them.
    pub authority: &'a Signer,
}

impl Deposit<'_> {
    /// Moves tokens into the vault.
    #[inline(never)]
    pub fn take(self, amount_units: u64) -> Result<()> {
        require!(amount_units > 0, CoverageError::ZeroAmount);
        check_accounts(self.network, self.mint, self.vault, self.token_program)?;
        let mint = self.mint.account();
        let owner = &self.network.token_program;
        require!(mint.owned_by(owner), CoverageError::InvalidMint);
        // SAFETY: nobody holds a reference to the data of an account that is passed on unchecked.
        check_mint(owner, unsafe { mint.borrow_unchecked() })?;
        let transfer = Transfer {
            from: self.source.cpi_handle_mut(),
            mint: self.mint.cpi_handle(),
            to: self.vault.cpi_handle_mut(),
            authority: self.authority.cpi_handle(),
        };
        transfer.invoke(self.network, amount_units, &[]);
        Ok(())
    }
}

/// What a payment takes.
pub struct Payment<'a> {
    /// The network.
    pub network: &'a Account<Network>,
    /// The network's mint.
    pub mint: &'a UncheckedAccount,
    /// The network's vault.
    pub vault: &'a mut UncheckedAccount,
    /// The network's token program.
    pub token_program: &'a UncheckedAccount,
    /// Pays for the token account if it has to be created.
    pub payer: AccountView,
    /// Who is paid; may be the payer.
    pub owner: AccountView,
    /// Its associated token account.
    pub account: &'a mut UncheckedAccount,
    /// The associated token account program.
    pub associated_token_program: &'a UncheckedAccount,
    /// The system program.
    pub system_program: &'a Program<System>,
}

impl Payment<'_> {
    /// Moves tokens out of the vault, to the owner's associated token account, which is created if it is missing.
    #[inline(never)]
    pub fn give(mut self, amount_units: u64) -> Result<()> {
        check_accounts(self.network, self.mint, self.vault, self.token_program)?;
        let program = self.associated_token_program.address();
        require!(address_eq(program, &ASSOCIATED_TOKEN_PROGRAM), CoverageError::WrongTokenProgram);
        let seeds: [&[u8]; 3] =
            [self.owner.address().as_ref(), self.token_program.address().as_ref(), self.mint.address().as_ref()];
        let (expected, _) = anchor_lang::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM);
        require!(address_eq(self.account.address(), &expected), CoverageError::WrongPayoutAccount);
        if amount_units == 0 {
            return Ok(());
        }
        if self.account.account().data_len() == 0 {
            self.create_account();
        }
        let (id, bump) = (self.network.id.to_le_bytes(), [self.network.bump]);
        let transfer = Transfer {
            from: self.vault.cpi_handle_mut(),
            mint: self.mint.cpi_handle(),
            to: self.account.cpi_handle_mut(),
            authority: self.network.cpi_handle(),
        };
        transfer.invoke(self.network, amount_units, &[&[NETWORK_SEED, &id, &bump]]);
        Ok(())
    }

    fn create_account(&mut self) {
        /// `CreateIdempotent` of the associated token program.
        const CREATE_IDEMPOTENT: u8 = 1;
        let handles = [
            CpiHandle::writable(&mut self.payer),
            self.account.cpi_handle_mut().into(),
            CpiHandle::readonly(&self.owner),
            self.mint.cpi_handle(),
            self.system_program.cpi_handle(),
            self.token_program.cpi_handle(),
        ];
        let [payer, account, owner, mint, system, token] = handles.each_ref().map(CpiHandle::address);
        let metas = [
            InstructionAccount::writable_signer(payer),
            InstructionAccount::writable(account),
            InstructionAccount::readonly(owner),
            InstructionAccount::readonly(mint),
            InstructionAccount::readonly(system),
            InstructionAccount::readonly(token),
        ];
        unchecked_invoke_signed_fixed(&ASSOCIATED_TOKEN_PROGRAM, &[CREATE_IDEMPOTENT], &metas, &handles, &[]);
    }
}

/// Fails unless these are the network's.
fn check_accounts(
    network: &Network,
    mint: &UncheckedAccount,
    vault: &UncheckedAccount,
    token_program: &UncheckedAccount,
) -> Result<()> {
    require!(address_eq(&network.mint, mint.address()), CoverageError::WrongMint);
    require!(address_eq(&network.vault, vault.address()), CoverageError::WrongVault);
    require!(address_eq(&network.token_program, token_program.address()), CoverageError::WrongTokenProgram);
    Ok(())
}

/// A transfer out of `from` into `to`, signed by `authority` or by its seeds.
struct Transfer<'a> {
    from: CpiHandleMut<'a>,
    mint: CpiHandle<'a>,
    to: CpiHandleMut<'a>,
    authority: CpiHandle<'a>,
}

impl Transfer<'_> {
    /// Moves tokens, checked against the mint's decimals.
    fn invoke(self, network: &Network, amount_units: u64, seeds: &[&[&[u8]]]) {
        /// `TransferChecked` of both token programs.
        const TRANSFER_CHECKED: u8 = 12;
        let [a, b, c, d, e, f, g, h] = amount_units.to_le_bytes();
        let metas = [
            InstructionAccount::writable(self.from.address()),
            InstructionAccount::readonly(self.mint.address()),
            InstructionAccount::writable(self.to.address()),
            InstructionAccount::readonly_signer(self.authority.address()),
        ];
        let handles = [self.from.into(), self.mint, self.to.into(), self.authority];
        let data = [TRANSFER_CHECKED, a, b, c, d, e, f, g, h, network.decimals];
        // Nothing here holds a reference into the accounts' data during the call, which is what the unchecked invocation asks.
        unchecked_invoke_signed_fixed(&network.token_program, &data, &metas, &handles, seeds);
    }
}
