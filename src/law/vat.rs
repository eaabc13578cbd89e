use super::{ALWAYS, Certainty, Dated, OPEN, date, row_on};
use crate::units::LocalDay;
use std::fmt;

/// A rate of value added tax, in hundredths of a per cent: 0 to 10 000.
///
/// Source: BT-16.1. The arithmetic with it is the room `tax`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VatRate(u16);

impl VatRate {
    /// A rate from its hundredths of a per cent. `None` above 100 %.
    pub const fn from_hundredths(hundredths: u16) -> Option<Self> {
        if hundredths <= 10_000 { Some(Self(hundredths)) } else { None }
    }

    /// Hundredths of a per cent: 1600 is 16 %.
    pub const fn hundredths(self) -> u16 {
        self.0
    }
}

/// Per cent without trailing zeros: `16`, `12.5`.
impl fmt::Display for VatRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / 100, self.0 % 100);
        match (rest / 10, rest % 10) {
            (0, 0) => write!(f, "{percent}"),
            (tenths, 0) => write!(f, "{percent}.{tenths}"),
            _ => write!(f, "{percent}.{rest:02}"),
        }
    }
}

/// The rates of Kazakhstan since its first VAT, oldest first.
pub static VAT: [Dated<VatRate>; 7] = [
    Dated {
        from: ALWAYS,
        until: date(2001, 6, 30),
        value: VatRate(2000),
        source: "mondaq, a text of 1996; the last day from memory",
        certainty: Certainty::Recalled,
    },
    Dated {
        from: date(2001, 7, 1),
        until: date(2003, 12, 31),
        value: VatRate(1600),
        source: "memory",
        certainty: Certainty::Recalled,
    },
    Dated {
        from: date(2004, 1, 1),
        until: date(2006, 12, 31),
        value: VatRate(1500),
        source: "memory",
        certainty: Certainty::Recalled,
    },
    Dated {
        from: date(2007, 1, 1),
        until: date(2007, 12, 31),
        value: VatRate(1400),
        source: "memory",
        certainty: Certainty::Recalled,
    },
    Dated {
        from: date(2008, 1, 1),
        until: date(2008, 12, 31),
        value: VatRate(1300),
        source: "biglaw.org: lowered to 12 from 13",
        certainty: Certainty::Verified,
    },
    Dated {
        from: date(2009, 1, 1),
        until: date(2025, 12, 31),
        value: VatRate(1200),
        source: "biglaw.org; brobank.kz; vatupdate",
        certainty: Certainty::Verified,
    },
    Dated {
        from: date(2026, 1, 1),
        until: OPEN,
        value: VatRate(1600),
        source: "law 214-VIII of 18 July 2025, by regfollower.com",
        certainty: Certainty::Verified,
    },
];

/// The rate of a day: of the answer's local day for usage, of the payment's for a budget account.
///
/// ```
/// use esep::{law::vat_rate_on, units::LocalDay};
/// assert_eq!(vat_rate_on(LocalDay::parse("2026-01-01").unwrap()).to_string(), "16");
/// ```
///
/// Source: rating 2.2, facts 5.
#[inline]
pub fn vat_rate_on(day: LocalDay) -> VatRate {
    let [oldest, later @ ..] = &VAT;
    row_on(later, day).unwrap_or(oldest).value
}

#[cfg(test)]
mod tests {
    use super::super::tests::{assert_no_gap_and_no_overlap, day};
    use super::*;

    #[test]
    fn bt_16_1_the_table_has_no_gap_and_no_overlap() {
        assert_no_gap_and_no_overlap(&VAT);
        assert_eq!(VAT[0].from, ALWAYS);
    }

    #[test]
    fn bt_16_1_each_day_has_its_rate() {
        for (text, percent) in [
            ("1991-12-24", "20"),
            ("2001-06-30", "20"),
            ("2001-07-01", "16"),
            ("2003-12-31", "16"),
            ("2004-01-01", "15"),
            ("2006-12-31", "15"),
            ("2007-01-01", "14"),
            ("2007-12-31", "14"),
            ("2008-01-01", "13"),
            ("2008-12-31", "13"),
            ("2009-01-01", "12"),
            ("2025-12-31", "12"),
            ("2026-01-01", "16"),
            ("2099-12-31", "16"),
        ] {
            assert_eq!(vat_rate_on(day(text)).to_string(), percent, "{text}");
        }
        assert_eq!(vat_rate_on(LocalDay(i32::MIN)).hundredths(), 2000);
        assert_eq!(vat_rate_on(LocalDay(i32::MAX)).hundredths(), 1600);
    }

    #[test]
    fn rates_print_per_cent_without_trailing_zeros() {
        for (hundredths, text) in
            [(0, "0"), (5, "0.05"), (1200, "12"), (1250, "12.5"), (1205, "12.05"), (10_000, "100")]
        {
            assert_eq!(VatRate::from_hundredths(hundredths).unwrap().to_string(), text);
        }
        assert_eq!(VatRate::from_hundredths(10_001), None);
    }
}
