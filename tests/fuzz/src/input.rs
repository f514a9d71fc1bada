//! Numbers and parts out of the fuzzer's bytes.

/// Bytes still to be read; zeros when they are used up.
pub struct Input<'a>(pub &'a [u8]);

impl Input<'_> {
    /// The next bytes, as an array.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let (head, rest) = self.0.split_at(self.0.len().min(N));
        array[..head.len()].copy_from_slice(head);
        self.0 = rest;
        array
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    /// The next four bytes.
    pub fn number(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    /// Whether there is nothing left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
