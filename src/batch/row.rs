//! Rows of `rated.csv` as nearly all are, put together in place: names that were padded once, digits eight at a time,
//! the calendar day of the row before. `None` leaves a row to [`super::write`], whose bytes are the same; a test
//! compares them.

use crate::tariff::Version;
use crate::units::{InstantMs, Tiyn};

/// A name that stands in many rows, with its comma.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    text: [u8; NAME],
    length: usize,
}

const NAME: usize = 32;

impl Name {
    /// `None` where the escaped name is too long.
    pub(super) fn of(escaped: &[u8]) -> Option<Self> {
        let mut text = [0; NAME];
        text.get_mut(..escaped.len())?.copy_from_slice(escaped);
        *text.get_mut(escaped.len())? = b',';
        Some(Self { text, length: escaped.len().saturating_add(1) })
    }
}

/// The calendar day of the last instant, as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    version: u16,
    from: InstantMs,
    to: InstantMs,
    midnight: InstantMs,
    /// `2026-03-01T00:00:00.000+05:00,`
    text: [u8; INSTANT],
}

const INSTANT: usize = 30;
const DAY_MS: i64 = 86_400_000;

impl Day {
    /// The day of an instant, `None` where its offset changes or is not tabulated, or the year has not four digits.
    fn of(version: &Version, index: u16, at: InstantMs) -> Option<Self> {
        let local = version.zone.local(at);
        let midnight = at.plus_ms(local.ms_of_day.wrapping_neg());
        let to = midnight.plus_ms(DAY_MS);
        let steady = version.zone.next_change(midnight).is_none_or(|change| change >= to);
        if !steady || !version.zone.is_tabulated(midnight) || !version.zone.is_tabulated(to) {
            return None;
        }
        let mut text = *b"0000-00-00T00:00:00.000+00:00,";
        let minutes = (local.offset_ms / 60_000).unsigned_abs();
        let sign = if local.offset_ms < 0 { '-' } else { '+' };
        let written = format!("{}T00:00:00.000{sign}{:02}:{:02},", local.day, minutes / 60, minutes % 60);
        text = written.as_bytes().try_into().unwrap_or(text);
        Some(Self { version: index, from: midnight, to, midnight, text })
    }
}

/// A row under way.
pub(super) struct Row {
    bytes: [u8; ROW],
    length: usize,
    day: Option<Day>,
}

const ROW: usize = 768;

impl Default for Row {
    fn default() -> Self {
        Self { bytes: [0; ROW], length: 0, day: None }
    }
}

impl Row {
    /// Begins a row with the name of its source.
    #[inline]
    pub(super) fn begin(&mut self, source: &Name) -> Option<()> {
        self.length = 0;
        self.name(source)
    }

    /// What stands so far.
    #[inline]
    pub(super) fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    #[inline]
    fn put<const N: usize>(&mut self, text: &[u8; N], length: usize) -> Option<()> {
        *self.bytes.get_mut(self.length..)?.first_chunk_mut::<N>()? = *text;
        self.length = self.length.wrapping_add(length);
        Some(())
    }

    /// A name and its comma.
    #[inline]
    pub(super) fn name(&mut self, name: &Name) -> Option<()> {
        self.put(&name.text, name.length)
    }

    /// The rest of a row.
    #[inline]
    pub(super) fn rest(&mut self, text: &[u8]) -> Option<()> {
        let end = self.length.checked_add(text.len())?;
        self.bytes.get_mut(self.length..end)?.copy_from_slice(text);
        self.length = end;
        Some(())
    }

    /// An id and a comma; `None` where it is long or may need quotes.
    #[inline]
    pub(super) fn id(&mut self, text: &[u8]) -> Option<()> {
        let end = self.length.checked_add(text.len())?;
        let place = self.bytes.get_mut(self.length..end)?;
        let plain = match text.len() {
            4..8 => copy_ends::<4>(place, text),
            8..17 => copy_ends::<8>(place, text),
            17..33 => {
                let last = text.len().wrapping_sub(16);
                copy_ends::<8>(place.get_mut(..16)?, text.get(..16)?)
                    && copy_ends::<8>(place.get_mut(last..)?, text.get(last..)?)
            }
            _ => false,
        };
        if !plain {
            return None;
        }
        self.length = end;
        self.put(b",", 1)
    }

    /// A number below 10⁸ and a comma.
    #[inline]
    pub(super) fn number(&mut self, number: u64) -> Option<()> {
        self.digits(u32::try_from(number).ok()?)?;
        self.put(b",", 1)
    }

    #[inline]
    fn digits(&mut self, number: u32) -> Option<()> {
        if number >= 100_000_000 {
            return None;
        }
        let digits = eight_digits(number);
        // A number has one digit at least.
        let leading = ((digits | 1 << 56).trailing_zeros() / 8) as usize;
        let text = (digits | ZEROS) >> (leading as u32).wrapping_mul(8);
        self.put(&text.to_le_bytes(), 8usize.wrapping_sub(leading))
    }

    /// An amount and a comma; `None` of a million tenge and more, or below zero.
    #[inline]
    pub(super) fn tenge(&mut self, amount: Tiyn) -> Option<()> {
        let tiyn = u32::try_from(amount.get()).ok()?;
        self.digits(tiyn / 100)?;
        let rest = tiyn % 100;
        let (tens, ones) = (rest / 10, rest % 10);
        self.put(&[b'.', b'0'.wrapping_add(tens as u8), b'0'.wrapping_add(ones as u8), b','], 4)
    }

    /// An instant as RFC 3339 and a comma.
    #[inline]
    pub(super) fn instant(&mut self, version: &Version, index: u16, at: InstantMs) -> Option<()> {
        let day = match self.day {
            Some(day) if day.from <= at && at < day.to && day.version == index => day,
            _ => {
                let day = Day::of(version, index, at)?;
                self.day = Some(day);
                day
            }
        };
        let ms = u32::try_from(at.since(day.midnight)).ok()?;
        let (seconds, ms) = (ms / 1000, ms % 1000);
        let (minutes, second) = (seconds / 60, seconds % 60);
        let (hour, minute) = (minutes / 60, minutes % 60);
        // `HHMMSSmm` without their signs, and the last digit.
        let clock = hour
            .wrapping_mul(1_000_000)
            .wrapping_add(minute.wrapping_mul(10_000))
            .wrapping_add(second.wrapping_mul(100))
            .wrapping_add(ms / 10);
        let [h1, h2, m1, m2, s1, s2, f1, f2] = (eight_digits(clock) | ZEROS).to_le_bytes();
        let mut text = day.text;
        if let Some(place) = text.get_mut(11..23).and_then(|place| place.first_chunk_mut::<12>()) {
            *place = [h1, h2, b':', m1, m2, b':', s1, s2, b'.', f1, f2, b'0'.wrapping_add((ms % 10) as u8)];
        }
        self.put(&text, INSTANT)
    }
}

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight digits of a number below 10⁸, the first in the lowest byte, as values.
///
/// In halves, quarters and digits side by side; a division is a multiplication that is exact for so few digits.
#[inline]
fn eight_digits(number: u32) -> u64 {
    let halves = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    let hundreds = (halves.wrapping_mul(10_486) >> 20) & 0x0000_007F_0000_007F;
    let pairs = hundreds | halves.wrapping_sub(hundreds.wrapping_mul(100)) << 16;
    let tens = (pairs.wrapping_mul(103) >> 10) & 0x000F_000F_000F_000F;
    tens | pairs.wrapping_sub(tens.wrapping_mul(10)) << 8
}

/// Copies the first and the last `N` bytes: all of a text of `N` to 2 `N`. False where a byte may need quotes: the
/// comma, the quote and the ends of lines are below the hyphen, and so are some that need none.
#[inline]
fn copy_ends<const N: usize>(place: &mut [u8], text: &[u8]) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) else { return false };
    if let Some(place) = place.first_chunk_mut::<N>() {
        *place = *first;
    }
    if let Some(place) = place.last_chunk_mut::<N>() {
        *place = *last;
    }
    is_plain(first) && is_plain(last)
}

#[inline]
fn is_plain<const N: usize>(text: &[u8; N]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut bytes = *b"--------";
    for (place, byte) in bytes.iter_mut().zip(text) {
        *place = *byte;
    }
    // No byte with its high bit set borrows from its neighbour; one that is below the hyphen loses the bit.
    (u64::from_le_bytes(bytes) | HIGH).wrapping_sub(0x2D2D_2D2D_2D2D_2D2D) & HIGH == HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Row) -> Option<()>) -> Option<String> {
        let mut row = Row::default();
        write(&mut row)?;
        Some(String::from_utf8(row.text().to_vec()).unwrap())
    }

    #[test]
    fn digits_are_those_of_the_number() {
        for number in (0..100_000).chain((100_000..100_000_000).step_by(9_973)).chain([99_999_999]) {
            assert_eq!(text(|row| row.number(number)), Some(format!("{number},")));
        }
        assert_eq!(text(|row| row.number(100_000_000)), None);
        for tiyn in [0, 1, 9, 10, 99, 100, 12_345, 429_496_729] {
            assert_eq!(text(|row| row.tenge(Tiyn::new(tiyn))), Some(format!("{},", Tiyn::new(tiyn))));
        }
        assert_eq!(text(|row| row.tenge(Tiyn::new(-1))), None);
    }

    #[test]
    fn ids_that_may_need_quotes_are_left_to_the_book() {
        for length in 4..33 {
            let plain: String = ('0'..='9').cycle().take(length).collect();
            assert_eq!(text(|row| row.id(plain.as_bytes())), Some(format!("{plain},")));
            for at in 0..length {
                for other in [b',', b'"', b'\n', b'\r'] {
                    let mut id = plain.clone().into_bytes();
                    id[at] = other;
                    assert_eq!(text(|row| row.id(&id)), None, "{length} {at}");
                }
            }
        }
        assert_eq!(text(|row| row.id(&[b'1'; 33])), None);
        assert_eq!(text(|row| row.id("77010042-ж".as_bytes())).as_deref().unwrap_or("77010042-ж,"), "77010042-ж,");
    }

    proptest! {
        #[test]
        fn an_id_is_itself_or_left_to_the_book(id in "[ -~]{0,40}") {
            if let Some(written) = text(|row| row.id(id.as_bytes())) {
                prop_assert_eq!(written, format!("{id},"));
            }
        }
    }
}
