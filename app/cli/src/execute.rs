//! The one way transactions leave `covctl`: show what would be signed, ask, send, report.

use crate::amounts::sol;
use crate::context::AnySigner;
use crate::record::Record;
use crate::simulate::{Cost, InWords};
use crate::{CliError, Context, ExitStatus};
use coverage_client::ClientError;
use coverage_client::rpc::Sender;
use solana_program::instruction::Instruction;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write as _};

/// Bytes of a token account, without extensions.
pub const TOKEN_ACCOUNT_BYTES: usize = 165;

/// Bytes of an account of the program of a kind without items: its discriminator and its fields.
#[must_use]
pub const fn account_bytes<T>() -> usize {
    size_of::<T>().saturating_add(8)
}

/// What a command is about to do.
pub struct Plan {
    action: String,
    facts: Record,
    steps: Vec<Step>,
    signers: Vec<AnySigner>,
    /// Bytes of accounts before and after: 0 before for new ones.
    grown: Vec<(usize, usize)>,
}

/// One transaction.
struct Step {
    instructions: Vec<Instruction>,
    /// Whether it works only once the steps before it are done, so that it cannot be simulated before.
    follows: bool,
}

impl Plan {
    /// A plan that does nothing yet; `action` says in words what it is for.
    #[must_use]
    pub fn new(action: impl Into<String>) -> Self {
        Self { action: action.into(), facts: Record::new(), steps: Vec::new(), signers: Vec::new(), grown: Vec::new() }
    }

    /// Adds something to show before, and in the result.
    #[must_use]
    pub fn fact(self, name: &'static str, value: impl Display) -> Self {
        self.facts(Record::new().text(name, value))
    }

    /// Adds several things to show before, and in the result.
    #[must_use]
    pub fn facts(mut self, facts: Record) -> Self {
        self.facts = self.facts.with(facts);
        self
    }

    /// What it is about, without doing it.
    #[must_use]
    pub fn into_facts(self) -> Record {
        self.facts
    }

    /// Adds a transaction of one instruction.
    #[must_use]
    pub fn step(self, instruction: Instruction) -> Self {
        self.transaction(vec![instruction])
    }

    /// Adds a transaction that works whether or not those before it are done.
    #[must_use]
    pub fn transaction(mut self, instructions: Vec<Instruction>) -> Self {
        self.steps.push(Step { instructions, follows: false });
        self
    }

    /// Adds a transaction that needs those before it.
    #[must_use]
    pub fn then(mut self, instructions: Vec<Instruction>) -> Self {
        let follows = !self.steps.is_empty();
        self.steps.push(Step { instructions, follows });
        self
    }

    /// Says that an account grows (from 0 bytes if it is new), for whose rent the signer pays.
    #[must_use]
    pub fn grows(mut self, before: usize, after: usize) -> Self {
        self.grown.push((before, after));
        self
    }

    /// Adds somebody who signs besides the signer and the fee payer.
    #[must_use]
    pub fn signer(mut self, signer: AnySigner) -> Self {
        self.signers.push(signer);
        self
    }
}

/// A step with what it costs, and its signature once it is sent.
struct Shown<'a> {
    words: InWords<'a>,
    cost: Cost,
    signature: Option<String>,
}

impl Context {
    /// Shows a plan, asks, sends its transactions in order and prints what came of it.
    ///
    /// # Errors
    /// [`CliError::NotConfirmed`] and [`CliError::Declined`] with nothing sent; [`CliError::Client`] if the cluster refuses: what
    /// was sent before is on standard error.
    pub async fn execute(&self, mut plan: Plan) -> Result<ExitStatus, CliError> {
        if plan.steps.is_empty() {
            eprintln!("{}: nothing to do", plan.action);
            return self.report(&plan, "nothing-to-do", &[]);
        }
        let rent = self.rent(&plan.grown).await?;
        if rent > 0 {
            plan.facts = plan.facts.field("rent_lamports", sol(rent), rent);
        }
        let mut sender = self.sender()?;
        for signer in &plan.signers {
            sender = sender.with_signer(signer.clone());
        }
        let mut shown = self.simulate(&plan, &sender).await?;
        eprint!("{}", self.preview(&plan, &shown));
        if self.dry_run() {
            return self.report(&plan, "simulated", &shown);
        }
        self.confirm(plan.steps.len())?;
        let progress = self.progress();
        progress.begin(plan.action.clone(), plan.steps.len());
        for (step, shown) in plan.steps.iter().zip(&mut shown) {
            let sent = sender.send(&plan.action, &step.instructions).await.inspect_err(|error| self.log(error))?;
            progress.step();
            progress.say(&format!("sent {}", sent.signature));
            shown.signature = Some(sent.signature.to_string());
        }
        progress.finish();
        self.report(&plan, "sent", &shown)
    }

    async fn simulate<'a>(&self, plan: &'a Plan, sender: &Sender) -> Result<Vec<Shown<'a>>, CliError> {
        let mut shown = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            let words = InWords::new(&step.instructions, &sender.payer());
            let cost = if step.follows {
                words.estimate()
            } else {
                words.simulate(sender, &plan.action).await.inspect_err(|error| self.log(error))?
            };
            shown.push(Shown { words, cost, signature: None });
        }
        Ok(shown)
    }

    /// Lamports that accounts take to grow.
    async fn rent(&self, grown: &[(usize, usize)]) -> Result<u64, CliError> {
        let client = self.rpc().client();
        let mut rent = 0u64;
        for (before, after) in grown {
            let failed = |error: solana_rpc_client_api::client_error::Error| ClientError::Rpc {
                action: "reading what rent is",
                reason: error.to_string(),
            };
            let there = match before {
                0 => 0,
                before => client.get_minimum_balance_for_rent_exemption(*before).await.map_err(failed)?,
            };
            let needed = client.get_minimum_balance_for_rent_exemption(*after).await.map_err(failed)?;
            rent = rent.saturating_add(needed.saturating_sub(there));
        }
        Ok(rent)
    }

    /// Shows what programs logged of a refused transaction, to who asked for more.
    fn log(&self, error: &ClientError) {
        if let (ClientError::Refused { logs, .. }, 1..) = (error, self.verbose()) {
            logs.iter().for_each(|line| eprintln!("{line}"));
        }
    }

    fn preview(&self, plan: &Plan, shown: &[Shown<'_>]) -> String {
        let mut text = format!("{} on {}\n", plan.action, self.url());
        for line in plan.facts.to_string().lines() {
            let _ = writeln!(text, "  {line}");
        }
        for (number, step) in shown.iter().enumerate() {
            let _ = writeln!(text, "transaction {} of {}: {}", number.saturating_add(1), shown.len(), step.words);
            let _ = writeln!(text, "  costs   {}", step.cost);
        }
        text
    }

    fn confirm(&self, transactions: usize) -> Result<(), CliError> {
        if self.yes() {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Err(CliError::NotConfirmed);
        }
        let many = if transactions == 1 { "" } else { "s" };
        eprint!("Sign and send {transactions} transaction{many}? [y/N] ");
        let mut answer = String::new();
        let read = io::stderr().flush().and_then(|()| io::stdin().read_line(&mut answer));
        match read.map(|_| answer.trim().to_ascii_lowercase()).as_deref() {
            Ok("y" | "yes") => Ok(()),
            _ => Err(CliError::Declined),
        }
    }

    fn report(&self, plan: &Plan, status: &'static str, shown: &[Shown<'_>]) -> Result<ExitStatus, CliError> {
        let transaction = |step: &Shown<'_>| {
            Record::new()
                .optional("signature", step.signature.as_ref())
                .text("instructions", step.words.names().join(", "))
                .optional_number("compute_units", step.cost.compute_units)
                .number("fee_lamports", step.cost.fee_lamports)
                .hidden("accounts", step.words.accounts_json())
        };
        let result = Record::new()
            .text("action", &plan.action)
            .text("status", status)
            .with(plan.facts.clone())
            .list("transactions", shown.iter().map(transaction).collect());
        self.emit(&result)?;
        Ok(ExitStatus::Done)
    }
}
