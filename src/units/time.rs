use chrono::{Datelike, NaiveDate};
use std::fmt;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, from year 0000 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct InstantMs(pub i64);

impl InstantMs {
    /// Milliseconds from `earlier` to this instant, negative when it is before.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The instant `ms` later.
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// The length of a connection in milliseconds, never negative.
pub type DurationMs = i64;

/// A calendar day of a time zone: days since 1970-01-01.
///
/// Not an instant: the same day begins at different instants in different zones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LocalDay(pub i32);

/// Text that is not a calendar day `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadDay;

impl fmt::Display for BadDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a day like 2026-03-01")
    }
}

impl std::error::Error for BadDay {}

/// Days from year 0 to 1970-01-01, as chrono counts them (from 0001-01-01 as day 1).
const EPOCH_DAYS_CE: i32 = 719_163;

impl LocalDay {
    /// The day of a date, `None` when there is no such date.
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day)
            .map(|date| Self(date.num_days_from_ce().saturating_sub(EPOCH_DAYS_CE)))
    }

    /// Reads `YYYY-MM-DD`, nothing else.
    ///
    /// ```
    /// use esep::units::LocalDay;
    /// assert_eq!(LocalDay::parse("1970-01-02"), Ok(LocalDay(1)));
    /// assert!(LocalDay::parse("2026-02-29").is_err());
    /// ```
    pub fn parse(text: impl AsRef<[u8]>) -> Result<Self, BadDay> {
        let bytes = text.as_ref();
        let number = |range: std::ops::Range<usize>| -> Option<u32> {
            bytes.get(range)?.iter().try_fold(0u32, |n, b| {
                b.is_ascii_digit().then(|| n.wrapping_mul(10).wrapping_add(u32::from(b.wrapping_sub(b'0'))))
            })
        };
        if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
            return Err(BadDay);
        }
        let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
            return Err(BadDay);
        };
        Self::from_ymd(year.cast_signed(), month, day).ok_or(BadDay)
    }

    /// Year, month 1–12, day 1–31.
    pub fn ymd(self) -> (i32, u32, u32) {
        let date = self.date();
        (date.year(), date.month(), date.day())
    }

    /// 0 is Monday, 6 is Sunday.
    pub fn weekday_from_monday(self) -> u8 {
        // 1970-01-01 was a Thursday.
        u8::try_from(self.0.wrapping_add(3).rem_euclid(7)).unwrap_or(0)
    }

    /// The calendar month that the day lies in.
    pub fn period(self) -> Period {
        let (year, month, _) = self.ymd();
        Period(year.saturating_mul(12).saturating_add(month.cast_signed().saturating_sub(1)))
    }

    /// The day `days` later.
    pub const fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The same day `months` later, or the last day of that month where it has no such day.
    ///
    /// ```
    /// use esep::units::LocalDay;
    /// let leap = LocalDay::parse("2024-02-29").unwrap();
    /// assert_eq!(leap.plus_months(12).to_string(), "2025-02-28");
    /// assert_eq!(leap.plus_months(48).to_string(), "2028-02-29");
    /// ```
    ///
    /// Source: status 3.3.
    pub fn plus_months(self, months: i32) -> Self {
        let (_, _, day) = self.ymd();
        let month = Period(self.period().0.saturating_add(months));
        let last = month.days().saturating_sub(1);
        month.first_day().plus_days(day.cast_signed().saturating_sub(1).min(last))
    }

    fn date(self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(self.0.saturating_add(EPOCH_DAYS_CE)).unwrap_or(NaiveDate::MAX)
    }
}

/// `2026-03-01`.
impl fmt::Display for LocalDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A billing period: one calendar month, counted as year × 12 + month from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct Period(pub i32);

impl Period {
    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Result<Self, BadDay> {
        if text.len() != 7 {
            return Err(BadDay);
        }
        LocalDay::parse(format!("{text}-01")).map(LocalDay::period)
    }

    /// The first day of the month.
    pub fn first_day(self) -> LocalDay {
        let month = u32::try_from(self.0.rem_euclid(12)).unwrap_or(0).saturating_add(1);
        LocalDay::from_ymd(self.0.div_euclid(12), month, 1).unwrap_or(LocalDay(0))
    }

    /// The month after.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The month before.
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// 28 to 31.
    pub fn days(self) -> i32 {
        self.next().first_day().0.saturating_sub(self.first_day().0)
    }
}

/// `2026-03`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, _) = self.first_day().ymd();
        write!(f, "{year:04}-{month:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        for (text, day) in [("1970-01-01", 0), ("1969-12-31", -1), ("2024-02-29", 19_782), ("0000-01-01", -719_528)] {
            assert_eq!(LocalDay::parse(text), Ok(LocalDay(day)), "{text}");
            assert_eq!(LocalDay(day).to_string(), text);
        }
        for text in ["2026-13-01", "2026-02-29", "2026-1-01", "2026/01/01", "", "2026-01-01 ", "x026-01-01"] {
            assert_eq!(LocalDay::parse(text), Err(BadDay), "{text}");
        }
    }

    #[test]
    fn status_3_3_months_after_a_day_end_with_the_month() {
        for (from, months, to) in [
            ("2024-02-29", 12, "2025-02-28"),
            ("2024-02-29", 36, "2027-02-28"),
            ("2024-02-29", 48, "2028-02-29"),
            ("2023-02-28", 12, "2024-02-28"),
            ("2025-12-31", 2, "2026-02-28"),
            ("2026-01-30", 1, "2026-02-28"),
            ("2026-03-31", 0, "2026-03-31"),
            ("2026-03-31", -1, "2026-02-28"),
            ("2021-03-01", 60, "2026-03-01"),
        ] {
            assert_eq!(LocalDay::parse(from).unwrap().plus_months(months).to_string(), to, "{from} {months}");
        }
    }

    #[test]
    fn weekdays_and_months() {
        assert_eq!(LocalDay::parse("2026-11-22").unwrap().weekday_from_monday(), 6);
        assert_eq!(LocalDay::parse("2026-11-23").unwrap().weekday_from_monday(), 0);
        let february = LocalDay::parse("2024-02-29").unwrap().period();
        assert_eq!((february.to_string().as_str(), february.days()), ("2024-02", 29));
        assert_eq!(february.previous().previous().to_string(), "2023-12");
        assert_eq!(Period::parse("2024-02"), Ok(february));
    }
}
