use super::usual::{Usual, WINDOW};
use crate::units::InstantMs;

const DAY_MS: i64 = 86_400_000;
/// No text of an instant, with the comma behind it, has more bytes: nine digits of a fraction and an offset.
const LONGEST: usize = 36;

/// Reads an instant as RFC 3339 writes it, years 0000 to 9999.
///
/// Tolerated beside the strict form: lower-case `t` and `z`, a space for the `T`, one to nine fraction digits (cut off
/// at milliseconds, never rounded). Rejected: no offset, a 60th second, an hour 24, a date that is not in the calendar,
/// anything before or after.
///
/// ```
/// use esep::decode::parse_rfc3339;
/// use esep::units::InstantMs;
/// assert_eq!(parse_rfc3339(b"1970-01-01T05:00:01.5+05:00"), Some(InstantMs(1_500)));
/// assert_eq!(parse_rfc3339(b"1970-01-01T05:00:01"), None);
/// ```
pub fn parse_rfc3339(text: &[u8]) -> Option<InstantMs> {
    let (date, clock) = text.split_first_chunk::<10>()?;
    let (local_ms, offset) = local_ms(day_ms(date)?, clock)?;
    Some(InstantMs(local_ms.wrapping_sub(offset_ms(offset)?)))
}

/// The last date and offset seen, so that a run of one day's records works them out once.
#[derive(Clone, Debug)]
pub struct DateCache {
    text: [u8; 10],
    day_ms: i64,
    offset: [u8; 6],
    offset_ms: i64,
    usual: Usual,
}

impl Default for DateCache {
    fn default() -> Self {
        Self::new()
    }
}

impl DateCache {
    /// A cache that holds 1970-01-01 and UTC.
    pub const fn new() -> Self {
        Self { text: *b"1970-01-01", day_ms: 0, offset: *b"+00:00", offset_ms: 0, usual: Usual::NONE }
    }

    /// [`parse_rfc3339`], faster where the date and the offset are those of the call before.
    pub fn parse_rfc3339(&mut self, text: &[u8]) -> Option<InstantMs> {
        let mut window = [b','; WINDOW];
        if let Some(place) = window.get_mut(..text.len())
            && text.len() == self.usual.length()
        {
            place.copy_from_slice(text);
            if let Some(at) = self.usual.instant(&window) {
                return Some(at);
            }
        }
        self.unusual(text)
    }

    /// [`parse_rfc3339`] of a text that stands in a piece before a separator.
    #[inline(always)]
    pub(super) fn read(&mut self, piece: &[u8], start: usize, end: usize) -> Option<InstantMs> {
        let window = piece.get(start..).and_then(|rest| rest.first_chunk());
        if let Some(at) = window.and_then(|window| self.usual.instant(window)) {
            return Some(at);
        }
        self.unusual(piece.get(start..end)?)
    }

    /// [`parse_rfc3339`] of what stands in a piece before the next comma, and where that is past.
    #[inline(always)]
    pub(super) fn next(&mut self, piece: &[u8], start: usize) -> Option<(InstantMs, usize)> {
        let window = piece.get(start..).and_then(|rest| rest.first_chunk());
        if let Some(at) = window.and_then(|window| self.usual.instant(window)) {
            return Some((at, start.wrapping_add(self.usual.length()).wrapping_add(1)));
        }
        self.next_unusual(piece, start)
    }

    #[cold]
    #[inline(never)]
    fn next_unusual(&mut self, piece: &[u8], start: usize) -> Option<(InstantMs, usize)> {
        let rest = piece.get(start..)?;
        let length = rest.iter().take(LONGEST).position(|byte| *byte == b',')?;
        let at = self.unusual(rest.get(..length)?)?;
        Some((at, start.wrapping_add(length).wrapping_add(1)))
    }

    #[cold]
    #[inline(never)]
    fn unusual(&mut self, text: &[u8]) -> Option<InstantMs> {
        let at = self.parse_any(text)?;
        if let Some(usual) = Usual::of(text, at) {
            self.usual = usual;
        }
        Some(at)
    }

    fn parse_any(&mut self, text: &[u8]) -> Option<InstantMs> {
        let (date, clock) = text.split_first_chunk::<10>()?;
        if *date != self.text {
            self.day_ms = day_ms(date)?;
            self.text = *date;
        }
        let (local_ms, offset) = local_ms(self.day_ms, clock)?;
        match offset.first_chunk::<6>() {
            Some(offset) if *offset == self.offset => {}
            Some(text) => {
                self.offset_ms = offset_ms(offset)?;
                self.offset = *text;
            }
            None => return Some(InstantMs(local_ms.wrapping_sub(offset_ms(offset)?))),
        }
        // Longer than an offset is not an instant.
        (offset.len() == 6).then(|| InstantMs(local_ms.wrapping_sub(self.offset_ms)))
    }
}

/// Midnight, a clock time (`T12:00:00`) and a fraction in milliseconds, and the offset that follows.
#[inline]
fn local_ms(day_ms: i64, clock: &[u8]) -> Option<(i64, &[u8])> {
    let (head, rest) = clock.split_first_chunk::<9>()?;
    if !matches!(head[0], b'T' | b't' | b' ') {
        return None;
    }
    let [_, time @ ..] = head;
    let clock_ms = clock_ms(time)?;
    let (fraction_ms, offset) = fraction_ms(rest)?;
    Some((day_ms.wrapping_add(clock_ms).wrapping_add(fraction_ms), offset))
}

/// Eight bytes in which `shape` stands for digits by `0` and for anything else by itself, as the values of the digits.
///
/// Byte `i` of the result is the digit at `i`, 0 at the other places.
#[inline]
fn digits(text: [u8; 8], shape: &[u8; 8]) -> Option<u64> {
    // 9 + 0x76 = 0x7f, 10 + 0x76 sets the high bit; a byte that is not a digit must be that of the shape.
    let limit = shape.map(|byte| if byte == b'0' { 0x76 } else { 0x7f });
    let values = u64::from_le_bytes(text) ^ u64::from_le_bytes(*shape);
    let beyond = values.wrapping_add(u64::from_le_bytes(limit));
    ((values | beyond) & 0x8080_8080_8080_8080 == 0).then_some(values)
}

/// Of two digits side by side, their number: byte `i` of the result is 10 × byte `i` + byte `i` + 1.
#[inline]
fn pairs(values: u64) -> [u8; 8] {
    values.wrapping_mul(10).wrapping_add(values >> 8).to_le_bytes()
}

/// Midnight UTC of a date `YYYY-MM-DD`, in milliseconds.
#[inline]
pub(super) fn day_ms(date: &[u8; 10]) -> Option<i64> {
    let [head @ .., tens, ones] = *date;
    let [century, _, year_of_century, _, _, month, ..] = pairs(digits(head, b"0000-00-")?);
    let day = two_digits(tens, ones)?;
    let year = u32::from(century).wrapping_mul(100).wrapping_add(u32::from(year_of_century));
    let leap = year_of_century % 4 == 0 && (year_of_century != 0 || century % 4 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    if day == 0 || day > days_in_month {
        return None;
    }
    Some(days_from_civil(year, u32::from(month), u32::from(day)).wrapping_mul(DAY_MS))
}

fn two_digits(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| tens.wrapping_mul(10).wrapping_add(ones))
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
///
/// Years are counted from March, so that the leap day ends them, and 400 of them are added, so that all is positive.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms".
#[inline]
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    let year = year.wrapping_add(400).wrapping_sub(u32::from(month <= 2));
    let month_from_march = if month > 2 { month.wrapping_sub(3) } else { month.wrapping_add(9) };
    let day_of_year = month_from_march.wrapping_mul(153).wrapping_add(2) / 5;
    let days = year
        .wrapping_mul(365)
        .wrapping_add(year / 4)
        .wrapping_sub(year / 100)
        .wrapping_add(year / 400)
        .wrapping_add(day_of_year)
        .wrapping_add(day);
    // 146 097 days in the added years, 719 468 from 0000-03-01 to 1970-01-01, and the first day is day 1.
    i64::from(days).wrapping_sub(146_097 + 719_468 + 1)
}

/// `HH:MM:SS` in milliseconds.
#[inline]
pub(super) fn clock_ms(text: &[u8; 8]) -> Option<i64> {
    let [hour, _, _, minute, _, _, second, _] = pairs(digits(*text, b"00:00:00")?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let minutes = i64::from(hour).wrapping_mul(60).wrapping_add(i64::from(minute));
    Some(minutes.wrapping_mul(60).wrapping_add(i64::from(second)).wrapping_mul(1000))
}

/// A fraction of a second (`.5`, up to nine digits) in whole milliseconds, and what follows it.
#[inline]
pub(super) fn fraction_ms(text: &[u8]) -> Option<(i64, &[u8])> {
    let fraction = match text {
        [b'.', fraction @ ..] => fraction,
        text => return Some((0, text)),
    };
    // Three digits, then the offset: what nearly every feed writes.
    if let [hundreds, tens, ones, rest @ ..] = fraction
        && !rest.first().is_some_and(u8::is_ascii_digit)
    {
        let [hundreds, tens, ones] = [hundreds, tens, ones].map(|digit| digit.wrapping_sub(b'0'));
        if hundreds <= 9 && tens <= 9 && ones <= 9 {
            let ms = i64::from(hundreds).wrapping_mul(100);
            return Some((ms.wrapping_add(i64::from(tens).wrapping_mul(10)).wrapping_add(i64::from(ones)), rest));
        }
    }
    any_fraction_ms(fraction)
}

#[cold]
fn any_fraction_ms(fraction: &[u8]) -> Option<(i64, &[u8])> {
    let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    let (fraction, rest) = fraction.split_at_checked(length)?;
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let digit = |at: usize| i64::from(fraction.get(at).map_or(0, |b| b.wrapping_sub(b'0')));
    let ms = digit(0).wrapping_mul(100).wrapping_add(digit(1).wrapping_mul(10)).wrapping_add(digit(2));
    Some((ms, rest))
}

/// `Z` or `±HH:MM` in milliseconds east.
#[inline]
pub(super) fn offset_ms(text: &[u8]) -> Option<i64> {
    let (sign, h0, h1, m0, m1) = match *text {
        [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1, b':', m0, m1] => (sign, h0, h1, m0, m1),
        _ => return None,
    };
    let (hours, minutes) = (two_digits(h0, h1)?, two_digits(m0, m1)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let ms = i64::from(hours).wrapping_mul(60).wrapping_add(i64::from(minutes)).wrapping_mul(60_000);
    match sign {
        b'+' => Some(ms),
        b'-' => Some(ms.wrapping_neg()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What chrono reads, without what it takes beyond us: a 60th second, no fraction limit.
    fn by_chrono(text: &str) -> Option<InstantMs> {
        use chrono::Timelike;
        let at = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        (at.nanosecond() < 1_000_000_000).then(|| InstantMs(at.timestamp_millis()))
    }

    #[test]
    fn rating_1_1_instants_have_an_offset() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00.1z", 100),
            ("1970-01-01 00:00:00.123456789Z", 123),
            ("1970-01-01T05:00:00+05:00", 0),
            ("1969-12-31T23:59:59.999-00:00", -1),
            ("2000-02-29T00:00:00Z", 951_782_400_000),
            ("2024-02-29T23:30:00+06:00", 1_709_227_800_000),
            ("2024-03-01T00:00:00+05:00", 1_709_233_200_000),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("1970-01-01T23:59:00+23:59", 0),
        ] {
            assert_eq!(parse_rfc3339(text.as_bytes()), Some(InstantMs(ms)), "{text}");
            assert_eq!(DateCache::new().parse_rfc3339(text.as_bytes()), Some(InstantMs(ms)), "{text}");
        }
    }

    #[test]
    fn rating_1_2_bad_times_are_refused() {
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T10:00:00",
            "2026-03-01T10:00Z",
            "2026-03-01T10:00:60Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:60:00Z",
            "2026-02-29T10:00:00Z",
            "1900-02-29T10:00:00Z",
            "2026-04-31T10:00:00Z",
            "2026-00-01T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-01-00T10:00:00Z",
            "2026-03-01T10:00:00.Z",
            "2026-03-01T10:00:00.1234567890Z",
            "2026-03-01T10:00:00,5Z",
            "2026-03-01T10:00:00+24:00",
            "2026-03-01T10:00:00+05:60",
            "2026-03-01T10:00:00+0500",
            "2026-03-01T10:00:00+05",
            "2026-03-01T10:00:00 +05:00",
            "2026-03-01T10:00:00Z ",
            " 2026-03-01T10:00:00Z",
            "2026-03-01_10:00:00Z",
            "2026/03/01T10:00:00Z",
            "26-03-01T10:00:00Z",
            "+026-03-01T10:00:00Z",
            "2026-03-0\u{661}T10:00:00Z",
            "1 772 345 678",
        ] {
            assert_eq!(parse_rfc3339(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_ten_thousand_years_is_counted_as_chrono_does() {
        let mut day = chrono::NaiveDate::from_ymd_opt(0, 1, 1).unwrap();
        let last = chrono::NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();
        let mut expected: i64 = -719_528 * DAY_MS;
        loop {
            let text = day.format("%Y-%m-%d").to_string();
            assert_eq!(day_ms(text.as_bytes().try_into().unwrap()), Some(expected), "{text}");
            if day == last {
                break;
            }
            day = day.succ_opt().unwrap();
            expected += DAY_MS;
        }
    }

    proptest! {
        #[test]
        fn written_instants_are_read_as_chrono_reads_them(
            (year, month, day) in (0u32..=9999, 0u32..=13, 0u32..=32),
            (hour, minute, second) in (0u32..=24, 0u32..=60, 0u32..=60),
            fraction in proptest::option::of("[0-9]{1,9}"),
            offset in proptest::option::of((proptest::bool::ANY, 0u32..=24, 0u32..=60)),
            separator in proptest::sample::select(vec!['T', 't', ' ']),
        ) {
            let mut text = format!("{year:04}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}");
            if let Some(fraction) = fraction {
                text.push('.');
                text.push_str(&fraction);
            }
            match offset {
                None => text.push('Z'),
                Some((east, hours, minutes)) => {
                    text.push_str(&format!("{}{hours:02}:{minutes:02}", if east { '+' } else { '-' }));
                }
            }
            prop_assert_eq!(parse_rfc3339(text.as_bytes()), by_chrono(&text), "{}", text);
        }

        #[test]
        fn a_cache_changes_no_reading(texts in proptest::collection::vec(
            "2026-0[12]-[0-3][01]T[012][0-9]:00:00(\\.5|\\.[0-9]{3}|\\.[0-9]{8})?(Z|[+-]0[56]:[0-9]0?)", 1..30)
        ) {
            let mut cache = DateCache::new();
            for text in texts {
                prop_assert_eq!(cache.parse_rfc3339(text.as_bytes()), parse_rfc3339(text.as_bytes()), "{}", text);
            }
        }

        #[test]
        fn bytes_of_any_kind_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut cache = DateCache::new();
            prop_assert_eq!(cache.parse_rfc3339(&[0; 29]), None);
            prop_assert_eq!(parse_rfc3339(&bytes), cache.parse_rfc3339(&bytes));
        }

        #[test]
        fn one_changed_byte_is_read_as_chrono_reads_it(at in 0usize..29, byte in 0u8..128) {
            let mut text = b"2026-03-01T10:20:30.456+05:00".to_vec();
            text[at] = byte;
            let text = String::from_utf8(text).unwrap();
            let mut cache = DateCache::new();
            assert!(cache.parse_rfc3339(b"2026-03-01T10:20:30.456+05:00").is_some());
            prop_assert_eq!(cache.parse_rfc3339(text.as_bytes()), by_chrono(&text), "{}", text);
            // chrono takes a minus sign of Unicode only, and no other text than ours.
            prop_assert_eq!(parse_rfc3339(text.as_bytes()), by_chrono(&text), "{}", text);
        }
    }
}
