//! Methods that read accounts.

use super::{Call, Failure, to_json};
use crate::pda;
use serde_json::{Value, json};
use solana_account::Account;
use solana_account_decoder::encode_ui_account;
use solana_account_decoder::parse_account_data::SplTokenAdditionalDataV2;
use solana_account_decoder::parse_token::token_amount_to_ui_amount_v3;
use solana_account_decoder_client_types::{UiAccount, UiAccountEncoding};
use solana_program::program_pack::Pack;
use solana_program::pubkey::Pubkey;
use solana_rpc_client_api::config::{RpcAccountInfoConfig, RpcProgramAccountsConfig};
use solana_rpc_client_api::filter::RpcFilterType;
use solana_rpc_client_api::request::{MAX_GET_PROGRAM_ACCOUNT_FILTERS, MAX_MULTIPLE_ACCOUNTS};
use spl_token_interface::state::{Account as TokenAccount, Mint};

/// Agave's limit for `getMinimumBalanceForRentExemption` and for accounts: 10 MiB.
const MAX_ACCOUNT_BYTES: usize = 10 * 1_024 * 1_024;

impl Call<'_> {
    /// An account; one without lamports is none.
    fn account(&self, address: &Pubkey) -> Option<Account> {
        self.chain.svm.get_account(address).filter(|account| account.lamports > 0)
    }

    pub(super) fn account_info(&self) -> Result<Value, Failure> {
        let address = self.parsed(0)?;
        let config = self.param::<Option<RpcAccountInfoConfig>>(1)?.unwrap_or_default();
        let account = self.account(&address).map(|account| encode(&address, &account, &config)).transpose()?;
        Ok(self.with_context(to_json(&account)?))
    }

    pub(super) fn multiple_accounts(&self) -> Result<Value, Failure> {
        let addresses: Vec<String> = self.param(0)?;
        if addresses.len() > MAX_MULTIPLE_ACCOUNTS {
            return Err(Failure::invalid(format!("Too many inputs provided; max {MAX_MULTIPLE_ACCOUNTS}")));
        }
        let config = self.param::<Option<RpcAccountInfoConfig>>(1)?.unwrap_or_default();
        let found = addresses.iter().map(|address| {
            let address = address.parse().map_err(|_| Failure::invalid(format!("Invalid param: {address}")))?;
            self.account(&address).map(|account| encode(&address, &account, &config)).transpose()
        });
        Ok(self.with_context(to_json(&found.collect::<Result<Vec<_>, _>>()?)?))
    }

    pub(super) fn program_accounts(&self) -> Result<Value, Failure> {
        let program = self.parsed(0)?;
        let config = self.param::<Option<RpcProgramAccountsConfig>>(1)?.unwrap_or_default();
        let filters = config.filters.unwrap_or_default();
        if filters.len() > MAX_GET_PROGRAM_ACCOUNT_FILTERS {
            return Err(Failure::invalid(format!("Too many filters provided; max {MAX_GET_PROGRAM_ACCOUNT_FILTERS}")));
        }
        for filter in &filters {
            filter.verify().map_err(|error| Failure::invalid(format!("Invalid param: {error}")))?;
        }
        let matches = |account: &Account| filters.iter().all(|filter| passes(filter, account));
        let mut found = self.chain.svm.get_program_accounts(&program);
        found.retain(|(_, account)| account.lamports > 0 && matches(account));
        found.sort_unstable_by_key(|(address, _)| *address);
        let encoded = found.iter().map(|(address, account)| {
            let account = encode(address, account, &config.account_config)?;
            Ok(json!({ "pubkey": address.to_string(), "account": to_json(&account)? }))
        });
        let encoded = Value::Array(encoded.collect::<Result<_, _>>()?);
        Ok(if config.with_context == Some(true) { self.with_context(encoded) } else { encoded })
    }

    pub(super) fn balance(&self) -> Result<Value, Failure> {
        let balance = self.chain.svm.get_balance(&self.parsed(0)?).unwrap_or(0);
        Ok(self.with_context(json!(balance)))
    }

    pub(super) fn minimum_balance(&self) -> Result<Value, Failure> {
        let bytes: usize = self.param(0)?;
        if bytes > MAX_ACCOUNT_BYTES {
            return Err(Failure::invalid(format!("Invalid param: {bytes} is more than {MAX_ACCOUNT_BYTES} bytes")));
        }
        Ok(json!(self.chain.svm.minimum_balance_for_rent_exemption(bytes)))
    }

    pub(super) fn token_account_balance(&self) -> Result<Value, Failure> {
        let missing = |what: &str| Failure::invalid(format!("Invalid param: {what}"));
        let account = self.account(&self.parsed(0)?).ok_or(missing("could not find account"))?;
        if ![pda::TOKEN_PROGRAM, pda::TOKEN_2022_PROGRAM].contains(&account.owner) {
            return Err(missing("not a Token account"));
        }
        let base = account.data.get(..TokenAccount::LEN).and_then(|base| TokenAccount::unpack(base).ok());
        let token = base.ok_or(missing("not a Token account"))?;
        let mint = self.account(&token.mint).ok_or(missing("could not find mint"))?;
        let mint = mint.data.get(..Mint::LEN).and_then(|base| Mint::unpack(base).ok());
        let mint = mint.ok_or(missing("not a Token mint"))?;
        let scale = SplTokenAdditionalDataV2::with_decimals(mint.decimals);
        Ok(self.with_context(to_json(&token_amount_to_ui_amount_v3(token.amount, &scale))?))
    }
}

fn passes(filter: &RpcFilterType, account: &Account) -> bool {
    match filter {
        RpcFilterType::DataSize(bytes) => account.data.len() as u64 == *bytes,
        RpcFilterType::Memcmp(compare) => compare.bytes_match(&account.data),
        RpcFilterType::TokenAccountState => account.data.len() >= TokenAccount::LEN,
    }
}

fn encode(address: &Pubkey, account: &Account, config: &RpcAccountInfoConfig) -> Result<UiAccount, Failure> {
    let encoding = config.encoding.unwrap_or(UiAccountEncoding::Binary);
    let length = config.data_slice.map_or(account.data.len(), |slice| slice.length);
    if matches!(encoding, UiAccountEncoding::Binary | UiAccountEncoding::Base58) && length > 128 {
        let message = "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.";
        return Err(Failure::invalid(message));
    }
    Ok(encode_ui_account(address, account, encoding, None, config.data_slice))
}
