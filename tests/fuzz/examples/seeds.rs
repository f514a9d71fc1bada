//! Writes every target's seeds into its corpus: `cargo run --example seeds` in this directory.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    for (target, _, seeds) in coverage_fuzz::seeds::all() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        fs::create_dir_all(&directory)?;
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(directory.join(format!("seed-{number:03}")), seed)?;
        }
        println!("{target}: {} seeds", seeds.len());
    }
    Ok(())
}
