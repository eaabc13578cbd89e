use std::fmt;

/// An individual identification number: twelve digits, the last of which checks the others.
///
/// Birth date and sex inside need not match the person. Never shown: neither `Debug` nor a message tells its digits.
///
/// Source: facts 5.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iin(u64);

/// Text that is not an IIN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadIin {
    /// Not twelve digits.
    NotTwelveDigits,
    /// The last digit is not the one that the others give.
    CheckDigit,
    /// The others give no check digit at all.
    NoCheckDigit,
}

impl fmt::Display for BadIin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTwelveDigits => "an IIN has twelve digits",
            Self::CheckDigit => "the check digit of the IIN is wrong",
            Self::NoCheckDigit => "no IIN begins with these eleven digits",
        })
    }
}

impl std::error::Error for BadIin {}

impl Iin {
    /// Reads twelve digits and checks the last: Σ dᵢ·i mod 11; where that is 10, again with the weights 3 … 11, 1, 2;
    /// where that is 10 too, there is no such number.
    ///
    /// ```
    /// use esep::classify::{BadIin, Iin};
    /// assert!(Iin::parse("000000010078").is_ok());
    /// assert_eq!(Iin::parse("000000010079"), Err(BadIin::CheckDigit));
    /// ```
    pub fn parse(text: &str) -> Result<Self, BadIin> {
        let digits: &[u8; 12] = text.as_bytes().try_into().map_err(|_| BadIin::NotTwelveDigits)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(BadIin::NotTwelveDigits);
        }
        let value = |byte: u8| u32::from(byte.wrapping_sub(b'0'));
        let sum = |weights: [u32; 11]| {
            let products = digits.iter().zip(weights).map(|(digit, weight)| value(*digit).wrapping_mul(weight));
            products.fold(0u32, u32::wrapping_add) % 11
        };
        let check = match sum([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) {
            10 => sum([3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]),
            check => check,
        };
        let [.., last] = *digits;
        if check == 10 {
            return Err(BadIin::NoCheckDigit);
        }
        if check != value(last) {
            return Err(BadIin::CheckDigit);
        }
        Ok(Self(digits.iter().fold(0u64, |n, digit| n.wrapping_mul(10).wrapping_add(u64::from(value(*digit))))))
    }
}

impl fmt::Debug for Iin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iin(************)")
    }
}
