//! What becomes of every substitution: `-` where there is none, `ok` where it is as good as the original.
//!
//! Columns:
//! 1. **foreign**: the same thing of a second network; another signer; another program or sysvar
//! 2. **sibling**: the same thing of another workload, operator, epoch or payer of the same network
//! 3. **system**: a wallet with nothing but lamports (that signs where a signature is asked for)
//! 4. **kind**: an account of the program of another kind: the second network's committee
//! 5. **copy**: the account byte for byte, at another address, of another owner
//! 6. **unsigned**: the account without its signature
//! 7. **read-only**: the account not writable
//!
//! Two errors are Anchor's and could be clearer. An account that is to be written has its length checked before its owner, so a
//! wallet there is `AccountDataTooSmall` and not `IllegalOwner`. A signer that is to be written and is not writable lacks its
//! `MissingRequiredSignature`; an account to be created that is not writable fails in the system program
//! (`PrivilegeEscalation`).

/// The outcome of each column for an account.
pub type Row = (&'static str, [&'static str; 7]);

/// Every account of every instruction, in the SDK's order.
#[rustfmt::skip]
pub const TABLE: &[(&str, &[Row])] = &[
    // Anyone may found a network, of any mint.
    ("create_network", &[
        ("authority", ["ok", "-", "ok", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature"]),
        ("network", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("committee", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("mint", ["ok", "-", "IllegalOwner", "-", "IllegalOwner", "-", "-"]),
        ("vault", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("token_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
    ]),
    ("update_committee", &[
        ("authority", ["NotAuthority", "-", "NotAuthority", "-", "-", "MissingRequiredSignature", "-"]),
        ("network", ["WrongNetwork", "-", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("committee", ["WrongNetwork", "-", "AccountDataTooSmall", "WrongNetwork", "IllegalOwner", "-", "ConstraintMut"]),
    ]),
    // A workload of another network has the seeds of another network.
    ("register_workload", &[
        ("authority", ["NotAuthority", "-", "NotAuthority", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature"]),
        ("network", ["InvalidSeeds", "-", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("workload", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("cell", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("log", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
    ]),
    // Anyone may give, but only what is theirs: the token program says whose `source` is.
    ("fund_treasury", &[
        ("funder", ["OwnerMismatch", "-", "OwnerMismatch", "-", "-", "MissingRequiredSignature", "-"]),
        ("network", ["WrongMint", "-", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("mint", ["WrongMint", "-", "IllegalOwner", "-", "IllegalOwner", "-", "-"]),
        ("source", ["MintMismatch", "OwnerMismatch", "AccountDataTooSmall", "-", "IllegalOwner", "-", "ConstraintMut"]),
        ("vault", ["WrongVault", "WrongVault", "AccountDataTooSmall", "-", "IllegalOwner", "-", "ConstraintMut"]),
        ("token_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
    ]),
    // The wallet is in the operator's seeds.
    ("register_operator", &[
        ("wallet", ["InvalidSeeds", "-", "InvalidSeeds", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature"]),
        ("network", ["InvalidSeeds", "-", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("operator", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("mint", ["WrongMint", "-", "IllegalOwner", "-", "IllegalOwner", "-", "-"]),
        ("source", ["MintMismatch", "OwnerMismatch", "AccountDataTooSmall", "-", "IllegalOwner", "-", "ConstraintMut"]),
        ("vault", ["WrongVault", "WrongVault", "AccountDataTooSmall", "-", "IllegalOwner", "-", "ConstraintMut"]),
        ("token_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
    ]),
    ("commit_capabilities", &[
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "MissingRequiredSignature", "-"]),
        ("network", ["WrongNetwork", "-", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("operator", ["WrongNetwork", "WrongWallet", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
    ]),
    ("enroll", &[
        ("wallet", ["WrongWallet", "-", "WrongWallet", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature"]),
        ("network", ["WrongNetwork", "-", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("operator", ["WrongNetwork", "WrongWallet", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
    ]),
    // Anyone may open the epoch that is due and pay for it.
    ("open_epoch", &[
        ("payer", ["ok", "-", "ok", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature"]),
        ("network", ["InvalidSeeds", "-", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("committee", ["WrongNetwork", "-", "IllegalOwner", "WrongNetwork", "IllegalOwner", "-", "-"]),
        ("epoch", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
    ]),
    // The payer is in the attestation's seeds.
    ("open_attestation", &[
        ("payer", ["InvalidSeeds", "-", "InvalidSeeds", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature"]),
        ("network", ["InvalidSeeds", "-", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("committee", ["WrongNetwork", "-", "IllegalOwner", "WrongNetwork", "IllegalOwner", "-", "-"]),
        ("attestation", ["InvalidSeeds", "InvalidSeeds", "InvalidSeeds", "-", "-", "-", "PrivilegeEscalation"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
    ]),
    // An attestation of the same payer is the payer's to extend, whatever its network: the foreign one is complete.
    ("extend_attestation", &[
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature"]),
        ("attestation", ["InvalidChunk", "WrongPayer", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
    ]),
    // The foreign sysvar is the clock.
    ("endorse", &[
        ("attestation", ["WrongNetwork", "WrongMessage", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("committee", ["WrongNetwork", "-", "IllegalOwner", "WrongNetwork", "IllegalOwner", "-", "-"]),
        ("instructions", ["WrongInstructionsSysvar", "-", "WrongInstructionsSysvar", "-", "-", "-", "-"]),
    ]),
    ("apply_batch", &[
        ("committee", ["WrongNetwork", "-", "IllegalOwner", "WrongNetwork", "IllegalOwner", "-", "-"]),
        ("epoch", ["WrongNetwork", "WrongEpoch", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("cell", ["WrongNetwork", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("log", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("attestation", ["WrongNetwork", "WrongPayer", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "-", "ConstraintMut"]),
    ]),
    ("apply_failure_domain", &[
        ("network", ["WrongNetwork", "-", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("committee", ["WrongNetwork", "-", "IllegalOwner", "WrongNetwork", "IllegalOwner", "-", "-"]),
        ("operator", ["WrongNetwork", "WrongSubject", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("attestation", ["WrongNetwork", "WrongSubject", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("payer", ["WrongPayer", "-", "WrongPayer", "-", "-", "-", "ConstraintMut"]),
    ]),
    ("seal_cell", &[
        ("epoch", ["WrongNetwork", "WrongEpoch", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
    ]),
    ("settle_cell", &[
        ("epoch", ["WrongNetwork", "WrongEpoch", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("workload", ["WrongNetwork", "WrongWorkload", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("cell", ["WrongWorkload", "WrongWorkload", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
    ]),
    // Anyone may push a claim and pay for the payout account.
    ("claim_rewards", &[
        ("payer", ["ok", "-", "ok", "-", "-", "MissingRequiredSignature", "MissingRequiredSignature"]),
        ("network", ["WrongMint", "-", "IllegalOwner", "InvalidAccountData", "IllegalOwner", "-", "-"]),
        ("operator", ["WrongNetwork", "WrongPayout", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
        ("payout", ["WrongPayout", "-", "WrongPayout", "-", "-", "-", "-"]),
        ("payout_account", ["WrongPayoutAccount", "WrongPayoutAccount", "WrongPayoutAccount", "-", "-", "-", "ConstraintMut"]),
        ("mint", ["WrongMint", "-", "IllegalOwner", "-", "IllegalOwner", "-", "-"]),
        ("vault", ["WrongVault", "WrongVault", "AccountDataTooSmall", "-", "IllegalOwner", "-", "ConstraintMut"]),
        ("token_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
        ("associated_token_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
        ("system_program", ["IncorrectProgramId", "-", "ConstraintExecutable", "-", "-", "-", "-"]),
        ("cell", ["WrongNetwork", "NotYourSlot", "AccountDataTooSmall", "InvalidAccountData", "IllegalOwner", "-", "ConstraintMut"]),
    ]),
];
