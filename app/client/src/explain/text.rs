//! An explanation as text.

use super::number::{Q32, decimal, thousands, tokens};
use super::{CellExplanation, Domain, Estimate, Explanation, Loss, Settled};
use coverage_math::reliability::OUTCOMES;
use std::fmt;

/// Outcomes in the order of a tally.
const NAMES: [&str; OUTCOMES] = [
    "served",
    "model unavailable",
    "hardware incompatible",
    "capacity exhausted",
    "routing failed (not counted)",
    "latency exceeded",
    "verification failed",
];

/// The most members of a domain that are listed, best first.
const MOST_MEMBERS: usize = 10;

/// The most other domains for which the integral is written as Simpson's rule, which is exact up to this degree.
const SIMPSON: usize = 3;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |units| tokens(units, self.decimals);
        writeln!(f, "Operator {}", self.operator)?;
        writeln!(f, "  wallet {}", self.wallet)?;
        match self.domain {
            0 => writeln!(f, "  no attested failure domain: it shares domain 0 with all who have none")?,
            domain => writeln!(f, "  failure domain {domain}")?,
        }
        write!(f, "  bond {}", amount(self.bond_units))?;
        match self.unbonding_units {
            0 => writeln!(f)?,
            units => writeln!(f, ", and {} on its way out", amount(units))?,
        }
        writeln!(f, "  rewards: unclaimed {}, claimed {}", amount(self.unclaimed_units), amount(self.claimed_units))?;
        for cell in &self.cells {
            writeln!(f)?;
            cell.write(f, self.decimals)?;
        }
        writeln!(f)?;
        if self.cells.is_empty() {
            return writeln!(f, "It is enrolled in no workload; see covctl opportunities.");
        }
        writeln!(f, "Paid by the last settlements of its cells: {}", amount(self.reward_units))?;
        match self.largest_loss() {
            Some(loss) => {
                writeln!(f, "Largest single cause of lost reward: {} lost to {}", amount(loss.lost_units), loss.cause)
            }
            None => writeln!(f, "Nothing that it could have done better would have earned it more."),
        }
    }
}

impl CellExplanation {
    fn write(&self, f: &mut fmt::Formatter<'_>, decimals: u8) -> fmt::Result {
        writeln!(f, "Workload {}, slot {}", self.workload, self.slot)?;
        if let Some(left) = self.left_epoch {
            writeln!(f, "  it has left: epochs from {left} on do not count")?;
        }
        match &self.settled {
            Some(settled) => settled.write(f, decimals)?,
            None => writeln!(f, "  no settlement to explain; the slot counts from epoch {} on", self.joined_epoch)?,
        }
        self.in_hand.as_ref().map_or(Ok(()), |estimate| estimate.write(f, decimals))
    }
}

impl Settled {
    fn write(&self, f: &mut fmt::Formatter<'_>, decimals: u8) -> fmt::Result {
        writeln!(f, "  epoch {}: paid {} ({})", self.epoch, tokens(self.reward_units, decimals), self.reason)?;
        writeln!(f, "  outcomes   {}", outcomes(&self.outcomes))?;
        self.write_bound(f)?;
        if self.p > Q32(0) {
            self.write_share(f, decimals)?;
            self.write_factor(f)?;
            writeln!(f, "  phi        a x S = {}", self.phi)?;
        }
        // So many places that a calculator rounds the product down to the same unit.
        let places = self.pool_units.checked_ilog10().unwrap_or(0).saturating_add(8) as usize;
        let (pool, phi) = (thousands(self.pool_units), self.phi.rounded_down(places));
        writeln!(f, "  reward     pool {pool} units x {phi} = {} units, rounded down", thousands(self.reward_units))?;
        for loss in &self.losses {
            loss.write(f, decimals)?;
        }
        Ok(())
    }

    /// From counts to `p`.
    fn write_bound(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, s) = (self.attempts, self.served);
        if self.reason == "VerificationBreach" {
            let [.., failed] = self.outcomes;
            let limit = decimal(u128::from(self.breach_bps), 2);
            return writeln!(
                f,
                "  p          0, because {failed} of {n} attempts failed verification: more than {limit} %"
            );
        }
        if n == 0 {
            return writeln!(f, "  p          0, because there is no attempt");
        }
        if self.z_milli == 0 {
            return writeln!(f, "  p          s / n = {s} / {n} = {}", self.p);
        }
        // In millionths: z² exactly, s(n−s)/n and the root rounded down.
        let square = u128::from(self.z_milli).pow(2);
        let variance = u128::from(s) * u128::from(n.saturating_sub(s)) * 1_000_000 / u128::from(n);
        let root = ((variance + square / 4) * 1_000_000).isqrt();
        let z = decimal(u128::from(self.z_milli), 3);
        let [whole, half, quarter] = [square, square / 2, square / 4].map(|value| decimal(value, 6));
        let variance = decimal(variance, 6);
        let root = decimal(root, 6);
        writeln!(
            f,
            "  p          ( s + z²/2 - z·sqrt( s(n-s)/n + z²/4 ) ) / ( n + z² ) with n = {n}, s = {s}, z = {z}"
        )?;
        writeln!(f, "             ( {s} + {half} - {z}·sqrt( {variance} + {quarter} ) ) / ( {n} + {whole} )")?;
        writeln!(
            f,
            "             ( {s} + {half} - {z}·{root} ) / {} = {}",
            decimal(u128::from(n) * 1_000_000 + square, 6),
            self.p
        )
    }

    /// From the domain's members to the share `a`.
    fn write_share(&self, f: &mut fmt::Formatter<'_>, decimals: u8) -> fmt::Result {
        let domain = if self.domain == 0 { "0 (unattested)".to_owned() } else { self.domain.to_string() };
        if let [_] = self.members.as_slice() {
            return writeln!(f, "  share a    alone in domain {domain}, it has all of its reach: {}", self.share);
        }
        let count = self.members.len();
        writeln!(f, "  share a    domain {domain} reaches r = {}, the best p of its {count} members", self.reach)?;
        for member in self.members.iter().rev().take(MOST_MEMBERS) {
            writeln!(
                f,
                "             slot {}: p = {}, bond {}",
                member.slot,
                member.p,
                tokens(member.bond_units, decimals)
            )?;
        }
        if let Some(more) = count.checked_sub(MOST_MEMBERS).filter(|more| *more > 0) {
            writeln!(f, "             and {more} more below")?;
        }
        for step in &self.increments {
            let (bond, bonds) = (tokens(step.bond_units, decimals), tokens(step.bonds_units, decimals));
            let rise = Q32(step.to.0.saturating_sub(step.from.0));
            writeln!(f, "             {} - {} = {rise}, x bond {bond} / {bonds} = {}", step.to, step.from, step.share)?;
        }
        writeln!(f, "             together {}", self.share)
    }

    /// From the other domains' reaches to the factor `S`.
    fn write_factor(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(factor) = self.factor else { return Ok(()) };
        if self.others.is_empty() {
            return writeln!(f, "  factor S   no other domain: {factor}");
        }
        for (number, other) in self.others.iter().enumerate() {
            let lead = if number == 0 { "factor S" } else { "" };
            let members = if other.members == 1 { "member" } else { "members" };
            let Domain { domain, reach, members: count } = other;
            writeln!(f, "  {lead:<8}   domain {domain} reaches {reach} ({count} {members})")?;
        }
        let product = |t: &str| -> String {
            let factors: Vec<String> = self.others.iter().map(|other| format!("(1 - {t}{})", other.reach)).collect();
            factors.join("·")
        };
        match self.rule.as_str() {
            "LastIn" => writeln!(f, "             S = {} = {factor}", product("")),
            "Banzhaf" => writeln!(f, "             S = {} = {factor}", product("0.5·")),
            _ if self.others.len() <= SIMPSON => {
                writeln!(f, "             S = integral of f(t) from 0 to 1, f(t) = {}", product("t·"))?;
                writeln!(f, "             S = ( 1 + 4·f(0.5) + f(1) ) / 6 = {factor}")
            }
            _ => {
                writeln!(
                    f,
                    "             S = integral from 0 to 1 of the product of all (1 - t·r): the sum of weight x product"
                )?;
                for node in &self.nodes {
                    let t = node.t.map_or_else(|| "1".to_owned(), |t| t.to_string());
                    writeln!(f, "             at t = {t}: {} x {}", node.weight, node.product)?;
                }
                writeln!(f, "             S = {factor}")
            }
        }
    }
}

impl Loss {
    fn write(&self, f: &mut fmt::Formatter<'_>, decimals: u8) -> fmt::Result {
        writeln!(f, "  lost       {} to {}", tokens(self.lost_units, decimals), self.cause)
    }
}

impl Estimate {
    fn write(&self, f: &mut fmt::Formatter<'_>, decimals: u8) -> fmt::Result {
        let state = if self.sealed { "sealed" } else { "if it ended now" };
        let (reward, pool) = (tokens(self.reward_units, decimals), tokens(self.pool_units, decimals));
        writeln!(f, "  epoch {} ({state}): {reward} ({}) of a pool of {pool}", self.epoch, self.reason)?;
        writeln!(f, "  outcomes   {}; p = {}, phi = {}", outcomes(&self.outcomes), self.p, self.phi)
    }
}

fn outcomes(tally: &[u32; OUTCOMES]) -> String {
    let counts = tally.iter().zip(NAMES).filter(|(count, _)| **count > 0);
    let counts: Vec<String> = counts.map(|(count, name)| format!("{name} {}", thousands(u64::from(*count)))).collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}
