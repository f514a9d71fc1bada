//! SHA-256 for `coverage-math`: the syscall on-chain.

use coverage_math::hash::{Hash, Sha256};

/// The runtime's SHA-256.
pub struct Runtime;

impl Sha256 for Runtime {
    #[cfg(target_os = "solana")]
    fn hash(parts: &[&[u8]]) -> Hash {
        let mut digest = [0; 32];
        // SAFETY: a slice of slices is what the syscall reads, `parts.len()` of them, and it writes exactly 32 bytes.
        unsafe {
            pinocchio::syscalls::sol_sha256(parts.as_ptr().cast(), parts.len() as u64, digest.as_mut_ptr());
        }
        digest
    }

    /// Only so that the crate builds for its users: nothing off-chain runs handlers.
    #[cfg(not(target_os = "solana"))]
    fn hash(parts: &[&[u8]]) -> Hash {
        coverage_math::hash::Software::hash(parts)
    }
}
