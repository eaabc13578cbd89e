//! Lengths, times of day and prices as a tariff file writes them.

use super::super::Measure;
use crate::units::{BadAmount, UnitPrice};
use std::fmt;

/// A length of time, a volume or a number of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Quantity {
    pub(super) measure: Measure,
    /// Milliseconds, bytes or events; fits in `i64`.
    pub(super) amount: u64,
}

/// Why a text is no quantity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum BadQuantity {
    Empty,
    NoUnit,
    UnknownUnit(String),
    NotWhole,
    OutOfRange,
}

impl fmt::Display for BadQuantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::NoUnit => f.write_str("is a number without a unit"),
            Self::UnknownUnit(unit) => write!(f, "has the unknown unit {}", super::super::finding::quoted(unit)),
            Self::NotWhole => f.write_str("is not a whole number of a unit"),
            Self::OutOfRange => f.write_str("is beyond the range of a quantity"),
        }
    }
}

/// What a reader may write.
pub(super) const UNITS: [&str; 10] = ["s", "ms", "min", "h", "KB", "MB", "GB", "B", "event", "events"];

impl Quantity {
    /// Reads `10s`, `1min`, `1 MB`, `event` (one event).
    pub(super) fn parse(text: &str, kilobyte: u64) -> Result<Self, BadQuantity> {
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
        let unit = unit.trim_start();
        if unit.is_empty() {
            return Err(if number.is_empty() { BadQuantity::Empty } else { BadQuantity::NoUnit });
        }
        if unit.starts_with(['.', ',', '-', '+']) {
            return Err(BadQuantity::NotWhole);
        }
        let megabyte = kilobyte.saturating_mul(kilobyte);
        let (measure, size) = match unit {
            "ms" => (Measure::Time, 1),
            "s" => (Measure::Time, 1_000),
            "min" => (Measure::Time, 60_000),
            "h" => (Measure::Time, 3_600_000),
            "B" => (Measure::Volume, 1),
            "KB" => (Measure::Volume, kilobyte),
            "MB" => (Measure::Volume, megabyte),
            "GB" => (Measure::Volume, megabyte.saturating_mul(kilobyte)),
            "event" | "events" => (Measure::Events, 1),
            unknown => return Err(BadQuantity::UnknownUnit(unknown.to_owned())),
        };
        let count: u64 = if number.is_empty() { 1 } else { number.parse().map_err(|_| BadQuantity::OutOfRange)? };
        let amount = count.checked_mul(size).filter(|amount| i64::try_from(*amount).is_ok());
        Ok(Self { measure, amount: amount.ok_or(BadQuantity::OutOfRange)? })
    }

    /// As milliseconds; `None` for what is no time.
    pub(super) fn ms(self) -> Option<i64> {
        match self.measure {
            Measure::Time => i64::try_from(self.amount).ok(),
            Measure::Volume | Measure::Events => None,
        }
    }
}

/// The measure as a sentence names it.
pub(super) fn measure_name(measure: Measure) -> &'static str {
    match measure {
        Measure::Time => "time",
        Measure::Volume => "volume",
        Measure::Events => "events",
    }
}

/// Milliseconds since midnight of `22:00` or `22:00:30`; `24:00` is the end of the day.
pub(super) fn time_of_day_ms(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<i64>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() || minute > 59 || second > 59 {
        return None;
    }
    let ms = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?.checked_mul(1000)?;
    (ms <= DAY_MS).then_some(ms)
}

/// A whole day.
pub(super) const DAY_MS: i64 = 86_400_000;

/// What is wrong with a written price, as the end of a sentence.
pub(super) fn bad_price(text: &str, bad: BadAmount) -> String {
    match bad {
        BadAmount::NotADecimal => "is not a decimal number".to_owned(),
        BadAmount::TooManyDecimals { allowed } => format!("has more than {allowed} decimals"),
        BadAmount::OutOfRange if text.starts_with('-') => "is negative".to_owned(),
        BadAmount::OutOfRange => "is beyond the range of an amount".to_owned(),
    }
}

/// A written price in 10⁻⁶ tenge.
pub(super) fn price_micro(text: &str) -> Result<i64, String> {
    UnitPrice::parse_micro(text).map_err(|bad| bad_price(text, bad))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_7_1_quantities() {
        for (text, measure, amount) in [
            ("10s", Measure::Time, 10_000),
            ("s", Measure::Time, 1_000),
            ("1 min", Measure::Time, 60_000),
            ("2h", Measure::Time, 7_200_000),
            ("250ms", Measure::Time, 250),
            ("1KB", Measure::Volume, 1_024),
            ("1MB", Measure::Volume, 1_048_576),
            ("2GB", Measure::Volume, 2_147_483_648),
            ("7B", Measure::Volume, 7),
            ("event", Measure::Events, 1),
            ("100 events", Measure::Events, 100),
            ("0s", Measure::Time, 0),
        ] {
            assert_eq!(Quantity::parse(text, 1024), Ok(Quantity { measure, amount }), "{text}");
        }
        assert_eq!(Quantity::parse("1MB", 1000).unwrap().amount, 1_000_000);
    }

    #[test]
    fn interface_7_1_what_is_no_quantity() {
        for (text, bad) in [
            ("", BadQuantity::Empty),
            ("60", BadQuantity::NoUnit),
            ("1.5min", BadQuantity::NotWhole),
            ("-5s", BadQuantity::NotWhole),
            ("10sec", BadQuantity::UnknownUnit("sec".into())),
            ("10 Kb", BadQuantity::UnknownUnit("Kb".into())),
            ("99999999999999999999s", BadQuantity::OutOfRange),
            ("9223372036854775807h", BadQuantity::OutOfRange),
            ("18446744073709551615ms", BadQuantity::OutOfRange),
        ] {
            assert_eq!(Quantity::parse(text, 1024), Err(bad), "{text}");
        }
    }

    #[test]
    fn interface_7_1_times_of_day() {
        for (text, ms) in [
            ("00:00", Some(0)),
            ("22:00", Some(79_200_000)),
            ("07:30:15", Some(27_015_000)),
            ("24:00", Some(DAY_MS)),
            ("24:01", None),
            ("7:00", None),
            ("22", None),
            ("22:60", None),
            ("22:00:00:00", None),
            ("aa:bb", None),
            ("", None),
        ] {
            assert_eq!(time_of_day_ms(text), ms, "{text}");
        }
    }
}
