//! The few 64-bit building blocks that SBF does not have as instructions.
//!
//! On SBF a 64-bit multiplication keeps the low half only and every instruction, a division included, costs 1 CU.

/// The low 32 bits of a word.
pub(crate) const LOW: u64 = 0xFFFF_FFFF;

/// `floor(x · f / 2^32)` for any 64-bit `x` and a factor `f < 2^32`: one step of a product of Q32 factors.
///
/// Exact: `x·f / 2^32 = hi·f + lo·f / 2^32` and `hi·f` is an integer. Cannot overflow, because the result is at most `x`.
#[inline(always)]
pub(crate) const fn scale_q32(x: u64, f: u64) -> u64 {
    (x >> 32).wrapping_mul(f).wrapping_add((x & LOW).wrapping_mul(f) >> 32)
}

/// `floor(a · b / 2^64)`.
#[inline]
pub(crate) const fn mul_high(a: u64, b: u64) -> u64 {
    // A product of two 64-bit numbers always fits 128 bits.
    ((a as u128).wrapping_mul(b as u128) >> 64) as u64
}

/// The upper 64 bits of `x · 2^shift`, for a shift below 128 that pushes out zeros only.
pub(crate) const fn upper_shifted(x: u128, shift: u32) -> u64 {
    let (high, low) = ((x >> 64) as u64, x as u64);
    match shift {
        0 => high,
        // Shifts of 1 to 63, each way.
        1..64 => high.wrapping_shl(shift) | low.wrapping_shr(64u32.wrapping_sub(shift)),
        _ => low.wrapping_shl(shift.wrapping_sub(64)),
    }
}

/// `floor(num · 2^bits / den)` for `0 < den < 2^63` and `bits ≤ 64`, as its whole part and `bits` fractional bits.
///
/// Long division in base `2^(leading zeros of den)`: a handful of instructions for each digit, exact for any operands.
/// Outside that range the missing digits are zeros (rounded down).
pub(crate) fn divide(num: u64, den: u64, bits: u32) -> (u64, u64) {
    let Some(whole) = num.checked_div(den) else {
        return (0, 0);
    };
    let free = den.leading_zeros();
    let mut remainder = num.wrapping_sub(whole.wrapping_mul(den));
    let mut fraction = 0u64;
    let mut missing = bits;
    while missing > 0 && free > 0 {
        let step = if free < missing { free } else { missing };
        // remainder < den < 2^(64 − free), so the shifted remainder still fits 64 bits and the digit `step` bits.
        let shifted = remainder.wrapping_shl(step);
        let digit = shifted.checked_div(den).unwrap_or(0);
        remainder = shifted.wrapping_sub(digit.wrapping_mul(den));
        fraction = fraction.wrapping_shl(step) | digit;
        missing = missing.wrapping_sub(step);
    }
    (whole, fraction.wrapping_shl(missing))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn scale_q32_is_the_floored_product(x: u64, f in 0u64..1 << 32) {
            prop_assert_eq!(u128::from(scale_q32(x, f)), (u128::from(x) * u128::from(f)) >> 32);
        }

        #[test]
        fn upper_shifted_is_the_upper_half_of_the_shift(x: u128, zeros in 0u32..128) {
            let x = x >> zeros;
            let shift = x.leading_zeros().min(127);
            prop_assert_eq!(upper_shifted(x, shift), ((x << shift) >> 64) as u64);
        }

        #[test]
        fn divide_is_the_floored_quotient(num: u64, den in 1u64..1 << 63, shift in 0u32..63, bits in 1u32..=64) {
            let den = (den >> shift).max(1);
            let (whole, fraction) = divide(num, den, bits);
            prop_assert_eq!(whole, num / den);
            prop_assert_eq!(u128::from(fraction), (u128::from(num % den) << bits) / u128::from(den));
        }
    }

    #[test]
    fn division_out_of_range_rounds_down() {
        assert_eq!(divide(5, 0, 32), (0, 0));
        assert_eq!(divide(5, u64::MAX, 32), (0, 0));
        assert_eq!(divide(u64::MAX, 1 << 63, 32), (1, 0));
    }
}
