//! The network that `covctl localnet` makes: a plan file with its keys, as one would write it oneself.

use solana_keypair::{Keypair, Signer, read_keypair_file, write_keypair_file};
use solana_program::pubkey::Pubkey;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What of the demo network can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Demo {
    /// Length of an epoch, in seconds.
    pub epoch_seconds: u64,
    /// Attesters, of equal weight.
    pub attesters: usize,
    /// Operators, each in a failure domain of its own.
    pub operators: usize,
    /// How long after the network's creation its first epoch begins, in seconds.
    pub genesis_in_seconds: u32,
}

/// The models of its workloads, with their latency objectives in milliseconds.
const WORKLOADS: [(&str, u32); 3] = [("llama-3.1-8b", 500), ("llama-3.3-70b", 2_000), ("deepseek-r1", 10_000)];

/// Writes the plan `plan.toml` and the keypairs it names into `folder`; those that are there stay. Returns the plan's path.
///
/// # Errors
/// The system's, if a file cannot be written.
pub fn write_demo(folder: &Path, demo: Demo, program: Option<(&Path, &Path)>) -> io::Result<PathBuf> {
    fs::create_dir_all(folder)?;
    let mut names = ["authority", "mint", "reporter", "entrant"].map(str::to_owned).to_vec();
    names.extend((0..demo.attesters).map(|number| format!("attester-{number}")));
    names.extend((0..demo.operators).map(|number| format!("operator-{number}")));
    for name in names {
        let path = folder.join(format!("{name}.json"));
        if !path.exists() {
            let written = write_keypair_file(&Keypair::new(), &path).map_err(|error| error.to_string());
            written.map_err(io::Error::other)?;
        }
    }
    let path = folder.join("plan.toml");
    fs::write(&path, plan(demo, program))?;
    Ok(path)
}

/// Writes the settings of the attesters, `attester-0.toml` and so on, whose keys [`write_demo`] has made: they listen on these
/// ports, know each other, and take receipts of `reporter.json`. Their windows fit epochs of half a minute and more.
///
/// # Errors
/// The system's, if a key cannot be read or a file not be written.
pub fn write_attesters(folder: &Path, url: &str, network: &Pubkey, ports: &[u16]) -> io::Result<()> {
    let folder = std::path::absolute(folder)?;
    let file = |name: String| folder.join(name).display().to_string();
    let address = |name: String| {
        let key = read_keypair_file(folder.join(format!("{name}.json")));
        key.map(|key| key.pubkey()).map_err(|error| io::Error::other(error.to_string()))
    };
    let reporter = address("reporter".to_owned())?;
    let keys = (0..ports.len()).map(|number| address(format!("attester-{number}"))).collect::<io::Result<Vec<_>>>()?;
    for (number, port) in ports.iter().enumerate() {
        let mut text = format!(
            "network = \"{network}\"\nrpc_url = \"{url}\"\nkey = '{}'\ndata = '{}'\nlisten = \"127.0.0.1:{port}\"\n\
             reporters = [\"{reporter}\"]\nrefresh_ms = 500\n\n[batches]\ninterval_ms = 2000\nround_ms = 1500\n\
             request_timeout_ms = 1500\nfetch_timeout_ms = 1000\nhold_ms = 4000\n\n[peers]\n",
            file(format!("attester-{number}.json")),
            file(format!("attester-{number}-data")),
        );
        for (peer, at) in keys.iter().zip(ports).filter(|(_, at)| *at != port) {
            text.push_str(&format!("\"{peer}\" = \"http://127.0.0.1:{at}\"\n"));
        }
        fs::write(folder.join(format!("attester-{number}.toml")), text)?;
    }
    Ok(())
}

fn plan(demo: Demo, program: Option<(&Path, &Path)>) -> String {
    // Late evidence and challenges get a tenth of an epoch each, but time for a transaction or two.
    let window = demo.epoch_seconds.div_ceil(10).max(3);
    let mut text = format!(
        "network = 1\ngenesis_in_seconds = {}\ntreasury_units = 1_000_000_000_000\n\n[token]\nkeypair = \"mint.json\"\n\n\
         [config]\nepoch_seconds = {}\ngrace_seconds = {window}\nchallenge_seconds = {window}\ndelay_seconds = {}\n\
         emission = 1_000_000_000\nmin_operator_bond = 1_000_000\nmin_attester_bond = 1_000_000\n",
        demo.genesis_in_seconds, demo.epoch_seconds, demo.epoch_seconds
    );
    if let Some((so, key)) = program {
        text.push_str(&format!("\n[program]\nso = '{}'\nkeypair = '{}'\n", so.display(), key.display()));
    }
    for number in 0..demo.attesters {
        text.push_str(&format!("\n[[attesters]]\nkeypair = \"attester-{number}.json\"\n"));
    }
    for (number, (model, latency_ms)) in WORKLOADS.iter().enumerate() {
        let weight = WORKLOADS.len().saturating_sub(number);
        text.push_str(&format!(
            "\n[[workloads]]\nmodel = \"{model}\"\ndescription = \"{model}, chat\"\nweight = {weight}\n\
             latency_ms = {latency_ms}\n"
        ));
    }
    for number in 0..demo.operators {
        // The last workload is the first operator's alone: there is room for an entrant.
        let served = if number == 0 { "[0, 1, 2]" } else { "[0, 1]" };
        text.push_str(&format!(
            "\n[[operators]]\nkeypair = \"operator-{number}.json\"\nbond_units = 5_000_000\ndomain = {}\nworkloads = \
             {served}\ncapacity_milli = 10_000\n",
            number.saturating_add(1)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use coverage_migrations::file::PlanFile;

    #[test]
    fn the_demo_is_a_plan_and_keeps_its_keys() {
        let folder = tempfile::tempdir().unwrap();
        let demo = Demo { epoch_seconds: 30, attesters: 5, operators: 3, genesis_in_seconds: 60 };
        let path = write_demo(folder.path(), demo, None).unwrap();
        let read = || PlanFile::read(&path).unwrap().prepare(folder.path(), Pubkey::default()).unwrap();
        let first = read();
        assert_eq!(first.plan.attesters.len(), 5);
        assert_eq!(first.plan.operators.len(), 3);
        assert_eq!(first.plan.operators.iter().map(|operator| operator.enrol.len()).collect::<Vec<_>>(), [3, 2, 2]);
        assert_eq!((first.plan.config.grace_seconds, first.plan.config.challenge_seconds), (3, 3));
        write_demo(folder.path(), demo, None).unwrap();
        assert_eq!(read().plan.token, first.plan.token, "the mint's key stays");
    }
}
