//! What becomes of every substitution: `-` where there is none, `ok` where it is as good as the original.
//!
//! Columns:
//! 1. **foreign**: the same thing of a second network; another signer; another program or sysvar
//! 2. **sibling**: the same thing of a third network, or of another workload, operator, epoch, payer or authority
//! 3. **system**: a wallet with nothing but lamports and tokens (that signs where a signature is asked for)
//! 4. **kind**: an account of the program of another kind: a committee, and in place of committees a cell
//! 5. **copy**: the account byte for byte, at another address, of another owner
//! 6. **unsigned**: the account without its signature
//! 7. **read-only**: the account not writable
//! 8. **version**: the account itself with another version byte
//!
//! Nobody checks `program`, the last of the declared accounts. Events are calls of the program to itself, and the runtime
//! refuses a call to a program that the instruction does not name (`MissingAccount`). An instruction with nothing to tell takes
//! any account there.
//!
//! Some errors are not the program's and could be clearer. An account that is to be written has its length checked before its
//! owner, so a wallet there is `AccountDataTooSmall` and not `IllegalOwner`. A signer that is to be written and is not writable
//! lacks its `MissingRequiredSignature`; an account to be created or paid that is not writable fails where it is
//! (`PrivilegeEscalation`, `ReadonlyLamportChange`); a token account that the token program does not own fails when it writes it
//! (`ExternalAccountDataModified`).

/// The outcome of each column for an account.
pub type Row = (&'static str, [&'static str; 8]);

/// Every account of every instruction, in the SDK's order.
#[rustfmt::skip]
pub const TABLE: &[(&str, &[Row])] = &[
    // Anyone may found a network, of any mint.
    ("create_network", &[
        ("authority", ["ok", "-", "ok", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation", "-"]),
        ("committee", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation", "-"]),
        ("mint", ["ok", "-", "WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-"]),
        ("vault", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // The second network has the same authority and guardian, who may as well do it there.
    ("propose_authority", &[
        ("authority", ["NotAuthority", "-", "NotAuthority", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["ok", "NotAuthority", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("accept_authority", &[
        ("pending", ["NotPendingAuthority", "-", "NotPendingAuthority", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["ok", "NotPendingAuthority", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("set_guardian", &[
        ("authority", ["NotAuthority", "-", "NotAuthority", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["ok", "NotAuthority", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("propose_config", &[
        ("authority", ["NotAuthority", "-", "NotAuthority", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["ok", "NotAuthority", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("pause", &[
        ("guardian", ["NotGuardian", "NotGuardian", "NotGuardian", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["ok", "NotGuardian", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // The sibling is the authority, which may end a pause but not begin one.
    ("unpause", &[
        ("signer", ["NotGuardian", "ok", "NotGuardian", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["ok", "NotGuardian", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("update_committee", &[
        ("authority", ["NotAuthority", "-", "NotAuthority", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "NotAuthority", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // Anyone may give, but only what is theirs: the token program says whose `source` is.
    ("add_attester_bond", &[
        ("funder", ["OwnerMismatch", "-", "OwnerMismatch", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("source", ["MintMismatch", "OwnerMismatch", "InvalidAccountData", "-", "ExternalAccountDataModified", "-", "ConstraintMut", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // The attester is in both committees. The authority may act for it only once it has no weight.
    ("unbond_attester", &[
        ("signer", ["WrongWallet", "WrongWallet", "WrongWallet", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // Anyone may push a withdrawal and pay for the token account.
    ("withdraw_attester_bond", &[
        ("payer", ["ok", "-", "ok", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("attester", ["WrongWallet", "WrongWallet", "WrongWallet", "-", "-", "-", "-", "-"]),
        ("attester_account", ["WrongPayoutAccount", "WrongPayoutAccount", "WrongPayoutAccount", "-", "-", "-", "ConstraintMut", "-"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("associated_token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // A workload of another network has the seeds of another network.
    ("register_workload", &[
        ("authority", ["NotAuthority", "-", "NotAuthority", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["InvalidSeeds", "InvalidSeeds", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("workload", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation", "-"]),
        ("cell", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation", "-"]),
        ("log", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("set_workload_weight", &[
        ("authority", ["NotAuthority", "-", "NotAuthority", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "NotAuthority", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // The third network has the same mint.
    ("fund_treasury", &[
        ("funder", ["OwnerMismatch", "-", "OwnerMismatch", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongMint", "WrongVault", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("source", ["MintMismatch", "OwnerMismatch", "InvalidAccountData", "-", "ExternalAccountDataModified", "-", "ConstraintMut", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("sponsor_workload", &[
        ("sponsor", ["OwnerMismatch", "-", "OwnerMismatch", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("source", ["MintMismatch", "OwnerMismatch", "InvalidAccountData", "-", "ExternalAccountDataModified", "-", "ConstraintMut", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("close_cell", &[
        ("workload", ["WrongWorkload", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("log", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "-", "ConstraintMut", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // The wallet is in the operator's seeds.
    ("register_operator", &[
        ("wallet", ["InvalidSeeds", "-", "InvalidSeeds", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["InvalidSeeds", "InvalidSeeds", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("operator", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation", "-"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("source", ["MintMismatch", "OwnerMismatch", "InvalidAccountData", "-", "ExternalAccountDataModified", "-", "ConstraintMut", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("add_bond", &[
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "WrongWallet", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("source", ["MintMismatch", "OwnerMismatch", "InvalidAccountData", "-", "ExternalAccountDataModified", "-", "ConstraintMut", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("unbond", &[
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "WrongWallet", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("sync_slot", &[
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "NotYourSlot", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongNetwork", "NotYourSlot", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("withdraw_bond", &[
        ("payer", ["ok", "-", "ok", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "WrongWallet", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "-", "-", "-"]),
        ("wallet_account", ["WrongPayoutAccount", "WrongPayoutAccount", "WrongPayoutAccount", "-", "WrongPayoutAccount", "-", "ConstraintMut", "-"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("associated_token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // The wallet's operator in the second network is its own too.
    ("retire_operator", &[
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("operator", ["ok", "WrongWallet", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("commit_capabilities", &[
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "WrongWallet", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // The refund goes to who paid for the free slot, and to nobody else.
    ("enroll", &[
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "WrongWallet", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
        ("refund", ["WrongRefund", "-", "WrongRefund", "-", "-", "-", "PrivilegeEscalation", "-"]),
    ]),
    // The second network's cell ends with a free slot of the same payer: anyone may trim it.
    ("trim_cell", &[
        ("cell", ["ok", "SlotInUse", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
        ("payer", ["WrongRefund", "-", "WrongRefund", "-", "-", "-", "ReadonlyLamportChange", "-"]),
    ]),
    ("leave_cell", &[
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "MissingRequiredSignature", "-", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "WrongWallet", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongNetwork", "NotYourSlot", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("release_slot", &[
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "NotYourSlot", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("slash_operator", &[
        ("network", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "NotYourSlot", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("cell", ["WrongNetwork", "NotYourSlot", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("sweep_cell", &[
        ("network", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // Anyone may open the epoch that is due and pay for it.
    ("open_epoch", &[
        ("payer", ["ok", "-", "ok", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["InvalidSeeds", "InvalidSeeds", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("epoch", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // The payer is in the attestation's seeds.
    ("open_attestation", &[
        ("payer", ["InvalidSeeds", "-", "InvalidSeeds", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["InvalidSeeds", "InvalidSeeds", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("attestation", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
    ]),
    // An attestation of the same payer is the payer's to extend or close, whatever its network: the foreign one is complete.
    ("extend_attestation", &[
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("attestation", ["InvalidChunk", "WrongPayer", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
    ]),
    ("close_attestation", &[
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("attestation", ["ok", "WrongPayer", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
    ]),
    // The foreign sysvar is the clock.
    ("endorse", &[
        ("attestation", ["WrongNetwork", "WrongMessage", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("instructions", ["WrongInstructionsSysvar", "-", "WrongInstructionsSysvar", "-", "-", "-", "-", "-"]),
    ]),
    ("apply_batch", &[
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("epoch", ["WrongNetwork", "WrongEpoch", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("log", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("attestation", ["WrongNetwork", "WrongPayer", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "-", "ConstraintMut", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("apply_failure_domain", &[
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "WrongSubject", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("attestation", ["WrongNetwork", "WrongSubject", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "-", "ConstraintMut", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // Entries and evidence count by their bytes, whoever uploaded them and wherever: the foreign ones are the same.
    ("challenge_batch", &[
        ("challenger", ["WrongPayoutAccount", "-", "WrongPayoutAccount", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("committee", ["WrongNetwork", "WrongNetwork", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("epoch", ["WrongNetwork", "WrongEpoch", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongNetwork", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("log", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("entries", ["ok", "WrongEntries", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("evidence", ["ok", "NotInBatch", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("challenger_account", ["WrongPayoutAccount", "WrongPayoutAccount", "WrongPayoutAccount", "-", "WrongPayoutAccount", "-", "ConstraintMut", "-"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("associated_token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("seal_cell", &[
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("epoch", ["WrongNetwork", "WrongEpoch", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    ("settle_cell", &[
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("epoch", ["WrongNetwork", "WrongEpoch", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
    ]),
    // Anyone may push a claim and pay for the payout account.
    ("claim_rewards", &[
        ("payer", ["ok", "-", "ok", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature", "-"]),
        ("network", ["WrongNetwork", "WrongNetwork", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-", "UnknownVersion"]),
        ("operator", ["WrongNetwork", "WrongPayout", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("payout", ["WrongPayout", "-", "WrongPayout", "-", "-", "-", "-", "-"]),
        ("payout_account", ["WrongPayoutAccount", "WrongPayoutAccount", "WrongPayoutAccount", "-", "-", "-", "ConstraintMut", "-"]),
        ("mint", ["WrongMint", "-", "WrongMint", "-", "WrongMint", "-", "-", "-"]),
        ("vault", ["WrongVault", "WrongVault", "WrongVault", "-", "WrongVault", "-", "ConstraintMut", "-"]),
        ("token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("associated_token_program", ["WrongTokenProgram", "-", "WrongTokenProgram", "-", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
        ("cell", ["WrongNetwork", "NotYourSlot", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
    ]),
    ("close_epoch", &[
        ("epoch", ["WrongNetwork", "EpochInUse", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "-", "ConstraintMut", "-"]),
        ("event_authority", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "-", "-"]),
        ("program", ["MissingAccount", "MissingAccount", "MissingAccount", "-", "-", "-", "-", "-"]),
        ("cell", ["WrongNetwork", "EpochInUse", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut", "UnknownVersion"]),
    ]),
];
