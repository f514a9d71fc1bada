//! One pure builder for each instruction of the program, by who sends it. Every account that follows from another is derived
//! here; what an instruction demands and refuses is said where the program defines it
//! ([`coverage_settlement::coverage_settlement`]).

mod attester;
mod authority;
mod challenger;
mod keeper;
mod operator;
mod sponsor;

pub use attester::*;
pub use authority::*;
pub use challenger::*;
pub use keeper::*;
pub use operator::*;
pub use sponsor::*;

use anchor_lang::{InstructionData, ToAccountMetas};
use coverage_settlement::ID;
use solana_program::instruction::Instruction;

fn build(accounts: &impl ToAccountMetas, args: &impl InstructionData) -> Instruction {
    Instruction { program_id: ID, accounts: accounts.to_account_metas(None), data: args.data() }
}
