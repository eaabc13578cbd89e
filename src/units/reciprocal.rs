/// The inverse of a divisor, for many numbers: a quotient is what a product has above its 63 lowest bits, where that
/// is exact.
///
/// ```
/// use esep::units::Reciprocal;
/// assert_eq!(Reciprocal::of(60_000).quotient(119_999), 1);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reciprocal {
    /// ⌊(2⁶³ − 1) ÷ divisor⌋ + 1.
    factor: u64,
}

impl Reciprocal {
    /// Of a divisor; 0 counts as 1.
    pub const fn of(divisor: u64) -> Self {
        Self { factor: Self::exact_up_to(divisor).wrapping_add(1) }
    }

    /// Numbers up to here are divided exactly by such a divisor: factor × divisor is at most `divisor` above 2⁶³, so the
    /// error stays below one part of the divisor while number × divisor < 2⁶³.
    pub const fn exact_up_to(divisor: u64) -> u64 {
        match i64::MAX.unsigned_abs().checked_div(divisor) {
            Some(most) => most,
            None => i64::MAX.unsigned_abs(),
        }
    }

    /// `number ÷ divisor`, rounded down, of a number up to [`Self::exact_up_to`].
    #[inline]
    pub fn quotient(self, number: u64) -> u64 {
        (u128::from(number).wrapping_mul(u128::from(self.factor)) >> 63) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_quotient_is_the_quotient(
            divisor in prop_oneof![0u64..100_000, any::<u64>(), (0u32..64).prop_map(|bits| 1 << bits)],
            number in any::<u64>(),
            shift in 0u32..64,
            near in 0u64..3,
        ) {
            let (reciprocal, most) = (Reciprocal::of(divisor), Reciprocal::exact_up_to(divisor));
            let divisor = divisor.max(1);
            let multiple = (number >> shift) / divisor * divisor;
            for number in [number >> shift, multiple.saturating_add(near), multiple.saturating_sub(near), most] {
                let exact = number.min(most);
                prop_assert_eq!(reciprocal.quotient(exact), exact / divisor);
            }
        }
    }
}
