use std::fmt;

/// Posted money: a whole number of tiyn, 1/100 tenge. Negative is owed.
///
/// Sums are checked: a sum that leaves `i64` is an error of the caller, never a wrap.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Tiyn(i64);

/// Text that is not an amount of money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadAmount {
    /// Empty, or a character that no decimal has.
    NotADecimal,
    /// More decimals than the amount may have.
    TooManyDecimals {
        /// Decimals allowed here.
        allowed: u32,
    },
    /// Beyond what 64 bits hold.
    OutOfRange,
}

impl fmt::Display for BadAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADecimal => f.write_str("not a decimal number"),
            Self::TooManyDecimals { allowed } => write!(f, "more than {allowed} decimals"),
            Self::OutOfRange => f.write_str("beyond the range of an amount"),
        }
    }
}

impl std::error::Error for BadAmount {}

impl Tiyn {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount from its number of tiyn.
    pub const fn new(tiyn: i64) -> Self {
        Self(tiyn)
    }

    /// The number of tiyn.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// `self + other`, `None` beyond 64 bits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// `self - other`, `None` beyond 64 bits.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Reads tenge with at most two decimals: `1500`, `-36.95`, `0.5`.
    ///
    /// Rejected: empty text, exponents, thousands separators, a third decimal (even a zero one).
    ///
    /// ```
    /// use esep::units::Tiyn;
    /// assert_eq!(Tiyn::parse("-36.95"), Ok(Tiyn::new(-3695)));
    /// assert!(Tiyn::parse("0.005").is_err());
    /// ```
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, BadAmount> {
        parse_scaled(text.as_ref(), 2).map(Self)
    }
}

/// Two decimals, always: `-36.95`, `0.00`.
impl fmt::Display for Tiyn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let tiyn = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", tiyn / 100, tiyn % 100)
    }
}

/// The price of one unit: an exact fraction of 10⁻⁶ tenge, never negative.
///
/// Six decimals bind the written price, never the cut one: 11.50 a minute is 11 500 000 / 6 a ten-second unit.
///
/// Source: rating 1.5.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UnitPrice {
    micro_tenge: i64,
    divisor: i64,
}

impl UnitPrice {
    /// Free of charge.
    pub const FREE: Self = Self { micro_tenge: 0, divisor: 1 };

    /// A written price for one unit, in 10⁻⁶ tenge. `None` when negative.
    pub fn per_unit(micro_tenge: i64) -> Option<Self> {
        (micro_tenge >= 0).then_some(Self { micro_tenge, divisor: 1 })
    }

    /// A written price for `span`, cut into units of `unit` (the same measure). `None` when a length is zero or the
    /// product leaves 64 bits.
    pub fn cut(micro_tenge: i64, unit: u64, span: u64) -> Option<Self> {
        let common = gcd(unit, span);
        let (unit, span) = (unit.checked_div(common)?, span.checked_div(common)?);
        let divisor = i64::try_from(span).ok().filter(|d| *d > 0)?;
        let numerator = Self::per_unit(micro_tenge)?.micro_tenge.checked_mul(i64::try_from(unit).ok()?)?;
        let common = i64::try_from(gcd(numerator.unsigned_abs(), divisor.unsigned_abs())).ok()?.max(1);
        Some(Self { micro_tenge: numerator.checked_div(common)?, divisor: divisor.checked_div(common)? })
    }

    /// Reads a written price: at most six decimals, not negative. The result is in 10⁻⁶ tenge.
    pub fn parse_micro(text: &str) -> Result<i64, BadAmount> {
        parse_scaled(text.as_bytes(), 6)
            .and_then(|micro| if micro < 0 { Err(BadAmount::OutOfRange) } else { Ok(micro) })
    }

    /// This price rounded half up to a whole tiyn (`round = "unit_price"`).
    pub fn rounded_half_up_to_tiyn(self) -> Option<Self> {
        let step = self.divisor.checked_mul(10_000)?;
        let tiyn = self.micro_tenge.checked_add(step / 2)?.checked_div(step)?;
        Self::per_unit(tiyn.checked_mul(10_000)?)
    }

    /// Numerator, in 10⁻⁶ tenge.
    pub const fn micro_tenge(self) -> i64 {
        self.micro_tenge
    }

    /// Denominator, at least 1.
    pub const fn divisor(self) -> i64 {
        self.divisor
    }
}

/// The price in tenge as a reader writes it, `11.5/6` when it was cut.
impl fmt::Display for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimal = rust_decimal::Decimal::new(self.micro_tenge, 6).normalize();
        if self.divisor == 1 { write!(f, "{decimal}") } else { write!(f, "{decimal}/{}", self.divisor) }
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or(0));
    }
    a
}

/// Reads a decimal with at most `decimals` places as an integer of its last place.
fn parse_scaled(text: &[u8], decimals: u32) -> Result<i64, BadAmount> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let point = digits.iter().position(|b| *b == b'.');
    let (whole, fraction) = match point {
        Some(at) => (digits.get(..at).unwrap_or_default(), digits.get(at.saturating_add(1)..).unwrap_or_default()),
        None => (digits, Default::default()),
    };
    let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || (point.is_some() && fraction.is_empty()) {
        return Err(BadAmount::NotADecimal);
    }
    if fraction.len() > decimals as usize {
        return Err(BadAmount::TooManyDecimals { allowed: decimals });
    }
    let padding = (decimals as usize).saturating_sub(fraction.len());
    let mut scaled: i64 = 0;
    for digit in whole.iter().chain(fraction).copied().chain(std::iter::repeat_n(b'0', padding)) {
        let value = i64::from(digit.wrapping_sub(b'0'));
        scaled = scaled.checked_mul(10).and_then(|s| s.checked_add(value)).ok_or(BadAmount::OutOfRange)?;
    }
    Ok(if negative { scaled.wrapping_neg() } else { scaled })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_at_most_two_decimals_and_nothing_else() {
        for (text, tiyn) in [("0", 0), ("1500", 150_000), ("-36.95", -3695), ("0.5", 50), ("007.10", 710)] {
            assert_eq!(Tiyn::parse(text), Ok(Tiyn::new(tiyn)), "{text}");
        }
        for text in ["", "-", ".5", "5.", "1,5", "1e3", "0.005", "0.500", " 1", "+1", "99999999999999999999"] {
            assert!(Tiyn::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_print_two_decimals() {
        for (tiyn, text) in
            [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-19_000, "-190.00"), (i64::MIN, "-92233720368547758.08")]
        {
            assert_eq!(Tiyn::new(tiyn).to_string(), text);
        }
    }

    #[test]
    fn rating_1_5_a_cut_price_keeps_its_fraction() {
        let cut = UnitPrice::cut(11_500_000, 10_000, 60_000).unwrap();
        assert_eq!((cut.micro_tenge(), cut.divisor()), (5_750_000, 3));
        assert_eq!(cut.rounded_half_up_to_tiyn(), UnitPrice::per_unit(1_920_000));
        assert_eq!(UnitPrice::cut(60_000_000, 10_000, 60_000), UnitPrice::per_unit(10_000_000));
        assert_eq!(UnitPrice::cut(1, 1, 0), None);
        assert_eq!(UnitPrice::cut(i64::MAX, u64::MAX, 1), None);
    }
}
