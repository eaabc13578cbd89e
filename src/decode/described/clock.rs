use crate::decode::{parse_rfc3339, time};
use crate::units::{InstantMs, LocalDay, LocalInstants, Zone};
use chrono::format::{Fixed, Item, Numeric, StrftimeItems};
use chrono::{DateTime, NaiveDateTime};

const DAY_MS: i64 = 86_400_000;
/// 9999-12-31T23:59:59.999Z
const LAST_MS: i64 = 253_402_300_799_999;
/// 0000-01-01T00:00:00Z
const FIRST_MS: i64 = -62_167_219_200_000;

/// What a time of a line names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moment {
    /// Empty.
    None,
    /// Not an instant, and why.
    Bad(&'static str),
    /// An instant.
    One(InstantMs),
    /// A local time that came twice.
    Two(InstantMs, InstantMs),
}

/// How times are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum TimeFormat {
    Rfc3339,
    /// A number since 1970; this many of its units make a second.
    Epoch {
        per_second: i64,
    },
    /// `2026-03-01 12:00:00`, with a fraction or not: nearly every switch, so it has its own reader.
    LocalIso,
    /// A format of chrono's strftime.
    Strftime {
        format: String,
        has_offset: bool,
    },
}

impl TimeFormat {
    /// Reads the name or the strftime format of a description.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "rfc3339" => Self::Rfc3339,
            "epoch_s" => Self::Epoch { per_second: 1 },
            "epoch_ms" => Self::Epoch { per_second: 1000 },
            "epoch_us" => Self::Epoch { per_second: 1_000_000 },
            "%Y-%m-%d %H:%M:%S" | "%Y-%m-%d %H:%M:%S%.f" | "%Y-%m-%d %H:%M:%S%.3f" => Self::LocalIso,
            format => {
                let has_offset = strftime_has_offset(format)?;
                Self::Strftime { format: format.to_owned(), has_offset }
            }
        })
    }

    /// Whether a time zone is needed to know the instant.
    pub(super) const fn is_local(&self) -> bool {
        match self {
            Self::LocalIso | Self::Strftime { has_offset: false, .. } => true,
            Self::Rfc3339 | Self::Epoch { .. } | Self::Strftime { has_offset: true, .. } => false,
        }
    }

    /// What a text names; empty text names nothing.
    pub(super) fn read(&self, text: &str, zone: Option<&Zone>) -> Moment {
        if text.is_empty() {
            return Moment::None;
        }
        let unreadable = Moment::Bad("is not in the description's `time_format`");
        let instant = match self {
            Self::Rfc3339 => parse_rfc3339(text.as_bytes()),
            Self::Epoch { per_second } => epoch(text, *per_second),
            Self::LocalIso => return local_iso(text.as_bytes()).map_or(unreadable, |local_ms| local(local_ms, zone)),
            Self::Strftime { format, has_offset: true } => DateTime::parse_from_str(text, format)
                .ok()
                .filter(|at| at.timestamp_subsec_nanos() < 1_000_000_000)
                .map(|at| InstantMs(at.timestamp_millis())),
            Self::Strftime { format, has_offset: false } => {
                return NaiveDateTime::parse_from_str(text, format)
                    .ok()
                    .filter(|at| at.and_utc().timestamp_subsec_nanos() < 1_000_000_000)
                    .map_or(unreadable, |at| local(at.and_utc().timestamp_millis(), zone));
            }
        };
        instant.filter(|at| (FIRST_MS..=LAST_MS).contains(&at.0)).map_or(unreadable, Moment::One)
    }
}

/// Checks a strftime format: known items, enough of them to name a time, an offset or none.
fn strftime_has_offset(format: &str) -> Result<bool, String> {
    let is_offset = |item: &Item<'_>| {
        [
            Fixed::TimezoneOffset,
            Fixed::TimezoneOffsetColon,
            Fixed::TimezoneOffsetDoubleColon,
            Fixed::TimezoneOffsetTripleColon,
            Fixed::TimezoneOffsetZ,
            Fixed::TimezoneOffsetColonZ,
            Fixed::RFC2822,
            Fixed::RFC3339,
        ]
        .iter()
        .any(|fixed| *item == Item::Fixed(fixed.clone()))
    };
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    if items.contains(&Item::Error) {
        return Err(format!("`{format}` has an item that strftime does not know"));
    }
    if items.iter().any(|item| matches!(item, Item::Numeric(Numeric::Timestamp, _))) {
        return Err(format!("`{format}`: for seconds since 1970 write \"epoch_s\""));
    }
    let has_offset = items.iter().any(is_offset);
    let sample = DateTime::UNIX_EPOCH.format(format).to_string();
    let names_a_time = if has_offset {
        DateTime::parse_from_str(&sample, format).is_ok()
    } else {
        NaiveDateTime::parse_from_str(&sample, format).is_ok()
    };
    if names_a_time { Ok(has_offset) } else { Err(format!("`{format}` does not name a date and a time")) }
}

/// `2026-03-01 12:00:00.123` as milliseconds since 1970 of the local clock.
fn local_iso(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let (clock, fraction) = rest.strip_prefix(b" ")?.split_first_chunk::<8>()?;
    let (fraction_ms, rest) = time::fraction_ms(fraction)?;
    if !rest.is_empty() {
        return None;
    }
    Some(time::day_ms(date)?.saturating_add(time::clock_ms(clock)?).saturating_add(fraction_ms))
}

fn local(local_ms: i64, zone: Option<&Zone>) -> Moment {
    let Some(zone) = zone else { return Moment::Bad("is a local time without a `time_zone`") };
    if !(FIRST_MS..=LAST_MS).contains(&local_ms) {
        return Moment::Bad("is beyond the years 0000 to 9999");
    }
    let day = LocalDay(i32::try_from(local_ms.div_euclid(DAY_MS)).unwrap_or(i32::MAX));
    match zone.instants(day, local_ms.rem_euclid(DAY_MS)) {
        LocalInstants::Never => Moment::Bad("is a local time that the clock was moved over"),
        LocalInstants::One(at) => Moment::One(at),
        LocalInstants::Two(first, second) => Moment::Two(first, second),
    }
}

/// Digits, with a fraction or not, in units of which `per_second` make a second; cut off at milliseconds.
fn epoch(text: &str, per_second: i64) -> Option<InstantMs> {
    // Thousandths of a second are milliseconds; of a millisecond, a thousandth of one.
    thousandths(text)?.checked_div(per_second).map(InstantMs)
}

/// A decimal number, not negative, in whole thousandths; what is smaller is cut off.
pub(super) fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let small = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(3)
        .fold(0i64, |number, digit| number.wrapping_mul(10).wrapping_add(i64::from(digit.wrapping_sub(b'0'))));
    whole.parse::<i64>().ok()?.checked_mul(1000)?.checked_add(small)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::One(parse_rfc3339(text.as_bytes()).unwrap())
    }

    fn read(format: &str, text: &str) -> Moment {
        let zone = Zone::parse("Asia/Almaty").unwrap();
        TimeFormat::parse(format).unwrap().read(text, Some(&zone))
    }

    #[test]
    fn formats_name_instants() {
        let noon = at("2026-03-01T12:00:00.250+05:00");
        for (format, text) in [
            ("rfc3339", "2026-03-01T12:00:00.250+05:00"),
            ("epoch_s", "1772348400.25"),
            ("epoch_s", "1772348400.250999"),
            ("epoch_ms", "1772348400250"),
            ("epoch_ms", "1772348400250.9"),
            ("epoch_us", "1772348400250999"),
            ("%Y-%m-%d %H:%M:%S", "2026-03-01 12:00:00.250"),
            ("%d.%m.%Y %H:%M:%S%.f", "01.03.2026 12:00:00.25"),
            ("%Y%m%d%H%M%S%.f", "20260301120000.250"),
            ("%Y-%m-%d %H:%M:%S%.f%z", "2026-03-01 12:00:00.250+0500"),
            ("%d/%b/%Y:%H:%M:%S%.f %z", "01/Mar/2026:07:00:00.25 +0000"),
        ] {
            assert_eq!(read(format, text), noon, "{format} {text}");
            assert_eq!(read(format, ""), Moment::None);
        }
    }

    #[test]
    fn rating_1_2_what_is_not_a_time_of_the_format() {
        for (format, text) in [
            ("rfc3339", "2026-03-01 12:00:00"),
            ("epoch_s", "-1"),
            ("epoch_s", "1e9"),
            ("epoch_s", "17."),
            ("epoch_s", "99999999999999"),
            ("%Y-%m-%d %H:%M:%S", "2026-02-29 12:00:00"),
            ("%Y-%m-%d %H:%M:%S", "2026-03-01T12:00:00"),
            ("%Y-%m-%d %H:%M:%S", "2026-03-01 12:00:60"),
            ("%Y-%m-%d %H:%M:%S", "0000-00-00 00:00:00"),
            ("%Y-%m-%d %H:%M:%S", "2026-03-01 12:00:00Z"),
            ("%d.%m.%Y %H:%M:%S", "01.03.2026 12:00:60"),
            ("%d.%m.%Y %H:%M:%S", "31.02.2026 12:00:00"),
        ] {
            assert!(matches!(read(format, text), Moment::Bad(_)), "{format} {text}");
        }
    }

    #[test]
    fn rating_1_4_local_times_that_came_twice_or_never() {
        assert_eq!(
            read("%Y-%m-%d %H:%M:%S", "2024-02-29 23:30:00"),
            match (at("2024-02-29T23:30:00+06:00"), at("2024-02-29T23:30:00+05:00")) {
                (Moment::One(first), Moment::One(second)) => Moment::Two(first, second),
                other => panic!("{other:?}"),
            }
        );
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        let format = TimeFormat::parse("%Y-%m-%d %H:%M:%S").unwrap();
        assert!(matches!(format.read("2026-03-29 02:30:00", Some(&berlin)), Moment::Bad(_)));
        assert!(matches!(format.read("2026-03-29 02:30:00", None), Moment::Bad(_)));
    }

    #[test]
    fn formats_that_name_no_time_are_refused() {
        for format in ["%Y-%m-%d", "%H:%M", "%s", "%Q", "iso", "", "%Y-%m-%d %H"] {
            assert!(TimeFormat::parse(format).is_err(), "{format}");
        }
    }
}
