//! Ed25519 instruction data, as `endorse` reads it.

use crate::precompile::for_each_signer;
use anchor_lang::prelude::Address;

/// The message that everything here is about.
pub const MESSAGE: [u8; 32] = *b"the digest that attesters signed";

fn signers(data: &[u8], message: &[u8; 32]) -> Option<Vec<[u8; 32]>> {
    let mut signers = Vec::new();
    let read = for_each_signer(data, message, |key: &Address| {
        signers.push(key.to_bytes());
        Ok(())
    });
    read.ok().map(|()| signers)
}

/// The same by the layout that the precompile documents, written another way: what it verified for these bytes, if that is
/// nothing but signatures of the message by keys that lie in the data.
fn expected(data: &[u8], message: &[u8; 32]) -> Option<Vec<[u8; 32]>> {
    let word = |at: usize| Some(usize::from(*data.get(at)?) + 256 * usize::from(*data.get(at + 1)?));
    let count = usize::from(*data.first()?);
    if count == 0 || count > 8 {
        return None;
    }
    (0..count)
        .map(|number| {
            let field = |field: usize| word(2 + 14 * number + 2 * field);
            let [signature, signature_ix, key, key_ix, text, length, text_ix] =
                [field(0)?, field(1)?, field(2)?, field(3)?, field(4)?, field(5)?, field(6)?];
            let here = signature_ix == 65_535 && key_ix == 65_535 && text_ix == 65_535;
            let same = data.get(text..text + length)? == message;
            data.get(signature..signature + 64)?;
            let key = data.get(key..key + 32)?;
            (here && same).then(|| key.try_into().unwrap_or_default())
        })
        .collect()
}

/// Who signed is read as the precompile verified it; another message has no signers.
pub fn check(data: &[u8]) {
    let read = signers(data, &MESSAGE);
    assert_eq!(read, expected(data, &MESSAGE));
    let Some(read) = read else { return };
    assert!((1..=8).contains(&read.len()) && read.len() == usize::from(data[0]));
    for at in 0..32 {
        let mut other = MESSAGE;
        other[at] ^= 1;
        assert_eq!(signers(data, &other), None, "nobody signed this");
    }
    let longer = [data, &[0; 7]].concat();
    assert_eq!(signers(&longer, &MESSAGE), Some(read), "what follows says nothing");
}

/// What the client builds, with one signature and with as many as fit.
pub fn seeds() -> Vec<Vec<u8>> {
    let built = |count: u8| {
        let signatures: Vec<_> = (0..count).map(|number| ([number + 1; 32], [number; 64])).collect();
        coverage_client::batch::ed25519(&signatures, &MESSAGE).data
    };
    let seeds: Vec<_> = [1, 2, 8].map(built).into();
    for seed in &seeds {
        let keys: Vec<_> = (0..seed[0]).map(|number| [number + 1; 32]).collect();
        assert_eq!(signers(seed, &MESSAGE), Some(keys));
    }
    seeds
}
