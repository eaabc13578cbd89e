/// A divisor that many numbers are divided by: the quotient is the high half of a product, where that is exact.
///
/// ```
/// use esep::units::Reciprocal;
/// assert_eq!(Reciprocal::of(60_000).quotient(119_999), 1);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reciprocal {
    divisor: u64,
    /// ⌊(2⁶⁴ − 1) ÷ divisor⌋ + 1.
    factor: u64,
    /// The product is exact up to here: factor × divisor is at most `divisor` above 2⁶⁴, so the error stays below one
    /// part of the divisor while number × divisor < 2⁶⁴.
    exact_up_to: u64,
}

impl Reciprocal {
    /// A divisor; 0 counts as 1.
    pub const fn of(divisor: u64) -> Self {
        match divisor {
            // The factor of 1 would be 2⁶⁴; it stands as 0.
            0 | 1 => Self { divisor: 1, factor: 0, exact_up_to: u64::MAX },
            _ => {
                let most = u64::MAX.wrapping_div(divisor);
                Self { divisor, factor: most.wrapping_add(1), exact_up_to: most }
            }
        }
    }

    /// What it divides by.
    pub const fn divisor(self) -> u64 {
        self.divisor
    }

    /// Numbers up to here have quotients that need no division.
    pub const fn exact_up_to(self) -> u64 {
        self.exact_up_to
    }

    /// `number ÷ divisor`, rounded down.
    #[inline]
    pub fn quotient(self, number: u64) -> u64 {
        if number <= self.exact_up_to {
            return self.quotient_of_exact(number);
        }
        number.checked_div(self.divisor).unwrap_or(number)
    }

    /// [`Self::quotient`] of a number that is known to be no greater than [`Self::exact_up_to`].
    #[inline]
    pub fn quotient_of_exact(self, number: u64) -> u64 {
        let by_one = u64::from(self.factor == 0).wrapping_neg();
        (u128::from(number).wrapping_mul(u128::from(self.factor)) >> 64) as u64 | number & by_one
    }

    /// `number ÷ divisor`, rounded up, of a number that is known to be no greater than [`Self::exact_up_to`].
    #[inline]
    pub fn quotient_up_of_exact(self, number: u64) -> u64 {
        let down = self.quotient_of_exact(number);
        down.wrapping_add(u64::from(down.wrapping_mul(self.divisor) != number))
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
            let reciprocal = Reciprocal::of(divisor);
            let divisor = divisor.max(1);
            let multiple = (number >> shift) / divisor * divisor;
            for number in [number >> shift, multiple.saturating_add(near), multiple.saturating_sub(near), reciprocal.exact_up_to.saturating_add(near)] {
                prop_assert_eq!(reciprocal.quotient(number), number / divisor);
                let exact = number.min(reciprocal.exact_up_to());
                prop_assert_eq!(reciprocal.quotient_of_exact(exact), exact / divisor);
                prop_assert_eq!(reciprocal.quotient_up_of_exact(exact), exact.div_ceil(divisor));
            }
        }
    }
}
